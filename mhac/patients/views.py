from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.template.loader import render_to_string
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.views.decorators.http import require_GET, require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.patients import photos, services
from mhac.patients.fields import answered
from mhac.patients.forms import CheckForm, CorrectionForm, DocumentForm, PhotoForm
from mhac.patients.models import IdentityCheck, Patient


@require_GET
@needs("patients.view_patient")
def photo(request, pk):
    """The newest face as a JPEG, or a silhouette for somebody without one."""
    person = get_object_or_404(Patient.objects.visible_to(request.user).only("pk", "person"), pk=pk)
    face = person.photos.first() if request.GET.get("record") else person.face
    if face is None:
        return HttpResponse(render_to_string("patients/silhouette.svg"), content_type="image/svg+xml")
    return HttpResponse(bytes(face.image), content_type="image/jpeg")


@require_POST
@needs("patients.change_patient")
def take_photo(request, pk):
    person = get_object_or_404(Patient.objects.visible_to(request.user), pk=pk)
    form = PhotoForm(request.POST, request.FILES)
    if not form.is_valid():
        messages.error(request, form.errors["image"][0])
        return _back(request, person)
    upload = form.cleaned_data["image"]
    try:
        services.take_photo(person, data=upload.read(photos.MAX_BYTES + 1), by=request.user)
        messages.success(request, _("The photo is kept."))
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    return _back(request, person)


@require_POST
@needs("patients.add_identitycheck")
def confirm(request, pk):
    """The face was compared with photo and document at a station."""
    person = get_object_or_404(Patient.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    form = CheckForm(request.POST)
    if not form.is_valid():
        messages.error(request, _("Say at which station the person was compared with the photo."))
        return _back(request, person)
    data = form.cleaned_data
    check = {"station": data["station"], "confirmed": not data["mismatch"], "note": data["note"]}
    try:
        services.confirm_identity(person, by=request.user, **check)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
    else:
        messages.success(request, _said(check, person))
    return _back(request, person)


def _said(check, person):
    if check["confirmed"]:
        place = IdentityCheck.Station(check["station"]).label
        return _("%(name)s: face and document compared (%(station)s).") % {"name": person.name, "station": place}
    return _("Written down. Let nobody go on with this person before the site manager has seen it.")


def _back(request, person):
    """To the page the button was on."""
    page = request.POST.get("next", "")
    safe = url_has_allowed_host_and_scheme(page, {request.get_host()}, require_https=request.is_secure())
    return redirect(page) if safe else redirect("desk:patient", person.pk)


@needs("patients.change_patient")
@transaction.atomic
def correct(request, pk):
    person = get_object_or_404(Patient.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    record_access(request, person, clinic=person.clinic)
    form = CorrectionForm(request.POST or None, instance=person, today=person.clinic.today())
    if form.is_valid():
        services.correct(person, by=request.user, **form.changes())
        messages.success(request, _("The data are corrected."))
        return redirect("desk:patient", person.pk)
    return render(request, "patients/correct.html", {"form": form, "patient": person})


@needs("patients.change_patient")
@transaction.atomic
def add_document(request, pk):
    person = get_object_or_404(Patient.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    record_access(request, person, clinic=person.clinic)
    shared = {"person": person, "user": request.user}
    if "read" in request.POST:
        form = DocumentForm.filled(request.POST, **shared)
    else:
        form = DocumentForm(request.POST or None, **shared)
        if form.is_valid() and _added(request, person, form):
            return redirect("desk:patient", person.pk)
    return render(request, "patients/document.html", {"form": form, "patient": person})


def _added(request, person, form):
    """The document that was written down, or None with the reason beside its number."""
    try:
        document = services.add_document(person, by=request.user, **form.details())
    except services.Refused as refusal:
        form.add_error("number", str(refusal))
        return None
    for doubt in document.doubts:
        messages.warning(request, f"{document}: {doubt}")
    return document


@require_GET
@needs("patients.change_patient")
def calendar(request):
    """The fields of both calendars from what was written in those of one, for a page that fills them."""
    return JsonResponse(answered(request.GET, today=timezone.localdate()))
