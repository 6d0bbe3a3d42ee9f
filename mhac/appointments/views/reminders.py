"""What was sent to families, and what a person has to decide about."""

from django.conf import settings
from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.appointments import services
from mhac.appointments.forms import BeforeForm
from mhac.appointments.models import Reminder
from mhac.appointments.views.asked import site_of

PAGE = 25
TO_DECIDE = (Reminder.State.FAILED, Reminder.State.UNKNOWN)


@needs("appointments.change_booking")
def reminders(request):
    clinic = site_of(request)
    rows = Reminder.objects.visible_to(request.user).filter(case__clinic=clinic).whole()
    if before := BeforeForm(request.GET).key():
        rows = rows.filter(pk__lt=before)
    if request.GET.get("show") == "open":
        rows = rows.filter(state__in=TO_DECIDE)
    found = list(rows[: PAGE + 1])
    context = {"clinic": clinic, "sites": request.user.sites(), "rows": found[:PAGE], "to_decide": TO_DECIDE}
    context |= {"following": found[PAGE - 1].pk if len(found) > PAGE else None, "has_gateway": settings.GATEWAY}
    return render(request, "appointments/reminders.html", context | {"show": request.GET.get("show", "")})


@require_POST
@needs("appointments.change_booking")
def settle(request, reminder):
    """Send a message again, or let it be."""
    reminder = get_object_or_404(Reminder.objects.visible_to(request.user).whole(), pk=reminder)
    try:
        services.settle(reminder, again=request.POST.get("again") == "1", by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect(f"{reverse('appointments:reminders')}?site={reminder.slot.clinic.code}")
