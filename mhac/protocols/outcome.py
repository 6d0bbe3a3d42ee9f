"""The outcome so far (rules, 3.10): a proposal that a panel physician confirms."""

from __future__ import annotations

from dataclasses import dataclass

from . import chest_film, gonorrhoea, hansens, mental_health, quarantine, resistance, sputum, tuberculosis
from .ages import limit_crossed
from .situation import Situation
from .tuberculosis import TbClass
from .vaccination import Plan


@dataclass(frozen=True, slots=True)
class Outcome:
    state: str
    classes: frozenset[str] = frozenset()
    options: frozenset[str] = frozenset()
    grade: str | None = None
    remarks: frozenset[str] = frozenset()

    @property
    def cleared(self) -> bool:
        return self.state == "cleared"


def decide(
    s: Situation, tb: TbClass, vaccines: Plan | None, *, all_done: bool, all_known: bool, waiting: bool
) -> Outcome:
    """The first state that holds; `waiting`: an item is proposed or withheld until a physician decides."""
    us = s.edition.practice.us_classes
    remarks = _remarks(s, tb)
    classes = (tb.classes | _other_us_classes(s, vaccines)) if us else frozenset()
    bars = frozenset(code for code in classes if code.endswith("_a"))
    if bars or (not us and s.tb_disease):
        return Outcome("not_cleared", bars, remarks=remarks)
    if not all_done or not all_known:
        return Outcome("incomplete", remarks=remarks)
    if waiting or tb.undecided or _undecided(s) or limit_crossed(s.facts, s.ages, s.edition.age_limits):
        return Outcome("physician_decision", options=tb.options, remarks=remarks)
    return Outcome("cleared", classes, remarks=remarks)


def _other_us_classes(s: Situation, vaccines: Plan | None) -> frozenset[str]:
    findings, examined = s.facts.findings, s.facts.examined
    found: set[str | None] = {s.syphilis.bar, gonorrhoea.us_class(findings.gonorrhoea)}
    for condition in findings.exam.conditions:
        if condition.days_on_treatment is not None:
            found.add(hansens.us_class(condition.days_on_treatment))
        if condition.code == "substance_use":
            found.add(mental_health.substance_class(condition, examined))
        if condition.code == "mental_disorder":
            found.add(mental_health.disorder_class(condition, examined))
    if vaccines is not None and vaccines.refused:
        found.add("vaccination_a")
    if s.pregnant:
        found.add("pregnancy_b")
    if chest_film.follow_up(findings.chest_xray):
        found.add("other_b")
    return frozenset(code for code in found if code is not None)


def _undecided(s: Situation) -> bool:
    """A judgement that no source takes from the physician."""
    if quarantine.suspected(s.edition.quarantinable, s.facts.findings.exam.conditions):
        return True
    if not s.edition.practice.us_classes:
        return tuberculosis.unproven_outside_us(s) or s.tb_test.twice_indeterminate
    return s.syphilis.undecided or mental_health.unsettled(s.facts.findings.exam.of("mental_disorder"))


def _remarks(s: Situation, tb: TbClass) -> frozenset[str]:
    findings, practice = s.facts.findings, s.edition.practice
    remarks = set(chest_film.follow_up(findings.chest_xray))
    if practice.us_classes and tb.b1 and s.contact:
        remarks.add("tb_contact")
    if sputum.grew_ntm(findings.sputum):
        remarks.add("ntm")
    if practice.us_classes and s.mtb and s.resistance in resistance.RIFAMPICIN_RESISTANT:
        remarks.add("consult_partner")
    if practice.presumptive_tb_remark and (s.signs or s.contact or s.past_tb):
        remarks.add("presumptive_tb")
    return frozenset(remarks)
