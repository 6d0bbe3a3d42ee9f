"""The vaccination table of the United States (`US-VAX-01`, `US-VAX-POLIO`, `US-VAX-REF`; rules, 3.8).

The age limits are from memory and unverified; a panel physician has to confirm them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from .findings import Vaccination
from .months import months_on
from .state import DONE, DUE, State
from .vocabulary import TABLE_VACCINES

MMR_BORN_FROM_YEAR = 1957
POLIO_ADULT_STAY_DAYS = 28
ROTAVIRUS_FROM_DAYS = 6 * 7
_LIVE = frozenset({"mmr", "varicella"})


@dataclass(frozen=True, slots=True)
class Plan:
    """Where each table vaccine stands. Under `offered` all four are empty."""

    basis: str
    due: frozenset[str] = frozenset()
    done: frozenset[str] = frozenset()
    waived: dict[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()

    @property
    def state(self) -> State:
        return DUE if self.due else DONE


OFFERED = Plan("offered")


@dataclass(frozen=True, slots=True)
class Recipient:
    """Who is to be vaccinated: the latest possible birth, the day, and what changes the table."""

    born: date
    years: int
    examined: date
    pregnant: bool
    polio_stay_days: int | None
    polio_dose_on_record: bool


def is_due(vaccine: str, person: Recipient) -> bool:
    """Whether the table asks for the vaccine at this age, in completed months or years."""
    months, years = months_on(person.born, person.examined), person.years
    if vaccine == "dtap":
        return months >= 2 and years <= 6
    if vaccine == "td_tdap":
        return years >= 7
    if vaccine == "polio":
        if years >= 18:
            stayed = person.polio_stay_days is not None and person.polio_stay_days > POLIO_ADULT_STAY_DAYS
            return stayed and not person.polio_dose_on_record
        return months >= 2
    if vaccine == "mmr":
        return months >= 12 and person.born.year >= MMR_BORN_FROM_YEAR
    if vaccine == "rotavirus":
        return (person.examined - person.born).days >= ROTAVIRUS_FROM_DAYS and months <= 8
    if vaccine == "hib":
        return 2 <= months <= 59
    if vaccine == "hepatitis_a":
        return 12 <= months <= 23
    if vaccine == "hepatitis_b":
        return years <= 59
    if vaccine == "menacwy":
        return 11 <= years <= 18
    if vaccine == "varicella":
        return months >= 12
    if vaccine == "pneumococcal":
        return 2 <= months <= 59 or years >= 65
    return months >= 6


def plan(person: Recipient, recorded: Vaccination | None) -> Plan:
    """Every table vaccine in exactly one of due, done, waived and refused."""
    record = recorded or Vaccination(person.examined)
    due: set[str] = set()
    done: set[str] = set()
    refused: set[str] = set()
    waived: dict[str, str] = {}
    for vaccine in TABLE_VACCINES:
        asked = is_due(vaccine, person)
        if vaccine in record.complete or vaccine in record.given:
            done.add(vaccine)
        elif asked and vaccine in record.refused:
            refused.add(vaccine)
        elif not asked and vaccine == "polio" and person.years >= 18 and person.polio_dose_on_record:
            done.add(vaccine)
        elif not asked:
            waived[vaccine] = "not_age_appropriate"
        elif vaccine in record.waived:
            waived[vaccine] = record.waived[vaccine]
        elif person.pregnant and vaccine in _LIVE:
            waived[vaccine] = "contraindicated"
        else:
            due.add(vaccine)
    return Plan("required", frozenset(due), frozenset(done), waived, frozenset(refused))
