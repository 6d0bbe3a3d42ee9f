from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row
from mhac.screenings.models import Screening


class SlotQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def with_room(self):
        """Each slot with `taken`, the number of seats that are booked."""
        standing = models.Q(bookings__state__in=Booking.STANDING)
        return self.annotate(taken=models.Count("bookings", filter=standing))


class Slot(Row):
    """A time at a site to which people are asked to come, and how many."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="slots")
    starts_at = models.DateTimeField(_("starts"))
    capacity = models.PositiveSmallIntegerField(_("seats"))

    objects = SlotQuerySet.as_manager()

    class Meta:
        ordering = ["starts_at"]
        constraints = [models.UniqueConstraint(fields=["clinic", "starts_at"], name="one_slot_per_start")]

    def __str__(self):
        return f"{self.clinic} {self.starts_at}"


class BookingQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(slot__clinic__in=user.sites())

    def standing(self):
        return self.filter(state__in=Booking.STANDING)


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
