"""What a result message says, row by row: every OBX and R, with the specimen, the person and the time it belongs to.

Nothing is looked up here: rows are what was sent, cleaned by the profile. Every segment is counted, every row is there.
"""

import base64
import binascii
import datetime
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from lab_integration.hl7 import Delimiters, Message, Position, Segment, unescape
from lab_integration.profile import Profile
from lab_integration.values import NUMBER, Sent

CLOCK = datetime.timedelta(minutes=10)
YEAR = datetime.timedelta(days=366)
QC_TYPES = {"Q", "V", "E", "B"}
STATUSES = {"F": "F", "C": "C", "X": "X", "D": "W", "W": "W", "U": "F", "V": "F"}
NO_FLAG = {"", "NONE", '""'}
IMAGES = {"ED", "RP"}
RAW_GROUPS = {"S_RAW", "S_OTHER"}


@dataclass(frozen=True)
class Identity:
    """What the message says of the person: only what is stated and readable."""

    birth_date: datetime.date | None = None
    sex: str = ""
    initials: str = ""


@dataclass(frozen=True)
class Attachment:
    """A picture: its type and its size in bytes once decoded; `data` is None when it cannot be decoded."""

    type: str
    data: bytes | None

    @property
    def size(self) -> int:
        return len(self.data or b"")


@dataclass(frozen=True)
class Row:
    """One observation. `settled` is QC, CALIBRATION, ATTACHMENT or SUPPLEMENTAL when the message alone says so."""

    place: int
    specimen_id: str
    identity: Identity
    code: str
    system: str
    sent: Sent
    run: str = "1"
    kind: str = "result"
    status: str = "P"
    repeated: bool = False
    observed_at: datetime.datetime | None = None
    settled: str = ""
    reason: str = ""
    attachment: Attachment | None = None
    qc: dict[str, str | Decimal] = field(default_factory=dict)
    name: str = ""  # what the analyzer calls the code; nothing is matched by it


@dataclass(frozen=True)
class Reading:
    """A result message: its rows, how many segments it had, and the warnings of the contract."""

    rows: tuple[Row, ...]
    segments: int
    warnings: frozenset[str]


def read_results(message: Message, profile: Profile, received: datetime.datetime) -> Reading:
    """Every OBX row (and each OBR that carries a value itself) with what it belongs to."""
    rows = []
    law = profile.law if profile.law is not None else "LAB-29" in message.header.raw(21)
    for place, context in enumerate(_contexts(message, profile)):
        rows.append(context.row(place, law))
    warnings = set(message.odd)
    if not rows:
        warnings.add("no_observations")
    if clock_is_off(message.header.raw(7), [row.observed_at for row in rows], profile.timezone, received):
        warnings.add("clock_off")
    return Reading(tuple(rows), len(message.segments), frozenset(warnings))


@dataclass
class _Context:
    """An observation and the segments it hangs on."""

    message: Message
    profile: Profile
    observation: Segment | None
    order: Segment | None
    around: dict[str, Segment | None]  # PID, SPM, SAC, ORC, INV, TCD

    def segment(self, name: str) -> Segment | None:
        if name == "OBX":
            return self.observation
        if name == "OBR":
            return self.order
        return self.around[name] if name in self.around else self.message.first(name)

    def text(self, position: Position) -> str:
        segment = self.segment(position.segment)
        return segment.at(position) if segment else ""

    def row(self, place: int, law: bool) -> Row:
        if self.observation is None:
            return self._row_of_order(place)
        seen = self.observation
        type_ = seen.part(2).upper()
        status = seen.part(11)[:1].upper()
        sent = Sent(
            whole=seen.raw(5),
            text=_whole(seen.raw(5), seen.marks),
            parts=tuple(unescape(part, seen.marks).strip() for part in seen.components(5)),
            type=type_,
            unit=_whole(seen.raw(6), seen.marks).strip(),
            flags=flags(seen, 8),
            range=_whole(seen.raw(7), seen.marks).strip(),
            status=STATUSES.get(status, "P"),
        )
        settled, reason = self.settlement()
        kind, attachment = "result", None
        if seen.part(3, 4).upper() in RAW_GROUPS:
            kind = "raw"
            settled = settled or "SUPPLEMENTAL"
        if type_ in IMAGES:
            kind, attachment = "image", _attachment(seen)
            if settled in {"", "SUPPLEMENTAL"}:
                settled, reason = "ATTACHMENT", "" if attachment.data is not None else "attachment_unreadable"
        dilution = self.around.get("TCD")
        return Row(
            place=place,
            specimen_id=self.specimen_id(),
            identity=identity(self.segment("PID"), 5, 7, 8),
            code=self.code(),
            system=seen.part(3, 3),
            sent=sent,
            run=_run(seen.part(4)) if law else "1",
            kind=kind,
            status=sent.status,
            repeated=dilution is not None and dilution.part(8).upper() in {"R", "D"},
            observed_at=self.observed_at(),
            settled=settled,
            reason=reason,
            attachment=attachment,
            qc=self.control() if settled == "QC" else {},
            name=seen.part(3, 2) or ("" if law else seen.part(4)),
        )

    def _row_of_order(self, place: int) -> Row:
        """Mindray chemistry: control and calibration rows are an OBR without OBX."""
        order = self.order
        assert order is not None
        settled, _ = self.settlement()
        value = order.raw(20) if settled == "QC" else ""
        unit = order.part(21)
        sent = Sent(value, value.strip(), (value.strip(),), "NM", unit, (), "", "F")
        found: dict[str, str | Decimal] = {}
        if settled == "QC":
            for key, number in (("level", 17), ("lot", 14), ("mean", 18), ("sd", 19)):
                text = order.part(number)
                if text and key in ("mean", "sd"):
                    if re.fullmatch(NUMBER, text):
                        found[key] = Decimal(text)
                elif text:
                    found[key] = text
        return Row(
            place=place,
            specimen_id="",
            identity=Identity(),
            code=order.part(2),
            system="",
            sent=sent,
            status="F",
            observed_at=self.observed_at(),
            settled=settled,
            qc=found,
        )

    def settlement(self) -> tuple[str, str]:
        """Control and calibration come first, so that they never come near a patient."""
        header, specimen, profile = self.message.header, self.around.get("SPM"), self.profile
        material = "" if profile.ignore_spm11 or specimen is None else specimen.part(11).upper()
        sample_type = header.part(16) if profile.msh16 == "sample_type" else ""
        mode = self.message.processing_id.split(self.message.marks.component)[0].strip()
        named = profile.qc_pattern is not None and bool(profile.qc_pattern.search(self.specimen_id()))
        if mode == "Q" or sample_type == "2" or material in QC_TYPES or named:
            return "QC", ""
        if sample_type == "1" or material == "C":
            return "CALIBRATION", ""
        return "", ""

    def specimen_id(self) -> str:
        found = next(filter(None, map(self.text, self.profile.specimen_fields)), "")
        return self.profile.clean(found)

    def code(self) -> str:
        seen = self.observation
        assert seen is not None
        if self.profile.code_fields:
            return joined([self.text(position) for position in self.profile.code_fields])
        return seen.part(3, 1) or seen.part(3, 4) or seen.part(4)

    def observed_at(self) -> datetime.datetime | None:
        seen, order = self.observation, self.order
        texts = [seen.raw(19), seen.raw(14)] if seen else []
        texts += [order.raw(22), order.raw(7), *([order.raw(6)] if seen is None else [])] if order else []
        return next((found for text in texts if (found := moment(text, self.profile.timezone))), None)

    def control(self) -> dict[str, str | Decimal]:
        lot = self.around.get("INV")
        return {"lot": lot.part(16)} if lot is not None and lot.part(16) else {}


def _contexts(message: Message, profile: Profile) -> Iterator[_Context]:
    """Observations with the segments around them.

    A specimen stands before its orders (OUL^R22) or after its observations (ORU^R32): the message shows which, by what
    comes first. Where a group names two specimens, the row belongs to none, and a person decides.
    """
    segments = message.segments
    names = [segment.name for segment in segments]
    spm, obr = (names.index(name) if name in names else len(names) for name in ("SPM", "OBR"))
    leading = spm < obr
    sample_type = message.header.part(16) if profile.msh16 == "sample_type" else ""
    state: dict[str, Segment | None] = dict.fromkeys(("PID", "SPM", "SAC", "ORC", "INV"))
    order: Segment | None = None
    for at, segment in enumerate(segments):
        name = segment.name
        if name == "PID":
            state, order = {**dict.fromkeys(state), "PID": segment}, None
        elif name == "SPM" and leading:
            state |= {"SPM": segment, "SAC": None, "INV": None}
            order = None
        elif name == "OBR":
            order = segment
            group = _group(segments, at)
            state["ORC"] = _common_order(segments, at)
            if not leading:
                state |= _specimen_within(group)
            if all(one.name != "OBX" for one in group) and _stands_alone(segment, sample_type):
                yield _Context(message, profile, None, segment, dict(state))
        elif name == "OBX":
            yield _Context(message, profile, segment, order, {**state, "TCD": _dilution(segments, at)})
        elif name in ("SAC", "INV") and (leading or order is None):
            state[name] = segment


def _stands_alone(order: Segment, sample_type: str) -> bool:
    return sample_type == "1" or (sample_type == "2" and bool(order.part(20)))


def _group(segments: tuple[Segment, ...], at: int) -> tuple[Segment, ...]:
    """From an OBR up to the next OBR or PID."""
    end = next((i for i in range(at + 1, len(segments)) if segments[i].name in ("OBR", "PID")), len(segments))
    return segments[at:end]


def _specimen_within(group: tuple[Segment, ...]) -> dict[str, Segment | None]:
    found: dict[str, Segment | None] = {}
    for name, position in (("SPM", 2), ("SAC", 3)):
        given = [one for one in group if one.name == name]
        ids = {one.part(position) for one in given}
        if len(ids) > 1:
            # Two specimens in one group: which of them a row belongs to is not said.
            return {"SPM": None, "SAC": None, "OBR": None}
        if given:
            found[name] = given[0]
    return found or {"SPM": None, "SAC": None}


def _common_order(segments: tuple[Segment, ...], at: int) -> Segment | None:
    for one in segments[at + 1 :]:
        if one.name == "ORC":
            return one
        if one.name in ("OBX", "OBR", "SPM", "PID"):
            break
    before = segments[at - 1] if at else None
    return before if before and before.name == "ORC" else None


def _dilution(segments: tuple[Segment, ...], at: int) -> Segment | None:
    """The TCD that follows an OBX, before the next OBX or group."""
    for one in segments[at + 1 :]:
        if one.name == "TCD":
            return one
        if one.name in ("OBX", "OBR", "SPM", "PID"):
            break
    return None


def _attachment(seen: Segment) -> Attachment:
    """OBX-5 of type ED or RP, all repeats joined and decoded."""
    marks = seen.marks
    pieces = [repeat.split(marks.component) for repeat in seen.repetitions(5)]
    # The first repeat has source^type^subtype^encoding^data; further ones only go on with the data.
    first = pieces[0] + [""] * (5 - len(pieces[0]))
    parts = [first[4], *(piece[4] if len(piece) > 4 else piece[0] for piece in pieces[1:])]
    type_, encoding = (
        unescape(first[2], marks).strip() or unescape(first[1], marks).strip(),
        first[3].strip().casefold(),
    )
    if seen.part(2).upper() == "RP":
        return Attachment(type_, b"")  # a pointer: the picture itself stays where it is
    try:
        if encoding == "hex":
            return Attachment(type_, bytes.fromhex("".join(parts)))
        if encoding in ("base64", ""):
            return Attachment(type_, _base64(parts))
        return Attachment(type_, unescape("".join(parts), marks).encode("utf-8"))
    except (ValueError, binascii.Error):
        return Attachment(type_, None)


def _base64(parts: list[str]) -> bytes | None:
    """Base64 that was cut over repeats; some encode each piece by itself."""
    parts = [re.sub(r"\s|\\X0[DA]\\|\\\.br\\", "", part) for part in parts]
    try:
        return base64.b64decode("".join(parts), validate=True) if any(parts) else None
    except binascii.Error:
        return b"".join(base64.b64decode(part, validate=True) for part in parts)


def _whole(raw: str, marks: Delimiters) -> str:
    """A whole field, unescaped; its components are parted by `^` whatever the message uses."""
    if marks.component != "^":
        return "^".join(unescape(part, marks) for part in raw.split(marks.component))
    return unescape(raw, marks)


def _run(text: str) -> str:
    """The run number of LAW (OBX-4): 1.0 is 1; empty is 1."""
    if re.fullmatch(r"[0-9]{1,9}(\.0+)?", text):
        return str(int(Decimal(text)))
    return text or "1"


def joined(parts: list[str]) -> str:
    """Parts of a code joined by `^`, empty ones at the end cut."""
    return "^".join(parts).rstrip("^")


def flags(segment: Segment, number: int) -> tuple[str, ...]:
    """The first component of every repeat, but for what says nothing."""
    found = [
        unescape(repeat.split(segment.marks.component)[0].strip(), segment.marks).strip()
        for repeat in segment.repetitions(number)
    ]
    return tuple(dict.fromkeys(flag for flag in found if flag not in NO_FLAG))


SEXES = {"F": "F", "FEMALE": "F", "M": "M", "MALE": "M"}


@lru_cache(maxsize=16)
def identity(person: Segment | None, name: int, born: int, sex: int) -> Identity:
    """Birth date, sex and initials as far as they are stated; `name`... are the fields of PID or P."""
    if person is None:
        return Identity()
    digits = re.sub("[^0-9]", "", person.raw(born))[:8]
    try:
        birth_date = datetime.date(int(digits[:4]), int(digits[4:6]), int(digits[6:])) if len(digits) == 8 else None
    except ValueError:
        birth_date = None
    family, given = person.part(name, 1), person.part(name, 2)
    initials = (given[:1] + family[:1]).upper()
    return Identity(
        birth_date,
        SEXES.get(person.part(sex).upper(), ""),
        initials if re.fullmatch("[A-Z]{2}", initials) else "",
    )


MOMENT = re.compile(
    r"([0-9]{4})-?([0-9]{2})?-?([0-9]{2})?[T ]?([0-9]{2})?:?([0-9]{2})?:?([0-9]{2})?([0-9]*)(?:\.([0-9]+))?\s*"
    r"(Z|[+-][0-9]{2}:?[0-9]{2})?"
)


@lru_cache(maxsize=256)
def moment(text: str, timezone: ZoneInfo) -> datetime.datetime | None:
    """A time as analyzers write it, with dashes or without; without a zone it is the analyzer's. None: unreadable."""
    found = MOMENT.fullmatch(text.split("^")[0].strip())
    if not found:
        return None
    year, month, day, hour, minute, second = (
        int(part or least) for part, least in zip(found.groups()[:6], "111000", strict=True)
    )
    zone: datetime.tzinfo = timezone
    if found[9]:
        zone = datetime.UTC
        if found[9] != "Z":
            hours, minutes = int(found[9][1:3]), int(found[9][-2:])
            if hours > 15 or minutes > 59:
                return None
            zone = datetime.timezone(
                datetime.timedelta(hours=hours, minutes=minutes) * (-1 if found[9][0] == "-" else 1)
            )
    try:
        return datetime.datetime(year, month, day, hour, minute, second, tzinfo=zone)
    except ValueError:
        return None


def clock_is_off(
    sent: str, observed: list[datetime.datetime | None], timezone: ZoneInfo, received: datetime.datetime
) -> bool:
    """Whether the analyzer's clock differs by more than ten minutes from ours, by its header or by its observations."""
    written = moment(sent, timezone)
    if written is not None:
        exact = len(re.sub("[^0-9]", "", sent.split("^")[0])[:14]) >= 12
        if exact and abs(written - received) > CLOCK:
            return True
        if not exact and abs(written.date() - received.astimezone(timezone).date()) > datetime.timedelta(days=1):
            return True
    return any(one is not None and (one - received > CLOCK or received - one > YEAR) for one in observed)
