import datetime

import pytest

from mhac.clinics.calendar import MONTHS, solar_hijri, to_gregorian, year_between
from mhac.clinics.models import Closure

D = datetime.date


@pytest.mark.parametrize(
    ("year", "first", "last"),
    [
        (1360, D(1981, 3, 21), D(1982, 3, 20)),
        (1380, D(2001, 3, 21), D(2002, 3, 20)),
        (1390, D(2011, 3, 21), D(2012, 3, 19)),
        (1405, D(2026, 3, 21), D(2027, 3, 20)),
    ],
)
def test_a_bare_year_runs_from_hamal_to_hut(year, first, last):
    assert year_between(year) == (first, last)


@pytest.mark.parametrize(
    ("language", "said"),
    [("en", "30 Aqrab 1405"), ("fa-af", "30 عقرب 1405"), ("ps", "30 لړم 1405"), ("xx", "30 Aqrab 1405")],
)
def test_a_day_as_it_is_said(language, said):
    assert solar_hijri(D(2026, 11, 21), language) == said


def test_twelve_months_in_every_language():
    assert {len(set(names)) for names in MONTHS.values()} == {12}


def test_every_day_of_two_centuries_there_and_back():
    day = D(1900, 1, 1)
    while day < D(2101, 1, 1):
        number, month, year = solar_hijri(day, "en").split()
        assert to_gregorian(int(year), MONTHS["en"].index(month) + 1, int(number)) == day
        day += datetime.timedelta(days=1)


def test_a_day_that_does_not_exist():
    assert to_gregorian(1399, 12, 30) == D(2021, 3, 20)
    with pytest.raises(ValueError, match="day"):
        to_gregorian(1398, 12, 30)


@pytest.mark.parametrize(
    ("day", "is_open"),
    [
        (D(2026, 11, 19), True),
        (D(2026, 11, 20), False),
        (D(2026, 11, 21), False),
        (D(2026, 11, 22), True),
        (D(2026, 12, 1), False),
    ],
)
def test_the_weekend_is_friday_and_saturday(kabul, day, is_open):
    Closure.objects.create(clinic=kabul, first_day=D(2026, 12, 1), last_day=D(2026, 12, 2), reason="snow")
    assert kabul.is_open_on(day) is is_open
