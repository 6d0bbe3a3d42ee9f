import io

from django.db import transaction
from django.http import FileResponse
from django.shortcuts import get_object_or_404, render
from django.views.decorators.http import require_safe

from mhac.accounts.permissions import needs, record_access
from mhac.certificates import services
from mhac.certificates.models import Release
from mhac.partners.models import PartnerOrganisation
from mhac.portal import programmes, released


@needs("certificates.view_release")
@require_safe
def documents(request):
    organisation = get_object_or_404(PartnerOrganisation.objects.visible_to(request.user))
    page = released.page_of(request.user, organisation, request.GET)
    return render(request, "portal/documents.html", page | {"programmes": programmes.of(request.user)})


@needs("certificates.download_release")
@require_safe
@transaction.atomic
def download(request, release):
    organisation = get_object_or_404(PartnerOrganisation.objects.visible_to(request.user))
    release = get_object_or_404(Release.objects.visible_to(request.user), pk=release)
    certificate = release.certificate
    try:
        issued = services.hand_out(certificate, by=request.user, organisation=organisation)
    except services.NotReady as why:
        page = {"organisation": organisation, "why": why, "number": certificate.number}
        return render(request, "portal/withheld.html", page, status=409)
    record_access(request, certificate, clinic=certificate.clinic, action="download", note=str(organisation))
    return FileResponse(io.BytesIO(issued), as_attachment=True, filename=services.file_name(certificate))
