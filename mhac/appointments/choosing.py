"""Which times take a family: functions of values, without database, clock or language.

What a person asks of a time is a set of words: the stations she goes through ("examination") and what she is not
examined without ("female_clinician"). A time holds so many people for each word, and so many seats in all.
"""

import datetime
from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from itertools import product
from typing import Any

# need -> the kind of station whose staff meet it, and of which sex (None: either)
MET_BY = {
    "female_clinician": ("examination", "female"),
    "female_radiographer": ("radiology", "female"),
    "chaperone": ("chaperone", None),
}
# Stations that limit how many come at a time, where the site keeps a roster for them.
LIMITING = ("reception", "nurse", "examination", "radiology")
# A family is parted into so many neighbouring times at most.
MOST_PARTS = 4
SEATS, DAY = "seats", "day"


@dataclass(frozen=True)
class Person:
    """Somebody who needs a seat. A minor never comes at a time at which nobody grown up of the family comes."""

    key: Hashable
    asks: frozenset[str] = frozenset()
    minor: bool = False


@dataclass(frozen=True)
class Duty:
    """One member of staff at one station on one half of a day; `capacity`: people at each time."""

    kind: str
    sex: str
    capacity: int
    staff: Any = field(default=None, compare=False)
    workplace: Any = field(default=None, compare=False)


@dataclass(frozen=True)
class Time:
    """A time with what is left of it: seats, and places by word. A word that is not named is not limited."""

    key: Hashable
    seats: int
    places: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Shortage:
    """What a time lacks for a family: `wanted` of `ask` are needed, `left` are free."""

    ask: str
    left: int
    wanted: int


Part = tuple[Time, tuple[Person, ...]]


def on_duty(weekly, changes, day: datetime.date, half: str) -> list[Duty]:
    """Who works on that half of `day`.

    `weekly`: (staff, weekday, half) -> Duty; `changes`: (staff, day, half) -> Duty, or None for who is away.
    """
    usual = {staff: duty for (staff, weekday, part), duty in weekly.items() if (weekday, part) == (day.weekday(), half)}
    changed = {staff: duty for (staff, on, part), duty in changes.items() if (on, part) == (day, half)}
    return [duty for duty in (usual | changed).values() if duty is not None]


def places(duties: Sequence[Duty], kept) -> dict[str, int]:
    """How many people each word of a time takes. `kept`: kinds of stations for which the site keeps a roster.

    A need always has a number, 0 without the staff who meet it; a station has one only where its roster is kept.
    """
    found = dict.fromkeys([kind for kind in LIMITING if kind in kept] + list(MET_BY), 0)
    for duty in duties:
        if duty.kind in LIMITING and duty.kind in found:
            found[duty.kind] += duty.capacity
        for need, (kind, sex) in MET_BY.items():
            if duty.kind == kind and sex in (None, duty.sex):
                found[need] += duty.capacity
    return found


def left_of(total: Mapping[str, int], people: Sequence[Person]) -> dict[str, int]:
    """The places of a time without those of people who are booked there already."""
    taken = Counter(ask for person in people for ask in person.asks)
    return {ask: max(count - taken[ask], 0) for ask, count in total.items()}


def shortages(time: Time, people: Sequence[Person], day_left: int | None = None) -> list[Shortage]:
    """Why `people` cannot all come at `time`; empty when they can. `day_left`: what the programme takes that day."""
    wanted = Counter(ask for person in people for ask in person.asks)
    found = [
        Shortage(ask, time.places[ask], count)
        for ask, count in sorted(wanted.items())
        if ask in time.places and time.places[ask] < count
    ]
    if day_left is not None and day_left < len(people):
        found.insert(0, Shortage(DAY, day_left, len(people)))
    if time.seats < len(people):
        found.insert(0, Shortage(SEATS, time.seats, len(people)))
    return found


def take(time: Time, people: Sequence[Person]) -> Time:
    """What is left of `time` once `people` come."""
    return replace(time, seats=time.seats - len(people), places=left_of(time.places, people))


def choose(times: Sequence[Time], people: Sequence[Person], day_left: int | None = None) -> tuple[Part, ...]:
    """The first time of a day that takes everybody, else neighbouring times that do together; () when none do.

    `times`: of one day, in order. Of sets, the one with the fewest times comes first, then the earliest.
    """
    if not people or (day_left is not None and day_left < len(people)):
        return ()
    for time in times:
        if not shortages(time, people):
            return ((time, tuple(people)),)
    for size in range(2, min(MOST_PARTS, len(people)) + 1):
        for start in range(len(times) - size + 1):
            if found := _parted(times[start : start + size], people):
                return found
    return ()


def in_turn(families, days):
    """The times that each family is offered, those who wait longest first: nobody is shown what another was shown.

    `families`: (people, may(day, time key) -> bool, day's places left by day or None) in order; `days`: day -> times.
    Returns for each family its parts, () where nothing fits.
    """
    days = {day: list(times) for day, times in days.items()}
    shown: Counter = Counter()
    found = []
    for people, may, programme, left in families:
        found.append(())
        for day, times in days.items():
            fits = [time for time in times if may(day, time.key)]
            limit = None if left.get(day) is None else left[day] - shown[programme, day]
            if parts := choose(fits, people, limit):
                found[-1] = parts
                shown[programme, day] += len(people)
                given = {time.key: part for time, part in parts}
                days[day] = [take(time, given[time.key]) if time.key in given else time for time in times]
                break
    return found


def _parted(window, people):
    """`people` over all times of `window`, at least one in each; () when there is no way."""
    kinds: dict = {}
    for person in people:
        kinds.setdefault((person.asks, person.minor), []).append(person)
    sizes = tuple(len(alike) for alike in kinds.values())
    if not _enough(window, kinds):
        return ()
    grown = [n for n, (_asks, minor) in enumerate(kinds) if not minor]
    askers = {ask: [n for n, (asks, _m) in enumerate(kinds) if ask in asks] for asks, _minor in kinds for ask in asks}
    limits = [[(askers[ask], count) for ask, count in time.places.items() if ask in askers] for time in window]

    def may_come(nth, counts):
        if any(sum(counts[n] for n in who) > count for who, count in limits[nth]):
            return False
        return not grown or any(counts[n] for n in grown)

    @cache
    def rest(nth, left):
        if nth == len(window):
            return () if not any(left) else None
        ways = (way for way in product(*(range(n + 1) for n in left)) if 0 < sum(way) <= window[nth].seats)
        # As many as fit come first, so that few are left for the later times.
        for counts in sorted((way for way in ways if may_come(nth, way)), key=lambda each: (-sum(each), each)):
            after = rest(nth + 1, tuple(a - b for a, b in zip(left, counts, strict=True)))
            if after is not None:
                return counts, *after
        return None

    way = rest(0, sizes)
    if way is None:
        return ()
    waiting = {kind: list(alike) for kind, alike in kinds.items()}
    parts = []
    for time, counts in zip(window, way, strict=True):
        come = [waiting[kind].pop(0) for kind, count in zip(kinds, counts, strict=True) for _each in range(count)]
        parts.append((time, tuple(sorted(come, key=people.index))))
    return tuple(parts)


def _enough(window, kinds):
    """Whether all times of `window` together hold as many as the family asks, word by word; a quick first look."""
    if sum(time.seats for time in window) < sum(map(len, kinds.values())) or not all(time.seats for time in window):
        return False
    wanted: Counter = Counter()
    for (asks, _minor), alike in kinds.items():
        wanted.update(dict.fromkeys(asks, len(alike)))
    return all(
        sum(min(time.places.get(ask, time.seats), time.seats) for time in window) >= count
        for ask, count in wanted.items()
    )
