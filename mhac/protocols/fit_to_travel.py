"""Fitness to travel on the day of departure (`FTT-01` to `FTT-CAT`, `FTT-VAL`; rules, 3.14)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from .chest_film import gestation_days
from .examination import Condition
from .facts import Facts, as_day

LETTER_FROM_DAYS = 28 * 7
UNFIT_FROM_DAYS = 36 * 7
UNFIT_MORE_THAN_ONE_FROM_DAYS = 32 * 7
NEWBORN_UNFIT = timedelta(hours=48)
NEWBORN_CLEARANCE = timedelta(days=7)
INFARCTION_LOW_RISK_DAYS, INFARCTION_DAYS = 3, 10
SURGERY_DAYS = 10
HAEMOGLOBIN_UNFIT_G_DL = Decimal("7.5")
HAEMOGLOBIN_REVIEW_G_DL = Decimal("8.5")
OXYGEN_ASSESSMENT_PERCENT = Decimal(92)
CHECK_VALID = timedelta(hours=72)
CHECK_VALID_DAYS = 3
_ESCORTS = (("stretcher", "F5"), ("escort_doctor", "F3D"), ("escort_nurse", "F3N"), ("escort_operational", "F3"))


@dataclass(frozen=True, slots=True)
class Fitness:
    category: str
    conditions: frozenset[str]
    rules: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Finding:
    """What one rule says: unfit, a condition, or both None."""

    rule: str
    condition: str | None = None


def judge(facts: Facts) -> Fitness | None:
    """None while no departure is known."""
    departure = facts.travel.departure
    if departure is None:
        return None
    found = [
        *_pregnancy(facts, as_day(departure)),
        *_newborn(facts, departure),
        *_conditions(facts, as_day(departure)),
        *_measurements(facts),
    ]
    needs = facts.travel.needs
    conditions = needs | {finding.condition for finding in found if finding.condition is not None}
    rules = frozenset({"FTT-CAT", *(finding.rule for finding in found)})
    if any(finding.condition is None for finding in found):
        return Fitness("F4", conditions, rules)
    escort = next((category for need, category in _ESCORTS if need in needs), None)
    return Fitness(escort or ("F2" if conditions else "F1"), conditions, rules)


def _pregnancy(facts: Facts, departure: date) -> list[_Finding]:
    pregnancy = facts.person.pregnancy
    if pregnancy is None or not pregnancy.pregnant or facts.travel.mode == "land":
        return []
    gestation = gestation_days(pregnancy, facts.examined, departure)
    if gestation is None:
        return [_Finding("FTT-01", "pregnancy_letter")]
    found = [_Finding("FTT-01", "pregnancy_letter")] if gestation >= LETTER_FROM_DAYS else []
    more_than_one = pregnancy.fetuses is not None and pregnancy.fetuses > 1
    if more_than_one and gestation >= UNFIT_MORE_THAN_ONE_FROM_DAYS:
        found.append(_Finding("FTT-02"))
    if not more_than_one and gestation >= UNFIT_FROM_DAYS:
        found.append(_Finding("FTT-01"))
    return found


def _newborn(facts: Facts, departure: datetime | date) -> list[_Finding]:
    """By the hour where both hours are known, else by days, on the safe side."""
    born_at = facts.person.born_at
    if born_at is not None and isinstance(departure, datetime):
        age = departure - born_at
        unfit, clearance = age < NEWBORN_UNFIT, age < NEWBORN_CLEARANCE
    else:
        days = (as_day(departure) - facts.person.latest).days
        unfit, clearance = days <= NEWBORN_UNFIT.days, days <= NEWBORN_CLEARANCE.days
    if unfit:
        return [_Finding("FTT-03")]
    return [_Finding("FTT-03", "medical_clearance")] if clearance else []


def _conditions(facts: Facts, departure: date) -> list[_Finding]:
    found = []
    for condition in facts.findings.exam.conditions:
        if condition.code == "infectious_disease" and condition.infectious:
            found.append(_Finding("FTT-04"))
        if _unfit_condition(condition, departure):
            found.append(_Finding("FTT-05"))
    return found


def _unfit_condition(condition: Condition, departure: date) -> bool:
    code = condition.code
    if code == "unstable_angina":
        return True
    if code == "pneumothorax":
        return condition.resolved is False
    if code in ("psychosis", "heart_failure"):
        return condition.controlled is False
    if condition.date is None:
        return False
    since = (departure - condition.date).days
    if code == "myocardial_infarction":
        return since < (INFARCTION_LOW_RISK_DAYS if condition.risk == "low" else INFARCTION_DAYS)
    return code in ("abdominal_surgery", "thoracic_surgery") and since < SURGERY_DAYS


def _measurements(facts: Facts) -> list[_Finding]:
    found = []
    blood, saturation = facts.findings.blood_count, facts.findings.vitals.spo2_percent
    if blood is not None and blood.acute_anaemia and blood.haemoglobin_g_dl is not None:
        if blood.haemoglobin_g_dl < HAEMOGLOBIN_UNFIT_G_DL:
            found.append(_Finding("FTT-06"))
        elif blood.haemoglobin_g_dl < HAEMOGLOBIN_REVIEW_G_DL:
            found.append(_Finding("FTT-06", "oxygen_or_transfusion_review"))
    if saturation is not None and saturation <= OXYGEN_ASSESSMENT_PERCENT:
        found.append(_Finding("FTT-07", "oxygen_assessment"))
    return found


def check_expired(pec_signed: datetime | date | None, departure: datetime | date | None) -> bool:
    """`FTT-VAL`: departure more than 72 hours after the check; by days when either has no hour."""
    if pec_signed is None or departure is None:
        return False
    if isinstance(pec_signed, datetime) and isinstance(departure, datetime):
        return departure - pec_signed > CHECK_VALID
    return (as_day(departure) - as_day(pec_signed)).days > CHECK_VALID_DAYS
