"""The Solar Hijri calendar with the month names used in Afghanistan."""

import datetime

from persiantools.jdatetime import JalaliDate

MONTHS = {
    "en": ["Hamal", "Sawr", "Jawza", "Saratan", "Asad", "Sunbula", "Mizan", "Aqrab", "Qaws", "Jadi", "Dalw", "Hut"],
    "fa-af": ["حمل", "ثور", "جوزا", "سرطان", "اسد", "سنبله", "میزان", "عقرب", "قوس", "جدی", "دلو", "حوت"],
    "ps": ["وری", "غویی", "غبرګولی", "چنګاښ", "زمری", "وږی", "تله", "لړم", "لیندۍ", "مرغومی", "سلواغه", "کب"],
}


def solar_hijri(day: datetime.date, language: str | None = None) -> str:
    """`day` as it is said in Afghanistan, in the language of the reader: "30 Aqrab 1405"."""
    from django.utils.translation import get_language

    months = MONTHS.get(language or get_language() or "en", MONTHS["en"])
    found = JalaliDate(day)
    return f"{found.day} {months[found.month - 1]} {found.year}"


def hijri_parts(day: datetime.date) -> tuple[int, int, int]:
    """Year, month and day of the Solar Hijri calendar."""
    found = JalaliDate(day)
    return found.year, found.month, found.day


def solar_hijri_span(earliest: datetime.date, latest: datetime.date, language: str | None = None) -> str:
    """An interval as it is said: "1371", "Asad 1371", or its first and last day."""
    year, month, day = hijri_parts(earliest)
    after = latest + datetime.timedelta(days=1)
    if day == 1 and hijri_parts(after)[2] == 1:
        following = hijri_parts(after)[:2]
        if month == 1 and following == (year + 1, 1):
            return str(year)
        if following == ((year + 1, 1) if month == 12 else (year, month + 1)):
            return solar_hijri(earliest, language).split(" ", 1)[1]
    return f"{solar_hijri(earliest, language)} – {solar_hijri(latest, language)}"


def year_between(year: int) -> tuple[datetime.date, datetime.date]:
    """First and last Gregorian day of Solar Hijri `year` (1 Hamal to the last day of Hut)."""
    return JalaliDate(year, 1, 1).to_gregorian(), JalaliDate(year + 1, 1, 1).to_gregorian() - datetime.timedelta(days=1)


def to_gregorian(year: int, month: int, day: int) -> datetime.date:
    """The Gregorian day of a Solar Hijri date; ValueError when there is no such day (30 Hut of a common year)."""
    return JalaliDate(year, month, day).to_gregorian()
