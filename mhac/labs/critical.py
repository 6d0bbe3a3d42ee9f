"""Critical values as they are looked at: those that wait, those of a day, and the warning that every page carries."""

import datetime
from dataclasses import dataclass

from django.db.models import OuterRef, Prefetch, Q, Subquery

from mhac.labs import calls
from mhac.labs.models import CriticalCall, CriticalEscalation, LabResult

LOOK_BACK = datetime.timedelta(days=31)
RECENT = datetime.timedelta(days=3)
MOST = 50  # of the waiting ones that a page counts
NAMED = 3  # of them that the warning names

STANDING = (LabResult.State.FILED, LabResult.State.VERIFIED)
ENDED = (LabResult.State.REJECTED, LabResult.State.SUPERSEDED)
CALLERS = {"labs.add_criticalcall", "labs.verify_infectious"}


def with_end(rows):
    """`rows` with `.ended_at`: since when a version does not count any more, None while it does."""
    history = LabResult.history.filter(id=OuterRef("pk"), state__in=ENDED).order_by("history_date")
    return rows.annotate(ended_at=Subquery(history.values("history_date")[:1]))


# The warning of every page


@dataclass(frozen=True)
class Warning:
    """Critical values that nobody has taken note of: how many, since how many minutes the oldest waits, and those that
    this user may see by name (accession, test, key, minutes)."""

    count: int
    minutes: int
    named: tuple
    may_open: bool

    @property
    def level(self):
        """Which limit has passed: 15, 30 or 60."""
        return max(limit for limit in calls.LIMITS if limit <= self.minutes)


@dataclass(frozen=True)
class Named:
    key: object
    accession: str
    test: str
    minutes: int


def warning(rights, now):
    """What waits beyond the limit of whoever holds `rights` (site -> permissions; None: everywhere), in one query; None
    when nothing does, and no query for who is not concerned."""
    concerned = Q()
    for site, held in rights.items():
        if limit := calls.told_after(held):
            concerned |= Q(filed_at__lte=now - datetime.timedelta(minutes=limit)) & _at(site)
    if not concerned:
        return None
    rows = LabResult.objects.filter(concerned, critical=True, state__in=STANDING, acknowledgement=None)
    columns = ("pk", "filed_at", "screening__clinic", "order__specimen__accession", "order__test__name")
    found = list(rows.order_by("filed_at").values_list(*columns, "order__test__told_in_person")[:MOST])
    if not found:
        return None
    seen = [each for each in found if "labs.view_labresult" in _held(rights, each[2])]
    named = tuple(
        # A test that is told in person is not named on a page that anybody may look at over a shoulder.
        Named(key, accession, "" if in_person else test, calls.minutes_since(filed, now))
        for key, filed, _site, accession, test, in_person in seen[:NAMED]
    )
    return Warning(len(found), calls.minutes_since(found[0][1], now), named, bool(seen))


def _at(site):
    return Q() if site is None else Q(screening__clinic=site)


def _held(rights, site):
    return rights.get(None, set()) | rights.get(site, set())


# The list, one value, and the log of a day


def _rows(user):
    people = ("order__test", "order__specimen", "screening__patient", "screening__clinic", "acknowledgement__by")
    told = Prefetch("calls", CriticalCall.objects.select_related("made_by"), to_attr="attempts")
    limits = Prefetch("escalations", CriticalEscalation.objects.order_by("minutes"), to_attr="passed")
    rows = LabResult.objects.visible_to(user).filter(critical=True)
    return with_end(rows).select_related(*people).prefetch_related(told, limits)


def ready(result, user, now):
    """`result` with what the pages show of it: `.told` (the last call that reached somebody), `.taken`, `.minutes`,
    `.call_due`, `.readable` (whether this user may see whose it is)."""
    reached = [each for each in result.attempts if each.reached]
    result.told = reached[-1] if reached else None
    result.taken = getattr(result, "acknowledgement", None)
    result.minutes = calls.minutes_since(result.filed_at, now)
    result.stands = result.state in STANDING
    result.is_open = result.stands and not (result.told and result.taken)
    result.readable = "labs.view_labresult" in _held(user.rights, result.screening.clinic_id)
    result.call_due = "red" if result.minutes >= calls.TELL_AT_LAST else "amber"
    return result


def open_values(user, now):
    """Critical values that stand and that nobody was told or nobody has taken note of, the oldest first."""
    rows = _rows(user).filter(state__in=STANDING)
    untold = ~Q(pk__in=CriticalCall.objects.filter(reached=True).values("result"))
    rows = rows.filter(Q(acknowledgement=None) | untold).order_by("filed_at")[: 2 * MOST]
    return [ready(each, user, now) for each in rows]


def closed_values(user, now):
    """Those of the last days that need nothing more, the newest first."""
    rows = _rows(user).filter(filed_at__gte=now - RECENT).order_by("-filed_at")[: 2 * MOST]
    return [each for each in (ready(row, user, now) for row in rows) if not each.is_open]


def withdrawn_values(user, now):
    """Values that somebody was told and that hold no longer, until that was told too."""
    heard = Q(acknowledgement__isnull=False) | Q(pk__in=CriticalCall.objects.filter(reached=True).values("result"))
    orders = LabResult.objects.visible_to(user).filter(heard, critical=True, state__in=ENDED)
    orders = orders.filter(filed_at__gte=now - LOOK_BACK).values("order")
    by_order = {}
    for each in _rows(user).filter(order__in=orders).order_by("order", "version"):
        by_order.setdefault(each.order_id, []).append(ready(each, user, now))
    found = []
    for versions in by_order.values():
        place = calls.withdrawn([value_of(each) for each in versions], any(each.stands for each in versions))
        if place is not None:
            found.append(versions[place])
    return found


def is_withdrawn(user, result, now):
    """Whether whoever was told this value has still to hear that it holds no longer."""
    return not result.stands and result.pk in {each.pk for each in withdrawn_values(user, now)}


def value_of(result):
    """A row with its calls as the rules see it."""
    taken = getattr(result, "acknowledgement", None)
    told = tuple(each.made_at for each in result.attempts if each.reached)
    return calls.Value(result.filed_at, result.ended_at, taken.at if taken else None, told)


def of_day(user, day, now):
    """The critical values that arrived on one day of the site (aware bounds), in order, for the printed log."""
    first, last = day
    rows = _rows(user).filter(filed_at__gte=first, filed_at__lt=last).order_by("filed_at")
    return [ready(each, user, now) for each in rows]


def one(user, key):
    """Rows among which the page of one value looks; `key` is the result's."""
    return _rows(user).filter(pk=key)
