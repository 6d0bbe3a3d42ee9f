"""Whether a programme takes people at a site on a day: as somebody decided it, otherwise as its edition was published.

Of the rows whose days include the day the newest holds, and a site's own goes before one for all sites. So a change
that begins next Monday, and its end, come by the calendar alone.
"""

import datetime
from dataclasses import dataclass
from itertools import zip_longest

from django.db import connection
from django.utils import dateformat
from django.utils.translation import gettext as _

from mhac.screenings.models import ProgrammeState
from mhac.screenings.programmes import programmes, title

State = ProgrammeState.State
TAKES_PEOPLE = frozenset({State.OPEN, State.LIMITED})
COLOURS = {
    State.DRAFT: "grey",
    State.OPEN: "green",
    State.LIMITED: "blue",
    State.PAUSED: "purple",
    State.CLOSED: "red",
}
# Words of editions that are no state of ours: what was replaced takes nobody.
PUBLISHED = {"legacy": State.CLOSED}
ONE_DAY = datetime.timedelta(days=1)


@dataclass(frozen=True)
class Standing:
    """The state of one programme from `since` to `until`, both included (None: not known, no end set).

    `row` is what somebody decided, None where the edition says it. `cap` is the people a day, None without a limit.
    """

    programme: str
    state: State
    since: datetime.date | None = None
    until: datetime.date | None = None
    reason: str = ""
    row: ProgrammeState | None = None

    @property
    def takes_people(self):
        return self.state in TAKES_PEOPLE

    @property
    def is_draft(self):
        return self.state == State.DRAFT

    @property
    def cap(self):
        return self.row.daily_cap if self.row else None

    @property
    def clinic(self):
        """The site that decided it for itself; None when it holds for all sites."""
        return self.row.clinic if self.row else None

    @property
    def label(self):
        return State(self.state).label

    @property
    def colour(self):
        return COLOURS[self.state]

    @property
    def name(self):
        return name_of(self.programme)

    @property
    def period(self):
        """From when until when, in words; "" when neither is known."""
        days = {name: _day(value) for name, value in (("since", self.since), ("until", self.until)) if value}
        if len(days) == 2:
            return _("from %(since)s until %(until)s") % days
        if self.until:
            return _("until %(until)s") % days
        return _("from %(since)s on, with no end set") % days if self.since else ""

    @property
    def refusal(self):
        """Why nobody new is taken and what to do next, in sentences; "" when people are taken."""
        if self.takes_people:
            return ""
        if self.is_draft:
            return _("No edition of this programme is in force. Choose another programme.")
        said = {"programme": self.name, "state": self.label, "period": self.period, "reason": self.reason}
        if self.row:
            said["who"] = str(self.row.decided_by)
            return (
                _(
                    "%(programme)s: %(state)s %(period)s (%(who)s: %(reason)s). It takes no new people and no new "
                    "bookings; open cases go on. Choose another programme, or ask your site manager."
                )
                % said
            )
        return (
            _(
                "%(programme)s: %(state)s %(period)s. %(reason)s It takes no new people and no new bookings; open "
                "cases go on. Choose another programme, or ask your site manager."
            )
            % said
        )


class States:
    """What was decided about programmes, read once; `coming` are rows as if they were decided already."""

    def __init__(self, *keys, coming=()):
        rows = ProgrammeState.objects.select_related("decided_by", "clinic")
        self._rows = [*coming, *(rows.filter(programme__in=keys) if keys else rows)]
        self._known = {}

    def rows_of(self, programme, clinic=None):
        """What was decided for `clinic` and for all sites, the newest first."""
        of = [row for row in self._rows if row.programme == programme]
        return [row for row in of if row.clinic_id is None or (clinic and row.clinic_id == clinic.pk)]

    def sites_of(self, programme):
        """The sites that ever decided about it for themselves."""
        return list({row.clinic for row in self._rows if row.programme == programme and row.clinic_id})

    def on(self, programme, clinic, day) -> Standing:
        """The state at `clinic` (None: at all sites) on `day`."""
        return next(each for first, each in reversed(self._turns(programme, clinic)) if first <= day)

    def timeline(self, programme, clinic) -> list[Standing]:
        """The states one after the other, the oldest first; each ends where the next one begins."""
        return [each for _first, each in self._turns(programme, clinic)]

    def _turns(self, programme, clinic):
        """[(first day, state from then on)]"""
        key = programme, clinic and clinic.pk
        if key not in self._known:
            self._known[key] = _joined(programme, self.rows_of(programme, clinic))
        return self._known[key]


def on(programme, clinic, day) -> Standing:
    """The state of one programme, in one query."""
    return States(programme).on(programme, clinic, day)


def name_of(programme):
    """The programme's name for the reader, as its newest edition has it."""
    editions = programmes().editions(programme)
    return title(editions[-1]) if editions else programme


def keep(programme):
    """Until this transaction ends nobody changes the state of the programme; others who keep it do not wait.

    The first lock of a transaction: who waited for it with other locks could hold up those for whom a change waits.
    """
    _lock("pg_advisory_xact_lock_shared", programme)


def change(programme):
    """Wait for everybody who relies on the programme's state, and make everybody after wait for this transaction."""
    _lock("pg_advisory_xact_lock", programme)


def count_alone(programme, day):
    """Until this transaction ends nobody else counts or fills the places of the programme on `day`, at any site."""
    _lock("pg_advisory_xact_lock", f"{programme} {day}")


def _lock(function, name):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(hashtextextended(%s, 0))", [f"programme {name}"])


@dataclass(frozen=True)
class _Published:
    """What an edition says of its programme."""

    state: State
    since: datetime.date | None = None
    reason: str = ""


def _joined(programme, rows):
    """[(first day, state)] of what `rows` and the editions say, days with the same holder joined."""
    editions = programmes().editions(programme)
    turns = {datetime.date.min, *(row.from_day for row in rows), *(row.until + ONE_DAY for row in rows if row.until)}
    turns |= {day for edition in editions for day in (edition.in_force, edition.status_since) if day}
    held = []
    for day in sorted(turns):
        holder = _row(rows, day) or _published(editions, day)
        if not held or held[-1][1] != holder:
            held.append((day, holder))
    ends = [day - ONE_DAY for day, _holder in held[1:]]
    return [
        (first, _standing(programme, holder, first, until, decided_before=bool(rows) and first > _first_day(rows)))
        for (first, holder), until in zip_longest(held, ends)
    ]


def _row(rows, day):
    """The newest row for `day`, a site's own before one for all sites; None when the edition speaks."""
    holding = [row for row in rows if row.covers(day)]
    own = next((row for row in holding if row.clinic_id), None)
    if own is not None and own.state != State.SHARED:
        return own
    return next((row for row in holding if row.clinic_id is None), None)


def _published(editions, day):
    """What the edition of `day` says; before the day since which its state is known, the programme was open."""
    edition = next((each for each in reversed(editions) if each.in_force <= day), None)
    if edition is None:
        return _Published(State.DRAFT)
    if edition.status == State.OPEN or (edition.status_since and day < edition.status_since):
        return _Published(State.OPEN)
    return _Published(State(PUBLISHED.get(edition.status, edition.status)), edition.status_since, edition.status_note)


def _standing(programme, holder, first, until, *, decided_before):
    if isinstance(holder, _Published):
        since = first if decided_before else holder.since
        return Standing(programme, holder.state, since, until, holder.reason)
    return Standing(programme, State(holder.state), first, until, holder.reason, holder)


def _first_day(rows):
    return min(row.from_day for row in rows)


def _day(day):
    return dateformat.format(day, "d M Y")
