from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.patients.models.people import Patient


class Photo(Row):
    """The face of a patient, re-encoded small JPEG without metadata; the newest counts."""

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="photos")
    image = models.BinaryField()
    taken_at = models.DateTimeField(auto_now_add=True)
    taken_by = models.ForeignKey(User, models.PROTECT, null=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.patient} {self.taken_at:%Y-%m-%d}"


class IdentityCheckQuerySet(models.QuerySet):
    def of(self, patient):
        """Of every record of one person."""
        return self.filter(patient__person=patient.person)

    def confirmed_on(self, day):
        """Checks of that day in which the face was found to be the right one."""
        return self.filter(day=day, confirmed=True)


class IdentityCheck(Row):
    """Somebody compared the person in front of her with photo and document, today, at a station."""

    class Station(models.TextChoices):
        RECEPTION = "reception", _("reception")
        NURSE = "nurse", _("nurse")
        EXAMINATION = "examination", _("examination")
        RADIOLOGY = "radiology", _("radiology")
        COLLECTION = "collection", _("specimen collection")

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="identity_checks")
    clinic = models.ForeignKey(Clinic, models.PROTECT)
    station = models.CharField(max_length=11, choices=Station.choices)
    day = models.DateField()
    confirmed = models.BooleanField()
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    note = models.CharField(max_length=200, blank=True)
    history = HistoricalRecords()

    objects = IdentityCheckQuerySet.as_manager()

    class Meta:
        verbose_name = _("identity check")
        ordering = ["id"]
        indexes = [models.Index(fields=["patient", "day"])]

    def __str__(self):
        return f"{self.patient} {self.station} {self.day}"
