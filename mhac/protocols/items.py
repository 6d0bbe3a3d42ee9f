"""The state of each item (rules, section 3: the tables, and the rule for items without a table)."""

from __future__ import annotations

from collections.abc import Callable

from . import chest_film, gonorrhoea, mental_health, polio, sputum
from .situation import Situation
from .state import AWAITED, DONE, DUE, REPEAT, State
from .vaccination import Plan

_UNANSWERED = State("due", "unanswered")
_UNCLEAR = frozenset({"indeterminate", "invalid"})


def state_of(item: str, s: Situation, vaccines: Plan | None) -> State:
    """How far one item of the contract's list has come."""
    if item == "vaccination" and vaccines is not None and vaccines.basis == "required":
        return vaccines.state
    return _STATES[item](s)


def _recorded(key: str) -> Callable[[Situation], State]:
    """Done as soon as it is recorded."""

    def state(s: Situation) -> State:
        return DUE if getattr(s.facts.findings, key) is None else DONE

    return state


def _resulted(key: str, *values: str) -> Callable[[Situation], State]:
    """Nothing recorded: due; no result: pending; indeterminate or invalid: due again; else done."""

    def state(s: Situation) -> State:
        found = getattr(s.facts.findings, key)
        if found is None:
            return DUE
        results = [result for value in values if (result := getattr(found, value)) is not None]
        if not results:
            return AWAITED
        return REPEAT if results[0] in _UNCLEAR else DONE

    return state


def _report(name: str) -> Callable[[Situation], State]:
    def state(s: Situation) -> State:
        return DONE if name in s.facts.findings.reports else DUE

    return state


def unanswered(s: Situation) -> list[str]:
    """The screening questions of the edition that nobody answered (`SCREEN-1`)."""
    return [question for question in s.edition.questions if not s.facts.history.answered(question)]


def _history(s: Situation) -> State:
    return _UNANSWERED if unanswered(s) else DONE


def _symptom_screen(s: Situation) -> State:
    if s.edition.screening_item == "symptom_screen" and unanswered(s):
        return _UNANSWERED
    return _recorded("symptom_screen")(s)


def _chest_xray(s: Situation) -> State:
    return chest_film.state_of(
        s.facts.findings.chest_xray,
        pregnancy=s.facts.person.pregnancy,
        pregnancy_asked=s.pregnancy_asked,
        examined=s.facts.examined,
        practice=s.edition.practice.film_in_pregnancy,
        partner_asked="chest_xray" in s.facts.requested,
    )


def _sputum(s: Situation) -> State:
    return sputum.state_of(s.facts.findings.sputum, molecular_on_first=s.edition.practice.molecular_on_first)


def _tb_investigation(s: Situation) -> State:
    """A film that is read, or three specimens (or gastric lavages, entered as sputum); pending when either is begun."""
    films, specimens = s.facts.findings.chest_xray, _sputum(s)
    film = chest_film.reading_state(chest_film.first(films)) if films else None
    if specimens.done or (film is not None and film.done):
        return DONE
    if film is not None:
        return film
    return State("pending", specimens.reason) if s.facts.findings.sputum else DUE


def _polio_dose(s: Situation) -> State:
    return exit_dose(s).state


def exit_dose(s: Situation) -> polio.ExitDose:
    departure = s.facts.travel.departure_day
    inactivated = s.pregnant or s.facts.history.has_risk("immunodeficiency")
    if departure is None:
        return polio.ExitDose(State("due", product="ipv" if inactivated else "opv"))
    return polio.exit_dose(s.facts.history.written_polio_doses, departure, inactivated=inactivated)


_STATES: dict[str, Callable[[Situation], State]] = {
    "history": _history,
    "physical_exam": _recorded("physical_exam"),
    "chest_xray": _chest_xray,
    "chest_xray_repeat": lambda s: chest_film.repeat_state(s.facts.findings.chest_xray),
    "tb_test": lambda s: s.tb_test.state,
    "sputum": _sputum,
    "dst": lambda s: sputum.dst_state(s.facts.findings.sputum),
    "dst_second_line": lambda s: sputum.second_line_state(s.facts.findings.sputum),
    "xpert": _resulted("xpert", "result"),
    "tb_investigation": _tb_investigation,
    "syphilis": lambda s: s.syphilis.state,
    "gonorrhoea": lambda s: gonorrhoea.state_of(s.facts.findings.gonorrhoea),
    "urinalysis": _resulted("urinalysis", "result"),
    "creatinine": _resulted("creatinine", "egfr_reported", "mg_dl"),
    "hba1c": _resulted("hba1c", "ngsp_percent"),
    "blood_count": _resulted("blood_count", "haemoglobin_g_dl"),
    "hiv": _resulted("hiv", "result"),
    "hepatitis_b": _resulted("hepatitis_b", "result"),
    "hepatitis_c": _resulted("hepatitis_c", "result"),
    "mental_reassessment": lambda s: mental_health.reassessment_state(
        s.facts.findings.exam.of("substance_use"), s.facts.examined
    ),
    "gmhat": _recorded("gmhat"),
    "vaccination": _recorded("vaccination"),
    "polio_dose": _polio_dose,
    "polio_evidence": lambda s: polio.evidence_state(s.facts.history.written_polio_doses),
    "endocrinologist_report": _report("endocrinologist"),
    "nephrologist_report": _report("nephrologist"),
    "identity": _recorded("identity"),
    "consent": _recorded("consent"),
    "symptom_screen": _symptom_screen,
    "clinician_review": _recorded("clinician_review"),
}
