"""Boxes to another laboratory, labels that are not accounted for, and specimens whose work runs for weeks."""

import datetime

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.labs import accounted, ageing, boxes, packing, services
from mhac.labs.forms import BoxForm, CountForm, LaboratoryForm, SendForm
from mhac.labs.models import Label, LabOrder, Manifest, Specimen
from mhac.labs.services import manifests as work
from mhac.labs.views import fetched

DAYS = 30


@needs("labs.change_specimen")
def manifests(request):
    form = BoxForm(fetched.posted(request), user=request.user)
    if form.is_valid():
        try:
            made = work.open_box(form.cleaned_data["clinic"], to=form.cleaned_data["to"], by=request.user)
            return redirect("labs:manifest", made.pk)
        except services.Refused as refusal:
            form.add_error("to", str(refusal))
    values = {"form": form, "boxes": boxes.of(request.user), "alarms": boxes.alarms(request.user)}
    return render(request, "labs/manifests.html", values)


@needs("labs.verify_infectious")
def laboratory(request):
    """A supervisor adds a laboratory to which boxes are sent."""
    form = LaboratoryForm(fetched.posted(request))
    if form.is_valid():
        form.instance._history_user = request.user
        made = form.save()
        messages.success(request, _("Boxes can be sent to %(laboratory)s now.") % {"laboratory": made})
        return redirect("labs:manifests")
    return render(request, "labs/laboratory.html", {"form": form})


def _box(request, key):
    rows = Manifest.objects.visible_to(request.user).select_related(
        "to", "clinic", "packed_by", "sent_by", "arrived_by"
    )
    return get_object_or_404(rows, pk=key)


@needs("labs.change_specimen")
@transaction.atomic
def manifest(request, manifest):
    found = _box(request, manifest)
    record_access(request, found, clinic=found.clinic)
    own, there = _ends(request.user, found)
    values = {"manifest": found, "lines": boxes.lines(found), "own": own, "reasons": Specimen.Reject.choices}
    values["late"] = found.state == Manifest.State.SENT and found.expected_at < timezone.now()
    values |= {"counts": there, "send": SendForm(), "count": CountForm()}
    return render(request, "labs/manifest.html", values)


def _ends(user, manifest):
    """Whether the box is the user's to pack, and to count out: elsewhere than at a site of ours, the sender does."""
    sites = {each.pk for each in user.sites("labs.change_specimen")}
    return manifest.clinic_id in sites, (manifest.to.clinic_id or manifest.clinic_id) in sites


def _at(request, key, end):
    """The box, when the user works at that end of its way."""
    found = _box(request, key)
    if not _ends(request.user, found)[end]:
        raise services.Refused(_("This is done at the other end of the way. You can only look at this box."))
    return found


def _told(request, key, act):
    """Do it, say how it went, and show the box again."""
    try:
        messages.success(request, act())
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("labs:manifest", key)


@needs("labs.change_specimen")
@require_POST
def scan(request, manifest):
    """A tube is scanned into a box that is packed, or out of one that arrived."""

    def act():
        packing_it = _box(request, manifest).state == Manifest.State.PACKING
        found = _at(request, manifest, 0 if packing_it else 1)
        tube = fetched.tube(request, found, packing_it)
        if packing_it:
            return _("%(accession)s is in the box.") % {
                "accession": work.pack(found, specimen=tube, by=request.user).specimen
            }
        damaged = request.POST.get("damaged", "")
        line = work.arrive(found, specimen=tube, damaged=damaged, by=request.user)
        return _("%(accession)s: %(state)s.") % {"accession": tube, "state": line.get_state_display()}

    return _told(request, manifest, act)


@needs("labs.change_specimen")
@require_POST
def unpack(request, manifest, specimen):
    def act():
        found, tube = _at(request, manifest, 0), fetched.specimen(request, specimen)
        work.unpack(found, specimen=tube, by=request.user)
        return _("%(accession)s was taken out.") % {"accession": tube}

    return _told(request, manifest, act)


@needs("labs.change_specimen")
@require_POST
def send(request, manifest):
    form = SendForm(request.POST)

    def act():
        if not form.is_valid():
            raise services.Refused(_("Write the number of the seal, the courier, and the temperature as a number."))
        sent = work.send(_at(request, manifest, 0), by=request.user, **form.cleaned_data)
        return _("The box %(number)s is on the way.") % {"number": sent}

    return _told(request, manifest, act)


@needs("labs.change_specimen")
@require_POST
def count(request, manifest):
    form = CountForm(request.POST)

    def act():
        if not form.is_valid():
            raise services.Refused(_("Write the temperature as a number, such as 4.5, or leave it empty."))
        missing = work.count(_at(request, manifest, 1), by=request.user, **form.cleaned_data)
        return ngettext(
            "Counted: %(count)s tube is missing.", "Counted: %(count)s tubes are missing.", len(missing)
        ) % {"count": len(missing)}

    return _told(request, manifest, act)


@needs("labs.change_specimen")
@transaction.atomic
def packing_list(request, manifest):
    found = _box(request, manifest)
    record_access(request, found, clinic=found.clinic, action="print")
    response = HttpResponse(packing.pdf(found), content_type="application/pdf")
    response["Content-Disposition"] = f'inline; filename="manifest-{found}.pdf"'
    return response


@needs("labs.view_label")
def gaps(request):
    """The labels of each site and day: the counts for everybody with this right, the numbers for who sees tubes."""
    since = timezone.localdate() - datetime.timedelta(days=DAYS)
    labels = Label.objects.visible_to(request.user)
    open_ones = accounted.unsettled(labels) if request.user.has_perm("labs.view_specimen") else None
    values = {"days": accounted.days(labels, since=since), "labels": open_ones}
    return render(request, "labs/label_gaps.html", values)


@needs("labs.change_specimen")
@require_POST
def settle(request, label):
    found = get_object_or_404(Label.objects.visible_to(request.user), pk=label)
    state, because = request.POST.get("state", ""), request.POST.get("because", "")
    try:
        done = services.settle(found, state=state, because=because, by=request.user)
        messages.success(
            request, _("%(accession)s: %(state)s.") % {"accession": done, "state": done.get_state_display()}
        )
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return redirect("labs:label_gaps")


@needs("labs.view_specimen")
def growing(request):
    found = ageing.growing(request.user, timezone.now())
    values = {"rows": found, "stages": [name for name, _tests in ageing.STAGES.values()]}
    return render(request, "labs/ageing.html", values | {"media": LabOrder.Medium.choices})
