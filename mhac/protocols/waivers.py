"""Which items a physician may waive (`WAIVE-1`). A waiver replaces a missing item, never a result.

The items of tuberculosis are not waived where the paper or the class states what they showed.
"""

from __future__ import annotations

from . import sputum, tb_infection
from .laboratory import Syphilis
from .situation import Situation
from .state import State
from .vaccination import Plan

# Without these nobody knows who was examined, with whose consent, and what was asked: they carry every other item.
GROUND = frozenset({"identity", "consent", "history", "symptom_screen", "physical_exam", "clinician_review"})
TUBERCULOSIS = frozenset(
    {"chest_xray", "chest_xray_repeat", "tb_test", "sputum", "dst", "dst_second_line", "xpert", "tb_investigation"}
)
CLASSED = TUBERCULOSIS | {"syphilis", "gonorrhoea", "mental_reassessment"}
SEROLOGY = frozenset({"hiv", "hepatitis_b", "hepatitis_c"})


def waived(s: Situation) -> frozenset[str]:
    """What a physician waived; what she ordered too stays ordered."""
    ordered = {decision.item for decision in s.facts.decided("order")}
    given = {decision.item for decision in s.facts.decided("waive") if decision.item is not None}
    return frozenset(given - ordered)


def why_not(item: str, state: State, s: Situation, vaccines: Plan | None) -> str | None:
    """The code of what stands against waiving an item that is not done; None when it may be waived.

    `ground` `partner_asked` `paper_states_it` `class_states_it` `each_vaccine` `result_stands` `taken`; the assessment
    adds `age_open` for an item that is withheld.
    """
    practice = s.edition.practice
    if item in GROUND:
        return "ground"
    if item in s.facts.requested:
        return "partner_asked"
    if s.edition.document == "tb_clearance" and item in TUBERCULOSIS:
        return "paper_states_it"
    if practice.us_classes and item in CLASSED:
        return "class_states_it"
    if item == "vaccination" and vaccines is not None and vaccines.basis == "required":
        return "each_vaccine"
    if _stands(item, s):
        return "result_stands"
    return "taken" if state.name == "pending" else None


def _stands(item: str, s: Situation) -> bool:
    """Whether something positive, or a serology that is not clearly negative, is already on record for the item."""
    findings = s.facts.findings
    if item in {"sputum", "dst", "dst_second_line", "tb_investigation"}:
        return sputum.critical(findings.sputum)
    if item == "syphilis":
        return _reactive(findings.syphilis)
    if item == "tb_test":
        return _infected(s)
    if item in SEROLOGY:
        found = getattr(findings, item)
        return found is not None and found.result is not None
    return False


def _reactive(found: Syphilis | None) -> bool:
    if found is None:
        return False
    first = found.nontreponemal
    if first is not None and first.result == "reactive":
        return True
    return any(test.result == "reactive" for test in found.treponemal)


def _infected(s: Situation) -> bool:
    """A positive test by any method, also one that the programme does not accept."""
    at_risk = s.contact or s.hiv
    skin = (tb_infection.read_tst(test.mm, at_risk=at_risk) for test in s.facts.findings.tst)
    blood = (tb_infection.read_igra(test) for test in s.facts.findings.igra)
    return "positive" in {*skin, *blood}
