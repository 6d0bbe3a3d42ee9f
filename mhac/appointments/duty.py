"""Who works when at a site, and so how many people of each kind a time takes. Reads only."""

import datetime
from collections import defaultdict

from mhac.appointments import choosing
from mhac.appointments.choosing import Duty
from mhac.appointments.models import Half, Shift, ShiftChange


class Roster:
    """The roster of one site from `first` to `last` day, read once in two queries."""

    def __init__(self, clinic, first, last=None):
        shifts = Shift.objects.filter(staff__clinic=clinic, staff__left=False).select_related("staff", "workplace")
        changes = ShiftChange.objects.filter(
            staff__clinic=clinic, staff__left=False, day__range=(first, last or first)
        ).select_related("staff", "workplace")
        self.weekly = {(row.staff_id, row.weekday, row.half): _duty(row) for row in shifts}
        self.changes = {(row.staff_id, row.day, row.half): _duty(row) for row in changes}
        self.reasons = {(row.staff_id, row.day, row.half): row for row in changes}
        self.kept = {duty.kind for duty in self.weekly.values()}

    def on(self, day, half) -> list[Duty]:
        return choosing.on_duty(self.weekly, self.changes, day, half)

    def places(self, moment: datetime.datetime) -> dict[str, int]:
        """What a time holds, by word; `moment` as the clock of the site shows it."""
        return choosing.places(self.on(moment.date(), Half.of(moment.time())), self.kept)

    def by_workplace(self, day, half):
        """Workplace key -> who works there."""
        found = defaultdict(list)
        for duty in self.on(day, half):
            found[duty.workplace.pk].append(duty)
        return found

    def away(self, day, half):
        """The exceptions of that half by which somebody is not at work."""
        return [row for (_s, on, part), row in self.reasons.items() if (on, part) == (day, half) and not row.workplace]


def _duty(row):
    if row.workplace is None:
        return None
    return Duty(row.workplace.kind, row.staff.sex, row.workplace.capacity, row.staff, row.workplace)
