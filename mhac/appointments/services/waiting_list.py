"""Families that found no time, and the telephone calls of the reception."""

import datetime

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.appointments.models import Call, Waiting
from mhac.appointments.services.bookings import book_at, without_time
from mhac.appointments.services.locked import Refused

# After how many days a family is called again, unless whoever called says otherwise; None: not for this reason.
AGAIN_AFTER = {
    Call.Outcome.NO_ANSWER: 1,
    Call.Outcome.REACHED: 3,
    Call.Outcome.WRONG_NUMBER: 7,
    Call.Outcome.DECLINED: None,
    Call.Outcome.ACCEPTED: None,
}


@transaction.atomic
def wait(case, *, by, **wish):
    """Put a family on the waiting list, or change on which days it can come; its place in the line stays.

    `wish`: weekdays, half, from_day, until, note. Raises Refused when everybody of the case has a time.
    """
    if not without_time(case).exists():
        raise Refused(_("Everybody of this case has a time already. Move the booking instead."))
    place = Waiting.objects.select_for_update().filter(case=case, state=Waiting.State.WAITING).first()
    place = place or Waiting(case=case, asked_by=by)
    for name, value in wish.items():
        setattr(place, name, value)
    place._history_user = by
    place.save()
    return place


@transaction.atomic
def stop_waiting(place, *, by):
    """The family waits no longer. Raises Refused when it has been booked meanwhile."""
    place = _standing(place)
    place.state, place._history_user = Waiting.State.GAVE_UP, by
    place.save(update_fields=["state"])
    return place


@transaction.atomic
def accept(place, moments, *, by):
    """The family takes the time or times it was offered: everybody without a time is booked, and the call is kept.

    Raises Refused as `book_at` does; then nothing is kept, and the next times can be offered in the same call.
    """
    place = _standing(place)
    booked = book_at(place.case, moments, screenings=list(without_time(place.case)), by=by)
    call = Call(case=place.case, why=Call.Why.WAITING, outcome=Call.Outcome.ACCEPTED, offered_at=min(moments), by=by)
    call._history_user = by
    call.save()
    return booked


@transaction.atomic
def record_call(case, *, why, outcome, by, next_on=None, note="", offered_at=None):
    """Keep what came of a call. Without `next_on` the usual day for this outcome is taken, an open day of the site.

    Raises Refused for a day that is over.
    """
    today = case.clinic.today()
    if next_on and next_on < today:
        raise Refused(_("The day of the next call is over. Choose today or a later day."))
    if next_on is None and (days := AGAIN_AFTER[outcome]):
        next_on = today + datetime.timedelta(days=days)
        while not case.clinic.is_open_on(next_on):
            next_on += datetime.timedelta(days=1)
    call = Call(case=case, why=why, outcome=outcome, next_on=next_on, note=note, offered_at=offered_at, by=by)
    call._history_user = by
    call.save()
    return call


def _standing(place):
    """`place`, locked; raises Refused when it stands on the list no longer."""
    place = Waiting.objects.select_for_update(of=["self"]).select_related("case__clinic").get(pk=place.pk)
    if place.state != Waiting.State.WAITING:
        raise Refused(
            _("This family is not on the waiting list any more: %(state)s.") % {"state": place.get_state_display()}
        )
    return place
