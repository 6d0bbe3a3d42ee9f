from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.decisions.models import SignOff
from mhac.partners.models import Agreement, PartnerOrganisation
from mhac.screenings.models import Consent, Screening


class SigningKey(Row):
    """The public half of a key that ever signed a document here: old documents verify after a change of keys."""

    key_id = models.CharField(_("key"), max_length=40, unique=True)
    public = models.BinaryField()
    training = models.BooleanField(default=False)
    first_used_at = models.DateTimeField(_("first used"), auto_now_add=True)
    compromised_at = models.DateTimeField(_("compromised"), null=True)
    compromised_because = models.TextField(blank=True, default="")
    history = HistoricalRecords()

    class Meta:
        ordering = ["id"]

    def __str__(self):
        return self.key_id


class CertificateQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def without_file(self):
        """With what a list names, and without the bytes that no list shows."""
        return self.select_related("screening__patient", "clinic", "signoff").defer("pdf", "facts", "seal")

    def marked(self):
        """Valid ones whose screening or person changed after they were last looked at."""
        after = models.Q(screening__facts_changed_at__gt=models.F("checked_at"))
        after |= models.Q(screening__patient__facts_changed_at__gt=models.F("checked_at"))
        return self.filter(after, state=Certificate.State.VALID)


class Certificate(Row):
    """A paper that left the house: its number, the facts it stands on, its signed QR and its exact bytes."""

    class Kind(models.TextChoices):
        IME_SUMMARY = "ime_summary", _("immigration medical examination summary")
        TB_CLEARANCE = "tb_clearance", _("tuberculosis clearance certificate")
        FIT_TO_TRAVEL = "fit_to_travel", _("fit-to-travel letter")

    class State(models.TextChoices):
        VALID = "valid", _("valid")
        SUSPENDED = "suspended", _("suspended")
        SUPERSEDED = "superseded", _("superseded")
        REVOKED = "revoked", _("revoked")

    number = models.CharField(_("number"), max_length=32, unique=True)
    count = models.PositiveIntegerField(editable=False)
    clinic = models.ForeignKey(Clinic, models.PROTECT)
    screening = models.ForeignKey(Screening, models.PROTECT, related_name="certificates")
    signoff = models.ForeignKey(SignOff, models.PROTECT, related_name="certificates")
    kind = models.CharField(_("document"), max_length=13, choices=Kind.choices)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.VALID)
    facts = models.JSONField()
    facts_hash = models.CharField(max_length=64)
    seal = models.TextField()
    key_id = models.CharField(max_length=40)
    pdf = models.BinaryField()
    pdf_sha256 = models.CharField(max_length=64)
    issued_by = models.ForeignKey(User, models.PROTECT)
    issued_on = models.DateField(_("issued on"))
    issued_at = models.DateTimeField(_("issued at"))
    valid_until = models.DateField(_("valid until"), null=True)
    checked_at = models.DateTimeField()
    training = models.BooleanField(default=False)
    supersedes = models.OneToOneField("self", models.PROTECT, null=True, related_name="superseded_by")
    state_because = models.TextField(_("why"), blank=True, default="")
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="revocations")
    history = HistoricalRecords(excluded_fields=["pdf", "checked_at"])

    objects = CertificateQuerySet.as_manager()

    class Meta:
        verbose_name = _("document")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["clinic", "count"], name="one_certificate_per_count"),
            models.UniqueConstraint(
                fields=["screening", "kind"], condition=models.Q(state="valid"), name="one_valid_document_per_screening"
            ),
            models.CheckConstraint(
                condition=models.Q(state="revoked", revoked_by__isnull=False)
                | (~models.Q(state="revoked") & models.Q(revoked_by__isnull=True)),
                name="revoked_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(revoked_by__isnull=True) | ~models.Q(revoked_by=models.F("issued_by")),
                name="nobody_revokes_what_she_issued",
            ),
        ]
        permissions = [
            ("issue_certificate", "May issue the document of a signed decision"),
            ("print_certificate", "May download and print an issued document"),
            ("revoke_certificate", "May revoke a document that somebody else issued"),
        ]

    def __str__(self):
        return self.number


class ReleaseQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Releases to the organisation this user signs in for, while consent and agreement hold; nothing else."""
        return self.in_force(timezone.localdate()).filter(organisation__members__user=user)

    def in_force(self, day):
        """Not withdrawn, the person still agrees to the sharing, and an agreement with the organisation runs."""
        consent = Consent.objects.filter(
            screening=models.OuterRef("certificate__screening"),
            purpose=Consent.Purpose.SHARING,
            withdrawn_on__isnull=True,
        )
        agreement = Agreement.objects.in_force(models.OuterRef("certificate__screening__programme"), day).filter(
            organisation=models.OuterRef("organisation")
        )
        return self.filter(models.Exists(consent), models.Exists(agreement), withdrawn_at__isnull=True)


class Release(Row):
    """The row that lets one partner organisation see one document."""

    certificate = models.ForeignKey(Certificate, models.PROTECT, related_name="releases")
    organisation = models.ForeignKey(PartnerOrganisation, models.PROTECT, related_name="releases")
    released_at = models.DateTimeField(auto_now_add=True)
    released_by = models.ForeignKey(User, models.PROTECT)
    withdrawn_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    objects = ReleaseQuerySet.as_manager()

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["certificate", "organisation"], name="one_release_per_organisation")
        ]
        permissions = [("download_release", "May download documents released to the own organisation")]

    def __str__(self):
        return f"{self.certificate} for {self.organisation}"


class Download(Row):
    """Somebody took a document out: the list from which partners are warned when it changes."""

    certificate = models.ForeignKey(Certificate, models.PROTECT, related_name="downloads")
    organisation = models.ForeignKey(PartnerOrganisation, models.PROTECT, null=True, related_name="downloads")
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    sha256 = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]

    def __str__(self):
        return f"{self.certificate} by {self.by}"
