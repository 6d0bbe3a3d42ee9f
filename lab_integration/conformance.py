"""A report on one stored message, for the vendor of the analyzer: what is not as HL7 says, and what others trip over.

English, because the vendor reads it; without names, numbers and values, because it leaves the house. hl7apy is slow on
a large message and raises on many real ones, so it runs in a process of its own, with limits of time and memory, and
nothing that it finds changes how a message is filed.
"""

import json
import re
import resource
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lab_integration import hl7, lis2

MOST_BYTES = 65536
MOST_SEGMENTS = 400
SECONDS = 30
MEMORY = 768 * 1024 * 1024
MOST_FINDINGS = 200
PERSONAL = {"PID", "NK1", "PV1", "PD1", "GT1", "IN1", "NTE"}
VALUES = {"OBX": (5,), "SPM": (2,), "SAC": (3, 4), "OBR": (2, 3, 13, 16), "ORC": (2, 3, 12), "INV": (16,), "MSH": (10,)}
KNOWN_ESCAPES = re.compile(r"F|S|T|R|E|H|N|\.br|\.sp\d*|X([0-9A-Fa-f]{2})+")
TYPES = set(
    re.findall(
        "[A-Z]+",
        "AD CD CE CF CK CN CP CQ CWE CX DR DT DTM ED EI FT HD ID IS MO NA NM PN PPN RP SI SN ST TM TN TQ TS TX",
    )
)
WORDS = {"error": "ERROR", "trap": "TRAP", "note": "NOTE"}


@dataclass(frozen=True)
class Finding:
    """`level`: error (not as HL7 says), trap (tolerated, but others lose data by it) or note; `where`: OBX[2]-5."""

    level: str
    where: str
    what: str


@dataclass(frozen=True)
class Report:
    """Findings in the order of the message; `whole` is False when a limit cut the examination short."""

    findings: tuple[Finding, ...]
    segments: int
    whole: bool

    @property
    def errors(self) -> int:
        return sum(one.level == "error" for one in self.findings)


def examine(body: bytes, transport: str = "mllp", charset: str = "") -> Report:
    """The report on the bytes of one message; never raises for what the bytes are."""
    try:
        read = lis2.parse(body, charset) if transport == "lis1" else hl7.parse(body, charset)
    except hl7.Unreadable as error:
        return Report((Finding("error", "", str(error)),), 0, True)
    if isinstance(read, lis2.Session):
        return Report(tuple(_of_bytes(read.odd)), len(read.records), True)
    found = [*_of_bytes(read.odd), *_of_header(read), *_of_segments(read)]
    if len(body) > MOST_BYTES or len(read.segments) > MOST_SEGMENTS:
        text = f"Over {MOST_BYTES} bytes or {MOST_SEGMENTS} segments: hl7apy was not asked."
        return Report((*found, Finding("note", "", text)), len(read.segments), False)
    theirs, whole = _ask_hl7apy(read)
    return Report((*found, *theirs)[:MOST_FINDINGS], len(read.segments), whole)


def written(report: Report, about: list[str]) -> str:
    """The report as plain text; `about` are lines that stand above it."""
    lines = [*about, f"{report.segments} segments, {report.errors} errors, {len(report.findings)} findings.", ""]
    lines += [f"{WORDS[one.level]:6} {one.where or '-':12} {one.what}" for one in report.findings]
    if not report.findings:
        lines.append("Nothing was found.")
    if not report.whole:
        lines.append("The examination was cut short by its limits.")
    return "\n".join(lines) + "\n"


# -- what our own reader sees -----------------------------------------------------------------------------------------

ODD = {
    "charset_guessed": ("error", "MSH-18", "The bytes are not in the character set that is declared, nor in UTF-8."),
    "bytes_before_msh": (
        "trap",
        "",
        "Bytes stand before the header (a byte order mark, blanks): most readers refuse them.",
    ),
    "batch": ("trap", "", "A batch envelope (FHS, BHS, BTS, FTS) or several messages in one block."),
    "line_ends": ("trap", "", "Segments end with LF or CR LF. HL7 ends each with CR alone; hl7apy loses all but MSH."),
    "no_final_cr": ("trap", "", "The last segment does not end with CR; some receivers wait for it for ever."),
}


def _of_bytes(odd: frozenset[str]) -> Iterator[Finding]:
    for name in sorted(odd & ODD.keys()):
        yield Finding(*ODD[name])


def _of_header(message: hl7.Message) -> Iterator[Finding]:
    header, marks = message.header, message.marks
    if len(marks.sent) != 5:
        yield Finding("error", "MSH-2", f"{len(marks.sent) - 1} encoding characters; four are usual (^~\\&).")
    if not re.fullmatch(r"[A-Z]{3}\^[A-Z][0-9]{2}\^[A-Z0-9_]+", header.raw(9).replace(marks.component, "^")):
        yield Finding("error", "MSH-9", "Not code^event^structure: hl7apy and others guess the structure, or refuse.")
    if not message.control_id.strip():
        yield Finding("error", "MSH-10", "Empty: an answer cannot name this message.")
    elif len(message.control_id) > 20:
        yield Finding("error", "MSH-10", "Longer than 20 characters.")
    if not re.fullmatch(r"2\.[1-8](\.[0-9])?", header.raw(12).split(marks.component)[0]):
        yield Finding("error", "MSH-12", "No version that HL7 knows.")
    if not header.raw(11).strip():
        yield Finding("error", "MSH-11", "Empty: production, training or debugging is not said.")
    time = header.raw(7).strip()
    if not re.fullmatch(r"\d{8,14}(\.\d{1,4})?([+-]\d{4})?", time):
        yield Finding("error", "MSH-7", "No HL7 time (YYYYMMDDHHMMSS and offset).")
    elif not re.search(r"[+-]\d{4}$", time):
        yield Finding("trap", "MSH-7", "No time zone: the receiver has to assume one.")
    if header.raw(18).strip() and not hl7.codec_named(header.raw(18).split(marks.repetition)[0]):
        yield Finding("error", "MSH-18", "No character set of HL7 table 0211.")


def _of_segments(message: hl7.Message) -> Iterator[Finding]:
    count: Counter[str] = Counter()
    after_dilution = False
    for segment in message.segments:
        count[segment.name] += 1
        at = f"{segment.name}[{count[segment.name]}]"
        if segment.name == "MSH" and count["MSH"] > 1:
            yield Finding("trap", at, "A second header in one message: hl7apy reads both as one message.")
        if any("\n" in field for field in segment.fields):
            yield Finding("trap", at, "A line end inside a value: most readers take the rest for another segment.")
        for number, field in enumerate(segment.fields):
            if odd := _unknown_escapes(field, segment):
                yield Finding("trap", f"{at}-{number}", f"Escape sequence that HL7 does not name: {odd}.")
        if segment.name == "INV" and after_dilution:
            yield Finding("trap", at, "INV after TCD: right by IHE LAW, but hl7apy hangs what follows elsewhere.")
        after_dilution = segment.name == "TCD"
        if segment.name == "OBX":
            yield from _of_observation(segment, at, message.version_read)


def _unknown_escapes(field: str, segment: hl7.Segment) -> str:
    mark = re.escape(segment.marks.escape)
    if segment.name == "MSH" or segment.marks.escape not in field:
        return ""
    found = [one for one in re.findall(f"{mark}([^{mark}\r\n]*){mark}", field) if not KNOWN_ESCAPES.fullmatch(one)]
    return "\\Z..\\" if any(re.fullmatch("Z[0-9A-Fa-f]+", one) for one in found) else "one of its own" if found else ""


def _of_observation(seen: hl7.Segment, at: str, version: str) -> Iterator[Finding]:
    type_, value = seen.part(2).upper(), seen.raw(5).strip()
    if not type_:
        yield Finding("error", f"{at}-2", "Empty: the type of the value is not said.")
    elif type_ not in TYPES:
        yield Finding("error", f"{at}-2", "No type of HL7 table 0125; the value is read as text.")
    if type_ == "NM" and value and not re.fullmatch(r"[+-]?\d*\.?\d+", value):
        comma = " (a decimal comma)" if re.fullmatch(r"[+-]?\d+,\d+", value) else ""
        yield Finding("error", f"{at}-5", f"Declared a number (NM), but is none{comma}. hl7apy does not notice.")
    if not seen.part(3):
        yield Finding("error", f"{at}-3", "No code in the first component.")
    if not seen.part(11):
        yield Finding("error", f"{at}-11", "Empty: the status is not said; we read it as preliminary.")
    if seen.marks.component in seen.raw(8):
        yield Finding("trap", f"{at}-8", "A flag with components: hl7apy in strict mode refuses the message.")
    if type_ == "NM" and value and not seen.raw(6).strip():
        yield Finding("note", f"{at}-6", "A number without a unit.")
    if seen.raw(29) and version in {"2.3.1", "2.4", "2.5", "2.5.1", "2.6", "2.7"}:
        yield Finding("trap", f"{at}-29", "A field of a later version: it shifts when others write the message anew.")


# -- what hl7apy says -------------------------------------------------------------------------------------------------


def _ask_hl7apy(message: hl7.Message) -> tuple[list[Finding], bool]:
    """Findings of hl7apy in a process of its own; False when it did not end within its limits."""
    text = "".join(_line(segment) + "\r" for segment in message.segments)
    names = [segment.name for segment in message.segments]
    asked = json.dumps({"text": text, "names": names})
    command = [sys.executable, "-m", "lab_integration.conformance"]
    folder = Path(__file__).parent.parent
    try:
        done = subprocess.run(  # noqa: S603  (our own interpreter and module; the message goes in by its input)
            command, input=asked, capture_output=True, text=True, timeout=SECONDS, cwd=folder, check=True, env={}
        )
    except (subprocess.SubprocessError, OSError):
        return [Finding("note", "", "hl7apy did not end within its limits of time and memory.")], False
    hidden = _hidden(message)
    return [Finding(level, where, _without(what, hidden)) for level, where, what in json.loads(done.stdout)], True


def _line(segment: hl7.Segment) -> str:
    mark = segment.marks.field
    fields = segment.fields if segment.name != "MSH" else ("MSH", *segment.fields[2:])
    return mark.join(fields).replace("\n", " ")


def _hidden(message: hl7.Message) -> list[str]:
    """Every text of the message that says something of a person or a tube."""
    found = set()
    for segment in message.segments:
        numbers = range(1, len(segment.fields)) if segment.name in PERSONAL else VALUES.get(segment.name, ())
        for number in numbers:
            whole = segment.raw(number)
            found |= {whole, *re.split(r"[\^&~|\s]+", whole)}
    return sorted((text for text in found if len(text) > 2), key=len, reverse=True)


def _without(text: str, hidden: list[str]) -> str:
    for one in hidden:
        text = text.replace(one, "…")
    return " ".join(text.split())[:300]


def _child() -> None:
    """Runs in the process of its own: reads {text, names}, writes [level, where, what]."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))
    given = json.load(sys.stdin)
    json.dump([*_parsed(given["text"], given["names"])], sys.stdout)


def _parsed(text: str, names: list[str]) -> Iterator[tuple[str, str, str]]:
    from hl7apy.consts import VALIDATION_LEVEL  # type: ignore[import-untyped]
    from hl7apy.parser import parse_message  # type: ignore[import-untyped]

    def parse(level: int, groups: bool):  # type: ignore[no-untyped-def]
        # hl7apy meets bytes that its authors never saw with any exception there is; each is a finding.
        try:
            return parse_message(text, validation_level=level, find_groups=groups), ""
        except Exception as error:
            return None, f"{type(error).__name__}: {error}"

    flat, fault = parse(VALIDATION_LEVEL.TOLERANT, False)
    if flat is None:
        yield "error", "", f"hl7apy cannot read it. {fault}"
        return
    yield from _lost(names, [child.name for child in flat.children], "without groups")
    whole, fault = parse(VALIDATION_LEVEL.TOLERANT, True)
    if whole is None:
        yield "error", "", f"hl7apy finds no structure. {fault}"
    else:
        yield from _lost(names, list(_names(whole)), "with groups")
        yield from _validated(whole)
    _strict, fault = parse(VALIDATION_LEVEL.STRICT, True)
    if fault:
        yield "error", "", f"hl7apy in strict mode refuses it. {fault}"


def _names(element):  # type: ignore[no-untyped-def]
    for child in element.children:
        if child.classname == "Group":
            yield from _names(child)
        else:
            yield child.name


def _lost(ours: list[str], theirs: list[str], how: str) -> Iterator[tuple[str, str, str]]:
    for name, number in (Counter(ours) - Counter(theirs)).items():
        yield "trap", name, f"hl7apy {how} drops {number} of {ours.count(name)} in silence: outside the structure."


def _validated(message) -> Iterator[tuple[str, str, str]]:  # type: ignore[no-untyped-def]
    from hl7apy.validation import Validator

    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report"
        try:
            Validator.validate(message, report_file=str(path))
        except Exception as error:
            if not path.exists():
                yield "error", "", f"{type(error).__name__}: {error}"
                return
        for line in dict.fromkeys(path.read_text().splitlines()):
            kind, _colon, what = line.partition(": ")
            where = re.search(r"\b([A-Z][A-Z0-9]{2}_\d+)\b", what)
            yield ("error" if kind == "Error" else "note"), (where[1].replace("_", "-") if where else ""), what


if __name__ == "__main__":
    _child()
