"""The test for tuberculosis infection, item `tb_test` (rules, 3.2)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from . import igra, vocabulary
from .findings import Igra
from .history import Dose, EarlierTest
from .months import add_days
from .state import AWAITED, DONE, DUE, REPEAT, State

TST_POSITIVE_MM = 10
TST_POSITIVE_AT_RISK_MM = 5
LIVE_VACCINE_DAYS = 28


@dataclass(frozen=True, slots=True)
class Reading:
    """One test of either kind; `result` None: awaited."""

    date: date
    method: str
    result: str | None


@dataclass(frozen=True, slots=True)
class TbTest:
    """`result`: positive, negative, indeterminate or None while nothing counts."""

    state: State
    result: str | None = None
    twice_indeterminate: bool = False
    method_not_accepted: bool = False


def read_igra(test: Igra) -> str | None:
    """The result as reported or as computed; a borderline one is treated as indeterminate."""
    result = test.result
    if test.quantiferon is not None:
        result = igra.quantiferon(*test.quantiferon)
    if test.tspot is not None:
        result = igra.tspot(*test.tspot)
    return "indeterminate" if result == "borderline" else result


def read_tst(mm: Decimal | None, *, at_risk: bool) -> str | None:
    """Positive from 10 mm (`US-TB-10`); from 5 mm for a contact (`US-TB-09`) or with known HIV."""
    if mm is None:
        return None
    return "positive" if mm >= (TST_POSITIVE_AT_RISK_MM if at_risk else TST_POSITIVE_MM) else "negative"


def judge(
    readings: tuple[Reading, ...],
    *,
    accepts: frozenset[str],
    earlier: EarlierTest | None,
    doses: tuple[Dose, ...],
    examined: date,
) -> TbTest:
    """The first row of the table in 3.2 that fits.

    `earlier` is None where an earlier positive test does not count; `doses` is empty where no test waits for a
    live vaccine.
    """
    if earlier is not None and earlier.result == "positive" and earlier.written:
        return TbTest(DONE, "positive")
    accepted = sorted((each for each in readings if each.method in accepts), key=lambda each: each.date)
    if not accepted:
        if readings:
            return TbTest(State("due", "method_not_accepted"), method_not_accepted=True)
        return TbTest(_after_live_vaccine(doses, examined))
    if accepted[-1].result is None:
        return TbTest(AWAITED)
    definite = [each.result for each in accepted if each.result in vocabulary.POSITIVE_NEGATIVE]
    if definite:
        return TbTest(DONE, definite[-1])
    unclear = sum(each.result == "indeterminate" for each in accepted)
    if unclear == 1:
        return TbTest(REPEAT, "indeterminate")
    return TbTest(DONE, "indeterminate", twice_indeterminate=True)


def _after_live_vaccine(doses: tuple[Dose, ...], examined: date) -> State:
    """`US-TB-14`: 1 to 27 days after an injected live vaccine the test waits until the 28th day."""
    recent = [
        dose.date
        for dose in doses
        if dose.vaccine in vocabulary.LIVE_INJECTED and 1 <= (examined - dose.date).days < LIVE_VACCINE_DAYS
    ]
    if recent:
        return State("not_before", "live_vaccine", add_days(max(recent), LIVE_VACCINE_DAYS))
    return DUE
