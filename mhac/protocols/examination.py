"""The physical examination and the conditions it found (contract, section 2.3, "Conditions")."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from . import vocabulary
from .reading import Box, Refused, day, each, flag, one_of, text, whole

# The keys of each condition; a question mark marks an optional one.
_KEYS = {
    "genital_ulcer": "",
    "urethral_discharge": "",
    "extrapulmonary_tb": "site",
    "hansens": "type days_on_treatment",
    "substance_use": "substance controlled enough_information dsm_criteria? harmful_behaviour? class_a_before? "
    "last_criterion?",
    "mental_disorder": "enough_information dsm_diagnosis? harmful_behaviour? class_a_before? last_harm?",
    "infectious_disease": "disease infectious",
    "myocardial_infarction": "date risk",
    "heart_failure": "controlled",
    "unstable_angina": "",
    "pneumothorax": "resolved",
    "abdominal_surgery": "date",
    "thoracic_surgery": "date",
    "psychosis": "controlled",
    "other": "text significant",
}
_FLAGS = {
    "controlled",
    "enough_information",
    "dsm_diagnosis",
    "class_a_before",
    "infectious",
    "resolved",
    "significant",
}
_DAYS = {"date", "last_criterion", "last_harm"}


@dataclass(frozen=True, slots=True)
class Condition:
    """One condition; the attributes that its code does not have stay None."""

    code: str
    site: str | None = None
    type: str | None = None
    days_on_treatment: int | None = None
    substance: str | None = None
    controlled: bool | None = None
    enough_information: bool | None = None
    dsm_criteria: int | None = None
    dsm_diagnosis: bool | None = None
    harmful_behaviour: str | None = None
    class_a_before: bool | None = None
    last_criterion: date | None = None
    last_harm: date | None = None
    disease: str | None = None
    infectious: bool | None = None
    date: date | None = None
    risk: str | None = None
    resolved: bool | None = None
    text: str | None = None
    significant: bool | None = None


@dataclass(frozen=True, slots=True)
class PhysicalExam:
    conditions: tuple[Condition, ...]

    def of(self, *codes: str) -> Iterator[Condition]:
        return (condition for condition in self.conditions if condition.code in codes)

    def has(self, *codes: str) -> bool:
        return any(self.of(*codes))


def read_physical_exam(value: object, path: str) -> PhysicalExam:
    box = Box(value, path, {"conditions"})
    return PhysicalExam(box.needed("conditions", each(_condition)))


def _condition(value: object, path: str) -> Condition:
    code = Box(value, path, _any_key()).needed("code", one_of(vocabulary.CONDITIONS))
    keys = _KEYS[code].split()
    box = Box(value, path, {"code", *(key.rstrip("?") for key in keys)})
    found: dict[str, object] = {}
    for key in keys:
        name = key.rstrip("?")
        if not key.endswith("?") or box.has(name):
            found[name] = _detail(box, name)
    if code == "substance_use":
        _complete(box, "dsm_criteria", "last_criterion")
    if code == "mental_disorder":
        _complete(box, "dsm_diagnosis", "last_harm")
    return Condition(code, **found)  # type: ignore[arg-type]


def _any_key() -> set[str]:
    return {"code", *(key.rstrip("?") for keys in _KEYS.values() for key in keys.split())}


def _detail(box: Box, name: str) -> object:
    if name in _FLAGS:
        return box.needed(name, flag)
    if name in _DAYS:
        return box.needed(name, day)
    if name == "days_on_treatment":
        return box.needed(name, whole())
    if name == "dsm_criteria":
        return box.needed(name, whole(0, 11))
    if name == "harmful_behaviour":
        return box.needed(name, one_of(vocabulary.HARMFUL_BEHAVIOUR))
    if name == "type":
        return box.needed(name, one_of(vocabulary.HANSENS_TYPES))
    if name == "risk":
        return box.needed(name, one_of(vocabulary.INFARCTION_RISKS))
    return box.needed(name, text)


def _complete(box: Box, diagnosis: str, last: str) -> None:
    """Enough information means that the questions of the decision tree have answers."""
    if box.given("enough_information", flag):
        for key in (diagnosis, "harmful_behaviour"):
            if not box.has(key):
                raise Refused(box.at(key), f"There is said to be enough information, so '{key}' must be stated.")
    if box.given("class_a_before", flag) and not box.has(last):
        raise Refused(box.at(last), f"After an earlier Class A the day in '{last}' must be stated.")
