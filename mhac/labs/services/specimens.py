"""Tubes: taken at the chair, received on the bench, or rejected and taken again."""

from collections import defaultdict
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.labs import ordering
from mhac.labs.models import LabOrder, LabResult, Specimen, SpecimenTube, Test
from mhac.labs.services import custody, labels
from mhac.labs.services.locked import Refused, lock_screening, lock_specimen
from mhac.labs.services.results import held_by
from mhac.patients import services as patients
from mhac.patients.models import IdentityCheck
from mhac.screenings.models import Screening


@transaction.atomic
def collect(screening, *, orders, by, at=None):
    """Take the specimens for `orders`: one per kind of tube (and number of the series), each with a new accession.

    Raises Refused when the person was not compared with her photo at the collection today, when nothing was chosen,
    when an order is not waiting for collection, or when a specimen of a series was already taken that day.
    """
    screening = lock_screening(screening.pk)
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
    checks = IdentityCheck.objects.of(screening.patient).filter(clinic=screening.clinic_id, day=day)
    last = checks.filter(station=station).order_by("id").last()
    return last is not None and last.confirmed


def _require_identity(screening, at):
    if stopped := patients.held(screening.patient):
        raise Refused(stopped)
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
        series = Specimen.objects.filter(screening=screening, tube=tube).exclude(state__in=custody.GONE)
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
    labels.issue(specimen, by=by)
    custody.begin(specimen, by=by)
    for each in orders:
        each.specimen, each.state = specimen, LabOrder.State.COLLECTED
        ordering.save(each, by, "specimen", "state")
    return specimen


@transaction.atomic
def receive(specimen, *, by, at=None):
    """The tube has arrived in the laboratory, for the first time, back from another one, or found again.

    Raises Refused when it was received or rejected before, or is on its way elsewhere.
    """
    specimen = lock_specimen(specimen)
    if specimen.state == Specimen.State.LOST:
        return custody.find(specimen, by=by, at=at)
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
    if specimen.state == Specimen.State.ARRIVED and "labs.change_specimen" not in held_by(by, specimen.clinic_id):
        raise Refused(_("%(accession)s was counted out of its box. Type its results now.") % {"accession": specimen})
    move = "come_back" if specimen.state == Specimen.State.ARRIVED else "receive"
    specimen.laboratory = None
    specimen.received_at, specimen.received_by = at or timezone.now(), by
    custody.step(specimen, move, by=by, at=specimen.received_at, fields=("received_at", "received_by", "laboratory"))
    labels.used(specimen, by=by)
    return specimen


@transaction.atomic
def reject(specimen, *, because, by):
    """The tube cannot be used (`because`: a Specimen.Reject). Its tests are ordered again; the new orders.

    Results that wait for verification are rejected with it; raises Refused when one is verified.
    """
    if because not in Specimen.Reject.values:
        raise Refused(_("Choose why the specimen cannot be used."))
    specimen = lock_specimen(specimen)
    if specimen.state == Specimen.State.REJECTED:
        raise Refused(_("%(accession)s is rejected already.") % {"accession": specimen.accession})
    rows = LabOrder.objects.select_for_update(of=("self",)).filter(specimen=specimen).order_by("pk")
    rows = list(rows.exclude(state=LabOrder.State.CANCELLED).select_related("test"))
    if any(row.state == LabOrder.State.VERIFIED for row in rows):
        raise Refused(
            _("%(accession)s has verified results. A supervisor must reject those results first, with a reason.")
            % {"accession": specimen.accession}
        )
    specimen.rejected_because = because
    why = _("specimen rejected: %(reason)s") % {"reason": specimen.get_rejected_because_display()}
    custody.step(specimen, "reject", by=by, because=why, fields=("rejected_because",))
    labels.void(specimen, because=why, by=by)
    for result in LabResult.objects.select_for_update().filter(order__in=rows, state=LabResult.State.FILED):
        result.state, result.rejected_because = LabResult.State.REJECTED, why
        ordering.save(result, by, "state", "rejected_because", because=why)
    for row in rows:
        row.state = LabOrder.State.CANCELLED
        ordering.save(row, by, "state", because=why)
    return [ordering.again(row, by=by) for row in rows] if specimen.screening.is_open else []
