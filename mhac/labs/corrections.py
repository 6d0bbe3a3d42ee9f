"""Who relied on a result that was corrected since: a query, so that nothing has to be sent to anybody."""

import datetime

from django.db.models import CharField, F, Max, OuterRef, Q, Subquery
from django.db.models.functions import Cast

from mhac.accounts.models import Access
from mhac.labs.models import LabResult, Specimen

LOOK_BACK = datetime.timedelta(days=30)
MOST = 20


def last_look(user, specimen):
    """When this user opened the page of this tube last; None when she never did."""
    looks = Access.objects.filter(label=Specimen._meta.label_lower, key=str(specimen.pk), user=user, action="open")
    return looks.aggregate(last=Max("at"))["last"]


def mark(orders, looked):
    """Give each order with `.versions` its `.corrected`: whether a version came after `looked` in place of one that was
    there then."""
    for order in orders:
        new = [one for one in order.versions if looked and one.filed_at > looked]
        order.corrected = bool(new) and any(one.filed_at <= looked for one in order.versions)


def of_verified(user, now):
    """Results that this user verified, that were replaced since, and whose tube she has not opened after that: each
    with `.replaced_at`. Looked for in the tubes she verified in the last month."""
    newer = LabResult.objects.filter(order=OuterRef("order"), version__gt=OuterRef("version"))
    seen = Access.objects.filter(
        label=Specimen._meta.label_lower,
        key=Cast(OuterRef("order__specimen_id"), CharField()),
        user=user,
        action="open",
    )
    rows = LabResult.objects.visible_to(user).filter(
        verified_by=user, state=LabResult.State.SUPERSEDED, verified_at__gte=now - LOOK_BACK
    )
    rows = rows.annotate(
        replaced_at=Subquery(newer.order_by("version").values("filed_at")[:1]),
        seen_at=Subquery(seen.order_by("-at").values("at")[:1]),
    ).filter(replaced_at__isnull=False)
    rows = rows.filter(Q(seen_at__isnull=True) | Q(seen_at__lte=F("replaced_at")))
    return list(rows.select_related("order__test", "order__specimen").order_by("-pk")[:MOST])
