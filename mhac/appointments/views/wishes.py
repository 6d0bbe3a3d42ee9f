"""What somebody needs at an appointment, and who comes along."""

from django.shortcuts import get_object_or_404, redirect, render
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.appointments import services
from mhac.appointments.models import Companion
from mhac.appointments.views.asked import done
from mhac.appointments.wish_forms import CompanionForm, NeedsForm
from mhac.screenings.models import Case, Screening


@needs("appointments.change_booking")
def wishes(request, case):
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=case)
    record_access(request, case, clinic=case.clinic)
    members = Screening.objects.visible_to(request.user).filter(case=case).open().select_related("patient")
    what = request.POST.get("what")
    needs_form = NeedsForm(request.POST if what == "needs" else None, members=members)
    companion_form = CompanionForm(request.POST if what == "companion" else None)
    if needs_form.is_valid():
        services.set_needs(case, needs=needs_form.needs(), by=request.user)
        return redirect("appointments:book", case.pk)
    if companion_form.is_valid() and _added(companion_form, case, request.user):
        return redirect("appointments:wishes", case.pk)
    context = {"case": case, "needs_form": needs_form, "companion_form": companion_form}
    return render(request, "appointments/wishes.html", context | {"companions": case.companions.all()})


@require_POST
@needs("appointments.change_booking")
def remove_companion(request, companion):
    companion = get_object_or_404(Companion.objects.visible_to(request.user), pk=companion)
    services.remove_companion(companion, by=request.user)
    return redirect("appointments:wishes", companion.case_id)


def _added(form, case, by):
    return done(form, services.add_companion, case, **form.cleaned_data, by=by)
