"""HbA1c from NGSP per cent to IFCC mmol/mol (rules, 3.13)."""

from __future__ import annotations

from decimal import Decimal

from .exact import whole


def mmol_mol(ngsp_percent: Decimal) -> int:
    """(NGSP − 2.15) · 10.929, half up."""
    return whole((ngsp_percent - Decimal("2.15")) * Decimal("10.929"))
