"""Estimated glomerular filtration (`LAB-EGFR`), in mL/min/1.73 m2, whole numbers."""

from __future__ import annotations

from decimal import Decimal

from .exact import whole
from .laboratory import Creatinine

ADULT_FROM_YEARS = 18
_KAPPA = {"female": Decimal("0.7"), "male": Decimal("0.9")}
_ALPHA = {"female": Decimal("-0.241"), "male": Decimal("-0.302")}


def ckd_epi_2021(mg_dl: Decimal, age: int, sex: str) -> int:
    """Adults: 142 · min(S/κ,1)^α · max(S/κ,1)^−1.2 · 0.9938^age · 1.012 if female."""
    ratio = mg_dl / _KAPPA[sex]
    value = 142 * min(ratio, Decimal(1)) ** _ALPHA[sex] * max(ratio, Decimal(1)) ** Decimal("-1.2")
    value *= Decimal("0.9938") ** age
    return whole(value * Decimal("1.012") if sex == "female" else value)


def bedside_schwartz(mg_dl: Decimal, height_cm: Decimal) -> int:
    """Under 18: 0.413 · height / S."""
    return whole(Decimal("0.413") * height_cm / mg_dl)


def egfr(
    found: Creatinine | None, *, age: int, sex: str, height_cm: Decimal | None, pregnant: bool
) -> int | str | None:
    """The value, "incomplete" in pregnancy (`NZ-07`), or None when it cannot be computed."""
    if found is None:
        return None
    if pregnant:
        return "incomplete"
    if found.egfr_reported is not None:
        return whole(found.egfr_reported)
    if found.mg_dl is None:
        return None
    if age >= ADULT_FROM_YEARS:
        return ckd_epi_2021(found.mg_dl, age, sex) if sex in _KAPPA else None
    return None if height_cm is None else bedside_schwartz(found.mg_dl, height_cm)
