"""When a site is open."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.appointments import services
from mhac.appointments.forms import ClosureForm, TimetableForm
from mhac.appointments.models import Booking, Timetable
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
    return redirect(f"{reverse('appointments:opening')}?site={clinic.code}")


@require_POST
@needs("appointments.change_timetable")
def close(request):
    clinic = site_of(request)
    form = ClosureForm(request.POST)
    if not (form.is_valid() and done(form, services.close, clinic, **form.cleaned_data)):
        return _opening(request, clinic, closure=form)
    messages.success(request, _("These days are closed. Move the families named below."))
    return redirect(f"{reverse('appointments:opening')}?site={clinic.code}")


@require_POST
@needs("appointments.change_timetable")
def open_again(request, closure):
    clinic = site_of(request)
    get_object_or_404(clinic.closures, pk=closure).delete()
    messages.success(request, _("These days are open again."))
    return redirect(f"{reverse('appointments:opening')}?site={clinic.code}")


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
