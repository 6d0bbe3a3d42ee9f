from django.urls import path

from mhac.appointments import views

app_name = "appointments"
urlpatterns = [
    path("opening/", views.opening, name="opening"),
    path("opening/times/", views.set_timetable, name="set_timetable"),
    path("opening/close/", views.close, name="close"),
    path("opening/<uuid:closure>/open/", views.open_again, name="open_again"),
    path("book/<uuid:case>/", views.book, name="book"),
    path("<uuid:booking>/move/", views.reschedule, name="reschedule"),
    path("<uuid:booking>/cancel/", views.cancel, name="cancel"),
    path("<uuid:booking>/arrived/", views.arrive, name="arrive"),
    path("<uuid:booking>/arrived-together/", views.arrive_together, name="arrive_together"),
    path("<uuid:booking>/not-arrived/", views.take_back_arrival, name="take_back_arrival"),
    path("<uuid:booking>/did-not-come/", views.no_show, name="no_show"),
]
