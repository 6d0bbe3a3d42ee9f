"""The rows of the laboratory as they are now, locked. Locks are taken in one order everywhere: screening, specimen,
order, result."""

from mhac.labs.models import LabOrder, LabResult, Specimen
from mhac.screenings.models import Fact, Screening


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""


def lock_screening(screening_id):
    Fact.mark([screening_id])
    return Screening.objects.get(pk=screening_id)


def lock_order(order):
    """The order as it is now, locked, with test and specimen; its screening was locked before."""
    lock_screening(order.screening_id)
    return LabOrder.objects.select_for_update(of=("self",)).select_related("test", "specimen").get(pk=order.pk)


def lock_result(result):
    order = lock_order(result.order)
    locked = LabResult.objects.select_for_update(of=("self",)).select_related("verified_by", "screening")
    locked = locked.get(pk=result.pk)
    locked.order = order
    return locked


def lock_specimen(specimen):
    lock_screening(specimen.screening_id)
    people = ("collected_by", "received_by")
    return Specimen.objects.select_for_update(of=("self",)).select_related(*people).get(pk=specimen.pk)
