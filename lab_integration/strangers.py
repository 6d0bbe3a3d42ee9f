"""Who speaks to the wire and is on no analyzer's list: they are turned away, unless a person listens for them."""

import datetime

from django.db import connection, models
from django.db.models import F
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from mhac.accounts.models import User
from mhac.clinics.models import Clinic, Row

LASTS = datetime.timedelta(hours=1)
MOST_MESSAGES = 200  # of strangers, while one opening lasts
MOST_KNOCKS = 100


class OpeningQuerySet(models.QuerySet):
    def visible_to(self, user):
        return self.filter(clinic__in=user.sites())

    def standing(self, now):
        return self.filter(until__gt=now)


class Opening(Row):
    """For one hour a person listens at a site: whoever connects may speak. It is stored and answered, never filed."""

    clinic = models.ForeignKey(Clinic, models.PROTECT, related_name="+", verbose_name=_("site"))
    opened_by = models.ForeignKey(User, models.PROTECT, related_name="+")
    opened_at = models.DateTimeField(default=timezone.now)
    until = models.DateTimeField()
    messages = models.PositiveIntegerField(default=0)

    objects = OpeningQuerySet.as_manager()

    class Meta:
        ordering = ["-until"]

    def __str__(self):
        return f"{self.clinic}, {self.until}"


class Knock(Row):
    """An address that was turned away: how often, and when last."""

    address = models.CharField(max_length=50)
    transport = models.CharField(max_length=4)
    times = models.PositiveIntegerField(default=1)
    first_at = models.DateTimeField(default=timezone.now)
    last_at = models.DateTimeField(default=timezone.now)

    class Meta:
        ordering = ["-last_at"]
        constraints = [models.UniqueConstraint(fields=["address", "transport"], name="one_row_per_knocking_address")]

    def __str__(self):
        return f"{self.address} ({self.transport}): {self.times}"


def admit(address: str, transport: str, now: datetime.datetime) -> Opening | None:
    """The opening through which this address may speak; None (and the knock is written down) when nobody listens."""
    opening = Opening.objects.standing(now).select_related("clinic").first()
    if opening is not None:
        return opening
    table = Knock._meta.db_table
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (id, address, transport, times, first_at, last_at) VALUES (%s, %s, %s, 1, %s, %s) "  # noqa: S608
            f"ON CONFLICT (address, transport) DO UPDATE SET times = {table}.times + 1, last_at = excluded.last_at",
            [Knock().pk, address, transport, now, now],
        )
    forgotten = Knock.objects.order_by("-last_at").values_list("pk", flat=True)[MOST_KNOCKS:]
    Knock.objects.filter(pk__in=list(forgotten)).delete()
    return None


def take(opening: Opening, now: datetime.datetime) -> bool:
    """Count one more message of a stranger; False when the hour is over or too many came."""
    standing = Opening.objects.standing(now).filter(pk=opening.pk, messages__lt=MOST_MESSAGES)
    return standing.update(messages=F("messages") + 1) == 1
