"""Birth dates as families say them: a day, a month or only a year, Gregorian or Solar Hijri, or an age in a year.

The calendar shows in the year: 1250 to 1499 is Solar Hijri, from 1850 Gregorian. Days are written year first, or with
the name of the month; 03/04/1371 is refused, because nobody can tell its month from its day.
"""

import calendar
import datetime
import re
from dataclasses import dataclass

from django.utils import dateformat
from django.utils.translation import gettext as _

from mhac.clinics.calendar import MONTHS, hijri_parts, solar_hijri, solar_hijri_span, to_gregorian, year_between
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

    @property
    def doubt(self) -> str:
        """A sentence about a day that perhaps nobody knows, or ""."""
        if not self.is_placeholder:
            return ""
        return _("Born on 1 January or 1 Hamal: often a placeholder for an unknown day. Ask for the year.")

    def lies_in(self, other) -> bool:
        """Whether every day of this interval is one of the other's."""
        return other.earliest <= self.earliest and self.latest <= other.latest


def read(text: str, *, today: datetime.date) -> Birth:
    """2002-03-21 · 21 Mar 2002 · 2002-03 · 2002 · 1381/1/1 · 1 Hamal 1381 · 1381 · 25 in 1398 (an age, as on a paper
    tazkira) · 1372 – 1373 (what such an age means). Digits and months of any of our languages. Raises Unreadable."""
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


def read_both(gregorian: str, hijri: str, *, today: datetime.date) -> Birth | None:
    """What is written in the fields of either calendar, or of both: then the more exact one, when it lies within the
    other. None when nothing is written. Raises Unreadable, also for two that say different things."""
    found = sorted((read(text, today=today) for text in (gregorian, hijri) if text.strip()), key=_days)
    if len(found) == 2 and not found[0].lies_in(found[1]):
        raise Unreadable(
            _("The two calendars say different things: %(gregorian)s and %(hijri)s. Correct one of them, or empty it.")
            % {"gregorian": gregorian, "hijri": hijri}
        )
    return found[0] if found else None


def _days(birth):
    return birth.latest - birth.earliest


def joined(year: str, month: str, day: str, *, is_hijri: bool) -> str:
    """The fields of one calendar as one text for `read`. The first of them may hold a whole date, in any way; then the
    other two are empty. Raises Unreadable."""
    year, month, day = year.strip(), month.strip(), day.strip()
    if not (month or day):
        return year
    number = fold(year)
    if not month or not number:
        raise Unreadable(_("Give year and month with the day, or the year alone."))
    if not number.isdecimal():
        raise Unreadable(_("Write the whole date in the first field, or year, month and day each in its own."))
    if not _is_year(number) or _is_hijri(int(number)) is not is_hijri:
        raise Unreadable(_("%(year)s is a year of the other calendar: write it in the fields beside.") % {"year": year})
    return "-".join(part for part in (number, month, fold(day)) if part)


def parts(earliest, latest, precision) -> tuple[list[str], list[str]]:
    """A stored birth in the fields [year, month, day] of the Gregorian and of the Solar Hijri calendar. A year or month
    of one calendar is none of the other, and leaves its fields empty."""
    if precision == "day":
        return _fields(earliest), _fields(earliest, hijri_parts(earliest))
    text = written(earliest, latest, precision)
    fields = [*(text.split("-") if precision == "month" else [text]), "", ""][:3]
    fields[1] = fields[1].lstrip("0")
    return ([""] * 3, fields) if _is_hijri(int(text[:4])) else (fields, [""] * 3)


def _fields(day, found=None):
    return [str(part) for part in found or (day.year, day.month, day.day)]


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
        case [year, next_year] if _is_year(year) and next_year == str(int(year) + 1):
            return Birth(_year(int(year))[0], _year(int(next_year))[1], "age_stated")
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


def said(birth) -> str:
    """A birth in both calendars, with how exact it is."""
    days = dict.fromkeys((birth.earliest, birth.latest))
    gregorian = " – ".join(dateformat.format(day, "d M Y") for day in days)
    hijri = solar_hijri(birth.earliest) if len(days) == 1 else solar_hijri_span(birth.earliest, birth.latest)
    return f"{gregorian} · {hijri}"


def written(earliest, latest, precision) -> str:
    """A stored birth the way `read` takes it back."""
    if precision == "day":
        return earliest.isoformat()
    for year in (_hijri_year(earliest), earliest.year):
        # A year or month that is not over yet ends today; its first day names it all the same.
        if precision == "year" and earliest == _year(year)[0]:
            return str(year)
        if precision == "age_stated" and earliest == _year(year)[0]:
            return f"{year} – {year + 1}"
        for month in range(1, 13):
            if precision == "month" and (found := _month(year, month)) and found.earliest == earliest:
                return f"{year}-{month:02d}"
    return f"{earliest.isoformat()} – {latest.isoformat()}"
