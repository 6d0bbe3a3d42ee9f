"""Where in a TOML text a path such as `requires[3].when` stands; the standard reader does not keep line numbers."""

from __future__ import annotations

import re

_HEADER = re.compile(r"\s*\[(\[)?\s*([A-Za-z0-9_-]+)\s*\](\])?\s*(#.*)?$")
_PATH = re.compile(r"(?:(?P<table>[^.\[\]]+)(?:\[(?P<index>\d+)\])?\.)?(?P<key>[^.\[\]]+).*")


def line_of(content: str, path: str) -> int:
    """The line of a key, counted from 1; of its table's head when the key is missing; 1 when nothing is found."""
    found = _PATH.fullmatch(path)
    if found is None:
        return 1
    table, index, key = found["table"], int(found["index"] or 0), found["key"]
    key_line = re.compile(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=")
    current: str | None = None
    counts: dict[str, int] = {}
    head = 1
    for number, line in enumerate(content.splitlines(), start=1):
        header = _HEADER.match(line)
        if header is not None:
            current = header[2]
            counts[current] = counts.get(current, -1) + 1
            if table is None and current == key:
                return number
            if current == table and counts[current] == index:
                head = number
            continue
        if current == table and (table is None or counts[table] == index) and key_line.match(line):
            return number
    return head
