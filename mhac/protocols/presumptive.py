"""Presumptive treatment of refugees before departure (`US-PRES`; CDC presumptive-treatment guidance; rules, 3.9)."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal

ALBENDAZOLE_FROM_MONTHS = 12
ALBENDAZOLE_FULL_FROM_MONTHS = 24
IVERMECTIN_FROM_KG = Decimal(15)
IVERMECTIN_MG_PER_KG = Decimal("0.2")


@dataclass(frozen=True, slots=True)
class Doses:
    """Single doses in mg; None: do not give. The first week of breast-feeding is not known here and must be asked."""

    albendazole_mg: int | None
    ivermectin_mg: Decimal | None


def doses(months: int, weight_kg: Decimal | None, *, may_be_pregnant: bool) -> Doses:
    """By completed months and weight; `may_be_pregnant`: pregnant, or to be asked and not stated."""
    if may_be_pregnant:
        return Doses(None, None)
    albendazole = None
    if months >= ALBENDAZOLE_FROM_MONTHS:
        albendazole = 400 if months >= ALBENDAZOLE_FULL_FROM_MONTHS else 200
    ivermectin = None
    if weight_kg is not None and weight_kg >= IVERMECTIN_FROM_KG:
        ivermectin = weight_kg * IVERMECTIN_MG_PER_KG
    return Doses(albendazole, ivermectin)
