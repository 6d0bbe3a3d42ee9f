"""Telling the site that a family's earliest expiry is near: once for each expiry and each number of days before it."""

import datetime
from collections import defaultdict

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from mhac.clinics.models import Clinic
from mhac.decisions import clock
from mhac.decisions.models import ExpiryNotice, SignOff
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam
from mhac.protocols.family import THRESHOLDS, threshold
from mhac.screenings.models import Case, Screening

BATCH = 50
# No programme's result counts longer than this from its examination (the longest term is twelve months).
LONGEST_DAYS = 400


def look(*, batch=BATCH):
    """Look at every family whose results may end soon, at every site; the number of notices made. Safe at any time."""
    return sum(len(look_at(clinic, on=clinic.today(), batch=batch)) for clinic in Clinic.objects.all())


def look_at(clinic, *, on, batch=BATCH):
    """The notices made for the families of one site on a day."""
    cases = list(may_end_soon(clinic, on))
    made = []
    for start in range(0, len(cases), batch):
        for found in clock.of_many(cases[start : start + batch], on=on).values():
            made += tell(found)
    return made


def may_end_soon(clinic, on):
    """Cases with a signed result that ends within thirty days, or with an open screening that somebody has begun."""
    last = on + datetime.timedelta(days=max(THRESHOLDS))
    since = on - datetime.timedelta(days=LONGEST_DAYS)
    signed = SignOff.objects.standing().filter(valid_until__range=(on, last))
    seen = Q(pk__in=PhysicalExam.objects.filter(held_on__gte=since).values("screening"))
    seen |= Q(pk__in=MedicalHistory.objects.filter(taken_on__gte=since).values("screening"))
    seen |= Q(pk__in=ChestXray.objects.filter(taken_on__gte=since).values("screening"))
    begun = Screening.objects.open().filter(seen, clinic=clinic)
    ends = Q(pk__in=signed.values("screening__case")) | Q(pk__in=begun.values("case"))
    return Case.objects.filter(ends, clinic=clinic).select_related("clinic").order_by("pk")


def tell(found):
    """Make the notice that this clock asks for on its day, unless it is made already: [] or [notice].

    Whoever looks first makes it, also when two look at once. A family that was late to be looked at is told of the
    nearest number of days only.
    """
    if found.expiry is None or found.is_over:
        return []
    days = threshold(found.expiry.day, found.today)
    if days is None:
        return []
    notice, new = ExpiryNotice.objects.get_or_create(
        case=found.case,
        expires_on=found.expiry.day,
        days=days,
        defaults={"screening_id": found.member(found.expiry.key).screening.pk, "made_on": found.today},
    )
    return [notice] if new else []


@transaction.atomic
def acknowledge(notice, *, by):
    """Write who has seen it, and with it earlier notices of the same expiry; the first who saw it stays."""
    same = ExpiryNotice.objects.select_for_update().filter(case=notice.case_id, expires_on=notice.expires_on)
    for each in same.unseen().order_by("pk"):
        each.seen_by, each.seen_at = by, timezone.now()
        each._history_user = by
        each.save(update_fields=["seen_by", "seen_at"])


def standing(notices):
    """[(notice, clock)] of those notices that still say what is: the expiry is the same, and the family has not left.

    The nearest of each family. Where there is none, one question is asked; otherwise a number that does not grow.
    """
    nearest = {}
    for notice in notices.order_by("-made_on", "days"):
        nearest.setdefault((notice.case_id, notice.expires_on), notice)
    by_site = defaultdict(list)
    for notice in nearest.values():
        by_site[notice.case.clinic].append(notice)
    found = []
    for clinic, told in by_site.items():
        today = clinic.today()
        coming = [notice for notice in told if notice.expires_on >= today]
        clocks = clock.of_many({notice.case_id: notice.case for notice in coming}.values(), on=today)
        found += [(notice, clocks[notice.case_id]) for notice in coming if _still(notice, clocks[notice.case_id])]
    return sorted(found, key=lambda pair: (pair[0].expires_on, str(pair[0].pk)))


def _still(notice, found):
    return not found.is_over and found.expiry is not None and found.expiry.day == notice.expires_on
