"""Seats in time: a family is booked as one set, and no seat is given twice."""

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.appointments.models import Booking
from mhac.appointments.services.locked import (
    Refused,
    day_name,
    free_seats,
    locked_booking,
    must_be_open,
    must_take,
    save,
)
from mhac.screenings import status
from mhac.screenings.models import Screening


@transaction.atomic
def book(case, slot, *, screenings, by):
    """Give each of `screenings` a seat in `slot`, all or none. Returns the bookings in the order of the seats.

    Raises Refused when the site is closed that day, the day is over, the programme takes nobody today or on that day,
    somebody is booked already or is not being screened, or too few seats or places of the programme are free.
    """
    status.keep(case.programme)
    must_be_open(slot.clinic, slot.day)
    if slot.clinic_id != case.clinic_id:
        raise Refused(
            _("Case %(case)s belongs to %(clinic)s. Book it at that site.")
            % {"case": case.number, "clinic": case.clinic}
        )
    members = _locked(case, screenings)
    _must_be_free(members, slot, by)
    if why := status.on(case.programme, slot.clinic, slot.clinic.today()).refusal:
        raise Refused(why)
    must_take(case.programme, slot, len(members))
    seats = free_seats(slot, len(members))
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
    for seat, booking in zip(free_seats(slot, len(locked)), locked, strict=True):
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
