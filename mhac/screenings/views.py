"""Travel plans, and giving up; consents, guardians and papers have files of their own."""

from django.shortcuts import get_object_or_404, redirect, render

from mhac.accounts.permissions import needs, record_access
from mhac.screenings import services
from mhac.screenings.forms import TravelForm, WithdrawForm
from mhac.screenings.models import Screening


@needs("screenings.change_case")
def travel(request, pk):
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening, clinic=screening.clinic)
    form = TravelForm(request.POST or None, instance=screening.travelplan_set.first(), clinic=screening.clinic)
    if form.is_valid():
        try:
            services.plan_travel(screening, by=request.user, **form.plan())
            return redirect("desk:case", screening.case_id)
        except services.Refused as refusal:
            form.add_error("arrival_on", str(refusal))
    return render(request, "screenings/travel.html", {"form": form, "screening": screening})


@needs("screenings.change_case")
def withdraw(request, pk):
    """The person gives up, or the partner calls it off."""
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening, clinic=screening.clinic)
    form = WithdrawForm(request.POST or None)
    if form.is_valid():
        try:
            services.withdraw(screening, by=request.user, **form.cleaned_data)
            return redirect("desk:case", screening.case_id)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "screenings/withdraw.html", {"form": form, "screening": screening})
