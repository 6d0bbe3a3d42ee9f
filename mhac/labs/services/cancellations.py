"""Orders that are not wanted any more, before anybody took a tube for them."""

from django.db import transaction

from mhac.labs import ordering
from mhac.labs.models import LabOrder
from mhac.labs.services.locked import lock_screening


@transaction.atomic
def cancel(screening, *, items, because, by):
    """Cancel what was ordered for `items` and is not collected yet; the cancelled orders. Tubes that were taken are
    tested: a person gave blood for them, and what they show has to be known."""
    lock_screening(screening.pk)
    rows = LabOrder.objects.to_collect().select_for_update(of=("self",)).filter(screening=screening, item__in=items)
    found = list(rows.order_by("pk"))
    for row in found:
        row.state = LabOrder.State.CANCELLED
        ordering.save(row, by, "state", because=because)
    return found
