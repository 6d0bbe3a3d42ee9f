"""When a site is open."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.appointments import services, stranded
from mhac.appointments.forms import ClosureForm, TimetableForm
from mhac.appointments.models import ExpectedHoliday, SpecialHours, Timetable
from mhac.appointments.roster_forms import HoursForm
from mhac.appointments.views.asked import done, site_of


@needs("appointments.view_timetable")
def opening(request):
    """When a site is open: its usual times, its closures, and who has to be moved because of them."""
    return _opening(request, site_of(request))


@require_POST
@needs("appointments.change_timetable")
def set_timetable(request):
    clinic = site_of(request)
    form = TimetableForm(request.POST, usual=Timetable.of(clinic))
    if not form.is_valid():
        return _opening(request, clinic, timetable=form)
    services.set_timetable(clinic, by=request.user, **form.cleaned_data)
    messages.success(request, _("The times are saved, for days on which nobody is booked yet."))
    return redirect(_page(clinic))


@require_POST
@needs("appointments.change_timetable")
def close(request):
    clinic = site_of(request)
    form = ClosureForm(request.POST)
    if not (form.is_valid() and done(form, services.close, clinic, **form.cleaned_data)):
        return _opening(request, clinic, form=form)
    messages.success(request, _("These days are closed. Move the families named below."))
    return redirect(_page(clinic))


@require_POST
@needs("appointments.change_timetable")
def open_again(request, closure):
    clinic = site_of(request)
    get_object_or_404(clinic.closures, pk=closure).delete()
    messages.success(request, _("These days are open again."))
    return redirect(_page(clinic))


@require_POST
@needs("appointments.change_timetable")
def set_hours(request):
    clinic = site_of(request)
    form = HoursForm(request.POST, clinic=clinic)
    if not (form.is_valid() and done(form, services.set_hours, clinic, by=request.user, **form.cleaned_data)):
        return _opening(request, clinic, hours_form=form)
    messages.success(request, _("The hours are set. Who has to be moved stands below."))
    return redirect(_page(clinic))


@require_POST
@needs("appointments.change_timetable")
def end_hours(request, hours):
    row = get_object_or_404(SpecialHours.objects.visible_to(request.user).select_related("clinic"), pk=hours)
    services.end_hours(row, by=request.user)
    messages.success(request, _("The ordinary times hold again."))
    return redirect(_page(row.clinic))


@require_POST
@needs("appointments.change_timetable")
def expect_holiday(request):
    clinic = site_of(request)
    form = ClosureForm(request.POST, auto_id="holiday_%s")
    if not (form.is_valid() and done(form, services.expect_holiday, clinic, by=request.user, **form.cleaned_data)):
        return _opening(request, clinic, holiday_form=form)
    messages.success(request, _("Nobody new is booked on these days until you decide."))
    return redirect(_page(clinic))


@require_POST
@needs("appointments.change_timetable")
def decide_holiday(request, holiday):
    row = get_object_or_404(ExpectedHoliday.objects.visible_to(request.user).select_related("clinic"), pk=holiday)
    try:
        services.decide_holiday(row, is_holiday=request.POST.get("is_holiday") == "1", by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(_page(row.clinic))


def _opening(request, clinic, **forms):
    """The page with what was typed in one of its `forms`, or with all of them empty."""
    coming = {"last_day__gte": clinic.today()}
    context = {
        "clinic": clinic,
        "sites": request.user.sites(),
        "timetable": TimetableForm(usual=Timetable.of(clinic)),
        "form": ClosureForm(),
        "hours_form": HoursForm(clinic=clinic),
        "holiday_form": ClosureForm(auto_id="holiday_%s"),
        "closures": clinic.closures.filter(**coming),
        "special": clinic.special_hours.filter(**coming),
        "expected": clinic.expected_holidays.filter(state=ExpectedHoliday.State.EXPECTED, **coming),
        "stranded": [each for each in stranded.at_site(clinic, request.user) if each.kind in {"closed", "hours"}],
    }
    return render(request, "appointments/opening.html", context | forms, status=409 if forms else 200)


def _page(clinic):
    return f"{reverse('appointments:opening')}?site={clinic.code}"
