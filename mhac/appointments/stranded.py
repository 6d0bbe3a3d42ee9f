"""Who is booked for a time that does not hold any more: closed, without its staff, or of a programme that takes nobody.

A query, so that whatever changed (a roster, a closure, a pause) needs to tell nobody.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from mhac.appointments import asking, choosing, reasons
from mhac.appointments.choosing import SEATS, Time
from mhac.appointments.duty import Roster
from mhac.appointments.hours import Hours
from mhac.appointments.models import Booking, at
from mhac.screenings.status import States


@dataclass(frozen=True)
class Stranded:
    """A booking to be moved, and why. `kind`: closed, hours, roster or programme."""

    booking: Booking
    kind: str
    why: str


def at_site(clinic, user) -> list[Stranded]:
    """Bookings still to come at `clinic` that have to be moved, by day and time; a fixed number of queries."""
    since = at(clinic, clinic.today())
    coming = Booking.objects.visible_to(user).filter(
        slot__clinic=clinic, state=Booking.State.BOOKED, slot__starts_at__gte=since
    )
    coming = list(coming.whole().order_by("slot__starts_at", "pk"))
    if not coming:
        return []
    first, last = coming[0].slot.day, coming[-1].slot.day
    hours, states = Hours(clinic, first, last), States()
    short = dict(_without_staff(coming, Roster(clinic, first, last)))
    found = []
    for booking in coming:
        day = booking.slot.day
        standing = states.on(booking.screening.programme, clinic, day)
        if hours.is_closed(day):
            found.append(Stranded(booking, "closed", _("closed: %(reason)s") % {"reason": hours.closed(day)}))
        elif not hours.names(day, booking.slot.local().time()):
            found.append(Stranded(booking, "hours", hours.special_on(day).reason))
        elif booking.pk in short:
            found.append(Stranded(booking, "roster", short[booking.pk]))
        elif not standing.takes_people:
            found.append(Stranded(booking, "programme", f"{standing.name}: {standing.label}"))
    return found


def _without_staff(coming, roster):
    """(booking key, reason) for each that is too much; of a time's people, those who were booked first keep it."""
    slots = {booking.slot_id: booking.slot for booking in coming}
    wanted = {booking.pk for booking in coming}
    for key, people in asking.booked(slots.values()).items():
        slot = slots[key]
        time = Time(key, slot.capacity, roster.places(slot.local()))
        for booking, person in people:
            if lacks := choosing.shortages(time, [person]):
                if booking in wanted:
                    yield booking, _no_seat() if lacks[0].ask == SEATS else reasons.words(lacks[0])
            else:
                time = choosing.take(time, [person])


def _no_seat():
    return _("more people than seats")
