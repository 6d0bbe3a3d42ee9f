"""Results: typed, verified, rejected, corrected."""

from django.contrib import messages
from django.db import transaction
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.labs import bench as lists
from mhac.labs import services
from mhac.labs.forms import CorrectionForm, ReasonForm, ResultsForm
from mhac.labs.models import LabOrder, LabResult
from mhac.labs.views import fetched


@needs("labs.add_labresult")
@transaction.atomic
def enter(request, order):
    rows = LabOrder.objects.visible_to(request.user).exclude(specimen=None)
    found = get_object_or_404(rows, pk=order)
    tube = fetched.specimen(request, found.specimen_id)
    orders = lists.orders_of(tube)
    waiting = [each for each in orders if each.state == LabOrder.State.COLLECTED]
    form = ResultsForm(fetched.posted(request), orders=waiting)
    if form.is_valid() and _file(request, form):
        return redirect("labs:specimen", tube.pk)
    record_access(request, tube, clinic=tube.clinic)
    values = {"specimen": tube, "screening": tube.screening, "age": tube.screening.person.age_on(tube.clinic.today())}
    values |= {"form": form, "rows": lists.grid(form, orders, tube.screening), "chosen": found}
    return render(request, "labs/enter.html", values)


def _file(request, form):
    """Whether every typed result was filed; none is, when one is refused."""
    try:
        with transaction.atomic():
            filed = [services.enter(order, text=text, by=request.user) for order, text in form.typed()]
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    text = ngettext("%(count)s result entered.", "%(count)s results entered.", len(filed))
    messages.success(request, text % {"count": len(filed)} + " " + _("Another person must verify what you typed."))
    return True


@needs("labs.verify_labresult")
def to_verify(request):
    if request.method == "POST":
        return _verify(request, request.POST.getlist("result"))
    page = lists.to_verify(request.user, request.GET.get("after", ""), request.GET.get("choose", ""))
    return render(request, "labs/to_verify.html", {"page": page})


@needs("labs.verify_labresult")
@require_POST
def verify(request, result):
    return _verify(request, [str(result)])


@transaction.atomic
def _verify(request, keys):
    """Verify each of these results, or say of each why not. Whoever lacks the right for one of them verifies none."""
    keys = {key for key in map(lists.key_of, keys) if key}
    rows = LabResult.objects.visible_to(request.user).select_related("order__test", "order__specimen", "screening")
    # In one order for everybody, so that two people at two batches wait for each other and nobody for both.
    found = list(rows.filter(pk__in=keys).order_by("screening", "pk"))
    if len(found) < len(keys):
        raise Http404
    done = 0
    for row in found:
        try:
            services.verify(row, by=request.user)
            done += 1
        except services.Refused as refusal:
            messages.error(request, str(refusal))
    if done:
        text = ngettext("%(count)s result verified.", "%(count)s results verified.", done)
        messages.success(request, text % {"count": done})
    elif not keys:
        messages.warning(request, _("No result was chosen. Mark the results you agree with, then verify."))
    return redirect("labs:to_verify")


@needs("labs.verify_labresult")
@transaction.atomic
def reject_result(request, result):
    found, form = fetched.result(request, result), ReasonForm(fetched.posted(request))
    if form.is_valid():
        try:
            services.reject_result(found, because=form.cleaned_data["because"], by=request.user)
            messages.warning(request, _("Rejected. The test waits for another run."))
            return redirect("labs:to_verify")
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "labs/reject_result.html", {"result": found, "form": form})


@needs("labs.add_labresult", "labs.verify_typed")
@transaction.atomic
def correct(request, result):
    found = fetched.result(request, result)
    form = CorrectionForm(fetched.posted(request), test=found.order.test)
    if form.is_valid():
        try:
            services.correct(found, by=request.user, **form.cleaned_data)
            messages.success(request, _("Corrected. Another person must verify the new version."))
            return redirect("labs:specimen", found.order.specimen_id)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "labs/correct.html", {"result": found, "form": form})
