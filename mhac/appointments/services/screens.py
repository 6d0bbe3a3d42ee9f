"""What a site manager sets for the waiting room: how long people may wait, and which screens show the tickets."""

import secrets

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.appointments.models import DisplayKey, WaitingLimit, digest_of
from mhac.appointments.services.locked import Refused


@transaction.atomic
def set_waiting_limits(clinic, limits, *, by):
    """Keep what was changed of `limits` (station -> WaitingLimit with new values)."""
    standing = {row.station: row for row in WaitingLimit.objects.select_for_update().filter(clinic=clinic)}
    for station, wanted in limits.items():
        row = standing.get(station) or WaitingLimit(clinic=clinic, station=station)
        values = {name: getattr(wanted, name) for name in ("amber", "red", "usual", "back_after")}
        if row.pk in {each.pk for each in standing.values()} and all(
            getattr(row, name) == value for name, value in values.items()
        ):
            continue
        for name, value in values.items():
            setattr(row, name, value)
        row._history_user = by
        row.save()


def make_display_key(clinic, *, place, by):
    """A new key for a screen in a waiting room: (row, secret). The secret is told once and kept nowhere."""
    if not place.strip():
        raise Refused(_("Write where the screen hangs, so that the right key is taken back one day."))
    secret = secrets.token_urlsafe(18)
    row = DisplayKey(clinic=clinic, place=place.strip(), digest=digest_of(secret), made_by=by)
    row._history_user = by
    row.save(force_insert=True)
    return row, secret


@transaction.atomic
def revoke_display_key(key, *, by):
    """The screen with this key shows nothing from now on; a second time changes nothing."""
    key = DisplayKey.objects.select_for_update(of=["self"]).get(pk=key.pk)
    if key.revoked_at is None:
        key.revoked_at, key.revoked_by, key._history_user = timezone.now(), by, by
        key.save(update_fields=["revoked_at", "revoked_by"])
    return key
