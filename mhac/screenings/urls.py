from django.urls import path

from mhac.screenings import consents, guardians, views

app_name = "screenings"
urlpatterns = [
    path("<uuid:pk>/consent/", consents.consent, name="consent"),
    path("<uuid:pk>/consent/form/", consents.consent_form, name="consent_form"),
    path("<uuid:pk>/travel/", views.travel, name="travel"),
    path("<uuid:pk>/withdraw/", views.withdraw, name="withdraw"),
    path("consents/<uuid:pk>/withdraw/", consents.withdraw_consent, name="withdraw_consent"),
    path("cases/<uuid:pk>/guardians/", guardians.guardians, name="guardians"),
    path("cases/<uuid:pk>/papers/", guardians.papers, name="papers"),
]
