"""What every write of this room asks first, and the sentence when it cannot be done."""

from dataclasses import replace

from django.utils import dateformat
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mhac.appointments import asking, choosing, places, reasons
from mhac.appointments.duty import Roster
from mhac.appointments.models import Booking, ExpectedHoliday, Slot


class Refused(Exception):
    """Why something cannot be booked or marked, and what to do next."""


def save(booking, by, *fields):
    booking._history_user = by
    booking.save(update_fields=fields)


def locked_booking(booking):
    return Booking.objects.select_for_update(of=["self"]).select_related("slot__clinic", "screening").get(pk=booking.pk)


def must_be_open(clinic, day):
    if day < clinic.today():
        raise Refused(_("%(day)s is over. Choose today or a later day.") % {"day": day_name(day)})
    if day.weekday() in clinic.weekend:
        raise Refused(
            _("%(day)s is a weekend at %(clinic)s. Choose a working day.") % {"day": day_name(day), "clinic": clinic}
        )
    if closed := clinic.closures.filter(first_day__lte=day, last_day__gte=day).first():
        raise Refused(
            _("%(clinic)s is closed on %(day)s: %(reason)s. Choose another day.")
            % {"clinic": clinic, "day": day_name(day), "reason": closed.reason}
        )
    expected = clinic.expected_holidays.filter(state=ExpectedHoliday.State.EXPECTED)
    if holiday := expected.filter(first_day__lte=day, last_day__gte=day).first():
        raise Refused(
            _("%(day)s will probably be a holiday (%(reason)s). Choose another day, or ask your site manager.")
            % {"day": day_name(day), "reason": holiday.reason}
        )


def must_take(programme, slot, wanted, moved=()):
    if why := places.refusal(programme, slot.clinic, slot.day, wanted=wanted, leaving_out=moved):
        raise Refused(why)


def free_seats(slot, wanted):
    """The `wanted` lowest seats nobody holds, with the slot locked until the transaction ends."""
    slot = Slot.objects.select_for_update(of=["self"]).select_related("clinic").get(pk=slot.pk)
    taken = set(Booking.objects.standing().filter(slot=slot).values_list("seat", flat=True))
    free = [seat for seat in range(1, slot.capacity + 1) if seat not in taken]
    if len(free) < wanted:
        raise Refused(
            ngettext(
                "%(time)s on %(day)s has %(free)d free seat, and %(wanted)d are needed. Choose another time, or book "
                "the family in two parts.",
                "%(time)s on %(day)s has %(free)d free seats, and %(wanted)d are needed. Choose another time, or book "
                "the family in two parts.",
                len(free),
            )
            % {"time": slot.clock, "day": day_name(slot.day), "free": len(free), "wanted": wanted}
        )
    return free[:wanted]


def times_of(slots, moved=()):
    """What is left of `slots` of one site and day: seats, and places by word."""
    here, roster = asking.booked(slots, leaving_out=moved), Roster(slots[0].clinic, slots[0].day)
    found = []
    for slot in slots:
        people = [person for _key, person in here[slot.pk]]
        left = choosing.left_of(roster.places(slot.local()), people)
        found.append(choosing.Time(slot.pk, max(slot.capacity - len(people), 0), left))
    return found


def must_hold(slot, members, moved=()):
    """Refuse what the staff of that time cannot do for `members` (screenings); asked with the slot locked."""
    (time,) = times_of([slot], moved)
    people = asking.people(members, slot.day)
    # Seats were found free already.
    if lacks := choosing.shortages(replace(time, seats=len(people)), people):
        raise Refused(
            _("%(time)s on %(day)s: %(why)s. Choose another time, or ask your site manager about the roster.")
            % {"time": slot.clock, "day": day_name(slot.day), "why": ", ".join(map(reasons.words, lacks))}
        )


def day_name(day):
    return dateformat.format(day, "l, d M Y")
