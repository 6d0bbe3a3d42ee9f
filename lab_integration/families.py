"""Device families: how their analyzers usually write, as a start for setting one up. One TOML file each."""

import tomllib
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parent / "profiles"


@dataclass(frozen=True)
class Family:
    """What is known of a family. `profile` is the start of an analyzer's profile, to be completed with its codes."""

    key: str
    name: str
    dialect: str
    source: str
    verified: bool
    note: str
    profile: dict[str, Any]


@cache
def families() -> dict[str, Family]:
    """Every family by key, by name."""
    found = {
        path.stem: Family(key=path.stem, **tomllib.loads(path.read_text("utf-8"))) for path in FOLDER.glob("*.toml")
    }
    return dict(sorted(found.items(), key=lambda pair: pair[1].name))


def beginning(key: str) -> dict[str, Any]:
    """Initial values for setting up an analyzer of this family; none for a family that is not known."""
    family = families().get(key)
    if family is None:
        return {}
    return {"dialect": family.dialect, "profile": {**family.profile, "code_map": family.profile.get("code_map", [])}}
