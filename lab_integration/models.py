from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.clinics.models import Clinic, Row


class Analyzer(Row):
    """A device of the laboratory: where it speaks from, what it speaks, how its codes map to our tests."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="analyzers")
    name = models.CharField(_("name"), max_length=80)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("analyzer")

    def __str__(self):
        return self.name


class ReceivedMessage(Row):
    """What came over the wire, byte for byte."""

    analyzer = models.ForeignKey(Analyzer, models.PROTECT, null=True)

    class Meta:
        permissions = [
            ("view_inbox", "May see messages and lines that wait for a person"),
            ("view_payload", "May see the bytes of a message"),
            ("replay_message", "May have a message read again"),
            ("dismiss_message", "May dismiss a message with a reason"),
        ]

    def __str__(self):
        return str(self.pk)
