"""Hansen's disease (`US-HD-01`; CDC Hansen's TI 2013)."""

from __future__ import annotations

TREATED_FROM_DAYS = 7


def us_class(days_on_treatment: int) -> str:
    """hansens_a under 7 days on treatment, hansens_b from day 7, either type."""
    return "hansens_b" if days_on_treatment >= TREATED_FROM_DAYS else "hansens_a"
