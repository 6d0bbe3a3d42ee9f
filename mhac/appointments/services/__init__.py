"""Whoever writes times, bookings or arrivals calls one of these names."""

from mhac.appointments.services.arrivals import arrive, take_back_arrival
from mhac.appointments.services.bookings import book, cancel, no_show, reschedule
from mhac.appointments.services.flow import (
    call,
    call_next,
    come_in,
    end_precedence,
    give_precedence,
    line_up,
    not_here,
    put_back,
    send_on,
)
from mhac.appointments.services.locked import Refused
from mhac.appointments.services.screens import make_display_key, revoke_display_key, set_waiting_limits
from mhac.appointments.services.times import close, open_day, open_slots, set_timetable, slot_at

__all__ = [
    "Refused", "arrive", "book", "call", "call_next", "cancel", "close", "come_in", "end_precedence", "give_precedence",
    "line_up", "make_display_key", "no_show", "not_here", "open_day", "open_slots", "put_back", "reschedule",
    "revoke_display_key", "send_on", "set_timetable", "set_waiting_limits", "slot_at", "take_back_arrival",
]  # fmt: skip
