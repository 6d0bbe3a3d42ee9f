"""The coming days of a site with their times and free seats, whether or not their slots were opened yet. Reads only."""

import datetime
from dataclasses import dataclass

from mhac.appointments.models import Slot, Timetable, at

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
    day: datetime.date
    offers: list[Offer]

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
