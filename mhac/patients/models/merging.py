from django.db import models
from django.db.models.functions import Greatest, Least
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.patients.models.people import Patient


class MergeQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def waiting(self):
        """For a second person: to be joined, or to be parted again."""
        return self.filter(state__in=[Merge.State.PROPOSED, Merge.State.PARTING])

    def standing(self):
        return self.filter(state__in=Merge.STANDING)


class Merge(Row):
    """Two records are one person's: `kept` stands for both. One person says so with a reason, a second one agrees; it
    is taken back the same way. No other row is touched, so taking it back loses nothing.

    `kept` and `other` stand for themselves when the second person agrees, so that a record is the `other` of one
    standing merge at most: standing merges are trees, and who is nobody's `other` stands for everybody of hers.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", _("proposed")
        STANDING = "standing", _("one person")
        REFUSED = "refused", _("refused")
        PARTING = "parting", _("to be parted")
        PARTED = "parted", _("parted again")

    STANDING = (State.STANDING, State.PARTING)

    kept = models.ForeignKey(Patient, models.PROTECT, related_name="merges_kept", verbose_name=_("stands for both"))
    other = models.ForeignKey(Patient, models.PROTECT, related_name="merges_joined", verbose_name=_("joined to it"))
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="merges")
    state = models.CharField(_("state"), max_length=8, choices=State.choices, default=State.PROPOSED)
    because = models.CharField(_("why they are one person"), max_length=300)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="merges_proposed")
    proposed_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="merges_decided")
    decided_at = models.DateTimeField(null=True)
    answer = models.CharField(_("why not"), max_length=300, blank=True)
    parting_because = models.CharField(_("why they are two people"), max_length=300, blank=True)
    parting_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="partings_proposed")
    parted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="partings_decided")
    parted_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    objects = MergeQuerySet.as_manager()

    class Meta:
        verbose_name = _("merge of two records")
        ordering = ["-id"]
        permissions = [("decide_merge", "May decide as the second person whether two records are one person's")]
        constraints = [
            models.CheckConstraint(condition=~models.Q(kept=models.F("other")), name="merge_of_two_records"),
            models.CheckConstraint(condition=~models.Q(because=""), name="merge_has_a_reason"),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True) | ~models.Q(decided_by=models.F("proposed_by")),
                name="merge_decided_by_a_second_person",
            ),
            models.CheckConstraint(
                condition=models.Q(parted_by__isnull=True) | ~models.Q(parted_by=models.F("parting_by")),
                name="parting_decided_by_a_second_person",
            ),
            models.UniqueConstraint(
                Least("kept", "other"),
                Greatest("kept", "other"),
                condition=models.Q(state__in=["proposed", "standing", "parting"]),
                name="one_merge_of_two_records",
            ),
            models.UniqueConstraint(
                fields=["other"], condition=models.Q(state__in=["standing", "parting"]), name="joined_once"
            ),
        ]
        indexes = [models.Index(fields=["clinic", "state", "-id"])]

    def __str__(self):
        return f"{self.other} = {self.kept}"


class TwoPeople(Row):
    """Somebody compared two records and said that they are two people's: they are not suggested again."""

    one = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    other = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    because = models.CharField(_("why they are two people"), max_length=300)
    by = models.ForeignKey(User, models.PROTECT)
    at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("two different people")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(condition=models.Q(one__lt=models.F("other")), name="two_people_in_order"),
            models.UniqueConstraint(fields=["one", "other"], name="two_people_once"),
        ]

    def __str__(self):
        return f"{self.one} / {self.other}"
