"""Which times take a family, as values: tables at each limit, and a thousand rosters and requests of chance."""

import datetime
import random
from collections import Counter
from itertools import pairwise

import pytest

from mhac.appointments.choosing import (
    DAY,
    MET_BY,
    SEATS,
    Duty,
    Person,
    Shortage,
    Time,
    choose,
    in_turn,
    left_of,
    on_duty,
    places,
    shortages,
    take,
)

MONDAY = datetime.date(2026, 11, 23)
WOMAN = frozenset({"examination", "female_clinician"})
FILMED = frozenset({"examination", "radiology", "female_radiographer"})


def people(count, asks=frozenset(), minor=False, first=0):
    return [Person(first + n, asks, minor) for n in range(count)]


def test_who_is_away_is_not_on_duty_and_who_stands_in_is():
    here, there = Duty("radiology", "female", 2), Duty("radiology", "male", 2)
    weekly = {("Laila", 0, "am"): here, ("Latif", 1, "am"): there}
    assert on_duty(weekly, {}, MONDAY, "am") == [here]
    assert on_duty(weekly, {}, MONDAY, "pm") == []
    assert on_duty(weekly, {("Laila", MONDAY, "am"): None}, MONDAY, "am") == []
    assert on_duty(weekly, {("Latif", MONDAY, "am"): there}, MONDAY, "am") == [here, there]
    assert on_duty(weekly, {("Laila", MONDAY, "am"): there}, MONDAY, "am") == [there]


def test_places_are_those_of_the_staff_and_a_need_without_staff_has_none():
    duties = [Duty("examination", "male", 4), Duty("examination", "female", 3), Duty("chaperone", "male", 5)]
    assert places(duties, {"examination", "radiology", "chaperone"}) == {
        "examination": 7, "radiology": 0, "female_clinician": 3, "female_radiographer": 0, "chaperone": 5,
    }  # fmt: skip
    # Where no roster is kept, the station limits nobody, and the needs are still not met.
    assert places([], set()) == dict.fromkeys(MET_BY, 0)


@pytest.mark.parametrize(
    ("time", "family", "day_left", "wrong"),
    [
        (Time(8, 2), people(2), None, []),
        (Time(8, 2), people(3), None, [Shortage(SEATS, 2, 3)]),
        (Time(8, 9), people(3), 3, []),
        (Time(8, 9), people(3), 2, [Shortage(DAY, 2, 3)]),
        (Time(8, 9, {"female_clinician": 2}), people(2, WOMAN), None, []),
        (Time(8, 9, {"female_clinician": 1}), people(2, WOMAN), None, [Shortage("female_clinician", 1, 2)]),
        (Time(8, 9, {"female_radiographer": 0}), people(1, FILMED), None, [Shortage("female_radiographer", 0, 1)]),
        (Time(8, 9, {"female_radiographer": 0}), people(4, WOMAN), None, []),
        (Time(8, 1, {"examination": 1}), people(2, WOMAN), 1, [
            Shortage(SEATS, 1, 2), Shortage(DAY, 1, 2), Shortage("examination", 1, 2)]),
    ],
)  # fmt: skip
def test_a_time_says_what_it_lacks(time, family, day_left, wrong):
    assert shortages(time, family, day_left) == wrong


def keys(parts):
    return [(time.key, len(part)) for time, part in parts]


@pytest.mark.parametrize(
    ("seats", "size", "chosen"),
    [
        ([4, 4, 4], 4, [(0, 4)]),
        ([3, 4, 4], 4, [(1, 4)]),
        ([3, 1, 3], 4, [(0, 3), (1, 1)]),
        ([1, 3, 3], 6, [(1, 3), (2, 3)]),
        ([2, 2, 2], 6, [(0, 2), (1, 2), (2, 2)]),
        ([2, 2, 1], 6, []),
        ([3, 0, 3], 6, []),
        ([1, 1, 1, 1, 1], 5, []),
    ],
)
def test_a_family_comes_together_or_at_neighbouring_times(seats, size, chosen):
    assert keys(choose([Time(n, each) for n, each in enumerate(seats)], people(size))) == chosen


def test_children_never_come_without_somebody_grown_up():
    family = [Person("mother"), *people(4, minor=True)]
    assert choose([Time(0, 3), Time(1, 3)], family) == ()
    both = [*family, Person("father")]
    for _time, part in choose([Time(0, 3), Time(1, 3)], both):
        assert not all(person.minor for person in part)
    # Children of whom nobody grown up is examined come as they are: who brings them takes no seat.
    assert keys(choose([Time(0, 3), Time(1, 3)], people(4, minor=True))) == [(0, 3), (1, 1)]


def test_the_women_come_when_the_woman_works():
    times = [Time(11, 4, {"female_clinician": 1}), Time(12, 4, {"female_clinician": 2})]
    parts = choose(times, [*people(3), *people(3, WOMAN, first=3)])
    assert sum(len(part) for _time, part in parts) == 6
    assert [sum("female_clinician" in each.asks for each in part) for _time, part in parts] == [1, 2]


def test_who_waits_longest_is_shown_a_seat_first_and_nobody_is_shown_it_twice():
    any_time = lambda _day, _key: True  # noqa: E731
    days = {MONDAY: [Time(8, 2)], MONDAY + datetime.timedelta(days=1): [Time(9, 5)]}
    none = dict.fromkeys(days)
    families = [(people(2), any_time, "ca", none), (people(2), any_time, "ca", none), (people(3), any_time, "ca", none)]
    assert [keys(parts) for parts in in_turn(families, days)] == [[(8, 2)], [(9, 2)], [(9, 3)]]
    tight = [(who, may, key, {**none, MONDAY + datetime.timedelta(days=1): 4}) for who, may, key, _left in families]
    assert [keys(parts) for parts in in_turn(tight, days)] == [[(8, 2)], [(9, 2)], []]


def roster_of_chance(chance):
    """Weekly duties and exceptions of up to eight people at stations of random capacity."""

    def duty():
        kind = chance.choice(["examination", "radiology", "chaperone", "nurse"])
        return Duty(kind, chance.choice(["female", "male"]), chance.randint(1, 4))

    weekly, changes = {}, {}
    for staff in range(chance.randint(2, 9)):
        for weekday in range(7):
            for half in ("am", "pm"):
                if chance.random() < 0.6:
                    weekly[staff, weekday, half] = duty()
                if chance.random() < 0.15:
                    changes[staff, MONDAY + datetime.timedelta(days=weekday), half] = chance.choice([None, duty()])
    return weekly, changes


def family_of_chance(chance):
    stations = [frozenset(), frozenset({"nurse"}), frozenset({"nurse", "examination"}),
                frozenset({"nurse", "examination", "radiology"})]  # fmt: skip
    wanted = lambda: frozenset(need for need in MET_BY if chance.random() < 0.1)  # noqa: E731
    return [Person(n, chance.choice(stations) | wanted(), chance.random() < 0.4) for n in range(chance.randint(1, 6))]


def counted_anew(weekly, changes, day, half):
    """What a half day holds by a second way of counting, straight from the roster: (kind, sex) -> people."""
    held = Counter()
    for staff in {key[0] for key in [*weekly, *changes]}:
        usual = weekly.get((staff, day.weekday(), half))
        duty = changes.get((staff, day, half), usual)
        if duty:
            held[duty.kind, duty.sex] += duty.capacity
    return held


def test_a_thousand_rosters_and_requests_break_no_hard_condition():
    chance, booked, parted, refused = random.Random(20261122), 0, 0, 0
    for _nth in range(1000):
        weekly, changes = roster_of_chance(chance)
        kept = {duty.kind for duty in weekly.values()}
        day = MONDAY + datetime.timedelta(days=chance.randint(0, 6))
        seats = {hour: chance.randint(0, 6) for hour in range(8, 14)}
        cap = chance.choice([None, chance.randint(0, 20)])
        total = {hour: places(on_duty(weekly, changes, day, "am" if hour < 12 else "pm"), kept) for hour in seats}
        come: dict = {hour: [] for hour in seats}
        for _family in range(chance.randint(1, 5)):
            family = family_of_chance(chance)
            times = [Time(h, seats[h] - len(come[h]), left_of(total[h], come[h])) for h in sorted(seats)]
            day_left = None if cap is None else cap - sum(map(len, come.values()))
            parts = choose(times, family, day_left)
            for time, part in parts:
                come[time.key] += part
            # All or none, neighbours only, no child alone.
            assert not parts or sorted(p.key for _t, part in parts for p in part) == [p.key for p in family]
            assert all(b.key - a.key == 1 for (a, _p), (b, _q) in pairwise(parts))
            if any(not p.minor for p in family):
                assert all(any(not p.minor for p in part) for _t, part in parts)
            # What is refused fits at no single time.
            if not parts:
                refused += 1
                assert all(shortages(time, family, day_left) for time in times)
            booked, parted = booked + bool(parts), parted + (len(parts) > 1)
        assert cap is None or sum(map(len, come.values())) <= cap
        for hour, here in come.items():
            held = counted_anew(weekly, changes, day, "am" if hour < 12 else "pm")
            assert len(here) <= seats[hour]
            for kind in kept & {"nurse", "examination", "radiology"}:
                assert sum(kind in p.asks for p in here) <= held[kind, "female"] + held[kind, "male"]
            assert sum("female_radiographer" in p.asks for p in here) <= held["radiology", "female"]
            assert sum("female_clinician" in p.asks for p in here) <= held["examination", "female"]
            wanted = sum("chaperone" in p.asks for p in here)
            assert wanted <= held["chaperone", "female"] + held["chaperone", "male"]
    # The thousand are not empty: enough of each kind came about.
    assert booked > 500 and parted > 50 and refused > 500


def test_what_is_taken_is_gone():
    time = take(Time(8, 4, {"examination": 3, "female_clinician": 1}), people(2, WOMAN))
    assert (time.seats, time.places) == (2, {"examination": 1, "female_clinician": 0})
