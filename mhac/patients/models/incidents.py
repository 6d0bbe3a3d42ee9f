from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.patients.models.faces import IdentityCheck
from mhac.patients.models.people import Patient


class IdentityIncidentQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def open(self):
        return self.exclude(state=IdentityIncident.State.RESOLVED)

    def of(self, patient):
        """Of every record of one person."""
        return self.filter(patient__person=patient.person)


class IdentityIncident(Row):
    """At a station the face or the document was not the person's. Until two managers have resolved it, no specimen is
    taken, nothing signed and no paper made for her; few may know that there is one."""

    class State(models.TextChoices):
        OPEN = "open", _("open")
        PROPOSED = "proposed", _("waits for a second manager")
        RESOLVED = "resolved", _("resolved")

    class Outcome(models.TextChoices):
        SAME = "same", _("It was the right person after all")
        ANOTHER = "another", _("Another person came in her place")
        MISTAKE = "mistake", _("Papers or records were mixed up, and are put right")

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="incidents")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="identity_incidents")
    station = models.CharField(_("station"), max_length=11, choices=IdentityCheck.Station.choices)
    note = models.CharField(_("what does not match"), max_length=200)
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.OPEN)
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="incidents_opened")
    opened_at = models.DateTimeField(auto_now_add=True)
    outcome = models.CharField(_("what it was"), max_length=7, choices=Outcome.choices, blank=True)
    because = models.CharField(_("why"), max_length=300, blank=True)
    proposed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="incidents_proposed")
    proposed_at = models.DateTimeField(null=True)
    resolved_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="incidents_resolved")
    resolved_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    objects = IdentityIncidentQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity incident")
        ordering = ["-id"]
        permissions = [("resolve_identityincident", "May resolve an identity incident as the second person")]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"], condition=~models.Q(state="resolved"), name="one_open_incident_per_record"
            ),
            models.CheckConstraint(
                condition=models.Q(resolved_by__isnull=True) | ~models.Q(resolved_by=models.F("proposed_by")),
                name="incident_resolved_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="resolved")
                | models.Q(proposed_by__isnull=False, resolved_by__isnull=False) & ~models.Q(because=""),
                name="incident_resolved_with_a_reason",
            ),
        ]
        indexes = [models.Index(fields=["clinic", "state", "-id"])]

    def __str__(self):
        return f"{self.patient} {self.opened_at:%Y-%m-%d}"
