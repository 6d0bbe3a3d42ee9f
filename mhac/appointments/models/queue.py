import hashlib

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.utils.translation import gettext_lazy as _
from simple_history.models import HistoricalRecords

from mhac.accounts.models import User
from mhac.appointments.models.bookings import Booking
from mhac.clinics.models import Clinic, Row
from mhac.patients.models import IdentityCheck, Patient

Station = IdentityCheck.Station


class Precedence(Row):
    """Somebody is called before others today; the reason stands here and on no list and no board."""

    class Reason(models.TextChoices):
        PREGNANT = "pregnant", _("pregnant")
        ELDERLY = "elderly", _("elderly")
        SMALL_CHILD = "child", _("small child")
        DISABILITY = "disability", _("disability")
        ILL = "ill", _("unwell")
        NEED = "need", _("specific need")

    booking = models.OneToOneField(Booking, models.PROTECT, related_name="precedence")
    reason = models.CharField(_("reason"), max_length=10, choices=Reason.choices)
    given_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    given_at = models.DateTimeField(auto_now_add=True)
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("precedence in the queue")

    def __str__(self):
        return f"{self.booking_id}"


class VisitQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def on(self, clinic, day):
        return self.filter(clinic=clinic, day=day)

    def open(self):
        return self.filter(state__in=Visit.OPEN)

    def waiting(self):
        return self.filter(state=Visit.State.WAITING)

    def ready(self, moment):
        """Who may be called now: whoever was called and not here is left in peace for some minutes."""
        return self.waiting().filter(models.Q(not_before=None) | models.Q(not_before__lte=moment))

    def in_turn(self):
        return self.order_by("-goes_first", "turn", "pk")

    def with_person(self):
        return self.select_related(
            "clinic", "called_by", "booking__slot__clinic", "booking__screening__patient",
            "booking__screening__case", "booking__screening__clinic",
        )  # fmt: skip


class Visit(Row):
    """One person's turn at one station on one day: she waits, is called to a room, comes in, and goes on."""

    class State(models.TextChoices):
        WAITING = "waiting", _("waiting")
        CALLED = "called", _("called")
        INSIDE = "inside", _("in the room")
        DONE = "done", _("done")
        LEFT = "left", _("went on without")

    OPEN = (State.WAITING, State.CALLED, State.INSIDE)

    booking = models.ForeignKey(Booking, models.PROTECT, related_name="visits")
    patient = models.ForeignKey(Patient, models.PROTECT, related_name="+")
    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+")
    day = models.DateField()
    station = models.CharField(_("station"), max_length=11, choices=Station.choices)
    state = models.CharField(_("state"), max_length=7, choices=State.choices, default=State.WAITING)
    goes_first = models.BooleanField(default=False)
    waiting_since = models.DateTimeField()
    # Her place in the line. It moves when she was called and was not here; how long she waits does not.
    turn = models.DateTimeField()
    not_before = models.DateTimeField(null=True)
    missed = models.PositiveSmallIntegerField(default=0)
    called_at = models.DateTimeField(null=True)
    called_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+")
    room = models.CharField(_("room"), max_length=30, blank=True)
    entered_at = models.DateTimeField(null=True)
    left_at = models.DateTimeField(null=True)
    sent_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    history = HistoricalRecords()

    objects = VisitQuerySet.as_manager()

    class Meta:
        verbose_name = _("visit to a station")
        ordering = ["waiting_since", "id"]
        permissions = [("print_daylist", "May print the list of a day")]
        indexes = [models.Index(fields=["clinic", "day", "station", "state"])]
        constraints = [
            models.UniqueConstraint(
                fields=["patient"],
                condition=models.Q(state__in=["waiting", "called", "inside"]),
                name="one_open_visit_per_person",
            ),
            models.UniqueConstraint(
                fields=["called_by", "station"],
                condition=models.Q(state__in=["called", "inside"]),
                name="one_person_at_a_time_per_caller",
            ),
            models.CheckConstraint(
                condition=~models.Q(state__in=["called", "inside"])
                | models.Q(called_at__isnull=False, called_by__isnull=False),
                name="who_is_called_was_called_by_somebody",
            ),
            models.CheckConstraint(
                condition=models.Q(state__in=["done", "left"], left_at__isnull=False)
                | (~models.Q(state__in=["done", "left"]) & models.Q(left_at__isnull=True)),
                name="who_left_left_at_a_time",
            ),
        ]

    def __str__(self):
        return f"{self.booking_id} {self.station} {self.state}"

    def minutes_waited(self, moment):
        """Whole minutes from when she began to wait here until she came in, or until now."""
        return max(int(((self.entered_at or moment) - self.waiting_since).total_seconds() // 60), 0)


class WaitingLimit(Row):
    """How long people may wait for a station of a site before the board shows it, and what the queue takes as usual."""

    clinic = models.ForeignKey(Clinic, models.CASCADE, related_name="waiting_limits")
    station = models.CharField(_("station"), max_length=11, choices=Station.choices)
    amber = models.PositiveSmallIntegerField(_("amber after minutes"), default=30, validators=[MinValueValidator(1)])
    red = models.PositiveSmallIntegerField(_("red after minutes"), default=60, validators=[MinValueValidator(1)])
    usual = models.PositiveSmallIntegerField(
        _("usual minutes with a person"),
        default=10,
        validators=[MinValueValidator(1), MaxValueValidator(240)],
    )
    back_after = models.PositiveSmallIntegerField(
        _("called, not here: called again after minutes"), default=5, validators=[MaxValueValidator(120)]
    )
    history = HistoricalRecords()

    class Meta:
        verbose_name = _("waiting times of a station")
        constraints = [
            models.UniqueConstraint(fields=["clinic", "station"], name="one_waiting_limit_per_station"),
            models.CheckConstraint(condition=models.Q(red__gt=models.F("amber")), name="red_comes_after_amber"),
        ]

    def __str__(self):
        return f"{self.clinic_id} {self.station}: {self.amber}/{self.red}"

    @classmethod
    def of(cls, clinic):
        """Station -> the site's own limits, or the usual ones where nobody has set them; one query."""
        found = {limit.station: limit for limit in cls.objects.filter(clinic=clinic)}
        return {station: found.get(station) or cls(clinic=clinic, station=station) for station in Station.values}

    def colour(self, minutes):
        if minutes >= self.red:
            return "red"
        return "amber" if minutes >= self.amber else "grey"


class DisplayKeyQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def standing(self):
        return self.filter(revoked_at=None)

    def opened_by(self, key):
        """The standing key whose secret this is, or None."""
        return self.standing().filter(digest=digest_of(key)).select_related("clinic").first()


class DisplayKey(Row):
    """Opens the board of one waiting room on a screen where nobody signs in. Only the digest of its secret is kept."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="display_keys")
    place = models.CharField(_("where the screen hangs"), max_length=60)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    made_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    made_at = models.DateTimeField(auto_now_add=True)
    revoked_at = models.DateTimeField(null=True, editable=False)
    revoked_by = models.ForeignKey(User, models.PROTECT, null=True, related_name="+", editable=False)
    history = HistoricalRecords()

    objects = DisplayKeyQuerySet.as_manager()

    class Meta:
        verbose_name = _("key of a waiting room's screen")
        ordering = ["-id"]
        permissions = [("view_waitingroom", "May see the board of the waiting room")]

    def __str__(self):
        return f"{self.clinic_id} {self.place}"


def digest_of(key):
    return hashlib.sha256(key.encode()).hexdigest()
