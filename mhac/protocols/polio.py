"""Polio vaccination before leaving (`POL-EXIT`) and its written evidence (`AU-11`)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from .history import Dose
from .months import add_months
from .state import DONE, State

STAY_DAYS = 28
FRESH_DAYS = 28
VALID_MONTHS = 12


@dataclass(frozen=True, slots=True)
class ExitDose:
    state: State
    under_four_weeks: bool = False


def exit_dose(written: Sequence[Dose], departure: date, *, inactivated: bool) -> ExitDose:
    """The item `polio_dose`, from the written doses; `inactivated`: pregnancy or immunodeficiency asks for IPV."""
    counting = [dose.date for dose in written if dose.date <= departure <= add_months(dose.date, VALID_MONTHS)]
    if not counting:
        return ExitDose(State("due", product="ipv" if inactivated else "opv"))
    return ExitDose(DONE, under_four_weeks=(departure - min(counting)).days < FRESH_DAYS)


def evidence_state(written: Sequence[Dose]) -> State:
    """The item `polio_evidence`: a written dose, whenever given."""
    return DONE if written else State("due", "not_documented")
