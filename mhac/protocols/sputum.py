"""Sputum specimens: which of them count, and what they show (rules, 3.3)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .findings import Specimen
from .state import State
from .vocabulary import FLUOROQUINOLONES, MOLECULAR_POSITIVE

SPECIMENS = 3
_UNCERTAIN_MOLECULAR = frozenset({"invalid", "trace"})


@dataclass(frozen=True, slots=True)
class Counted:
    """The specimens that count, in the order given, and why others do not."""

    accepted: tuple[Specimen, ...]
    same_day: bool
    contaminated: bool


def count(specimens: Sequence[Specimen]) -> Counted:
    """One specimen per calendar day (`SPUT-1`); a contaminated culture does not count (`SPUT-2`)."""
    accepted: list[Specimen] = []
    days: set[date] = set()
    same_day = contaminated = False
    for specimen in specimens:
        if specimen.culture == "contaminated":
            contaminated = True
        elif specimen.collected in days:
            same_day = True
        else:
            days.add(specimen.collected)
            accepted.append(specimen)
    return Counted(tuple(accepted), same_day, contaminated)


def state_of(specimens: Sequence[Specimen], *, molecular_on_first: bool) -> State:
    """The item `sputum`: three accepted specimens, each with smear and culture."""
    counted = count(specimens)
    accepted = counted.accepted
    number = len(accepted)
    if number < SPECIMENS:
        reason = "contaminated" if counted.contaminated else "same_day" if counted.same_day else None
        return State("due", reason, accepted=number)
    if any(each.smear is None or each.culture is None for each in accepted):
        return State("pending", "result_awaited", accepted=number)
    if molecular_on_first and accepted[0].molecular is None:
        return State("pending", "result_awaited", accepted=number)
    if _molecular_unsettled([each.molecular for each in accepted]):
        return State("pending", "molecular_repeat", accepted=number)
    return State("done", accepted=number)


def _molecular_unsettled(results: Sequence[str | None]) -> bool:
    """Whether the first molecular result is uncertain and no later specimen gives a certain one."""
    given = [result for result in results if result is not None]
    return bool(given) and all(result in _UNCERTAIN_MOLECULAR for result in given)


def grew_mtb(specimens: Sequence[Specimen]) -> bool:
    """`mtb`: a culture grew MTB complex, in any specimen."""
    return any(each.culture == "mtb" for each in specimens)


def grew_ntm(specimens: Sequence[Specimen]) -> bool:
    return any(each.culture == "ntm" for each in specimens)


def suspicious(specimens: Sequence[Specimen]) -> bool:
    """Any smear that is not negative, or a molecular test very_low to high."""
    return any(_smear_positive(each) or each.molecular in MOLECULAR_POSITIVE for each in specimens)


def _smear_positive(specimen: Specimen) -> bool:
    return specimen.smear is not None and specimen.smear != "negative"


def critical(specimens: Sequence[Specimen]) -> bool:
    """`CRIT-1`: a result that is telephoned the same day and read back."""
    return suspicious(specimens) or any(
        each.culture == "mtb"
        or each.rifampicin == "detected"
        or "R" in (each.dst.get("isoniazid"), each.dst.get("rifampicin"))
        for each in specimens
    )


def dst_state(specimens: Sequence[Specimen]) -> State:
    """The item `dst`: pending once a culture is MTB, done when isoniazid and rifampicin are reported on it."""
    tested = _tested(specimens)
    if tested is None:
        return State("due")
    return State("done") if {"isoniazid", "rifampicin"} <= tested else State("pending", "result_awaited")


def second_line_state(specimens: Sequence[Specimen]) -> State:
    """The item `dst_second_line`: done when a fluoroquinolone is reported."""
    tested = _tested(specimens)
    if tested is None:
        return State("due")
    return State("pending", "result_awaited") if tested.isdisjoint(FLUOROQUINOLONES) else State("done")


def _tested(specimens: Sequence[Specimen]) -> set[str] | None:
    """The drugs reported on the MTB cultures; None while no culture is MTB."""
    grown = [each for each in specimens if each.culture == "mtb"]
    return {drug for each in grown for drug in each.dst} if grown else None
