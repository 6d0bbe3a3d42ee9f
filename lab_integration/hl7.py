"""HL7 v2 text (ER7): a small tolerant reader. Bytes -> segments and positions, nothing dropped and nothing replaced.

It takes any delimiters, any line ends and any version, keeps every field as it was sent, and raises one error,
`Unreadable`. What a message means is read by `observations`, what it is answered by `acknowledgement`.
"""

import codecs
import itertools
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property

LINE_END = re.compile(r"\r\n|\r|\n")
HEADER = re.compile(r"MSH(?=[^A-Za-z0-9\s])")
ENVELOPE = ("FHS", "BHS", "BTS", "FTS")
NULL = '""'


class Unreadable(Exception):
    """The bytes are no HL7 message; the text says what is missing and what to do."""


@dataclass(frozen=True)
class Delimiters:
    """MSH-1 and MSH-2. `sent` is both exactly as they came; what MSH-2 left out has its usual value."""

    field: str = "|"
    component: str = "^"
    repetition: str = "~"
    escape: str = "\\"
    subcomponent: str = "&"
    sent: str = "|^~\\&"

    @classmethod
    def of(cls, header: str) -> "Delimiters":
        """Read from the text that begins with MSH, FHS or BHS."""
        mark = header[3:4] or "|"
        rest = header[4:].split(mark, 1)[0] if mark in header[4:] else header[4:9]
        given = [sign for sign in rest if not sign.isalnum() and not sign.isspace()][:4]
        usual = ["^", "~", "\\", "&"]
        signs = given + usual[len(given) :]
        for place in range(len(given), 4):
            while signs[place] in (*signs[:place], mark):
                signs[place] = chr(0xE000 + place)  # a private sign that nobody sends: this level does not occur
        component, repetition, escape, subcomponent = signs
        return cls(mark, component, repetition, escape, subcomponent, mark + rest)


@dataclass(frozen=True)
class Position:
    """`OBX-3.1.2`: segment, field, component, subcomponent, from 1; `whole` when only the field is named."""

    segment: str
    field: int
    component: int = 1
    subcomponent: int = 1

    @classmethod
    def parse(cls, text: str) -> "Position":
        """ValueError when `text` names no position."""
        found = re.fullmatch(r"([A-Z][A-Z0-9]{0,2})-([1-9][0-9]{0,2})(?:\.([1-9][0-9]?))?(?:\.([1-9][0-9]?))?", text)
        if not found:
            raise ValueError(f"{text!r} is no position. Write it like OBX-3, OBX-3.4 or OBX-3.1.2.")
        return cls(found[1], int(found[2]), int(found[3] or 1), int(found[4] or 1))


@dataclass(frozen=True)
class Segment:
    """One line of a message. Fields count as HL7 counts them: MSH-1 is the field separator."""

    name: str
    fields: tuple[str, ...]
    marks: Delimiters

    def raw(self, number: int) -> str:
        """The whole field as it stands in the message; "" when it is not there."""
        return self.fields[number] if number < len(self.fields) else ""

    def repetitions(self, number: int) -> list[str]:
        return self.raw(number).split(self.marks.repetition)

    def components(self, number: int) -> list[str]:
        """The components of the first repetition, as they stand."""
        return self.repetitions(number)[0].split(self.marks.component)

    def raw_component(self, number: int, component: int) -> str:
        parts = self.components(number)
        return parts[component - 1] if component <= len(parts) else ""

    def part(self, number: int, component: int = 1, subcomponent: int = 1) -> str:
        """One part, trimmed and unescaped; an explicit null ("") reads as empty."""
        # Asked for a dozen times a row: most fields are empty or have one part.
        text, marks = self.fields[number] if number < len(self.fields) else "", self.marks
        if not text:
            return ""
        for mark, place in ((marks.repetition, 1), (marks.component, component), (marks.subcomponent, subcomponent)):
            if mark in text:
                parts = text.split(mark)
                text = parts[place - 1] if place <= len(parts) else ""
            elif place > 1:
                return ""
        text = text.strip()
        return "" if text == NULL else unescape(text, marks).strip()

    def at(self, position: Position) -> str:
        return self.part(position.field, position.component, position.subcomponent)

    def __bool__(self) -> bool:
        return True


@dataclass(frozen=True)
class Message:
    """One message: its segments in order, and what was odd about its bytes (the words of the contract)."""

    segments: tuple[Segment, ...]
    marks: Delimiters
    charset: str = "utf-8"
    odd: frozenset[str] = field(default_factory=frozenset)

    @cached_property
    def header(self) -> Segment:
        return self.segments[0]

    def named(self, *names: str) -> Iterator[Segment]:
        return (segment for segment in self.segments if segment.name in names)

    def first(self, name: str) -> Segment | None:
        return next(self.named(name), None)

    @property
    def control_id(self) -> str:
        """MSH-10 byte for byte."""
        return self.header.raw(10)

    @cached_property
    def type_parts(self) -> list[str]:
        parts = [part.strip() for part in self.header.components(9)]
        structure = re.fullmatch(r"([A-Z]{3})_([A-Z][0-9]{2})", parts[0])
        return [structure[1], structure[2]] if structure and not any(parts[1:]) else parts

    @property
    def code(self) -> str:
        """MSH-9.1: ORU, OUL, QBP..."""
        return self.type_parts[0]

    @property
    def event(self) -> str:
        """MSH-9.2: R01, R22..."""
        return self.type_parts[1] if len(self.type_parts) > 1 else ""

    @property
    def type(self) -> str:
        """The first two components of MSH-9: `ORU^R01`."""
        return f"{self.code}^{self.event}" if self.event else self.code

    @property
    def version(self) -> str:
        """MSH-12 as it was sent."""
        return self.header.raw(12)

    @property
    def version_read(self) -> str:
        """MSH-12 as it was meant: `2,3,1` and `2.3.1^^` are 2.3.1."""
        return self.version.split(self.marks.component)[0].strip().replace(",", ".")

    @property
    def processing_id(self) -> str:
        return self.header.raw(11)

    def clinical_content(self) -> str:
        """Everything but the time (MSH-7) and the number (MSH-10) of the message: what a retransmission repeats."""
        lines = []
        for segment in self.segments:
            fields = list(segment.fields)
            if segment.name == "MSH":
                for number in (7, 10):
                    if number < len(fields):
                        fields[number] = ""
            lines.append("\x1f".join(fields))
        return "\x1e".join(lines)


def split(body: bytes) -> list[bytes]:
    """The messages of a body, each with its bytes; joined they are `body` again.

    What stands before the first MSH (byte order mark, FHS, BHS) belongs to the first, what ends the batch to the last.
    A body without MSH is one piece.
    """
    first = re.search(rb"MSH[^A-Za-z0-9\s\x80-\xff]", body)
    following = re.finditer(rb"[\r\n](MSH[^A-Za-z0-9\s\x80-\xff])", body[first.end() :]) if first else ()
    cuts = [0, *(first.end() + found.start(1) for found in following if first), len(body)]
    pieces = [body[one:two] for one, two in itertools.pairwise(cuts)]
    for index in range(1, len(pieces)):
        # A new batch header between two messages belongs to the message that follows it.
        if found := re.search(rb"[\r\n]((?:[FB]HS[^\r\n]*[\r\n]+)+)$", pieces[index - 1]):
            pieces[index - 1], pieces[index] = pieces[index - 1][: found.start(1)], found[1] + pieces[index]
    return pieces


def parse(body: bytes, charset: str = "") -> Message:
    """The message in `body` (one of `split`); `charset` is the codec that the profile demands. Raises Unreadable."""
    text, marks, codec, odd = _begin(body, charset)
    segments = tuple(_segments(text, marks, odd))
    message = Message(segments, marks, codec, frozenset(odd))
    if _header_is_odd(message):
        odd.add("msh_odd")
    return Message(segments, marks, codec, frozenset(odd))


def parse_header(body: bytes, charset: str = "") -> Message:
    """As `parse`, but with the MSH segment alone: what most acknowledgements need. Raises Unreadable."""
    text, marks, codec, odd = _begin(body, charset)
    return Message((next(_segments(text, marks, odd)),), marks, codec, frozenset(odd))


def _begin(body: bytes, charset: str) -> tuple[str, Delimiters, str, set[str]]:
    """The text from MSH on, its delimiters, its codec, and what was odd so far."""
    text, codec, guessed = decode(body, charset)
    found = HEADER.search(text)
    if not found:
        raise Unreadable(
            "There is no MSH segment, so this is no HL7 message. Check that the analyzer speaks HL7 on this port."
        )
    odd = {"charset_guessed"} if guessed else set()
    before = text[: found.start()]
    if not re.fullmatch(r"(?:(?:FHS|BHS)[^\r\n]*[\r\n]+)*", before):
        odd.add("bytes_before_msh")
    if before and re.search(r"(?:^|[\r\n])(?:FHS|BHS)\W", before):
        odd.add("batch")
    text = text[found.start() :]
    return text, Delimiters.of(text[:64]), codec, odd


def _segments(text: str, marks: Delimiters, odd: set[str]) -> Iterator[Segment]:
    ends = set(LINE_END.findall(text))
    if ends - {"\r"}:
        odd.add("line_ends")
    if not text.endswith(("\r", "\n")):
        odd.add("no_final_cr")
    for line in _lines(text, marks):
        name = line[:3].upper()
        if name in ENVELOPE:
            odd.add("batch")
            continue
        fields = line.split(marks.field)
        if name == "MSH":
            # MSH-1 is the separator itself; MSH-2 may not be split at it.
            fields = ["MSH", marks.field, *fields[1:]]
        yield Segment(fields[0].strip(), tuple(fields), marks)


def _lines(text: str, marks: Delimiters) -> Iterator[str]:
    """The lines that begin a segment; a line that does not is the rest of the value before it, not a segment."""
    begins = re.compile(r"[A-Za-z][A-Za-z0-9]{2}(?:$|" + re.escape(marks.field) + ")")
    line, at = "", 0
    for end in itertools.chain(LINE_END.finditer(text), [None]):
        piece = text[at : end.start() if end else len(text)]
        at = end.end() if end else at
        if not piece.strip():
            continue
        if line and not begins.match(piece.lstrip(" \t\x00")):
            line += "\n" + piece
            continue
        if line:
            yield line
        line = piece.lstrip(" \t\x00")
    if line:
        yield line


def _header_is_odd(message: Message) -> bool:
    return (
        len(message.marks.sent) not in (5, 6)
        or not re.fullmatch(r"[A-Z]{3}\^[A-Z][0-9]{2}(\^[A-Z0-9_]+)?", _with_carets(message))
        or not message.control_id.strip()
        or not re.fullmatch(r"2\.[0-9](\.[0-9])?(\^.*[^\^])?", message.version.replace(message.marks.component, "^"))
    )


def _with_carets(message: Message) -> str:
    return message.header.raw(9).replace(message.marks.component, "^")


# -- character sets ---------------------------------------------------------------------------------------------------

_CP1252 = "".join(
    bytes([code]).decode("cp1252", errors="ignore") or chr(code)  # the five codes that 1252 leaves open stay themselves
    for code in range(256)
)
_NAMED = {
    "ASCII": "ascii",
    "UNICODE": "utf-8",
    "UNICODE UTF-8": "utf-8",
    "UTF-8": "utf-8",
    "UTF8": "utf-8",
    "GB 18030-2000": "gb18030",
    "GB18030": "gb18030",
    "GBK": "gbk",
    "GB2312": "gb2312",
    "BIG-5": "big5",
    "KS X 1001": "euc_kr",
    "ISO IR87": "shift_jis",
}


def codec_named(msh18: str) -> str:
    """The Python codec that MSH-18 names (HL7 table 0211 and what instruments write); "" when unknown."""
    name = msh18.strip().upper()
    if name in _NAMED:
        return _NAMED[name]
    if found := re.fullmatch(r"(?:ISO[ -]?)?8859(?:[/-]?([0-9]{1,2}))?", name):
        return f"iso8859-{found[1] or 1}"
    found = re.fullmatch(r"(?:CP|WINDOWS)[- ]?(125[0-8]|437|720|850|864|866)", name)
    return f"cp{found[1]}" if found else ""


def decode(body: bytes, charset: str = "") -> tuple[str, str, bool]:
    """Text, codec, and whether the codec was guessed. Order: profile, MSH-18 if it fits, strict UTF-8, Windows-1252."""
    declared = ""
    if found := re.search(rb"MSH([^A-Za-z0-9\s])[^\r\n]*", body):
        header = found[0].split(found[1])
        declared = header[17].decode("latin-1") if len(header) > 17 else ""
        declared = re.split(r"[~^]", declared)[0]
    for codec in (charset, codec_named(declared), "utf-8"):
        text = _fits(body, codec) if codec else None
        if text is not None:
            return text, codec, bool(charset) and codec != charset
    return codecs.charmap_decode(body, "strict", _CP1252)[0], "cp1252", True


def _fits(body: bytes, codec: str) -> str | None:
    try:
        text = codecs.decode(body, codec)
    except (UnicodeError, LookupError):
        return None
    # Every byte is "valid" ISO 8859; one that lands on a control character of that set was not meant so.
    if not isinstance(text, str) or (codec.startswith("iso8859") and re.search("[\x80-\x9f]", text)):
        return None
    return text


def encode(text: str, codec: str) -> bytes:
    """`text` in the codec of the message it answers, or in UTF-8 when it does not fit."""
    try:
        return bytes(map(_CP1252.index, text)) if codec == "cp1252" else text.encode(codec)
    except (ValueError, LookupError):
        return text.encode("utf-8")


# -- escapes ----------------------------------------------------------------------------------------------------------


def unescape(text: str, marks: Delimiters) -> str:
    """`text` with its escape sequences read; a sequence that is not known stays as it was sent."""
    if marks.escape not in text:
        return text
    mark = re.escape(marks.escape)
    plain = {
        "F": marks.field,
        "S": marks.component,
        "T": marks.subcomponent,
        "R": marks.repetition,
        "E": marks.escape,
        "H": "",
        "N": "",
        ".br": "\n",
    }

    def read(found: re.Match[str]) -> str:
        inside = found[1]
        if inside in plain:
            return plain[inside]
        if code := re.fullmatch("Z([0-9A-Fa-f]{4,6})", inside):
            point = int(code[1], 16)
            return chr(point) if 0 < point < 0xD800 or 0xDFFF < point <= 0x10FFFF else found[0]
        if (code := re.fullmatch("X((?:[0-9A-Fa-f]{2})+)", inside)) and b"\x00" not in bytes.fromhex(code[1]):
            raw = bytes.fromhex(code[1])
            return _fits(raw, "utf-8") or codecs.charmap_decode(raw, "strict", _CP1252)[0]
        return found[0]

    return re.sub(f"{mark}([^{mark}\r\n]*){mark}", read, text)


def escape(text: str, marks: Delimiters) -> str:
    """`text` as one part of a field: no sign of it can be taken for a delimiter or the end of a segment."""
    signs = {
        marks.escape: "E",
        marks.field: "F",
        marks.component: "S",
        marks.subcomponent: "T",
        marks.repetition: "R",
        "\r": "X0D",
        "\n": "X0A",
    }
    return "".join(
        marks.escape + signs[sign] + marks.escape if sign in signs else sign
        for sign in text
        if sign not in "\x00\x0b\x1c"
    )


def build(segments: list[list[str]]) -> str:
    """Segments (name, then fields, already escaped) as text, each ended by CR; the first is MSH with its delimiters."""
    mark = segments[0][1]
    lines = [mark.join(["MSH", *segments[0][2:]])] + [mark.join(segment).rstrip(mark) for segment in segments[1:]]
    return "".join(line + "\r" for line in lines)
