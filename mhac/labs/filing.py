"""From rows of an analyzer to versions of results: loads what `matching` needs, writes what it decided."""

import re
from collections import defaultdict
from dataclasses import dataclass
from typing import NamedTuple
from uuid import UUID

from django.db import transaction
from django.db.models import Min
from django.utils import timezone

from mhac.clinics import bulk
from mhac.labs import limits, matching
from mhac.labs.models import LabOrder, LabResult, Specimen, SpecimenTube, Test
from mhac.screenings.models import Fact, Screening

SEXES = {"female": "F", "male": "M"}


@dataclass(frozen=True)
class Work:
    """What an analyzer may be asked to do with one specimen: the tests that have no result, and whose it is."""

    accession: str
    tests: tuple[str, ...]
    priority: str
    person: matching.Person


def record_results(lines, *, instrument, rules, seen=(), by=None):
    """File what may be filed of `lines` (matching.Line) and say of each what became of it (matching.Outcome).

    `instrument` names the analyzer, `seen` are fingerprints of its earlier answers, `by` is the person who decided a
    line (nobody when a machine brought it). All or nothing; the screenings concerned are locked and marked.
    """
    return record_messages([lines], instrument=instrument, rules=rules, seen=seen, by=by)[0]


def record_messages(messages, *, instrument, rules, seen=(), by=None):
    """As `record_results`, for the lines of several messages in their order: each finds what was filed before it."""
    with transaction.atomic():
        rows = _lock({line.specimen_id for lines in messages for line in lines})
        orders = _orders(rows)
        specimens = _specimens_of(rows, orders)
        matcher = matching.Matcher(specimens, rules, instrument, seen)
        found = [matcher.decide(lines) for lines in messages]
        _write(found, {(order.accession, order.test.key): order for order in orders}, instrument, by)
    return found


def person_of(patient):
    """What a second identifier is compared with: exact birth date, sex, Latin initials."""
    initials = (patient.given_name[:1] + patient.family_name[:1]).upper()
    return matching.Person(
        patient.born, SEXES.get(patient.sex, ""), initials if re.fullmatch("[A-Z]{2}", initials) else ""
    )


def ordered(ids):
    """Specimen id -> keys of the tests that are ordered on it, for the ids that are known here."""
    rows = list(_specimens(ids).prefetch_related("tubes"))
    found = defaultdict(set)
    for order in _orders(rows):
        found[order.accession].add(order.test.key)
    return {
        key: frozenset(found[row.accession])
        for row in rows
        for key in (row.accession, *(tube.number for tube in row.tubes.all()))
    }


def work_for(*, clinic=None, ids=None):
    """Specimens with tests that have no result yet: all of a site's, or those that one of `ids` names."""
    rows = _specimens(ids) if ids is not None else Specimen.objects.exclude(state=Specimen.State.REJECTED)
    if clinic is not None:
        rows = rows.filter(clinic=clinic)
    waiting = LabOrder.objects.awaiting_result().filter(specimen__in=rows)
    found = {}
    for order in waiting.select_related("specimen__screening__patient", "test").order_by("specimen__accession", "id"):
        found.setdefault(order.specimen, []).append(order)
    return [
        Work(
            specimen.accession,
            tuple(order.test.key for order in orders),
            "S" if any(order.priority == LabOrder.Priority.URGENT for order in orders) else "R",
            person_of(specimen.screening.patient),
        )
        for specimen, orders in found.items()
    ]


def _specimens(ids):
    by_tube = SpecimenTube.objects.filter(number__in=ids).values("specimen")
    known = Specimen.objects.filter(accession__in=ids) | Specimen.objects.filter(pk__in=by_tube)
    return known.exclude(state=Specimen.State.REJECTED)


PERSON = ("given_name", "family_name", "sex", "born_earliest", "born_latest")


def _lock(ids):
    """The specimens that `ids` name, with their screenings locked first, as everywhere in the house."""
    known = _specimens(ids).select_related("screening__patient").prefetch_related("tubes")
    columns = [
        "accession",
        "collected_at",
        "screening",
        "screening__patient",
        *(f"screening__patient__{name}" for name in PERSON),
    ]
    rows = list(known.only(*columns))
    keys = {row.screening_id for row in rows}
    list(Screening.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))
    return rows


class Order(NamedTuple):
    """What is needed of an order; a message has dozens, so they are read without the models around them."""

    key: UUID
    screening: UUID
    accession: str
    test: Test


def _orders(rows):
    orders = LabOrder.objects.filter(specimen__in=[row.pk for row in rows]).exclude(state=LabOrder.State.CANCELLED)
    accessions = {row.pk: row.accession for row in rows}
    found = list(orders.order_by("pk").values_list("pk", "screening_id", "specimen_id", "test_id"))
    tests = Test.objects.in_bulk({test for *_rest, test in found})
    return [Order(key, screening, accessions[specimen], tests[test]) for key, screening, specimen, test in found]


def _specimens_of(rows, orders):
    tubes = {row.accession: row for row in rows}
    places = {order.key: (order.accession, order.test.key) for order in orders}
    tests, standing, versions = defaultdict(dict), defaultdict(dict), defaultdict(dict)
    for order in orders:
        tests[order.accession][order.test.key] = _rules(order.test, tubes[order.accession])
    for result in LabResult.objects.filter(order__in=list(places)):
        accession, test = places[result.order_id]
        versions[accession][test] = max(versions[accession].get(test, 0), result.version)
        # After a rejection nothing stands, but the numbering goes on.
        if result.state in {LabResult.State.FILED, LabResult.State.VERIFIED}:
            standing[accession][test] = _standing(result)
    return [
        matching.Specimen(
            row.accession,
            person_of(row.screening.patient),
            tests[row.accession],
            standing[row.accession],
            versions[row.accession],
            {tube.number: tube.tube for tube in row.tubes.all()},
        )
        for row in rows
    ]


def _rules(test, row):
    day, patient = timezone.localdate(row.collected_at), row.screening.patient
    return limits.rules_for(test, limits.critical_limits(test, patient=patient, day=day))


def _standing(result):
    value = matching.Value(result.operator, result.number, result.text, result.coded, result.titre)
    return matching.Standing(
        value, result.unit, result.status, result.run, result.observed_at, result.instrument, result.pk
    )


def _write(messages, orders, instrument, by):
    """Versions first, then the orders: one insert and one update for each kind of row, with their history."""
    now = timezone.now()
    filed, touched = [], {}
    for outcomes in messages:
        for one in outcomes:
            if one.state == "RUN_FAILURE":
                resulted = touched.get((one.accession, one.reading.test), (False, True))[0]
                touched[one.accession, one.reading.test] = resulted, True
        answered = [one for one in outcomes if one.state == "FILED"]
        touched |= {(one.accession, one.reading.test): (True, False) for one in answered}
        filed += answered
    if not touched:
        return
    Fact.mark({orders[place].screening for place in touched})
    made = {one.result: _result(one, orders[one.accession, one.reading.test], instrument, by, now) for one in filed}
    replaced = {one.replaces for one in filed} - {None}
    for key in replaced & made.keys():
        made[key]["state"] = LabResult.State.SUPERSEDED
    old, reason = sorted(replaced - made.keys()), "replaced by a later version"
    bulk.update_with_history(LabResult, old, at=now, by=by, because=reason, state=LabResult.State.SUPERSEDED)
    bulk.insert_with_history(LabResult, list(made.values()), at=now, by=by)
    for resulted, failed in ((True, False), (True, True), (False, True)):
        keys = [orders[place].key for place, became in touched.items() if became == (resulted, failed)]
        state = {"state": LabOrder.State.RESULTED} if resulted else {}
        bulk.update_with_history(LabOrder, keys, at=now, by=by, run_failed=failed, **state)


def _result(one, order, instrument, by, now):
    value, line = one.reading.value, one.line
    return {
        "id": one.result,
        "screening_id": order.screening,
        "order_id": order.key,
        "version": one.version,
        "status": line.status,
        "run": line.run,
        "kind": line.kind,
        "as_sent": line.as_sent,
        "operator": value.operator,
        "number": value.number,
        "text": value.text,
        "coded": value.coded,
        "titre": value.titre,
        "unit": one.reading.unit,
        "flags": [flag[:20] for flag in line.flags],
        # Whichever of the two limits is narrower: ours, or the analyzer's own.
        "critical": one.critical or not matching.CRITICAL_FLAGS.isdisjoint(line.flags),
        "observed_at": line.observed_at,
        "filed_at": now,
        "source": LabResult.Source.ANALYZER,
        "instrument": instrument,
        "entered_by_id": getattr(by, "pk", None),
    }


def tests_by_key(keys=None):
    """Tests of the catalogue by key: all, or those named."""
    tests = Test.objects.filter(active=True)
    return {test.key: test for test in (tests.filter(key__in=keys) if keys is not None else tests)}


def waiting_since():
    """(key of the site, key of the test) -> since when the oldest collected tube waits for a result of it."""
    waiting = LabOrder.objects.awaiting_result().exclude(specimen__state=Specimen.State.REJECTED)
    rows = waiting.filter(specimen__isnull=False).values_list("specimen__clinic", "test__key").order_by()
    return {(site, test): since for site, test, since in rows.annotate(since=Min("specimen__collected_at"))}
