from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Row
from mhac.labs import words
from mhac.labs.models.catalogue import Test
from mhac.labs.models.specimens import Specimen
from mhac.screenings.models import Fact


class LabOrderQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Of the sites that asked, and of the laboratory their tubes were sent to."""
        sites = user.sites()
        return self.filter(models.Q(screening__clinic__in=sites) | models.Q(specimen__laboratory__in=sites))

    def to_collect(self):
        return self.filter(state=LabOrder.State.ORDERED)

    def awaiting_result(self):
        return self.filter(state=LabOrder.State.COLLECTED)


class LabOrder(Row, Fact):
    """One test asked of one person; `item` is what the programme asks for, `nth` counts specimens of a series."""

    class State(models.TextChoices):
        ORDERED = "ordered", _("to collect")
        COLLECTED = "collected", _("in the laboratory")
        RESULTED = "resulted", _("result to verify")
        VERIFIED = "verified", _("verified")
        CANCELLED = "cancelled", _("cancelled")

    class Medium(models.TextChoices):
        LIQUID = "liquid", _("liquid")
        SOLID = "solid", _("solid")

    class Priority(models.TextChoices):
        ROUTINE = "R", _("routine")
        URGENT = "S", _("urgent")

    test = models.ForeignKey(Test, models.PROTECT, related_name="orders")
    specimen = models.ForeignKey(Specimen, models.PROTECT, null=True, blank=True, related_name="orders")
    item = models.CharField(max_length=30)
    nth = models.PositiveSmallIntegerField(default=1)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.ORDERED)
    priority = models.CharField(_("priority"), max_length=1, choices=Priority.choices, default=Priority.ROUTINE)
    ordered_at = models.DateTimeField(_("ordered"), auto_now_add=True)
    ordered_by = models.ForeignKey(User, models.PROTECT, null=True)
    because = models.CharField(_("asked for by rule"), max_length=120, blank=True)
    run_failed = models.BooleanField(_("the run failed, a repeat is due"), default=False)
    medium = models.CharField(_("medium"), max_length=6, choices=Medium.choices, blank=True)
    # A tube that came too late for this test, and the supervisor who lets it be examined all the same.
    late_because = models.CharField(_("why it is examined in spite of its age"), max_length=200, blank=True)
    late_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    history = HistoricalRecords()

    objects = LabOrderQuerySet.as_manager()

    class Meta:
        verbose_name = _("laboratory order")
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["specimen", "test"],
                condition=models.Q(specimen__isnull=False),
                name="one_order_per_tube_and_test",
            ),
            models.UniqueConstraint(
                fields=["screening", "test", "nth"],
                condition=models.Q(state="ordered"),
                name="one_open_order_per_test",
            ),
        ]
        indexes = [models.Index(fields=["state", "id"])]
        permissions = [("use_late_specimen", "May let a test be made on a tube that came too late, with a reason")]

    def __str__(self):
        return f"{self.test} for {self.screening}"


class LabResultQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Of the sites that asked, and of the laboratory their tubes were sent to."""
        sites = user.sites()
        return self.filter(models.Q(screening__clinic__in=sites) | models.Q(order__specimen__laboratory__in=sites))

    def measured_at(self, clinic):
        """Those of the laboratory of a site (its key)."""
        own = models.Q(order__specimen__laboratory__isnull=True, screening__clinic=clinic)
        return self.filter(own | models.Q(order__specimen__laboratory=clinic))

    def standing(self):
        """The version that counts of each order: not rejected, not replaced."""
        return self.filter(state__in=[LabResult.State.FILED, LabResult.State.VERIFIED])

    def to_verify(self):
        return self.filter(state=LabResult.State.FILED)

    def verified(self):
        return self.filter(state=LabResult.State.VERIFIED)


class LabResult(Row, Fact):
    """One version of the answer to one order. Versions are kept: preliminary, final, corrected are rows 1, 2, 3."""

    class State(models.TextChoices):
        FILED = "filed", _("to verify")
        VERIFIED = "verified", _("verified")
        REJECTED = "rejected", _("rejected")
        SUPERSEDED = "superseded", _("replaced by a later version")

    class Source(models.TextChoices):
        ANALYZER = "analyzer", _("analyzer")
        TYPED = "typed", _("typed by hand")

    class Status(models.TextChoices):
        PRELIMINARY = "P", _("preliminary")
        FINAL = "F", _("final")
        CORRECTED = "C", _("corrected")

    order = models.ForeignKey(LabOrder, models.PROTECT, related_name="results")
    version = models.PositiveSmallIntegerField(_("version"), default=1)
    state = models.CharField(_("state"), max_length=10, choices=State.choices, default=State.FILED)
    status = models.CharField(_("status"), max_length=1, choices=Status.choices, default=Status.FINAL)
    run = models.CharField(_("run"), max_length=20, default="1")
    kind = models.CharField(max_length=14, default="result")
    as_sent = models.TextField(_("as sent"))
    operator = models.CharField(max_length=2, blank=True)
    number = models.DecimalField(max_digits=24, decimal_places=10, null=True, blank=True)
    text = models.TextField(blank=True)
    coded = models.CharField(max_length=40, blank=True)
    titre = models.PositiveIntegerField(null=True, blank=True)
    unit = models.CharField(_("unit"), max_length=20, blank=True)
    flags = ArrayField(models.CharField(max_length=20), default=list, blank=True)
    critical = models.BooleanField(_("critical"), default=False)
    observed_at = models.DateTimeField(_("observed"), null=True)
    filed_at = models.DateTimeField(_("arrived"), auto_now_add=True)
    source = models.CharField(max_length=8, choices=Source.choices)
    instrument = models.CharField(_("instrument"), max_length=80, blank=True)
    entered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="results_entered")
    verified_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="results_verified")
    verified_at = models.DateTimeField(_("verified"), null=True)
    rejected_because = models.CharField(max_length=200, blank=True)
    history = HistoricalRecords()

    objects = LabResultQuerySet.as_manager()

    class Meta:
        verbose_name = _("laboratory result")
        ordering = ["order", "version"]
        constraints = [
            models.UniqueConstraint(fields=["order", "version"], name="one_result_per_version"),
            models.UniqueConstraint(
                fields=["order"],
                condition=models.Q(state__in=["filed", "verified"]),
                name="one_standing_result_per_order",
            ),
            models.CheckConstraint(
                condition=~models.Q(state="verified") | models.Q(verified_by__isnull=False, verified_at__isnull=False),
                name="verified_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(entered_by__isnull=True)
                | models.Q(verified_by__isnull=True)
                | ~models.Q(entered_by=models.F("verified_by")),
                name="nobody_verifies_what_she_entered",
            ),
        ]
        indexes = [
            models.Index(fields=["state", "id"]),
            # Every page asks which critical values wait; they are few among many.
            models.Index(fields=["filed_at"], condition=models.Q(critical=True), name="critical_by_arrival"),
        ]
        permissions = [
            ("verify_labresult", "May verify results of analyzers"),
            ("verify_typed", "May verify results typed by somebody else"),
            ("verify_infectious", "May verify infectious and critical results"),
        ]

    def __str__(self):
        return f"{self.order}: {self.as_sent}"

    @property
    def shown(self):
        """The value as a person reads it, without unit; never with fewer decimals than were sent."""
        if self.coded:
            return f"{words.label(self.coded)} {self.text}".strip()
        if self.titre is not None:
            return f"{self.operator}1:{self.titre}"
        if self.number is None:
            return self.text or self.as_sent
        plain = self.number.normalize()
        decimals = max(self.order.test.decimals, -plain.as_tuple().exponent, 0)
        return f"{self.operator}{plain:.{decimals}f}"


class CriticalCall(Row):
    """One attempt to tell somebody a critical value: who was told, how, and what was read back. Never edited."""

    class How(models.TextChoices):
        TELEPHONE = "telephone", _("by telephone")
        IN_PERSON = "in_person", _("in person")

    result = models.ForeignKey(LabResult, models.PROTECT, related_name="calls")
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(_("told at"))
    how = models.CharField(_("how"), max_length=9, choices=How.choices)
    reached = models.BooleanField(_("somebody was reached"))
    told = models.CharField(_("who was told (name and post)"), max_length=120, blank=True)
    # The three things that are read back: whose result, its number, its value.
    read_back_name = models.CharField(_("name read back"), max_length=120, blank=True)
    read_back_number = models.CharField(_("number read back"), max_length=30, blank=True)
    read_back_value = models.CharField(_("value read back"), max_length=60, blank=True)
    note = models.CharField(_("note"), max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("critical call")
        ordering = ["id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(reached=False)
                | ~models.Q(told="")
                & ~models.Q(read_back_name="")
                & ~models.Q(read_back_number="")
                & ~models.Q(read_back_value=""),
                name="who_was_reached_read_it_back",
            )
        ]

    def __str__(self):
        return f"{self.result_id} {self.made_at:%Y-%m-%d %H:%M}"


class CriticalAcknowledgement(Row):
    """Somebody who treats or decides has taken note of a critical value and says what follows. One each."""

    result = models.OneToOneField(LabResult, models.PROTECT, related_name="acknowledgement")
    call = models.ForeignKey(CriticalCall, models.PROTECT, null=True, related_name="+")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    follows = models.CharField(_("what follows"), max_length=200)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("critical acknowledgement")
        ordering = ["id"]

    def __str__(self):
        return f"{self.result_id} {self.by}"


class CriticalEscalation(Row):
    """A critical value that nobody had taken note of after so many minutes. Written once for each limit."""

    result = models.ForeignKey(LabResult, models.PROTECT, related_name="escalations")
    minutes = models.PositiveSmallIntegerField()
    at = models.DateTimeField()
    history = HistoricalRecords()

    class Meta:
        ordering = ["id"]
        constraints = [models.UniqueConstraint(fields=["result", "minutes"], name="one_escalation_for_each_limit")]

    def __str__(self):
        return f"{self.result_id} {self.minutes} min"
