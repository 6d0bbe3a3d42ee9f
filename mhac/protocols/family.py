"""Several people who travel together: one date for all of them.

The arithmetic of their clocks: the earliest expiry, the window in which everybody may travel, the day on which all are
promised ready, whose examination has to be repeated so that the dates meet, and when to warn. Days only, no rules.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date

from .departure import Departure, Limit
from .months import add_days
from .validity import last_valid_day

# Days before the earliest expiry on which somebody is told.
THRESHOLDS = (30, 14, 7)
SEARCHED_DAYS = 800
ANY_DAY = Departure()


@dataclass(frozen=True, slots=True)
class Renewal:
    """A new examination: ready `ready_days` after it, valid for so many months counted from `counted_days` after it."""

    months: int
    minus_days: int = 0
    ready_days: int = 0
    counted_days: int = 0

    def until(self, examined: date) -> date:
        return last_valid_day(add_days(examined, self.counted_days), self.months, self.minus_days)

    def ready(self, examined: date) -> date:
        return add_days(examined, self.ready_days)


@dataclass(frozen=True, slots=True)
class Clock:
    """One member. `ready`: the day from which she is, or is promised, ready; None when nobody promises one.

    `done`: nothing is open. `until`: her last valid day, inclusive; None: not known yet or without an end.
    `stopped`: a decision keeps her from travelling. `leaves`: on which days the rules of the journey let her go.
    """

    key: str
    done: bool
    ready: date | None
    until: date | None = None
    stopped: bool = False
    leaves: Departure = ANY_DAY
    renewal: Renewal | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """A first or last day, whose it is, and why: "ready", "expiry" or a rule."""

    day: date
    key: str
    why: str


@dataclass(frozen=True, slots=True)
class Window:
    """The days on which everybody may travel, both included.

    `opens` None: somebody has no promised day. `closes` None: no end is known. `never`: who may not travel at all.
    """

    opens: Edge | None
    closes: Edge | None
    never: tuple[tuple[str, str], ...] = ()

    @property
    def is_empty(self) -> bool:
        late = self.opens is not None and self.closes is not None and self.closes.day < self.opens.day
        return bool(self.never) or late

    def is_over(self, today: date) -> bool:
        return self.closes is not None and self.closes.day < today

    def holds(self, day: date) -> bool:
        """Whether everybody may travel on this day."""
        if self.never or self.opens is None or day < self.opens.day:
            return False
        return self.closes is None or day <= self.closes.day


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is examined again, from which day on, and the window that follows when it is that day."""

    keys: tuple[str, ...]
    day: date
    window: Window


def earliest_expiry(members: Iterable[Clock]) -> Edge | None:
    """The first last day of all, and whose it is."""
    known = [Edge(each.until, each.key, "expiry") for each in members if each.until is not None]
    return min(known, key=lambda edge: edge.day, default=None)


def promised_ready(members: Sequence[Clock]) -> Edge | None:
    """The latest day on which a member is, or is promised, ready; None when somebody has no such day."""
    ready = [Edge(each.ready, each.key, "ready") for each in members if each.ready is not None]
    return max(ready, key=lambda edge: edge.day) if ready and len(ready) == len(members) else None


def window(members: Sequence[Clock]) -> Window:
    """From the day on which everybody is ready and may leave to the first day that ends it for somebody."""
    ready = promised_ready(members)
    opens = [ready, *(_edge(each, each.leaves.opens) for each in members)]
    closes = [earliest_expiry(members), *(_edge(each, each.leaves.closes) for each in members)]
    return Window(
        opens=None if ready is None else max((edge for edge in opens if edge), key=lambda edge: edge.day),
        closes=min((edge for edge in closes if edge), key=lambda edge: edge.day, default=None),
        never=tuple(
            (each.key, each.leaves.never or "decision") for each in members if each.stopped or each.leaves.never
        ),
    )


def _edge(member: Clock, limit: Limit | None) -> Edge | None:
    return None if limit is None else Edge(limit.day, member.key, limit.rule)


def plan(members: Sequence[Clock], today: date) -> Plan | None:
    """Who has to be examined again, and the first day on which that makes the dates meet; None where nobody has to,
    where it would not help, or where it cannot be said because somebody has no promised day.
    """
    found = window(members)
    if found.opens is None or found.closes is None or found.never:
        return None
    needed = max(found.opens.day, today)
    again = [each for each in members if each.until is not None and each.until < needed]
    if not again or any(each.renewal is None for each in again):
        return None
    for days in range(SEARCHED_DAYS):
        day = add_days(today, days)
        renewed = [_renewed(each, day) if each in again else each for each in members]
        follows = window(renewed)
        if not follows.is_empty and not follows.is_over(today):
            return Plan(tuple(each.key for each in again), day, follows)
    return None


def _renewed(member: Clock, day: date) -> Clock:
    """Her clock if she is examined again on this day."""
    if member.renewal is None:
        return member
    return replace(member, done=False, ready=member.renewal.ready(day), until=member.renewal.until(day))


def threshold(expires: date, today: date) -> int | None:
    """The nearest warning that has been reached: 30, 14 or 7 days before the expiry; None before and after."""
    left = (expires - today).days
    return min((days for days in THRESHOLDS if 0 <= left <= days), default=None)
