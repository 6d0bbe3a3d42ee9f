"""Stations: who works at which, and which of them a person still needs, as her ledger says it.

The queue of `appointments` knows no ledger; what it has to know from above is read here and brought along.
"""

from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone

from mhac.appointments import loads, services
from mhac.appointments.models import Visit
from mhac.decisions import facts, ledger
from mhac.labs.models import LabOrder
from mhac.labs.models import Test as LabTest
from mhac.labs.ordering import is_series
from mhac.patients.models import IdentityCheck
from mhac.screenings.models import Consent

Station = IdentityCheck.Station

# station -> (who works there, the pages where its work is written)
WORK = {
    Station.RECEPTION: ("appointments.add_booking", ("screenings:consent",)),
    Station.NURSE: ("exams.change_medicalhistory", ("exams:vitals", "exams:history", "exams:pregnancy")),
    Station.EXAMINATION: ("exams.change_physicalexam", ("exams:exam",)),
    Station.RADIOLOGY: ("exams.add_chestxray", ("exams:film",)),
    Station.COLLECTION: ("labs.change_laborder", ("labs:collect",)),
}
STATION_OF = {page: station for station, (_who, pages) in WORK.items() for page in pages}

# Consent before anything; sputum of the early morning and urine before the meal; orders nobody placed yet last of all.
CONSENT, BEFORE_MEALS, USUAL, NOT_ORDERED = range(4)
_EARLY = frozenset({LabTest.Tube.SPUTUM, LabTest.Tube.URINE})


def of_user(user):
    """The stations this user works at; the first is where she begins."""
    return [station for station, (permission, _pages) in WORK.items() if user.has_perm(permission)][::-1]


def needed(records, rooms):
    """Station -> rank, of everything that can be done for this person today. `rooms`: page -> states of the ledger."""
    if not records.screening.is_open:
        return {}
    wanted = {}
    agreed = [c for c in records.consents if c.purpose == Consent.Purpose.EXAMINATION and c.withdrawn_on is None]
    if not agreed:
        wanted[Station.RECEPTION] = CONSENT
    asked = "due" in rooms.get("exams:pregnancy", ())
    if asked or not records.vitals or "due" in rooms.get("exams:history", ()):
        wanted[Station.NURSE] = USUAL
    if "due" in rooms.get("exams:exam", ()):
        wanted[Station.EXAMINATION] = USUAL
    # No film before the pregnancy question is answered.
    if "due" in rooms.get("exams:film", ()) and not asked:
        wanted[Station.RADIOLOGY] = USUAL
    if (rank := _collection(records, rooms)) is not None:
        wanted[Station.COLLECTION] = rank
    return {station.value: rank for station, rank in wanted.items()}


def by_room(found):
    """The page where something is done -> the states of what the ledger asks for there."""
    rooms = defaultdict(set)
    for entry in found.required:
        if entry.place and entry.state != "waived":
            rooms[entry.place].add(entry.state)
    if "person.pregnancy" in dict(found.unknown):
        rooms["exams:pregnancy"].add("due")
    return rooms


@dataclass(frozen=True)
class Known:
    """One person as her file says it now: station -> rank of what is left, and whether her file makes her go first."""

    records: facts.Records
    needed: dict
    goes_first: bool
    rooms: dict


def known(screenings, day):
    """Screening -> what is Known, in a constant number of queries."""
    found = {}
    for key, records in facts.records_of(screenings).items():
        rooms = by_room(ledger.of_records(records, on=day))
        found[key] = Known(records, needed(records, rooms), goes_first(records), rooms)
    return found


def goes_first(records):
    """Who is pregnant waits less; the queue is told that she goes first, and not why."""
    return records.pregnancy is not None and bool(records.pregnancy.pregnant)


def propose(wanted, busy, leaving=""):
    """The next station for somebody who leaves `leaving`, or "" when nothing else can be done today."""
    return loads.next_station({station: rank for station, rank in wanted.items() if station != leaving}, busy)


def send_on_who_is_done(clinic, station, *, by):
    """Whoever waits at `station`, or at reception, for nothing that is left there goes on to where something is.

    At reception people are served while they stand in front of it, and elsewhere somebody may be taken from the list.
    """
    day, at = clinic.today(), {station, Station.RECEPTION.value}
    waiting = Visit.objects.on(clinic, day).waiting().filter(station__in=at).in_turn().with_person()
    visits = list(waiting)
    if not visits:
        return
    people = known([visit.booking.screening for visit in visits], day)
    busy = loads.of(clinic, day, timezone.now())
    for visit in visits:
        person = people[visit.booking.screening_id]
        if visit.station in person.needed:
            continue
        to = propose(person.needed, busy)
        services.send_on(visit, to=to, by=by, first=person.goes_first)
        if to:
            busy[to].expect()


def _collection(records, rooms):
    """The rank of specimen collection, None when nothing can be taken today."""
    day = records.screening.clinic.today()
    open_orders = [order for order in records.orders if order.state == LabOrder.State.ORDERED]
    taken = {
        order.specimen.tube
        for order in records.orders
        if order.specimen_id and records.local_day(order.specimen.collected_at) == day
    }
    tubes = {order.test.tube for order in open_orders if not (is_series(order) and order.test.tube in taken)}
    if tubes:
        return BEFORE_MEALS if tubes & _EARLY else USUAL
    return NOT_ORDERED if not open_orders and "due" in rooms.get("labs:collect", ()) else None
