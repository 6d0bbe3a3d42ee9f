import io

from django.contrib import messages
from django.db import transaction
from django.http import FileResponse, JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST, require_safe

from mhac.accounts.permissions import needs, open_to_all, record_access
from mhac.certificates import listing, services, verification
from mhac.certificates.forms import RevokeForm, VerifyForm
from mhac.certificates.models import Certificate
from mhac.screenings.models import Screening


@needs("certificates.view_certificate")
@require_safe
def documents(request):
    page = listing.page_of(Certificate.objects.visible_to(request.user).without_file(), request.GET)
    return render(request, "certificates/list.html", page)


@needs("certificates.view_certificate")
@transaction.atomic
def document(request, certificate):
    certificate = get_object_or_404(Certificate.objects.visible_to(request.user).without_file(), pk=certificate)
    record_access(request, certificate, clinic=certificate.clinic)
    return render(request, "certificates/document.html", listing.whole(certificate) | {"form": RevokeForm()})


@needs("certificates.issue_certificate")
@require_POST
def issue(request, screening):
    screening = get_object_or_404(Screening.objects.visible_to(request.user), pk=screening)
    try:
        issued = services.issue(screening, by=request.user)
    except services.NotReady as why:
        messages.error(request, str(why))
        return redirect("desk:review", screening.pk)
    messages.success(request, _("Document %(number)s is issued.") % {"number": issued.number})
    return redirect("certificates:document", issued.pk)


@needs("certificates.print_certificate")
@require_safe
@transaction.atomic
def pdf(request, certificate):
    certificate = get_object_or_404(Certificate.objects.visible_to(request.user), pk=certificate)
    try:
        issued = services.hand_out(certificate, by=request.user)
    except services.NotReady as why:
        messages.error(request, str(why))
        return redirect("certificates:document", certificate.pk)
    record_access(request, certificate, clinic=certificate.clinic, action="print")
    return FileResponse(io.BytesIO(issued), as_attachment=True, filename=services.file_name(certificate))


@needs("certificates.revoke_certificate")
@require_POST
def revoke(request, certificate):
    certificate = get_object_or_404(Certificate.objects.visible_to(request.user), pk=certificate)
    form = RevokeForm(request.POST)
    try:
        services.revoke(certificate, by=request.user, because=form.data.get("because", ""))
        messages.success(request, _("Document %(number)s is revoked.") % {"number": certificate.number})
    except services.NotReady as why:
        messages.error(request, str(why))
    return redirect("certificates:document", certificate.pk)


@open_to_all
@transaction.atomic
def verify(request):
    form = VerifyForm(request.POST or None, initial={"typed": request.GET.get("typed", "")})
    answer, status = None, 200
    try:
        if request.method == "POST":
            verification.count_asking(request.META["REMOTE_ADDR"])
        if form.is_valid():
            answer = verification.look_up(**form.cleaned_data)
    except verification.TooMany:
        form.add_error(None, _("Too many questions from here. Wait some minutes, then ask again."))
        status = 429
    if answer and answer.details:
        record_access(request, answer.certificate, clinic=answer.certificate.clinic, action="verify")
    return render(request, "certificates/verify.html", {"form": form, "answer": answer}, status=status)


@open_to_all
@require_safe
def public_keys(request):
    return JsonResponse(verification.published())
