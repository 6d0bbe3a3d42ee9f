"""Specimens whose work runs for weeks: smear, molecular test, culture and drug susceptibility on one specimen."""

import datetime
from dataclasses import dataclass

from django.db.models import Prefetch
from django.utils.translation import gettext_lazy as _

from mhac.labs import words
from mhac.labs.catalogue import catalogue
from mhac.labs.models import LabOrder, LabResult, Specimen

# stage -> (name, the tests that belong to it)
STAGES = {
    "smear": (_("Smear"), {"afb"}),
    "molecular": (_("Molecular"), {"xpert_mtb", "xpert_rif"}),
    "culture": (_("Culture"), {"myco_cult"}),
    "susceptibility": (_("Susceptibility"), set(words.DRUGS)),
}
OPEN = [LabOrder.State.COLLECTED, LabOrder.State.RESULTED]
SHOWN = 200


@dataclass(frozen=True)
class Stage:
    """One step of the work: `result` when it stands, else since how many days it is awaited."""

    key: str
    name: str
    results: list
    waiting: int | None


@dataclass(frozen=True)
class Long:
    """One specimen, the days since it was taken, and the day on which its last answer is expected at the latest."""

    specimen: Specimen
    days: int
    expected: datetime.date | None
    stages: list
    overdue: bool
    cultures: list  # orders whose medium may be chosen


def growing_tests():
    """Cultures: the tests whose negative answer takes weeks."""
    return catalogue().growing.keys()


def negative_from(order):
    """The day from which a culture without growth is negative, counted from the collection; None for other tests.

    Until the medium is known the longest counts.
    """
    days = catalogue().growing.get(order.test.key)
    if days is None:
        return None
    return order.specimen.collected_on + datetime.timedelta(days=days.get(order.medium) or max(days.values()))


def expected(order):
    """The last day on which the answer to this order is expected; None when nothing is promised."""
    if order.test.key in growing_tests():
        return negative_from(order)
    hours = order.test.turnaround_hours
    return order.specimen.collected_on + datetime.timedelta(hours=hours) if hours else None


def growing(user, now):
    """Specimens with an awaited culture or susceptibility test, the oldest first."""
    long = STAGES["culture"][1] | STAGES["susceptibility"][1]
    waiting = LabOrder.objects.visible_to(user).filter(state__in=OPEN, test__key__in=long, specimen__isnull=False)
    results = Prefetch("results", LabResult.objects.standing().select_related("order__test"), to_attr="standing")
    orders = LabOrder.objects.exclude(state=LabOrder.State.CANCELLED).select_related("test").prefetch_related(results)
    # The list begins at the open orders, which are few: joined the other way round it may take minutes.
    oldest = waiting.order_by("specimen__collected_at", "specimen").values_list("specimen", "specimen__collected_at")
    keys = [key for key, _at in oldest.distinct()[:SHOWN]]
    rows = Specimen.objects.filter(pk__in=keys).select_related("screening__patient", "clinic")
    rows = rows.prefetch_related(Prefetch("orders", orders.order_by("test__position"), to_attr="work"))
    return [_long(each, now) for each in rows.order_by("collected_at", "pk")]


def _long(specimen, now):
    for each in specimen.work:
        each.specimen = specimen
    due = [expected(each) for each in specimen.work if each.state in OPEN]
    last, today = max(filter(None, due), default=None), specimen.clinic.today()
    stages = [_stage(key, name, tests, specimen, now) for key, (name, tests) in STAGES.items()]
    days = (today - specimen.collected_on).days
    cultures = [each for each in specimen.work if each.test.key in growing_tests() and each.state in OPEN]
    return Long(specimen, days, last, stages, last is not None and last < today, cultures)


def _stage(key, name, tests, specimen, now):
    mine = [each for each in specimen.work if each.test.key in tests]
    results = [result for each in mine for result in each.standing]
    since = [
        specimen.collected_at if key != "susceptibility" else each.ordered_at for each in mine if not each.standing
    ]
    return Stage(key, name, results, (now - min(since)).days if since else None)
