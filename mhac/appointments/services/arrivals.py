"""Who has come today."""

from django.db import transaction
from django.db.models import Max
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.appointments.models import Booking
from mhac.appointments.services.flow import leave_queue, line_up
from mhac.appointments.services.locked import Refused, day_name, free_seats, locked_booking, must_take, save
from mhac.clinics.models import Clinic
from mhac.patients.models import IdentityCheck
from mhac.screenings import status


@transaction.atomic
def arrive(booking, *, by, at=None, station=IdentityCheck.Station.RECEPTION, first=False):
    """Mark somebody as arrived today, give the next ticket of the day and a place in the queue of `station`; a second
    time changes nothing.

    It says nothing about who she is: that is compared at the station. `at`: when she came, where it was kept on paper
    first; `first`: she goes before others, for a reason the caller knows. Raises Refused on any day but the booked one,
    and for a moment that is not today or still to come. Who was taken for absent and comes after all needs a place
    under the programme's daily number again; a pause that began after the booking turns nobody away.
    """
    status.keep(booking.screening.programme)
    # The site's row is the one thing that all arrivals of a day share, so its lock keeps the tickets in order.
    clinic = Clinic.objects.select_for_update(no_key=True).get(pk=booking.slot.clinic_id)
    booking = locked_booking(booking)
    day = booking.slot.day
    if booking.state == Booking.State.ARRIVED:
        return booking
    if day != clinic.today():
        raise Refused(
            _("This booking is for %(day)s. Move it to today first, then mark the arrival.") % {"day": day_name(day)}
        )
    if booking.state == Booking.State.CANCELLED:
        raise Refused(_("This booking was cancelled. Book a time today first, then mark the arrival."))
    at, now = at or timezone.now(), timezone.now()
    if at > now or at.astimezone(booking.slot.local().tzinfo).date() != day:
        raise Refused(_("The time of an arrival lies between this morning and now. Correct it."))
    if booking.state == Booking.State.NO_SHOW:
        if status.on(booking.screening.programme, clinic, day).takes_people:
            must_take(booking.screening.programme, booking.slot, 1)
        booking.seat = free_seats(booking.slot, 1)[0]
    if booking.ticket is None:
        last = Booking.objects.on(clinic, day).aggregate(last=Max("ticket"))["last"]
        booking.ticket = (last or 0) + 1
    booking.state, booking.arrived_at = Booking.State.ARRIVED, at
    save(booking, by, "state", "seat", "ticket", "arrived_at")
    line_up(booking, station, by=by, since=at, first=first)
    return booking


@transaction.atomic
def take_back_arrival(booking, *, by):
    """Undo an arrival marked by mistake; the ticket stays hers for the day. Raises Refused when nobody marked it."""
    booking = locked_booking(booking)
    if booking.state != Booking.State.ARRIVED:
        raise Refused(_("Nobody marked this arrival, so there is nothing to take back."))
    if Booking.objects.filter(screening=booking.screening_id, state=Booking.State.BOOKED).exists():
        raise Refused(_("A later time is booked already. Cancel that booking first."))
    leave_queue(booking, by=by)
    booking.state, booking.arrived_at = Booking.State.BOOKED, None
    save(booking, by, "state", "arrived_at")
    return booking
