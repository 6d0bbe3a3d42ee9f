"""Whose tube the rows of a strange number were: one person proposes it, another confirms it, then they file."""

from django.db import models
from django.db.models import Exists, F, OuterRef, Q
from django.utils.translation import gettext_lazy as _

from mhac.accounts.models import User
from mhac.clinics.models import Row


class ProposalQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(line__message__clinic__in=user.sites())

    def waiting(self):
        """Nobody has decided, and the rows still wait: a late order may have matched them meanwhile."""
        line = Proposal._meta.get_field("line").related_model
        still = line.objects.filter(pk=OuterRef("line"), state="UNMATCHED_SPECIMEN")
        still = still.exclude(message__state="DISMISSED")
        return self.filter(Exists(still), state=Proposal.State.WAITING)


class Proposal(Row):
    """That the rows of one number of a message belong to a tube. `line` is the first of them.

    `birth_date` or `initials` is the second identifier that the proposer knew; both are compared with the order's.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("waits for a second person")
        CONFIRMED = "confirmed", _("confirmed")
        REFUSED = "refused", _("refused")

    line = models.ForeignKey("lab_integration.ReceivedLine", models.PROTECT, related_name="proposals")
    accession = models.CharField(_("number on the tube's label"), max_length=20)
    birth_date = models.DateField(_("birth date of the person"), null=True)
    initials = models.CharField(_("initials in Latin letters"), max_length=2, blank=True)
    because = models.CharField(_("how this was found out"), max_length=200)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.WAITING)
    proposed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decided_because = models.CharField(max_length=200, blank=True)

    objects = ProposalQuerySet.as_manager()

    class Meta:
        verbose_name = _("proposed match")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["line"], condition=Q(state="waiting"), name="one_waiting_proposal_per_line"
            ),
            models.CheckConstraint(
                condition=~Q(state="confirmed") | (Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by"))),
                name="nobody_confirms_what_she_proposed",
            ),
            models.CheckConstraint(
                condition=Q(birth_date__isnull=False) | ~Q(initials=""), name="a_second_identifier_is_given"
            ),
        ]
        indexes = [models.Index(fields=["id"], condition=Q(state="waiting"), name="proposal_waits")]

    def __str__(self):
        return f"{self.accession} {self.state}"
