"""When a result is promised: what the clinic has published, counted from the day of the examination.

Nothing is promised that no source promises.
"""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from .grading import reasons_for_b
from .months import add_days

if TYPE_CHECKING:
    from .situation import Situation

# Items that show that tuberculosis is being looked for by culture.
CULTURES = frozenset({"sputum", "dst", "dst_second_line"})


def clean(s: Situation, asked: Set[str], to_settle: Set[str]) -> bool:
    """Nothing found and nothing to investigate."""
    return not (s.signs or s.contact or asked & CULTURES or to_settle or reasons_for_b(s))


def sputum(s: Situation, asked: Set[str], to_settle: Set[str]) -> bool:
    """Sputum is asked for, proposed or ordered."""
    return bool((asked | to_settle) & CULTURES)


Condition = Callable[["Situation", Set[str], Set[str]], bool]
PROMISED_WHEN: dict[str, Condition] = {rule.__name__: rule for rule in (clean, sputum)}


@dataclass(frozen=True, slots=True)
class Promise:
    """A published time: at the earliest and at the latest so many calendar days after the examination."""

    when: str
    from_days: int
    days: int
    source: str
    verified: bool

    def day(self, examined: date) -> date:
        """The last day promised."""
        return add_days(examined, self.days)

    def first_day(self, examined: date) -> date:
        return add_days(examined, self.from_days)


def promise_of(s: Situation, *, asked: Set[str], to_settle: Set[str]) -> Promise | None:
    """The first promise of the edition that fits; None where nothing is published.

    `asked`: items required; `to_settle`: items proposed or withheld until a physician decides.
    """
    for promise in s.edition.promises:
        if PROMISED_WHEN[promise.when](s, asked, to_settle):
            return promise
    return None
