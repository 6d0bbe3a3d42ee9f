"""A family's booking: made, moved, given back."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import dateformat
from django.utils.translation import gettext as _

from mhac.accounts.permissions import needs, record_access
from mhac.appointments import services
from mhac.appointments.forms import CancelForm, DayForm, TimeForm
from mhac.appointments.models import Booking
from mhac.appointments.offers import offered_to
from mhac.screenings import status
from mhac.screenings.models import Case, Screening


@needs("appointments.add_booking")
def book(request, case):
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=case)
    record_access(request, case, clinic=case.clinic)
    coming = Booking.objects.visible_to(request.user).coming(case).whole()
    people = Screening.objects.visible_to(request.user).filter(case=case).open().select_related("patient")
    first = DayForm(request.GET).chosen(case.clinic.today())
    days = offered_to(case.programme, case.clinic, first)
    free, asked = people.exclude(pk__in=coming.values("screening")), request.GET.getlist("for")
    form = TimeForm(request.POST or None, members=free, days=days, asked=asked)
    if form.is_valid() and _seated(request, form, case, services.book, "screenings"):
        return redirect("desk:case", case.pk)
    context = _times(form, case, days) | {"coming": coming, "paused": _paused(case)}
    return render(request, "appointments/times.html", context)


@needs("appointments.change_booking")
def reschedule(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    case = booking.screening.case
    record_access(request, case, clinic=case.clinic)
    members = Booking.objects.visible_to(request.user).beside(booking).whole()
    first = DayForm(request.GET).chosen(case.clinic.today())
    days = offered_to(case.programme, case.clinic, first, moved=members)
    form = TimeForm(request.POST or None, members=members, days=days)
    if form.is_valid() and _seated(request, form, case, services.reschedule, "bookings"):
        return redirect("desk:case", case.pk)
    return render(request, "appointments/times.html", _times(form, case, days) | {"moved": booking})


@needs("appointments.change_booking")
def cancel(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    case = booking.screening.case
    record_access(request, case, clinic=case.clinic)
    members = Booking.objects.visible_to(request.user).beside(booking).whole()
    form = CancelForm(request.POST or None, members=members, chosen=booking)
    if form.is_valid() and _given_back(request, form):
        return redirect("desk:case", case.pk)
    return render(request, "appointments/cancel.html", {"form": form, "booking": booking, "case": case})


def _paused(case):
    """Why nothing new is booked today for this case, or ""."""
    return status.on(case.programme, case.clinic, case.clinic.today()).refusal


def _times(form, case, days):
    first, last = days[0].day if days else case.clinic.today(), days[-1].day if days else case.clinic.today()
    refused = next((day.standing.refusal for day in days if not day.standing.takes_people), "")
    shown = {"form": form, "case": case, "days": days, "refused": refused}
    return shown | {"earlier": first > case.clinic.today(), "last": last}


def _seated(request, form, case, service, people):
    """Ask `service` for the chosen time; where it refuses, its sentence stands in the form."""
    chosen = form.cleaned_data
    try:
        slot = services.slot_at(case.clinic, chosen["time"], by=request.user)
        service(case, slot, **{people: chosen["members"]}, by=request.user)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    names = ", ".join(getattr(row, "screening", row).patient.name for row in chosen["members"])
    when = f"{dateformat.format(slot.day, 'l, d M Y')}, {slot.clock}"
    messages.success(request, _("%(names)s: booked for %(when)s.") % {"names": names, "when": when})
    return True


def _given_back(request, form):
    try:
        with transaction.atomic():
            for booking in form.cleaned_data["members"]:
                services.cancel(booking, because=form.cleaned_data["because"], by=request.user)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, _("The booking is cancelled and the seats are free again."))
    return True
