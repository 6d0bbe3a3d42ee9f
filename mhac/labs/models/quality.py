"""Quality control: what is measured with a known value, what came out, and what it locks."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.labs.models.catalogue import Test
from mhac.labs.models.results import LabResult
from mhac.labs.models.specimens import OfASite


class ControlLot(Row):
    """One lot of control material at one level, in use at a site."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+", verbose_name=_("site"))
    material = models.CharField(_("material"), max_length=80)
    level = models.CharField(_("level"), max_length=20)
    lot = models.CharField(_("lot"), max_length=40)
    expires_on = models.DateField(_("expires"))
    opened_on = models.DateField(_("opened"), null=True, blank=True)
    active = models.BooleanField(_("in use"), default=True)
    history = HistoricalRecords()

    objects = OfASite.as_manager()

    class Meta:
        verbose_name = _("control lot")
        ordering = ["material", "level", "-expires_on"]
        constraints = [
            models.UniqueConstraint(fields=["clinic", "material", "level", "lot"], name="one_row_per_control_lot")
        ]

    def __str__(self):
        return f"{self.material} {self.level}, {self.lot}"


class ControlTarget(Row):
    """What a lot should measure for one test on one instrument: mean and standard deviation, in the test's unit."""

    class Source(models.TextChoices):
        MAKER = "maker", _("the maker's sheet")
        OWN = "own", _("own measurements")

    lot = models.ForeignKey(ControlLot, models.PROTECT, related_name="targets")
    test = models.ForeignKey(Test, models.PROTECT, related_name="+")
    instrument = models.CharField(_("instrument"), max_length=80, blank=True)
    mean = models.DecimalField(_("mean"), max_digits=16, decimal_places=6)
    sd = models.DecimalField(_("standard deviation"), max_digits=16, decimal_places=6)
    source = models.CharField(_("source"), max_length=5, choices=Source.choices, default=Source.MAKER)
    # Of how many own measurements; fewer than 20 are a beginning (CLSI C24).
    measurements = models.PositiveSmallIntegerField(_("number of measurements"), null=True, blank=True)
    set_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    set_at = models.DateTimeField(auto_now_add=True)
    active = models.BooleanField(_("in use"), default=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("control target")
        ordering = ["lot", "test"]
        constraints = [
            models.UniqueConstraint(
                fields=["lot", "test", "instrument"],
                condition=models.Q(active=True),
                name="one_target_per_lot_test_instrument",
            ),
            models.CheckConstraint(condition=models.Q(sd__gt=0), name="sd_is_positive"),
        ]

    def __str__(self):
        return f"{self.test} {self.lot}: {self.mean} ± {self.sd}"


class ControlRun(Row):
    """One measurement of a control. `broken` holds the Westgard rules it breaks, in the order they are looked at."""

    class Verdict(models.TextChoices):
        IN_CONTROL = "in", _("in control")
        WARNING = "warning", _("warning")
        REJECTED = "rejected", _("rejected")

    target = models.ForeignKey(ControlTarget, models.PROTECT, related_name="runs")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    value = models.DecimalField(_("value"), max_digits=16, decimal_places=6)
    at = models.DateTimeField(_("measured"))
    entered_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    wire_key = models.CharField(max_length=64, blank=True)  # the wire's row it came from, once
    verdict = models.CharField(_("verdict"), max_length=8, choices=Verdict.choices)
    broken = ArrayField(models.CharField(max_length=5), default=list, blank=True)
    note = models.CharField(_("what was done"), max_length=200, blank=True)
    noted_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    history = HistoricalRecords()

    objects = OfASite.as_manager()

    class Meta:
        verbose_name = _("control run")
        ordering = ["target", "at", "id"]
        constraints = [
            models.UniqueConstraint(
                fields=["wire_key"], condition=~models.Q(wire_key=""), name="one_control_run_per_row_of_the_wire"
            )
        ]
        indexes = [models.Index(fields=["target", "at"])]

    def __str__(self):
        return f"{self.target} {self.value}"


class AssayLock(Row):
    """A test of an instrument (blank: by hand) whose results are not released until a control is in order again."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    test = models.ForeignKey(Test, models.PROTECT, related_name="+")
    instrument = models.CharField(_("instrument"), max_length=80, blank=True)
    run = models.ForeignKey(ControlRun, models.PROTECT, null=True, related_name="+")
    because = models.CharField(_("reason"), max_length=200)
    locked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    locked_at = models.DateTimeField()
    opened_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    opened_at = models.DateTimeField(null=True)
    opened_because = models.CharField(_("why it is open again"), max_length=200, blank=True)
    history = HistoricalRecords()

    objects = OfASite.as_manager()

    class Meta:
        verbose_name = _("assay lock")
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["clinic", "test", "instrument"],
                condition=models.Q(opened_at__isnull=True),
                name="one_open_lock_per_assay",
            )
        ]
        permissions = [("open_lock", "May open a locked assay, or release a result in spite of it, with a reason")]

    def __str__(self):
        return f"{self.test} {self.instrument}"


class ReleasedInSpite(Row):
    """A result that was released although a control had failed: who took that upon herself, and why."""

    lock = models.ForeignKey(AssayLock, models.PROTECT, related_name="overrides")
    result = models.OneToOneField(LabResult, models.PROTECT, related_name="released_in_spite")
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    at = models.DateTimeField()
    because = models.CharField(_("reason"), max_length=200)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("release in spite of a failed control")
        ordering = ["id"]

    def __str__(self):
        return f"{self.result_id} {self.by}"
