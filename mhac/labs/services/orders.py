"""Asking the laboratory for what a programme asks of a person."""

from collections import defaultdict

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.labs import ordering
from mhac.labs.models import LabOrder, Test
from mhac.labs.services.locked import Refused, lock_screening


@transaction.atomic
def order(screening, *, items, by, priority=LabOrder.Priority.ROUTINE):
    """Order the tests that answer `items` (item -> rules that ask for it); the new orders.

    An item with an order still on its way is left alone, so calling this twice orders once. An item whose tests are
    all answered is ordered again: ask only for what is due. Items that no test answers belong to other rooms.
    Raises Refused for a screening that is not open, or without a catalogue.
    """
    screening = lock_screening(screening.pk)
    if not screening.is_open:
        raise Refused(
            _("This screening is %(state)s: nothing can be ordered for it. Open a new screening if tests are needed.")
            % {"state": screening.get_state_display()}
        )
    if not Test.objects.filter(active=True).exists():
        raise Refused(_("The laboratory has no tests yet. An administrator must run “manage.py load_catalogue” first."))
    existing = LabOrder.objects.filter(screening=screening, item__in=items).select_related("test", "specimen")
    before = defaultdict(list)
    for each in existing.exclude(state=LabOrder.State.CANCELLED):
        before[each.item].append(each)
    made = []
    for item, rules in items.items():
        if not any(each.state in ordering.OPEN for each in before[item]):
            made += ordering.for_item(screening, item, rules=rules, before=before[item], by=by, priority=priority)
    return made
