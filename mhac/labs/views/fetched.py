"""The rows of the laboratory that this user may see, fetched for a page; 404 for anybody else's."""

from django.shortcuts import get_object_or_404
from django.utils.translation import gettext as _

from mhac.clinics.numbers import clean
from mhac.labs import services
from mhac.labs.models import LabResult, LimitChange, Manifest, Specimen, Test
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


def tube(request, manifest, packing):
    """The tube that was scanned: of this site when the box is packed, of the box when it is counted out.

    Raises Refused for any other number: what belongs to another site is not known here.
    """
    number = clean(request.POST.get("number", ""))
    rows = (
        Specimen.objects.visible_to(request.user)
        if packing
        else Specimen.objects.filter(
            manifest_lines__manifest__in=Manifest.objects.visible_to(request.user).filter(pk=manifest.pk)
        )
    )
    found = rows.select_related("clinic", "screening").numbered(number).first()
    if found is None and packing:
        raise services.Refused(
            _("No tube has the number %(number)s at your site. Ask where it was collected.") % {"number": number}
        )
    if found is None:
        raise services.Refused(
            _("%(accession)s is not on the list of this box. Put it aside and call the laboratory that sent it.")
            % {"accession": number}
        )
    return found


# The catalogue is the same at every site.


def tests():
    return Test.objects.prefetch_related("ranges").order_by("position", "key")


def test(key):
    return get_object_or_404(tests(), key=key)


def test_keys():
    return set(Test.objects.values_list("key", flat=True))


def limit_change(key):
    return get_object_or_404(LimitChange.objects.select_related("test"), pk=key)


def waiting_changes():
    """The keys of the tests whose limits wait for a second supervisor."""
    return set(LimitChange.objects.filter(accepted=None).values_list("test_id", flat=True))
