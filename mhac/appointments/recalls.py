"""Whom the reception has to telephone: who did not come, who needs another time, who has to come again. Reads only.

What only higher rooms know (specimens to collect again) is brought along by the caller, as `again`.
"""

import datetime
from collections import defaultdict
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mhac.appointments import stranded
from mhac.appointments.models import Booking, Call, Reminder, at
from mhac.screenings.models import Case, Screening

PAGE = 25
# Who did not come is called for so many days; then the case is the physician's and the partner's matter.
LOOKED_BACK = datetime.timedelta(days=60)


@dataclass(frozen=True)
class Reason:
    """Why somebody of a family is to be called, since which day. `why`: a word of Call.Why."""

    screening: Screening
    why: str
    words: str
    since: datetime.date
    booking: Booking | None = None


@dataclass(frozen=True)
class Recall:
    """One family to call: its reasons, the oldest first, and the last call."""

    case: Case
    reasons: list[Reason]
    last: Call | None

    @property
    def key(self):
        return f"{self.reasons[0].since:%Y-%m-%d}_{self.case.pk}"

    @property
    def whys(self):
        return list(dict.fromkeys(str(reason.why) for reason in self.reasons))


def at_site(clinic, user, *, again=()) -> list[Recall]:
    """The families to call at `clinic` today, who has been waiting longest for it first; a fixed number of queries.

    `again`: reasons from rooms above. A family that was called is on the list again from the day agreed on.
    """
    reasons = [*_absent(clinic, user), *_to_move(clinic, user), *_unreminded(clinic, user), *again]
    by_case = defaultdict(list)
    for reason in reasons:
        by_case[reason.screening.case_id].append(reason)
    cases = {case.pk: case for case in Case.objects.filter(pk__in=by_case).select_related("clinic")}
    calls = defaultdict(list)
    for call in Call.objects.filter(case__in=cases).exclude(why=Call.Why.WAITING).select_related("by"):
        calls[call.case_id].append(call)
    found = []
    for key, some in by_case.items():
        due = [reason for reason in some if _is_due(reason, calls[key], clinic)]
        if due:
            due.sort(key=lambda reason: (reason.since, reason.screening.pk))
            found.append(Recall(cases[key], due, next(iter(calls[key]), None)))
    return sorted(found, key=lambda recall: recall.key)


def page_of(recalls, after):
    """(families of one page, key of the next one or ""); `after`: key of the last family of the page before."""
    rest = [each for each in recalls if each.key > after]
    return rest[:PAGE], rest[PAGE - 1].key if len(rest) > PAGE else ""


def _is_due(reason, calls, clinic):
    """Whether nobody called for this yet, or the day for the next call has come."""
    last = next((call for call in calls if call.why == reason.why), None)
    if last is None or clinic_day(last.at, clinic) < reason.since:
        return True
    return last.next_on is not None and last.next_on <= clinic.today()


def clinic_day(moment, clinic):
    return moment.astimezone(at(clinic, clinic.today()).tzinfo).date()


def _absent(clinic, user):
    """Who did not come, is still being screened and has no other time."""
    today = clinic.today()
    coming = Booking.objects.filter(state=Booking.State.BOOKED, slot__starts_at__gte=at(clinic, today))
    missed = Booking.objects.visible_to(user).filter(
        slot__clinic=clinic,
        slot__starts_at__gte=at(clinic, today - LOOKED_BACK),
        slot__starts_at__lt=at(clinic, today + datetime.timedelta(days=1)),
        screening__state=Screening.State.OPEN,
    )
    missed = missed.exclude(state=Booking.State.CANCELLED).exclude(screening__in=coming.values("screening"))
    latest = {booking.screening_id: booking for booking in missed.whole().order_by("slot__starts_at")}
    for booking in latest.values():
        late = booking.state == Booking.State.BOOKED and booking.slot.day < today
        if booking.state == Booking.State.NO_SHOW or late:
            yield Reason(booking.screening, Call.Why.NO_SHOW, _("did not come"), booking.slot.day)


def _to_move(clinic, user):
    for each in stranded.at_site(clinic, user):
        # A reason that came today or earlier: nobody keeps the day on which a roster stopped holding.
        yield Reason(each.booking.screening, Call.Why.REBOOK, each.why, clinic.today(), each.booking)


def _unreminded(clinic, user):
    """Families whose reminder did not go out, while their time is still to come."""
    rows = Reminder.objects.visible_to(user).filter(
        slot__clinic=clinic,
        slot__starts_at__gte=at(clinic, clinic.today()),
        state__in=[Reminder.State.FAILED, Reminder.State.UNKNOWN],
    )
    rows = {(row.case_id, row.slot_id): row for row in rows}
    slots = {slot for _case, slot in rows}
    coming = Booking.objects.filter(
        slot__in=slots, state=Booking.State.BOOKED, screening__case__reminders__in=rows.values()
    )
    for booking in coming.whole().order_by("seat").distinct():
        if row := rows.pop((booking.screening.case_id, booking.slot_id), None):
            made = clinic_day(row.made_at, clinic)
            yield Reason(booking.screening, Call.Why.REMINDER, Call.Why.REMINDER.label, made)
