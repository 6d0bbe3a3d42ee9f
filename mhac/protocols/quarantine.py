"""Quarantinable diseases (`US-PHEIC`; 42 CFR 34.2): a clause that an edition switches on by naming the diseases.

The contract has no class for it, so a physician decides (`PHYS-1`).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable

from .examination import Condition


def suspected(named: Collection[str], conditions: Iterable[Condition]) -> bool:
    """Whether an infectious disease was found that the edition names; capitals and outer blanks do not count."""
    diseases = {name.strip().casefold() for name in named}
    return any(
        condition.code == "infectious_disease"
        and condition.infectious is True
        and (condition.disease or "").strip().casefold() in diseases
        for condition in conditions
    )
