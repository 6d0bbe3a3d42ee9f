from django.urls import path

from mhac.patients import incidents, views

app_name = "patients"
urlpatterns = [
    path("incidents/", incidents.incidents, name="incidents"),
    path("incidents/<uuid:pk>/", incidents.incident, name="incident"),
    path("calendar/", views.calendar, name="calendar"),
    path("<uuid:pk>/photo/", views.photo, name="photo"),
    path("<uuid:pk>/photo/new/", views.take_photo, name="take_photo"),
    path("<uuid:pk>/confirm/", views.confirm, name="confirm"),
    path("<uuid:pk>/correct/", views.correct, name="correct"),
    path("<uuid:pk>/document/", views.add_document, name="add_document"),
]
