from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Row
from mhac.screenings.models import Case, Screening


class OfAScreening(models.QuerySet):
    def visible_to(self, user):
        whole = ("screening__patient", "screening__case", "screening__clinic")
        return self.filter(screening__clinic__in=user.sites()).select_related(*whole)

    def standing(self):
        return self.filter(withdrawn_at__isnull=True)


class Judgement(Row):
    """What a physician decided where the rules leave room: an extra item or one that is not done, a disease, an age, a
    grade. Never edited."""

    class Code(models.TextChoices):
        ORDER = "order", _("order an item")
        WAIVE = "waive", _("waive an item")
        TB_DISEASE = "tb_disease", _("active tuberculosis")
        NO_TB_DISEASE = "no_tb_disease", _("no active tuberculosis")
        USE_AGE = "use_age", _("age to be used")
        GRADE = "grade", _("grade")
        LIST_COMPLETE = "list_complete", _("the list of items is complete")

    screening = models.ForeignKey(Screening, models.PROTECT, related_name="judgements")
    code = models.CharField(_("decision"), max_length=13, choices=Code.choices)
    item = models.CharField(_("item"), max_length=30, blank=True)
    age = models.PositiveSmallIntegerField(_("age"), null=True, blank=True)
    grade = models.CharField(_("grade"), max_length=1, blank=True)
    reason = models.TextField(_("reason"))
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    withdrawn_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    objects = OfAScreening.as_manager()

    class Meta:
        verbose_name = _("physician's decision")
        ordering = ["id"]

    def __str__(self):
        return f"{self.get_code_display()} ({self.by})"


class SignOff(Row):
    """A panel physician's signature under one outcome, with the very facts and the proposal it was made on."""

    screening = models.ForeignKey(Screening, models.PROTECT, related_name="signoffs")
    edition = models.CharField(max_length=60)
    facts = models.JSONField()
    facts_hash = models.CharField(max_length=64)
    answer = models.JSONField()
    outcome = models.CharField(_("outcome"), max_length=20)
    classes = ArrayField(models.CharField(max_length=30), default=list, blank=True)
    grade = models.CharField(_("grade"), max_length=1, blank=True)
    comment = models.TextField(_("comment"), blank=True)
    valid_until = models.DateField(_("valid until"), null=True)
    signed_by = models.ForeignKey(User, models.PROTECT, related_name="signoffs")
    signed_on = models.DateField(_("signed on"))
    signed_at = models.DateTimeField(_("signed at"))
    withdrawn_at = models.DateTimeField(null=True)
    withdrawn_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="signoffs_withdrawn")
    withdrawn_because = models.TextField(blank=True)
    history = HistoricalRecords()

    objects = OfAScreening.as_manager()

    class Meta:
        verbose_name = _("sign-off")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["screening"], condition=models.Q(withdrawn_at__isnull=True), name="one_standing_signoff"
            )
        ]
        permissions = [
            ("sign", "May sign the decision on a screening"),
            ("view_ledger", "May see what is asked and why"),
        ]

    def __str__(self):
        return f"{self.screening}: {self.outcome}"


class EditionChoice(Row):
    """What a physician said when a newer edition of the programme was in force: the screening moves to it, or stays
    with its own. Never edited."""

    screening = models.ForeignKey(Screening, models.PROTECT, related_name="edition_choices")
    from_edition = models.CharField(_("edition"), max_length=60)
    to_edition = models.CharField(_("newer edition"), max_length=60)
    accepted = models.BooleanField(_("accepted"))
    reason = models.TextField(_("reason"))
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    objects = OfAScreening.as_manager()

    class Meta:
        verbose_name = _("choice of an edition")
        ordering = ["id"]

    def __str__(self):
        return f"{self.screening}: {self.from_edition} → {self.to_edition}"


class ExpiryNoticeQuerySet(models.QuerySet):
    def visible_to(self, user):
        # Shown beside other lists, so the right is named here and not taken from the page.
        sites = user.sites("decisions.view_expirynotice")
        return self.filter(case__clinic__in=sites).select_related("case__clinic", "screening__patient", "seen_by")

    def unseen(self):
        return self.filter(seen_at__isnull=True)


class ExpiryNotice(Row):
    """That a family's earliest expiry is near: one row for each family, expiry and number of days before it."""

    case = models.ForeignKey(Case, models.PROTECT, related_name="expiry_notices")
    screening = models.ForeignKey(Screening, models.PROTECT, related_name="expiry_notices")
    expires_on = models.DateField(_("valid until"))
    days = models.PositiveSmallIntegerField(_("days before"))
    made_on = models.DateField(_("told on"))
    seen_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="expiry_notices_seen")
    seen_at = models.DateTimeField(_("seen"), null=True)
    history = HistoricalRecords()

    objects = ExpiryNoticeQuerySet.as_manager()

    class Meta:
        verbose_name = _("notice of an expiry")
        ordering = ["expires_on", "id"]
        constraints = [
            models.UniqueConstraint(fields=["case", "expires_on", "days"], name="one_notice_per_expiry_and_threshold"),
            models.CheckConstraint(
                condition=models.Q(seen_by__isnull=True, seen_at__isnull=True)
                | models.Q(seen_by__isnull=False, seen_at__isnull=False),
                name="notice_seen_by_somebody",
            ),
        ]

    def __str__(self):
        return f"{self.case}: {self.expires_on:%Y-%m-%d}, {self.days}"
