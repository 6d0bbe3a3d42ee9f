"""The pages of this room, by subject."""

from mhac.appointments.views.arrivals import arrive, arrive_together, no_show, take_back_arrival
from mhac.appointments.views.booking import book, cancel, reschedule
from mhac.appointments.views.times import close, open_again, opening, set_timetable

__all__ = [
    "arrive", "arrive_together", "book", "cancel", "close", "no_show", "open_again", "opening", "reschedule",
    "set_timetable", "take_back_arrival",
]  # fmt: skip
