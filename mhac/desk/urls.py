from django.urls import path

from mhac.desk import people, registration, review, today

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
    path("to-decide/", review.to_decide, name="to_decide"),
    path("review/<uuid:pk>/", review.review, name="review"),
    path("review/<uuid:pk>/next/", review.following, name="next"),
]
