"""A family's booking: made, moved, given back."""

from itertools import groupby

from django.contrib import messages
from django.db import transaction
from django.http import QueryDict
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import dateformat
from django.utils.translation import gettext as _

from mhac.accounts.permissions import needs, record_access
from mhac.appointments import services
from mhac.appointments.forms import CancelForm, DayForm, TimeForm
from mhac.appointments.models import Booking, Waiting, Wish
from mhac.appointments.offers import offered_to
from mhac.screenings import status
from mhac.screenings.models import Case, Screening


@needs("appointments.add_booking")
def book(request, case):
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=case)
    record_access(request, case, clinic=case.clinic)
    if "show" in request.POST:
        return _for_these(request, case)
    coming = Booking.objects.visible_to(request.user).coming(case).whole()
    people = Screening.objects.visible_to(request.user).filter(case=case).open().select_related("patient")
    free = people.exclude(pk__in=coming.values("screening"))
    days, asked = _offers(request, case, free)
    form = TimeForm(request.POST or None, members=free, days=days, asked=asked)
    if form.is_valid() and _booked(request, form, case):
        return redirect("desk:case", case.pk)
    context = _times(form, case, days, asked) | {"coming": coming, "paused": _paused(case)}
    return render(request, "appointments/times.html", context | wishes_of(case, free))


@needs("appointments.change_booking")
def reschedule(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    case = booking.screening.case
    record_access(request, case, clinic=case.clinic)
    members = Booking.objects.visible_to(request.user).beside(booking).whole()
    first = DayForm(request.GET).chosen(case.clinic.today())
    coming = [each.screening for each in members]
    days = offered_to(case.programme, case.clinic, first, people=coming, moved=members)
    form = TimeForm(request.POST or None, members=members, days=days)
    if form.is_valid() and _moved(request, form, case):
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


def _for_these(request, case):
    """The same page, with the times that take the people who are ticked now."""
    query = QueryDict(mutable=True)
    query.setlist("for", request.POST.getlist("members"))
    if day := request.GET.get("day"):
        query["day"] = day
    return redirect(f"{reverse('appointments:book', args=[case.pk])}?{query.urlencode()}")


def _offers(request, case, free):
    """(days, keys of who is meant): those ticked, those whom the address names, or everybody who has no time yet."""
    asked = request.POST.getlist("members") or request.GET.getlist("for")
    first = DayForm(request.GET).chosen(case.clinic.today())
    people = [each for each in free if str(each.pk) in asked] or list(free)
    return offered_to(case.programme, case.clinic, first, people=people), asked


def wishes_of(case, screenings):
    """What has to be there for these people, and who comes along, for the page."""
    wishes = Wish.objects.filter(screening__in=screenings).exclude(needs=[]).select_related("screening__patient")
    waits = Waiting.objects.filter(case=case, state=Waiting.State.WAITING).first()
    return {"wishes": wishes, "companions": case.companions.all(), "waits": waits}


def _times(form, case, days, asked=()):
    first, last = days[0].day if days else case.clinic.today(), days[-1].day if days else case.clinic.today()
    refused = next((day.standing.refusal for day in days if not day.standing.takes_people), "")
    shown = {"form": form, "case": case, "days": days, "refused": refused, "asked": asked}
    return shown | {"earlier": first > case.clinic.today(), "last": last}


def _booked(request, form, case):
    """Book the chosen time or times; where the service refuses, its sentence stands in the form."""
    chosen = form.cleaned_data
    try:
        made = services.book_at(case, chosen["time"], screenings=chosen["members"], by=request.user)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    say(request, made)
    return True


def _moved(request, form, case):
    chosen = form.cleaned_data
    try:
        slot = services.slot_at(case.clinic, chosen["time"][0], by=request.user)
        moved = services.reschedule(case, slot, bookings=chosen["members"], by=request.user)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    say(request, moved)
    return True


def say(request, bookings):
    """Who was booked for when, a sentence for each time."""
    for slot, some in groupby(bookings, key=lambda booking: booking.slot):
        names = ", ".join(booking.screening.patient.name for booking in some)
        when = f"{dateformat.format(slot.day, 'l, d M Y')}, {slot.clock}"
        messages.success(request, _("%(names)s: booked for %(when)s.") % {"names": names, "when": when})


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
