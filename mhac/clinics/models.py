from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.db import models, transaction
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mhac.clinics import numbers
from mhac.clinics.numbers import uuid7

THURSDAY, FRIDAY, SATURDAY = 3, 4, 5


def friday_saturday() -> list[int]:
    return [FRIDAY, SATURDAY]


class Row(models.Model):
    """A row of ours: its key is made here, not by the database, so that sites can write apart."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)

    class Meta:
        abstract = True


class Clinic(Row):
    """A site: the centre in Kabul, a sub-office, a border post."""

    class Kind(models.TextChoices):
        CENTRE = "centre", _("centre")
        SUB_OFFICE = "sub_office", _("sub-office")
        BORDER_POST = "border_post", _("border post")

    code = models.CharField(_("code"), max_length=3, unique=True)
    name = models.CharField(_("name"), max_length=80)
    kind = models.CharField(_("kind"), max_length=12, choices=Kind.choices)
    province = models.CharField(_("province"), max_length=40)
    address = models.CharField(_("address"), max_length=200, blank=True)
    timezone = models.CharField(_("time zone"), max_length=40, default="Asia/Kabul")
    altitude_m = models.PositiveIntegerField(_("altitude (m)"), default=0)
    weekend = ArrayField(models.PositiveSmallIntegerField(), default=friday_saturday, verbose_name=_("weekend"))

    class Meta:
        ordering = ["code"]
        constraints = [
            models.CheckConstraint(condition=models.Q(code__regex="^[A-Z]{3}$"), name="clinic_code_three_letters")
        ]

    def __str__(self):
        return self.name

    def today(self):
        """The calendar day it is at this site now."""
        return timezone.localdate(timezone=ZoneInfo(self.timezone))

    def is_open_on(self, day):
        return (
            day.weekday() not in self.weekend
            and not self.closures.filter(first_day__lte=day, last_day__gte=day).exists()
        )

    def next_number(self, kind, year):
        """The next number of `kind` ("" accession, "C" case, "P" patient) at this site; numbers are never reused."""
        with transaction.atomic():
            Counter.objects.get_or_create(clinic=self, kind=kind, year=year)
            counter = Counter.objects.select_for_update().get(clinic=self, kind=kind, year=year)
            counter.last += 1
            counter.save(update_fields=["last"])
            return numbers.compose(self.code, kind, year, counter.last)


class Closure(Row):
    """Days on which a site is closed: a holiday, a storm, a security order."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="closures")
    first_day = models.DateField(_("first day"))
    last_day = models.DateField(_("last day"))
    reason = models.CharField(_("reason"), max_length=120)

    class Meta:
        ordering = ["first_day"]
        constraints = [
            models.CheckConstraint(
                condition=models.Q(last_day__gte=models.F("first_day")), name="closure_ends_after_it_begins"
            )
        ]

    def __str__(self):
        return f"{self.first_day} – {self.last_day}: {self.reason}"


class Counter(Row):
    """The last number given out at a site, by kind and year."""

    clinic = models.ForeignKey(Clinic, models.PROTECT)
    kind = models.CharField(max_length=2, blank=True)
    year = models.PositiveSmallIntegerField()
    last = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["clinic", "kind", "year"], name="one_counter_per_kind_and_year")]

    def __str__(self):
        return f"{self.clinic_id} {self.kind} {self.year}: {self.last}"
