"""Who works when: the week of a site, its stations and staff, what goes otherwise on a day."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.appointments import roster, services, stranded
from mhac.appointments.forms import DayForm
from mhac.appointments.models import ShiftChange, StaffLine, Workplace
from mhac.appointments.roster_forms import ExceptionForm, StaffForm, WeekForm, WorkplaceForm
from mhac.appointments.views.asked import done, site_of


@needs("appointments.view_timetable")
def rosters(request):
    return _week(request, site_of(request))


@require_POST
@needs("appointments.change_timetable")
def change_days(request):
    clinic = site_of(request)
    form = ExceptionForm(request.POST, clinic=clinic)
    if not (form.is_valid() and _changed(request, form)):
        return _week(request, clinic, form)
    messages.success(request, _("The roster is changed. Who has to be moved stands below."))
    return redirect(f"{_page(clinic)}&day={form.cleaned_data['first_day']}")


@require_POST
@needs("appointments.change_timetable")
def take_back_change(request, change):
    rows = ShiftChange.objects.visible_to(request.user).select_related("staff__clinic")
    change = get_object_or_404(rows, pk=change)
    services.take_back_change(change, by=request.user)
    return redirect(f"{_page(change.staff.clinic)}&day={change.day}")


@needs("appointments.change_timetable")
def workplace(request, workplace=None):
    """A station of the site, new or changed."""
    places = Workplace.objects.visible_to(request.user).select_related("clinic")
    row = get_object_or_404(places, pk=workplace) if workplace else Workplace(clinic=site_of(request))
    form = WorkplaceForm(request.POST or None, instance=row)
    if form.is_valid() and _saved(form, request.user):
        return redirect(_page(row.clinic))
    return render(request, "appointments/workplace.html", {"form": form, "clinic": row.clinic, "row": row})


@needs("appointments.change_timetable")
def staff_line(request, staff=None):
    """Somebody on the roster, new or changed."""
    lines = StaffLine.objects.visible_to(request.user).select_related("clinic")
    row = get_object_or_404(lines, pk=staff) if staff else StaffLine(clinic=site_of(request))
    form = StaffForm(request.POST or None, instance=row)
    if form.is_valid() and _saved(form, request.user):
        return redirect("appointments:staff_week", row.pk)
    return render(request, "appointments/staff_line.html", {"form": form, "clinic": row.clinic, "row": row})


@needs("appointments.change_timetable")
def staff_week(request, staff):
    """Where somebody works every week."""
    lines = StaffLine.objects.visible_to(request.user).select_related("clinic")
    staff = get_object_or_404(lines, pk=staff)
    form = WeekForm(request.POST or None, staff=staff)
    if form.is_valid() and done(form, services.set_week, staff, places=form.places(), by=request.user):
        messages.success(request, _("The week of %(name)s is saved.") % {"name": staff.name})
        return redirect(_page(staff.clinic))
    return render(request, "appointments/staff_week.html", {"form": form, "staff": staff, "clinic": staff.clinic})


def _week(request, clinic, form=None):
    context = {
        "clinic": clinic,
        "sites": request.user.sites(),
        "week": roster.week_of(clinic, DayForm(request.GET).chosen(clinic.today())),
        "staff": clinic.staff_lines.filter(left=False).select_related("user"),
        "form": form or ExceptionForm(clinic=clinic),
        "stranded": [each for each in stranded.at_site(clinic, request.user) if each.kind == "roster"],
    }
    return render(request, "appointments/rosters.html", context, status=409 if form else 200)


def _changed(request, form):
    details = dict(form.cleaned_data)
    return done(form, services.change_days, details.pop("staff"), by=request.user, **details)


def _saved(form, by):
    """Save a row of the roster with who wrote it; a name that is there twice is said in the form."""
    form.instance._history_user = by
    if form._meta.model.objects.filter(**_same(form.instance)).exclude(pk=form.instance.pk).exists():
        form.add_error("name", _("There is one of this name at this site already. Choose another name."))
        return False
    form.save()
    return True


def _same(row):
    same = {"clinic": row.clinic, "name": row.name}
    return same | {"kind": row.kind} if isinstance(row, Workplace) else same


def _page(clinic):
    return f"{reverse('appointments:rosters')}?site={clinic.code}"
