"""On which days somebody may leave: fitness to travel (`FTT-01` to `FTT-06`) and the polio dose (`POL-EXIT`) by day.

The rules themselves stand in `fit_to_travel` and `polio`; here they are only asked for every day of a span.
"""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass, replace
from datetime import date

from . import fit_to_travel, polio
from .facts import Facts
from .months import add_days, add_months


@dataclass(frozen=True, slots=True)
class Limit:
    """The first day on which somebody may travel, or the last one, and the rule that says so."""

    day: date
    rule: str


@dataclass(frozen=True, slots=True)
class Departure:
    """`opens` None: from the first day asked about; `closes` None: beyond the last; `never`: the rule against all."""

    opens: Limit | None = None
    closes: Limit | None = None
    never: str = ""


def days_to_leave(facts: Facts, first: date, last: date, *, asked: Set[str]) -> Departure:
    """The first run of days from `first` to `last` on which nothing stands against leaving. `asked`: required items."""
    if last < first:
        return Departure()
    if "polio_dose" not in asked and not _against(facts, first, asked) and not _against(facts, last, asked):
        # Each of these rules changes once: newborn and surgery cease to stand against it, a pregnancy begins to.
        return Departure()
    opens, before, day = None, "", first
    while day <= last and (rule := _against(facts, day, asked)):
        before, day = rule, add_days(day, 1)
    if day > last:
        return Departure(never=before)
    if before:
        opens = Limit(day, before)
    while day <= last and not (rule := _against(facts, day, asked)):
        day = add_days(day, 1)
    return Departure(opens, Limit(add_days(day, -1), rule) if day <= last else None)


def _against(facts: Facts, day: date, asked: Set[str]) -> str:
    """The rule that stands against leaving on this day, or ""."""
    if "polio_dose" in asked and not _dose_counts(facts, day):
        return "POL-EXIT"
    fitness = fit_to_travel.judge(replace(facts, travel=replace(facts.travel, departure=day)))
    if fitness is None or fitness.category != "F4":
        return ""
    return next(rule for rule in ("FTT-02", "FTT-03", "FTT-05", "FTT-04", "FTT-01", "FTT-06") if rule in fitness.rules)


def _dose_counts(facts: Facts, day: date) -> bool:
    """A written dose of the last twelve months that is at least 28 days old; without any, that is an open item."""
    written = facts.history.written_polio_doses
    return not written or any(
        add_days(dose.date, polio.FRESH_DAYS) <= day <= add_months(dose.date, polio.VALID_MONTHS) for dose in written
    )
