from datetime import date

import pytest

from mhac.protocols import months


@pytest.mark.parametrize(
    ("born", "day", "age"),
    [
        ("2011-11-22", "2026-11-21", 14),
        ("2011-11-21", "2026-11-21", 15),
        ("2008-02-29", "2026-02-28", 17),
        ("2008-02-29", "2026-03-01", 18),
        ("2008-02-29", "2028-02-29", 20),
        ("2026-11-21", "2026-11-21", 0),
    ],
)
def test_completed_years(born, day, age):
    assert months.age_on(date.fromisoformat(born), date.fromisoformat(day)) == age


@pytest.mark.parametrize(
    ("born", "day", "completed"),
    [
        ("2026-05-22", "2026-11-21", 5),
        ("2026-05-21", "2026-11-21", 6),
        ("2026-08-31", "2026-09-30", 0),
        ("2026-08-31", "2026-10-01", 1),
    ],
)
def test_completed_months(born, day, completed):
    assert months.months_on(date.fromisoformat(born), date.fromisoformat(day)) == completed


@pytest.mark.parametrize(
    ("day", "added", "reached"),
    [
        ("2026-08-31", 6, "2027-02-28"),
        ("2027-08-30", 6, "2028-02-29"),
        ("2028-02-29", 12, "2029-02-28"),
        ("2026-11-21", 6, "2027-05-21"),
        ("2026-12-15", 1, "2027-01-15"),
        ("2026-03-31", -1, "2026-02-28"),
        ("9999-12-31", 1, "9999-12-31"),
        ("0001-01-01", -1, "0001-01-01"),
    ],
)
def test_a_missing_day_becomes_the_last_of_its_month(day, added, reached):
    assert months.add_months(date.fromisoformat(day), added) == date.fromisoformat(reached)


def test_days_stay_inside_the_calendar():
    assert months.add_days(date.max, 1) == date.max
    assert months.add_days(date.min, -1) == date.min
    assert months.add_days(date(2026, 11, 21), 28) == date(2026, 12, 19)


@pytest.mark.parametrize(
    ("year", "day"),
    [
        (1360, "1981-03-21"),
        (1380, "2001-03-21"),
        (1390, "2011-03-21"),
        (1399, "2020-03-20"),
        (1400, "2021-03-21"),
        (1403, "2024-03-20"),
        (1405, "2026-03-21"),
        (1406, "2027-03-21"),
    ],
)
def test_the_solar_hijri_year_begins(year, day):
    assert months.first_of_hamal(year) == date.fromisoformat(day)


@pytest.mark.parametrize(
    ("born", "placeholder"),
    [
        ("1981-01-01", True),
        ("1981-01-02", False),
        ("1981-03-21", True),
        ("1981-03-20", False),
        ("1981-03-22", False),
        ("2020-03-20", True),
        ("2020-03-21", False),
        ("2020-04-20", False),
    ],
)
def test_placeholder_birthdays(born, placeholder):
    assert months.is_placeholder(date.fromisoformat(born)) is placeholder


@pytest.mark.parametrize(
    ("age", "day", "born"),
    [
        (15, "2026-11-21", "2011-11-21"),
        (15, "2028-02-29", "2013-02-28"),
        (15, "2027-02-28", "2012-02-28"),
        (5000, "2026-11-21", "0001-01-01"),
    ],
)
def test_the_youngest_person_of_an_age(age, day, born):
    assert months.youngest_birth_at(age, date.fromisoformat(day)) == date.fromisoformat(born)


def test_leap_years_of_the_solar_hijri_calendar():
    leap = [year for year in range(1350, 1410) if months.is_leap_hijri(year)]
    assert leap == [1350, 1354, 1358, 1362, 1366, 1370, 1375, 1379, 1383, 1387, 1391, 1395, 1399, 1403, 1408]
