"""Reading one value: what an observation row says, as a number, a word or a text. Pure, exact, nothing guessed.

A value is kept as it was sent and as it was read. What cannot be read has a named reason and is never 0 and never
filed. Source of the rules: `docs/wire.md`, section "Values".
"""

import re
from dataclasses import dataclass
from decimal import Context, Decimal

from lab_integration.profile import Entry, Profile

SIGNS = {"≤": "<=", "≥": ">="}
OPERATOR = r"(<=|>=|<|>|≤|≥)?"
NUMBER = r"([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?)"
NUMERIC = re.compile(rf"{OPERATOR}\s*{NUMBER}")
TITRE = re.compile(rf"{OPERATOR}\s*1\s*[:/]\s*([0-9]{{1,9}})")
WITH_COMMA = re.compile(rf"{OPERATOR}\s*[0-9]+(?:[.,][0-9]+)*,[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{{1,3}})?")
IN_RANGE = re.compile(r"[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,3})?")
FAILURES = {"ERROR", "INVALID", "NO RESULT"}
MASKED = re.compile(r"[*.]+|-{2,}")
EXACT = Context(prec=400)
CODED_TYPES = {"CE", "CWE", "CNE", "CF", "IS", "ID"}


@dataclass(frozen=True)
class Test:
    """What the catalogue says of a test that a row may be about. `kind`: numeric, coded, titre, text."""

    __test__ = False

    key: str
    kind: str
    unit: str = ""
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Sent:
    """A value as it stands in the message: the whole field, its components, its type, and what belongs to it."""

    whole: str
    text: str  # the whole field, unescaped
    parts: tuple[str, ...]  # its components, each trimmed and unescaped
    type: str
    unit: str
    flags: tuple[str, ...]
    range: str
    status: str


@dataclass(frozen=True)
class Value:
    """What was read: one of number (in the test's unit), coded, titre, text; an operator beside number or titre."""

    operator: str = ""
    number: Decimal | None = None
    text: str = ""
    coded: str = ""
    titre: int | None = None


@dataclass(frozen=True)
class Read:
    """A row read as one test. `state` names what is wrong (RUN_FAILURE, VALUE_UNREADABLE, UNIT_UNKNOWN) or is empty."""

    test: str
    value: Value | None = None
    unit: str = ""
    state: str = ""
    reason: str = ""


def fits(number: Decimal) -> bool:
    """Whether a result can hold `number` digit by digit: 14 before the point, 10 after it."""
    plain = EXACT.normalize(number)
    exponent = plain.as_tuple().exponent
    return plain.adjusted() < 14 and isinstance(exponent, int) and exponent >= -10


def same(one: str, other: str) -> bool:
    """Texts are compared trimmed and without regard to case."""
    return one.strip().casefold() == other.strip().casefold()


def choose(entries: list[Entry], sent: Sent, tests: dict[str, Test]) -> Entry | None:
    """Of several lines for one code the one whose unit was sent; else one that names no unit; else the first."""
    fitting = [entry for entry in entries if entry.units is not None and unit_is(sent.unit, entry.units)]
    open_ = [entry for entry in entries if entry.units is None]
    whose_test = [entry for entry in open_ if entry.test in tests and unit_is(sent.unit, (tests[entry.test].unit,))]
    return next(iter([*fitting, *whose_test, *open_, *entries]), None)


def read(sent: Sent, entry: Entry, test: Test, profile: Profile) -> Read:
    """The row as a result of `test`, by the line `entry` of the code map."""
    if sent.status == "X" or is_failure(sent, entry, profile):
        return Read(test.key, state="RUN_FAILURE")
    value = _value(sent, entry, test, profile)
    if isinstance(value, str):
        return Read(test.key, state="VALUE_UNREADABLE", reason=value)
    if wrong := _unit_fault(sent, entry, test):
        return Read(test.key, state="UNIT_UNKNOWN", reason=wrong)
    return Read(test.key, value, test.unit)


def is_failure(sent: Sent, entry: Entry | None, profile: Profile) -> bool:
    """Whether the text says that the run failed."""
    words = {*FAILURES, *profile.run_failure_values, *(entry.run_failure_values if entry else ())}
    texts = [sent.text.strip(), sent.text.rstrip("^").strip(), *(sent.parts[:1] if profile.qual_quant else ())]
    return any(text and (MASKED.fullmatch(text) or any(same(text, word) for word in words)) for text in texts)


def has_value(sent: Sent) -> bool:
    """Whether anything stands in the value; a coded value without code and text is empty, whatever its system."""
    if sent.type in {"CE", "CWE", "CNE", "CF"}:
        return any(part and part != '""' for part in sent.parts[:2])
    return bool(sent.text.strip().strip("^")) and sent.text.strip() != '""'


def unit_is(sent: str, units: tuple[str, ...]) -> bool:
    """The unit as sent, compared whole and then by its first component."""
    return sent in units or (bool(sent) and sent.split("^")[0].strip() in units)


def _unit_fault(sent: Sent, entry: Entry, test: Test) -> str:
    if test.kind not in {"numeric", "titre"}:
        return ""
    units = entry.units if entry.units is not None else (test.unit,)
    if test.kind == "titre" and not any(units):
        return ""
    if unit_is(sent.unit, units):
        return ""
    return "unit_differs" if sent.unit else "unit_missing"


def _value(sent: Sent, entry: Entry, test: Test, profile: Profile) -> Value | str:
    """The value, or the reason why it cannot be read."""
    if test.kind == "numeric":
        return _numeric(sent, entry, profile)
    whole = sent.parts[0] if profile.qual_quant and sent.parts else sent.text.strip()
    if not has_value(sent) or not whole:
        return "empty"
    if test.kind == "titre":
        return _titre(sent, whole)
    if test.kind == "coded":
        return _coded(sent, whole, entry, test)
    return Value(text=whole)


def _numeric(sent: Sent, entry: Entry, profile: Profile) -> Value | str:
    text = sent.text.strip()
    if sent.type == "SN":
        text = "".join(sent.parts[:2]) if not any(sent.parts[2:]) else text
    elif profile.qual_quant:
        text = sent.parts[1] if len(sent.parts) > 1 else ""
    text = text.rstrip("^ ")  # empty components at the end say nothing
    comma = WITH_COMMA.fullmatch(text)
    if profile.decimal_comma:
        # The dot is then no decimal mark: 1.234 could be a thousand.
        text = text.replace(",", ".") if text.count(",") <= 1 and "." not in text else "?"
    if found := NUMERIC.fullmatch(text):
        number = EXACT.multiply(Decimal(found[2]), entry.factor)
        if not fits(number):
            return "not_a_number"
        return Value(SIGNS.get(found[1] or "", found[1] or ""), number=number)
    if profile.off_scale_from_range and (off := _off_scale(sent, entry)):
        return off
    if not text or text == '""':
        return "empty"
    return "decimal_comma" if comma and not profile.decimal_comma else "not_a_number"


def _off_scale(sent: Sent, entry: Entry) -> Value | None:
    """Flag < or > without a number: beyond the end of the range that was sent."""
    sign = next((flag for flag in sent.flags if flag in {"<", ">"}), "")
    ends = IN_RANGE.findall(sent.range)
    if not sign or len(ends) != 2:
        return None
    return Value(sign, number=EXACT.multiply(Decimal(ends[0] if sign == "<" else ends[1]), entry.factor))


def _titre(sent: Sent, text: str) -> Value | str:
    if sent.type == "SN":
        sign, first, between, second = (*sent.parts, "", "", "", "")[:4]
        text = f"{sign}{first}{between}{second}"
    found = TITRE.fullmatch(text)
    if not found:
        return "not_a_number"
    return Value(SIGNS.get(found[1] or "", found[1] or ""), titre=int(found[2]))


def _coded(sent: Sent, whole: str, entry: Entry, test: Test) -> Value | str:
    texts = [whole, whole.rstrip("^")]
    if sent.type in CODED_TYPES:
        texts += sent.parts[:2]
    for text in filter(None, texts):
        for written, meaning in entry.value_map.items():
            if same(text, written):
                return Value(coded=meaning)
    for text in filter(None, texts):
        for word in test.allowed:
            if same(text, word):
                return Value(coded=word)
    return "not_allowed"
