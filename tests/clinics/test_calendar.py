import datetime

import pytest

from mhac.clinics.calendar import MONTHS, hijri_parts, solar_hijri, solar_hijri_span, to_gregorian, year_between
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


def length(year, month):
    """Days of a Solar Hijri month by the rule of 33 years, written without the library that the house counts with."""
    if month <= 6:
        return 31
    return 30 if month < 12 or (25 * year + 11) % 33 < 8 else 29


def test_every_day_of_two_centuries_there_and_back():
    """73,414 days, counted one by one by an independent rule."""
    day, (year, month, number) = D(1900, 1, 1), (1278, 10, 11)
    days = 0
    while day < D(2101, 1, 1):
        assert hijri_parts(day) == (year, month, number)
        assert to_gregorian(year, month, number) == day
        number += 1
        if number > length(year, month):
            month, number = month + 1, 1
        if month > 12:
            year, month = year + 1, 1
        day += datetime.timedelta(days=1)
        days += 1
    assert days == 73_414


@pytest.mark.parametrize(
    ("earliest", "latest", "said"),
    [
        (D(1992, 3, 21), D(1993, 3, 20), "1371"),
        (D(1992, 7, 23), D(1992, 8, 22), "Asad 1371"),
        (D(2021, 2, 19), D(2021, 3, 20), "Hut 1399"),
        (D(1992, 3, 21), D(1993, 3, 19), "1 Hamal 1371 – 28 Hut 1371"),
        (D(1992, 1, 1), D(1992, 12, 31), "11 Jadi 1370 – 10 Jadi 1371"),
        (D(1993, 3, 21), D(1995, 3, 20), "1 Hamal 1372 – 29 Hut 1373"),
    ],
)
def test_an_interval_as_it_is_said(earliest, latest, said):
    assert solar_hijri_span(earliest, latest, "en") == said


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
