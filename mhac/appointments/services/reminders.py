"""Reminders of appointments: written once for each family and time, sent through a gateway, and tried again as long as
it is sure that nothing was sent.

A row is claimed and committed before it is handed to the gateway. So a process that is killed in between leaves a row
of which nobody knows whether it was sent; after `LEASE` it is set apart for a person, and never sent again by itself.
"""

import datetime
import re
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils import dateformat, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mhac.appointments.models import Booking, Reminder
from mhac.appointments.services.locked import Refused
from mhac.clinics import gateways, sms
from mhac.clinics.calendar import solar_hijri
from mhac.screenings.models import Consent

AHEAD = datetime.timedelta(hours=48)
# Later than this a message does not help any more.
TOO_LATE = datetime.timedelta(hours=2)
LEASE = datetime.timedelta(minutes=10)
# Minutes after the first, second, ... try that failed.
BACKOFF = (5, 15, 60, 180)
# Hours of the day, by the clock of the site, in which telephones may ring.
DAY = range(8, 20)


def write_due(now) -> int:
    """Write a reminder for each family whose time begins within two days; how many were written.

    Only with a telephone number, and with consent to be contacted of somebody who is booked for that time.
    """
    coming = Booking.objects.filter(
        state=Booking.State.BOOKED, slot__starts_at__gt=now + TOO_LATE, slot__starts_at__lte=now + AHEAD
    )
    agreed = Consent.objects.standing().filter(purpose=Consent.Purpose.CONTACT)
    coming = coming.filter(screening__in=agreed.values("screening")).whole().order_by("slot__starts_at", "seat")
    first = {(booking.screening.case_id, booking.slot_id): booking for booking in reversed(coming)}
    known = set(Reminder.objects.filter(slot__in={slot for _case, slot in first}).values_list("case", "slot"))
    return sum(_write(booking, now) for key, booking in first.items() if key not in known)


def send_due(gateway, now) -> int:
    """Send through `gateway` what is due, each in its own transactions; how many tries were made."""
    tries = 0
    while (row := _claimed(gateway, now)) is not None:
        tries += 1
        message = gateways.Message(key=str(row.pk), phone=row.phone, text=row.text)
        try:
            gateway.send(message)
        except gateways.Unavailable as why:
            _put_off(row, str(why), now)
        except gateways.Rejected as why:
            _end(row, Reminder.State.FAILED, str(why))
        except gateways.Unknown as why:
            _end(row, Reminder.State.UNKNOWN, str(why))
        else:
            _end(row, Reminder.State.SENT, "", sent_at=now)
    return tries


@transaction.atomic
def set_apart(now) -> int:
    """Rows that were claimed and never answered for: perhaps sent, so a person looks at them. How many."""
    rows = Reminder.objects.filter(state=Reminder.State.SENDING, claimed_at__lt=now - LEASE)
    rows = list(rows.select_for_update(skip_locked=True))
    for row in rows:
        _end(row, Reminder.State.UNKNOWN, gettext_noop("The sending was interrupted."))
    return len(rows)


@transaction.atomic
def settle(reminder, *, again, by):
    """Somebody decides about a message that was not sent, or perhaps: send it (again), or leave it as it is known now.

    Raises Refused when it needs no decision, or when its time has come.
    """
    row = Reminder.objects.select_for_update(of=["self"]).select_related("slot__clinic").get(pk=reminder.pk)
    if row.state not in (Reminder.State.FAILED, Reminder.State.UNKNOWN):
        raise Refused(_("This message is %(state)s. There is nothing to decide.") % {"state": row.get_state_display()})
    if again and row.slot.day < row.slot.clinic.today():
        raise Refused(_("The time of this appointment is over. Call the family instead."))
    row.settled_by = row._history_user = by
    row.state, row.tries = (Reminder.State.QUEUED, 0) if again else (Reminder.State.DROPPED, row.tries)
    row.save(update_fields=["settled_by", "state", "tries"])
    return row


def text_of(booking, language) -> str:
    """What a family reads: time, place, number, and nothing about health or who comes."""
    slot = booking.slot
    with translation.override(language):
        day = f"{dateformat.format(slot.day, 'l d M Y')} ({solar_hijri(slot.day, language)})"
        return _("%(site)s: appointment on %(day)s, %(time)s. Number: %(case)s. To change it, call us.") % {
            "site": slot.clinic,
            "day": day,
            "time": slot.clock,
            "case": booking.screening.case.number,
        }


def _write(booking, now):
    person, case = booking.screening.patient, booking.screening.case
    phone = re.sub(r"[^0-9+]", "", case.phone or person.phone)
    if len(phone) < 7:
        return 0
    text = text_of(booking, person.language)
    _row, new = Reminder.objects.get_or_create(
        case=case,
        slot=booking.slot,
        defaults={
            "phone": phone,
            "language": person.language,
            "text": text,
            "parts": sms.parts(text),
            "next_try_at": _by_day(booking.slot.clinic, now),
        },
    )
    return int(new)


@transaction.atomic
def _claimed(gateway, now):
    """The next row that is due, marked as being sent, or None. Rows nobody needs any more are dropped on the way."""
    due = Reminder.objects.filter(state=Reminder.State.QUEUED, next_try_at__lte=now).order_by("next_try_at", "pk")
    while row := due.select_for_update(skip_locked=True, of=["self"]).select_related("slot__clinic").first():
        if not _is_needed(row):
            _end(row, Reminder.State.DROPPED, "")
        elif row.slot.starts_at < now + TOO_LATE:
            _end(row, Reminder.State.FAILED, row.problem or gettext_noop("There was no way to send it in time."))
        else:
            row.state, row.claimed_at, row.gateway = Reminder.State.SENDING, now, gateway.name
            row.tries += 1
            row.save(update_fields=["state", "claimed_at", "gateway", "tries"])
            return row
    return None


def _is_needed(row):
    """Whether somebody of the family still comes at that time and still agrees to be contacted."""
    coming = Booking.objects.filter(slot=row.slot_id, screening__case=row.case_id, state=Booking.State.BOOKED)
    agreed = Consent.objects.standing().filter(purpose=Consent.Purpose.CONTACT)
    return coming.filter(screening__in=agreed.values("screening")).exists()


def _put_off(row, problem, now):
    if row.tries > len(BACKOFF):
        _end(row, Reminder.State.FAILED, problem)
        return
    later = now + datetime.timedelta(minutes=BACKOFF[row.tries - 1])
    row.state, row.problem, row.next_try_at = Reminder.State.QUEUED, problem[:200], _by_day(row.slot.clinic, later)
    row.save(update_fields=["state", "problem", "next_try_at"])


def _end(row, state, problem, *, sent_at=None):
    row.state, row.problem, row.sent_at = state, problem[:200], sent_at
    row.save(update_fields=["state", "problem", "sent_at"])


def _by_day(clinic, moment):
    """`moment`, or the next morning where it falls into the night of the site."""
    here = moment.astimezone(ZoneInfo(clinic.timezone))
    if here.hour in DAY:
        return moment
    morning = here.replace(hour=DAY.start, minute=0, second=0, microsecond=0)
    return morning + datetime.timedelta(days=here.hour >= DAY.stop)
