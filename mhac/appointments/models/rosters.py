import datetime

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.appointments.models.slots import hours_of_the_morning
from mhac.clinics.models import Clinic, Row

NOON = datetime.time(12)


class OfASite(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())


class OfStaff(models.QuerySet):
    def visible_to(self, user):
        return self.filter(staff__clinic__in=user.sites())


class Half(models.TextChoices):
    """The halves of a day on which rosters are kept: times before 12:00 belong to the morning."""

    MORNING = "am", _("morning")
    AFTERNOON = "pm", _("afternoon")

    @classmethod
    def of(cls, time):
        return cls.MORNING if time < NOON else cls.AFTERNOON


class Workplace(Row):
    """A station of a site at which people are seen, and how many one member of its staff sees at each time.

    Kinds that identities are compared at have the values of `patients.IdentityCheck.Station`.
    """

    class Kind(models.TextChoices):
        RECEPTION = "reception", _("reception")
        NURSE = "nurse", _("nurse")
        EXAMINATION = "examination", _("examination")
        RADIOLOGY = "radiology", _("radiology")
        COLLECTION = "collection", _("specimen collection")
        COUNSELLING = "counselling", _("counselling")
        CHAPERONE = "chaperone", _("chaperone")

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="workplaces")
    kind = models.CharField(_("station"), max_length=11, choices=Kind.choices)
    name = models.CharField(_("room"), max_length=40, blank=True)
    capacity = models.PositiveSmallIntegerField(
        _("people at each time, for each of its staff"),
        default=4,
        validators=[MinValueValidator(1), MaxValueValidator(200)],
    )
    history = HistoricalRecords()

    objects = OfASite.as_manager()

    class Meta:
        verbose_name = _("station of a site")
        ordering = ["kind", "name"]
        constraints = [models.UniqueConstraint(fields=["clinic", "kind", "name"], name="one_workplace_per_room")]

    def __str__(self):
        return f"{self.get_kind_display()} {self.name}".strip()


class StaffLine(Row):
    """Somebody on the roster of a site: one of our users, or a name alone (a locum, a chaperone)."""

    class Sex(models.TextChoices):
        FEMALE = "female", _("female")
        MALE = "male", _("male")

    class Language(models.TextChoices):
        DARI = "fa-af", _("Dari")
        PASHTO = "ps", _("Pashto")
        ENGLISH = "en", _("English")
        UZBEK = "uz", _("Uzbek")

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="staff_lines")
    user = models.ForeignKey(
        User, models.PROTECT, null=True, blank=True, related_name="+", verbose_name=_("signs in as")
    )
    name = models.CharField(_("name"), max_length=80)
    sex = models.CharField(_("sex"), max_length=6, choices=Sex.choices)
    languages = ArrayField(
        models.CharField(max_length=5, choices=Language.choices), default=list, blank=True, verbose_name=_("languages")
    )
    left = models.BooleanField(_("no longer works here"), default=False)
    history = HistoricalRecords()

    objects = OfASite.as_manager()

    class Meta:
        verbose_name = _("member of staff on the roster")
        ordering = ["name", "id"]
        constraints = [models.UniqueConstraint(fields=["clinic", "name"], name="one_staff_line_per_name")]

    def __str__(self):
        return self.name

    @property
    def speaks(self):
        return [self.Language(code).label for code in self.languages]


class Shift(Row):
    """Where somebody works on one half of a weekday, every week (0 is Monday)."""

    staff = models.ForeignKey(StaffLine, models.CASCADE, related_name="shifts")
    workplace = models.ForeignKey(Workplace, models.CASCADE, related_name="shifts")
    weekday = models.PositiveSmallIntegerField(_("weekday"), validators=[MaxValueValidator(6)])
    half = models.CharField(_("half of the day"), max_length=2, choices=Half.choices)
    history = HistoricalRecords()

    objects = OfStaff.as_manager()

    class Meta:
        verbose_name = _("shift")
        ordering = ["weekday", "half"]
        constraints = [
            models.UniqueConstraint(fields=["staff", "weekday", "half"], name="one_place_of_work_per_half_day"),
            models.CheckConstraint(condition=models.Q(weekday__lte=6), name="shift_on_a_day_of_the_week"),
        ]

    def __str__(self):
        return f"{self.staff}: {self.workplace} {self.weekday} {self.half}"


class ShiftChange(Row):
    """One half of one day that goes otherwise than every week: she works at `workplace` then, or (empty) not at all."""

    staff = models.ForeignKey(StaffLine, models.CASCADE, related_name="changes")
    day = models.DateField(_("day"))
    half = models.CharField(_("half of the day"), max_length=2, choices=Half.choices)
    workplace = models.ForeignKey(Workplace, models.CASCADE, null=True, blank=True, related_name="changes")
    reason = models.CharField(_("reason"), max_length=120)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    history = HistoricalRecords()

    objects = OfStaff.as_manager()

    class Meta:
        verbose_name = _("exception to the roster")
        ordering = ["day", "half"]
        constraints = [
            models.UniqueConstraint(fields=["staff", "day", "half"], name="one_exception_per_half_day"),
            models.CheckConstraint(condition=~models.Q(reason=""), name="roster_exception_has_a_reason"),
        ]

    def __str__(self):
        return f"{self.staff}: {self.day} {self.half}"


class SpecialHours(Row):
    """Other times than on an ordinary day, from one day to another: Ramadan, a half day. The newest row holds."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="special_hours")
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    starts = ArrayField(models.TimeField(), default=hours_of_the_morning, verbose_name=_("times"))
    capacity = models.PositiveSmallIntegerField(_("seats at each time"), default=10, validators=[MinValueValidator(1)])
    reason = models.CharField(_("reason"), max_length=120)
    by = models.ForeignKey(User, models.PROTECT, related_name="+")
    history = HistoricalRecords()

    objects = OfASite.as_manager()

    class Meta:
        verbose_name = _("special hours")
        ordering = ["-id"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")), name="special_hours_end_after_they_begin"
            )
        ]

    def __str__(self):
        return f"{self.first_day} – {self.last_day}: {self.reason}"


class ExpectedHoliday(Row):
    """Days that will probably be a holiday (Eid): nobody new is booked until somebody confirms them or lets them go."""

    class State(models.TextChoices):
        EXPECTED = "expected", _("expected")
        CONFIRMED = "confirmed", _("confirmed")
        DROPPED = "dropped", _("no holiday")

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="expected_holidays")
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=120)
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.EXPECTED)
    decided_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    history = HistoricalRecords()

    objects = OfASite.as_manager()

    class Meta:
        verbose_name = _("expected holiday")
        ordering = ["first_day"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")), name="holiday_ends_after_it_begins"
            )
        ]

    def __str__(self):
        return f"{self.first_day} – {self.last_day}: {self.reason}"
