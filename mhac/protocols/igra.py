"""Reading the raw values of an IGRA (`LAB-IGRA`, `LAB-TSPOT`). The laboratory's own software stays authoritative."""

from __future__ import annotations

from decimal import Decimal

from .exact import minus

NIL_LIMIT_IU_ML = Decimal("8.0")
RESPONSE_IU_ML = Decimal("0.35")
MITOGEN_IU_ML = Decimal("0.50")

NIL_LIMIT_SPOTS = 10
POSITIVE_SPOTS = 8
CONTROL_SPOTS = 20
NEGATIVE_SPOTS = 4


def quantiferon(nil: Decimal, tb1: Decimal, tb2: Decimal, mitogen: Decimal) -> str:
    """QFT-Plus, all in IU/mL: positive, negative or indeterminate (`LAB-IGRA`; QFT table, laboratory copies)."""
    if nil > NIL_LIMIT_IU_ML:
        return "indeterminate"
    responses = (minus(tb1, nil), minus(tb2, nil))
    if any(response >= RESPONSE_IU_ML and 4 * response >= nil for response in responses):
        return "positive"
    return "negative" if minus(mitogen, nil) >= MITOGEN_IU_ML else "indeterminate"


def tspot(nil: Decimal, panel_a: Decimal, panel_b: Decimal, control: Decimal) -> str:
    """T-SPOT, all in spots: positive, negative, borderline or indeterminate (`LAB-TSPOT`)."""
    if nil > NIL_LIMIT_SPOTS:
        return "indeterminate"
    above = minus(max(panel_a, panel_b), nil)
    if above >= POSITIVE_SPOTS:
        return "positive"
    if control < CONTROL_SPOTS:
        return "indeterminate"
    return "negative" if above <= NEGATIVE_SPOTS else "borderline"
