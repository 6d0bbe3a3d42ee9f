"""The times of a site: slots, the timetable, closures."""

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.appointments.hours import Hours
from mhac.appointments.models import ExpectedHoliday, Slot, SpecialHours, Timetable, at
from mhac.appointments.services.locked import Refused, day_name, must_be_open

LONGEST = 366  # days


def open_slots(clinic, day, *, starts, capacity, by):
    """Open `capacity` seats at each of `starts` (times of day at the site) on `day`; what is open stays as it is.

    Returns the slots of that day. Raises Refused for a day on which the site is closed or that is over.
    """
    must_be_open(clinic, day)
    wanted = [Slot(clinic=clinic, starts_at=at(clinic, day, time), capacity=capacity, opened_by=by) for time in starts]
    Slot.objects.bulk_create(wanted, ignore_conflicts=True)
    return list(Slot.objects.on(clinic, day).select_related("clinic"))


def open_day(clinic, day, *, by):
    """The slots of `day`; where there are none yet, those of the site's hours that day are opened."""
    if slots := list(Slot.objects.on(clinic, day).select_related("clinic")):
        return slots
    usual = Hours(clinic, day).on(day)
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
    _must_be_to_come(clinic, first_day, last_day)
    return clinic.closures.create(first_day=first_day, last_day=last_day, reason=reason)


@transaction.atomic
def set_hours(clinic, *, first_day, last_day, starts, capacity, reason, by):
    """Other times and seats from `first_day` to `last_day`, whatever was there before: Ramadan, a half day.

    Days that were opened already follow: times nobody was booked for go, others stay until their people are moved.
    Raises Refused for days in the wrong order or over.
    """
    _must_be_to_come(clinic, first_day, last_day)
    row = SpecialHours(clinic=clinic, first_day=first_day, last_day=last_day, capacity=capacity, by=by)
    row.starts, row.reason, row._history_user = sorted(set(starts)), reason, by
    row.save()
    _follow(clinic, max(first_day, clinic.today()), last_day, by)
    return row


@transaction.atomic
def end_hours(row, *, by):
    """The ordinary times hold again on the days of `row` (SpecialHours)."""
    clinic, first_day, last_day = row.clinic, row.first_day, row.last_day
    row._history_user = by
    row.delete()
    _follow(clinic, max(first_day, clinic.today()), last_day, by)


@transaction.atomic
def expect_holiday(clinic, *, first_day, last_day, reason, by):
    """Days that will probably be a holiday: nobody new is booked, nobody is moved yet.

    Raises Refused for days in the wrong order or over.
    """
    _must_be_to_come(clinic, first_day, last_day)
    row = ExpectedHoliday(clinic=clinic, first_day=first_day, last_day=last_day, reason=reason)
    row._history_user = by
    row.save()
    return row


@transaction.atomic
def decide_holiday(row, *, is_holiday, by):
    """The expected days are a holiday (the site is closed on them) or are none. Raises Refused when decided already."""
    row = ExpectedHoliday.objects.select_for_update(of=["self"]).select_related("clinic").get(pk=row.pk)
    if row.state != ExpectedHoliday.State.EXPECTED:
        raise Refused(_("This holiday was decided already: %(state)s.") % {"state": row.get_state_display()})
    row.state = ExpectedHoliday.State.CONFIRMED if is_holiday else ExpectedHoliday.State.DROPPED
    row.decided_by = row._history_user = by
    row.save(update_fields=["state", "decided_by"])
    if is_holiday:
        row.clinic.closures.create(first_day=row.first_day, last_day=row.last_day, reason=row.reason)
    return row


def _must_be_to_come(clinic, first_day, last_day):
    if last_day < first_day:
        raise Refused(_("The last day lies before the first. Change one of them."))
    if last_day < clinic.today():
        raise Refused(_("%(day)s is over. Choose today or a later day.") % {"day": day_name(last_day)})


def _follow(clinic, first, last, by):
    """Days that were opened take the times and seats that now hold. Raises Refused for a longer time than a year."""
    if (last - first).days > LONGEST:
        raise Refused(_("These are more than %(days)d days. Choose a shorter time.") % {"days": LONGEST})
    hours = Hours(clinic, first, last)
    slots = Slot.objects.on(clinic, first, last).select_for_update(of=["self"]).select_related("clinic")
    opened: dict = {}
    for slot in slots:
        opened.setdefault(slot.day, []).append(slot)
    for day, there in opened.items():
        now = hours.on(day)
        wanted = {at(clinic, day, time) for time in now.starts}
        for slot in there:
            if slot.starts_at in wanted:
                slot.capacity = now.capacity
                slot.save(update_fields=["capacity"])
            elif not slot.bookings.exists() and not slot.reminders.exists():
                slot.delete()
        missing = wanted - {slot.starts_at for slot in there}
        new = [Slot(clinic=clinic, starts_at=moment, capacity=now.capacity, opened_by=by) for moment in missing]
        Slot.objects.bulk_create(new, ignore_conflicts=True)


@transaction.atomic
def slot_at(clinic, starts_at, *, by):
    """The slot that begins at `starts_at`, opened now if its day has none yet."""
    day = starts_at.astimezone(at(clinic, clinic.today()).tzinfo).date()
    for slot in open_day(clinic, day, by=by):
        if slot.starts_at == starts_at:
            return slot
    raise Refused(_("There is no such time at %(clinic)s. Choose one of the times shown.") % {"clinic": clinic})
