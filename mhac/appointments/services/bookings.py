"""Seats in time: a family is booked as one set, and no seat is given twice."""

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.appointments import asking, choosing
from mhac.appointments.models import Booking, Waiting
from mhac.appointments.services.locked import (
    Refused,
    day_name,
    free_seats,
    locked_booking,
    must_be_open,
    must_hold,
    must_take,
    save,
    times_of,
)
from mhac.appointments.services.times import slot_at
from mhac.screenings import status
from mhac.screenings.models import Screening


@transaction.atomic
def book(case, slot, *, screenings, by):
    """Give each of `screenings` a seat in `slot`, all or none. Returns the bookings in the order of the seats.

    Raises Refused as `book_together` does.
    """
    return book_together(case, [(slot, screenings)], by=by)


@transaction.atomic
def book_together(case, parts, *, by):
    """Book `parts`, [(slot, screenings)] of one day, as one set: all or none. Returns the bookings.

    Raises Refused when the site is closed that day, the day is over, the programme takes nobody today or on that day,
    somebody is booked already or is not being screened, too few seats or places of the programme are free, or the
    staff on the roster cannot do what somebody needs.
    """
    status.keep(case.programme)
    parts = sorted(((slot, list(some)) for slot, some in parts), key=lambda part: part[0].starts_at)
    _must_be_one_day(case, [slot for slot, _some in parts])
    first = parts[0][0]
    members = {member.pk: member for member in _locked(case, [each for _slot, some in parts for each in some])}
    _must_be_free(members.values(), first, by)
    if why := status.on(case.programme, case.clinic, case.clinic.today()).refusal:
        raise Refused(why)
    must_take(case.programme, first, len(members))
    booked = [booking for slot, some in parts for booking in _seat(slot, [members[each.pk] for each in some], by)]
    _end_wait(case, by)
    return booked


def without_time(case):
    """The open screenings of a case for which no time is booked."""
    coming = Booking.objects.coming(case).values("screening")
    return Screening.objects.filter(case=case).open().exclude(pk__in=coming).select_related("patient", "clinic")


def _end_wait(case, by):
    """A family of which everybody has a time waits no longer."""
    place = Waiting.objects.filter(case=case, state=Waiting.State.WAITING).first()
    if place and not without_time(case).exists():
        place.state, place._history_user = Waiting.State.BOOKED, by
        place.save(update_fields=["state"])


@transaction.atomic
def book_at(case, moments, *, screenings, by):
    """Book `screenings` at one time, or over neighbouring times of one day, opened now where their day has no slots.

    Who comes at which of several times is chosen anew. Raises Refused as `book_together` does, and when the times do
    not take everybody any more.
    """
    slots = [slot_at(case.clinic, moment, by=by) for moment in sorted(moments)]
    if len(slots) == 1:
        return book(case, slots[0], screenings=screenings, by=by)
    members = {each.pk: each for each in screenings}
    people = asking.people(members.values(), slots[0].day)
    parts = choosing.choose(times_of(slots), people)
    if len(parts) != len(slots):
        raise Refused(_("These times do not take everybody any more. Choose among the times shown now."))
    by_key = {slot.pk: slot for slot in slots}
    return book_together(case, [(by_key[t.key], [members[p.key] for p in some]) for t, some in parts], by=by)


def _must_be_one_day(case, slots):
    for slot in slots:
        must_be_open(slot.clinic, slot.day)
        if slot.clinic_id != case.clinic_id:
            raise Refused(
                _("Case %(case)s belongs to %(clinic)s. Book it at that site.")
                % {"case": case.number, "clinic": case.clinic}
            )
    if len({slot.day for slot in slots}) != 1:
        raise Refused(_("A family is booked on one day. Choose times of the same day."))


def _seat(slot, members, by):
    members.sort(key=lambda member: member.pk)
    seats = free_seats(slot, len(members))
    must_hold(slot, members)
    booked = [
        Booking(slot=slot, seat=seat, screening=member, booked_by=by)
        for seat, member in zip(seats, members, strict=True)
    ]
    for booking in booked:
        booking._history_user = by
        booking.save(force_insert=True)
    return booked


@transaction.atomic
def reschedule(case, slot, *, bookings, by):
    """Move coming `bookings` of one case to `slot`, all or none. Raises Refused as `book` does.

    A booking that stands in a pause may change its hour on its day, and may leave the pause: only the new day counts.
    """
    status.keep(case.programme)
    must_be_open(slot.clinic, slot.day)
    keys = {booking.pk for booking in bookings}
    rows = Booking.objects.filter(pk__in=keys, screening__case=case).order_by("pk")
    locked = list(rows.select_for_update(of=["self"]).select_related("screening__patient", "slot__clinic"))
    if not locked or len(locked) != len(keys):
        raise Refused(_("Choose at least one person of this case to move."))
    for booking in locked:
        if booking.state != Booking.State.BOOKED:
            raise Refused(_("Only a booking that is still to come can be moved. Book a new time instead."))
        if booking.slot_id == slot.pk:
            raise Refused(
                _("%(name)s is booked for this very time. Choose another.") % {"name": booking.screening.patient}
            )
    locked.sort(key=lambda booking: booking.seat)
    if any(booking.slot.day != slot.day for booking in locked):
        must_take(case.programme, slot, len(locked), moved=locked)
    seats = free_seats(slot, len(locked))
    must_hold(slot, [booking.screening for booking in locked], moved=locked)
    for seat, booking in zip(seats, locked, strict=True):
        booking.slot, booking.seat, booking.ticket, booking.booked_by = slot, seat, None, by
        save(booking, by, "slot", "seat", "ticket", "booked_by")
    return locked


@transaction.atomic
def cancel(booking, *, because, by):
    """Give the seat back; `because` is kept. Raises Refused without a reason, or when it is no longer to come."""
    booking = locked_booking(booking)
    if not because.strip():
        raise Refused(_("Write why it is cancelled, so that whoever answers the telephone knows."))
    if booking.state != Booking.State.BOOKED:
        raise Refused(_("This booking is %(state)s and cannot be cancelled.") % {"state": booking.get_state_display()})
    booking.state, booking.because = Booking.State.CANCELLED, because.strip()
    save(booking, by, "state", "because")
    return booking


@transaction.atomic
def no_show(booking, *, by):
    """Say that somebody did not come; the seat is free again. Raises Refused before the day, or after she came."""
    booking = locked_booking(booking)
    if booking.state != Booking.State.BOOKED:
        raise Refused(_("This booking is %(state)s already.") % {"state": booking.get_state_display()})
    if booking.slot.day > booking.slot.clinic.today():
        raise Refused(_("The day of this booking is still to come. Cancel it, or move it to another day."))
    booking.state = Booking.State.NO_SHOW
    save(booking, by, "state")
    return booking


def _locked(case, screenings):
    keys = {screening.pk for screening in screenings}
    members = list(
        Screening.objects.select_for_update(of=["self"])
        .filter(pk__in=keys, case=case)
        .select_related("patient")
        .order_by("pk")
    )
    if not members or len(members) != len(keys):
        raise Refused(_("Choose at least one person of this case to book."))
    for member in members:
        if not member.is_open:
            raise Refused(
                _("The screening of %(name)s is %(state)s. Take the name off the list, or open a new screening first.")
                % {"name": member.patient, "state": member.get_state_display()}
            )
    return members


def _must_be_free(members, slot, by):
    today = slot.clinic.today()
    held = Booking.objects.standing().filter(screening__in=members).select_related("slot__clinic", "screening__patient")
    for booking in held:
        if booking.state == Booking.State.ARRIVED:
            if booking.slot.day == slot.day:
                raise Refused(_("%(name)s has arrived already that day.") % {"name": booking.screening.patient})
        elif booking.slot.day < today:
            # A day that ended without an arrival: she did not come, and may be booked again.
            booking.state = Booking.State.NO_SHOW
            save(booking, by, "state")
        else:
            raise Refused(
                _("%(name)s is booked already for %(day)s, %(time)s. Move that booking instead.")
                % {
                    "name": booking.screening.patient,
                    "day": day_name(booking.slot.day),
                    "time": booking.slot.clock,
                }
            )
