"""Which orders follow: from an item of a programme, from a verified value, from a tube that was thrown away."""

from django.utils.translation import gettext as _

from mhac.labs.catalogue import catalogue
from mhac.labs.models import LabOrder, LabResult, Test

OPEN = {LabOrder.State.ORDERED, LabOrder.State.COLLECTED, LabOrder.State.RESULTED}


def save(row, by, *fields, because=""):
    """Save `row` (only `fields`, when given) with who did it and why in its history."""
    row._history_user, row._change_reason = by, because[:100]
    row.save(update_fields=fields or None)


def is_series(order) -> bool:
    """Whether this order is for one specimen of several, such as three sputa."""
    return catalogue().series_of(order.item).specimens > 1


def for_item(screening, item, *, rules, before, by, priority):
    """New orders for one item. `before`: its orders that were not cancelled, none of them still open."""
    series, count = catalogue().series_of(item), max((each.nth for each in before), default=0)
    isolate = _isolate(screening) if item in catalogue().isolate_items else None
    missing = max(1, series.specimens - _accepted(before)) if series.specimens > 1 else 1
    made = []
    for nth in range(count + 1, count + 1 + missing):
        for test in Test.objects.answering(item):
            if nth > 1 and test.key in series.first_only:
                continue
            new = LabOrder(screening=screening, test=test, item=item, nth=nth, priority=priority, ordered_by=by)
            new.because = ", ".join(sorted(rules))[:120]
            if isolate is not None:
                new.specimen, new.state = isolate, LabOrder.State.COLLECTED
            save(new, by)
            made.append(new)
    return made


def _accepted(orders):
    """Specimens of a series that count: one a day, and none whose culture was contaminated (rules SPUT-1, SPUT-2)."""
    taken = {each.specimen.collected_on: each.specimen_id for each in orders if each.specimen is not None}
    spoilt = LabResult.objects.verified().filter(order__in=orders, coded="contaminated").values_list("order__specimen")
    return len(set(taken.values()) - {key for (key,) in spoilt})


def _isolate(screening):
    """The specimen whose culture grew what the drug tests are made on, or None."""
    for key, grown in catalogue().isolate_grew.items():
        found = LabResult.objects.verified().filter(screening=screening, order__test__key=key, coded__in=grown)
        result = found.select_related("order__specimen").order_by("order__nth").first()
        if result is not None:
            return result.order.specimen
    return None


def again(row, *, by):
    """The same test asked for once more, on a new specimen."""
    new = LabOrder(screening_id=row.screening_id, test=row.test, item=row.item, nth=row.nth, priority=row.priority)
    new.because, new.ordered_by = row.because, by
    save(new, by)
    return new


def follow(result, *, by):
    """What the catalogue hangs on a verified value: a reflex test, a test left out, a repeat on the next specimen."""
    order, rules = result.order, catalogue()
    key = order.test.key
    if not any(key in each.when for each in (*rules.reflex, *rules.left_out, *rules.next_specimen)):
        return
    verified = LabResult.objects.verified().filter(order__specimen=order.specimen)
    words = dict(verified.values_list("order__test__key", "coded"))
    siblings = {each.test.key: each for each in order.specimen.orders.select_related("test")}

    def due(followers):
        return [each for each in followers if key in each.when and each.holds(words)]

    for each in due(rules.reflex):
        if each.test not in siblings:
            _add(order, each.test, by=by, nth=order.nth, specimen=order.specimen)
    for each in due(rules.left_out):
        left = siblings.get(each.test)
        if left is not None and left.state == LabOrder.State.COLLECTED:
            left.state = LabOrder.State.CANCELLED
            save(left, by, "state", because=_("not made beside %(value)s") % {"value": result.shown})
    for each in due(rules.next_specimen):
        if is_series(order):
            _add_to_next(order, each.test, by)


def _add(order, key, *, by, nth, specimen):
    state = LabOrder.State.ORDERED if specimen is None else LabOrder.State.COLLECTED
    new = LabOrder(screening_id=order.screening_id, test=Test.objects.get(key=key), item=order.item, nth=nth)
    new.specimen, new.state, new.because, new.ordered_by = specimen, state, order.because, by
    save(new, by)


def _add_to_next(order, key, by):
    """One more test on the specimen of the series that comes after this one, taken already or not."""
    series = LabOrder.objects.filter(screening=order.screening_id, item=order.item, nth=order.nth + 1)
    series = series.exclude(state=LabOrder.State.CANCELLED).select_related("specimen", "test")
    if not any(each.test.key == key for each in series):
        beside = next(iter(series), None)
        _add(order, key, by=by, nth=order.nth + 1, specimen=beside.specimen if beside else None)
