from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.appointments.models.rosters import Half
from mhac.clinics.models import Row
from mhac.screenings.models import Case, Screening


class Wish(Row):
    """Without what somebody is not examined; each is a hard condition of a booking, not a preference."""

    class Need(models.TextChoices):
        FEMALE_CLINICIAN = "female_clinician", _("female clinician")
        FEMALE_RADIOGRAPHER = "female_radiographer", _("female radiographer")
        CHAPERONE = "chaperone", _("chaperone")

    screening = models.OneToOneField(Screening, models.PROTECT, related_name="wish")
    needs = ArrayField(models.CharField(max_length=20, choices=Need.choices), default=list, verbose_name=_("needs"))
    recorded_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("booking need")

    def __str__(self):
        return f"{self.screening_id}: {', '.join(self.needs)}"

    @property
    def words(self):
        return [self.Need(need).label for need in self.needs]


class OfACase(models.QuerySet):
    def visible_to(self, user):
        return self.filter(case__clinic__in=user.sites())


class Companion(Row):
    """Somebody who comes along and is not examined: a mahram, a child, an interpreter. Takes no seat."""

    class Relation(models.TextChoices):
        MAHRAM = "mahram", _("mahram")
        CHILD = "child", _("child who is not examined")
        CARER = "carer", _("carer")
        INTERPRETER = "interpreter", _("interpreter")
        OTHER = "other", _("other")

    case = models.ForeignKey(Case, models.PROTECT, related_name="companions")
    name = models.CharField(_("name"), max_length=120)
    relation = models.CharField(_("comes as"), max_length=11, choices=Relation.choices)
    added_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    history = HistoricalRecords()

    objects = OfACase.as_manager()

    class Meta:
        verbose_name = _("companion")
        ordering = ["id"]
        constraints = [models.CheckConstraint(condition=~models.Q(name=""), name="a_companion_has_a_name")]

    def __str__(self):
        return self.name


class Waiting(Row):
    """A family that found no time: since when it waits, and on which days it can come (none named: any)."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        BOOKED = "booked", _("booked")
        GAVE_UP = "gave_up", _("waits no longer")

    case = models.ForeignKey(Case, models.PROTECT, related_name="waits")
    weekdays = ArrayField(models.PositiveSmallIntegerField(), default=list, blank=True, verbose_name=_("weekdays"))
    half = models.CharField(_("half of the day"), max_length=2, choices=Half.choices, blank=True)
    from_day = models.DateField(_("from"))
    until = models.DateField(_("until"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.WAITING)
    asked_at = models.DateTimeField(_("waits since"), auto_now_add=True)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    history = HistoricalRecords()

    objects = OfACase.as_manager()

    class Meta:
        verbose_name = _("place on the waiting list")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["case"], condition=models.Q(state="waiting"), name="one_place_on_the_waiting_list"
            )
        ]
        indexes = [models.Index(fields=["state", "id"])]

    def __str__(self):
        return f"{self.case}: {self.state}"


class Call(Row):
    """A telephone call to a family and what came of it; never changed, a newer one goes before it."""

    class Why(models.TextChoices):
        WAITING = "waiting", _("a time is free")
        NO_SHOW = "no_show", _("did not come")
        REBOOK = "rebook", _("needs another time")
        AGAIN = "again", _("has to come again")
        REMINDER = "reminder", _("the reminder did not arrive")

    class Outcome(models.TextChoices):
        ACCEPTED = "accepted", _("accepted")
        DECLINED = "declined", _("declined")
        REACHED = "reached", _("reached")
        NO_ANSWER = "no_answer", _("no answer")
        WRONG_NUMBER = "wrong_number", _("wrong number")

    case = models.ForeignKey(Case, models.PROTECT, related_name="calls")
    why = models.CharField(_("why"), max_length=8, choices=Why.choices)
    # Of an offer: the time that was offered.
    offered_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(_("outcome"), max_length=12, choices=Outcome.choices)
    next_on = models.DateField(_("call again on"), null=True, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    objects = OfACase.as_manager()

    class Meta:
        verbose_name = _("telephone call")
        ordering = ["-id"]
        indexes = [models.Index(fields=["case", "-id"])]

    def __str__(self):
        return f"{self.case_id} {self.why}: {self.outcome}"
