"""What we know of one analyzer: how it writes, what its codes mean. Read from JSON, frozen, checked with `shape`.

The keys and their defaults are the `analyzer` object of `docs/wire.md`.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from typing import Any
from zoneinfo import ZoneInfo

from lab_integration import shape
from lab_integration.hl7 import Position

IDENTIFIERS = ("birth_date", "sex", "initials")
KINDS = ("result", "interpretation", "raw", "image")


@dataclass(frozen=True)
class Entry:
    """One line of the code map: an analyzer's code (may end in `*`) and what it is here."""

    code: str
    test: str
    system: str = ""
    units: tuple[str, ...] | None = None  # None: the unit of the test; ("",): none is sent
    test_by_tube: Mapping[str, str] = field(default_factory=dict)
    factor: Decimal = Decimal(1)
    value_map: Mapping[str, str] = field(default_factory=dict)
    run_failure_values: tuple[str, ...] = ()
    supplemental: bool = False
    kind: str = "result"
    order_code: str = ""

    def covers(self, code: str, system: str) -> bool:
        same = code.startswith(self.code[:-1]) if self.open_ended else code == self.code
        return same and (not self.system or self.system == system)

    @property
    def open_ended(self) -> bool:
        return self.code.endswith("*")

    @property
    def settled(self) -> bool:
        """Rows that are kept but are no result."""
        return self.supplemental or self.kind != "result"


@dataclass(frozen=True)
class Profile:
    """One analyzer (or the settings of one rehearsal)."""

    name: str
    dialect: str = "hl7"
    version: str = ""
    charset: str = ""
    timezone: ZoneInfo = field(default_factory=lambda: ZoneInfo("Asia/Kabul"))
    sender: str = ""
    ack: str = "auto"
    mllp: int = 1
    law: bool | None = None
    msh16: str = "standard"
    specimen_fields: tuple[Position, ...] = ()
    cut_at: str = ""
    upper: bool = False
    strip_zeros: bool = False
    pad_to: int = 0
    second_identifier: tuple[str, ...] = ("birth_date", "sex")
    require_second_identifier: bool = False
    code_fields: tuple[Position, ...] = ()
    qual_quant: bool = False
    decimal_comma: bool = False
    off_scale_from_range: bool = False
    run_failure_values: tuple[str, ...] = ()
    qc_pattern: re.Pattern[str] | None = None
    ignore_spm11: bool = False
    negative: str = "l_i"
    send_patient: bool = False
    code_map: tuple[Entry, ...] = ()

    def entries(self, code: str, system: str) -> list[Entry]:
        """The lines that cover `code`: the exact ones, else those with the longest beginning before their `*`."""
        exact = [entry for entry in self._by_code.get(code, ()) if entry.covers(code, system)]
        found = [] if exact else [entry for entry in self._open_ended if entry.covers(code, system)]
        if exact or not found:
            return exact
        longest = max(len(entry.code) for entry in found)
        return [entry for entry in found if len(entry.code) == longest]

    @cached_property
    def _by_code(self) -> dict[str, list[Entry]]:
        found: dict[str, list[Entry]] = {}
        for entry in self.code_map:
            if not entry.open_ended:
                found.setdefault(entry.code, []).append(entry)
        return found

    @cached_property
    def _open_ended(self) -> list[Entry]:
        return [entry for entry in self.code_map if entry.open_ended]

    def clean(self, sent: str) -> str:
        """A specimen id as the analyzer sent it, as we write it."""
        found = sent.strip()
        if self.cut_at:
            found = found.split(self.cut_at, 1)[0].strip()
        if self.upper:
            found = found.upper()
        if self.strip_zeros:
            found = found.lstrip("0")
        return found.rjust(self.pad_to, "0") if found and self.pad_to else found

    def order_codes(self, tests: list[str]) -> list[str]:
        """What is ordered at the analyzer for these tests: its codes, each once, in the order of the code map."""
        found: dict[str, None] = {}
        for entry in self.code_map:
            if entry.open_ended and not entry.order_code:
                continue  # a family of codes cannot be ordered
            if not entry.settled and {entry.test, *entry.test_by_tube.values()} & set(tests):
                found.setdefault(entry.order_code or entry.code)
        return list(found)


def _position(value: Any, path: str) -> Position:
    try:
        return Position.parse(shape.text(1, 20)(value, path))
    except ValueError as error:
        raise shape.Refused(path, str(error)) from None


def _factor(value: Any, path: str) -> Decimal:
    found = shape.number(value, path)
    if found <= 0:
        raise shape.Refused(path, "A factor must be greater than 0.")
    return found


def _codec(value: Any, path: str) -> str:
    import codecs

    name = shape.text(1, 40)(value, path)
    try:
        if codecs.lookup(name)._is_text_encoding:
            return str(name)
    except LookupError:
        pass
    raise shape.Refused(path, "This is no Python codec for text; write one like utf-8 or cp1256.")


_TEXTS = shape.list_of(shape.text())
ENTRY = shape.record(
    {"code": shape.text(1, 200), "test": shape.text(1, 64)},
    {
        "system": shape.text(),
        "unit": shape.either(shape.text(), _TEXTS),
        "test_by_tube": shape.mapping(shape.text(1, 64)),
        "factor": _factor,
        "value_map": shape.mapping(shape.text(1)),
        "run_failure_values": _TEXTS,
        "supplemental": shape.flag,
        "kind": shape.one_of(*KINDS),
        "order_code": shape.text(1, 200),
    },
)
ANALYZER = shape.record(
    {"name": shape.text(1, 200), "dialect": shape.one_of("hl7", "astm"), "code_map": shape.list_of(ENTRY)},
    {
        "version": shape.text(),
        "charset": _codec,
        "timezone": shape.zone,
        "sender": shape.text(),
        "ack": shape.one_of("auto", "original", "accept"),
        "mllp": shape.whole(1, 2),
        "law": shape.flag,
        "msh16": shape.one_of("standard", "sample_type"),
        "specimen_fields": shape.list_of(_position),
        "specimen_id": shape.record(
            {},
            {"cut_at": shape.text(), "upper": shape.flag, "strip_zeros": shape.flag, "pad_to": shape.whole(0, 64)},
        ),
        "second_identifier": shape.list_of(shape.one_of(*IDENTIFIERS)),
        "require_second_identifier": shape.flag,
        "code_fields": shape.list_of(_position),
        "qual_quant": shape.flag,
        "decimal_comma": shape.flag,
        "off_scale_from_range": shape.flag,
        "run_failure_values": _TEXTS,
        "qc": shape.record({}, {"specimen_pattern": shape.pattern, "ignore_spm11": shape.flag}),
        "query": shape.record({}, {"negative": shape.one_of("l_i", "o_y"), "send_patient": shape.flag}),
    },
)

HL7_SPECIMEN = tuple(map(Position.parse, ("SPM-2", "SAC-3", "OBR-3")))
ASTM_SPECIMEN = (Position.parse("O-3"),)
ASTM_CODE = (Position.parse("R-3.4"),)


def read(value: Any, timezone: ZoneInfo, path: str = "") -> Profile:
    """A profile from its JSON; `timezone` is the clinic's. Raises shape.Refused."""
    given = ANALYZER(value, path)
    entries = tuple(_entry(one) for one in given.pop("code_map"))
    clean, qc, query = (given.pop(key, {}) for key in ("specimen_id", "qc", "query"))
    given.setdefault("timezone", timezone)
    for key in ("specimen_fields", "second_identifier", "code_fields", "run_failure_values"):
        if key in given:
            given[key] = tuple(given[key])
    if given["dialect"] == "astm":
        given.setdefault("specimen_fields", ASTM_SPECIMEN)
        given.setdefault("code_fields", ASTM_CODE)
    else:
        given.setdefault("specimen_fields", HL7_SPECIMEN)
    if "specimen_pattern" in qc:
        given["qc_pattern"] = qc["specimen_pattern"]
    given["ignore_spm11"] = qc.get("ignore_spm11", False)
    return Profile(code_map=entries, **given, **clean, **query)


def _entry(given: dict[str, Any]) -> Entry:
    unit = given.pop("unit", None)
    units = None if unit is None else (unit,) if isinstance(unit, str) else tuple(unit)
    given["run_failure_values"] = tuple(given.get("run_failure_values", ()))
    return Entry(units=units, **given)
