import datetime

from django.db import models
from django.utils import timezone
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.appointments.models.slots import Slot, at
from mhac.clinics.models import Row
from mhac.screenings.models import Screening


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
