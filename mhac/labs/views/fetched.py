"""The rows of the laboratory that this user may see, fetched for a page; 404 for anybody else's."""

from django.shortcuts import get_object_or_404

from mhac.labs.models import LabResult, Specimen
from mhac.screenings.models import Screening


def posted(request):
    return request.POST if request.method == "POST" else None


def screening(request, key):
    return get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=key)


def specimen(request, key):
    rows = Specimen.objects.visible_to(request.user).select_related(
        "screening__patient", "screening__case", "screening__clinic", "clinic", "collected_by", "received_by"
    )
    return get_object_or_404(rows, pk=key)


def result(request, key):
    rows = LabResult.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("order__test", "order__specimen", "screening"), pk=key)
