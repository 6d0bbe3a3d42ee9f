"""On which days a site is open, and at which times: timetable, special hours, closures, holidays. Reads only."""

import datetime

from django.utils.translation import gettext as _

from mhac.appointments.models import ExpectedHoliday, SpecialHours, Timetable


class Hours:
    """What holds at one site from `first` to `last` day, read once in four queries."""

    def __init__(self, clinic, first, last=None):
        during = {"first_day__lte": last or first, "last_day__gte": first}
        self.clinic = clinic
        self._usual = Timetable.of(clinic)
        self._closures = list(clinic.closures.filter(**during))
        self._special = list(SpecialHours.objects.filter(clinic=clinic, **during))
        expected = ExpectedHoliday.objects.filter(clinic=clinic, state=ExpectedHoliday.State.EXPECTED, **during)
        self._expected = list(expected)

    def on(self, day) -> Timetable | SpecialHours:
        """The times and seats of `day` (`starts`, `capacity`), were it open."""
        return _covering(self._special, day) or self._usual

    def closed(self, day) -> str:
        """Why nobody is booked on `day`, in a few words; "" when people are."""
        if day.weekday() in self.clinic.weekend:
            return _("weekend")
        if found := _covering(self._closures, day):
            return found.reason
        if found := _covering(self._expected, day):
            return _("%(reason)s, not confirmed yet") % {"reason": found.reason}
        return ""

    def is_closed(self, day):
        """Whether a closure stands on `day`: bookings made before have to be moved."""
        return _covering(self._closures, day) is not None

    def names(self, day, clock: datetime.time):
        """Whether `clock` is among the times of `day`, where special hours say them."""
        special = _covering(self._special, day)
        return special is None or clock in special.starts

    def special_on(self, day):
        return _covering(self._special, day)


def _covering(rows, day):
    return next((row for row in rows if row.first_day <= day <= row.last_day), None)
