"""Alarms of the wire: one row for each cause as long as it lasts, with since when and who has seen it."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row


class AlarmQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Of the user's sites; the wire itself is everybody's."""
        return self.filter(Q(clinic__in=user.sites()) | Q(clinic__isnull=True))

    def standing(self):
        return self.filter(cleared_at__isnull=True)


class Alarm(Row):
    """One cause that lasts: raised once, acknowledged by a person, cleared when its cause ends.

    `figure` is what was measured: hours of silence, hours an order waits, seconds the clock is off, orders, rows.
    """

    class Kind(models.TextChoices):
        WIRE = "wire", _("the wire is not listening")
        SILENT = "silent", _("silent")
        NO_RESULTS = "no_results", _("orders wait, no result comes")
        CLOCK = "clock", _("its clock is wrong")
        LINK = "link", _("not reached")
        UNANSWERED = "unanswered", _("an order was not answered")
        UNMATCHED = "unmatched", _("many rows wait")
        UNWRITTEN = "unwritten", _("an order cannot be written")

    clinic = models.ForeignKey(Clinic, models.PROTECT, null=True, related_name="+")
    analyzer = models.ForeignKey("lab_integration.Analyzer", models.CASCADE, null=True, related_name="alarms")
    kind = models.CharField(max_length=10, choices=Kind.choices)
    figure = models.IntegerField(default=0)
    since = models.DateTimeField()
    acknowledged_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    acknowledged_at = models.DateTimeField(null=True)
    cleared_at = models.DateTimeField(null=True)

    objects = AlarmQuerySet.as_manager()

    class Meta:
        ordering = ["-since"]
        permissions = [("acknowledge_alarm", "May say that an alarm was seen")]
        constraints = [
            models.UniqueConstraint(
                fields=["analyzer", "kind"],
                condition=Q(cleared_at__isnull=True),
                nulls_distinct=False,
                name="one_standing_alarm_per_cause",
            )
        ]
        indexes = [models.Index(fields=["-since"], condition=Q(cleared_at__isnull=True), name="standing_alarms")]

    def __str__(self):
        return f"{self.analyzer}: {self.get_kind_display()}"

    @property
    def sentence(self):
        """What happened and what to do."""
        return SENTENCES[self.kind] % {"figure": self.shown_figure}

    @property
    def shown_figure(self):
        return self.figure // 60 if self.kind == self.Kind.CLOCK else self.figure


SENTENCES = {
    "wire": _("No analyzer can send. Start the wire (manage.py listen), and tell whoever looks after the system."),
    "silent": _("Nothing came for %(figure)s working hours. Look whether it is on and connected."),
    "no_results": _("Tubes for it wait %(figure)s hours and nothing came. Look at the analyzer and its connection."),
    "clock": _("Its clock differs by %(figure)s minutes from ours. Set date, time and zone at the analyzer."),
    "link": _("It was not reached %(figure)s times. Look at its address, its port and the cable."),
    "unanswered": _("%(figure)s orders have no answer. Look at the analyzer before anything is sent again."),
    "unmatched": _("%(figure)s rows of the last hours wait for a person. Open the inbox."),
    "unwritten": _("%(figure)s orders cannot be written. Open them in the inbox, under “Orders sent”, and read why."),
}
