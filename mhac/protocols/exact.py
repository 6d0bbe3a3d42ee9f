"""Arithmetic of laboratory values: differences are exact, halves are rounded up."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal

# Twice the digits that a stated number may have (`reading`), so that a difference never loses one.
_EXACT = Context(prec=100)


def minus(value: Decimal, less: Decimal) -> Decimal:
    return _EXACT.subtract(value, less)


def whole(value: Decimal) -> int:
    """To a whole number, half up: a value is rounded before it is compared (rules, 3.13)."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP, context=_EXACT))
