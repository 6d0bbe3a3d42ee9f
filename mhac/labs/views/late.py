"""Time on the bench: a tube that came too late for a test, and the medium in which a culture grows."""

from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs
from mhac.labs import services
from mhac.labs.models import LabOrder


def _order(request, key):
    rows = LabOrder.objects.visible_to(request.user).exclude(specimen=None)
    return get_object_or_404(rows.select_related("test", "specimen__clinic"), pk=key)


@needs("labs.use_late_specimen")
@require_POST
def use_late(request, order):
    found = _order(request, order)
    try:
        services.use_late(found, because=request.POST.get("because", ""), by=request.user)
        messages.success(request, _("%(test)s may be made on this tube.") % {"test": found.test})
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("labs:specimen", found.specimen_id)


@needs("labs.add_labresult")
@require_POST
def choose_medium(request, order):
    found = _order(request, order)
    try:
        made = services.choose_medium(found, medium=request.POST.get("medium", ""), by=request.user)
        messages.success(request, _("%(test)s: %(medium)s.") % {"test": made.test, "medium": made.get_medium_display()})
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("labs:ageing")
