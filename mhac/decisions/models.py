from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Row
from mhac.screenings.models import Screening


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
