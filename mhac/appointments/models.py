import datetime
from zoneinfo import ZoneInfo

from django.contrib.postgres.fields import ArrayField
from django.core.validators import MinValueValidator
from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.screenings.models import Screening


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
        standing = models.Q(bookings__state__in=Booking.STANDING)
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


class BookingQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(slot__clinic__in=user.sites())

    def standing(self):
        return self.filter(state__in=Booking.STANDING)

    def on(self, clinic, day):
        """Bookings of one site and day, by the clock of the site."""
        return self.filter(slot__in=Slot.objects.on(clinic, day))

    def coming(self, case):
        """What is booked for one case from today on."""
        return self.filter(
            screening__case=case, state=Booking.State.BOOKED, slot__starts_at__gte=at(case.clinic, case.clinic.today())
        )

    def to_come(self, programme, clinics):
        """What is booked for a programme at some sites; the clock of each site says whether its day is over."""
        since = timezone.now() - datetime.timedelta(days=1)
        of = {"screening__programme": programme, "slot__clinic__in": clinics, "state": Booking.State.BOOKED}
        return self.filter(slot__starts_at__gte=since, **of)

    def beside(self, booking):
        """Bookings still to come of the same case at the same time, `booking` among them; none once it is over."""
        if booking.state != Booking.State.BOOKED:
            return self.none()
        return self.filter(slot=booking.slot_id, screening__case=booking.screening.case_id, state=Booking.State.BOOKED)

    def on_closed_days(self, clinic):
        """What is booked from today on for days on which the site has been closed since."""
        coming = self.filter(
            slot__clinic=clinic, state=Booking.State.BOOKED, slot__starts_at__gte=at(clinic, clinic.today())
        )
        closed = models.Q(pk__in=[])
        for closure in clinic.closures.filter(last_day__gte=clinic.today()):
            end = at(clinic, closure.last_day + datetime.timedelta(days=1))
            closed |= models.Q(slot__starts_at__gte=at(clinic, closure.first_day), slot__starts_at__lt=end)
        return coming.filter(closed)

    def whole(self):
        """With what every list names: time, site, person, case."""
        return self.select_related("slot__clinic", "screening__patient", "screening__case__clinic")


class Booking(Row):
    """One seat in one slot for one screening; two people never share a seat."""

    class State(models.TextChoices):
        BOOKED = "booked", _("booked")
        ARRIVED = "arrived", _("arrived")
        NO_SHOW = "no_show", _("did not come")
        CANCELLED = "cancelled", _("cancelled")

    STANDING = (State.BOOKED, State.ARRIVED)

    slot = models.ForeignKey(Slot, models.PROTECT, related_name="bookings")
    seat = models.PositiveSmallIntegerField()
    screening = models.ForeignKey(Screening, models.PROTECT, related_name="bookings")
    state = models.CharField(_("state"), max_length=9, choices=State.choices, default=State.BOOKED)
    ticket = models.PositiveSmallIntegerField(_("ticket"), null=True)
    arrived_at = models.DateTimeField(_("arrived"), null=True)
    because = models.CharField(_("reason"), max_length=120, blank=True)
    booked_by = models.ForeignKey(User, models.PROTECT)
    history = HistoricalRecords()

    objects = BookingQuerySet.as_manager()

    class Meta:
        verbose_name = _("booking")
        ordering = ["slot__starts_at", "seat"]
        constraints = [
            models.UniqueConstraint(
                fields=["slot", "seat"],
                condition=models.Q(state__in=["booked", "arrived"]),
                name="one_booking_per_seat",
            ),
            models.UniqueConstraint(
                fields=["screening"], condition=models.Q(state="booked"), name="one_coming_booking_per_screening"
            ),
        ]

    def __str__(self):
        return f"{self.screening} {self.slot.starts_at}"
