"""From rows of an analyzer to versions of results: loads what `matching` needs, writes what it decided."""

import re
from dataclasses import dataclass

from django.db import transaction
from simple_history.utils import bulk_create_with_history, bulk_update_with_history

from mhac.labs import matching
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
    with transaction.atomic():
        rows = _lock({line.specimen_id for line in lines})
        orders = {(order.specimen.accession, order.test.key): order for order in _orders(rows)}
        specimens = [_specimen(row, orders) for row in rows]
        outcomes = matching.Matcher(specimens, rules, instrument, seen).decide(lines)
        _write(outcomes, orders, instrument, by)
    return outcomes


def person_of(patient):
    """What a second identifier is compared with: exact birth date, sex, Latin initials."""
    initials = (patient.given_name[:1] + patient.family_name[:1]).upper()
    return matching.Person(
        patient.born, SEXES.get(patient.sex, ""), initials if re.fullmatch("[A-Z]{2}", initials) else ""
    )


def ordered(ids):
    """Specimen id -> keys of the tests that are ordered on it, for the ids that are known here."""
    rows = list(_specimens(ids))
    orders = {(order.specimen.accession, order.test.key): order for order in _orders(rows)}
    return {
        key: frozenset(specimen.tests)
        for row in rows
        for specimen in [_specimen(row, orders)]
        for key in (specimen.accession, *specimen.tubes)
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


def _lock(ids):
    """The specimens that `ids` name, with their screenings locked first, as everywhere in the house."""
    rows = list(_specimens(ids).select_related("screening__patient").prefetch_related("tubes"))
    keys = {row.screening_id for row in rows}
    list(Screening.objects.select_for_update().filter(pk__in=keys).order_by("pk").values_list("pk"))
    return rows


def _orders(rows):
    orders = LabOrder.objects.filter(specimen__in=rows).exclude(state=LabOrder.State.CANCELLED)
    return orders.select_related("test", "specimen").prefetch_related("results").order_by("pk")


def _specimen(row, orders):
    own = {key: order for (accession, key), order in orders.items() if accession == row.accession}
    standing = {key: found for key, order in own.items() if (found := _standing(order))}
    tests = {key: _rules(order.test) for key, order in own.items()}
    versions = {key: max((one.version for one in order.results.all()), default=0) for key, order in own.items()}
    tubes = {tube.number: tube.tube for tube in row.tubes.all()}
    return matching.Specimen(row.accession, person_of(row.screening.patient), tests, standing, versions, tubes)


def _rules(test):
    limits = (test.critical_low, test.critical_high, frozenset(test.critical_values))
    return matching.TestRules(test.key, *limits, inputs=test.computed_from)


def _standing(order):
    """The version that counts; after a rejection nothing stands, but the numbering goes on."""
    for result in order.results.all():
        if result.state in {LabResult.State.FILED, LabResult.State.VERIFIED}:
            value = matching.Value(result.operator, result.number, result.text, result.coded, result.titre)
            return matching.Standing(
                value,
                result.unit,
                result.status,
                result.run,
                result.observed_at,
                result.instrument,
                result.pk,
            )
    return None


def _write(outcomes, orders, instrument, by):
    """Versions first, then the orders: one insert and one update for each kind of row, with their history."""
    filed = [outcome for outcome in outcomes if outcome.state == "FILED"]
    failed = [outcome for outcome in outcomes if outcome.state == "RUN_FAILURE"]
    touched = {(one.accession, one.reading.test): orders[one.accession, one.reading.test] for one in (*failed, *filed)}
    if not touched:
        return
    Fact.mark({order.screening_id for order in touched.values()})
    made = {one.result: _result(one, orders[one.accession, one.reading.test], instrument, by) for one in filed}
    replaced = {one.replaces for one in filed} - {None}
    for key in replaced & made.keys():
        made[key].state = LabResult.State.SUPERSEDED
    old = list(LabResult.objects.filter(pk__in=replaced - made.keys()))
    for result in old:
        result.state = LabResult.State.SUPERSEDED
    reason = "replaced by a later version"
    bulk_update_with_history(old, LabResult, ["state"], default_change_reason=reason, default_user=by)
    bulk_create_with_history(list(made.values()), LabResult, default_user=by)
    for one in failed:
        touched[one.accession, one.reading.test].run_failed = True
    for one in filed:
        order = touched[one.accession, one.reading.test]
        order.state, order.run_failed = LabOrder.State.RESULTED, False
    changed = list(touched.values())
    bulk_update_with_history(changed, LabOrder, ["state", "run_failed"], default_user=by)


def _result(one, order, instrument, by):
    value, line = one.reading.value, one.line
    return LabResult(
        pk=one.result,
        screening_id=order.screening_id,
        order=order,
        version=one.version,
        status=line.status,
        run=line.run,
        kind=line.kind,
        as_sent=line.as_sent,
        operator=value.operator,
        number=value.number,
        text=value.text,
        coded=value.coded,
        titre=value.titre,
        unit=one.reading.unit,
        flags=[flag[:20] for flag in line.flags],
        critical=one.critical,
        observed_at=line.observed_at,
        source=LabResult.Source.ANALYZER,
        instrument=instrument,
        entered_by=by,
    )


def tests_by_key(keys=None):
    """Tests of the catalogue by key: all, or those named."""
    tests = Test.objects.filter(active=True)
    return {test.key: test for test in (tests.filter(key__in=keys) if keys is not None else tests)}
