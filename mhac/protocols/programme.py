"""Programmes as data: reads the TOML files of the editions into frozen values.

A file that cannot be trusted (a misspelt key, an unknown condition or item, a wrong type) stops the reading with the
file, the line and the key in the message: an edition with a hole would silently ask for less.
"""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from decimal import Decimal
from pathlib import Path

from . import vocabulary
from .edition import DOCUMENTS, Edition, Fee, Need, Reference, Row, Term, edition_of
from .reading import Refused, shown
from .toml_lines import line_of

__all__ = [
    "DOCUMENTS",
    "Edition",
    "EditionFault",
    "Fee",
    "Need",
    "Programmes",
    "Reference",
    "Row",
    "Term",
    "read_programmes",
]

EDITIONS = Path(__file__).parent / "editions"


class EditionFault(ValueError):
    """An edition's file cannot be used; the text names the file, the line, the key and the remedy."""


class Programmes:
    """All editions that were read."""

    def __init__(self, editions: Iterable[Edition]) -> None:
        self._by_key: dict[str, Edition] = {}
        self._by_programme: dict[str, list[Edition]] = {}
        for edition in sorted(editions, key=lambda each: (each.in_force, each.key)):
            self._by_key[edition.key] = edition
            self._by_programme.setdefault(edition.programme, []).append(edition)

    def keys(self) -> tuple[str, ...]:
        """The programmes' keys, those of the contract first and in its order."""
        known = [key for key in vocabulary.PROGRAMMES if key in self._by_programme]
        return (*known, *sorted(self._by_programme.keys() - set(known)))

    def __iter__(self) -> Iterator[str]:
        return iter(self.keys())

    def edition(self, programme: str, on_date: date) -> Edition:
        """The edition in force on a day. Raises `Refused` when there is none."""
        if programme not in self._by_programme:
            raise Refused("programme", f"{shown(programme)} is not one of {', '.join(self.keys())}.")
        for edition in reversed(self._by_programme[programme]):
            if edition.in_force <= on_date:
                return edition
        first = self._by_programme[programme][0].in_force
        raise Refused("examined", f"The programme {programme} has no edition before {first}. Check the day.")

    def by_key(self, edition_key: str) -> Edition:
        """One edition by its key, as a screening stores it. Raises `KeyError`."""
        return self._by_key[edition_key]

    def editions(self, programme: str) -> tuple[Edition, ...]:
        """All editions of a programme, the oldest first."""
        return tuple(self._by_programme.get(programme, ()))


def read_programmes(folders: Iterable[Path] = ()) -> Programmes:
    """The package's editions and those in further folders. Raises `EditionFault`."""
    editions: list[Edition] = []
    seen: dict[object, Path] = {}
    for folder in (EDITIONS, *folders):
        if not folder.is_dir():
            raise EditionFault(f"{folder} is not a folder. Name the folder that holds the editions' .toml files.")
        for path in sorted(folder.glob("*.toml")):
            edition = read_edition(path)
            for key, mark, what in (
                ("edition", edition.key, "key"),
                ("in_force", (edition.programme, edition.in_force), "in_force day"),
            ):
                if mark in seen:
                    same = f"the edition has the same {what} as {seen[mark]}. Change one of them."
                    raise EditionFault(f"{path}, line {line_of(_content(path), key)}, {key}: {same}")
                seen[mark] = path
            editions.append(edition)
    return Programmes(editions)


def read_edition(path: Path) -> Edition:
    """One file. Raises `EditionFault` with file, line and key."""
    content = _content(path)
    try:
        values: Mapping[str, object] = tomllib.loads(content, parse_float=Decimal)
    except tomllib.TOMLDecodeError as fault:
        raise EditionFault(f"{path}: this is not TOML: {fault}.") from None
    try:
        return edition_of(dict(values), path.stem)
    except Refused as fault:
        line = line_of(content, fault.path)
        raise EditionFault(f"{path}, line {line}, {fault.path}: {fault.message}") from None


def _content(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise EditionFault(f"{path}: this is not UTF-8 text. Save the file as UTF-8.") from None
    except OSError as fault:
        raise EditionFault(
            f"{path} cannot be read: {fault.strerror or fault}. Check its name and permissions."
        ) from None
