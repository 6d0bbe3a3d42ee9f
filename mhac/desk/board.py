"""One day at one site: who is booked, who has come, and what remains to be done with each.

What remains is the ledger's answer, grouped by the room where it is done. The number of queries does not grow with the
number of people. Nothing here names a finding, a test or a reason: reception reads this list too.
"""

from dataclasses import dataclass, field

from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mhac.appointments import loads
from mhac.appointments.models import Booking, Visit
from mhac.decisions import facts, ledger
from mhac.desk import stations
from mhac.labs.models import LabOrder
from mhac.screenings.models import Consent

# (page, words, who works there); the order in which people are sent.
ROOMS = [
    ("screenings:consent", _("Consent"), "screenings.add_consent"),
    ("exams:vitals", _("Vitals"), "exams.change_medicalhistory"),
    ("exams:history", _("History"), "exams.change_medicalhistory"),
    ("exams:pregnancy", _("Pregnancy question"), "exams.change_medicalhistory"),
    ("exams:exam", _("Examination"), "exams.change_physicalexam"),
    ("exams:film", _("X-ray"), "exams.add_chestxray"),
    ("labs:collect", _("Specimens"), "labs.change_laborder"),
    ("desk:review", _("Decision"), "decisions.sign"),
]
TO_DO, AWAITED, DONE = "amber", "blue", "green"


@dataclass(frozen=True)
class Step:
    """One room for one person: how far it is, how many specimens it is about, and its page if this user works there."""

    label: str
    colour: str
    count: int = 0
    page: str = ""


@dataclass(frozen=True)
class Place:
    """Where somebody stands now: her visit, the minutes she has waited there, and how bad that is at this site."""

    visit: Visit
    minutes: int
    colour: str

    @property
    def station(self):
        return self.visit.get_station_display()


@dataclass(frozen=True)
class Line:
    """One booking with its person."""

    booking: Booking
    age: int
    is_late: bool
    is_compared: bool
    steps: list[Step]
    place: "Place | None" = None

    @property
    def screening(self):
        return self.booking.screening

    @property
    def following(self):
        """The next room in which this user can do something for the person, or None."""
        return next((step for step in self.steps if step.colour == TO_DO and step.page), None)


@dataclass(frozen=True)
class Family:
    """People of one case who come at the same time."""

    case: object
    slot: object
    lines: list[Line]

    @property
    def to_come(self):
        return [line.booking for line in self.lines if line.booking.state == Booking.State.BOOKED]


@dataclass(frozen=True)
class Board:
    families: list[Family]
    cancelled: list[Booking]
    busy: dict = field(default_factory=dict)

    @property
    def stations(self):
        """The stations at which somebody is or was today."""
        return [load for load in self.busy.values() if load.waiting or load.inside or load.took]

    @property
    def lines(self):
        return [line for family in self.families for line in family.lines]

    @property
    def arrived(self):
        return sum(line.booking.state == Booking.State.ARRIVED for line in self.lines)

    @property
    def late(self):
        return sum(line.is_late for line in self.lines)


def of(clinic, day, user):
    """The board of `day` at `clinic`, with the pages that `user` may open."""
    bookings = list(Booking.objects.visible_to(user).on(clinic, day).whole().order_by("slot__starts_at", "seat"))
    shown = [booking for booking in bookings if booking.state != Booking.State.CANCELLED]
    records = facts.records_of({booking.screening_id: booking.screening for booking in shown}.values())
    busy = loads.of(clinic, day, timezone.now())
    places = _places(clinic, day, busy)
    families: dict = {}
    for booking in shown:
        line = _line(booking, records[booking.screening_id], clinic.today(), user, places.get(booking.pk))
        key = booking.slot_id, booking.screening.case_id
        families.setdefault(key, Family(booking.screening.case, booking.slot, [])).lines.append(line)
    return Board(list(families.values()), [booking for booking in bookings if booking not in shown], busy)


def steps_at(station, records, user):
    """What this user does for one person at one station, each with its page."""
    day = records.screening.clinic.today()
    here = [step for step in _steps(records, day) if stations.STATION_OF.get(step[0]) == station]
    return [step for step in (_for(user, records.screening, *each) for each in here) if step]


def station_of(user):
    """Where this user compares faces, by the role she works in."""
    stations = {"RAD": "radiology", "LAB": "collection", "LSU": "collection", "PHY": "examination", "CLI": "nurse"}
    return next((stations[role] for role in user.roles if role in stations), "reception")


def waiting_for_film(clinic, user):
    """Who has come today, or has had the face compared in radiology, and still needs a film: [(booking, put off)]."""
    day = clinic.today()
    here = Booking.objects.visible_to(user).on(clinic, day).filter(state=Booking.State.ARRIVED).whole()
    bookings = {b.screening_id: b for b in here.order_by("ticket") if b.screening.is_open}
    records = facts.records_of(booking.screening for booking in bookings.values())
    found = []
    for key, booking in bookings.items():
        states = stations.by_room(ledger.of_records(records[key], on=day))["exams:film"]
        if states & {"due", "deferred", "not_before"}:
            found.append((booking, "due" not in states))
    return found


def _places(clinic, day, busy):
    """Booking -> where its person stands now."""
    now, visits = timezone.now(), Visit.objects.on(clinic, day).open()
    found = {}
    for visit in visits:
        minutes = visit.minutes_waited(now)
        waits = visit.state != Visit.State.INSIDE
        colour = busy[visit.station].limit.colour(minutes) if waits else "blue"
        found[visit.booking_id] = Place(visit, minutes, colour)
    return found


def _line(booking, records, today, user, place=None):
    screening = booking.screening
    is_late = booking.state == Booking.State.BOOKED and booking.slot.starts_at < timezone.now()
    checks = [check for check in records.checks if check.day == today]
    steps = [_for(user, screening, *step) for step in _steps(records, today)] if screening.is_open else []
    return Line(
        booking=booking,
        age=screening.patient.age_on(booking.slot.day),
        is_late=is_late,
        is_compared=bool(checks) and checks[-1].confirmed,
        steps=[step for step in steps if step],
        place=place,
    )


def _steps(records, day):
    """(page, colour, count) of every room this person has to see."""
    found = ledger.of_records(records, on=day)
    rooms = stations.by_room(found)
    agreed = [c for c in records.consents if c.purpose == Consent.Purpose.EXAMINATION and c.withdrawn_on is None]
    yield "screenings:consent", DONE if agreed else TO_DO, 0
    yield "exams:vitals", DONE if records.vitals else TO_DO, 0
    for page in ("exams:history", "exams:pregnancy", "exams:exam", "exams:film"):
        if page in rooms:
            yield page, _colour(rooms[page]), 0
    to_collect = sum(order.state == LabOrder.State.ORDERED for order in records.orders)
    if to_collect:
        yield "labs:collect", TO_DO, to_collect
    elif "labs:collect" in rooms:
        yield "labs:collect", _colour(rooms["labs:collect"]), 0
    if not found.missing and found.answer:
        yield "desk:review", TO_DO, 0


def _colour(states):
    if states <= {"done"}:
        return DONE
    return AWAITED if states <= {"done", "pending"} else TO_DO


def _for(user, screening, page, colour, count):
    """A room as this user sees it; the pregnancy question is nobody's business outside the examination rooms."""
    label, permission = next((words, needed) for name, words, needed in ROOMS if name == page)
    works_there = user.has_perm(permission)
    if page == "exams:pregnancy" and not works_there:
        return None
    return Step(label, colour, count, reverse(page, args=[screening.pk]) if works_there else "")
