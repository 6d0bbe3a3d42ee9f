"""Whom the reception telephones, with what the laboratory waits for, which the room of the appointments cannot know."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.appointments import recalls, services
from mhac.appointments.models import Booking, Call
from mhac.appointments.wish_forms import CallForm
from mhac.labs.models import LabOrder
from mhac.screenings.models import Case, Screening


@needs("appointments.change_booking")
def recall(request):
    sites = list(request.user.sites())
    clinic = next((site for site in sites if site.code == request.GET.get("site")), sites[0])
    found = recalls.at_site(clinic, request.user, again=specimens_due(clinic, request.user))
    shown, following = recalls.page_of(found, request.GET.get("after", ""))
    context = {"clinic": clinic, "sites": sites, "recalls": shown, "following": following, "count": len(found)}
    return render(request, "desk/recall.html", context | {"outcomes": Call.Outcome})


@require_POST
@needs("appointments.change_booking")
def called(request, case):
    """What came of a call; the family is on the list again on the day agreed on."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=case)
    form = CallForm(request.POST)
    try:
        if form.is_valid():
            _keep(request, case, **form.cleaned_data)
        else:
            messages.error(request, " ".join(error for some in form.errors.values() for error in some))
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('desk:recall')}?site={case.clinic.code}")


@transaction.atomic
def _keep(request, case, why, **said):
    """One call answers all the reasons that stood beside it."""
    calls = [services.record_call(case, why=each, by=request.user, **said) for each in why]
    messages.success(request, _("The call is kept: %(outcome)s.") % {"outcome": calls[0].get_outcome_display()})


def specimens_due(clinic, user):
    """Who has been here, is asked for specimens still, and has no time at which to bring them; two queries.

    It names no test: reception reads it. A specimen that was rejected is ordered again, and a series of sputum is one
    specimen on each day, so what is ordered and not collected after the day of the visit is what brings somebody back.
    """
    today = clinic.today()
    coming = Booking.objects.filter(state=Booking.State.BOOKED)
    waiting = LabOrder.objects.to_collect().filter(
        screening__clinic__in=user.sites(), screening__clinic=clinic, screening__state=Screening.State.OPEN
    )
    waiting = waiting.exclude(screening__in=coming.values("screening")).order_by().values("screening")
    here = (
        Booking.objects.filter(screening__in=waiting, state=Booking.State.ARRIVED).whole().order_by("slot__starts_at")
    )
    last = {booking.screening_id: booking for booking in here}
    return [
        recalls.Reason(booking.screening, Call.Why.AGAIN, _("specimens to bring or to collect again"), booking.slot.day)
        for booking in last.values()
        if booking.slot.day < today
    ]
