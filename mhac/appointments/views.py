from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import dateformat
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from mhac.accounts.permissions import needs, record_access
from mhac.appointments import services
from mhac.appointments.forms import CancelForm, ClosureForm, DayForm, TimeForm, TimetableForm
from mhac.appointments.models import Booking, Timetable
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


@needs("appointments.view_timetable")
def opening(request):
    """When a site is open: its usual times, its closures, and who has to be moved because of them."""
    return _opening(request, _site(request))


@require_POST
@needs("appointments.change_timetable")
def set_timetable(request):
    clinic = _site(request)
    form = TimetableForm(request.POST, usual=Timetable.of(clinic))
    if not form.is_valid():
        return _opening(request, clinic, timetable=form)
    services.set_timetable(clinic, by=request.user, **form.cleaned_data)
    messages.success(request, _("The times are saved, for days on which nobody is booked yet."))
    return redirect(f"{reverse('appointments:opening')}?site={clinic.code}")


@require_POST
@needs("appointments.change_timetable")
def close(request):
    clinic = _site(request)
    form = ClosureForm(request.POST)
    if not (form.is_valid() and _done(form, services.close, clinic, **form.cleaned_data)):
        return _opening(request, clinic, closure=form)
    messages.success(request, _("These days are closed. Move the families named below."))
    return redirect(f"{reverse('appointments:opening')}?site={clinic.code}")


@require_POST
@needs("appointments.change_timetable")
def open_again(request, closure):
    clinic = _site(request)
    get_object_or_404(clinic.closures, pk=closure).delete()
    messages.success(request, _("These days are open again."))
    return redirect(f"{reverse('appointments:opening')}?site={clinic.code}")


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


@require_POST
@needs("appointments.change_booking")
def arrive(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    return _marked(request, [booking], services.arrive)


@require_POST
@needs("appointments.change_booking")
def arrive_together(request, booking):
    """The whole family of this booking has come."""
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    family = Booking.objects.visible_to(request.user).beside(booking).whole()
    return _marked(request, family or [booking], services.arrive)


@require_POST
@needs("appointments.change_booking")
def take_back_arrival(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    return _marked(request, [booking], services.take_back_arrival)


@require_POST
@needs("appointments.change_booking")
def no_show(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    return _marked(request, [booking], services.no_show)


def _site(request):
    """The site that the address names, among those of the user; her first one otherwise."""
    sites = request.user.sites()
    return sites.filter(code=request.GET.get("site", "")).first() or get_object_or_404(sites[:1])


def _opening(request, clinic, timetable=None, closure=None):
    context = {
        "clinic": clinic,
        "sites": request.user.sites(),
        "timetable": timetable or TimetableForm(usual=Timetable.of(clinic)),
        "form": closure or ClosureForm(),
        "closures": clinic.closures.filter(last_day__gte=clinic.today()),
        "to_move": Booking.objects.on_closed_days(clinic).whole(),
    }
    return render(request, "appointments/opening.html", context, status=409 if timetable or closure else 200)


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


def _done(form, service, *subjects, **details):
    """Whether the service did it; where it refused, its sentence stands in the form."""
    try:
        service(*subjects, **details)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
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


def _marked(request, bookings, service):
    """Do what a button of the day's list asked for; htmx then fetches the list anew, other browsers are sent back."""
    try:
        with transaction.atomic():
            for booking in bookings:
                service(booking, by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    if request.htmx:
        return trigger_client_event(HttpResponse(status=204), "board-changed")
    back = request.POST.get("next", "")
    return redirect(back if url_has_allowed_host_and_scheme(back, {request.get_host()}) else reverse("desk:today"))
