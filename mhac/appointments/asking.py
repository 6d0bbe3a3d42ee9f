"""What people ask of a time: the stations they go through, and without what they are not examined. Reads only."""

from collections import defaultdict

from mhac.appointments.choosing import MET_BY, Person
from mhac.appointments.models import Booking, Wish
from mhac.protocols.vocabulary import FILMS
from mhac.screenings.programmes import programmes
from mhac.screenings.services import CHILD_UNTIL

# Conditions under which an item is expected of somebody about whom nothing is known yet.
USUAL = frozenset({"always", "not_pregnant"})
# Item of an edition -> station
PASSED = {"examination": frozenset({"physical_exam"}), "radiology": FILMS}
# Everybody goes through these.
ALWAYS = frozenset({"reception", "nurse"})


def people(screenings, day) -> list[Person]:
    """`screenings` (with their patients) as they will be on `day`, the grown-up first; one query for their needs."""
    wishes = dict(Wish.objects.filter(screening__in=screenings).values_list("screening", "needs"))
    found = [person(each, day, wishes.get(each.pk, ())) for each in screenings]
    return sorted(found, key=lambda each: each.minor)


def person(screening, day, needs) -> Person:
    age, edition = screening.patient.age_on(day), programmes().by_key(screening.edition)
    passed = {
        station
        for station, items in PASSED.items()
        if any(row.item in items and row.when in USUAL and row.fits(age) for row in edition.requires)
    }
    # Who needs somebody at a station goes through it.
    passed |= {MET_BY[need][0] for need in needs}
    return Person(screening.pk, ALWAYS | passed | set(needs), minor=age < CHILD_UNTIL)


def booked(slots, leaving_out=()) -> dict:
    """Slot key -> [(booking key, person)] of who is booked there, the oldest booking first; two queries."""
    rows = Booking.objects.standing().filter(slot__in=slots).exclude(pk__in=[booking.pk for booking in leaving_out])
    rows = list(rows.select_related("slot__clinic", "screening__patient").order_by("pk"))
    wishes = dict(Wish.objects.filter(screening__bookings__in=rows).values_list("screening", "needs"))
    found = defaultdict(list)
    for row in rows:
        found[row.slot_id].append((row.pk, person(row.screening, row.slot.day, wishes.get(row.screening_id, ()))))
    return found
