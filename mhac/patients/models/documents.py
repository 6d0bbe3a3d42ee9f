from django.db import models
from django.db.models.functions import Upper
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.clinics.models import Row
from mhac.patients.models.people import Patient


class IdentityDocument(Row):
    """A paper that says who somebody is: passport, tazkira, UNHCR and partner numbers."""

    class Kind(models.TextChoices):
        PASSPORT = "passport", _("passport")
        E_TAZKIRA = "e_tazkira", _("e-tazkira")
        TAZKIRA = "tazkira", _("paper tazkira")
        UNHCR = "unhcr", _("UNHCR number")
        POR_CARD = "por_card", _("PoR card")
        OTHER = "other", _("other")

    patient = models.ForeignKey(Patient, models.PROTECT, related_name="documents")
    kind = models.CharField(_("document"), max_length=10, choices=Kind.choices)
    number = models.CharField(_("number"), max_length=40)
    issuer = models.CharField(_("issued by"), max_length=3, default="AFG")
    expires_on = models.DateField(_("expires"), null=True, blank=True)
    mrz = models.TextField(_("machine readable zone"), blank=True)
    override_reason = models.CharField(_("why it was typed by hand"), max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("identity document")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                Upper("number"), "kind", "issuer", condition=~models.Q(kind="other"), name="one_owner_per_document"
            )
        ]

    def __str__(self):
        return f"{self.get_kind_display()} {self.number}"
