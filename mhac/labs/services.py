"""What is done in the laboratory: orders, specimens and their custody, results and the second pair of eyes.

Locks are taken in one order everywhere: screening, specimen, order, result.
"""

from collections import defaultdict
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.labs import ordering, typed

# The wire comes in through this module and no other: the names it needs stand here under their own name.
from mhac.labs.filing import Work as Work
from mhac.labs.filing import ordered, record_results, work_for
from mhac.labs.filing import tests_by_key as tests_by_key
from mhac.labs.limits import is_critical
from mhac.labs.matching import WAITING as WAITING
from mhac.labs.matching import Line as Line
from mhac.labs.matching import Numbers as Numbers
from mhac.labs.matching import Outcome as Outcome
from mhac.labs.matching import Person as Person
from mhac.labs.matching import Reading as Reading
from mhac.labs.matching import Rules as Rules
from mhac.labs.matching import Value as Value
from mhac.labs.models import LabOrder, LabResult, Specimen, SpecimenTube, Test
from mhac.labs.rehearsal import Scene as Scene
from mhac.patients.models import IdentityCheck
from mhac.screenings.models import Fact, Screening

# The wire's one door: what `lab_integration` may use is what this module offers.
__all__ = ["WAITING", "ordered", "record_results", "work_for"]

STANDING = {LabResult.State.FILED, LabResult.State.VERIFIED}


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""


def _lock_screening(screening_id):
    Fact.mark([screening_id])
    return Screening.objects.get(pk=screening_id)


def _lock_order(order):
    """The order as it is now, locked, with test and specimen; its screening was locked before."""
    _lock_screening(order.screening_id)
    return LabOrder.objects.select_for_update(of=("self",)).select_related("test", "specimen").get(pk=order.pk)


def _lock_result(result):
    order = _lock_order(result.order)
    locked = LabResult.objects.select_for_update(of=("self",)).select_related("verified_by", "screening")
    locked = locked.get(pk=result.pk)
    locked.order = order
    return locked


# --- Orders ------------------------------------------------------------------------------------------


@transaction.atomic
def order(screening, *, items, by, priority=LabOrder.Priority.ROUTINE):
    """Order the tests that answer `items` (item -> rules that ask for it); the new orders.

    An item with an order still on its way is left alone, so calling this twice orders once. An item whose tests are
    all answered is ordered again: ask only for what is due. Items that no test answers belong to other rooms.
    Raises Refused for a screening that is not open, or without a catalogue.
    """
    screening = _lock_screening(screening.pk)
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


# --- Specimens ------------------------------------------------------------------------------------------


@transaction.atomic
def collect(screening, *, orders, by, at=None):
    """Take the specimens for `orders`: one per kind of tube (and number of the series), each with a new accession.

    Raises Refused when the person was not compared with her photo at the collection today, when nothing was chosen,
    when an order is not waiting for collection, or when a specimen of a series was already taken that day.
    """
    screening = _lock_screening(screening.pk)
    at = at or timezone.now()
    if screening.state not in {Screening.State.OPEN, Screening.State.SIGNED}:
        raise Refused(
            _("This screening is %(state)s: no specimen can be taken for it.")
            % {"state": screening.get_state_display()}
        )
    _require_identity(screening, at)
    locked = LabOrder.objects.select_for_update(of=("self",)).select_related("test")
    rows = list(locked.filter(screening=screening, pk__in=[each.pk for each in orders]).order_by("pk"))
    if not rows:
        raise Refused(_("No tube was chosen. Mark the tubes you have taken, then collect."))
    for row in rows:
        if row.state != LabOrder.State.ORDERED:
            raise Refused(
                _("%(test)s is not waiting for collection any more (%(state)s). Reload the page to see what is left.")
                % {"test": row.test, "state": row.get_state_display()}
            )
    _one_a_day(screening, rows, at)
    tubes = defaultdict(list)
    for row in rows:
        tubes[row.test.tube, row.nth if ordering.is_series(row) else 0].append(row)
    return [_take(screening, tube, group, by, at) for (tube, _nth), group in sorted(tubes.items())]


def _day(screening, at):
    return at.astimezone(ZoneInfo(screening.clinic.timezone)).date()


def is_identified(screening, at=None):
    """Whether the person was compared with her photo at the collection that day, and found to be the right one."""
    day = _day(screening, at or timezone.now())
    station = IdentityCheck.Station.COLLECTION
    checks = IdentityCheck.objects.filter(patient=screening.patient_id, clinic=screening.clinic_id, day=day)
    last = checks.filter(station=station).order_by("id").last()
    return last is not None and last.confirmed


def _require_identity(screening, at):
    if not is_identified(screening, at):
        raise Refused(
            _("Nobody has compared %(person)s with the photo at specimen collection today. Compare the face first.")
            % {"person": screening.patient}
        )


def _one_a_day(screening, orders, at):
    """A series (three sputa) is spread over days: a second one on the same day would not count (rule SPUT-1)."""
    wanted = defaultdict(set)
    for each in orders:
        if ordering.is_series(each):
            wanted[each.test.tube].add(each.nth)
    for tube, numbers in wanted.items():
        series = Specimen.objects.filter(screening=screening, tube=tube).exclude(state=Specimen.State.REJECTED)
        taken = [each for each in series if each.collected_on == _day(screening, at)]
        if len(numbers) > 1 or taken:
            raise Refused(
                _("Only one %(tube)s a day counts (rule SPUT-1). Collect one on each day, beginning with the first.")
                % {"tube": Test.Tube(tube).label}
            )


def _take(screening, tube, orders, by, at):
    accession = screening.clinic.next_number("", _day(screening, at).year)
    specimen = Specimen(screening=screening, clinic=screening.clinic, accession=accession, tube=tube)
    specimen.collected_at, specimen.collected_by = at, by
    ordering.save(specimen, by)
    if tube == Test.Tube.QFT:
        for each in SpecimenTube.Tube.values:
            number = screening.clinic.next_number("", _day(screening, at).year)
            ordering.save(SpecimenTube(specimen=specimen, number=number, tube=each), by)
    for each in orders:
        each.specimen, each.state = specimen, LabOrder.State.COLLECTED
        ordering.save(each, by, "specimen", "state")
    return specimen


def _lock_specimen(specimen):
    _lock_screening(specimen.screening_id)
    people = ("collected_by", "received_by")
    return Specimen.objects.select_for_update(of=("self",)).select_related(*people).get(pk=specimen.pk)


@transaction.atomic
def receive(specimen, *, by, at=None):
    """The tube has arrived in the laboratory. Raises Refused when it was received or rejected before."""
    specimen = _lock_specimen(specimen)
    if specimen.state == Specimen.State.RECEIVED:
        raise Refused(
            _("%(accession)s was already received, by %(who)s. There is nothing more to do.")
            % {"accession": specimen.accession, "who": specimen.received_by}
        )
    if specimen.state == Specimen.State.REJECTED:
        raise Refused(
            _("%(accession)s was rejected (%(reason)s). Throw it away and wait for the new specimen.")
            % {"accession": specimen.accession, "reason": specimen.get_rejected_because_display()}
        )
    specimen.state, specimen.received_at, specimen.received_by = Specimen.State.RECEIVED, at or timezone.now(), by
    ordering.save(specimen, by, "state", "received_at", "received_by")
    return specimen


@transaction.atomic
def reject(specimen, *, because, by):
    """The tube cannot be used (`because`: a Specimen.Reject). Its tests are ordered again; the new orders.

    Results that wait for verification are rejected with it; raises Refused when one is verified.
    """
    if because not in Specimen.Reject.values:
        raise Refused(_("Choose why the specimen cannot be used."))
    specimen = _lock_specimen(specimen)
    if specimen.state == Specimen.State.REJECTED:
        raise Refused(_("%(accession)s is rejected already.") % {"accession": specimen.accession})
    rows = LabOrder.objects.select_for_update(of=("self",)).filter(specimen=specimen).order_by("pk")
    rows = list(rows.exclude(state=LabOrder.State.CANCELLED).select_related("test"))
    if any(row.state == LabOrder.State.VERIFIED for row in rows):
        raise Refused(
            _("%(accession)s has verified results. A supervisor must reject those results first, with a reason.")
            % {"accession": specimen.accession}
        )
    specimen.state, specimen.rejected_because = Specimen.State.REJECTED, because
    why = _("specimen rejected: %(reason)s") % {"reason": specimen.get_rejected_because_display()}
    ordering.save(specimen, by, "state", "rejected_because", because=why)
    for result in LabResult.objects.select_for_update().filter(order__in=rows, state=LabResult.State.FILED):
        result.state, result.rejected_because = LabResult.State.REJECTED, why
        ordering.save(result, by, "state", "rejected_because", because=why)
    for row in rows:
        row.state = LabOrder.State.CANCELLED
        ordering.save(row, by, "state", because=why)
    return [ordering.again(row, by=by) for row in rows] if specimen.screening.is_open else []


# --- Results ------------------------------------------------------------------------------------------


@transaction.atomic
def enter(order, *, text, by, at=None):
    """File what somebody typed as the result of an order. It waits for a second person.

    Raises Refused when the text is no result of this test, or the order is not waiting for one.
    """
    order = _lock_order(order)
    if order.specimen is not None and order.specimen.state == Specimen.State.REJECTED:
        raise Refused(
            _("%(accession)s was rejected (%(reason)s): it can have no result. Wait for the new specimen.")
            % {"accession": order.specimen, "reason": order.specimen.get_rejected_because_display()}
        )
    if order.state != LabOrder.State.COLLECTED:
        raise Refused(
            _("%(test)s is not waiting for a result (%(state)s). To change a result that is there, correct it.")
            % {"test": order.test, "state": order.get_state_display()}
        )
    if order.specimen.state != Specimen.State.RECEIVED:
        raise Refused(
            _("%(accession)s has not been received in the laboratory. Scan it on the page “Receive” first.")
            % {"accession": order.specimen}
        )
    return _file(order, text=text, by=by, at=at, status=LabResult.Status.FINAL)


def _file(order, *, text, by, at, status):
    try:
        value = typed.read(text, order.test)
    except typed.Unreadable as refusal:
        raise Refused(str(refusal)) from refusal
    versions = order.results.order_by("version").values_list("version", flat=True)
    result = LabResult(order=order, screening_id=order.screening_id, version=(versions.last() or 0) + 1, status=status)
    result.as_sent, result.unit, result.operator = text.strip(), order.test.unit, value.operator
    result.number, result.text, result.coded, result.titre = value.number, value.text, value.coded, value.titre
    result.critical = is_critical(order.test, value)
    result.source, result.entered_by, result.observed_at = LabResult.Source.TYPED, by, at or timezone.now()
    ordering.save(result, by)
    order.state, order.run_failed = LabOrder.State.RESULTED, False
    ordering.save(order, by, "state", "run_failed")
    return result


def rights_to_verify(result):
    """The permissions that together allow verifying this result (section "Who may verify" of the catalogue)."""
    needed = {"labs.verify_labresult"}
    if result.source == LabResult.Source.TYPED:
        needed.add("labs.verify_typed")
    if result.critical or result.order.test.verifier == Test.Verifier.SUPERVISOR:
        needed.add("labs.verify_infectious")
    return needed


def held_by(user, clinic_id):
    """The permissions that `user` holds at a site."""
    return set().union(*(held for site, held in user.rights.items() if site in {None, clinic_id}))


def why_not_verify(result, by):
    """Why `by` cannot verify this result, in a sentence; "" when she can."""
    held, names = held_by(by, result.screening.clinic_id), {"test": result.order.test}
    if "labs.verify_labresult" not in held:
        return _("%(test)s is verified by another technician or a supervisor of this site; you may not verify.") % names
    if rights_to_verify(result) - held:
        return _("%(test)s needs a laboratory supervisor.") % names
    if result.entered_by_id == by.pk:
        return _("You entered %(test)s yourself: it needs another person.") % names
    if result.status == LabResult.Status.PRELIMINARY:
        return _("%(test)s is preliminary. Wait for the final value, or file it as a correction.") % names
    return ""


@transaction.atomic
def verify(result, *, by, at=None):
    """A second pair of eyes agrees: the result counts from now on.

    Raises PermissionDenied without the right for this kind of result, and Refused for one's own, for one that is not
    waiting, or for a number that cannot be.
    """
    result = _lock_result(result)
    _must_wait(result)
    if why := why_not_verify(result, by):
        lacking = rights_to_verify(result) - held_by(by, result.screening.clinic_id)
        raise PermissionDenied(why) if lacking and result.entered_by_id != by.pk else Refused(why)
    if result.number is not None and (wrong := typed.impossible(result.number, result.order.test)):
        raise Refused(wrong + " " + _("Reject this result and have the test repeated."))
    result.state, result.verified_by, result.verified_at = LabResult.State.VERIFIED, by, at or timezone.now()
    ordering.save(result, by, "state", "verified_by", "verified_at")
    result.order.state = LabOrder.State.VERIFIED
    ordering.save(result.order, by, "state")
    ordering.follow(result, by=by)
    return result


def _must_wait(result):
    if result.state == LabResult.State.VERIFIED:
        raise Refused(
            _("%(test)s of %(accession)s was already verified, by %(who)s.")
            % {"test": result.order.test, "accession": result.order.specimen, "who": result.verified_by}
        )
    if result.state != LabResult.State.FILED:
        raise Refused(
            _("This result of %(test)s no longer counts (%(state)s). Open the specimen to see the one that does.")
            % {"test": result.order.test, "state": result.get_state_display()}
        )


def _supersede(result, because, by):
    if not because.strip():
        raise Refused(_("Say why: the reason stands in the history of the result."))
    result.rejected_because = because.strip()[:200]


@transaction.atomic
def reject_result(result, *, because, by):
    """This answer does not count; the test waits for another run. Raises Refused without a reason.

    One that is already verified needs who may verify infectious results (PermissionDenied for anybody else).
    """
    result = _lock_result(result)
    held = held_by(by, result.screening.clinic_id)
    if result.state == LabResult.State.VERIFIED and "labs.verify_infectious" not in held:
        raise PermissionDenied(_("This result is verified. Only a laboratory supervisor can take it back."))
    if result.state not in STANDING:
        _must_wait(result)
    _supersede(result, because, by)
    result.state = LabResult.State.REJECTED
    ordering.save(result, by, "state", "rejected_because", because=result.rejected_because)
    result.order.state = LabOrder.State.COLLECTED
    ordering.save(result.order, by, "state", because=result.rejected_because)
    return result


@transaction.atomic
def correct(result, *, text, because, by, at=None):
    """File a new version in place of the one that stands; it must be verified again. Raises Refused without a reason,
    or when the text is no result of this test."""
    result = _lock_result(result)
    if result.state not in STANDING:
        _must_wait(result)
    _supersede(result, because, by)
    result.state = LabResult.State.SUPERSEDED
    ordering.save(result, by, "state", "rejected_because", because=result.rejected_because)
    return _file(result.order, text=text, by=by, at=at, status=LabResult.Status.CORRECTED)
