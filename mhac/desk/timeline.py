"""A family's clock drawn as bars: places in per cent of the breadth, mirrored where people read from the right."""

import datetime
from dataclasses import dataclass

from django.utils import dateformat
from django.utils.translation import get_language_bidi

from mhac.clinics.calendar import solar_hijri
from mhac.protocols.months import add_months

MARGIN_DAYS = 6
MOST_MARKS = 6


@dataclass(frozen=True)
class Span:
    """A rectangle of a bar: its kind (a class of app.css), and where it begins and how broad it is."""

    kind: str
    x: str
    width: str


@dataclass(frozen=True)
class Mark:
    """A line at a day, with the day in both calendars."""

    x: str
    gregorian: str
    hijri: str


@dataclass(frozen=True)
class Bar:
    member: object
    spans: list[Span]


@dataclass(frozen=True)
class Timeline:
    """`first` and `last`: the days at the two ends; `window`: None where there is no day on which all may travel."""

    first: datetime.date
    last: datetime.date
    bars: list[Bar]
    marks: list[Mark]
    now: str
    window: Span | None


def of(found):
    """The timeline of a family's clock; None before anybody was examined."""
    if not any(member.begun for member in found.members):
        return None
    days = [day for member in found.members for day in _days(member)]
    days += [found.today, *(edge.day for edge in (found.window.opens, found.window.closes) if edge)]
    margin = datetime.timedelta(days=MARGIN_DAYS)
    scale = _Scale(min(days) - margin, max(days) + margin)
    return Timeline(
        first=scale.first,
        last=scale.last,
        bars=[Bar(member, list(_spans(member, found.today, scale))) for member in found.members],
        marks=_marks(scale, found.today),
        now=scale.at(found.today),
        window=_window(found, scale),
    )


class _Scale:
    def __init__(self, first, last):
        self.first, self.last = first, last
        self.whole = (last - first).days
        self.mirrored = get_language_bidi()

    def at(self, day):
        share = 100 * (day - self.first).days / self.whole
        return f"{100 - share if self.mirrored else share:.2f}%"

    def span(self, kind, first, last):
        """From the morning of one day to the evening of another; at least a sliver, so that one day can be seen."""
        width = max(100 * ((last - first).days + 1) / self.whole, 0.6)
        share = 100 * (first - self.first).days / self.whole
        width = min(width, 100 - share)
        return Span(kind, f"{100 - share - width if self.mirrored else share:.2f}%", f"{width:.2f}%")


def _days(member):
    return [day for day in (member.begun, member.clock.ready, member.promised, member.until) if day]


def _spans(member, today, scale):
    """Under way until she is ready, then valid until her last day; what is not signed yet is drawn lighter."""
    begun, ready, until = member.begun, member.clock.ready, member.until
    if begun and until and until >= begun:
        yield scale.span("valid" if member.clock.done else "maybe", begun, until)
    if begun and member.clock.done:
        yield scale.span("done", begun, max(begun, ready))
    elif begun:
        yield scale.span("open", begun, max(begun, today))
        if ready and ready > today:
            yield scale.span("promise", today, ready)


def _window(found, scale):
    window = found.window
    if window.opens is None or window.is_empty:
        return None
    closes = window.closes.day if window.closes else scale.last
    return scale.span("window", max(window.opens.day, scale.first), closes)


def _marks(scale, today):
    """The first days of months, as many as can be read side by side; today where no month begins."""
    firsts, day = [], add_months(scale.first.replace(day=1), 1)
    while day < scale.last:
        firsts.append(day)
        day = add_months(day, 1)
    step = -(-len(firsts) // MOST_MARKS) or 1
    chosen = firsts[step // 2 :: step] or [today]
    return [Mark(scale.at(day), dateformat.format(day, "M Y"), solar_hijri(day)) for day in chosen]
