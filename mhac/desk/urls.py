from django.urls import path

from mhac.desk import clock, people, programmes, registration, review, today

app_name = "desk"
urlpatterns = [
    path("today/", today.today, name="today"),
    path("today/films/", today.waiting_for_film, name="waiting_for_film"),
    path("people/", people.search, name="people"),
    path("people/<uuid:pk>/", people.patient, name="patient"),
    path("find/", people.find, name="find"),
    path("cases/new/", registration.new_case, name="new_case"),
    path("cases/<uuid:pk>/", registration.case, name="case"),
    path("cases/<uuid:pk>/members/", registration.members, name="members"),
    path("programmes/", programmes.programmes, name="programmes"),
    path("programmes/<slug:key>/", programmes.programme, name="programme"),
    path("programmes/<slug:key>/change/", programmes.change_programme, name="change_programme"),
    path("cases/<uuid:pk>/clock/", clock.show, name="clock"),
    path("notices/<uuid:pk>/seen/", clock.seen, name="notice_seen"),
    path("to-decide/", review.to_decide, name="to_decide"),
    path("review/<uuid:pk>/", review.review, name="review"),
    path("review/<uuid:pk>/next/", review.following, name="next"),
]
