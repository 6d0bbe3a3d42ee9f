"""A label printer for tests: draws the commands that our labels use on 203-dpi dots, and knows no others."""

import re
from dataclasses import dataclass, field

from barcode import Code128
from PIL import Image, ImageChops, ImageDraw, ImageFont

from mhac.labs.labels import FONTS

COMMAND = re.compile(r"\^(A0|[A-Z]{2})([^^]*)")


@dataclass
class Printed:
    """One label: its dots (1 is ink), the parts that were drawn on it as (what, box), and how many copies."""

    dots: Image.Image
    parts: list = field(default_factory=list)
    copies: int = 1


def printed(text):
    """Every label in `text`. ValueError for a command that this printer does not have."""
    labels = text.split("^XZ")
    if labels.pop().strip():
        raise ValueError("something stands after the last label")
    return [_label(each.strip()) for each in labels]


def _label(text):
    if not text.startswith("^XA"):
        raise ValueError("a label begins with ^XA")
    state = {"at": (0, 0), "module": 2, "wide": 0, "long": 0, "unicode": False}
    made = Printed(Image.new("1", (1, 1)))
    for name, given in COMMAND.findall(text[3:]):
        given = given.rstrip("\n")
        if name not in DO:
            raise ValueError(f"this printer does not know ^{name}")
        DO[name](made, state, given)
    return made


def _numbers(given):
    return [int(part) for part in given.split(",")]


def _size(made, state, **known):
    state |= known
    if state["wide"] and state["long"]:
        made.dots = Image.new("1", (state["wide"], state["long"]))


def _field(made, state, given):
    """^FO: a new field; what the field before it was forgotten."""
    state["at"] = tuple(_numbers(given))
    for name in ("bars", "font", "block", "hex", "data", "drawn"):
        state.pop(name, None)


def _picture(made, state, given):
    kind, size, total, row, data = given.split(",")
    if kind != "A" or size != total or len(data) != 2 * int(size):
        raise ValueError("the picture is not as long as it says")
    part = Image.frombytes("1", (int(row) * 8, int(size) // int(row)), bytes.fromhex(data))
    _ink(made, state, "picture", part)


def _ink(made, state, what, part):
    box = (*state["at"], state["at"][0] + part.width, state["at"][1] + part.height)
    whole = Image.new("1", made.dots.size)
    whole.paste(part, state["at"])
    made.dots = ImageChops.logical_or(made.dots, whole)
    made.parts.append((what, box))


def _draw(made, state, _given):
    """^FS: the end of a field."""
    words = state.get("data")
    if words is None:
        return
    if state.get("hex"):
        words = re.sub("_([0-9A-F]{2})", lambda found: chr(int(found[1], 16)), words)
    if "bars" in state:
        modules = Code128(words).build()[0]
        part = Image.new("1", (len(modules) * state["module"], state["bars"]))
        draw = ImageDraw.Draw(part)
        for at, one in enumerate(modules):
            if one == "1":
                draw.rectangle((at * state["module"], 0, (at + 1) * state["module"] - 1, part.height), fill=1)
        _ink(made, state, words, part)
        return
    # The printer's own font 0 is narrower than ours: what fits here fits there.
    font = ImageFont.truetype(FONTS / "Vazirmatn-Regular.ttf", state["font"] - 4)
    left, up, right, down = font.getbbox(words)
    part = Image.new("1", (right - left, down - up))
    ImageDraw.Draw(part).text((-left, -up), words, fill=1, font=font)
    start = state["at"]
    if "block" in state:
        state["at"] = (start[0] + (state["block"] - part.width) // 2, start[1])
    _ink(made, state, words, part)


def _copies(made, state, given):
    made.copies = int(given)


def _bars(made, state, given):
    way, high, *rest, mode = given.split(",")
    if way != "N" or rest != ["N"] * 3 or mode != "A":
        raise ValueError("bars lie as read, without a line of text, in automatic mode")
    state["bars"] = int(high)


DO = {
    "CI": lambda made, state, given: state.update(unicode=given == "28"),
    "PW": lambda made, state, given: _size(made, state, wide=int(given)),
    "LL": lambda made, state, given: _size(made, state, long=int(given)),
    "LH": lambda made, state, given: None,
    "FO": _field,
    "GF": _picture,
    "BY": lambda made, state, given: state.update(module=int(given)),
    "BC": _bars,
    "FB": lambda made, state, given: state.update(block=_numbers(given.rsplit(",", 1)[0])[0]),
    "A0": lambda made, state, given: state.update(font=_numbers(given.removeprefix("N,"))[0]),
    "FH": lambda made, state, given: state.update(hex=True),
    "FD": lambda made, state, given: state.update(data=given),
    "FS": _draw,
    "PQ": _copies,
}
