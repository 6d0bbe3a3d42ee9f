"""Quality control: controls measured and judged; an assay that fails is locked, and opened again by who answers for it.

An assay is a test on one instrument ("" by hand) at one site. Whoever measures a control or opens a lock holds the
assay for herself; whoever verifies holds it together with others. So a result is verified before a control failed or
after it, and never beside it.
"""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from uuid import UUID
from zoneinfo import ZoneInfo

from django.core.exceptions import PermissionDenied
from django.db import connection, transaction
from django.utils import dateformat, timezone
from django.utils.translation import gettext as _

from mhac.labs import ordering
from mhac.labs.models import AssayLock, ControlRun, ControlTarget, LabResult, ReleasedInSpite, Test
from mhac.labs.services.locked import Refused
from mhac.protocols import westgard

HOLD = 71_20  # the class of our advisory locks; the assay is their number
LARGEST = Decimal(10) ** 10
SIX_PLACES = Decimal("0.000001")
# The longest series a rule looks at is ten; of three levels that is thirty.
SERIES = 60
REJECTED = ControlRun.Verdict.REJECTED


def hold(clinic_id, test_id, instrument, *, shared=False):
    """Keep the assay as it is until this transaction ends: alone, or together with others who only look."""
    function = "pg_advisory_xact_lock_shared" if shared else "pg_advisory_xact_lock"
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {function}(%s, hashtext(%s))", [HOLD, f"{clinic_id} {test_id} {instrument}"])


def _may(user, permission, clinic_id):
    held = set().union(*(held for site, held in user.rights.items() if site in {None, clinic_id}))
    if permission not in held:
        raise PermissionDenied(_("Your role does not allow this here. Ask the quality officer of this site."))


def _require(because):
    if not because.strip():
        raise Refused(_("Say what was found and what was done: it stands in the record."))
    return because.strip()[:200]


# Targets


@transaction.atomic
def set_target(lot, *, test, mean, sd, source, by, instrument="", measurements=None):
    """What `lot` should measure for `test` on `instrument`. An earlier target is kept, out of use. The new one.

    Raises Refused for a lot that is not in use or expired, a test without numbers, a deviation that is not positive,
    own measurements without their number; PermissionDenied for who may set a target but not replace one.
    """
    _in_use(lot, lot.clinic.today())
    if test.kind != Test.Kind.NUMERIC:
        raise Refused(_("%(test)s is not a number: it has no mean. Choose a test that is measured.") % {"test": test})
    if sd <= 0:
        raise Refused(_("The standard deviation must be more than 0. Look at the sheet again."))
    if source == ControlTarget.Source.OWN and (measurements or 0) < 2:
        raise Refused(_("Say how many measurements the mean and the deviation come from: at least 2, better 20."))
    hold(lot.clinic_id, test.pk, instrument)
    for old in lot.targets.select_for_update().filter(test=test, instrument=instrument, active=True):
        _may(by, "labs.change_controltarget", lot.clinic_id)
        old.active = False
        ordering.save(old, by, "active")
    new = ControlTarget(lot=lot, test=test, instrument=instrument, mean=mean, sd=sd, source=source, set_by=by)
    new.measurements = measurements if source == ControlTarget.Source.OWN else None
    ordering.save(new, by)
    return new


@transaction.atomic
def end_lot(lot, *, by):
    """Take a lot out of use: it is measured no more, its runs stay."""
    lot = type(lot).objects.select_for_update().get(pk=lot.pk)
    lot.active = False
    ordering.save(lot, by, "active")
    return lot


def _in_use(lot, day):
    if not lot.active:
        raise Refused(_("%(lot)s is out of use. Measure the lot that is in use, or enter the new one.") % {"lot": lot})
    if lot.expires_on < day:
        raise Refused(
            _("%(lot)s expired on %(day)s. Open a new lot and enter it with its targets.")
            % {"lot": lot, "day": lot.expires_on.isoformat()}
        )


# Runs


@dataclass(frozen=True)
class Control:
    """A measurement of a control as an analyzer sent it; `number` in the unit of the test, `key` names its row."""

    clinic_id: UUID
    instrument: str
    test: str
    number: Decimal | None
    lot: str
    level: str
    at: datetime
    key: str


def record_control(control):
    """Record what an analyzer measured of a control, once; the run, or None when no target in use fits it.

    The lot must be ours letter by letter (capitals apart), the level too where both state one.
    """
    if control.number is None or not control.lot:
        return None
    rows = ControlTarget.objects.filter(active=True, lot__active=True, lot__clinic=control.clinic_id)
    rows = rows.filter(test__key=control.test, instrument=control.instrument, lot__lot__iexact=control.lot)
    if control.level:
        rows = rows.filter(lot__level__iexact=control.level)
    found = list(rows.select_related("lot__clinic", "test")[:2])
    if len(found) != 1:
        return None
    try:
        return measure_control(found[0], value=control.number, at=control.at, by=None, wire_key=control.key)
    except Refused:
        return None


def controls_recorded(keys):
    """Those of these rows of the wire that became a control run."""
    return set(ControlRun.objects.filter(wire_key__in=keys).values_list("wire_key", flat=True))


@transaction.atomic
def measure_control(target, *, value, by, at=None, wire_key=""):
    """Record one measurement of a control and judge it; a rejected one locks its assay. The run.

    Raises Refused for a target or lot that is not in use, an expired lot, a time to come, a value beyond all measure.
    """
    lot, now = target.lot, timezone.now()
    at = at or now
    hold(lot.clinic_id, target.test_id, target.instrument)
    if wire_key and (before := ControlRun.objects.filter(wire_key=wire_key).first()):
        return before
    lot.refresh_from_db(fields=["active", "expires_on"])
    target.refresh_from_db(fields=["active"])
    if not target.active:
        raise Refused(_("This target was replaced. Enter the value under the one that is in use."))
    _in_use(lot, at.astimezone(ZoneInfo(lot.clinic.timezone)).date())
    if at > now:
        raise Refused(_("This time is still to come. Enter when the control was measured."))
    if abs(value) >= LARGEST:
        raise Refused(_("This value is beyond all measure. Check the decimal point."))
    run = ControlRun(target=target, clinic_id=lot.clinic_id, value=value.quantize(SIX_PLACES), at=at)
    run.entered_by, run.wire_key = by, wire_key
    broken = westgard.broken([*_series(target, at), point_of(run)])
    run.broken, run.verdict = list(broken), _verdict(broken)
    ordering.save(run, by)
    if run.verdict == REJECTED and _open_lock(lot.clinic_id, target.test_id, target.instrument) is None:
        lock = AssayLock(clinic_id=lot.clinic_id, test=target.test, instrument=target.instrument, run=run, locked_at=at)
        lock.because = ", ".join(broken)
        ordering.save(lock, by)
    return run


def _verdict(broken):
    if not broken:
        return ControlRun.Verdict.IN_CONTROL
    return ControlRun.Verdict.WARNING if broken == (westgard.WARNING,) else REJECTED


def point_of(run):
    """A run as the rules see it: in standard deviations of the target it was measured against."""
    z = westgard.z_value(run.value, run.target.mean, run.target.sd)
    return westgard.Point(run.target.lot.level, z, run.at)


def runs_of(clinic_id, test_id, instrument):
    """All runs of one assay, of every level, lot and target."""
    rows = ControlRun.objects.filter(clinic=clinic_id, target__test=test_id, target__instrument=instrument)
    return rows.select_related("target__lot", "target__test")


def _series(target, at):
    """The points of the assay up to `at`, after the last rejected one, the oldest first."""
    rows = runs_of(target.lot.clinic_id, target.test_id, target.instrument).filter(at__lte=at).order_by("-at", "-id")
    found = []
    for run in rows[:SERIES]:
        if run.verdict == REJECTED:
            break
        found.append(point_of(run))
    return found[::-1]


# Locks


def _open_lock(clinic_id, test_id, instrument):
    rows = AssayLock.objects.filter(clinic=clinic_id, test=test_id, instrument=instrument, opened_at=None)
    return rows.select_related("run__target__lot", "test", "clinic").first()


@transaction.atomic
def lock_assay(target, *, because, by, at=None):
    """Lock an assay by hand, for a cause that no rule sees. Raises Refused without a reason, or when it is locked."""
    clinic_id = target.lot.clinic_id
    _may(by, "labs.open_lock", clinic_id)
    because = _require(because)
    hold(clinic_id, target.test_id, target.instrument)
    if _open_lock(clinic_id, target.test_id, target.instrument):
        raise Refused(_("This assay is locked already."))
    lock = AssayLock(clinic_id=clinic_id, test=target.test, instrument=target.instrument, because=because)
    lock.locked_by, lock.locked_at = by, at or timezone.now()
    ordering.save(lock, by)
    return lock


def why_not_open(lock):
    """What is still to be done before this lock can be opened, in a sentence; "" when the controls are in order.

    Every level in use must be in control when it was measured last, and the one that failed must have been measured
    since; where its lot was ended in the meantime, another level or lot stands for it.
    """
    later = runs_of(lock.clinic_id, lock.test_id, lock.instrument).filter(at__gte=lock.locked_at)
    later = later.exclude(pk=lock.run_id)
    last = {run.target.lot.level: run for run in later.order_by("at", "id")}
    levels = set(
        ControlTarget.objects.filter(
            lot__clinic=lock.clinic_id, test=lock.test_id, instrument=lock.instrument, active=True, lot__active=True
        ).values_list("lot__level", flat=True)
    )
    failed = {lock.run.target.lot.level} & levels if lock.run else set()
    bad = sorted(level for level, run in last.items() if run.verdict == REJECTED and level in levels)
    missing = sorted(failed - last.keys())
    if bad or missing or not last:
        return _("Not in control yet: measure the control again (%(levels)s), and open it when it is in control.") % {
            "levels": ", ".join(bad or missing or sorted(levels)) or "–"
        }
    return ""


@transaction.atomic
def open_assay(lock, *, because, by, at=None):
    """Release an assay whose controls are in order again; what was found and done is written on lock and run.

    Raises PermissionDenied without the right, Refused without a note, when it is open, or not in control yet.
    """
    _may(by, "labs.open_lock", lock.clinic_id)
    because = _require(because)
    hold(lock.clinic_id, lock.test_id, lock.instrument)
    lock = AssayLock.objects.select_for_update(of=("self",)).select_related("run__target__lot", "test").get(pk=lock.pk)
    if lock.opened_at:
        raise Refused(_("This lock was opened already, by %(who)s.") % {"who": lock.opened_by})
    if why := why_not_open(lock):
        raise Refused(why)
    lock.opened_by, lock.opened_at, lock.opened_because = by, at or timezone.now(), because
    ordering.save(lock, by, "opened_by", "opened_at", "opened_because", because=because)
    if lock.run:
        lock.run.note, lock.run.noted_by = because, by
        ordering.save(lock.run, by, "note", "noted_by", because=because)
    return lock


@transaction.atomic
def release_in_spite(lock, *, result, because, by, at=None):
    """Let one result be verified although its assay is locked. It still needs who verifies it.

    Raises PermissionDenied without the right, Refused for a result one typed oneself, one the lock does not hold, one
    that does not wait, or without a reason.
    """
    _may(by, "labs.open_lock", lock.clinic_id)
    because = _require(because)
    rows = LabResult.objects.select_for_update(of=("self",)).select_related("order__test", "screening")
    result = rows.get(pk=result.pk)
    hold_still(result)
    if result.entered_by_id == by.pk:
        raise Refused(_("You entered this result yourself: somebody else must answer for it."))
    if (
        result.state != LabResult.State.FILED
        or lock.opened_at
        or why_locked([result]).get(result.pk, (None,))[0] != lock
    ):
        raise Refused(_("This lock does not hold this result back. Look at the list again."))
    new = ReleasedInSpite(lock=lock, result=result, by=by, at=at or timezone.now(), because=because)
    ordering.save(new, by, because=because)
    return new


# What a lock holds back


def since(lock):
    """When the failed level was last in control before it failed; None: never. What was measured after is held."""
    rows = runs_of(lock.clinic_id, lock.test_id, lock.instrument).exclude(verdict=REJECTED)
    if lock.run:
        rows = rows.filter(target__lot__level=lock.run.target.lot.level, at__lt=lock.run.at)
    else:
        rows = rows.filter(at__lt=lock.locked_at)
    return rows.order_by("at").values_list("at", flat=True).last()


def hold_still(result):
    """Keep the assays of a result as they are while it is verified."""
    for instrument in sorted(_instruments([result])[result.pk]):
        hold(_site(result), result.order.test_id, instrument, shared=True)


def _site(result):
    """The key of the site in whose laboratory it was measured."""
    tube = result.order.specimen
    return tube.examined_at_id if tube else result.screening.clinic_id


def _instruments(results):
    """Result -> what it was measured on. A value that somebody corrected by hand still comes from its instrument."""
    found = {each.pk: {each.instrument} for each in results}
    corrected = {each.order_id: each.pk for each in results if each.status == LabResult.Status.CORRECTED}
    if corrected:
        before = LabResult.objects.filter(order__in=corrected, state=LabResult.State.SUPERSEDED)
        for order, instrument in before.values_list("order_id", "instrument"):
            found[corrected[order]].add(instrument)
    return found


def why_locked(results):
    """Result -> (lock, sentence), for those of `results` that a lock holds back; one query where nothing is locked."""
    sites = {_site(each) for each in results}
    rows = AssayLock.objects.filter(clinic__in=sites, opened_at=None) if sites else AssayLock.objects.none()
    locks = {
        (each.clinic_id, each.test_id, each.instrument): each
        for each in rows.select_related("run__target__lot", "test")
    }
    if not locks:
        return {}
    released = set(ReleasedInSpite.objects.filter(result__in=results).values_list("result_id", flat=True))
    began = {each.pk: since(each) for each in locks.values()}
    measured_on, found = _instruments(results), {}
    for result in results:
        for instrument in measured_on[result.pk]:
            lock = locks.get((_site(result), result.order.test_id, instrument))
            if lock is None or result.pk in released:
                continue
            if began[lock.pk] is None or (result.observed_at or result.filed_at) > began[lock.pk]:
                found[result.pk] = lock, sentence(lock)
    return found


def sentence(lock):
    """Why an assay is locked and what to do, for whoever wanted to verify."""
    names = {"test": lock.test, "instrument": lock.instrument or _("by hand"), "because": lock.because}
    names["when"] = dateformat.format(timezone.localtime(lock.locked_at), "d M Y, H:i")
    if lock.run is None:
        return (
            _("%(test)s (%(instrument)s) is locked since %(when)s: %(because)s. The quality officer opens it.") % names
        )
    names["control"] = lock.run.target.lot
    return (
        _("%(test)s (%(instrument)s) is locked since %(when)s: control %(control)s broke %(because)s.") % names
        + " "
        + _("Find the cause, measure the control again; the quality officer then opens it.")
    )
