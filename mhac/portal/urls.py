from django.urls import path

from mhac.portal import views

app_name = "portal"
urlpatterns = [
    path("", views.documents, name="documents"),
    path("<uuid:release>/file/", views.download, name="download"),
]
