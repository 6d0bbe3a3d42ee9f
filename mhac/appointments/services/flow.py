"""The queue of a day: who waits where, who is called to which room, who comes in, and where she goes next.

Nothing here knows what is done at a station: whoever sends somebody on says where to.
"""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _
from simple_history.utils import bulk_update_with_history

from mhac.accounts.models import User
from mhac.appointments.models import Booking, Precedence, StaffLine, Visit, WaitingLimit, Wish
from mhac.appointments.services.locked import Refused
from mhac.patients.models import IdentityCheck

Station = IdentityCheck.Station
# Children below the first age and people from the second go first without anybody asking for it.
SMALL_CHILD_BELOW, ELDERLY_FROM = 5, 65
# What somebody may have asked for, that a man at this station cannot give.
BY_A_WOMAN = {Station.EXAMINATION: Wish.Need.FEMALE_CLINICIAN, Station.RADIOLOGY: Wish.Need.FEMALE_RADIOGRAPHER}


@transaction.atomic
def line_up(booking, station, *, by, since=None, first=False):
    """Put somebody who has come today into the queue of `station`; who stands in a queue already stays in it.

    `first`: she goes before others for a reason that the caller knows and this room does not. Raises Refused for who
    has not come today.
    """
    clinic, now = booking.slot.clinic, timezone.now()
    patient = booking.screening.patient
    _close_older(Visit.objects.filter(patient__person=patient.person), clinic.today(), by)
    if standing := Visit.objects.open().filter(patient__person=patient.person).first():
        return standing
    if booking.state != Booking.State.ARRIVED or booking.slot.day != clinic.today():
        raise Refused(_("Mark the arrival first; then the person can stand in a queue."))
    since = since or now
    visit = Visit(
        booking=booking, patient=patient, clinic=clinic, day=clinic.today(), station=Station(station).value,
        goes_first=first or _by_age_or_need(booking), waiting_since=since, turn=since, sent_by=by,
    )  # fmt: skip
    return _written(visit, by, force_insert=True)


@transaction.atomic
def call_next(clinic, station, *, room, by):
    """Call the next person of a queue to a room: who goes first, then whose turn it is. Two rooms never get one person.

    Raises Refused while somebody whom `by` called has not come in or is still inside, and when nobody can be called.
    """
    _free_to_call(clinic, station, by)
    everybody = Visit.objects.on(clinic, clinic.today()).filter(station=station)
    queue = _whom_she_may_see(everybody, clinic, station, by)
    ready = queue.ready(timezone.now()).in_turn().select_for_update(of=["self"], skip_locked=True)
    if (visit := ready.first()) is not None:
        return _called(visit, room, by)
    if back := queue.waiting().exclude(not_before=None).order_by("not_before").first():
        minutes = max(1, -int((timezone.now() - back.not_before).total_seconds() // 60))
        raise Refused(
            _("Only people who were not here are left. They can be called again in %(minutes)d min, or by their row.")
            % {"minutes": minutes}
        )
    if everybody.waiting().exists():
        raise Refused(_("Whoever waits here asked to be seen by a woman. Let a colleague call."))
    raise Refused(_("Nobody waits here now."))


@transaction.atomic
def call(visit, *, room, by):
    """Call one person out of turn. Raises Refused as `call_next` does, and when somebody else called her."""
    _free_to_call(visit.clinic, visit.station, by)
    visit = _locked(visit)
    if visit.state != Visit.State.WAITING:
        raise Refused(_("Ticket %(ticket)s is no longer in this queue. Look at the list again.") % _ticket(visit))
    return _called(visit, room, by)


@transaction.atomic
def come_in(visit, *, by):
    """She stands in the room and her face was compared here today. Raises Refused before it was."""
    visit = _locked(visit)
    if visit.state == Visit.State.INSIDE:
        return visit
    if visit.state != Visit.State.CALLED:
        raise Refused(_("Call ticket %(ticket)s first.") % _ticket(visit))
    checks = IdentityCheck.objects.filter(patient=visit.patient_id, station=visit.station, day=visit.day)
    last = checks.filter(clinic=visit.clinic_id).order_by("at").last()
    if last is None or not last.confirmed:
        raise Refused(_("Compare the face with the photo first."))
    visit.state, visit.entered_at = Visit.State.INSIDE, timezone.now()
    return _written(visit, by, "state", "entered_at")


@transaction.atomic
def not_here(visit, *, by):
    """She was called and did not come: back into the queue, the first time at her place after some minutes, then at the
    end of it. How long she has waited goes on counting. Raises Refused for who was not called."""
    visit, now = _locked(visit), timezone.now()
    if visit.state != Visit.State.CALLED:
        raise Refused(_("Ticket %(ticket)s is not being called.") % _ticket(visit))
    if visit.missed == 0:
        pause = WaitingLimit.of(visit.clinic)[visit.station].back_after
        visit.not_before = now + datetime.timedelta(minutes=pause)
    else:
        visit.turn, visit.goes_first, visit.not_before = now, False, None
    visit.state, visit.room, visit.missed = Visit.State.WAITING, "", visit.missed + 1
    return _written(visit, by, "state", "room", "missed", "turn", "goes_first", "not_before")


@transaction.atomic
def put_back(visit, *, by):
    """The call was a mistake: she stands where she stood. Raises Refused for who is not being called."""
    visit = _locked(visit)
    if visit.state != Visit.State.CALLED:
        raise Refused(_("Ticket %(ticket)s is not being called.") % _ticket(visit))
    visit.state, visit.room = Visit.State.WAITING, ""
    return _written(visit, by, "state", "room")


@transaction.atomic
def send_on(visit, *, to, by, first=False):
    """She leaves this station for the queue of another one, or for home (`to` is ""). Returns the new visit, or None.

    Who never came in here keeps her waiting time. Sent twice is sent once.
    """
    visit, now = _locked(visit), timezone.now()
    if visit.state not in Visit.OPEN:
        return Visit.objects.open().filter(patient=visit.patient_id).first()
    was_inside = visit.state == Visit.State.INSIDE
    visit.state = Visit.State.DONE if was_inside else Visit.State.LEFT
    visit.left_at = now
    _written(visit, by, "state", "left_at")
    if not to:
        return None
    since = now if was_inside else visit.waiting_since
    return line_up(visit.booking, to, by=by, since=since, first=first)


@transaction.atomic
def give_precedence(booking, *, reason, by):
    """Somebody goes before others today, for a reason that no list shows. The last reason stands."""
    row = Precedence.objects.select_for_update().filter(booking=booking).first()
    row = row or Precedence(booking=booking)
    row.reason, row.given_by = Precedence.Reason(reason).value, by
    _written(row, by)
    _reorder(booking, by)
    return row


@transaction.atomic
def end_precedence(booking, *, by):
    """She waits as everybody does; small children and the old still go first."""
    for row in Precedence.objects.select_for_update().filter(booking=booking):
        row._history_user = by
        row.delete()
    _reorder(booking, by)


def leave_queue(booking, *, by):
    """Whoever did not come after all stands in no queue."""
    for visit in Visit.objects.open().filter(booking=booking).select_for_update(of=["self"]):
        visit.state, visit.left_at = Visit.State.LEFT, timezone.now()
        _written(visit, by, "state", "left_at")


def _by_age_or_need(booking):
    age = booking.screening.patient.age_on(booking.slot.day)
    return not SMALL_CHILD_BELOW <= age < ELDERLY_FROM or Precedence.objects.filter(booking=booking).exists()


def _reorder(booking, by):
    for visit in Visit.objects.open().filter(booking=booking).select_for_update(of=["self"]):
        visit.goes_first = _by_age_or_need(booking)
        _written(visit, by, "goes_first")


def _whom_she_may_see(visits, clinic, station, by):
    """Without those who asked for a woman, where the roster says that `by` is none."""
    wish = BY_A_WOMAN.get(station)
    man = {"clinic": clinic, "user": by, "sex": StaffLine.Sex.MALE}
    if wish is None or not StaffLine.objects.filter(**man).exists():
        return visits
    return visits.exclude(booking__screening__wish__needs__contains=[wish.value])


def _free_to_call(clinic, station, by):
    """Raises Refused while somebody is with `by`. The row of the caller keeps two quick presses in order."""
    User.objects.select_for_update(no_key=True).get(pk=by.pk)
    _close_older(Visit.objects.filter(called_by=by), clinic.today(), by)
    here = Visit.objects.open().filter(called_by=by, station=station).exclude(state=Visit.State.WAITING)
    for visit in here.select_related("booking"):
        if visit.state == Visit.State.CALLED:
            raise Refused(
                _("Ticket %(ticket)s is called. Say first whether the person came or is not here.") % _ticket(visit)
            )
        raise Refused(_("Ticket %(ticket)s is still in the room. Send the person on first.") % _ticket(visit))


def _called(visit, room, by):
    visit.state, visit.called_at, visit.called_by = Visit.State.CALLED, timezone.now(), by
    visit.room, visit.not_before = room.strip()[:30], None
    return _written(visit, by, "state", "called_at", "called_by", "room", "not_before")


def _close_older(visits, today, by):
    """Whoever was left in a queue of an earlier day went home."""
    left = list(visits.open().filter(day__lt=today).select_for_update(of=["self"]))
    for visit in left:
        visit.state, visit.left_at = Visit.State.LEFT, timezone.now()
    if left:
        bulk_update_with_history(left, Visit, ["state", "left_at"], default_user=by)


def _locked(visit):
    found = Visit.objects.select_for_update(of=["self"]).with_person()
    return found.get(pk=visit.pk)


def _ticket(visit):
    return {"ticket": visit.booking.ticket}


def _written(row, by, *fields, force_insert=False):
    row._history_user = by
    row.save(update_fields=fields or None, force_insert=force_insert)
    return row
