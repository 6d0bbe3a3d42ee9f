"""The pages of this room, by subject."""

from mhac.appointments.views.arrivals import arrive, arrive_together, no_show, take_back_arrival
from mhac.appointments.views.booking import book, cancel, reschedule
from mhac.appointments.views.reminders import reminders, settle
from mhac.appointments.views.rosters import change_days, rosters, staff_line, staff_week, take_back_change, workplace
from mhac.appointments.views.times import (
    close,
    decide_holiday,
    end_hours,
    expect_holiday,
    open_again,
    opening,
    set_hours,
    set_timetable,
)
from mhac.appointments.views.waiting import answer, stop_waiting, wait, waiting
from mhac.appointments.views.wishes import remove_companion, wishes

__all__ = [
    "answer",
    "arrive",
    "arrive_together",
    "book",
    "cancel",
    "change_days",
    "close",
    "decide_holiday",
    "end_hours",
    "expect_holiday",
    "no_show",
    "open_again",
    "opening",
    "reminders",
    "remove_companion",
    "reschedule",
    "rosters",
    "set_hours",
    "set_timetable",
    "settle",
    "staff_line",
    "staff_week",
    "stop_waiting",
    "take_back_arrival",
    "take_back_change",
    "wait",
    "waiting",
    "wishes",
    "workplace",
]  # fmt: skip
