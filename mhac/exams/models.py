from decimal import Decimal

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models, transaction
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Row
from mhac.exams import words
from mhac.protocols.ages import PREGNANCY_ASKED_FROM, PREGNANCY_ASKED_TO
from mhac.protocols.months import age_on
from mhac.protocols.person import Pregnancy as StatedPregnancy
from mhac.screenings.models import Fact, Screening


def between(low, high):
    return [MinValueValidator(low), MaxValueValidator(high)]


class Vitals(Row, Fact):
    """What the nurse measured; the newest row counts. Ranges are what an instrument can show, not what is healthy."""

    measured_at = models.DateTimeField(_("measured at"))
    weight_kg = models.DecimalField(
        _("weight (kg)"), max_digits=5, decimal_places=2, null=True, blank=True, validators=between(Decimal("0.3"), 350)
    )
    height_cm = models.DecimalField(
        _("height (cm)"), max_digits=4, decimal_places=1, null=True, blank=True, validators=between(20, 250)
    )
    systolic_mmhg = models.PositiveSmallIntegerField(
        _("systolic pressure (mmHg)"), null=True, blank=True, validators=between(40, 300)
    )
    diastolic_mmhg = models.PositiveSmallIntegerField(
        _("diastolic pressure (mmHg)"), null=True, blank=True, validators=between(20, 200)
    )
    pulse_per_min = models.PositiveSmallIntegerField(
        _("pulse (/min)"), null=True, blank=True, validators=between(20, 300)
    )
    respirations_per_min = models.PositiveSmallIntegerField(
        _("respirations (/min)"), null=True, blank=True, validators=between(4, 120)
    )
    temperature_c = models.DecimalField(
        _("temperature (°C)"), max_digits=3, decimal_places=1, null=True, blank=True, validators=between(30, 44)
    )
    spo2_percent = models.PositiveSmallIntegerField(
        _("oxygen saturation (%)"), null=True, blank=True, validators=between(50, 100)
    )
    muac_mm = models.PositiveSmallIntegerField(
        _("mid-upper arm circumference (mm)"), null=True, blank=True, validators=between(50, 600)
    )
    head_cm = models.DecimalField(
        _("head circumference (cm)"), max_digits=3, decimal_places=1, null=True, blank=True, validators=between(20, 70)
    )
    by = models.ForeignKey(User, models.PROTECT)
    history = HistoricalRecords()

    class Meta:
        verbose_name = verbose_name_plural = _("vitals")
        ordering = ["measured_at"]

    def __str__(self):
        return f"{self.screening} {self.measured_at}"


class MedicalHistory(Row, Fact):
    """The answers to the screening questions. None: not asked. An empty list: asked, nothing.

    tb_signs: [{code, days?}] · tb_history: [{year, treated_by, completed?}] ·
    tb_contacts: [{source_name?, relationship?, tb_type?, last_contact?}] ·
    vaccinations: [{vaccine, date, written}], so far polio doses only. Words as in the assessment contract.
    """

    taken_on = models.DateField(_("taken on"))
    known_hiv = models.BooleanField(_("known HIV infection"), null=True)
    tb_signs = models.JSONField(_("signs of tuberculosis"), null=True, blank=True)
    tb_history = models.JSONField(_("earlier tuberculosis"), null=True, blank=True)
    tb_contacts = models.JSONField(_("contact with tuberculosis"), null=True, blank=True)
    risks = ArrayField(models.CharField(max_length=30), null=True, blank=True, verbose_name=_("risks"))
    vaccinations = models.JSONField(_("polio doses on record"), null=True, blank=True)
    polio_area_stay_days = models.PositiveIntegerField(_("days spent in Afghanistan"), null=True, blank=True)
    medicines = models.TextField(_("medicines taken now"), blank=True)
    remarks = models.TextField(_("remarks"), blank=True)
    by = models.ForeignKey(User, models.PROTECT)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("medical history")
        constraints = [models.UniqueConstraint(fields=["screening"], name="one_medical_history_per_screening")]

    def __str__(self):
        return f"{self.screening}: medical history"


class Pregnancy(Row, Fact):
    """The answer to the pregnancy question, asked before any film of women and girls aged 11 to 50."""

    class FilmChoice(models.TextChoices):
        SHIELDED = "shielded_film", _("film with shielding")
        DEFER = "defer", _("film after delivery")
        SPUTUM = "sputum", _("sputum instead of a film")

    asked_on = models.DateField(_("asked on"))
    pregnant = models.BooleanField(_("pregnant"))
    weeks = models.PositiveSmallIntegerField(_("weeks"), null=True, blank=True, validators=between(0, 44))
    days = models.PositiveSmallIntegerField(_("and days"), null=True, blank=True, validators=between(0, 6))
    due_on = models.DateField(_("expected date of delivery"), null=True, blank=True)
    film_choice = models.CharField(_("chest film"), max_length=13, choices=FilmChoice.choices, blank=True)
    by = models.ForeignKey(User, models.PROTECT)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("pregnancy question")
        constraints = [models.UniqueConstraint(fields=["screening"], name="one_pregnancy_answer_per_screening")]

    def __str__(self):
        return f"{self.screening}: pregnancy"

    def save(self, *args, **kwargs):
        with transaction.atomic():
            super().save(*args, **kwargs)
            # Other rooms may know whether, not since when; the answer and its history stay here.
            Screening.objects.filter(pk=self.screening_id).update(pregnant=self.pregnant)

    def delete(self, *args, **kwargs):
        with transaction.atomic():
            Screening.objects.filter(pk=self.screening_id).update(pregnant=None)
            return super().delete(*args, **kwargs)

    @staticmethod
    def is_asked_of(patient, day):
        """Rule LAB-HCG: everyone whose sex is not male, when any possible age on that day is 11 to 50."""
        oldest = age_on(patient.born_earliest, day)
        may_be = patient.age_on(day) <= PREGNANCY_ASKED_TO and oldest >= PREGNANCY_ASKED_FROM
        return patient.sex != patient.Sex.MALE and may_be

    def gestation_on(self, day):
        """Weeks and days completed on `day`, counted from those that were stated; None when none were."""
        if self.weeks is None:
            return None
        return divmod(max(self.weeks * 7 + (self.days or 0) + (day - self.asked_on).days, 0), 7)

    def stated_on(self, day):
        """This answer as the rules take it, with the weeks of `day`."""
        weeks, days = self.gestation_on(day) or (None, None)
        return StatedPregnancy(self.pregnant, weeks, days, self.due_on, film_choice=self.film_choice or None)


class PhysicalExam(Row, Fact):
    """The examination by systems. systems: {code: {"normal": bool, "text": str}} · conditions: as in the contract."""

    held_on = models.DateField(_("examined on"))
    systems = models.JSONField(_("systems"), default=dict)
    conditions = models.JSONField(_("conditions"), default=list, blank=True)
    chaperone = models.CharField(_("chaperone"), max_length=120, blank=True)
    remarks = models.TextField(_("remarks"), blank=True)
    by = models.ForeignKey(User, models.PROTECT)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("physical examination")
        constraints = [models.UniqueConstraint(fields=["screening"], name="one_physical_exam_per_screening")]

    def __str__(self):
        return f"{self.screening}: physical examination"


class ChestXrayQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(screening__clinic__in=user.sites())

    def unread(self):
        """Films whose reading can still be signed."""
        return self.filter(read_at=None, screening__state=Screening.State.OPEN)

    def whole(self):
        """With what every page about a film names."""
        return self.select_related("screening__patient", "screening__case", "screening__clinic", "taken_by", "read_by")


class ChestXray(Row, Fact):
    """One chest film and its reading. findings None: taken, not read; empty: normal."""

    class EffusionExcluded(models.TextChoices):
        LATERAL = "lateral_film", _("lateral film")
        DECUBITUS = "decubitus_film", _("decubitus film")
        ULTRASOUND = "ultrasound", _("ultrasound")

    taken_on = models.DateField(_("film taken on"))
    taken_by = models.ForeignKey(User, models.PROTECT, related_name="films_taken")
    image_reference = models.CharField(_("image number"), max_length=60, blank=True)
    shielded = models.BooleanField(_("abdomen shielded"), null=True)
    consent = models.BooleanField(_("consent to the film in pregnancy"), null=True)
    findings = ArrayField(models.CharField(max_length=50), null=True, blank=True, verbose_name=_("findings"))
    effusion_excluded_by = models.CharField(
        _("effusion excluded by"), max_length=14, choices=EffusionExcluded.choices, blank=True
    )
    remarks = models.TextField(_("remarks"), blank=True)
    read_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="films_read")
    read_at = models.DateTimeField(_("read at"), null=True)
    history = HistoricalRecords()

    objects = ChestXrayQuerySet.as_manager()

    class Meta:
        verbose_name = _("chest x-ray")
        ordering = ["taken_on", "id"]
        permissions = [("read_chestxray", "May read chest films and sign the reading")]

    def __str__(self):
        return f"{self.screening}: film {self.taken_on}"

    @property
    def finding_labels(self):
        """The findings in words, in the order of the catalogue."""
        return [label for code, label in words.FILM_FINDINGS.items() if code in (self.findings or ())]
