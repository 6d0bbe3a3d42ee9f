"""Birth dates as families say them: a day, a month or only a year, Gregorian or Solar Hijri, or an age in a year.

The calendar shows in the year: 1250 to 1499 is Solar Hijri, from 1850 Gregorian. Days are written year first, or with
the name of the month; 03/04/1371 is refused, because nobody can tell its month from its day.
"""

import calendar
import datetime
import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mhac.clinics.calendar import MONTHS, to_gregorian, year_between
from mhac.patients.matching import fold

_GREGORIAN = {name.casefold(): n for n in range(1, 13) for name in (calendar.month_abbr[n], calendar.month_name[n])}
_HIJRI = {fold(name): n for names in MONTHS.values() for n, name in enumerate(names, 1)}


class Unreadable(ValueError):
    """No birth date can be read; the text says how to write one."""


@dataclass(frozen=True)
class Birth:
    """An interval, both days included, and how exact it is (a word of `Patient.BirthPrecision`)."""

    earliest: datetime.date
    latest: datetime.date
    precision: str

    @property
    def is_placeholder(self):
        """1 January and 1 Hamal stand for "some day of that year" more often than for a birthday (rule AGE-3)."""
        first_of_hijri = year_between(_hijri_year(self.earliest))[0]
        return self.precision == "day" and (
            (self.earliest.month, self.earliest.day) == (1, 1) or self.earliest == first_of_hijri
        )


def read(text: str, *, today: datetime.date) -> Birth:
    """2002-03-21 · 21 Mar 2002 · 2002-03 · 2002 · 1381/1/1 · 1 Hamal 1381 · 1381 · 25 in 1398 (an age, as on a paper
    tazkira). Digits and months of any of our languages. Raises Unreadable."""
    words = re.findall(r"\d+|[^\W\d_]+", fold(text))
    try:
        birth = _read(words)
    except (ValueError, OverflowError):
        birth = None
    if birth is None:
        raise Unreadable(
            _("Write the birth as 2002-03-21, 2002-03 or 2002, as 1381-01-01 or 1381 (Solar Hijri), or as 25 in 1398.")
        )
    if birth.earliest > today:
        raise Unreadable(_("The birth date is in the future. Check the year."))
    if today.year - birth.latest.year > 120:
        raise Unreadable(_("The birth date is more than 120 years ago. Check the year."))
    return Birth(birth.earliest, min(birth.latest, today), birth.precision)


def read_day(text: str) -> datetime.date:
    """One day in any of the ways `read` takes a full date, in the past or to come. Raises Unreadable."""
    try:
        found = _read(re.findall(r"\d+|[^\W\d_]+", fold(text)))
    except (ValueError, OverflowError):
        found = None
    if found is None or found.precision != "day":
        raise Unreadable(_("Write the day as 2031-01-21 or 21 Jan 2031, or as 1409-11-01 (Solar Hijri)."))
    return found.earliest


def _read(words):
    match words:
        case [year] if _is_year(year):
            return Birth(*_year(int(year)), "year")
        case [age, *_between, year] if _is_age(age, words) and _is_year(year):
            return _aged(int(age), int(year))
        case [year, month] if _is_year(year):
            return _month(int(year), _month_number(int(year), month))
        case [month, year] if _is_year(year) and not month.isdigit():
            return _month(int(year), _month_number(int(year), month))
        case [year, month, day] if _is_year(year) and day.isdigit():
            return _day(int(year), _month_number(int(year), month), int(day))
        case [day, month, year] if _is_year(year) and day.isdigit() and not month.isdigit():
            return _day(int(year), _month_number(int(year), month), int(day))
    return None


def _is_year(word):
    return word.isdigit() and (1250 <= int(word) <= 1499 or 1850 <= int(word) <= 2199)


def _is_age(word, words):
    """An age stands before "in" and a year: "25 in 1398", "25 years in 1398", "۲۵ ساله در ۱۳۹۸"."""
    between = set(words[1:-1])
    return (
        word.isdigit()
        and int(word) <= 120
        and bool(between)
        and between <= {"in", "years", "year", "old", "ساله", "سال", "در", "کلن", "په", "کی"}
    )


def _is_hijri(year):
    return year < 1500


def _year(year):
    return year_between(year) if _is_hijri(year) else (datetime.date(year, 1, 1), datetime.date(year, 12, 31))


def _month_number(year, word):
    return int(word) if word.isdigit() else (_HIJRI if _is_hijri(year) else _GREGORIAN).get(word, 0)


def _month(year, month):
    if not 1 <= month <= 12:
        return None
    follows = (year + 1, 1) if month == 12 else (year, month + 1)
    make = to_gregorian if _is_hijri(year) else datetime.date
    return Birth(make(year, month, 1), make(*follows, 1) - datetime.timedelta(days=1), "month")


def _day(year, month, day):
    found = (to_gregorian if _is_hijri(year) else datetime.date)(year, month, day)
    return Birth(found, found, "day")


def _aged(age, year):
    # Rule AGE-6: "N years old in year Y" is a birth in one of two years, Y-N-1 or Y-N.
    return Birth(_year(year - age - 1)[0], _year(year - age)[1], "age_stated")


def _hijri_year(day):
    year = day.year - 621
    return year if year_between(year)[0] <= day else year - 1


def written(earliest, latest, precision) -> str:
    """A stored birth the way `read` takes it back."""
    if precision == "day":
        return earliest.isoformat()
    for year in (_hijri_year(earliest), earliest.year):
        # A year or month that is not over yet ends today; its first day names it all the same.
        if precision == "year" and earliest == _year(year)[0]:
            return str(year)
        for month in range(1, 13):
            if precision == "month" and (found := _month(year, month)) and found.earliest == earliest:
                return f"{year}-{month:02d}"
    return f"{earliest.isoformat()} – {latest.isoformat()}"
