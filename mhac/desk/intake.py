"""Who is taken: the programmes a family can come for, their states, what stands in the days of a pause. Reads only."""

from dataclasses import dataclass
from datetime import date

from django.utils.translation import gettext_lazy as _

from mhac.appointments.models import Booking
from mhac.appointments.places import Places
from mhac.protocols.programme import Edition
from mhac.screenings.models import ProgrammeState, Screening
from mhac.screenings.programmes import programmes, title
from mhac.screenings.status import Standing, State, States

# What a programme ends in, by the word of its edition.
DOCUMENTS = {
    "ime_summary": _("summary of the medical examination"),
    "tb_clearance": _("tuberculosis clearance certificate"),
    "fit_to_travel": _("fit-to-travel letter"),
}


@dataclass(frozen=True)
class Choice:
    """A programme on the form for a new family: its edition, and its state at each site of the user."""

    edition: Edition
    standings: list[Standing]

    @property
    def document(self):
        return DOCUMENTS.get(self.edition.document, _("the result goes by the partner's portal or forms"))

    @property
    def is_open(self):
        return any(standing.takes_people for standing in self.standings)

    @property
    def to_tell(self):
        """Each state that is not simply open, once."""
        return list(dict.fromkeys(standing for standing in self.standings if standing.state != State.OPEN))


def choices(sites, day) -> list[Choice]:
    """The programmes with an edition in force on `day`, without those that are in preparation. One query."""
    states, found = States(), []
    for key in programmes():
        standings = [states.on(key, site, site.today()) for site in sites]
        edition = edition_of(key, day)
        if edition and not (standings and all(standing.is_draft for standing in standings)):
            found.append(Choice(edition, standings))
    return found


def edition_of(programme, day):
    """The edition in force on `day`, or None."""
    return next((each for each in reversed(programmes().editions(programme)) if each.in_force <= day), None)


@dataclass(frozen=True)
class Line:
    """A programme at one site: its edition, the one that comes next, its state and how many are booked on the day."""

    key: str
    edition: Edition | None
    coming: Edition | None
    standing: Standing
    booked: int

    @property
    def name(self):
        return title(self.edition or self.coming)


def lines(clinic, day, *, drafts) -> list[Line]:
    """All programmes; those in preparation only when `drafts`. Two queries, however many."""
    keys = list(programmes())
    places = Places(*keys, first=day, states=States())
    found = [line(key, clinic, day, places) for key in keys]
    return [each for each in found if drafts or not each.standing.is_draft]


def line(key, clinic, day, places) -> Line:
    coming = next((each for each in programmes().editions(key) if each.in_force > day), None)
    standing = places.on(key, clinic, day)
    return Line(key, edition_of(key, day), coming, standing, places.booked(key, clinic, day))


def other_than_open(clinic, day) -> dict[str, Standing]:
    """The programmes that are not simply open at `clinic` on `day`, each with its state. One query."""
    states = States()
    found = {key: states.on(key, clinic, day) for key in programmes()}
    return {key: standing for key, standing in found.items() if standing.state != State.OPEN}


@dataclass(frozen=True)
class Crowded:
    """A day on which more people are booked than the programme takes."""

    day: date
    clinic: object
    booked: int
    cap: int


@dataclass(frozen=True)
class Effects:
    """What is there under the states of a programme: open cases, bookings on days that take nobody, crowded days."""

    cases: int
    stranded: list[Booking]
    crowded: list[Crowded]
    kept: list[Standing]

    @property
    def families(self):
        return len({booking.screening.case_id for booking in self.stranded})


def effects(programme, sites, states, user, row=None) -> Effects:
    """For `sites`; with `row` as if it were decided already, `kept` naming the sites whose own state goes before it."""
    open_ones = Screening.objects.visible_to(user).open().filter(programme=programme, clinic__in=sites)
    coming = Booking.objects.visible_to(user).to_come(programme, sites).whole()
    bookings = [b for b in coming if b.slot.day >= b.slot.clinic.today()]
    stranded = [b for b in bookings if not states.on(programme, b.slot.clinic, b.slot.day).takes_people]
    return Effects(
        cases=open_ones.values("case").distinct().count(),
        stranded=stranded,
        crowded=_crowded(programme, bookings, states),
        kept=_kept(programme, row, states) if row else [],
    )


def _crowded(programme, bookings, states):
    days = sorted({(b.slot.day, b.slot.clinic.code): b.slot.clinic for b in bookings}.items())
    if not days:
        return []
    places = Places(programme, first=days[0][0][0], last=days[-1][0][0], states=states)
    found = []
    for (day, _code), clinic in days:
        standing = states.on(programme, clinic, day)
        if standing.cap and (booked := places.booked(programme, clinic, day)) > standing.cap:
            found.append(Crowded(day, standing.clinic, booked, standing.cap))
    return list(dict.fromkeys(found))


def _kept(programme, row: ProgrammeState, states):
    """The states of sites that go before a row for all sites."""
    if row.clinic:
        return []
    at_sites = [states.on(programme, site, row.from_day) for site in states.sites_of(programme)]
    return [standing for standing in at_sites if standing.clinic]
