"""How many more people of a programme a day takes: under a daily number every standing booking counts, walk-ins too.

A number that was decided for one site counts the bookings of that site, one for all sites those of all.
"""

import datetime
from collections import Counter, defaultdict
from zoneinfo import ZoneInfo

from django.db.models import Count
from django.utils import dateformat
from django.utils.translation import gettext as _

from mhac.appointments.models import Booking
from mhac.screenings import status

ONE_DAY = datetime.timedelta(days=1)


class Places:
    """The states of programmes and what is booked from `first` to `last` day, read once in two queries.

    Bookings in `leaving_out` do not count: those that are about to be moved.
    """

    def __init__(self, *programmes, first, last=None, leaving_out=(), states=None):
        self._states = states or status.States(*programmes)
        self._booked = _counted(programmes, first, last or first, leaving_out)

    def on(self, programme, clinic, day):
        return self._states.on(programme, clinic, day)

    def booked(self, programme, clinic, day):
        """How many count on `day`: at `clinic`, or at all sites when the number a day is for all."""
        standing, counts = self.on(programme, clinic, day), self._booked[programme, day]
        return counts.total() if standing.cap and standing.clinic is None else counts[clinic.pk]

    def left(self, programme, clinic, day):
        """How many more are taken on `day`; None without a limit."""
        standing = self.on(programme, clinic, day)
        if not standing.takes_people:
            return 0
        return None if standing.cap is None else max(standing.cap - self.booked(programme, clinic, day), 0)


def refusal(programme, clinic, day, *, wanted, leaving_out=()):
    """Why `wanted` more people of `programme` cannot come on `day`, or ""; asked under the lock `status.keep`.

    Where the day has a limit, nobody else counts it until the transaction ends.
    """
    standing = status.on(programme, clinic, day)
    if not standing.takes_people or standing.cap is None:
        return standing.refusal
    status.count_alone(programme, day)
    places = Places(programme, first=day, leaving_out=leaving_out)
    if places.left(programme, clinic, day) >= wanted:
        return ""
    said = {
        "programme": standing.name,
        "where": standing.clinic or _("all sites together"),
        "cap": standing.cap,
        "booked": places.booked(programme, clinic, day),
        "wanted": wanted,
        "day": dateformat.format(day, "l, d M Y"),
        "period": standing.period,
    }
    return (
        _(
            "%(programme)s is limited %(period)s. People a day (%(where)s): %(cap)d; booked on %(day)s: %(booked)d; "
            "needed: %(wanted)d. Choose another day."
        )
        % said
    )


def _counted(programmes, first, last, leaving_out):
    """(programme, day by the clock of the site) -> site -> people booked"""
    rows = Booking.objects.standing().filter(
        screening__programme__in=programmes,
        slot__starts_at__gte=_utc(first - ONE_DAY),
        slot__starts_at__lt=_utc(last + 2 * ONE_DAY),
    )
    rows = rows.exclude(pk__in=[booking.pk for booking in leaving_out]).order_by()
    found: defaultdict = defaultdict(Counter)
    slots = rows.values_list("screening__programme", "slot__clinic_id", "slot__clinic__timezone", "slot__starts_at")
    for programme, site, zone, starts_at, count in slots.annotate(Count("pk")):
        found[programme, starts_at.astimezone(ZoneInfo(zone)).date()][site] += count
    return found


def _utc(day):
    return datetime.datetime.combine(day, datetime.time.min, datetime.UTC)
