"""What a page says of quality control: every assay today, the lots, one level's runs, what a lock holds."""

import datetime
from dataclasses import dataclass, field

from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.accounts.models import RoleGrant
from mhac.labs import levey_jennings
from mhac.labs.models import AssayLock, ControlLot, ControlRun, ControlTarget, LabResult
from mhac.labs.services import quality

RUNS = levey_jennings.MOST
HELD = 50


@dataclass
class Assay:
    """A test on one instrument at one site: its levels, and what they say of today.

    `colour`: red (locked, or the last control was rejected), amber (a warning, or a level is missing), green (every
    level in control today), grey (no control today).
    """

    clinic: object
    test: object
    instrument: str
    targets: list = field(default_factory=list)
    lock: AssayLock | None = None
    colour: str = "grey"
    says: str = ""


def openers(clinic):
    """Who may open a locked assay of this site: the quality officers of the site and of the whole network."""
    codename = {"group__permissions__content_type__app_label": "labs", "group__permissions__codename": "open_lock"}
    rows = RoleGrant.objects.filter(Q(clinic=clinic) | Q(clinic=None), user__is_active=True, **codename)
    return sorted({each.user.full_name or each.user.username for each in rows.select_related("user")})


def assays(sites, now):
    """Every assay of these sites that has a control in use or a lock, in the order of the catalogue; three queries."""
    found = {}

    def assay(row, clinic):
        key = (clinic.pk, row.test_id, row.instrument)
        return found.setdefault(key, Assay(clinic, row.test, row.instrument))

    for target in _targets(sites):
        assay(target, target.lot.clinic).targets.append(target)
    locks = AssayLock.objects.filter(clinic__in=sites, opened_at=None)
    for lock in locks.select_related("clinic", "test", "run__target__lot"):
        assay(lock, lock.clinic).lock = lock
    for one in found.values():
        _say(one, now)
    return sorted(found.values(), key=lambda one: (one.clinic.code, one.test.position, one.test.key, one.instrument))


def _targets(sites):
    """Targets in use, each with its `.last` run (of this or an earlier target of its level)."""
    rows = ControlTarget.objects.filter(active=True, lot__active=True, lot__clinic__in=sites)
    targets = list(rows.select_related("lot__clinic", "test").order_by("lot__level", "lot__expires_on"))
    levels = ("clinic_id", "target__test_id", "target__instrument", "target__lot__level")
    runs = ControlRun.objects.filter(clinic__in={each.lot.clinic_id for each in targets})
    runs = runs.filter(target__test__in={each.test_id for each in targets}).order_by(*levels, "-at", "-id")
    last = {
        (run.clinic_id, run.target.test_id, run.target.instrument, run.target.lot.level): run
        for run in runs.distinct(*levels).select_related("target__lot")
    }
    for each in targets:
        each.last = last.get((each.lot.clinic_id, each.test_id, each.instrument, each.lot.level))
    return targets


def _say(assay, now):
    last = [each.last for each in assay.targets]
    today = [run for run in last if run and _day(run.at) == _day(now)]
    if assay.lock:
        assay.colour, assay.says = "red", _("locked")
    elif any(run and run.verdict == ControlRun.Verdict.REJECTED for run in last):
        assay.colour, assay.says = "red", _("rejected")
    elif not today:
        ages = [now - run.at for run in last if run]
        assay.says = _("no control today, the last %(hours)s h ago") % {"hours": _hours(min(ages))} if ages else ""
        assay.says = assay.says or _("no control yet")
    elif len(today) < len(last):
        levels = [each.lot.level for each in assay.targets if each.last not in today]
        assay.colour, assay.says = "amber", _("missing today: %(levels)s") % {"levels": ", ".join(levels)}
    elif warned := next((run for run in today if run.verdict == ControlRun.Verdict.WARNING), None):
        assay.colour = "amber"
        assay.says = f"{warned.target.lot.level}: {', '.join(warned.broken)}"
    else:
        assay.colour, assay.says = "green", _("in control")


def _day(moment):
    return timezone.localtime(moment).date()


def _hours(age):
    return int(age / datetime.timedelta(hours=1))


def of_user(user, now=None):
    """The assays this person may see the controls of; none for who sees no controls."""
    if not user.has_perm("labs.view_controlrun"):
        return []
    return assays(user.sites("labs.view_controlrun"), now or timezone.now())


def lots(user):
    """Control lots of her sites: those in use first."""
    rows = ControlLot.objects.visible_to(user).select_related("clinic")
    return list(rows.order_by("-active", "material", "level", "-expires_on")[:100])


def instruments(user):
    """Names of instruments as results carry them, for whoever types one."""
    results = LabResult.objects.visible_to(user).order_by("-pk").values_list("instrument", flat=True)[:300]
    targets = ControlTarget.objects.filter(lot__clinic__in=user.sites()).values_list("instrument", flat=True)
    return sorted({*results, *targets.distinct()} - {""})


# One level


@dataclass(frozen=True)
class Level:
    """The runs of one level, the newest first, with their chart; `older`: the key the next page begins at."""

    runs: list
    chart: object
    older: str


def level(target, before=None):
    """The last 30 runs of a target's level (of every lot it had), or the 30 before the run `before`."""
    rows = quality.runs_of(target.lot.clinic_id, target.test_id, target.instrument)
    rows = rows.filter(target__lot__level=target.lot.level).select_related("entered_by", "noted_by")
    if before is not None:
        rows = rows.filter(at__lt=before.at) | rows.filter(at=before.at, pk__lt=before.pk)
    found = list(rows.order_by("-at", "-pk")[: RUNS + 1])
    shown = found[:RUNS]
    for run in shown:
        run.z = quality.point_of(run).z
    return Level(shown, levey_jennings.chart(shown[::-1]), str(shown[-1].pk) if len(found) > RUNS else "")


# One lock


@dataclass(frozen=True)
class Held:
    """What a lock holds back, what was released in spite of it, and what had been released before it failed."""

    waiting: list
    in_spite: list
    released: list


def held_by(lock):
    """Results of the locked assay measured since its last run in control."""
    rows = LabResult.objects.measured_at(lock.clinic_id).filter(order__test=lock.test_id)
    rows = rows.select_related("order__test", "order__specimen", "screening", "entered_by").order_by("-pk")
    waiting = list(rows.to_verify()[:500]) if not lock.opened_at else []
    locked = quality.why_locked(waiting)
    began = quality.since(lock)
    end = lock.opened_at or timezone.now()
    released = rows.verified().filter(instrument=lock.instrument, observed_at__lte=end, verified_at__lte=lock.locked_at)
    if began is not None:
        released = released.filter(observed_at__gt=began)
    return Held(
        [each for each in waiting if locked.get(each.pk, (None,))[0] == lock][:HELD],
        list(lock.overrides.select_related("result__order__specimen", "by")),
        list(released[:HELD]),
    )


def locks(sites, limit=20):
    """The locks of these sites, the newest first."""
    rows = AssayLock.objects.filter(clinic__in=sites).select_related("clinic", "test", "run__target__lot", "opened_by")
    return list(rows.order_by("-id")[:limit])
