"""Times at a site, and who is asked to come when."""

from mhac.appointments.models.bookings import Booking
from mhac.appointments.models.queue import DisplayKey, Precedence, Visit, WaitingLimit, digest_of
from mhac.appointments.models.slots import Slot, Timetable, at, hours_of_the_morning

__all__ = [
    "Booking", "DisplayKey", "Precedence", "Slot", "Timetable", "Visit", "WaitingLimit", "at", "digest_of",
    "hours_of_the_morning",
]  # fmt: skip
