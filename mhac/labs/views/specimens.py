"""The bench, and tubes: taken, labelled, received, rejected."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.labs import bench as lists
from mhac.labs import boxes, controls, corrections, services
from mhac.labs import labels as paper
from mhac.labs.forms import AddTestForm, ReasonForm, RejectForm, ScanForm
from mhac.labs.views import fetched
from mhac.patients.services import confirm_identity

PDF = "application/pdf"


@needs("labs.change_laborder")
def bench(request):
    tab = request.GET.get("tab", "")
    tab = tab if tab in lists.TABS else "collect"
    after = request.GET.get("after", "")
    page = lists.people_to_collect(request.user, after) if tab == "collect" else lists.tubes(request.user, tab, after)
    counts = lists.counts(request.user)
    tabs = [(key, label, colour, counts.get(key)) for key, (label, colour) in lists.TABS.items()]
    values = {"tab": tab, "tabs": tabs, "page": page, "after": after}
    values["boxes"] = boxes.alarms(request.user)
    values["assays"] = controls.of_user(request.user)
    values["corrected"] = corrections.of_verified(request.user, timezone.now())
    return render(request, "labs/bench.html", values)


@needs("labs.change_laborder")
@transaction.atomic
def collect(request, screening):
    found = fetched.screening(request, screening)
    if request.method == "POST":
        return _collect(request, found)
    record_access(request, found, clinic=found.clinic)
    values = {
        "screening": found,
        "age": found.person.age_on(found.clinic.today()),
        "identified": services.is_identified(found),
        "tubes": lists.to_take(found),
        "taken": lists.taken_of(found),
        "again": lists.taken_again(found),
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
    found = fetched.specimen(request, specimen)
    orders = lists.orders_of(found)
    corrections.mark(orders, corrections.last_look(request.user, found))
    record_access(request, found, clinic=found.clinic)
    values = {"specimen": found, "screening": found.screening, "orders": orders, "steps": lists.custody(found)}
    values["age"] = found.screening.person.age_on(found.clinic.today())
    values |= {"transit": boxes.transit_of([found]).get(found.pk), "late": services.why_late(orders)}
    values |= {"parts": found.tubes.all(), "form": RejectForm(), "add": AddTestForm(tube=found)}
    values["may"] = services.held_by(request.user, found.clinic_id) | services.held_by(
        request.user, found.examined_at_id
    )
    return render(request, "labs/specimen.html", values)


@needs("labs.add_laborder")
@require_POST
def add_test(request, specimen):
    """Order one more test on a tube; what the wire held for it files by itself."""
    found = fetched.specimen(request, specimen)
    form = AddTestForm(request.POST, tube=found)
    try:
        if not form.is_valid():
            raise services.Refused(_("Choose a test of this tube and say why it is asked for."))
        made = services.add_test(found, by=request.user, **form.cleaned_data)
        messages.success(request, _("%(test)s is ordered on this tube.") % {"test": made.test})
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("labs:specimen", found.pk)


@needs("labs.change_specimen")
def receive(request):
    form = ScanForm(fetched.posted(request), user=request.user)
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
    found, form = fetched.specimen(request, specimen), RejectForm(request.POST)
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


def _print(request, specimens, name, back):
    """The labels as PDF, or in the printer's own language; a second print of a tube's label asks for a reason."""
    try:
        services.print_labels(specimens, because=request.GET.get("because", ""), by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect(back)
    for each in specimens:
        record_access(request, each, clinic=each.clinic, action="print")
    zebra = request.GET.get("as") == "zpl"
    content, kind = (paper.zpl(specimens), "text/plain; charset=utf-8") if zebra else (paper.pdf(specimens), PDF)
    response = HttpResponse(content, content_type=kind)
    manner, ending = ("attachment", "zpl") if zebra else ("inline", "pdf")
    response["Content-Disposition"] = f'{manner}; filename="{name}.{ending}"'
    return response


@needs("labs.add_specimen")
@transaction.atomic
def label(request, specimen):
    found = fetched.specimen(request, specimen)
    return _print(request, [found], f"label-{found}", reverse("labs:specimen", args=[specimen]))


@needs("labs.add_specimen")
@transaction.atomic
def labels(request, screening):
    found, back = fetched.screening(request, screening), reverse("labs:collect", args=[screening])
    if specimens := lists.taken_of(found):
        new = [each for each in specimens if not each.labels_printed]
        return _print(request, new or specimens, f"labels-{found.case.number}", back)
    messages.warning(request, _("No tube was collected today, so there is nothing to label. Collect first."))
    return redirect(back)


@needs("labs.change_specimen")
@require_POST
def lose(request, specimen):
    """Nobody finds the tube: its tests are ordered again."""
    found, form = fetched.specimen(request, specimen), ReasonForm(request.POST)
    try:
        again = services.lose(found, because=form.data.get("because", ""), by=request.user)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        text = ngettext(
            "Lost. %(count)s test must be collected again.",
            "Lost. %(count)s tests must be collected again.",
            len(again),
        )
        messages.warning(request, text % {"count": len(again)})
    return redirect("labs:specimen", found.pk)
