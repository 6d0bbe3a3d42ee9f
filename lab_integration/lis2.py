"""CLSI LIS2-A2 (ASTM E1394) records: text -> the same rows as HL7, and records back to text. Pure.

Fields count as LIS2-A2 counts them: field 1 is the record letter, H-2 holds the delimiters.
"""

import datetime
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass

from lab_integration.hl7 import LINE_END, Delimiters, Position, Segment, Unreadable, decode, unescape
from lab_integration.observations import STATUSES, Identity, Reading, Row, clock_is_off, flags, identity, joined, moment
from lab_integration.profile import Profile
from lab_integration.values import Sent

HEADER = re.compile(rb"(?:^|[\r\n])[ \t]*H[^A-Za-z0-9\s]")


@dataclass(frozen=True)
class Session:
    """One message H...L: its records in order and what was odd about its bytes."""

    records: tuple[Segment, ...]
    marks: Delimiters
    charset: str
    odd: frozenset[str]

    @property
    def header(self) -> Segment:
        return self.records[0]

    def named(self, *names: str) -> Iterator[Segment]:
        return (record for record in self.records if record.name in names)

    @property
    def control_id(self) -> str:
        return self.header.raw(3)

    @property
    def is_query(self) -> bool:
        return any(self.named("Q")) and not any(self.named("R"))

    def clinical_content(self) -> str:
        """Everything but the number (H-3) and the time (H-14) of the message."""
        lines = []
        for record in self.records:
            fields = list(record.fields)
            if record.name == "H":
                for number in (3, 14):
                    if number < len(fields):
                        fields[number] = ""
            lines.append("\x1f".join(fields))
        return "\x1e".join(lines)


def split(body: bytes) -> list[bytes]:
    """The H...L messages of a session, each with its bytes; joined they are `body` again."""
    starts = [found.end() - 2 for found in HEADER.finditer(body)]
    cuts = [0, *starts[1:], len(body)] if starts else [0, len(body)]
    return [body[one:two] for one, two in itertools.pairwise(cuts)]


def delimiters(header: str) -> Delimiters:
    """H-2: field, repeat, component, escape (after the letter H, in this order)."""
    mark = header[1:2] or "|"
    inside = header[2:].split(mark, 1)[0]
    signs = [sign for sign in inside if not sign.isalnum()][:3]
    if len(signs) < 3:
        signs += ["\\", "^", "&"][len(signs) :]
    if len(set(signs[:2])) < 2:
        # `\\^&` written for `\^&` by a driver that doubled the backslash
        signs = list(dict.fromkeys(inside))[:3]
        signs += [sign for sign in "&^\\" if sign not in signs]
    repetition, component, escape = signs[:3]
    return Delimiters(mark, component, repetition, escape, "\ue000", sent=mark + inside)


def parse(body: bytes, charset: str = "") -> Session:
    """The message in `body` (one of `split`). Raises Unreadable when there is no H record."""
    text, codec, guessed = decode(body, charset)
    found = re.search(r"(?:^|[\r\n])[ \t\ufeff]*(H[^A-Za-z0-9\s])", text)
    if not found:
        raise Unreadable(
            "There is no header record (H), so this is no LIS2 message. Check what the analyzer is set to send."
        )
    odd = {"charset_guessed"} if guessed else set()
    if text[: found.start(1)].strip("\r\n"):
        odd.add("bytes_before_msh")
    text = text[found.start(1) :]
    if set(LINE_END.findall(text)) - {"\r"}:
        odd.add("line_ends")
    if not text.endswith(("\r", "\n")):
        odd.add("no_final_cr")
    marks = delimiters(text)
    return Session(tuple(_records(text, marks)), marks, codec, frozenset(odd))


def _records(text: str, marks: Delimiters) -> Iterator[Segment]:
    for line in LINE_END.split(text):
        line = line.lstrip(" \t\x00")
        if not line.strip():
            continue
        fields = line.split(marks.field)
        # Index 1 is the letter, so that numbers are those of the standard; index 0 stands empty.
        yield Segment(fields[0].strip().upper()[:1], ("", *fields), marks)


def read_results(session: Session, profile: Profile, received: datetime.datetime) -> Reading:
    """Every R record with the order, the person and the time it belongs to."""
    rows: list[Row] = []
    current: dict[str, Segment | None] = {"P": None, "O": None, "H": session.header}
    for record in session.records:
        if record.name == "P":
            current |= {"P": record, "O": None}
        elif record.name == "O":
            current["O"] = record
        elif record.name == "R":
            rows.append(_row(len(rows), record, current, profile))
    warnings = set(session.odd)
    if not rows:
        warnings.add("no_observations")
    if clock_is_off(session.header.raw(14), [row.observed_at for row in rows], profile.timezone, received):
        warnings.add("clock_off")
    return Reading(tuple(rows), len(session.records), frozenset(warnings))


def _row(place: int, record: Segment, current: dict[str, Segment | None], profile: Profile) -> Row:
    order, marks = current["O"], record.marks

    def text(position: Position) -> str:
        segment = record if position.segment == "R" else current.get(position.segment)
        return segment.at(position) if segment else ""

    status = record.part(9)[:1].upper()
    sent = Sent(
        whole=record.raw(4),
        text=_whole(record.raw(4), marks),
        parts=tuple(unescape(part, marks).strip() for part in record.components(4)),
        type="",
        unit=_whole(record.raw(5), marks).strip(),
        flags=flags(record, 7),
        range=_whole(record.raw(6), marks).strip(),
        status="F" if status == "R" else STATUSES.get(status, "P"),
    )
    specimen_id = profile.clean(next(filter(None, map(text, profile.specimen_fields)), ""))
    header = current["H"]
    control = any(one is not None and one.part(12).upper() == "Q" for one in (order, header))
    if profile.qc_pattern is not None and profile.qc_pattern.search(specimen_id):
        control = True
    times = (moment(record.raw(number), profile.timezone) for number in (13, 12))
    return Row(
        place=place,
        specimen_id=specimen_id,
        identity=identity(current["P"], 6, 8, 9) if current["P"] else Identity(),
        code=joined([text(position) for position in profile.code_fields]),
        system="",
        sent=sent,
        status=sent.status,
        repeated=status == "R",
        observed_at=next(filter(None, times), None),
        settled="QC" if control else "",
    )


def _whole(raw: str, marks: Delimiters) -> str:
    if marks.component != "^":
        return "^".join(unescape(part, marks) for part in raw.split(marks.component))
    return unescape(raw, marks)


def requests(session: Session) -> list[tuple[str, str]]:
    """The specimens that Q records ask for: (patient or "", specimen). `ALL` asks for everything that is pending."""
    found = []
    for record in session.named("Q"):
        for repeat in record.repetitions(3):
            parts = [unescape(part, session.marks).strip() for part in repeat.split(session.marks.component)]
            patient, specimen = (parts[0], parts[1]) if len(parts) > 1 and parts[1] else ("", parts[0])
            found.append((patient, specimen))
    return found


def build(records: list[list[str]], marks: Delimiters) -> str:
    """Records as text, each ended by CR; the first is H with its delimiters in field 2."""
    lines = [marks.field.join(record).rstrip(marks.field) for record in records]
    lines[0] = "H" + marks.sent + marks.field + marks.field.join(records[0][2:]).rstrip(marks.field)
    return "".join(line + "\r" for line in lines)
