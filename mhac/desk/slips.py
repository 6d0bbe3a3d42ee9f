"""The slip of a booking, 80 mm wide: whom, when, where, what to bring, in the family's language, with the bars of the
case that reception scans at the door.

Nothing on it says where somebody travels or what she is examined for: papers are lost on the way.
"""

from itertools import groupby
from pathlib import Path

from django.http import HttpResponse
from django.shortcuts import get_object_or_404
from django.template.loader import render_to_string
from django.utils import translation
from django.views.decorators.http import require_GET

from mhac.accounts.permissions import needs, record_access
from mhac.appointments.models import Booking
from mhac.clinics import paper
from mhac.labs import labels
from mhac.screenings import papers

STYLE = Path(__file__).with_name("slip.css")
# Millimetres of a slip without its lists, and of a row; signs that surely fit into a row.
BARE, ROW, SIGNS = 72, 6, 32


@require_GET
@needs("appointments.change_booking")
def slip(request, booking):
    """The slip of everybody of the case who comes that day, or with `?each=1` one for each person."""
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    case = booking.screening.case
    record_access(request, case, clinic=case.clinic, action="print")
    family = Booking.objects.visible_to(request.user).on(case.clinic, booking.slot.day)
    family = list(family.standing().filter(screening__case=case).whole().order_by("slot__starts_at", "seat"))
    groups = [[each] for each in family] if request.GET.get("each") else [family]
    groups = [group for group in groups if group] or [[booking]]
    return HttpResponse(pdf(case, groups), content_type="application/pdf")


def pdf(case, groups) -> bytes:
    """A slip for each group of bookings of `case` on one day, all of one length."""
    shown = [_shown(case, group) for group in groups]
    length = f"<style>@page {{ size: 80mm {max(map(_length, shown))}mm }}</style>"
    pages = "".join(map(_page, shown))
    return paper.pdf(f"<!doctype html><title>MHAC</title>{length}{pages}", STYLE)


def _page(shown):
    with translation.override(shown["language"]):
        return render_to_string("desk/slip.html", shown)


def _shown(case, bookings):
    """What stands on one slip, in the language of the first person on it."""
    first = bookings[0]
    language = first.screening.patient.language
    with translation.override(language):
        return {
            "case": case,
            "clinic": first.slot.clinic,
            "day": first.slot.day,
            "times": [(clock, list(some)) for clock, some in groupby(bookings, key=lambda each: each.slot.clock)],
            "bring": _to_bring(bookings, language),
            "companions": list(case.companions.all()),
            "bars": labels.bars(case.number, height=9),
            "language": language,
            "direction": "rtl" if translation.get_language_bidi() else "ltr",
        }


def _length(shown):
    """Millimetres of paper for what is on it: a roll is cut where the page ends."""
    lines = [*shown["bring"], *(companion.name + " " * 20 for companion in shown["companions"])]
    names = sum(len(booking.screening.patient.name) + 3 for _clock, some in shown["times"] for booking in some)
    rows = sum(-(-len(line) // SIGNS) for line in lines) + -(-names // SIGNS)
    return BARE + ROW * rows + 13 * len(shown["times"])


def _to_bring(bookings, language):
    """Each line once, in the order of the people; what only some bring carries nobody's name."""
    lines = [line for each in bookings for line in papers.to_bring(each.screening, each.slot.day, language)]
    return list(dict.fromkeys(lines))
