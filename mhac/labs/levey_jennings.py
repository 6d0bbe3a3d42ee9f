"""A Levey-Jennings chart as numbers: where each point, line and mark stands. Drawn by `labs/_levey_jennings.html`.

The height is in standard deviations of each run's own target, so that a new lot goes on where the old one ended. Time
runs from left to right in every language, as in the numbers of it. Units are those of the drawing.
"""

from dataclasses import dataclass
from decimal import Decimal
from itertools import pairwise

from mhac.protocols import westgard

MOST = 30
WIDTH, HEIGHT = 720, 300
LEFT, RIGHT, TOP, BOTTOM = 58, 14, 16, 34
# A point further out is drawn at the edge.
EDGE = Decimal("3.7")
LINES = (3, 2, 1, 0, -1, -2, -3)
LABELS = 8


@dataclass(frozen=True)
class Line:
    """A line of the mean, or of so many standard deviations from it."""

    sd: int
    y: Decimal

    @property
    def name(self):
        return f"{self.sd:+d} SD" if self.sd else "0"


@dataclass(frozen=True)
class Mark:
    """One run: where it stands, its shape (in, warning, rejected), and whether its day is written under it."""

    run: object
    x: Decimal
    y: Decimal
    shape: str
    outside: bool
    labelled: bool

    @property
    def triangle(self):
        return f"{self.x},{self.y - 7} {self.x - 6},{self.y + 5} {self.x + 6},{self.y + 5}"

    @property
    def cross(self):
        x, y = self.x, self.y
        return f"M{x - 5},{y - 5} L{x + 5},{y + 5} M{x - 5},{y + 5} L{x + 5},{y - 5}"


@dataclass(frozen=True)
class Change:
    """Where a new lot or target begins."""

    x: Decimal
    name: str


@dataclass(frozen=True)
class Chart:
    lines: list
    marks: list
    changes: list
    path: str
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT
    right: int = WIDTH - RIGHT
    top: int = TOP
    bottom: int = HEIGHT - BOTTOM


def _y(z):
    half = Decimal(HEIGHT - TOP - BOTTOM) / 2
    return round(TOP + half - max(min(z, EDGE), -EDGE) / EDGE * half, 1)


def chart(runs):
    """The drawing of `runs` of one level (with their targets), the oldest first; None when there are none."""
    if not runs:
        return None
    step = Decimal(WIDTH - LEFT - RIGHT) / max(len(runs), 10)
    every = -(-len(runs) // LABELS)
    marks = []
    for place, run in enumerate(runs):
        z = westgard.z_value(run.value, run.target.mean, run.target.sd)
        x = round(LEFT + step * place + step / 2, 1)
        marks.append(Mark(run, x, _y(z), run.verdict, abs(z) > EDGE, place % every == 0))
    pairs = pairwise(marks)
    changes = [
        Change(round(new.x - step / 2, 1), new.run.target.lot.lot)
        for old, new in pairs
        if old.run.target_id != new.run.target_id
    ]
    lines = [Line(sd, _y(Decimal(sd))) for sd in LINES]
    return Chart(lines, marks, changes, " ".join(f"{mark.x},{mark.y}" for mark in marks))
