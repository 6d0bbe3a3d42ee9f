"""The programmes: which edition is in force, who is taken where, and the form that changes it."""

from django.contrib import messages
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _

from mhac.accounts.forms import OwnPasswordForm
from mhac.accounts.permissions import needs
from mhac.appointments.places import Places
from mhac.desk import intake
from mhac.screenings import services
from mhac.screenings.forms import StateForm
from mhac.screenings.programmes import programmes as known
from mhac.screenings.status import States

DECIDES = "screenings.add_programmestate"


@needs("screenings.view_programmestate")
def programmes(request):
    """All programmes at one site."""
    clinic = _site(request)
    lines = intake.lines(clinic, clinic.today(), drafts=request.user.has_perm(DECIDES))
    context = {"lines": lines, "clinic": clinic, "sites": request.user.sites()}
    return render(request, "desk/programmes.html", context)


@needs("screenings.view_programmestate")
def programme(request, key):
    """One programme at one site: its states, those that come, and the bookings they leave standing."""
    clinic, states = _site(request), States(key)
    line = _line(request, key, clinic, states)
    found = intake.effects(key, [clinic], states, request.user)
    turns = states.timeline(key, clinic)
    context = {
        "line": line,
        "clinic": clinic,
        "sites": request.user.sites(),
        "effects": found,
        "may_read_bookings": request.user.sites("appointments.view_booking").filter(pk=clinic.pk).exists(),
        "coming": [each for each in turns if each.since and each.since > clinic.today()],
        "rows": states.rows_of(key, clinic),
    }
    return render(request, "desk/programme.html", context)


@needs("screenings.add_programmestate")
def change_programme(request, key):
    """First what is decided, then what it would mean and the password; nothing is saved in between."""
    clinic, states = _site(request), States(key)
    line = _line(request, key, clinic, states)
    form = StateForm(request.POST or None, user=request.user, programme=key, clinic=clinic)
    if not form.is_valid() or "back" in request.POST:
        return render(request, "desk/programme_change.html", {"line": line, "clinic": clinic, "form": form})
    again = OwnPasswordForm(request.POST if "password" in request.POST else None, request=request)
    if again.is_valid() and (row := _decided(form, again, key)):
        messages.success(request, _("%(programme)s: the state is changed.") % {"programme": line.name})
        return redirect(f"{reverse('desk:programme', args=[key])}?site={(row.clinic or clinic).code}")
    context = {"line": line, "clinic": clinic, "form": form, "again": again} | _meant(request, form.row, key)
    return render(request, "desk/programme_confirm.html", context)


def _site(request):
    """The site that the address names, among those of the user; her first one otherwise."""
    sites = request.user.sites()
    return sites.filter(code=request.GET.get("site", "")).first() or get_object_or_404(sites[:1])


def _line(request, key, clinic, states):
    """Raises Http404 for no programme, and for one in preparation to whoever cannot open it."""
    if key not in known().keys():  # noqa: SIM118 - it is no dictionary
        raise Http404
    line = intake.line(key, clinic, clinic.today(), Places(key, first=clinic.today(), states=states))
    if line.standing.is_draft and not request.user.has_perm(DECIDES):
        raise Http404
    return line


def _meant(request, row, key):
    """The state as if it were decided already, and what it would leave standing."""
    sites = [row.clinic] if row.clinic else list(request.user.sites())
    states = States(key, coming=[row])
    standing = states.on(key, row.clinic, row.from_day)
    return {"row": row, "standing": standing, "effects": intake.effects(key, sites, states, request.user, row)}


def _decided(form, again, key):
    """The row that was written; None where the service refused, with its sentence in the form."""
    try:
        return services.decide_state(key, **form.decision())
    except services.Refused as refusal:
        again.add_error(None, str(refusal))
        return None
