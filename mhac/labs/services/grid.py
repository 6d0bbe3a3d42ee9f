"""A whole row of a worklist in one transaction: what is right is filed, what is wrong is said cell by cell."""

from django.db import transaction
from django.db.models import Max, OuterRef, Subquery
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.utils import bulk_create_with_history

from mhac.labs.models import LabOrder, LabResult
from mhac.labs.services import results
from mhac.labs.services.locked import Refused
from mhac.screenings.models import Screening


@transaction.atomic
def enter_row(screening, *, cells, by, at=None):
    """File what was typed for orders of one screening (its key). `cells`: order key -> (text, versions seen).

    For each cell its LabResult, or the sentence why it was not filed. What is sent twice is filed once: the same text
    by the same person, for the version that she saw.
    """
    # The mark of `Fact.mark` for one screening; the update itself takes the lock.
    Screening.objects.filter(pk=screening).update(facts_changed_at=timezone.now())
    answers, filed, orders = {}, [], []
    for order in _locked(screening, cells):
        text, seen = cells[order.pk]
        try:
            answers[order.pk] = result = _twice(order, text, seen, by) or _read(order, text, seen, by, at)
        except Refused as refusal:
            answers[order.pk] = str(refusal)
            continue
        if result._state.adding:
            order.state, order.run_failed = LabOrder.State.RESULTED, False
            filed.append(result)
            orders.append(order)
    if filed:
        # In bulk, because the screening is marked already and a row has up to a dozen cells; each with its history.
        bulk_create_with_history(filed, LabResult, default_user=by)
        moved = LabOrder.objects.filter(pk__in=[order.pk for order in orders])
        moved.update(state=LabOrder.State.RESULTED, run_failed=False)
        LabOrder.history.bulk_history_create(orders, update=True, default_user=by)
    return answers


def _locked(screening, cells):
    latest = LabResult.objects.filter(order=OuterRef("pk")).values("order").annotate(last=Max("version")).values("last")
    rows = LabOrder.objects.select_for_update(of=("self",)).select_related("test", "specimen")
    return rows.filter(pk__in=cells, screening=screening).annotate(last=Subquery(latest)).order_by("pk")


def _twice(order, text, seen, by):
    """The result that this very cell filed before, or None."""
    if order.state == LabOrder.State.COLLECTED or order.last != seen + 1:
        return None
    standing = LabResult.objects.standing().filter(order=order, version=order.last, entered_by=by)
    return standing.filter(as_sent=text.strip()).first()


def _read(order, text, seen, by, at):
    results.must_wait_for_result(order)
    if (order.last or 0) != seen:
        raise Refused(
            _("%(test)s had a result in the meantime that was rejected. Load the page anew, then type it again.")
            % {"test": order.test}
        )
    return results.read(order, text=text, version=seen + 1, by=by, at=at)
