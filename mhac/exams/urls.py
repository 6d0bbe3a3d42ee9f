from django.urls import path

from mhac.exams import views

app_name = "exams"
urlpatterns = [
    path("<uuid:screening>/vitals/", views.vitals, name="vitals"),
    path("<uuid:screening>/history/", views.history, name="history"),
    path("<uuid:screening>/pregnancy/", views.pregnancy, name="pregnancy"),
    path("<uuid:screening>/examination/", views.exam, name="exam"),
    path("<uuid:screening>/film/", views.film, name="film"),
    path("<uuid:screening>/film/taken/", views.take_film, name="take_film"),
    path("films/", views.films, name="films"),
    path("films/<uuid:film>/", views.read, name="read"),
]
