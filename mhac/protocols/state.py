"""How far an item has come (contract, section 3, "Item state")."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class State:
    """`name` is done, waived, pending, due, deferred or not_before; the rest explains it.

    `accepted`: specimens that count (sputum). `product`: what to give (polio dose).
    """

    name: str
    reason: str | None = None
    not_before: date | None = None
    accepted: int | None = None
    product: str | None = None

    @property
    def done(self) -> bool:
        return self.name == "done"

    @property
    def settled(self) -> bool:
        """Nothing more has to happen: it is done, or a physician waived it."""
        return self.done or self.name == "waived"


DONE = State("done")
DUE = State("due")
AWAITED = State("pending", "result_awaited")
REPEAT = State("due", "repeat")
WAIVED = State("waived")
