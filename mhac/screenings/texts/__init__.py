"""The texts people consent to, by version: one file each, in three languages; a used one is never edited."""

import tomllib
from dataclasses import dataclass
from datetime import date
from functools import cache
from pathlib import Path

from mhac.screenings.models import Consent

# The languages in which the texts are written; for others somebody interprets.
LANGUAGES = ("en", "fa-af", "ps")
RIGHT_TO_LEFT = frozenset({"fa-af", "ps"})


class Incomplete(Exception):
    """A file of texts cannot be used; the sentence names the file and what is missing."""


@dataclass(frozen=True)
class Text:
    """One version of all texts: `said[purpose][language]` is a list of paragraphs."""

    version: str
    in_force: date
    source: str
    verified_by: str
    said: dict[str, dict[str, list[str]]]

    def of(self, language) -> list[tuple]:
        """Pairs of (purpose, paragraphs) in `language`; in English where it is written in no other."""
        written = language if language in LANGUAGES else "en"
        return [(Consent.Purpose(purpose), said[written]) for purpose, said in self.said.items()]


def read(path: Path) -> Text:
    """One file. Raises `Incomplete`."""
    values = tomllib.loads(path.read_text(encoding="utf-8"))
    if values.get("version") != path.stem:
        raise Incomplete(f"{path}: the version and the file's name differ. Use one name.")
    said = {}
    for purpose in Consent.Purpose.values:
        texts = values.get(purpose, {})
        if missing := [language for language in LANGUAGES if not texts.get(language, "").strip()]:
            raise Incomplete(f"{path}: the text for {purpose} is missing in {', '.join(missing)}. Write it.")
        said[purpose] = {language: texts[language].strip().splitlines() for language in LANGUAGES}
    return Text(values["version"], values["in_force"], values["source"], values.get("verified_by", ""), said)


@cache
def all_texts() -> tuple[Text, ...]:
    """Every version, the oldest first."""
    folder = Path(__file__).parent
    return tuple(sorted(map(read, folder.glob("*.toml")), key=lambda each: (each.in_force, each.version)))


def current(day: date) -> Text:
    """The text that is read to people on `day`; before the first one, the first one."""
    in_force = [each for each in all_texts() if each.in_force <= day]
    return in_force[-1] if in_force else all_texts()[0]


def direction(language) -> str:
    return "rtl" if language in RIGHT_TO_LEFT else "ltr"
