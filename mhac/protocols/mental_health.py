"""Substance use and mental disorders (`US-MH-01`, `US-MH-02`; CDC mental-health trees; rules, 3.7)."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date

from .examination import Condition
from .months import add_months
from .state import DUE, State

REMISSION_MONTHS = 12
REASSESSED_AFTER_MONTHS = 3
CRITERIA_FOR_A_CLASS = 2
_HARM_COUNTS = frozenset({"current", "past_likely"})


def substance_class(use: Condition, examined: date) -> str | None:
    """substance_a, substance_b or None for one `substance_use`; the first row that fits."""
    if not use.enough_information:
        return None
    if use.class_a_before and use.last_criterion is not None:
        return "substance_b" if _in_remission(use.last_criterion, examined) else "substance_a"
    if use.dsm_criteria is None or use.dsm_criteria < CRITERIA_FOR_A_CLASS:
        return None
    if use.controlled or use.harmful_behaviour in _HARM_COUNTS:
        return "substance_a"
    return "substance_b"


def disorder_class(disorder: Condition, examined: date) -> str | None:
    """mental_a, mental_b or None for one `mental_disorder`; without enough information see `unsettled`."""
    if not disorder.enough_information:
        return None
    if disorder.class_a_before and disorder.last_harm is not None:
        return "mental_b" if _in_remission(disorder.last_harm, examined) else "mental_a"
    if not disorder.dsm_diagnosis:
        return None
    return "mental_a" if disorder.harmful_behaviour in _HARM_COUNTS else "mental_b"


def unsettled(disorders: Iterable[Condition]) -> bool:
    """A mental disorder without enough information: no source settles it, so the physician decides (`PHYS-1`)."""
    return any(not disorder.enough_information for disorder in disorders)


def reassessment_state(uses: Iterable[Condition], examined: date) -> State:
    """The item `mental_reassessment`: put off three months while information on a substance is wanting."""
    if any(not use.enough_information for use in uses):
        return State("deferred", "insufficient_information", add_months(examined, REASSESSED_AFTER_MONTHS))
    return DUE


def _in_remission(last: date, examined: date) -> bool:
    return add_months(last, REMISSION_MONTHS) <= examined
