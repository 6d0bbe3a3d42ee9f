"""The roof: the address of every room."""

from allauth.account import views as account
from django.urls import include, path
from django.views.i18n import set_language

from mhac.accounts.permissions import open_to_all
from mhac.desk.home import home, keys

urlpatterns = [
    path("", home, name="home"),
    path("help/keys/", keys, name="help_keys"),
    path("language/", open_to_all(set_language), name="set_language"),
    path("account/sign-in/", account.login, name="account_login"),
    path("account/sign-out/", account.logout, name="account_logout"),
    path("users/", include("mhac.accounts.urls")),
    path("patients/", include("mhac.patients.urls")),
    path("screenings/", include("mhac.screenings.urls")),
    path("appointments/", include("mhac.appointments.urls")),
    path("payments/", include("mhac.payments.urls")),
    path("exams/", include("mhac.exams.urls")),
    path("lab/", include("mhac.labs.urls")),
    path("wire/", include("lab_integration.urls")),
    path("decisions/", include("mhac.decisions.urls")),
    path("documents/", include("mhac.certificates.urls")),
    path("partner/", include("mhac.portal.urls")),
    path("desk/", include("mhac.desk.urls")),
]
