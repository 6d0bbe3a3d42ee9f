import datetime
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row


def hours_of_the_morning():
    return [datetime.time(hour) for hour in range(8, 14)]


class Timetable(Row):
    """When people are asked to come to a site on an ordinary day, and how many at each time."""

    clinic = models.OneToOneField(Clinic, models.CASCADE, related_name="timetable")
    starts = ArrayField(models.TimeField(), default=hours_of_the_morning, verbose_name=_("times"))
    capacity = models.PositiveSmallIntegerField(_("seats at each time"), default=10, validators=[MinValueValidator(1)])
    history = HistoricalRecords()

    def __str__(self):
        return f"{self.clinic}: {len(self.starts)} × {self.capacity}"

    @classmethod
    def of(cls, clinic):
        """The site's own timetable, or the usual morning where nobody has set one."""
        return cls.objects.filter(clinic=clinic).first() or cls(clinic=clinic)


def at(clinic, day, time=datetime.time.min):
    """The moment when the clock of the site shows `time` on `day`."""
    return datetime.datetime.combine(day, time, ZoneInfo(clinic.timezone))


class SlotQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def on(self, clinic, first, last=None):
        """Slots of one site from `first` to `last` day (both included), by the clock of the site."""
        end = at(clinic, (last or first) + datetime.timedelta(days=1))
        return self.filter(clinic=clinic, starts_at__gte=at(clinic, first), starts_at__lt=end)

    def with_room(self):
        """Each slot with `taken`, the number of seats that are booked."""
        standing = models.Q(bookings__state__in=["booked", "arrived"])
        return self.annotate(taken=models.Count("bookings", filter=standing))


class Slot(Row):
    """A time at a site to which people are asked to come, and how many."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="slots")
    starts_at = models.DateTimeField(_("starts"))
    capacity = models.PositiveSmallIntegerField(_("seats"), validators=[MinValueValidator(1)])
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="slots_opened")

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        constraints = [models.UniqueConstraint(fields=["clinic", "starts_at"], name="one_slot_per_start")]

    def __str__(self):
        return f"{self.clinic} {self.local():%Y-%m-%d %H:%M}"

    def local(self):
        """When it starts, as the clock of the site shows it."""
        return self.starts_at.astimezone(ZoneInfo(self.clinic.timezone))

    @property
    def day(self):
        return self.local().date()

    @property
    def clock(self):
        return f"{self.local():%H:%M}"
