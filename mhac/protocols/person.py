"""The person: birth, sex, pregnancy (contract, section 2.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime

from . import vocabulary
from .reading import Box, Refused, day, each, flag, moment, one_of, whole

LIFE_LIMIT_YEARS = 120


@dataclass(frozen=True, slots=True)
class Pregnancy:
    """`weeks` and `days` are those on the day of examination; `due` is the expected delivery (40 weeks 0 days)."""

    pregnant: bool
    weeks: int | None = None
    days: int | None = None
    due: date | None = None
    fetuses: int | None = None
    film_choice: str | None = None
    birth_in_destination: bool | None = None


@dataclass(frozen=True, slots=True)
class Person:
    """`earliest` and `latest` are the ends of what is known of the birth date; equal when the day is known."""

    earliest: date
    latest: date
    sex: str
    exact: bool
    birth_precision: str | None = None
    birth_source: str | None = None
    born_at: datetime | None = None
    pregnancy: Pregnancy | None = None
    unaccompanied_minor: bool | None = None
    adopted: bool | None = None
    passport_expires: date | None = None

    @property
    def pregnant(self) -> bool:
        """Known to be pregnant. False also when nobody asked: see `person.pregnancy` in `unknown`."""
        return self.pregnancy is not None and self.pregnancy.pregnant


def read_person(value: object, path: str, examined: date) -> Person:
    box = Box(
        value,
        path,
        {
            "born",
            "born_between",
            "birth_precision",
            "birth_source",
            "born_at",
            "sex",
            "pregnancy",
            "unaccompanied_minor",
            "adopted",
            "passport_expires",
        },
    )
    earliest, latest = _birth(box, examined)
    exact = box.has("born")
    sex = box.needed("sex", one_of(vocabulary.SEXES))
    precision = box.given("birth_precision", one_of(vocabulary.BIRTH_PRECISIONS))
    if not exact and precision is None:
        raise Refused(
            box.at("birth_precision"),
            "A birth known only as an interval needs birth_precision: day, month, year or age_stated.",
        )
    born_at = box.given("born_at", moment)
    if born_at is not None and not earliest <= born_at.date() <= latest:
        raise Refused(box.at("born_at"), f"The hour of birth is on {born_at.date()}, the birth on another day.")
    pregnancy = box.given("pregnancy", _pregnancy)
    if sex == "male" and pregnancy is not None and pregnancy.pregnant:
        raise Refused(box.at("pregnancy.pregnant"), "A male person cannot be pregnant. Correct the sex or the answer.")
    return Person(
        earliest=earliest,
        latest=latest,
        sex=sex,
        exact=exact,
        birth_precision=precision,
        birth_source=box.given("birth_source", one_of(vocabulary.BIRTH_SOURCES)),
        born_at=born_at,
        pregnancy=pregnancy,
        unaccompanied_minor=box.given("unaccompanied_minor", flag),
        adopted=box.given("adopted", flag),
        passport_expires=box.given("passport_expires", day),
    )


def _birth(box: Box, examined: date) -> tuple[date, date]:
    if not box.has("born") and not box.has("born_between"):
        raise Refused(box.at("born"), "The birth is not stated. Give born, or born_between with its two ends.")
    if box.has("born") and box.has("born_between"):
        raise Refused(box.at("born_between"), "Both born and born_between are given. Keep the one that is known.")
    key = "born" if box.has("born") else "born_between"
    if key == "born":
        earliest = latest = box.needed("born", day)
    else:
        ends = box.needed("born_between", each(day))
        if len(ends) != 2:
            raise Refused(box.at(key), "Expected two days: the earliest and the latest possible birth.")
        earliest, latest = ends
        if earliest > latest:
            raise Refused(box.at(key), f"The earliest birth {earliest} is after the latest {latest}. Exchange them.")
    if latest > examined:
        raise Refused(box.at(key), f"The birth {latest} is after the examination {examined}. Correct one of them.")
    if (latest.year + LIFE_LIMIT_YEARS, latest.month, latest.day) < (examined.year, examined.month, examined.day):
        raise Refused(box.at(key), f"The birth {latest} is more than 120 years before the examination {examined}.")
    return earliest, latest


def _pregnancy(value: object, path: str) -> Pregnancy:
    box = Box(value, path, {"pregnant", "weeks", "days", "edd", "fetuses", "film_choice", "birth_in_destination"})
    return Pregnancy(
        pregnant=box.needed("pregnant", flag),
        weeks=box.given("weeks", whole(0, 44)),
        days=box.given("days", whole(0, 6)),
        due=box.given("edd", day),
        fetuses=box.given("fetuses", whole(1, 6)),
        film_choice=box.given("film_choice", one_of(vocabulary.FILM_CHOICES)),
        birth_in_destination=box.given("birth_in_destination", flag),
    )
