"""Asking the laboratory for what a programme asks of a person."""

from collections import defaultdict

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.labs import ordering
from mhac.labs.models import LabOrder, Test
from mhac.labs.services import custody
from mhac.labs.services.locked import Refused, lock_screening, lock_specimen


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


@transaction.atomic
def add_test(specimen, *, test, because, by):
    """Order one more test on a tube that was taken; what waited on the wire for it files by itself. The new order.

    Raises Refused for a rejected tube, a screening that is not open, another kind of tube, a test that stands on this
    tube already, or without a reason.
    """
    if not because.strip():
        raise Refused(_("Say why: the reason stands on the order."))
    screening, tube = lock_screening(specimen.screening_id), lock_specimen(specimen)
    if not screening.is_open or tube.state in custody.GONE:
        raise Refused(_("Nothing can be added to this tube any more. Order the test anew, on a new tube."))
    if test.tube != tube.tube:
        raise Refused(
            _("%(test)s needs another tube: %(tube)s. Order it, and collect that tube.")
            % {"test": test, "tube": test.get_tube_display()}
        )
    siblings = list(tube.orders.select_related("test").order_by("pk"))
    before = next((each for each in siblings if each.test_id == test.pk), None)
    if before is not None:
        raise Refused(
            _("%(test)s stands on this tube already (%(state)s).") % {"test": test, "state": before.get_state_display()}
        )
    made = LabOrder(screening=screening, test=test, specimen=tube, state=LabOrder.State.COLLECTED, ordered_by=by)
    items = {each.item for each in siblings}
    made.item = next((item for item in test.items if item in items), next(iter(test.items), ""))
    made.nth = next((each.nth for each in siblings if each.item == made.item), 1)
    made.because = because.strip()[:120]
    ordering.save(made, by, because=made.because)
    return made
