"""The coming days of a site with their times, what is free, and why a time does not take a family. Reads only."""

import datetime
from collections import defaultdict
from dataclasses import dataclass, field, replace

from mhac.appointments import asking, choosing, reasons
from mhac.appointments.choosing import Time
from mhac.appointments.duty import Roster
from mhac.appointments.hours import Hours
from mhac.appointments.models import Slot, at
from mhac.appointments.places import Places
from mhac.screenings.status import Standing

DAYS = 8
SEARCHED = 45
ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Offer:
    """A time: its free seats, what it holds for each word of `choosing`, and why it does not take the family ("")."""

    starts_at: datetime.datetime
    free: int
    places: dict = field(default_factory=dict)
    why: str = ""

    @property
    def clock(self):
        return f"{self.starts_at:%H:%M}"

    @property
    def key(self):
        return self.starts_at.isoformat()

    @property
    def time(self):
        return Time(self.starts_at, self.free, self.places)


@dataclass(frozen=True)
class Together:
    """Neighbouring times of one day that take a family as a set: [(offer, names)]."""

    parts: list

    @property
    def key(self):
        return " ".join(offer.key for offer, _names in self.parts)


@dataclass(frozen=True)
class Day:
    """A day with its times. `standing`: the programme's state; `booked`: who counts under its daily number, if any."""

    day: datetime.date
    offers: list[Offer]
    standing: Standing | None = None
    booked: int | None = None
    left: int | None = None
    together: Together | None = None

    @property
    def free(self):
        return sum(offer.free for offer in self.offers)

    @property
    def reasons(self):
        """[(why, clocks)]: each reason once, with the times that it concerns."""
        found = defaultdict(list)
        for offer in self.offers:
            if offer.why:
                found[offer.why].append(offer.clock)
        return list(found.items())


def offered(clinic, first, days=DAYS, *, leaving_out=()):
    """The next `days` open days from `first` (no earlier than today) with their times. Eight queries, however many.

    Bookings in `leaving_out` take nothing: those that are about to be moved.
    """
    first = max(first, clinic.today())
    last = first + datetime.timedelta(days=SEARCHED)
    hours, roster = Hours(clinic, first, last), Roster(clinic, first, last)
    opened = _opened(clinic, first, last, roster, leaving_out)
    found: list[Day] = []
    day = first
    while day <= last and len(found) < days:
        if not hours.closed(day):
            usual = hours.on(day)
            times = opened.get(day) or [
                Offer(moment, usual.capacity, roster.places(moment))
                for moment in (at(clinic, day, start) for start in usual.starts)
            ]
            found.append(Day(day, times))
        day += ONE_DAY
    return found


def offered_to(programme, clinic, first, *, people=(), moved=(), days=DAYS):
    """As `offered`, with no more seats than the programme takes, and for `people` (screenings) why a time does not do.

    For bookings that are `moved`, their own places count as free, and their own day is offered in a pause too.
    """
    found = offered(clinic, first, days, leaving_out=moved)
    if not found:
        return []
    places = Places(programme, first=found[0].day, last=found[-1].day, leaving_out=moved)
    own = {booking.slot.day for booking in moved}
    limited = [_limited(day, programme, clinic, places, day.day in own) for day in found]
    if not people:
        return limited
    names = {each.pk: each.patient.name for each in people}
    asked = asking.people(people, found[0].day)
    return [_explained(day, asked, names, parted=not moved) for day in limited]


def _opened(clinic, first, last, roster, leaving_out):
    """Day -> the offers of slots that were opened."""
    slots = list(Slot.objects.on(clinic, first, last).select_related("clinic"))
    come = asking.booked(slots, leaving_out)
    found = defaultdict(list)
    for slot in slots:
        here = [person for _key, person in come[slot.pk]]
        moment = slot.local()
        left = choosing.left_of(roster.places(moment), here)
        found[moment.date()].append(Offer(moment, max(slot.capacity - len(here), 0), left))
    return found


def _limited(day, programme, clinic, places, is_own):
    standing, left = places.on(programme, clinic, day.day), places.left(programme, clinic, day.day)
    booked = None if standing.cap is None else places.booked(programme, clinic, day.day)
    offers = day.offers
    if left is None or is_own:
        return Day(day.day, offers, standing, booked)
    return Day(day.day, [replace(offer, free=min(offer.free, left)) for offer in offers], standing, booked, left)


def _explained(day, people, names, *, parted):
    offers = []
    for offer in day.offers:
        lacks = choosing.shortages(offer.time, people, day.left) if offer.free else []
        offers.append(replace(offer, why=", ".join(reasons.words(each) for each in lacks[:2])))
    if not parted or not all(offer.why or not offer.free for offer in offers):
        return replace(day, offers=offers)
    by_key = {offer.starts_at: offer for offer in offers}
    parts = choosing.choose([offer.time for offer in offers], people, day.left)
    shown = [(by_key[time.key], [names[person.key] for person in some]) for time, some in parts]
    return replace(day, offers=offers, together=Together(shown) if len(shown) > 1 else None)
