"""The facts about one person under one programme: a dictionary in, frozen values or a refusal out (contract, 2 and 4).

What is not stated stays unknown; nothing here fills in a negative.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import TYPE_CHECKING

from . import vocabulary
from .findings import Findings, read_findings
from .history import History, read_history
from .person import Person, read_person
from .reading import Box, Refused, day, each, moment_or_day, number, one_of, set_of, text, whole

if TYPE_CHECKING:
    from .programme import Programmes

__all__ = ["Decision", "Facts", "Refused", "Travel", "read"]

ID_LENGTH = 64


@dataclass(frozen=True, slots=True)
class Travel:
    """`departure` and `pec_signed` are moments when the hour is known, days otherwise."""

    departure: datetime | date | None = None
    pec_signed: datetime | date | None = None
    arrival: date | None = None
    mode: str | None = None
    leaves_from: str | None = None
    needs: frozenset[str] = frozenset()

    @property
    def departure_day(self) -> date | None:
        return as_day(self.departure) if self.departure is not None else None


@dataclass(frozen=True, slots=True)
class Decision:
    """What a physician has already decided."""

    code: str
    reason: str | None = None
    age: int | None = None
    item: str | None = None
    grade: str | None = None
    comment: str | None = None


@dataclass(frozen=True, slots=True)
class Facts:
    id: str
    programme: str
    examined: date
    person: Person
    history: History = field(default_factory=History)
    findings: Findings = field(default_factory=Findings)
    travel: Travel = field(default_factory=Travel)
    tb_incidence_per_100k: Decimal | None = None
    signed_off: date | None = None
    applied: date | None = None
    requested: frozenset[str] = frozenset()
    decisions: tuple[Decision, ...] = ()

    def decided(self, code: str) -> tuple[Decision, ...]:
        return tuple(decision for decision in self.decisions if decision.code == code)


def as_day(moment: datetime | date) -> date:
    """The calendar day of a moment, where it was written."""
    return moment.date() if isinstance(moment, datetime) else moment


def read(value: object, programmes: Programmes | None = None) -> Facts:
    """One input object of the contract as `Facts`. Numbers should come as int or Decimal.

    `programmes` adds the keys of a clinic's own programmes to those of the contract.
    Raises `Refused` with the path of the first fault.
    """
    keys = vocabulary.PROGRAMMES if programmes is None else tuple(programmes.keys())
    box = Box(
        value,
        "",
        {
            "id",
            "programme",
            "examined",
            "tb_incidence_per_100k",
            "signed_off",
            "applied",
            "person",
            "history",
            "findings",
            "travel",
            "requested",
            "decisions",
        },
    )
    examined = box.needed("examined", day)
    facts = Facts(
        id=box.needed("id", _identifier),
        programme=box.needed("programme", one_of(keys)),
        examined=examined,
        person=box.needed("person", lambda value, path: read_person(value, path, examined)),
        history=box.given("history", read_history) or History(),
        findings=box.given("findings", read_findings) or Findings(),
        travel=box.given("travel", _travel) or Travel(),
        tb_incidence_per_100k=box.given("tb_incidence_per_100k", number(0, 2000)),
        signed_off=box.given("signed_off", day),
        applied=box.given("applied", day),
        requested=box.given("requested", set_of(vocabulary.ITEMS)) or frozenset(),
        decisions=box.given("decisions", each(_decision)) or (),
    )
    for dated, path in _bodily_dates(facts):
        if dated < facts.person.earliest:
            raise Refused(path, f"{dated} is before the birth {facts.person.earliest}. Correct one of them.")
    return facts


def _identifier(value: object, path: str) -> str:
    name = text(value, path)
    if len(name) > ID_LENGTH:
        raise Refused(path, f"The id has {len(name)} characters; at most {ID_LENGTH} are allowed.")
    return name


def _travel(value: object, path: str) -> Travel:
    box = Box(value, path, {"departure", "pec_signed", "arrival", "mode", "from", "needs"})
    return Travel(
        departure=box.given("departure", moment_or_day),
        pec_signed=box.given("pec_signed", moment_or_day),
        arrival=box.given("arrival", day),
        mode=box.given("mode", one_of(vocabulary.TRAVEL_MODES)),
        leaves_from=box.given("from", _country),
        needs=box.given("needs", set_of(vocabulary.TRAVEL_NEEDS)) or frozenset(),
    )


def _country(value: object, path: str) -> str:
    name = text(value, path)
    if name not in vocabulary.COUNTRIES:
        raise Refused(path, f"'{name[:20]}' is not an ISO 3166 alpha-3 country code such as AFG, IRN or PAK.")
    return name


_DECISION_KEYS = {
    "tb_disease": ("reason",),
    "no_tb_disease": ("reason",),
    "use_age": ("age", "reason"),
    "order": ("item", "reason"),
    "waive": ("item", "reason"),
    "grade": ("grade",),
    "list_complete": ("reason",),
}


def _decision(value: object, path: str) -> Decision:
    every_key = {"code", "reason", "age", "item", "grade", "comment"}
    code = Box(value, path, every_key).needed("code", one_of(vocabulary.DECISIONS))
    keys = _DECISION_KEYS[code]
    optional = ("comment", "reason") if code == "grade" else ()
    box = Box(value, path, {"code", *keys, *optional})
    for key in keys:
        box.needed(key, lambda value, path: value)
    return Decision(
        code,
        reason=box.given("reason", text),
        age=box.given("age", whole()),
        item=box.given("item", one_of(vocabulary.ITEMS)),
        grade=box.given("grade", one_of(vocabulary.GRADES)),
        comment=box.given("comment", text),
    )


def _bodily_dates(facts: Facts) -> Iterator[tuple[date, str]]:
    """Every day on which something was given to, taken from or seen in the person, with its path."""
    history, findings = facts.history, facts.findings
    for index, dose in enumerate(history.vaccinations or ()):
        yield dose.date, f"history.vaccinations[{index}].date"
    if history.prior_tb_test is not None:
        yield history.prior_tb_test.date, "history.prior_tb_test.date"
    for index, film in enumerate(findings.chest_xray):
        yield film.date, f"findings.chest_xray[{index}].date"
    for index, igra in enumerate(findings.igra):
        yield igra.date, f"findings.igra[{index}].date"
    for index, skin_test in enumerate(findings.tst):
        yield skin_test.date, f"findings.tst[{index}].date"
    for index, specimen in enumerate(findings.sputum):
        yield specimen.collected, f"findings.sputum[{index}].collected"
    if findings.gonorrhoea is not None:
        yield findings.gonorrhoea.collected, "findings.gonorrhoea.collected"
    for key in ("syphilis", "blood_count", "creatinine", "hba1c"):
        sample = getattr(findings, key)
        if sample is not None:
            yield sample.drawn, f"findings.{key}.drawn"
    for key in ("hiv", "hepatitis_b", "hepatitis_c"):
        result = getattr(findings, key)
        if result is not None:
            yield result.date, f"findings.{key}.drawn"
    for key in ("urinalysis", "xpert", "vaccination"):
        dated = getattr(findings, key)
        if dated is not None:
            yield dated.date, f"findings.{key}.date"
