"""Whoever writes times, bookings or arrivals calls one of these names."""

from mhac.appointments.services.arrivals import arrive, take_back_arrival
from mhac.appointments.services.bookings import book, cancel, no_show, reschedule
from mhac.appointments.services.locked import Refused
from mhac.appointments.services.times import close, open_day, open_slots, set_timetable, slot_at

__all__ = [
    "Refused", "arrive", "book", "cancel", "close", "no_show", "open_day", "open_slots", "reschedule", "set_timetable",
    "slot_at", "take_back_arrival",
]  # fmt: skip
