"""A whole row of a worklist in one transaction: what is right is filed, what is wrong is said cell by cell."""

from collections import defaultdict

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.clinics import bulk
from mhac.labs.models import LabOrder, LabResult, Test
from mhac.labs.services import results
from mhac.labs.services.locked import Refused
from mhac.screenings.models import Screening

# What is read of an order and its tube: a row has up to a dozen orders, and the rest of their columns is not looked at.
READ = ["state", "screening_id", "test_id", "medium", "late_by_id"]
READ += [f"specimen__{name}" for name in ("accession", "state", "rejected_because", "collected_at", "clinic_id")]


@transaction.atomic
def enter_row(screening, *, cells, by, tests=None, at=None):
    """File what was typed for orders of one screening (its key). `cells`: order key -> (text, versions seen); `tests`:
    key -> Test, where the caller has them for many rows.

    For each cell its LabResult, or the sentence why it was not filed. What is sent twice is filed once: the same text
    by the same person, for the version that she saw.
    """
    now = timezone.now()
    # The mark of `Fact.mark` for one screening; the update itself takes the lock.
    Screening.objects.filter(pk=screening).update(facts_changed_at=now)
    answers, filed, said = {}, [], defaultdict(dict)
    for order in _locked(screening, cells, tests):
        text, seen = cells[order.pk]
        try:
            answers[order.pk] = result = _twice(order, text, seen, by) or _read(order, text, seen, by, at, said)
        except Refused as refusal:
            answers[order.pk] = str(refusal)
            continue
        if result._state.adding:
            result.filed_at = now
            filed.append(result)
            said[order.specimen_id][order.test.key] = result.coded
    # In bulk, because the screening is marked already and a row has up to a dozen cells; each with its history.
    bulk.add_with_history(LabResult, [bulk.columns_of(each) for each in filed], at=now, by=by)
    orders = [each.order_id for each in filed]
    bulk.update_with_history(LabOrder, orders, at=now, by=by, state=LabOrder.State.RESULTED, run_failed=False)
    for each in filed:
        each._state.adding = False
    return answers


def _locked(screening, cells, tests):
    latest = LabResult.objects.filter(order=OuterRef("pk")).values("order").annotate(last=Max("version")).values("last")
    rows = LabOrder.objects.select_for_update(of=("self",)).select_related("specimen").only(*READ)
    rows = list(rows.filter(pk__in=cells, screening=screening).annotate(last=Subquery(latest)).order_by("pk"))
    tests = tests or Test.objects.in_bulk({order.test_id for order in rows})
    for order in rows:
        order.test = tests[order.test_id]
    return rows


def _twice(order, text, seen, by):
    """The result that this very cell filed before, or None."""
    if order.state == LabOrder.State.COLLECTED or order.last != seen + 1:
        return None
    standing = LabResult.objects.standing().filter(order=order, version=order.last, entered_by=by)
    return standing.filter(as_sent=text.strip()).first()


def _read(order, text, seen, by, at, said):
    results.must_wait_for_result(order)
    if (order.last or 0) != seen:
        raise Refused(
            _("%(test)s had a result in the meantime that was rejected. Load the page anew, then type it again.")
            % {"test": order.test}
        )
    return results.read(order, text=text, version=seen + 1, by=by, at=at, beside=said[order.specimen_id])
