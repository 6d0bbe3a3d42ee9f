"""The rules of decision as data: what each says, how sure it is, whether a document was seen. Screens mark the rest.

The rows of an edition carry their own source; a rule that stands in both (`US-MH-01`) is the same rule.
"""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from .reading import Box, each, flag, one_of, text

REGISTER = Path(__file__).parent / "rules.toml"


@dataclass(frozen=True, slots=True)
class Rule:
    id: str
    says: str
    certainty: str
    verified: bool
    source: str


@cache
def rules() -> dict[str, Rule]:
    """Every rule of decision by its id, in the order of the register."""
    box = Box(tomllib.loads(REGISTER.read_text(encoding="utf-8")), "", {"read_on", "rule"})
    return {rule.id: rule for rule in box.needed("rule", each(_rule))}


def _rule(value: object, path: str) -> Rule:
    box = Box(value, path, {"id", "says", "certainty", "verified", "source"})
    return Rule(
        box.needed("id", text),
        box.needed("says", text),
        box.needed("certainty", one_of(("H", "M", "L"))),
        box.needed("verified", flag),
        box.needed("source", text),
    )
