from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.appointments.models.slots import Slot
from mhac.clinics.models import Row
from mhac.screenings.models import Case


class ReminderQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(case__clinic__in=user.sites())

    def whole(self):
        return self.select_related("case", "slot__clinic", "settled_by")


class Reminder(Row):
    """One message to one family about one time. Its key goes with it, so that a gateway can tell a repeat."""

    class State(models.TextChoices):
        QUEUED = "queued", _("to be sent")
        SENDING = "sending", _("being sent")
        SENT = "sent", _("sent")
        FAILED = "failed", _("not sent")
        # Perhaps it arrived: nobody sends it again without a person's word.
        UNKNOWN = "unknown", _("not known whether it was sent")
        DROPPED = "dropped", _("no longer needed")

    case = models.ForeignKey(Case, models.PROTECT, related_name="reminders")
    slot = models.ForeignKey(Slot, models.PROTECT, related_name="reminders")
    phone = models.CharField(_("telephone"), max_length=20)
    language = models.CharField(_("language"), max_length=8)
    text = models.CharField(_("text"), max_length=600)
    parts = models.PositiveSmallIntegerField(_("parts"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.QUEUED)
    tries = models.PositiveSmallIntegerField(_("tries"), default=0)
    next_try_at = models.DateTimeField()
    claimed_at = models.DateTimeField(null=True)
    sent_at = models.DateTimeField(_("sent"), null=True)
    gateway = models.CharField(max_length=20, blank=True)
    problem = models.CharField(_("what went wrong"), max_length=200, blank=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    objects = ReminderQuerySet.as_manager()

    class Meta:
        verbose_name = _("reminder")
        ordering = ["-id"]
        constraints = [models.UniqueConstraint(fields=["case", "slot"], name="one_reminder_per_family_and_time")]
        indexes = [models.Index(fields=["state", "next_try_at"])]

    def __str__(self):
        return f"{self.case_id} {self.slot_id}: {self.state}"
