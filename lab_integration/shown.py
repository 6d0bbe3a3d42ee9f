"""How one message is shown: bytes that do nothing, rows with their reasons, and whose tube a strange number was."""

import re
from dataclasses import dataclass
from itertools import groupby

from django.db.models import F, Func, IntegerField

from lab_integration import balance, hl7, lis2, words
from lab_integration.lines import rows_of
from lab_integration.models import ReceivedMessage
from lab_integration.reading import visible as storable
from mhac.labs import services as labs

SHOWN = 400  # signs of one field on the message page
PAGE = 4096  # bytes of one page of the hex view
WEIGHED = 65536  # bytes of a message that a list reads again for its suggestions
AGE = "30525-0"  # LOINC: age, sent as a row by some blood counters
UNMATCHED = "UNMATCHED_SPECIMEN"
COUNTED = {"PROCESSED", "HELD", "PARTLY_HELD", "DISMISSED"}
CONTROL = {code: chr(0x2400 + code) for code in range(32)} | {127: "␡"}
# Signs that are not seen and turn, hide or join what stands around them; ZWNJ and ZWJ belong to Persian writing.
CONTROL |= {code: f"⟨U+{code:04X}⟩" for code in range(0x80, 0xA0)}
CONTROL |= {
    code: f"⟨U+{code:04X}⟩"
    for low, high in ((0x202A, 0x202E), (0x2066, 0x2069), (0x2028, 0x2029), (0x2060, 0x2064), (0x200E, 0x200F))
    for code in range(low, high + 1)
}
CONTROL |= {code: f"⟨U+{code:04X}⟩" for code in (0x061C, 0x200B, 0xFEFF, 0x00AD, 0x180E)}


def visible(text):
    """Text in which every control sign is seen, and none acts."""
    return text.translate(CONTROL)


def parsed(message):
    """The stored message as our reader reads it; None when it cannot."""
    profile = message.analyzer.settings if message.analyzer else None
    try:
        read = lis2.parse if message.transport == "lis1" else hl7.parse
        return read(bytes(message.body), profile.charset if profile else "")
    except hl7.Unreadable:
        return None


def segments(read):
    """The segments of a read message: name, fields with their numbers, control signs made visible."""
    rows = [] if read is None else read.records if isinstance(read, lis2.Session) else read.segments
    return [(visible(one.name), _fields(one.fields[1:], 1)) for one in rows]


def _fields(fields, first):
    numbered = enumerate(fields, first)
    return [(number, visible(text[:SHOWN]), max(len(text) - SHOWN, 0)) for number, text in numbered if text]


def raw(body):
    """Bytes as lines of text for reading: segment ends as line breaks, control signs visible."""
    text, _codec, _guessed = hl7.decode(bytes(body or b""))
    lines_ = text.replace("\r\n", "\r␊\r").split("\r") if "\r" in text else text.split("\n")
    return [visible(line[:SHOWN]) + ("…" if len(line) > SHOWN else "") for line in lines_ if line]


@dataclass(frozen=True)
class Hex:
    """One page of bytes: (offset, hex, text) by sixteen; where it stands, and the offsets before and after it."""

    rows: list
    start: int
    end: int
    size: int
    before: int | None
    after: int | None


def hexadecimal(body, offset):
    """The page of `body` that holds `offset`; text shows what is printable ASCII, and a dot for everything else."""
    size = len(body)
    start = min(max(offset, 0), max(size - 1, 0)) // PAGE * PAGE
    piece = bytes(body[start : start + PAGE])
    rows = [
        (
            f"{start + at:06x}",
            piece[at : at + 16].hex(" "),
            re.sub(rb"[^\x20-\x7e]", b".", piece[at : at + 16]).decode(),
        )
        for at in range(0, len(piece), 16)
    ]
    end = start + len(piece)
    return Hex(rows, start, end, size, start - PAGE if start else None, end if end < size else None)


# -- rows -------------------------------------------------------------------------------------------------------------


def dressed(line):
    """A line with what a page shows of it: words for its state and its reason, and its texts made harmless."""
    state = line.shown_state
    line.state_word, line.colour = words.line_state(state), words.colour(state, line.waits)
    line.reason_text = words.line_reason(line)
    line.specimen_shown, line.code_shown = visible(line.specimen_id), visible(line.code)
    line.sent_shown = visible(str(line.value.get("as_sent", ""))[:SHOWN])
    line.text_shown = visible(str(line.value.get("text", "")))
    line.picture_shown = visible(str(line.attachment.get("type", ""))) if line.attachment else ""
    line.unit_shown, line.flags_shown = visible(line.unit_as_sent), [visible(flag) for flag in line.flags]
    line.to_map = line.state in {"UNMAPPED_CODE", "UNIT_UNKNOWN", "VALUE_UNREADABLE"}
    return line


def lines(message):
    """Every line of a message, dressed, in its order."""
    rows = message.lines.select_related("result", "chosen_by", "dismissed_by").order_by("place")
    return [dressed(line) for line in rows]


def by_state(lines_):
    """How many lines are in which state, in words: the balance that shows that nothing vanished."""
    ordered = sorted(lines_, key=lambda line: line.shown_state)
    return [
        (words.line_state(state), len(list(group))) for state, group in groupby(ordered, lambda line: line.shown_state)
    ]


@dataclass(frozen=True)
class Balance:
    """What came in the bytes and what is shown. `counted`: whether this message has rows at all."""

    came: balance.Came
    shown: int
    counted: bool
    holds: bool


def balance_of(message, read, lines_):
    """Count the bytes once more against the lines on the page."""
    profile = message.analyzer.settings if message.analyzer else None
    found = balance.came(bytes(message.body), message.transport, profile.charset if profile else "")
    counted = message.state in COUNTED and read is not None and bool(lines_ or found.observations)
    number = 0 if read is None else len(read.records if isinstance(read, lis2.Session) else read.segments)
    return Balance(found, len(lines_), counted, not counted or found.balances(len(lines_), number))


# -- whose tube it was ------------------------------------------------------------------------------------------------


def strangers(message, lines_):
    """The first line of every number that no tube has."""
    found = {}
    for line in lines_:
        if line.state == UNMATCHED:
            found.setdefault(line.specimen_id, line)
    return list(found.values())


def suggest(messages, lines_, now):
    """(message, specimen id) -> suggestions with their reasons in words, for the unmatched among `lines_`.

    `messages` are those of the lines, with their bytes and analyzers; of one that cannot be read nothing is suggested.
    """
    asked = {}
    tests = {}
    for line in lines_:
        if line.state == UNMATCHED:
            tests.setdefault((line.message_id, line.specimen_id), set()).update({line.test} - {""})
    for message in messages:
        for stranger in _strangers(message, tests):
            asked.setdefault(message.clinic_id, []).append((message, stranger))
    found = {}
    for group in asked.values():
        likely = labs.likely([one for _message, one in group], clinic=group[0][0].clinic, now=now)
        for message, one in group:
            answers = likely.get(one, [])
            found[message.pk, one.specimen_id] = [(each, words.suggestion(each, one)) for each in answers]
    return found


def _strangers(message, tests):
    """What a message says of the numbers that match no tube: whom it names, and when it observed."""
    read = parsed(message) if message.analyzer else None
    if read is None:
        return []
    rows = rows_of(read, message.analyzer.settings, message.received_at).rows
    stated, ages, times = {}, {}, {}
    for row in rows:
        key = storable(row.specimen_id)
        stated.setdefault(key, labs.Person(row.identity.birth_date, row.identity.sex, row.identity.initials))
        times.setdefault(key, row.observed_at)
        if row.code.split("^")[0] == AGE and re.fullmatch("[0-9]{1,3}", row.sent.text.strip()):
            ages[key] = int(row.sent.text)
    wrong = "clock_off" in message.warnings
    return [
        labs.Stranger(key, stated[key], ages.get(key), frozenset(mine), None if wrong else times[key])
        for (pk, key), mine in tests.items()
        if pk == message.pk and key in stated
    ]


def with_bytes(keys):
    """The messages of `keys` that are small enough to be read again in a list."""
    size = Func(F("body"), function="octet_length", output_field=IntegerField())
    rows = ReceivedMessage.objects.filter(pk__in=keys).alias(size=size).filter(size__lte=WEIGHED)
    return list(rows.select_related("analyzer__clinic", "clinic").defer("reply"))
