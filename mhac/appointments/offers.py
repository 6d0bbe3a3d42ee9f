"""The coming days of a site with their times and free seats, whether or not their slots were opened yet. Reads only."""

import datetime
from dataclasses import dataclass, replace

from mhac.appointments.models import Slot, Timetable, at
from mhac.appointments.places import Places
from mhac.screenings.status import Standing

DAYS = 8
SEARCHED = 45


@dataclass(frozen=True)
class Offer:
    starts_at: datetime.datetime
    free: int

    @property
    def clock(self):
        return f"{self.starts_at:%H:%M}"

    @property
    def key(self):
        return self.starts_at.isoformat()


@dataclass(frozen=True)
class Day:
    """A day with its times. `standing`: the programme's state; `booked`: who counts under its daily number, if any."""

    day: datetime.date
    offers: list[Offer]
    standing: Standing | None = None
    booked: int | None = None

    @property
    def free(self):
        return sum(offer.free for offer in self.offers)


def offered(clinic, first, days=DAYS):
    """The next `days` open days from `first` (no earlier than today) with their times. Three queries, however many."""
    first = max(first, clinic.today())
    last = first + datetime.timedelta(days=SEARCHED)
    closures = list(clinic.closures.filter(first_day__lte=last, last_day__gte=first))
    opened: dict = {}
    for slot in Slot.objects.on(clinic, first, last).with_room().select_related("clinic"):
        opened.setdefault(slot.day, []).append(Offer(slot.local(), max(slot.capacity - slot.taken, 0)))
    usual = Timetable.of(clinic)
    found: list[Day] = []
    day = first
    while day <= last and len(found) < days:
        closed = day.weekday() in clinic.weekend or any(c.first_day <= day <= c.last_day for c in closures)
        if not closed:
            times = opened.get(day) or [Offer(at(clinic, day, time), usual.capacity) for time in usual.starts]
            found.append(Day(day, times))
        day += datetime.timedelta(days=1)
    return found


def offered_to(programme, clinic, first, *, moved=(), days=DAYS):
    """As `offered`, with no more seats than the programme takes. Five queries.

    For bookings that are `moved`, their own places count as free, and their own day is offered in a pause too.
    """
    found = offered(clinic, first, days)
    if not found:
        return []
    places = Places(programme, first=found[0].day, last=found[-1].day, leaving_out=moved)
    own = {booking.slot.day for booking in moved}
    return [_limited(day, programme, clinic, places, day.day in own) for day in found]


def _limited(day, programme, clinic, places, is_own):
    standing, left = places.on(programme, clinic, day.day), places.left(programme, clinic, day.day)
    booked = None if standing.cap is None else places.booked(programme, clinic, day.day)
    offers = day.offers
    if left is not None and not is_own:
        offers = [replace(offer, free=min(offer.free, left)) for offer in offers]
    return Day(day.day, offers, standing, booked)
