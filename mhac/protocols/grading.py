"""The grade A or B (`CA-GRADE`; Australia the same). A physician may raise it to B and never lower it."""

from __future__ import annotations

from dataclasses import dataclass

from . import chest_film, syphilis
from .situation import Situation

EGFR_BELOW = 60


@dataclass(frozen=True, slots=True)
class Grade:
    """`comment_required` is to be shown only once the outcome is cleared; the other warnings always."""

    value: str
    lowering_refused: bool
    comment_required: bool
    comment_forbidden: bool


def reasons_for_b(s: Situation) -> frozenset[str]:
    """What makes the system's grade B; the list is a design default and unverified."""
    findings = s.facts.findings
    serology = {
        name: result is not None and result.result == "reactive"
        for name, result in (
            ("hiv", findings.hiv),
            ("hepatitis_b", findings.hepatitis_b),
            ("hepatitis_c", findings.hepatitis_c),
        )
    }
    reasons = {
        "film": s.suggestive or bool(chest_film.follow_up(findings.chest_xray)),
        "past_tb": s.past_tb,
        "hiv": s.hiv or serology["hiv"],
        "hepatitis_b": serology["hepatitis_b"],
        "hepatitis_c": serology["hepatitis_c"],
        "syphilis": syphilis.both_reactive(findings.syphilis),
        "tb_test": s.tb_positive,
        "kidney": isinstance(s.egfr, int) and s.egfr < EGFR_BELOW,
        "other": any(condition.significant for condition in findings.exam.of("other")),
    }
    return frozenset(reason for reason, holds in reasons.items() if holds)


def grade(s: Situation) -> Grade:
    """The decisions in the order given: A to B is taken, B to A never."""
    value, lowering_refused = ("B" if reasons_for_b(s) else "A"), False
    decisions = s.facts.decided("grade")
    for decision in decisions:
        lowering_refused = lowering_refused or (value == "B" and decision.grade == "A")
        value = "B" if decision.grade == "B" else value
    commented = any(decision.comment is not None for decision in decisions)
    return Grade(
        value=value,
        lowering_refused=lowering_refused,
        comment_required=value == "B" and not commented,
        comment_forbidden=value == "A" and commented,
    )
