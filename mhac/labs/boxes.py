"""The lists of boxes: what is packed, on the way, counted, and what did not arrive."""

from dataclasses import dataclass
from zoneinfo import ZoneInfo

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


@dataclass(frozen=True)
class Transit:
    """Where a tube is on its way: the day of its journey (1 is the day on which it left), of how many it may take."""

    manifest: Manifest
    day: int
    days: int

    @property
    def late(self):
        return self.day > self.days


def transit_of(specimens, now=None):
    """Tube key -> its Transit, for those that were sent and have not been counted out; one query for all of them."""
    sent = [each.pk for each in specimens if each.state == Specimen.State.SENT]
    lines = ManifestLine.objects.filter(specimen__in=sent).exclude(state=ManifestLine.State.ARRIVED)
    found = {}
    for line in lines.select_related("manifest__to", "manifest__clinic").order_by("pk") if sent else ():
        found[line.specimen_id] = _transit(line.manifest, now or timezone.now())
    return found


def _transit(manifest, now):
    zone = ZoneInfo(manifest.clinic.timezone)
    left, expected, today = (each.astimezone(zone).date() for each in (manifest.sent_at, manifest.expected_at, now))
    return Transit(manifest, (today - left).days + 1, (expected - left).days + 1)
