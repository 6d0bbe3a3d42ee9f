"""The tuberculosis class of the United States (rules, 3.5): the first line that fits."""

from __future__ import annotations

from dataclasses import dataclass

from . import sputum
from .findings import TbTreatment
from .situation import Situation

END_CULTURES = 2


@dataclass(frozen=True, slots=True)
class TbClass:
    """`classes` empty and `undecided` False: no class yet, because something required is not done.

    `rule` is the line that decided, empty while none did.
    """

    rule: str = ""
    classes: frozenset[str] = frozenset()
    undecided: bool = False
    options: frozenset[str] = frozenset()

    @property
    def b1(self) -> bool:
        return not self.classes.isdisjoint({"tb_b1_pulmonary", "tb_b1_extrapulmonary"})


def _given(rule: str, *classes: str) -> TbClass:
    return TbClass(rule, frozenset(classes))


def _decide(rule: str, *options: str) -> TbClass:
    return TbClass(rule, undecided=True, options=frozenset(options))


def treated_here(treatment: TbTreatment | None) -> bool:
    """`US-CLS-B0`: by the panel site, observed to the end, evaluated, two or more end cultures and all negative."""
    return (
        treatment is not None
        and treatment.by == "panel_site"
        and treatment.dot_complete
        and treatment.end_evaluation is not None
        and treatment.end_film != "worse"
        and len(treatment.end_cultures) >= END_CULTURES
        and all(culture.result == "negative" for culture in treatment.end_cultures)
    )


def us_class(s: Situation, *, all_done: bool) -> TbClass:
    """`all_done`: every required item is done."""
    findings = s.facts.findings
    if treated_here(findings.tb_treatment):
        return _given("US-CLS-B0", "tb_b0")
    if s.tb_disease:
        return _given("US-CLS-A", "tb_a")
    if not all_done:
        return TbClass()
    if not s.tb_decided:
        if sputum.suspicious(findings.sputum):
            return _decide("US-CLS-P1", "tb_a", "tb_b1_pulmonary")
        if sputum.grew_ntm(findings.sputum):
            return _decide("US-CLS-P2", "tb_b1_pulmonary")
    extrapulmonary = findings.exam.has("extrapulmonary_tb")
    if extrapulmonary and s.suggestive:
        # No source settles extrapulmonary tuberculosis with a suggestive film, so no class is given (PHYS-1).
        return _decide("PHYS-1", "tb_b1_extrapulmonary", "tb_b1_pulmonary")
    if extrapulmonary:
        return _given("US-CLS-B1E", "tb_b1_extrapulmonary")
    if s.suggestive or s.signs or s.hiv:
        return _given("US-CLS-B1P", "tb_b1_pulmonary")
    if s.tb_test.twice_indeterminate:
        return _decide("US-TB-12")
    if s.tb_positive:
        return _given("US-CLS-B2", "tb_b2", "tb_b3") if s.contact else _given("US-CLS-B2", "tb_b2")
    if s.contact:
        return _given("US-CLS-B3", "tb_b3")
    if s.past_tb:
        # Nor past tuberculosis with a normal film and no signs.
        return _decide("PHYS-1", "tb_b1_pulmonary", "tb_none")
    return _given("US-CLS-0", "tb_none")


def unproven_outside_us(s: Situation) -> bool:
    """A positive smear or molecular test without a culture of MTB and without a physician's decision (rules, 3.10)."""
    xpert = s.facts.findings.xpert
    rapid = xpert is not None and xpert.result in {"trace", "very_low", "low", "medium", "high"}
    return (rapid or sputum.suspicious(s.facts.findings.sputum)) and not s.mtb and not s.tb_decided


def contact_details_missing(s: Situation) -> bool:
    """`US-CLS-B3`: the source's name, the relationship and the type of tuberculosis are mandatory."""
    return any(
        contact.source_name is None or contact.relationship is None or contact.tb_type is None
        for contact in s.facts.history.tb_contacts or ()
    )
