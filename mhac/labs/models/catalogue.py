from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Row
from mhac.labs import words


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
        HEPARIN = "heparin", _("heparin (green)")
        STOOL = "stool", _("stool container")

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
    # Hours from collection to the answer that is promised (cultures: weeks); None when nothing is promised.
    turnaround_hours = models.PositiveIntegerField(_("answer expected within (hours)"), null=True, blank=True)
    # Hours from collection to the laboratory; what comes later needs a supervisor's reason to be examined.
    in_laboratory_hours = models.PositiveSmallIntegerField(
        _("must be in the laboratory within (hours)"), null=True, blank=True
    )
    told_in_person = models.BooleanField(_("told in person, never by telephone"), default=False)
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

    @property
    def critical_words(self):
        return [words.label(word) for word in self.critical_values]


class ReferenceRange(Row):
    """Limits for one sex and age in days, both ends included; the narrowest that fits is used. Those of a pregnancy
    stand beside the others and are used only where the pregnancy is known."""

    test = models.ForeignKey(Test, models.CASCADE, related_name="ranges")
    sex = models.CharField(max_length=7, blank=True)
    from_days = models.PositiveIntegerField(default=0)
    to_days = models.PositiveIntegerField(default=54787)
    low = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    high = models.DecimalField(max_digits=12, decimal_places=4, null=True, blank=True)
    pregnant = models.BooleanField(_("in pregnancy"), default=False)
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


class LimitChange(Row):
    """Other limits for one test, asked for by one supervisor and confirmed or refused by another. Never edited."""

    test = models.ForeignKey(Test, models.PROTECT, related_name="limit_changes")
    limits = models.JSONField(_("new limits"))
    because = models.CharField(_("reason"), max_length=200)
    asked_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    asked_at = models.DateTimeField(auto_now_add=True)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    decided_at = models.DateTimeField(null=True)
    accepted = models.BooleanField(null=True)
    answer = models.CharField(_("answer"), max_length=200, blank=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("change of limits")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["test"], condition=models.Q(accepted__isnull=True), name="one_open_limit_change_per_test"
            ),
            models.CheckConstraint(
                condition=models.Q(decided_by__isnull=True) | ~models.Q(asked_by=models.F("decided_by")),
                name="nobody_confirms_her_own_limits",
            ),
        ]

    def __str__(self):
        return f"{self.test} {self.asked_at:%Y-%m-%d}"
