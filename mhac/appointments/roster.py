"""A week of a site's roster as a page: a row for each station, a column for each open day. Reads only."""

import datetime
from dataclasses import dataclass

from mhac.appointments.choosing import MET_BY
from mhac.appointments.duty import Roster
from mhac.appointments.hours import Hours
from mhac.appointments.models import Half, ShiftChange, Workplace
from mhac.appointments.reasons import name_of

ONE_DAY = datetime.timedelta(days=1)
SUNDAY = 6


@dataclass(frozen=True)
class HalfDay:
    label: str
    duties: list


@dataclass(frozen=True)
class Cell:
    """One day at one station: the halves on which somebody works there."""

    day: datetime.date
    halves: list[HalfDay]


@dataclass(frozen=True)
class Row:
    """One station and who works there, a cell for each day of the week."""

    workplace: Workplace
    cells: list[Cell]


@dataclass(frozen=True)
class Column:
    """One day: whether the site is closed and why, who is away, which needs nobody meets in which half."""

    day: datetime.date
    closed: str
    away: list[ShiftChange]
    unmet: list[tuple[str, list[str]]]


@dataclass(frozen=True)
class Week:
    first: datetime.date
    columns: list[Column]
    rows: list[Row]

    @property
    def before(self):
        return self.first - 7 * ONE_DAY

    @property
    def after(self):
        return self.first + 7 * ONE_DAY


def week_of(clinic, day) -> Week:
    """The week (Sunday to Saturday) of `day`, without the weekend; seven queries."""
    first = day - ((day.weekday() - SUNDAY) % 7) * ONE_DAY
    days = [first + n * ONE_DAY for n in range(7)]
    hours, roster = Hours(clinic, days[0], days[-1]), Roster(clinic, days[0], days[-1])
    days = [each for each in days if each.weekday() not in clinic.weekend]
    on = {(each, half): roster.by_workplace(each, half) for each in days for half in Half}
    rows = [Row(place, [Cell(each, _halves(on, each, place)) for each in days]) for place in clinic.workplaces.all()]
    return Week(first, [_column(each, hours, roster) for each in days], rows)


def _halves(on, day, place):
    return [HalfDay(half.label, on[day, half][place.pk]) for half in Half if on[day, half][place.pk]]


def _column(day, hours, roster):
    away = {row.staff_id: row for half in Half for row in roster.away(day, half)}
    unmet = []
    for half in Half:
        held = {(duty.kind, duty.sex) for duty in roster.on(day, half)} | {
            (duty.kind, None) for duty in roster.on(day, half)
        }
        if lacking := [name_of(need) for need, met in MET_BY.items() if met not in held]:
            unmet.append((half.label, lacking))
    return Column(day, hours.closed(day), list(away.values()), unmet)
