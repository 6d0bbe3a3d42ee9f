"""The clock of a family: how far each member is, who holds the others up, until when everybody's result is valid.

Rows in, days out; the arithmetic of several clocks is `protocols.family`. Nothing here is stored.
"""

import datetime
from collections import defaultdict
from dataclasses import dataclass, replace

from django.utils.translation import gettext as _

from mhac.appointments.models import Booking
from mhac.decisions import blocker, facts, ledger, words
from mhac.decisions.blocker import Blocker
from mhac.decisions.ledger import Ledger
from mhac.decisions.models import SignOff
from mhac.protocols import family
from mhac.protocols.departure import Departure, Limit, days_to_leave
from mhac.protocols.facts import Refused, read
from mhac.protocols.family import Clock, Edge, Plan, Renewal, Window
from mhac.protocols.fit_to_travel import CHECK_VALID
from mhac.protocols.months import add_days
from mhac.protocols.promise import Promise, promise_of
from mhac.protocols.provisional import Provisional, provisional
from mhac.protocols.situation import weigh
from mhac.screenings.models import Case, Screening
from mhac.screenings.programmes import programmes

# How far ahead days of departure are looked at where no expiry is known.
AHEAD_DAYS = 366


@dataclass(frozen=True)
class Rows:
    """Everything the clock of one member is made of; fetched once, it can be read for any day."""

    records: facts.Records
    signoff: SignOff | None
    bookings: tuple


@dataclass(frozen=True)
class Member:
    """`promised`: the published day, which may have passed; `until` is `certain` once signed or proposed by the rules.

    `not_before`: while `until` is not known, the day before which it cannot be; `until_waits_for` names the item.
    """

    rows: Rows
    ledger: Ledger
    blocker: Blocker | None
    clock: Clock
    begun: datetime.date | None
    promise: Promise | None
    promised: datetime.date | None
    certain: bool
    until_waits_for: str
    not_before: datetime.date | None
    has_end: bool

    @property
    def screening(self):
        return self.rows.records.screening

    @property
    def name(self):
        return self.screening.patient.name

    @property
    def until(self):
        return self.clock.until

    @property
    def passport_until(self):
        expires = self.ledger.facts["person"].get("passport_expires")
        return datetime.date.fromisoformat(expires) if expires else None

    @property
    def travel(self):
        return self.rows.records.travel

    @property
    def leaves_on(self):
        return None if self.travel is None else self.rows.records.local_day(self.travel.departure)

    @property
    def is_ready(self):
        return self.clock.done and not self.clock.stopped


@dataclass(frozen=True)
class FamilyClock:
    """`left`: screenings given up or closed, which do not count. `members` are those who travel together."""

    case: Case
    today: datetime.date
    members: tuple[Member, ...]
    left: tuple[Screening, ...]
    expiry: Edge | None
    window: Window
    ready: Edge | None
    plan: Plan | None

    def member(self, key):
        return next(member for member in self.members if member.clock.key == key)

    @property
    def waiting(self):
        """Members who are not ready; the ready ones wait for these."""
        return tuple(member for member in self.members if not member.is_ready)

    @property
    def waits_for_others(self):
        """Whether somebody is ready and somebody is not."""
        return 0 < len(self.waiting) < len(self.members)

    @property
    def has_travelled(self):
        """Whether everybody is signed and the day of departure is over."""
        leaving = [member.leaves_on for member in self.members if member.clock.done]
        return bool(leaving) and len(leaving) == len(self.members) and all(d and d < self.today for d in leaving)

    @property
    def is_over(self):
        """Nobody left to travel: given up, closed or gone."""
        return not self.members or self.has_travelled

    @property
    def is_begun(self):
        """Whether anybody has been examined; before that no day rests on more than a booking."""
        return any(member.begun for member in self.members)

    @property
    def days_left(self):
        return None if self.expiry is None else (self.expiry.day - self.today).days


def rows_of(cases):
    """The rows of each member and the screenings that do not count, by case: (rows, left). The number of queries does
    not grow with the cases.
    """
    screenings = list(Screening.objects.filter(case__in=cases).whole().order_by("id"))
    counted = {}
    for each in screenings:
        if each.state in (Screening.State.OPEN, Screening.State.SIGNED):
            # Somebody who is examined again has two screenings; the later one counts.
            counted[each.case_id, each.patient_id] = each
    members = [each for each in screenings if counted.get((each.case_id, each.patient_id)) is each]
    people = {(each.case_id, each.patient_id) for each in members}
    records = facts.records_of(members)
    signed = SignOff.objects.standing().filter(screening__in=members).select_related("signed_by")
    signoffs = {signoff.screening_id: signoff for signoff in signed}
    bookings = defaultdict(tuple)
    for booking in Booking.objects.filter(screening__in=members).select_related("slot__clinic"):
        bookings[booking.screening_id] += (booking,)
    found = {case.pk: ([], []) for case in cases}
    for each in members:
        rows = Rows(records[each.pk], signoffs.get(each.pk), bookings[each.pk])
        found[each.case_id][0].append(rows)
    for each in screenings:
        if (each.case_id, each.patient_id) not in people:
            found[each.case_id][1].append(each)
    return found


def of(case, *, on):
    """The clock of one case on a day."""
    return of_many([case], on=on)[case.pk]


def of_many(cases, *, on):
    """The clock of each case by its key."""
    cases = list(cases)
    found = rows_of(cases)
    return {case.pk: of_rows(case, *found[case.pk], on=on) for case in cases}


def of_rows(case, rows, left, *, on):
    """The clock of rows that are already fetched, on a day. Asks the database nothing."""
    order = list(Screening.Relation)
    members = sorted(
        (_member(each, on) for each in rows),
        key=lambda m: (order.index(m.screening.relation), m.screening.patient.born_earliest, m.clock.key),
    )
    clocks = [member.clock for member in members]
    return FamilyClock(
        case=case,
        today=on,
        members=tuple(members),
        left=tuple(left),
        expiry=family.earliest_expiry(clocks),
        window=family.window(clocks),
        ready=family.promised_ready(clocks),
        plan=family.plan(clocks, on),
    )


def _member(rows, on):
    records = rows.records
    if rows.signoff is not None:
        rows.signoff.screening = records.screening
        found = ledger.of_signoff(rows.signoff)
    else:
        found = ledger.of_records(records, on=on)
    begun = _begun(records)
    stated = found.facts if found.signed else facts.of_records(records, on=on)
    try:
        situation = weigh(read(stated, programmes()), found.edition)
    except Refused:
        situation = None
    term, promise = _term_and_promise(situation, found, records)
    counted_from = begun or _expected(rows.bookings)
    promised = promise.day(counted_from) if promise and counted_from else None
    until, certain = _until(found, term)
    culture = promise if promise is not None and promise.when == "sputum" else None
    return Member(
        rows=rows,
        ledger=found,
        blocker=blocker.of(records, found, rows.bookings, on=on),
        clock=_clock(rows, found, situation, until=until, promised=promised, renewal=_renewal(found, term), on=on),
        begun=begun,
        promise=promise,
        promised=promised,
        certain=certain,
        until_waits_for=_waits_for(term) if until is None else "",
        not_before=culture.first_day(counted_from) if until is None and culture and counted_from else None,
        has_end=bool(found.edition.validity),
    )


def _begun(records):
    """The day of the examination, where it is recorded; before it that of the questions or the film."""
    if records.exam is not None:
        return records.exam.held_on
    if records.history is not None:
        return records.history.taken_on
    return records.films[0].taken_on if records.films else None


def _expected(bookings):
    """The day of her visit: the last arrival, else the booking that is to come."""
    days = {state: [b.slot.day for b in bookings if b.state == state] for state in Booking.STANDING}
    return max(days[Booking.State.ARRIVED], default=None) or min(days[Booking.State.BOOKED], default=None)


def _term_and_promise(situation, found, records):
    """The term of the edition that fits so far, and what is promised; neither while records contradict each other."""
    if situation is None or not found.answer:
        return None, None
    open_items = {entry.item for entry in found.open_entries}
    asked, settle = {e.item for e in found.required}, {e.item for e in found.to_settle}
    examined = records.exam is not None or (records.history is not None and "physical_exam" not in asked)
    term = provisional(situation, open_items=open_items, examined=examined)
    return term, promise_of(situation, asked=asked, to_settle=settle)


def _until(found, term: Provisional | None):
    """(last valid day, whether it stands): as signed, as proposed, else as it follows if nothing more is found."""
    if found.signed or found.state == "cleared":
        return found.valid_until, True
    if found.state == "not_cleared" or term is None:
        return None, False
    return term.until, False


def _waits_for(term):
    if term is None or not term.waits_for:
        return ""
    return _("culture") if term.waits_for == "sputum" else str(words.ITEMS[term.waits_for])


def _renewal(found, term: Provisional | None):
    """What a new examination under the same edition would give: the days are those that the edition promises."""
    if term is None:
        return None
    promised = {promise.when: promise.days for promise in found.edition.promises}
    from_culture = term.term.counted_from == "last_culture_report"
    if from_culture and "sputum" not in promised:
        return None
    ready = promised["sputum"] if from_culture else promised.get("clean", 0)
    return Renewal(term.term.months, term.term.minus_days, ready, ready if from_culture else 0)


def _clock(rows, found, situation, *, until, promised, renewal, on):
    signoff, cleared = rows.signoff, found.state == "cleared"
    if signoff is not None:
        ready = signoff.signed_on
    elif cleared and found.can_be_signed:
        ready = on
    else:
        # A promise that has passed was not kept; today is then the earliest day there is.
        ready = max(promised, on) if promised else None
    leaves = Departure()
    if situation is not None:
        asked = {entry.item for entry in found.required}
        leaves = days_to_leave(situation.facts, on, until or add_days(on, AHEAD_DAYS), asked=asked)
    if found.edition.document == "fit_to_travel" and signoff is not None:
        leaves = _within_check(leaves, rows.records.local_day(signoff.signed_at + CHECK_VALID))
    return Clock(
        key=str(rows.records.screening.pk),
        done=signoff is not None,
        ready=ready,
        until=until,
        stopped=found.state == "not_cleared",
        leaves=leaves,
        renewal=renewal,
    )


def _within_check(leaves, last):
    """`FTT-VAL`: the letter stands for 72 hours after the signature."""
    if leaves.closes is not None and leaves.closes.day <= last:
        return leaves
    return replace(leaves, closes=Limit(last, "FTT-VAL"))
