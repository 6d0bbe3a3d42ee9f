"""What was asked: the screening questions, earlier tests and vaccinations (contract, section 2.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from . import vocabulary
from .reading import Box, Refused, day, each, flag, one_of, set_of, text, whole


@dataclass(frozen=True, slots=True)
class Sign:
    code: str
    days: int | None = None


@dataclass(frozen=True, slots=True)
class Episode:
    """An earlier episode of tuberculosis."""

    year: int
    treated_by: str
    completed: bool | None = None


@dataclass(frozen=True, slots=True)
class Contact:
    """Someone with tuberculosis whom the person met."""

    source_name: str | None = None
    relationship: str | None = None
    tb_type: str | None = None
    last_contact: date | None = None


@dataclass(frozen=True, slots=True)
class EarlierTest:
    kind: str
    result: str
    date: date
    written: bool


@dataclass(frozen=True, slots=True)
class Dose:
    vaccine: str
    date: date
    written: bool


@dataclass(frozen=True, slots=True)
class History:
    """None: not asked. An empty tuple or set: asked, none."""

    known_hiv: bool | None = None
    tb_signs: tuple[Sign, ...] | None = None
    tb_history: tuple[Episode, ...] | None = None
    tb_contacts: tuple[Contact, ...] | None = None
    risks: frozenset[str] | None = None
    prior_tb_test: EarlierTest | None = None
    vaccinations: tuple[Dose, ...] | None = None
    polio_area_stay_days: int | None = None

    def answered(self, question: str) -> bool:
        return getattr(self, question) is not None

    def has_risk(self, *risks: str) -> bool:
        return self.risks is not None and not self.risks.isdisjoint(risks)

    @property
    def written_polio_doses(self) -> tuple[Dose, ...]:
        doses = self.vaccinations or ()
        return tuple(dose for dose in doses if dose.written and dose.vaccine in vocabulary.POLIO_VACCINES)


def read_history(value: object, path: str) -> History:
    box = Box(value, path, History.__dataclass_fields__.keys())
    return History(
        known_hiv=box.given("known_hiv", flag),
        tb_signs=box.given("tb_signs", each(_sign)),
        tb_history=box.given("tb_history", each(_episode)),
        tb_contacts=box.given("tb_contacts", each(_contact)),
        risks=box.given("risks", set_of(vocabulary.RISKS)),
        prior_tb_test=box.given("prior_tb_test", _earlier_test),
        vaccinations=box.given("vaccinations", each(_dose)),
        polio_area_stay_days=box.given("polio_area_stay_days", whole()),
    )


def _sign(value: object, path: str) -> Sign:
    box = Box(value, path, {"code", "days"})
    sign = Sign(box.needed("code", one_of(vocabulary.TB_SIGNS)), box.given("days", whole()))
    if sign.code == "cough" and sign.days is None:
        raise Refused(box.at("days"), "A cough needs the number of days it has lasted.")
    return sign


def _episode(value: object, path: str) -> Episode:
    box = Box(value, path, {"year", "treated_by", "completed"})
    return Episode(
        box.needed("year", whole()),
        box.needed("treated_by", one_of(vocabulary.TREATED_BY)),
        box.given("completed", flag),
    )


def _contact(value: object, path: str) -> Contact:
    box = Box(value, path, {"source_name", "relationship", "tb_type", "last_contact"})
    return Contact(
        box.given("source_name", text),
        box.given("relationship", text),
        box.given("tb_type", text),
        box.given("last_contact", day),
    )


def _earlier_test(value: object, path: str) -> EarlierTest:
    box = Box(value, path, {"kind", "result", "date", "written"})
    return EarlierTest(
        box.needed("kind", one_of(vocabulary.TEST_KINDS)),
        box.needed("result", one_of(vocabulary.POSITIVE_NEGATIVE)),
        box.needed("date", day),
        box.needed("written", flag),
    )


def _dose(value: object, path: str) -> Dose:
    box = Box(value, path, {"vaccine", "date", "written"})
    return Dose(
        box.needed("vaccine", one_of(vocabulary.VACCINES)), box.needed("date", day), box.needed("written", flag)
    )
