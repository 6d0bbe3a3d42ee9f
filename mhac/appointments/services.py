"""Seats in time: a family is booked as one set, and no seat is given twice."""

from django.db import transaction
from django.db.models import Max
from django.utils import dateformat, timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mhac.appointments import places
from mhac.appointments.models import Booking, Slot, Timetable, at
from mhac.clinics.models import Clinic
from mhac.screenings import status
from mhac.screenings.models import Screening


class Refused(Exception):
    """Why something cannot be booked or marked, and what to do next."""


def open_slots(clinic, day, *, starts, capacity, by):
    """Open `capacity` seats at each of `starts` (times of day at the site) on `day`; what is open stays as it is.

    Returns the slots of that day. Raises Refused for a day on which the site is closed or that is over.
    """
    _must_be_open(clinic, day)
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
        raise Refused(_("%(day)s is over. Choose today or a later day.") % {"day": _day(last_day)})
    return clinic.closures.create(first_day=first_day, last_day=last_day, reason=reason)


@transaction.atomic
def slot_at(clinic, starts_at, *, by):
    """The slot that begins at `starts_at`, opened now if its day has none yet."""
    day = starts_at.astimezone(at(clinic, clinic.today()).tzinfo).date()
    for slot in open_day(clinic, day, by=by):
        if slot.starts_at == starts_at:
            return slot
    raise Refused(_("There is no such time at %(clinic)s. Choose one of the times shown.") % {"clinic": clinic})


@transaction.atomic
def book(case, slot, *, screenings, by):
    """Give each of `screenings` a seat in `slot`, all or none. Returns the bookings in the order of the seats.

    Raises Refused when the site is closed that day, the day is over, the programme takes nobody today or on that day,
    somebody is booked already or is not being screened, or too few seats or places of the programme are free.
    """
    status.keep(case.programme)
    _must_be_open(slot.clinic, slot.day)
    if slot.clinic_id != case.clinic_id:
        raise Refused(
            _("Case %(case)s belongs to %(clinic)s. Book it at that site.")
            % {"case": case.number, "clinic": case.clinic}
        )
    members = _locked(case, screenings)
    _must_be_free(members, slot, by)
    if why := status.on(case.programme, slot.clinic, slot.clinic.today()).refusal:
        raise Refused(why)
    _must_take(case.programme, slot, len(members))
    seats = _free_seats(slot, len(members))
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
    _must_be_open(slot.clinic, slot.day)
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
        _must_take(case.programme, slot, len(locked), moved=locked)
    for seat, booking in zip(_free_seats(slot, len(locked)), locked, strict=True):
        booking.slot, booking.seat, booking.ticket, booking.booked_by = slot, seat, None, by
        _save(booking, by, "slot", "seat", "ticket", "booked_by")
    return locked


@transaction.atomic
def cancel(booking, *, because, by):
    """Give the seat back; `because` is kept. Raises Refused without a reason, or when it is no longer to come."""
    booking = _locked_booking(booking)
    if not because.strip():
        raise Refused(_("Write why it is cancelled, so that whoever answers the telephone knows."))
    if booking.state != Booking.State.BOOKED:
        raise Refused(_("This booking is %(state)s and cannot be cancelled.") % {"state": booking.get_state_display()})
    booking.state, booking.because = Booking.State.CANCELLED, because.strip()
    _save(booking, by, "state", "because")
    return booking


@transaction.atomic
def no_show(booking, *, by):
    """Say that somebody did not come; the seat is free again. Raises Refused before the day, or after she came."""
    booking = _locked_booking(booking)
    if booking.state != Booking.State.BOOKED:
        raise Refused(_("This booking is %(state)s already.") % {"state": booking.get_state_display()})
    if booking.slot.day > booking.slot.clinic.today():
        raise Refused(_("The day of this booking is still to come. Cancel it, or move it to another day."))
    booking.state = Booking.State.NO_SHOW
    _save(booking, by, "state")
    return booking


@transaction.atomic
def arrive(booking, *, by):
    """Mark somebody as arrived today and give the next ticket of the day; a second time changes nothing.

    It says nothing about who she is: that is compared at the station. Raises Refused on any day but the booked one.
    Who was taken for absent and comes after all needs a place under the programme's daily number again; a pause that
    began after the booking turns nobody away.
    """
    status.keep(booking.screening.programme)
    # The site's row is the one thing that all arrivals of a day share, so its lock keeps the tickets in order.
    clinic = Clinic.objects.select_for_update(no_key=True).get(pk=booking.slot.clinic_id)
    booking = _locked_booking(booking)
    day = booking.slot.day
    if booking.state == Booking.State.ARRIVED:
        return booking
    if day != clinic.today():
        raise Refused(
            _("This booking is for %(day)s. Move it to today first, then mark the arrival.") % {"day": _day(day)}
        )
    if booking.state == Booking.State.CANCELLED:
        raise Refused(_("This booking was cancelled. Book a time today first, then mark the arrival."))
    if booking.state == Booking.State.NO_SHOW:
        if status.on(booking.screening.programme, clinic, day).takes_people:
            _must_take(booking.screening.programme, booking.slot, 1)
        booking.seat = _free_seats(booking.slot, 1)[0]
    if booking.ticket is None:
        last = Booking.objects.on(clinic, day).aggregate(last=Max("ticket"))["last"]
        booking.ticket = (last or 0) + 1
    booking.state, booking.arrived_at = Booking.State.ARRIVED, timezone.now()
    _save(booking, by, "state", "seat", "ticket", "arrived_at")
    return booking


@transaction.atomic
def take_back_arrival(booking, *, by):
    """Undo an arrival marked by mistake; the ticket stays hers for the day. Raises Refused when nobody marked it."""
    booking = _locked_booking(booking)
    if booking.state != Booking.State.ARRIVED:
        raise Refused(_("Nobody marked this arrival, so there is nothing to take back."))
    if Booking.objects.filter(screening=booking.screening_id, state=Booking.State.BOOKED).exists():
        raise Refused(_("A later time is booked already. Cancel that booking first."))
    booking.state, booking.arrived_at = Booking.State.BOOKED, None
    _save(booking, by, "state", "arrived_at")
    return booking


def _save(booking, by, *fields):
    booking._history_user = by
    booking.save(update_fields=fields)


def _locked_booking(booking):
    return Booking.objects.select_for_update(of=["self"]).select_related("slot__clinic", "screening").get(pk=booking.pk)


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


def _must_be_open(clinic, day):
    if day < clinic.today():
        raise Refused(_("%(day)s is over. Choose today or a later day.") % {"day": _day(day)})
    if day.weekday() in clinic.weekend:
        raise Refused(
            _("%(day)s is a weekend at %(clinic)s. Choose a working day.") % {"day": _day(day), "clinic": clinic}
        )
    if closed := clinic.closures.filter(first_day__lte=day, last_day__gte=day).first():
        raise Refused(
            _("%(clinic)s is closed on %(day)s: %(reason)s. Choose another day.")
            % {"clinic": clinic, "day": _day(day), "reason": closed.reason}
        )


def _must_take(programme, slot, wanted, moved=()):
    if why := places.refusal(programme, slot.clinic, slot.day, wanted=wanted, leaving_out=moved):
        raise Refused(why)


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
            _save(booking, by, "state")
        else:
            raise Refused(
                _("%(name)s is booked already for %(day)s, %(time)s. Move that booking instead.")
                % {
                    "name": booking.screening.patient,
                    "day": _day(booking.slot.day),
                    "time": booking.slot.clock,
                }
            )


def _free_seats(slot, wanted):
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
            % {"time": slot.clock, "day": _day(slot.day), "free": len(free), "wanted": wanted}
        )
    return free[:wanted]


def _day(day):
    return dateformat.format(day, "l, d M Y")
