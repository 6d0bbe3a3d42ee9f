"""Whoever writes times, bookings or arrivals calls one of these names."""

from mhac.appointments.services.arrivals import arrive, take_back_arrival
from mhac.appointments.services.bookings import book, book_at, book_together, cancel, no_show, reschedule
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
from mhac.appointments.services.reminders import settle
from mhac.appointments.services.rosters import change_days, set_week, take_back_change
from mhac.appointments.services.screens import make_display_key, revoke_display_key, set_waiting_limits
from mhac.appointments.services.times import (
    close,
    decide_holiday,
    end_hours,
    expect_holiday,
    open_day,
    open_slots,
    set_hours,
    set_timetable,
    slot_at,
)
from mhac.appointments.services.waiting_list import accept, record_call, stop_waiting, wait
from mhac.appointments.services.wishes import add_companion, remove_companion, set_needs

__all__ = [
    "Refused", "accept", "add_companion", "arrive", "book", "book_at", "book_together", "call", "call_next",
    "cancel", "change_days", "close", "come_in", "decide_holiday", "end_hours", "end_precedence", "expect_holiday",
    "give_precedence", "line_up", "make_display_key", "no_show", "not_here", "open_day", "open_slots", "put_back",
    "record_call", "remove_companion", "reschedule", "revoke_display_key", "send_on", "set_hours", "set_needs",
    "set_timetable", "set_waiting_limits", "set_week", "settle", "slot_at", "stop_waiting", "take_back_arrival",
    "take_back_change", "wait",
]  # fmt: skip
