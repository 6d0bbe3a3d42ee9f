"""The waiting list: who waits, what is free for them now, and what they answered."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.appointments import services
from mhac.appointments import waiting as waiting_list
from mhac.appointments.models import Call, Waiting
from mhac.appointments.views.asked import done, site_of
from mhac.appointments.views.booking import say
from mhac.appointments.wish_forms import AnswerForm, WaitForm
from mhac.screenings.models import Case


@needs("appointments.change_booking")
def waiting(request):
    clinic = site_of(request)
    families = waiting_list.at_site(clinic, request.user, now=timezone.now())
    shown, following = waiting_list.page_of(families, request.GET.get("after", ""))
    context = {"clinic": clinic, "sites": request.user.sites(), "families": shown, "following": following}
    return render(request, "appointments/waiting.html", context | {"count": len(families)})


@needs("appointments.change_booking")
def wait(request, case):
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=case)
    record_access(request, case, clinic=case.clinic)
    place = Waiting.objects.visible_to(request.user).filter(case=case, state=Waiting.State.WAITING).first()
    form = WaitForm(request.POST or None, instance=place, clinic=case.clinic)
    if form.is_valid() and done(form, services.wait, case, by=request.user, **form.cleaned_data):
        messages.success(request, _("The family is on the waiting list."))
        return redirect(_list_of(case))
    return render(request, "appointments/wait.html", {"case": case, "form": form, "place": place})


@require_POST
@needs("appointments.change_booking")
def stop_waiting(request, place):
    place = get_object_or_404(Waiting.objects.visible_to(request.user).select_related("case__clinic"), pk=place)
    try:
        services.stop_waiting(place, by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(_list_of(place.case))


@require_POST
@needs("appointments.change_booking")
def answer(request, place):
    """What the family said to the time it was offered."""
    place = get_object_or_404(Waiting.objects.visible_to(request.user).select_related("case__clinic"), pk=place)
    form = AnswerForm(request.POST)
    if form.is_valid():
        try:
            _keep(request, place, **form.cleaned_data)
        except services.Refused as refusal:
            messages.error(request, str(refusal))
    else:
        messages.error(request, " ".join(error for some in form.errors.values() for error in some))
    return redirect(_list_of(place.case))


def _keep(request, place, time, outcome, next_on, note):
    if outcome == Call.Outcome.ACCEPTED:
        say(request, services.accept(place, time, by=request.user))
        return
    offered_at = min(time) if time else None
    said = {"why": Call.Why.WAITING, "outcome": outcome, "next_on": next_on, "note": note, "offered_at": offered_at}
    call = services.record_call(place.case, by=request.user, **said)
    messages.success(request, _("The call is kept: %(outcome)s.") % {"outcome": call.get_outcome_display()})


def _list_of(case):
    return f"{reverse('appointments:waiting')}?site={case.clinic.code}"
