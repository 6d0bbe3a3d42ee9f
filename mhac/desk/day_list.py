"""The list of a day on paper, for when the power is away: who comes when, the telephone, and a box for each station.

A box stands where the ledger still asks for something, a dash where it does not. It names no test and no finding.
"""

from dataclasses import dataclass
from pathlib import Path

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.utils import timezone
from django.views.decorators.http import require_GET

from mhac.accounts.permissions import needs, record_access
from mhac.appointments.forms import DayForm
from mhac.appointments.models import Booking
from mhac.clinics import paper
from mhac.desk import stations
from mhac.patients.models import IdentityCheck

STYLE = Path(__file__).with_name("day_list.css")


@dataclass(frozen=True)
class Row:
    """One person of the list; `boxes`: for each station whether something is left to do there."""

    booking: Booking
    age: int
    boxes: list[bool]
    opens_family: bool


@require_GET
@needs("appointments.print_daylist")
def day_list(request):
    sites = request.user.sites()
    clinic = sites.filter(code=request.GET.get("site", "")).first() or sites[0]
    day = DayForm(request.GET).chosen(clinic.today())
    record_access(request, clinic, clinic=clinic, action="print", note=day.isoformat())
    answer = HttpResponse(pdf(clinic, day), content_type="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{file_name(clinic, day)}"'
    return answer


def file_name(clinic, day):
    return f"{clinic.code}-{day:%Y-%m-%d}.pdf"


def rows_of(clinic, day):
    """Everybody who is booked for `day` at `clinic`, by time and family, in a constant number of queries."""
    bookings = list(
        Booking.objects.on(clinic, day)
        .exclude(state=Booking.State.CANCELLED)
        .whole()
        .order_by("slot__starts_at", "screening__case__number", "seat")
    )
    known = stations.known({b.screening_id: b.screening for b in bookings}.values(), max(day, clinic.today()))
    found, before = [], None
    for booking in bookings:
        family = booking.slot_id, booking.screening.case_id
        age = booking.screening.patient.age_on(day)
        found.append(Row(booking, age, _boxes(known[booking.screening_id]), family != before))
        before = family
    return found


def _boxes(person):
    """For each station whether something is left to do. A film that is put off has its box too: the paper would
    otherwise say who is pregnant."""
    left = set(person.needed)
    if person.rooms.get("exams:film", set()) - {"done", "pending"}:
        left.add(IdentityCheck.Station.RADIOLOGY.value)
    return [station in left for station in IdentityCheck.Station.values]


def pdf(clinic, day) -> bytes:
    """The list as PDF, A4 across, in the language that is active."""
    rows = rows_of(clinic, day)
    context = {
        "clinic": clinic,
        "day": day,
        "rows": rows,
        "families": sum(row.opens_family for row in rows),
        "stations": IdentityCheck.Station,
        "printed_at": timezone.now(),
    }
    return paper.pdf(render_to_string("desk/day_list.html", context), style=STYLE)
