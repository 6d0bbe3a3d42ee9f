from django.contrib import messages
from django.db import transaction
from django.db.models import F
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.labs import bench as lists
from mhac.labs import labels as paper
from mhac.labs import services
from mhac.labs.forms import CorrectionForm, ReasonForm, RejectForm, ResultsForm, ScanForm
from mhac.labs.models import LabOrder, LabResult, Specimen
from mhac.patients.services import confirm_identity
from mhac.screenings.models import Screening


@needs("labs.change_laborder")
def bench(request):
    tab = request.GET.get("tab", "")
    tab = tab if tab in lists.TABS else "collect"
    after = request.GET.get("after", "")
    page = lists.people_to_collect(request.user, after) if tab == "collect" else lists.tubes(request.user, tab, after)
    counts = lists.counts(request.user)
    tabs = [(key, label, colour, counts.get(key)) for key, (label, colour) in lists.TABS.items()]
    return render(request, "labs/bench.html", {"tab": tab, "tabs": tabs, "page": page, "after": after})


def _posted(request):
    return request.POST if request.method == "POST" else None


def _screening(request, key):
    return get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=key)


def _specimen(request, key):
    rows = Specimen.objects.visible_to(request.user).select_related(
        "screening__patient", "screening__case", "screening__clinic", "clinic", "collected_by", "received_by"
    )
    return get_object_or_404(rows, pk=key)


def _result(request, key):
    rows = LabResult.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("order__test", "order__specimen", "screening"), pk=key)


@needs("labs.change_laborder")
@transaction.atomic
def collect(request, screening):
    found = _screening(request, screening)
    if request.method == "POST":
        return _collect(request, found)
    record_access(request, found, clinic=found.clinic)
    values = {
        "screening": found,
        "age": found.patient.age_on(found.clinic.today()),
        "identified": services.is_identified(found),
        "tubes": lists.to_take(found),
        "taken": lists.taken_of(found),
    }
    return render(request, "labs/collect.html", values)


def _collect(request, screening):
    chosen = request.POST.getlist("tube")
    orders = [order for tube in lists.to_take(screening) if tube.key in chosen for order in tube.orders]
    try:
        with transaction.atomic():
            if request.POST.get("face") and not services.is_identified(screening):
                confirm_identity(screening.patient, station="collection", clinic=screening.clinic, by=request.user)
            taken = services.collect(screening, orders=orders, by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        text = ngettext("%(count)s tube: %(numbers)s.", "%(count)s tubes: %(numbers)s.", len(taken))
        messages.success(request, text % {"count": len(taken), "numbers": ", ".join(str(each) for each in taken)})
    return redirect("labs:collect", screening.pk)


@needs("labs.view_specimen")
@transaction.atomic
def specimen(request, specimen):
    found = _specimen(request, specimen)
    record_access(request, found, clinic=found.clinic)
    values = {
        "specimen": found,
        "screening": found.screening,
        "age": found.screening.patient.age_on(found.clinic.today()),
        "orders": lists.orders_of(found),
        "steps": lists.custody(found),
        "parts": found.tubes.all(),
        "form": RejectForm(),
        "may": services.held_by(request.user, found.clinic_id),
    }
    return render(request, "labs/specimen.html", values)


@needs("labs.change_specimen")
def receive(request):
    form = ScanForm(_posted(request), user=request.user)
    if form.is_valid():
        try:
            tube = services.receive(form.cleaned_data["number"], by=request.user)
            messages.success(request, _("%(accession)s received.") % {"accession": tube})
            return redirect("labs:receive")
        except services.Refused as refusal:
            form.add_error("number", str(refusal))
    values = {"form": form, "page": lists.tubes(request.user, "underway"), "received": lists.received(request.user)}
    return render(request, "labs/receive.html", values)


@needs("labs.change_specimen")
@require_POST
def reject(request, specimen):
    found, form = _specimen(request, specimen), RejectForm(request.POST)
    try:
        again = services.reject(found, because=form.data.get("because", ""), by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        text = ngettext(
            "Rejected. %(count)s test must be collected again.",
            "Rejected. %(count)s tests must be collected again.",
            len(again),
        )
        messages.warning(request, text % {"count": len(again)})
    return redirect("labs:specimen", found.pk)


def _print(request, specimens, name):
    """The labels as PDF; how often a tube was labelled is counted, because a second label is a risk."""
    for each in specimens:
        record_access(request, each, clinic=each.clinic, action="print")
    # Paper is no clinical fact: the count has no history and must not disturb a certificate.
    Specimen.objects.filter(pk__in=[each.pk for each in specimens]).update(labels_printed=F("labels_printed") + 1)
    response = HttpResponse(paper.pdf(specimens), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="{name}.pdf"'
    return response


@needs("labs.add_specimen")
@transaction.atomic
def label(request, specimen):
    found = _specimen(request, specimen)
    return _print(request, [found], f"label-{found}")


@needs("labs.add_specimen")
@transaction.atomic
def labels(request, screening):
    found = _screening(request, screening)
    if specimens := lists.taken_of(found):
        return _print(request, specimens, f"labels-{found.case.number}")
    messages.warning(request, _("No tube was collected today, so there is nothing to label. Collect first."))
    return redirect("labs:collect", found.pk)


@needs("labs.add_labresult")
@transaction.atomic
def enter(request, order):
    rows = LabOrder.objects.visible_to(request.user).exclude(specimen=None)
    found = get_object_or_404(rows, pk=order)
    tube = _specimen(request, found.specimen_id)
    orders = lists.orders_of(tube)
    waiting = [each for each in orders if each.state == LabOrder.State.COLLECTED]
    form = ResultsForm(_posted(request), orders=waiting)
    if form.is_valid() and _file(request, form):
        return redirect("labs:specimen", tube.pk)
    record_access(request, tube, clinic=tube.clinic)
    values = {"specimen": tube, "screening": tube.screening, "age": tube.screening.patient.age_on(tube.clinic.today())}
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
    found, form = _result(request, result), ReasonForm(_posted(request))
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
    found = _result(request, result)
    form = CorrectionForm(_posted(request), test=found.order.test)
    if form.is_valid():
        try:
            services.correct(found, by=request.user, **form.cleaned_data)
            messages.success(request, _("Corrected. Another person must verify the new version."))
            return redirect("labs:specimen", found.order.specimen_id)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "labs/correct.html", {"result": found, "form": form})
