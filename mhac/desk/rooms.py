"""My room: the queue of one station, who is called to it, whether she is the right person, and where she goes next."""

from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme, urlencode
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.appointments import loads, services
from mhac.appointments.models import Visit, Workplace
from mhac.clinics.models import Clinic
from mhac.desk import board, stations
from mhac.patients import services as patients
from mhac.patients.models import IdentityCheck
from mhac.screenings.models import Screening

SHOWN = 200
HOME = "home"


@dataclass(frozen=True)
class Here:
    """Where this user works now: site, station, and the room as the waiting room's board names it."""

    clinic: Clinic
    station: str
    room: str

    @property
    def label(self):
        return IdentityCheck.Station(self.station).label

    @property
    def address(self):
        return reverse("desk:room") + "?" + urlencode({"site": self.clinic.code, "station": self.station})


@needs("patients.add_identitycheck")
def room(request):
    context = _room(request, _here(request))
    return render(request, "desk/room.html#queue" if request.htmx else "desk/room.html", context)


@needs("patients.add_identitycheck")
def at_station(request, station, screening):
    """The panel of a station's page: is she the right person, is she called, where does she go next."""
    screening = _screening(request, screening)
    context = _about(request, screening, _station(request, station))
    return render(request, "desk/at_station.html#panel" if request.htmx else "desk/at_station.html", context)


@require_POST
@needs("patients.add_identitycheck")
def call_next(request):
    """Whoever is in the room goes on to where she waits least, and the next person is called."""
    here = _here(request)
    inside = _mine(request.user, here, Visit.State.INSIDE)
    if inside is None or _done(request, _send_on, request, inside, request.POST.get("to", "")):
        _done(request, stations.send_on_who_is_done, here.clinic, here.station, by=request.user)
        _done(request, _call_next, request, here)
    return redirect(here.address)


@require_POST
@needs("patients.add_identitycheck")
def call(request, visit):
    visit, here = _visit(request, visit)
    _done(request, _call, request, visit, here)
    return redirect(here.address)


@require_POST
@needs("patients.add_identitycheck")
def came(request, station, screening):
    """The face was compared at this station; whoever was called there has come in, and her form is opened."""
    screening = _screening(request, screening)
    here = _here(request, station=_station(request, station), clinic=screening.clinic)
    done = _done(request, _compared, request, screening, here)
    return redirect(_following(request, screening, here) if done else here.address)


@require_POST
@needs("patients.add_identitycheck")
def mismatch(request, station, screening):
    screening = _screening(request, screening)
    here = _here(request, station=_station(request, station), clinic=screening.clinic)
    if _done(request, _not_she, request, screening, here):
        messages.success(
            request, _("Written down. Let nobody go on with this person before the site manager has seen it.")
        )
    return redirect(here.address)


@require_POST
@needs("patients.add_identitycheck")
def absent(request, visit):
    visit, here = _visit(request, visit)
    _done(request, services.not_here, visit, by=request.user)
    return redirect(here.address)


@require_POST
@needs("patients.add_identitycheck")
def back(request, visit):
    """The call was a mistake."""
    visit, here = _visit(request, visit)
    _done(request, services.put_back, visit, by=request.user)
    return redirect(here.address)


@require_POST
@needs("patients.add_identitycheck")
def send(request, visit):
    """The person goes on, to where the page proposes or to what was chosen."""
    visit, here = _visit(request, visit)
    _done(request, _send_on, request, visit, request.POST.get("to", ""))
    return redirect(here.address)


def _done(request, act, *subjects, **details):
    """Whether it was done; a refusal becomes the sentence on the next page."""
    try:
        with transaction.atomic():
            act(*subjects, **details)
    except (services.Refused, patients.Refused) as refusal:
        messages.error(request, str(refusal))
        return False
    return True


def _call_next(request, here):
    _told(request, services.call_next(here.clinic, here.station, room=here.room, by=request.user))


def _call(request, visit, here):
    _told(request, services.call(visit, room=here.room, by=request.user))


def _told(request, visit):
    record_access(request, visit.booking.screening, clinic=visit.clinic, action="call")


def _send_on(request, visit, to):
    """`to`: a station, "home", or "" for what is proposed."""
    person = stations.known([visit.booking.screening], visit.day)[visit.booking.screening_id]
    if to == "":
        to = stations.propose(person.needed, loads.of(visit.clinic, visit.day, timezone.now()), visit.station)
        if visit.station in person.needed and visit.state == Visit.State.INSIDE:
            raise services.Refused(
                _("What is done here is not saved yet. Save it first, or choose where the person goes.")
            )
    to = "" if to == HOME else _any_station(to)
    services.send_on(visit, to=to, by=request.user, first=person.goes_first)
    said = {"ticket": visit.booking.ticket, "station": IdentityCheck.Station(to).label if to else ""}
    text = _("Ticket %(ticket)s goes on to: %(station)s.") if to else _("Ticket %(ticket)s has finished for today.")
    messages.success(request, text % said)


def _compared(request, screening, here):
    if stopped := patients.held(screening.patient):
        raise patients.Refused(stopped)
    patients.confirm_identity(screening.patient, station=here.station, clinic=here.clinic, by=request.user)
    visit = _open_visit(screening, here.clinic, here.station)
    if visit is not None and visit.state == Visit.State.WAITING and _mine(request.user, here) is None:
        # She was taken from a list instead of being called.
        visit = services.call(visit, room=here.room, by=request.user)
    if visit is not None and visit.state == Visit.State.CALLED:
        services.come_in(visit, by=request.user)


def _not_she(request, screening, here):
    """Kept as a check that failed, which opens the incident; she stands in no queue until a manager has decided."""
    note = request.POST.get("note", "")[:200]
    patients.confirm_identity(
        screening.patient, station=here.station, clinic=here.clinic, by=request.user, confirmed=False, note=note
    )
    if visit := _open_visit(screening, here.clinic, here.station):
        services.send_on(visit, to="", by=request.user)


def _following(request, screening, here):
    """Back to the page that asked, else to the first form of this station that is still open."""
    asked = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure()):
        return asked
    person = stations.known([screening], here.clinic.today())[screening.pk]
    steps = board.steps_at(here.station, person.records, request.user)
    return next((step.page for step in steps if step.colour == board.TO_DO and step.page), here.address)


def _here(request, station="", clinic=None):
    """What the form or the address says, else what this browser did last, else the first station of her role."""
    said, kept = request.POST or request.GET, request.session.get("room", {})
    sites = list(request.user.sites())
    codes = [clinic.code] if clinic else [said.get("site", ""), kept.get("site", "")]
    clinic = next((site for code in codes for site in sites if site.code == code), sites[0])
    own = stations.of_user(request.user)
    if not own:
        raise Http404
    wanted = [station, said.get("station", ""), kept.get("station", ""), board.station_of(request.user)]
    station = next((each for each in wanted if each in own), own[0])
    same = station == kept.get("station")
    place = said.get("room", kept.get("room", "") if same else "").strip()[:30]
    if (now := {"site": clinic.code, "station": str(station), "room": place}) != kept:
        request.session["room"] = now
    return Here(clinic, str(station), place)


def _station(request, station):
    if station not in stations.of_user(request.user):
        raise Http404
    return station


def _any_station(station):
    if station not in IdentityCheck.Station.values:
        raise services.Refused(_("There is no such station. Choose one of the list."))
    return station


def _screening(request, key):
    return get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=key)


def _visit(request, key):
    """A visit of today at a station of this user, and where she works."""
    visits = Visit.objects.visible_to(request.user).filter(station__in=stations.of_user(request.user))
    visit = get_object_or_404(visits.with_person(), pk=key)
    return visit, _here(request, station=visit.station, clinic=visit.clinic)


def _open_visit(screening, clinic, station):
    rows = Visit.objects.on(clinic, clinic.today()).open().filter(patient=screening.patient_id, station=station)
    return rows.with_person().first()


def _mine(user, here, *states):
    """Whom this user has called to this station and not sent on, or None."""
    rows = Visit.objects.on(here.clinic, here.clinic.today()).filter(called_by=user, station=here.station)
    return rows.filter(state__in=states or [Visit.State.CALLED, Visit.State.INSIDE]).with_person().first()


def _room(request, here):
    now, day = timezone.now(), here.clinic.today()
    busy = loads.of(here.clinic, day, now)
    visits = Visit.objects.on(here.clinic, day).waiting().filter(station=here.station).in_turn().with_person()
    context = {
        "here": here,
        "load": busy[here.station],
        "queue": (queue := [_row(visit, busy[here.station].limit, now) for visit in visits[:SHOWN]]),
        "longest": max((row["minutes"] for row in queue), default=0),
        "current": (mine := _mine(request.user, here)),
    }
    if request.htmx:
        return context
    context["sites"] = request.user.sites()
    context["stations"] = [IdentityCheck.Station(each) for each in stations.of_user(request.user)]
    context["rooms"] = Workplace.objects.filter(clinic=here.clinic, kind=here.station).exclude(name="")
    return context | (_with(request, mine.booking.screening, here, busy) if mine else {})


def _row(visit, limit, now):
    minutes = visit.minutes_waited(now)
    resting = visit.not_before is not None and visit.not_before > now
    age = visit.booking.screening.patient.age_on(visit.day)
    return {"visit": visit, "minutes": minutes, "colour": limit.colour(minutes), "age": age, "resting": resting}


def _with(request, screening, here, busy):
    """What a page says about the person of this room: her forms here, and where she goes next."""
    day = here.clinic.today()
    person = stations.known([screening], day)[screening.pk]
    to = stations.propose(person.needed, busy, here.station)
    return {
        "screening": screening,
        "age": screening.patient.age_on(day),
        "steps": board.steps_at(here.station, person.records, request.user),
        "proposed": to,
        "following": busy[to] if to else None,
        "is_open_here": here.station in person.needed,
        "choices": [load for load in busy.values() if load.station != here.station],
    }


def _about(request, screening, station):
    clinic = screening.clinic
    here = _here(request, station=station, clinic=clinic)
    checks = IdentityCheck.objects.filter(patient=screening.patient_id, clinic=clinic, day=clinic.today())
    context = {
        "here": here,
        "check": checks.filter(station=station).select_related("by").order_by("at").last(),
        "stopped": patients.held(screening.patient),
        "current": _mine(request.user, here),
        "back": request.htmx.current_url_abs_path if request.htmx else "",
    }
    return context | _with(request, screening, here, loads.of(clinic, clinic.today(), timezone.now()))
