"""What a programme asks of one person, and by which rows (rules, section 2 and 3.1)."""

from __future__ import annotations

from dataclasses import dataclass

from .conditions import CONDITIONS
from .programme import Row
from .situation import Situation
from .vocabulary import FILMS

_DESIGN = "MHAC design"
# An item that the programme proposes and the physician or partner then asks for keeps the rule that proposed it.
_ORDERED = {"rule": "DEC-1", "source": _DESIGN, "certainty": "M", "verified": False}
_REQUESTED = {"rule": "REQ-1", "source": "IOM 'further medicals' service", "certainty": "M", "verified": False}


@dataclass(frozen=True, slots=True)
class Asked:
    """The items in their three sets, each with the rows that ask for it at either end of an uncertain age."""

    required: dict[str, tuple[Row, ...]]
    proposed: dict[str, tuple[Row, ...]]
    withheld: dict[str, tuple[Row, ...]]
    ambiguous: bool

    def rows(self) -> dict[str, tuple[Row, ...]]:
        return {**self.required, **self.proposed, **self.withheld}


def collect(situation: Situation) -> Asked:
    """The rows that fit at the youngest and at the oldest possible age.

    Asked for at both ends: required. At one end only: proposed, or withheld when it is a film (`AGE-4`).
    """
    edition, facts = situation.edition, situation.facts
    demanded = [row for row in edition.requires if CONDITIONS[row.when](situation)]
    demanded += [Row(item=item, **_REQUESTED) for item in sorted(facts.requested)]  # type: ignore[arg-type]
    ordered = sorted({decision.item for decision in facts.decided("order") if decision.item is not None})
    demanded += [Row(item=item, **_ORDERED) for item in ordered]  # type: ignore[arg-type]
    suggested = [row for row in edition.proposes if CONDITIONS[row.when](situation)]
    ends = situation.ages.ends
    required: dict[str, tuple[Row, ...]] = {}
    proposed: dict[str, tuple[Row, ...]] = {}
    withheld: dict[str, tuple[Row, ...]] = {}
    ambiguous = False
    for item in sorted({row.item for row in (*demanded, *suggested)}):
        asking = [row for row in demanded if row.item == item]
        proposing = [row for row in suggested if row.item == item]
        asked_at = [any(row.fits(age) for row in asking) for age in ends]
        named_at = [any(row.fits(age) for row in (*asking, *proposing)) for age in ends]
        rows = tuple(row for row in (*asking, *proposing) if any(row.fits(age) for age in ends))
        if not rows:
            continue
        if any(asked_at) and not all(asked_at):
            ambiguous = True
        if all(asked_at):
            required[item] = rows
        elif item in FILMS and not all(named_at):
            withheld[item] = rows
        else:
            proposed[item] = rows
    return Asked(required, proposed, withheld, ambiguous)
