"""The times of a site: slots, the timetable, closures."""

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.appointments.models import Slot, Timetable, at
from mhac.appointments.services.locked import Refused, day_name, must_be_open


def open_slots(clinic, day, *, starts, capacity, by):
    """Open `capacity` seats at each of `starts` (times of day at the site) on `day`; what is open stays as it is.

    Returns the slots of that day. Raises Refused for a day on which the site is closed or that is over.
    """
    must_be_open(clinic, day)
    wanted = [Slot(clinic=clinic, starts_at=at(clinic, day, time), capacity=capacity, opened_by=by) for time in starts]
    Slot.objects.bulk_create(wanted, ignore_conflicts=True)
    return list(Slot.objects.on(clinic, day).select_related("clinic"))


def open_day(clinic, day, *, by):
    """The slots of `day`; where there are none yet, those of the site's timetable are opened."""
    if slots := list(Slot.objects.on(clinic, day).select_related("clinic")):
        return slots
    usual = Timetable.of(clinic)
    return open_slots(clinic, day, starts=usual.starts, capacity=usual.capacity, by=by)


@transaction.atomic
def set_timetable(clinic, *, starts, capacity, by):
    """When people are asked to come on days that are opened from now on. Days with slots of their own keep them."""
    usual = Timetable.of(clinic)
    usual.starts, usual.capacity = sorted(set(starts)), capacity
    usual._history_user = by
    usual.save()
    return usual


def close(clinic, *, first_day, last_day, reason):
    """Close the site from `first_day` to `last_day`. Bookings on these days stay, to be moved one family at a time.

    Raises Refused for days in the wrong order or over.
    """
    if last_day < first_day:
        raise Refused(_("The last day lies before the first. Change one of them."))
    if last_day < clinic.today():
        raise Refused(_("%(day)s is over. Choose today or a later day.") % {"day": day_name(last_day)})
    return clinic.closures.create(first_day=first_day, last_day=last_day, reason=reason)


@transaction.atomic
def slot_at(clinic, starts_at, *, by):
    """The slot that begins at `starts_at`, opened now if its day has none yet."""
    day = starts_at.astimezone(at(clinic, clinic.today()).tzinfo).date()
    for slot in open_day(clinic, day, by=by):
        if slot.starts_at == starts_at:
            return slot
    raise Refused(_("There is no such time at %(clinic)s. Choose one of the times shown.") % {"clinic": clinic})
