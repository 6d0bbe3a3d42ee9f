"""Our reader beside hl7apy's (without groups): `python -m tests.reliability.differential FOLDER`.

Where hl7apy reads a message, both must find the same segments and the same fields. Every difference belongs to a trap
of hl7apy that has a name here; a difference without a name is a fault of ours.
"""

import itertools
import re
import sys
from collections import Counter
from pathlib import Path

from hl7apy.consts import VALIDATION_LEVEL
from hl7apy.parser import parse_message

from lab_integration import hl7

FOLDER = Path(__file__).resolve().parents[1] / "lab_integration" / "captures"


def compare(path):
    """What became of one file: a Counter of words; "unexplained" is what may not be."""
    body = path.read_bytes()
    found = Counter()
    for piece in hl7.split(body):
        try:
            ours = hl7.parse(piece)
        except hl7.Unreadable:
            found["not HL7"] += 1
            continue
        found.update(_message(piece, ours, path))
    return found


def _message(piece, ours, path):
    text, _codec, _guessed = hl7.decode(piece)
    if "\n" in text.strip("\r\n"):
        # hl7apy loses every segment but the first, or raises.
        text = "\r".join(line for line in re.split("\r\n|\r|\n", text))
        odd = "line ends made CR for hl7apy"
    else:
        odd = ""
    try:
        theirs = parse_message(text, find_groups=False, validation_level=VALIDATION_LEVEL.TOLERANT)
    except Exception as error:  # it raises KeyError, ValueError and its own; each is a message that it does not read
        return Counter({f"hl7apy raises {type(error).__name__}": 1})
    found = Counter({"read by both": 1, **({odd: 1} if odd else {})})
    names = [one.name for one in theirs.children]
    if names != [one.name for one in ours.segments]:
        found[f"segments differ: {_why_segments(names, ours)}"] += 1
        return found
    for one, other in zip(theirs.children, ours.segments, strict=True):
        given = _given(one, other)
        kept = _tidy(other.fields[1:] if other.name != "MSH" else other.fields[2:], ours.marks)
        if given == kept:
            found["segments equal"] += 1
        else:
            found[f"fields differ: {_why_fields(given, kept, ours.marks)}"] += 1
    return found


def _given(segment, ours):
    """The fields of hl7apy's segment as text, tidied as ours are."""
    text = segment.to_er7()
    fields = text.split(ours.marks.field)[1:]
    return _tidy(fields, ours.marks)


def _tidy(fields, marks):
    """Fields without what stands empty at the end of each level: it says nothing and is written or not."""
    ends = re.escape(marks.component + marks.subcomponent + marks.repetition)
    inner = rf"[{re.escape(marks.subcomponent)}]+(?=[{ends}])"
    outer = rf"[{re.escape(marks.component)}]+(?={re.escape(marks.repetition)})"
    found = [re.sub(outer, "", re.sub(rf"[{ends}]+$", "", re.sub(inner, "", one))) for one in fields]
    while found and not found[-1]:
        found.pop()
    return found


def _why_segments(names, ours):
    """Batch envelopes are no part of a message here; a line that is no segment goes on with the value before it."""
    kept = [name for name in names if name not in hl7.ENVELOPE]
    if kept == [one.name for one in ours.segments]:
        return "the end of a batch is taken for a segment"
    return f"unexplained: {names} for {[one.name for one in ours.segments]}"


def _why_fields(given, kept, marks):
    """The trap by which hl7apy writes these fields otherwise: each is taken away, and the first that explains counts."""
    for trap, undone in TRAPS:
        given, kept = ([undone(one, marks) for one in fields] for fields in (given, kept))
        given, kept = _tidy(given, marks), _tidy(kept, marks)
        if given == kept:
            return trap
    if [sorted(_atoms(one, marks)) for one in given] == [sorted(_atoms(one, marks)) for one in kept]:
        return "components that the version does not know are moved"
    if sorted(atom for one in given for atom in _atoms(one, marks)) == sorted(
        atom for one in kept for atom in _atoms(one, marks)
    ):
        return "fields that the version does not know are moved"
    at = next(i for i, (one, two) in enumerate(itertools.zip_longest(given, kept)) if one != two)
    return f"unexplained: field {at + 1}, {given[at : at + 1]} for {kept[at : at + 1]}"


def _levels(text, marks):
    return re.split(f"([{re.escape(marks.component + marks.subcomponent + marks.repetition)}])", text)


def _atoms(text, marks):
    return [part for part in _levels(text, marks)[::2] if part]


def _each(change):
    return lambda text, marks: "".join(change(part) for part in _levels(text, marks))


TRAPS = (
    ("escapes are escaped again", lambda text, marks: text.replace(f"{marks.escape}E{marks.escape}", marks.escape)),
    ("blanks are cut", _each(str.strip)),
    ("numbers are written anew", _each(lambda part: part.lstrip("0") if part.isdigit() else part)),
)


def main(folder):
    total = Counter()
    for path in sorted(Path(folder).rglob("*.hl7")):
        total.update(compare(path))
    for words, count in sorted(total.items(), key=lambda one: -one[1]):
        print(f"{count:>7}  {words}")
    return 1 if any("unexplained" in words for words in total) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else FOLDER))
