"""The lists of the bench: who is to be collected, which tubes are where, which results wait. Each takes the same number
of queries however long it is; the next page begins after the last row of this one."""

import uuid
from collections import defaultdict
from dataclasses import dataclass, field

from django.db.models import Count, Prefetch, Q
from django.utils.translation import gettext_lazy as _

from mhac.labs import boxes, services
from mhac.labs.catalogue import catalogue
from mhac.labs.limits import judged
from mhac.labs.models import LabOrder, LabResult, Specimen
from mhac.labs.ordering import is_series
from mhac.labs.services import quality
from mhac.screenings.models import Screening

PAGE = 50

# key -> (name, status colour)
TABS = {
    "collect": (_("To collect"), "grey"),
    "underway": (_("On the way"), "blue"),
    "sent": (_("Sent out"), "blue"),
    "inside": (_("In the laboratory"), "blue"),
    "repeat": (_("Repeat due"), "amber"),
    "arrived": (_("Results to verify"), "amber"),
    "rejected": (_("Rejected"), "red"),
}


@dataclass(frozen=True)
class Page:
    """Some rows, and the key after which the next ones stand ("" when there are none)."""

    rows: list
    after: str = ""


@dataclass(frozen=True)
class Tube:
    """What is to be taken into one container: `key` names it in the form, `held` says why not today."""

    key: str
    tube: str
    label: str
    nth: int
    orders: list = field(default_factory=list)
    held: str = ""
    advice: str = ""


def key_of(text):
    """The key of a row as it stands in a form or an address, or None when it is none."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


def page_of(rows, name, after, newest_first=False):
    """The first keys in the column `name` that come after `after`, as a page. Keys are made in the order of time.

    Lists begin at the orders that are open, which are few, and never at the tubes or people, whose history is long.
    """
    if key := key_of(after):
        rows = rows.filter(**{f"{name}__lt" if newest_first else f"{name}__gt": key})
    keys = rows.values_list(name, flat=True).order_by(f"-{name}" if newest_first else name).distinct()
    found = list(keys[: PAGE + 1])
    return Page(found[:PAGE], str(found[PAGE - 1]) if len(found) > PAGE else "")


def _rows_of(page, rows):
    """The same page with rows in place of keys."""
    by_key = rows.in_bulk(page.rows)
    return Page([by_key[key] for key in page.rows], page.after)


def _to_collect(user):
    states = [Screening.State.OPEN, Screening.State.SIGNED]
    return LabOrder.objects.visible_to(user).to_collect().filter(screening__state__in=states)


def _specimens(user, tab):
    """Where the tubes under one tab are found: rows, and their column that holds the key of the tube."""
    orders, tubes = LabOrder.objects.visible_to(user), Specimen.objects.visible_to(user)
    if tab == "inside":
        sent_here = Q(specimen__state=Specimen.State.ARRIVED, specimen__laboratory__in=user.sites())
        here = Q(specimen__state=Specimen.State.RECEIVED) | sent_here
        return orders.awaiting_result().filter(here), "specimen_id"
    if tab == "repeat":
        return orders.awaiting_result().filter(run_failed=True), "specimen_id"
    if tab == "arrived":
        return orders.filter(state=LabOrder.State.RESULTED), "specimen_id"
    states = {"underway": Specimen.State.COLLECTED, "sent": Specimen.State.SENT}
    return tubes.filter(state=states.get(tab, Specimen.State.REJECTED)), "pk"


def counts(user):
    """How many stand under each tab; rejected tubes are history and are not counted."""
    lists = {tab: _specimens(user, tab) for tab in TABS if tab not in {"collect", "rejected"}}
    lists["collect"] = _to_collect(user), "screening_id"
    return {tab: rows.aggregate(count=Count(name, distinct=True))["count"] for tab, (rows, name) in lists.items()}


def people_to_collect(user, after=""):
    """Screenings with something to collect; each gets `.tubes`."""
    keys = page_of(_to_collect(user), "screening_id", after)
    page = _rows_of(keys, Screening.objects.select_related("patient", "case"))
    orders = LabOrder.objects.to_collect().filter(screening__in=keys.rows).select_related("test")
    by_screening = defaultdict(list)
    for order in orders.order_by("test__position"):
        by_screening[order.screening_id].append(order)
    for screening in page.rows:
        screening.tubes = grouped(by_screening[screening.pk])
    return page


def tubes(user, tab, after=""):
    """Specimens under one tab, the oldest first (of the rejected the newest), with their orders in `.tests`."""
    shown = LabOrder.objects.exclude(state=LabOrder.State.CANCELLED) if tab != "rejected" else LabOrder.objects.all()
    tests = Prefetch("orders", shown.select_related("test").order_by("test__position"), to_attr="tests")
    rows = Specimen.objects.select_related("screening__patient", "collected_by", "received_by")
    keys = page_of(*_specimens(user, tab), after, newest_first=tab == "rejected")
    page = _rows_of(keys, rows.prefetch_related(tests))
    ways = boxes.transit_of(page.rows) if tab == "sent" else {}
    for each in page.rows:
        each.transit = ways.get(each.pk)
    return page


def grouped(orders, taken_today=frozenset()):
    """Orders by container: one per kind of tube, for a series one per specimen, of which the first can be taken now
    unless one was taken today."""
    found, first = {}, {}
    for order in sorted(orders, key=lambda each: (each.nth, each.test.position)):
        tube = order.test.tube
        nth = order.nth if is_series(order) else 0
        why = ""
        if nth and tube in taken_today:
            why = _("one was taken today; the next one is taken on another day")
        elif nth and first.setdefault(tube, nth) != nth:
            why = _("on another day")
        advice = catalogue().handling.get(tube, "")
        new = Tube(f"{tube}-{nth}", tube, order.test.get_tube_display(), nth, held=why, advice=advice)
        found.setdefault(new.key, new).orders.append(order)
    return list(found.values())


def to_take(screening):
    """What is left to collect of one screening, by container."""
    orders = LabOrder.objects.to_collect().filter(screening=screening).select_related("test")
    taken = Specimen.objects.filter(screening=screening).select_related("clinic")
    taken = taken.exclude(state__in=[Specimen.State.REJECTED, Specimen.State.LOST])
    today = screening.clinic.today()
    return grouped(orders, {each.tube for each in taken if each.collected_on == today})


def taken_again(screening):
    """Tubes of this screening that were thrown away or lost, for whose tests another one is to be taken."""
    waiting = LabOrder.objects.to_collect().filter(screening=screening).values("test")
    gone = [Specimen.State.REJECTED, Specimen.State.LOST]
    rows = Specimen.objects.filter(screening=screening, state__in=gone, orders__test__in=waiting)
    return list(rows.distinct().order_by("pk"))


@dataclass(frozen=True)
class Waiting:
    """A result that waits for verification, with what is needed to judge it. `blocked`: why this user cannot;
    `chosen`: its box is marked beforehand."""

    result: LabResult
    limits: object
    flag: str
    before: LabResult | None
    replaces: LabResult | None
    blocked: str
    chosen: bool


def to_verify(user, after="", choose=""):
    """Results that wait, the critical ones first. `after`: "1" or "0" (critical or not) and the key of the last row;
    `choose`: "usual" marks what is neither critical nor flagged."""
    rows = LabResult.objects.visible_to(user).to_verify()
    if key := key_of(after[1:]):
        later = Q(critical=False) if after[0] == "1" else Q(pk__in=[])
        rows = rows.filter(later | Q(critical=after[0] == "1", pk__gt=key))
    rows = rows.select_related("order__test", "order__specimen", "screening__patient", "entered_by")
    rows = rows.select_related("order__specimen__clinic")
    found = list(rows.prefetch_related("order__test__ranges").order_by("-critical", "pk")[: PAGE + 1])
    shown = found[:PAGE]
    before, replaced, locked = earlier(shown), _replaced(shown), quality.why_locked(shown)
    late = services.standing_late(shown)
    last = f"{int(shown[-1].critical)}{shown[-1].pk}" if len(found) > PAGE else ""
    return Page([_waiting(each, user, before, replaced, locked, late, choose == "usual") for each in shown], last)


def _waiting(result, user, before, replaced, locked, late, choosing):
    by = judged(result.order, result.screening, result.filed_at.date())
    mark = by.flag(result.order.test, number=result.number, coded=result.coded)
    return Waiting(
        result,
        by.range,
        mark,
        before.get((result.screening.patient.person, result.order.test_id)),
        replaced.get(result.order_id),
        services.why_not_verify(result, user) or locked.get(result.pk, (None, ""))[1] or late.get(result.pk, ""),
        choosing and not mark and not result.critical,
    )


def earlier(results):
    """(person, test) -> the last verified result of that person in another order."""
    people = {each.screening.patient.person for each in results}
    tests = {each.order.test_id for each in results}
    rows = LabResult.objects.verified().filter(screening__patient__person__in=people, order__test__in=tests)
    rows = rows.exclude(order__in=[each.order_id for each in results])
    rows = rows.select_related("order__test", "screening__patient").order_by(
        "screening__patient__person", "order__test_id", "-verified_at"
    )
    return {
        (each.screening.patient.person, each.order.test_id): each
        for each in rows.distinct("screening__patient__person", "order__test_id")
    }


def _replaced(results):
    """Order -> the version that this result would replace."""
    rows = LabResult.objects.filter(order__in=[each.order_id for each in results], state=LabResult.State.SUPERSEDED)
    return {each.order_id: each for each in rows.select_related("order__test").order_by("version")}


# One specimen


def taken_of(screening):
    """What was collected of one screening today and can be used, ready to be printed."""
    rows = Specimen.objects.filter(screening=screening)
    rows = rows.exclude(state__in=[Specimen.State.REJECTED, Specimen.State.LOST])
    rows = rows.select_related("screening__patient", "screening__case", "clinic").prefetch_related("tubes")
    return [each for each in rows.order_by("accession") if each.collected_on == screening.clinic.today()]


def received(user):
    """The tubes that arrived last."""
    rows = Specimen.objects.visible_to(user).filter(state=Specimen.State.RECEIVED)
    return rows.select_related("screening__patient", "received_by").order_by("-received_at")[:10]


def orders_of(specimen):
    """The orders on one specimen, each with all its `.versions`, the newest first; each version has its `.flag`."""
    versions = Prefetch(
        "results",
        LabResult.objects.select_related("order__test", "entered_by", "verified_by", "screening").order_by("-version"),
        to_attr="versions",
    )
    rows = specimen.orders.select_related("test", "late_by").prefetch_related(versions, "test__ranges")
    found = list(rows.order_by("test__position"))
    for order in found:
        by = judged(order, specimen.screening, specimen.collected_on)
        for result in order.versions:
            result.flag = by.flag(order.test, number=result.number, coded=result.coded)
    return found


@dataclass(frozen=True)
class Row:
    """One test in the grid of results. `box` is its field, or None when it is not waiting for a result."""

    order: LabOrder
    box: object
    limits: object
    before: LabResult | None


def grid(form, orders, screening):
    """The rows of the grid of one specimen."""
    rows = LabResult.objects.verified().filter(screening__patient__person=screening.patient.person)
    rows = rows.filter(order__test__in=[each.test_id for each in orders]).exclude(order__in=orders)
    before = {each.order.test_id: each for each in rows.select_related("order__test").order_by("verified_at")}
    fields = {key: form[key] for key in form.fields}
    day = screening.clinic.today()
    return [
        Row(each, fields.get(str(each.pk)), judged(each, screening, day).range, before.get(each.test_id))
        for each in orders
    ]


@dataclass(frozen=True)
class Step:
    """One thing that happened to a tube or to a result on it."""

    when: object
    what: str
    who: object
    why: str
    place: str = ""
    manifest: object = None


def custody(specimen):
    """Every link of a specimen's chain and every change of its results, the newest first."""
    steps = [
        Step(each.at, each.get_after_display(), each.by, each.because, each.place, each.manifest)
        for each in services.chain(specimen)
    ]
    results = LabResult.history.filter(order__specimen=specimen).select_related("history_user", "order__test")
    for row in results:
        what = f"{row.order.test} – {row.get_state_display()}"
        steps.append(Step(row.history_date, what, row.history_user, row.history_change_reason))
    return sorted(steps, key=lambda step: step.when, reverse=True)
