"""What every page carries: the doors this user may open, the site, the training mark."""

from functools import cache

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mhac.labs import critical

# (address, label, permission): shown when the user holds the permission; the first one is where she lands.
DOORS = [
    ("desk:today", _("Today"), "appointments.view_booking"),
    ("desk:room", _("My room"), "patients.add_identitycheck"),
    ("desk:people", _("People"), "patients.search_patient"),
    ("desk:pairs", _("Two records"), "patients.decide_merge"),
    ("patients:incidents", _("Incidents"), "patients.view_identityincident"),
    ("desk:recall", _("To call"), "appointments.change_booking"),
    ("exams:films", _("X-ray"), "exams.read_chestxray"),
    ("labs:bench", _("Bench"), "labs.change_laborder"),
    ("labs:to_verify", _("To verify"), "labs.verify_labresult"),
    ("labs:quality", _("Quality control"), "labs.view_controlrun"),
    ("lab_integration:inbox", _("Inbox"), "lab_integration.view_inbox"),
    ("desk:to_decide", _("To decide"), "decisions.sign"),
    ("certificates:list", _("Documents"), "certificates.view_certificate"),
    ("payments:cash", _("Cash"), "payments.view_receipt"),
    ("desk:programmes", _("Programmes"), "screenings.view_programmestate"),
    ("appointments:rosters", _("Roster"), "appointments.change_timetable"),
    ("portal:documents", _("Documents"), "certificates.view_release"),
    ("lab_integration:analyzers", _("Analyzers"), "lab_integration.view_analyzer"),
    ("payments:tariffs", _("Prices"), "payments.add_tariff"),
    ("accounts:users", _("Users"), "accounts.view_user"),
    ("accounts:accesses", _("Access log"), "accounts.view_access"),
]

# Where somebody lands who works behind one door all day.
LANDING = {
    "LAB": "labs:bench",
    "LSU": "labs:to_verify",
    "RAD": "exams:films",
    "PHY": "desk:to_decide",
    "QCO": "labs:quality",
    "ADM": "accounts:users",
    "AUD": "accounts:accesses",
}


def doors(user):
    return [(name, label) for name, label, permission in DOORS if user.has_perm(permission)]


def every_page(request):
    user = getattr(request, "user", None)
    signed_in = user is not None and user.is_authenticated
    return {
        "doors": doors(user) if signed_in else [],
        # Asked for when a whole page is drawn, and not for each fragment of one.
        "critical_warning": cache(lambda: critical.warning(user.rights, timezone.now())) if signed_in else None,
        "training": settings.TRAINING,
        "languages": settings.LANGUAGES,
    }
