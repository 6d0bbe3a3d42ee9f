"""Nutrition categories (`NUT-1` to `NUT-4`; rules, 3.16)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

from .findings import Nutrition

INFANT_MONTHS = 6
CHILD_MONTHS = 60
ADULT_YEARS = 20
# A setting of the site elsewhere (210 mm in some programmes); `NUT-4`, unverified.
MATERNAL_MUAC_MM = Decimal(230)


@dataclass(frozen=True, slots=True)
class Category:
    """`name` None: the measurements of the row are missing."""

    name: str | None
    rule: str


def category(found: Nutrition, *, months: int, years: int, pregnant: bool) -> Category:
    """The first row that fits, by completed months and years."""
    if months < INFANT_MONTHS:
        return Category("refer_infant", "NUT-1")
    if months < CHILD_MONTHS:
        return Category(_child(found), "NUT-1")
    if pregnant or found.lactating:
        return Category(_maternal(found.muac_mm), "NUT-4")
    if years < ADULT_YEARS:
        return Category(_band(found.bmi_z, Decimal(-3), Decimal(-2)), "NUT-2")
    return Category(_band(found.bmi_kg_m2, Decimal(16), Decimal("18.5")), "NUT-3")


def _child(found: Nutrition) -> str | None:
    """The worst of arm, weight for height and oedema counts."""
    arm, weight = found.muac_mm, found.whz
    if found.bilateral_oedema or (arm is not None and arm < 115) or (weight is not None and weight < -3):
        return "sam"
    if arm is None and weight is None:
        return None
    if (arm is not None and arm < 125) or (weight is not None and weight < -2):
        return "mam"
    return "adequate"


def _maternal(muac_mm: Decimal | None) -> str | None:
    if muac_mm is None:
        return None
    return "at_risk" if muac_mm < MATERNAL_MUAC_MM else "adequate"


def _band(value: Decimal | None, severe_below: Decimal, moderate_below: Decimal) -> str | None:
    if value is None:
        return None
    if value < severe_below:
        return "severe"
    return "moderate" if value < moderate_below else "adequate"
