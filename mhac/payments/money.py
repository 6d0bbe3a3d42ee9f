"""How an amount is written: the currency first, hundredths only where there are any."""

from collections import defaultdict
from decimal import Decimal


def written(amount: Decimal, currency: str) -> str:
    """USD 332, USD 1,250.50"""
    return f"{currency} {number(amount)}"


def number(amount: Decimal) -> str:
    """The amount without its currency."""
    return f"{amount:,.0f}" if amount == amount.to_integral_value() else f"{amount:,.2f}"


def sums(amounts) -> dict[str, Decimal]:
    """Pairs of (currency, amount) -> the sum of each currency; money of two currencies is never added."""
    found: dict[str, Decimal] = defaultdict(Decimal)
    for currency, amount in amounts:
        found[currency] += amount
    return dict(found)
