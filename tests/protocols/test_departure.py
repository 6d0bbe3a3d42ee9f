"""The days on which somebody may leave: each limit on the day itself and on the days beside it."""

import datetime

import pytest

from mhac.protocols.departure import Departure, Limit, days_to_leave
from mhac.protocols.facts import read

from .made import PROGRAMMES, record

DAY = datetime.date(2026, 11, 21)


def later(days):
    return DAY + datetime.timedelta(days=days)


def leaves(first, last, asked=(), **changes):
    return days_to_leave(read(record(**changes), PROGRAMMES), later(first), later(last), asked=set(asked))


def operated(days_ago):
    condition = {"code": "abdominal_surgery", "date": later(-days_ago).isoformat()}
    return {"findings": {"physical_exam": {"conditions": [condition]}}}


@pytest.mark.parametrize("days_ago", [3, 4])
def test_surgery_opens_the_journey_on_its_tenth_day(days_ago):
    opens = Departure(opens=Limit(later(10 - days_ago), "FTT-05"))
    assert leaves(0, 30, **operated(days_ago)) == opens
    assert leaves(0, 10 - days_ago, **operated(days_ago)) == opens
    assert leaves(0, 9 - days_ago, **operated(days_ago)) == Departure(never="FTT-05")


@pytest.mark.parametrize(("days_ago", "found"), [(9, Departure(never="FTT-05")), (10, Departure())])
def test_a_span_of_one_day(days_ago, found):
    assert leaves(0, 0, **operated(days_ago)) == found
    assert leaves(1, 0, **operated(days_ago)) == Departure()


@pytest.mark.parametrize("hours", ["", "T10:00:00+04:30"])
def test_a_newborn_waits(hours):
    newborn = {"born": "2026-11-21", "person": {"born_at": f"2026-11-21{hours}"} if hours else {}}
    assert leaves(0, 30, **newborn) == Departure(opens=Limit(later(3), "FTT-03"))


@pytest.mark.parametrize("weeks", [30, 31])
@pytest.mark.parametrize("days", [0, 1])
def test_a_pregnancy_closes_it(weeks, days):
    pregnancy = {"pregnant": True, "weeks": weeks, "days": days}
    last = 36 * 7 - (weeks * 7 + days) - 1
    changes = {"sex": "female", "born": "1995-05-10", "person": {"pregnancy": pregnancy}}
    closes = Departure(closes=Limit(later(last), "FTT-01"))
    assert leaves(0, 100, **changes) == closes
    assert leaves(0, last + 1, **changes) == closes
    assert leaves(0, last, **changes) == Departure()


def doses(*days):
    given = [{"vaccine": "opv", "date": later(day).isoformat(), "written": True} for day in days]
    return {"history": {"vaccinations": given}}


def test_between_an_old_dose_and_a_fresh_one_nobody_leaves():
    old_ends = (datetime.date(2026, 12, 1) - DAY).days
    two = doses((datetime.date(2025, 12, 1) - DAY).days, -1)
    gap = Departure(closes=Limit(later(old_ends), "POL-EXIT"))
    assert leaves(0, 60, ["polio_dose"], **two) == gap
    assert leaves(0, old_ends, ["polio_dose"], **two) == Departure()
    assert leaves(old_ends + 1, 60, ["polio_dose"], **two) == Departure(opens=Limit(later(27), "POL-EXIT"))
    assert leaves(0, 60, **two) == Departure()


@pytest.mark.parametrize("first", [0, 1])
def test_a_fresh_dose_opens_it_on_the_28th_day(first):
    assert leaves(first, 60, ["polio_dose"], **doses(-10)) == Departure(opens=Limit(later(18), "POL-EXIT"))
    assert leaves(first, 17, ["polio_dose"], **doses(-10)) == Departure(never="POL-EXIT")
