"""The lists of boxes: what is packed, on the way, counted, and what did not arrive."""

from django.db.models import Count, Prefetch, Q
from django.utils import timezone

from mhac.labs.models import LabOrder, Manifest, ManifestLine, Specimen

SHOWN = 200


def of(user):
    """The boxes this user may know, the open ones first, each with how many tubes it has and how many are missing."""
    rows = Manifest.objects.visible_to(user).select_related("to", "clinic")
    rows = rows.annotate(tubes=Count("lines"), missing=Count("lines", filter=Q(lines__state="missing")))
    found = sorted(rows.order_by("-pk")[:SHOWN], key=lambda each: each.state == Manifest.State.ARRIVED)
    now = timezone.now()
    for each in found:
        each.late = each.state == Manifest.State.SENT and each.expected_at < now
    return found


def alarms(user):
    """Boxes that are late, or from which a tube is missing that nobody has found or declared lost; with `.gone`."""
    rows = Manifest.objects.visible_to(user)
    late, short = rows.overdue(timezone.now()).values("pk"), rows.short().values("pk")
    missing = ManifestLine.objects.filter(state=ManifestLine.State.MISSING, specimen__state=Specimen.State.SENT)
    gone = Prefetch("lines", missing.select_related("specimen").order_by("pk"), to_attr="gone")
    rows = rows.filter(Q(pk__in=late) | Q(pk__in=short)).select_related("to", "clinic")
    return list(rows.prefetch_related(gone).order_by("expected_at")[:20])


def lines(manifest):
    """The tubes of a box in the order in which they were packed, each with its `.tests`."""
    shown = LabOrder.objects.exclude(state=LabOrder.State.CANCELLED).select_related("test").order_by("test__position")
    tests = Prefetch("specimen__orders", shown, to_attr="tests")
    return list(manifest.lines.select_related("specimen", "settled_by").prefetch_related(tests).order_by("pk"))
