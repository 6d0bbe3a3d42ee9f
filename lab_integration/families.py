"""Device families: how their analyzers usually write, and by which signs they are known. One TOML file each.

No file holds an assay code that a laboratory types itself: those are mapped from what the instrument sends.
"""

import re
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

from lab_integration import hl7, lis2
from lab_integration.hl7 import Position

FOLDER = Path(__file__).parent / "profiles"
LEAST = 3  # signs count from 1 to 3: a sender's name alone is enough, a version alone is not


@dataclass(frozen=True)
class Sign:
    """A place in a message and what stands there in this family's (a regular expression); `counts` from 1 to 3."""

    at: Position
    like: re.Pattern[str]
    counts: int

    def seen(self, message: hl7.Message | lis2.Session) -> str | None:
        """What stands there in the first segment that fits; None when none does."""
        found = (one.raw(self.at.field).strip() for one in message.named(self.at.segment))
        return next((text for text in found if self.like.search(text)), None)


@dataclass(frozen=True)
class Family:
    """What is known of a family. `profile` is the start of an analyzer's profile, to be completed with its codes.

    `certainty` says where it is known from: manual, captures, drivers, hearsay. `unverified` names what nobody saw.
    """

    key: str
    name: str
    dialect: str
    source: str
    certainty: str
    verified: bool
    note: str
    unverified: str
    profile: dict[str, Any] = field(default_factory=dict)
    signs: tuple[Sign, ...] = ()


@dataclass(frozen=True)
class Guess:
    """A family that fits, and the signs by which it was known: place and what stood there."""

    family: Family
    points: int
    because: tuple[tuple[str, str], ...]


@cache
def families() -> dict[str, Family]:
    """Every family by key, by name."""
    found = {path.stem: _read(path) for path in FOLDER.glob("*.toml")}
    return dict(sorted(found.items(), key=lambda pair: pair[1].name.casefold()))


def _read(path: Path) -> Family:
    given = tomllib.loads(path.read_text("utf-8"))
    signs = tuple(
        Sign(Position.parse(one["at"]), re.compile(one["like"], re.IGNORECASE), one["counts"])
        for one in given.pop("signs", [])
    )
    return Family(key=path.stem, signs=signs, **given)


def beginning(key: str) -> dict[str, Any]:
    """Initial values for setting up an analyzer of this family; none for a family that is not known."""
    family = families().get(key)
    if family is None:
        return {}
    return {"dialect": family.dialect, "profile": {**family.profile, "code_map": family.profile.get("code_map", [])}}


def guess(messages: Iterable[hl7.Message | lis2.Session], dialect: str) -> Guess | None:
    """The family whose signs these messages show most of; None when too few do, or two families show as many."""
    read = list(messages)
    found = sorted(
        (_weigh(family, read) for family in families().values() if family.dialect == dialect),
        key=lambda one: -one.points,
    )
    best = [one for one in found[:2] if one.points >= LEAST]
    if not best or (len(best) > 1 and best[0].points == best[1].points):
        return None
    return best[0]


def _weigh(family: Family, messages: list[hl7.Message | lis2.Session]) -> Guess:
    points, because = 0, []
    for sign in family.signs:
        text = next((seen for one in messages if (seen := sign.seen(one)) is not None), None)
        if text is not None:
            points += sign.counts
            because.append((f"{sign.at.segment}-{sign.at.field}", text[:40]))
    return Guess(family, points, tuple(because))
