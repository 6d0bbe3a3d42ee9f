from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics import numbers
from mhac.clinics.models import Clinic, Row
from mhac.labs import words
from mhac.screenings.models import Fact


class TestQuerySet(models.QuerySet):
    def answering(self, item):
        """The tests that together answer one item of a programme, in the order of the catalogue."""
        return self.filter(items__contains=[item], active=True).order_by("position")


class Test(Row):
    """A line of the laboratory's catalogue (LOINC code, UCUM unit, tube, limits). Limits are the director's to set."""

    __test__ = False  # not a test class for pytest

    class Kind(models.TextChoices):
        NUMERIC = "numeric", _("number")
        CODED = "coded", _("one of a list")
        TITRE = "titre", _("titre")
        TEXT = "text", _("text")

    class Tube(models.TextChoices):
        SERUM = "serum", _("serum (red or gold)")
        EDTA = "edta", _("EDTA (lavender)")
        GLUCOSE = "fluoride", _("fluoride (grey)")
        URINE = "urine", _("urine (yellow)")
        SPUTUM = "sputum", _("sputum container")
        QFT = "qft", _("QuantiFERON set (four tubes)")

    class Verifier(models.TextChoices):
        """Who looks a second time at what an analyzer sent; what somebody typed always waits for a supervisor."""

        SUPERVISOR = "supervisor", _("a laboratory supervisor, not the person who entered it")
        ANOTHER = "another", _("another technician or a supervisor")

    key = models.SlugField(_("key"), max_length=30, unique=True)
    name = models.CharField(_("name"), max_length=80)
    loinc = models.CharField(_("LOINC"), max_length=10, blank=True)
    unit = models.CharField(_("unit (UCUM)"), max_length=20, blank=True)
    kind = models.CharField(_("kind"), max_length=7, choices=Kind.choices)
    decimals = models.PositiveSmallIntegerField(_("decimals"), default=0)
    allowed = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name=_("allowed values"))
    normal = ArrayField(models.CharField(max_length=40), default=list, blank=True, verbose_name=_("normal values"))
    tube = models.CharField(_("tube"), max_length=8, choices=Tube.choices)
    items = ArrayField(
        models.CharField(max_length=30), default=list, blank=True, verbose_name=_("answers the items (of a programme)")
    )
    position = models.PositiveSmallIntegerField(default=0)
    critical_low = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    critical_high = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    critical_values = ArrayField(models.CharField(max_length=40), default=list, blank=True)
    possible_low = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    possible_high = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    advice = models.CharField(_("handling"), max_length=200, blank=True)
    # A conclusion that is checked against the values it comes from: name in the formula -> key of the test.
    computed_from = models.JSONField(default=dict, blank=True)
    limits_verified = models.BooleanField(_("limits confirmed by the laboratory director"), default=False)
    verifier = models.CharField(max_length=10, choices=Verifier.choices, default=Verifier.ANOTHER)
    source = models.CharField(max_length=120, blank=True)
    verified = models.BooleanField(_("code seen in a source"), default=False)
    active = models.BooleanField(default=True)
    history = HistoricalRecords()

    objects = TestQuerySet.as_manager()

    class Meta:
        ordering = ["position", "key"]

    def __str__(self):
        return self.name

    @property
    def usual(self):
        """The words that surprise nobody, for a coded test."""
        return ", ".join(str(words.label(word)) for word in self.normal)


class ReferenceRange(Row):
    """Limits for one sex and age in days, both ends included; the narrowest that fits is used."""

    test = models.ForeignKey(Test, models.CASCADE, related_name="ranges")
    sex = models.CharField(max_length=7, blank=True)
    from_days = models.PositiveIntegerField(default=0)
    to_days = models.PositiveIntegerField(default=54787)
    low = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    high = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["test", "from_days"]

    def __str__(self):
        return f"{self.test}: {self.shown}"

    @property
    def shown(self):
        """13 – 17, or the one limit there is."""
        low, high = (None if limit is None else f"{limit.normalize():f}" for limit in (self.low, self.high))
        if low is None or high is None:
            return f"≥ {low}" if high is None else f"≤ {high}"
        return f"{low} – {high}"


class SpecimenQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(screening__clinic__in=user.sites())

    def numbered(self, typed):
        """The specimen whose own number, or that of a tube of its set, was typed or scanned."""
        number = numbers.clean(typed)
        return self.filter(models.Q(accession=number) | models.Q(tubes__number=number)).distinct()


class Specimen(Row, Fact):
    """One tube or container: one accession, one label. Its number is printed, scanned and sent, never typed twice."""

    class State(models.TextChoices):
        COLLECTED = "collected", _("collected")
        RECEIVED = "received", _("received")
        REJECTED = "rejected", _("rejected")

    class Reject(models.TextChoices):
        HAEMOLYSED = "haemolysed", _("haemolysed")
        CLOTTED = "clotted", _("clotted")
        INSUFFICIENT = "insufficient", _("insufficient")
        UNLABELLED = "unlabelled", _("unlabelled")
        LEAKED = "leaked", _("leaked")
        WRONG_CONTAINER = "wrong_container", _("wrong container")
        TOO_OLD = "too_old", _("too old")

    accession = models.CharField(_("accession"), max_length=20, unique=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT)
    tube = models.CharField(_("tube"), max_length=8, choices=Test.Tube.choices)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.COLLECTED)
    collected_at = models.DateTimeField(_("collected"))
    collected_by = models.ForeignKey(User, models.PROTECT, related_name="specimens_collected")
    received_at = models.DateTimeField(_("received"), null=True)
    received_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="specimens_received")
    rejected_because = models.CharField(_("rejected because"), max_length=15, choices=Reject.choices, blank=True)
    labels_printed = models.PositiveSmallIntegerField(default=0)
    history = HistoricalRecords()

    objects = SpecimenQuerySet.as_manager()

    class Meta:
        verbose_name = _("specimen")
        ordering = ["-id"]
        indexes = [models.Index(fields=["state", "id"]), models.Index(fields=["-received_at"])]

    def __str__(self):
        return self.accession

    @property
    def collected_on(self):
        """The day at the site on which it was taken."""
        return self.collected_at.astimezone(ZoneInfo(self.clinic.timezone)).date()


class SpecimenTube(Row):
    """One tube of a set that is one specimen (QuantiFERON): its own number on its own label, and which tube it is."""

    class Tube(models.TextChoices):
        NIL = "nil", _("nil")
        TB1 = "tb1", _("TB1")
        TB2 = "tb2", _("TB2")
        MITOGEN = "mitogen", _("mitogen")

    specimen = models.ForeignKey(Specimen, models.PROTECT, related_name="tubes")
    number = models.CharField(_("number"), max_length=20, unique=True)
    tube = models.CharField(_("tube"), max_length=7, choices=Tube.choices)
    history = HistoricalRecords()

    class Meta:
        ordering = ["specimen", "tube"]
        constraints = [models.UniqueConstraint(fields=["specimen", "tube"], name="one_number_per_tube_of_a_set")]

    def __str__(self):
        return f"{self.specimen} {self.tube}: {self.number}"


class LabOrderQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(screening__clinic__in=user.sites())

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

    def __str__(self):
        return f"{self.test} for {self.screening}"


class LabResultQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(screening__clinic__in=user.sites())

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
        indexes = [models.Index(fields=["state", "id"])]
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
