"""Syphilis by a nontreponemal and a treponemal test (rules, 3.6)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .laboratory import Syphilis
from .state import AWAITED, DONE, DUE, State


@dataclass(frozen=True, slots=True)
class Verdict:
    """`bar` is syphilis_a or syphilis_b or None; `undecided`: a physician has to judge; `warning` a code or None.

    `rule` is the line that decided, empty where no class is at stake.
    """

    state: State
    rule: str = ""
    bar: str | None = None
    undecided: bool = False
    warning: str | None = None


def judge(found: Syphilis | None, examined: date) -> Verdict:
    """The United States' table, first line that fits (`US-SYP-03` to `-06`)."""
    if found is None:
        return Verdict(DUE)
    if found.laboratory == "outside" or found.drawn < examined:
        return Verdict(State("due", "outside_result"), warning="outside_result")
    screening, confirming = found.nontreponemal, found.treponemal[0] if found.treponemal else None
    if screening is not None and confirming is not None and screening.specimen != confirming.specimen:
        return Verdict(State("due", "different_specimens"), warning="different_specimens")
    if screening is None or confirming is None or screening.result is None or confirming.result is None:
        return Verdict(AWAITED)
    if confirming.result == "nonreactive":
        return Verdict(DONE, "US-SYP-05" if screening.result == "reactive" else "")
    if screening.result == "reactive":
        treated = found.treatment is not None and found.treatment.adequate
        if treated:
            return Verdict(DONE, "US-SYP-04", bar="syphilis_b")
        return Verdict(DONE, "US-SYP-03", bar="syphilis_a")
    second = next((each for each in found.treponemal[1:] if each.method != confirming.method), None)
    if second is None:
        return Verdict(State("due", "second_treponemal"), "US-SYP-06")
    if second.result is None:
        return Verdict(AWAITED, "US-SYP-06")
    return Verdict(DONE, "US-SYP-06", undecided=second.result == "reactive")


def any_result_state(found: Syphilis | None) -> State:
    """Outside the United States the item is done when any result is there."""
    if found is None:
        return DUE
    results = [each.result for each in found.treponemal]
    if found.nontreponemal is not None:
        results.append(found.nontreponemal.result)
    return DONE if any(result is not None for result in results) else AWAITED


def both_reactive(found: Syphilis | None) -> bool:
    """Whether a nontreponemal and a treponemal test are reactive (`CA-GRADE`)."""
    if found is None or found.nontreponemal is None:
        return False
    return found.nontreponemal.result == "reactive" and any(each.result == "reactive" for each in found.treponemal)
