"""Times at a site, who works there then, and who is asked to come when."""

from mhac.appointments.models.bookings import Booking
from mhac.appointments.models.queue import DisplayKey, Precedence, Visit, WaitingLimit, digest_of
from mhac.appointments.models.reminders import Reminder
from mhac.appointments.models.rosters import (
    ExpectedHoliday,
    Half,
    Shift,
    ShiftChange,
    SpecialHours,
    StaffLine,
    Workplace,
)
from mhac.appointments.models.slots import Slot, Timetable, at, hours_of_the_morning
from mhac.appointments.models.waiting_list import Call, Companion, Waiting, Wish

__all__ = [
    "Booking", "Call", "Companion", "DisplayKey", "ExpectedHoliday", "Half", "Precedence", "Reminder", "Shift",
    "ShiftChange", "Slot", "SpecialHours", "StaffLine", "Timetable", "Visit", "Waiting", "WaitingLimit", "Wish",
    "Workplace", "at", "digest_of", "hours_of_the_morning",
]  # fmt: skip
