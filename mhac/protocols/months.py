"""Days, months and years of the calendar: ages, terms, placeholder birthdays. Nothing here knows today's date."""

from __future__ import annotations

from calendar import monthrange
from datetime import date, timedelta

# 1 Hamal 1405 of the Solar Hijri calendar (rules, section 7: computed).
_HAMAL_YEAR, _HAMAL_DAY = 1405, date(2026, 3, 21)


def age_on(born: date, day: date) -> int:
    """Completed years (`AGE-1`); a 29 February birthday is reached on 1 March in a common year (`AGE-2`)."""
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))


def months_on(born: date, day: date) -> int:
    """Completed months."""
    return (day.year - born.year) * 12 + day.month - born.month - (day.day < born.day)


def add_months(day: date, months: int) -> date:
    """`VAL-0`: a day missing in the month reached becomes the last day of that month. Stays inside the calendar."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if year > date.max.year:
        return date.max
    if year < date.min.year:
        return date.min
    return date(year, month + 1, min(day.day, monthrange(year, month + 1)[1]))


def add_days(day: date, days: int) -> date:
    """The day `days` later; stays inside the calendar."""
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return date.max if days > 0 else date.min


def youngest_birth_at(age: int, day: date) -> date:
    """The latest birth date of someone who has completed `age` years on `day`."""
    return add_months(day, -12 * age) if age <= day.year else date.min


def is_leap_hijri(year: int) -> bool:
    """Whether Hut of the Solar Hijri year has 30 days: (25 y + 11) mod 33 < 8 (rules, section 7)."""
    return (25 * year + 11) % 33 < 8


def first_of_hamal(year: int) -> date:
    """The Gregorian day on which the Solar Hijri year begins."""
    step = 1 if year >= _HAMAL_YEAR else -1
    passed = range(_HAMAL_YEAR, year) if step == 1 else range(year, _HAMAL_YEAR)
    return add_days(_HAMAL_DAY, step * sum(365 + is_leap_hijri(each) for each in passed))


def is_placeholder(born: date) -> bool:
    """`AGE-3`: 1 January and 1 Hamal are what offices write when only the year is known."""
    if (born.month, born.day) == (1, 1):
        return True
    return born.month == 3 and born == first_of_hamal(born.year - 621)
