from zoneinfo import ZoneInfo

from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics import numbers
from mhac.clinics.models import Clinic, Row
from mhac.labs.models.catalogue import Test
from mhac.screenings.models import Fact


class SpecimenQuerySet(models.QuerySet):
    def visible_to(self, user):
        """Of the sites that took them, and of the laboratory they were sent to."""
        return self.of_sites(user.sites())

    def of_sites(self, sites):
        return self.filter(models.Q(screening__clinic__in=sites) | models.Q(laboratory__in=sites))

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
        SENT = "sent", _("sent out")
        ARRIVED = "arrived", _("in another laboratory")
        LOST = "lost", _("lost")

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
    # The site in whose laboratory it is examined, once it arrived there; empty while that is the site that took it.
    laboratory = models.ForeignKey(Clinic, models.PROTECT, null=True, blank=True, related_name="+")
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
    def examined_at_id(self):
        """The key of the site in whose laboratory it is."""
        return self.laboratory_id or self.clinic_id

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


class OfASite(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())


class LabelQuerySet(OfASite):
    def open(self):
        """Neither used, void nor missing; a tube that has a result was in somebody's hands, scanned or not."""
        rows = self.filter(state__in=[Label.State.ISSUED, Label.State.PRINTED])
        return rows.exclude(specimen__orders__state__in=["resulted", "verified"])


class Label(Row):
    """One label: a number given out at a site on a day, and what became of the paper. Every number is accounted for:
    given out = printed = used + void + missing."""

    class State(models.TextChoices):
        ISSUED = "issued", _("not printed yet")
        PRINTED = "printed", _("printed")
        USED = "used", _("used")
        VOID = "void", _("void")
        MISSING = "missing", _("missing")

    number = models.CharField(_("number"), max_length=20, unique=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    day = models.DateField(_("day"))
    specimen = models.ForeignKey(Specimen, models.PROTECT, related_name="labels")
    part = models.CharField(_("tube of a set"), max_length=7, choices=SpecimenTube.Tube.choices, blank=True)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.ISSUED)
    prints = models.PositiveSmallIntegerField(_("times printed"), default=0)
    printed_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    printed_at = models.DateTimeField(_("printed"), null=True)
    because = models.CharField(_("reason"), max_length=120, blank=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    settled_at = models.DateTimeField(null=True)
    history = HistoricalRecords()

    objects = LabelQuerySet.as_manager()

    class Meta:
        verbose_name = _("label")
        ordering = ["number"]
        indexes = [models.Index(fields=["clinic", "day", "state"])]

    def __str__(self):
        return self.number


class ReferenceLaboratory(Row):
    """Where specimens are sent out to: another laboratory, or the laboratory of another site."""

    name = models.CharField(_("name"), max_length=80, unique=True)
    address = models.CharField(_("address"), max_length=200, blank=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, null=True, blank=True, related_name="+")
    transit_hours = models.PositiveSmallIntegerField(_("hours on the way"), default=24)
    active = models.BooleanField(_("active"), default=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("reference laboratory")
        ordering = ["name"]

    def __str__(self):
        return self.name


class ManifestQuerySet(OfASite):
    def visible_to(self, user):
        """Boxes of the user's sites, and those on their way to them."""
        return self.of_sites(user.sites())

    def of_sites(self, sites):
        coming = models.Q(to__clinic__in=sites) & ~models.Q(state=Manifest.State.PACKING)
        return self.filter(models.Q(clinic__in=sites) | coming)

    def overdue(self, now):
        """On the way, and not there at the time at which they were expected."""
        return self.filter(state=Manifest.State.SENT, expected_at__lt=now)

    def short(self):
        """Arrived without a tube that nobody has found or declared lost since."""
        gone = models.Q(lines__state="missing", lines__specimen__state=Specimen.State.SENT)
        return self.filter(gone, state=Manifest.State.ARRIVED).distinct()


class Manifest(Row):
    """A sealed box of specimens on its way to another laboratory."""

    class State(models.TextChoices):
        PACKING = "packing", _("being packed")
        SENT = "sent", _("on the way")
        ARRIVED = "arrived", _("arrived")

    number = models.CharField(_("number"), max_length=20, unique=True)
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+", verbose_name=_("site"))
    to = models.ForeignKey(ReferenceLaboratory, models.PROTECT, related_name="manifests", verbose_name=_("sent to"))
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.PACKING)
    seal = models.CharField(_("seal number"), max_length=30, blank=True)
    courier = models.CharField(_("courier"), max_length=80, blank=True)
    packed_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    packed_at = models.DateTimeField(auto_now_add=True)
    sent_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    sent_at = models.DateTimeField(_("sent"), null=True)
    celsius_out = models.DecimalField(_("temperature when sent (°C)"), max_digits=4, decimal_places=1, null=True)
    expected_at = models.DateTimeField(_("expected"), null=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True)
    arrived_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    received_by_name = models.CharField(_("received there by"), max_length=80, blank=True)
    celsius_in = models.DecimalField(_("temperature on arrival (°C)"), max_digits=4, decimal_places=1, null=True)
    history = HistoricalRecords()

    objects = ManifestQuerySet.as_manager()

    class Meta:
        verbose_name = _("manifest")
        ordering = ["-id"]
        indexes = [models.Index(fields=["clinic", "state"])]

    def __str__(self):
        return self.number


class ManifestLine(Row):
    """One specimen of a box: whether it arrived."""

    class State(models.TextChoices):
        PACKED = "packed", _("packed")
        ARRIVED = "arrived", _("arrived")
        MISSING = "missing", _("missing")
        DAMAGED = "damaged", _("damaged")

    manifest = models.ForeignKey(Manifest, models.PROTECT, related_name="lines")
    specimen = models.ForeignKey(Specimen, models.PROTECT, related_name="manifest_lines")
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.PACKED)
    note = models.CharField(_("note"), max_length=120, blank=True)
    settled_at = models.DateTimeField(null=True)
    settled_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    history = HistoricalRecords()

    class Meta:
        ordering = ["manifest", "id"]
        constraints = [
            models.UniqueConstraint(fields=["manifest", "specimen"], name="a_specimen_once_in_a_box"),
            models.UniqueConstraint(
                fields=["specimen"], condition=models.Q(state="packed"), name="a_specimen_in_one_box_at_a_time"
            ),
        ]

    def __str__(self):
        return f"{self.manifest}: {self.specimen}"


class CustodyStep(Row):
    """One link of the chain of custody: who had the specimen, when, where. Each begins where the last one ended."""

    specimen = models.ForeignKey(Specimen, models.PROTECT, related_name="custody")
    nth = models.PositiveSmallIntegerField()
    before = models.CharField(max_length=9, choices=Specimen.State.choices, blank=True)
    after = models.CharField(max_length=9, choices=Specimen.State.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    place = models.CharField(max_length=80)
    manifest = models.ForeignKey(Manifest, models.PROTECT, null=True, related_name="+")
    because = models.CharField(max_length=120, blank=True)
    history = HistoricalRecords()

    class Meta:
        ordering = ["specimen", "nth"]
        constraints = [
            models.UniqueConstraint(fields=["specimen", "nth"], name="one_custody_step_at_a_time"),
            models.CheckConstraint(
                condition=models.Q(nth=1, before="") | models.Q(nth__gt=1) & ~models.Q(before=""),
                name="custody_begins_with_the_collection",
            ),
        ]

    def __str__(self):
        return f"{self.specimen} {self.nth}: {self.after}"
