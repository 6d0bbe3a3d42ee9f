from django.urls import path

from mhac.screenings import views

app_name = "screenings"
urlpatterns = [
    path("<uuid:pk>/consent/", views.consent, name="consent"),
    path("<uuid:pk>/travel/", views.travel, name="travel"),
    path("<uuid:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("consents/<uuid:pk>/withdraw/", views.withdraw_consent, name="withdraw_consent"),
]
