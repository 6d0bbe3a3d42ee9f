"""What became of the labels of a site and a day: every number that was given out is accounted for, or stands in a list.

Given out = printed + withdrawn before printing; printed = used + void + missing. A label that is neither is open.
"""

import datetime
from dataclasses import dataclass

from django.db.models import Case, CharField, Count, Exists, F, OuterRef, Q, Value, When

from mhac.labs.models import Label, LabOrder

DONE = [LabOrder.State.RESULTED, LabOrder.State.VERIFIED]


@dataclass(frozen=True)
class Day:
    """The labels of one site and day, counted."""

    clinic: object
    day: datetime.date
    issued: int
    printed: int
    withdrawn: int
    used: int
    void: int
    missing: int

    @property
    def open(self):
        """Numbers of which nobody knows what became of them."""
        return self.issued - self.withdrawn - self.used - self.void - self.missing

    @property
    def given_holds(self):
        return self.issued == self.printed + self.withdrawn

    @property
    def paper_holds(self):
        return self.printed == self.used + self.void + self.missing

    @property
    def holds(self):
        return self.given_holds and self.paper_holds


def days(labels, *, since=None):
    """The counts of each site and day among `labels`, the newest day first.

    A tube with a result was in somebody's hands: its label is used although nobody scanned it.
    """
    rows = labels.filter(day__gte=since) if since else labels
    has_result = Exists(LabOrder.objects.filter(specimen=OuterRef("specimen"), state__in=DONE))
    by_result = Q(state__in=[Label.State.ISSUED, Label.State.PRINTED]) & has_result
    became = Case(When(by_result, then=Value("used")), default=F("state"), output_field=CharField())
    counted = rows.annotate(became=became).values("clinic__name", "day").order_by("-day", "clinic__name")
    counted = counted.annotate(
        issued=Count("pk"),
        printed=Count("pk", filter=Q(prints__gt=0)),
        withdrawn=Count("pk", filter=Q(became="void", prints=0)),
        used=Count("pk", filter=Q(became="used")),
        void=Count("pk", filter=Q(became="void", prints__gt=0)),
        missing=Count("pk", filter=Q(became="missing")),
    )
    return [Day(row.pop("clinic__name"), **row) for row in counted]


def unsettled(labels, *, count=200):
    """The open labels and those that are missing, the oldest first, with their tube and person."""
    rows = labels.filter(Q(pk__in=labels.open()) | Q(state=Label.State.MISSING))
    rows = rows.select_related("clinic", "specimen__screening__patient")
    return list(rows.order_by("day", "number")[:count])
