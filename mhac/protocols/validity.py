"""How long a result is valid (`VAL-0` and the terms of each edition; rules, 3.11)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from . import chest_film, sputum
from .months import add_days, add_months

if TYPE_CHECKING:
    from .programme import Term
    from .situation import Situation
    from .tuberculosis import TbClass


def last_valid_day(start: date, months: int, minus_days: int) -> date:
    """`VAL-0`: the last valid day, inclusive."""
    return add_days(add_months(start, months), -minus_days)


def always(_: Situation, __: TbClass) -> bool:
    """Every result."""
    return True


def tb_contact(s: Situation, _: TbClass) -> bool:
    """Contacts of tuberculosis."""
    return s.contact


def class_b0(_: Situation, tb: TbClass) -> bool:
    """Class B0."""
    return "tb_b0" in tb.classes


def class_b1(_: Situation, tb: TbClass) -> bool:
    """Class B1, pulmonary or extrapulmonary."""
    return tb.b1


VALID_WHEN: dict[str, Callable[[Situation, TbClass], bool]] = {
    rule.__name__: rule for rule in (always, tb_contact, class_b0, class_b1)
}


def examined(s: Situation) -> date | None:
    """The day of the examination."""
    return s.facts.examined


def earliest_component(s: Situation) -> date | None:
    """The earliest of examination, films and accepted tests for infection (`US-VAL-S1`)."""
    findings, accepts = s.facts.findings, s.tb_test_accepts
    days = [s.facts.examined, *(film.date for film in findings.chest_xray)]
    if "igra" in accepts:
        days += [test.date for test in findings.igra]
    if "tst" in accepts:
        days += [test.date for test in findings.tst]
    return min(days)


def last_culture_report(s: Situation) -> date | None:
    """The last culture report among the accepted specimens (`US-VAL-S2`)."""
    accepted = sputum.count(s.facts.findings.sputum).accepted
    return max((each.culture_reported for each in accepted if each.culture_reported is not None), default=None)


def end_evaluation(s: Situation) -> date | None:
    """The evaluation at the end of treatment (`US-VAL-S3`)."""
    treatment = s.facts.findings.tb_treatment
    return None if treatment is None else treatment.end_evaluation


def film_or_review(s: Situation) -> date | None:
    """The film; without one the clinician's review; after sputum alone no source settles it."""
    findings = s.facts.findings
    if findings.chest_xray:
        return chest_film.first(findings.chest_xray).date
    return None if findings.clinician_review is None else findings.clinician_review.date


COUNTED_FROM: dict[str, Callable[[Situation], date | None]] = {
    start.__name__: start
    for start in (examined, earliest_component, last_culture_report, end_evaluation, film_or_review)
}


@dataclass(frozen=True, slots=True)
class Validity:
    """The last valid day, inclusive, and the term that gives it; None where no day to count from is known."""

    until: date | None
    term: Term


def valid_until(s: Situation, tb: TbClass) -> Validity | None:
    """The first of the edition's terms that fits; None without one."""
    for term in s.edition.validity:
        if VALID_WHEN[term.when](s, tb):
            start = COUNTED_FROM[term.counted_from](s)
            until = None if start is None else last_valid_day(start, term.months, term.minus_days)
            return Validity(until, term)
    return None
