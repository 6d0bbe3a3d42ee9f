"""Whether every row that came is shown: counted once more from the bytes, without the reader that made the rows."""

import re
from collections import Counter
from dataclasses import dataclass

from lab_integration import hl7

ENVELOPE = set(hl7.ENVELOPE)


@dataclass(frozen=True)
class Came:
    """What stands in the bytes: segments or records, observations (OBX, R), and orders that may be a row by themselves
    (OBR without OBX: controls and calibrations of some analyzers)."""

    segments: int
    observations: int
    lone: int = 0

    def balances(self, lines: int, segments: int) -> bool:
        """Whether so many shown lines and read segments are all that came, and no more."""
        return segments == self.segments and self.observations <= lines <= self.observations + self.lone


def came(body: bytes, transport: str, charset: str = "") -> Came:
    """Count the segments of a stored message (`transport` mllp) or the records of a session (lis1)."""
    text, _codec, _guessed = hl7.decode(body, charset)
    return _records(text) if transport == "lis1" else _segments(text)


def _records(text: str) -> Came:
    start = re.search(r"(?:^|[\r\n])[ \t\ufeff]*H[^A-Za-z0-9\s]", text)
    lines = [line.strip(" \t\x00\ufeff") for line in re.split(r"[\r\n]+", text[start.start() :] if start else "")]
    names = Counter(re.split(r"[^A-Za-z0-9]", line, maxsplit=1)[0].upper()[:1] for line in lines if line.strip())
    return Came(sum(names.values()), names["R"])


def _segments(text: str) -> Came:
    start = hl7.HEADER.search(text)
    if not start:
        return Came(0, 0)
    mark = re.escape(text[start.end() : start.end() + 1])
    names = re.findall(rf"(?:^|[\r\n])[ \t\x00]*([A-Za-z][A-Za-z0-9]{{2}})(?={mark}|[\r\n]|$)", text[start.start() :])
    names = [name for name in names if name.upper() not in ENVELOPE]
    lone = sum(
        1
        for at, name in enumerate(names)
        if name == "OBR"
        and "OBX"
        not in names[at + 1 : next((i for i in range(at + 1, len(names)) if names[i] in ("OBR", "PID")), None)]
    )
    return Came(len(names), names.count("OBX"), lone)
