"""The roster of a site: stations, staff, the usual week, and what goes otherwise on a day."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.appointments.models import Half, Shift, ShiftChange, StaffLine
from mhac.appointments.services.locked import Refused, day_name

LONGEST = 92  # days of one exception


@transaction.atomic
def set_week(staff, *, places, by):
    """Where `staff` works every week. `places`: (weekday, half) -> Workplace, or None for who is not there.

    Bookings stay; those that the staff cannot see any more are found by `stranded`. Raises Refused for a station of
    another site.
    """
    staff = StaffLine.objects.select_for_update().get(pk=staff.pk)
    _must_be_here(staff, places.values())
    there = {(shift.weekday, shift.half): shift for shift in staff.shifts.all()}
    for (weekday, half), workplace in places.items():
        shift = there.get((weekday, half))
        if workplace is None and shift:
            shift._history_user = by
            shift.delete()
        elif workplace and (shift is None or shift.workplace_id != workplace.pk):
            shift = shift or Shift(staff=staff, weekday=weekday, half=half)
            shift.workplace, shift._history_user = workplace, by
            shift.save()
    return staff


@transaction.atomic
def change_days(staff, *, first_day, last_day, halves, workplace, reason, by):
    """From `first_day` to `last_day`, on these halves, `staff` works at `workplace`, or (None) not at all.

    What was changed before for the same half is replaced. Returns the rows. Raises Refused for days in the wrong
    order, over, or too many.
    """
    staff = StaffLine.objects.select_for_update(of=["self"]).select_related("clinic").get(pk=staff.pk)
    _must_be_here(staff, [workplace])
    if last_day < first_day:
        raise Refused(_("The last day lies before the first. Change one of them."))
    if first_day < staff.clinic.today():
        raise Refused(_("%(day)s is over. Choose today or a later day.") % {"day": day_name(first_day)})
    if (last_day - first_day).days >= LONGEST:
        raise Refused(_("These are more than %(days)d days. Choose a shorter time.") % {"days": LONGEST})
    days = [first_day + datetime.timedelta(days=n) for n in range((last_day - first_day).days + 1)]
    known = {(row.day, row.half): row for row in staff.changes.filter(day__in=days, half__in=halves)}
    rows = [
        known.get((day, half)) or ShiftChange(staff=staff, day=day, half=Half(half)) for day in days for half in halves
    ]
    for row in rows:
        row.workplace, row.reason, row.by, row._history_user = workplace, reason, by, by
        row.save()
    return rows


@transaction.atomic
def take_back_change(row, *, by):
    """That half of the day goes as every week again."""
    row._history_user = by
    row.delete()


def _must_be_here(staff, workplaces):
    if any(each and each.clinic_id != staff.clinic_id for each in workplaces):
        raise Refused(_("This station belongs to another site. Choose one of %(clinic)s.") % {"clinic": staff.clinic})
