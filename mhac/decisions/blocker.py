"""The one thing that holds a screening up now, and whose turn it is.

What needs the person comes first, in the order of the corridor; then what the staff can do without her, then what is
awaited, then the physician. `item` names the test or question and is for readers of the ledger only.
"""

import datetime
from dataclasses import dataclass

from django.utils.translation import gettext_lazy as _

from mhac.appointments.models import Booking
from mhac.decisions import words
from mhac.labs.models import LabOrder, LabResult

OWNERS = {
    "reception": _("reception"),
    "nurse": _("nurse"),
    "physician": _("physician"),
    "radiographer": _("radiographer"),
    "laboratory": _("laboratory"),
    "partner": _("partner"),
    "family": _("the family itself"),
}

STEPS = {
    "booking": _("a booking"),
    "visit": _("the next visit"),
    "consent": _("Consent"),
    "identity": _("Identity check"),
    "questions": _("Medical history"),
    "exam": _("Physical examination"),
    "film": _("Chest x-ray"),
    "reading": _("the reading of the film"),
    "order": _("the order of tests"),
    "specimen": _("a specimen"),
    "result": _("a laboratory result"),
    "verification": _("the verification of a result"),
    "vaccination": _("Vaccination"),
    "report": _("a report from outside"),
    "time": _("a waiting time"),
    "partner": _("the partner's answer"),
    "contradiction": _("records contradict each other"),
    "judgement": _("a physician's judgement"),
    "signature": _("the signature"),
}

# Steps that need the person herself, in the order of the corridor, and who does them.
IN_PERSON = {
    "consent": "reception",
    "identity": "reception",
    "questions": "nurse",
    "vaccination": "nurse",
    "exam": "physician",
    "film": "radiographer",
    "specimen": "laboratory",
}
# Steps that the staff can do without her.
WITHOUT_HER = {"order": "physician", "reading": "radiographer", "verification": "laboratory"}
# What can only be waited for; a laboratory result is the longest of these.
AWAITED = {"result": "laboratory", "report": "family", "partner": "partner", "time": "family"}
OWNER = IN_PERSON | WITHOUT_HER | AWAITED

STEP_OF_PLACE = {
    "exams:history": "questions",
    "exams:exam": "exam",
    "exams:film": "film",
    "screenings:consent": "consent",
    "labs:collect": "specimen",
}
STEP_OF_ITEM = {
    "identity": "identity",
    "gmhat": "questions",
    "polio_dose": "vaccination",
    "vaccination": "vaccination",
    "polio_evidence": "report",
    "endocrinologist_report": "report",
    "nephrologist_report": "report",
}


@dataclass(frozen=True)
class Blocker:
    """`step` and `owner` are keys of STEPS and OWNERS; `until`: the day that is waited for, where there is one."""

    step: str
    owner: str
    since: datetime.date
    item: str = ""
    until: datetime.date | None = None

    @property
    def words(self):
        return STEPS[self.step]

    @property
    def owner_word(self):
        return OWNERS[self.owner]


def of(records, found, bookings, *, on):
    """The blocker of an open screening on a day; None once it is signed. `bookings`: hers, the earliest first."""
    if found.signed:
        return None
    changed = records.screening.facts_changed_at
    touched = max(records.screening.opened_on, records.local_day(changed)) if changed else records.screening.opened_on
    if found.contradiction:
        return Blocker("contradiction", "physician", touched)
    steps = dict(reversed([(step, (item, until)) for step, item, until in _open(records, found, on)]))
    for step in IN_PERSON:
        if step in steps:
            return _in_person(records, step, steps[step][0], bookings, on)
    for step in (*WITHOUT_HER, *AWAITED):
        if step in steps:
            item, until = steps[step]
            return Blocker(step, OWNER[step], _since(records, step) or touched, item, until)
    if found.can_be_signed:
        return Blocker("signature", "physician", touched)
    return Blocker("judgement", "physician", touched, _(", ").join(entry.label for entry in found.to_settle))


def _open(records, found, on):
    """(step, item, day it waits for) of everything that is open, in the order of the ledger."""
    asked = [str(words.QUESTIONS[path]) for path, _sentence in found.unknown if path != "tb_incidence_per_100k"]
    if asked:
        yield "questions", asked[0] if len(asked) == 1 else "", None
    for entry in found.open_entries:
        yield _step(records, found, entry, on)
    if found.unverified_results:
        yield "verification", _(", ").join(found.unverified_results), None


def _step(records, found, entry, on):
    """What one open entry of the ledger waits for."""
    step = STEP_OF_ITEM.get(entry.item) or STEP_OF_PLACE.get(entry.place, "questions")
    later = entry.not_before is not None and entry.not_before > on
    if entry.state == "pending":
        waiting = "reading" if step == "film" and records.films else "result"
        return waiting, _awaited(records, entry) if waiting == "result" else entry.label, None
    if entry.state == "deferred" and records.pregnancy is not None and records.pregnancy.pregnant:
        shielded = records.pregnancy.film_choice == records.pregnancy.FilmChoice.SHIELDED
        waits_for_partner = shielded and found.edition.practice.film_in_pregnancy == "partner"
        return ("partner" if waits_for_partner else "time"), entry.label, entry.not_before
    if later:
        return "time", entry.label, entry.not_before
    if step == "specimen" and not entry.ordered:
        return "order", entry.label, None
    return step, entry.label, None


def _awaited(records, entry):
    """The tests whose results an item waits for; a culture alone is named, because it takes weeks."""
    waiting = [o for o in records.orders if o.item == entry.item and o.state == LabOrder.State.COLLECTED]
    keys = {order.test.key for order in waiting}
    return _("culture") if keys == {"myco_cult"} else entry.label


def _in_person(records, step, item, bookings, on):
    """At the station when she is in the house; else she has to come, and before that somebody has to book her."""
    if is_here(records, bookings, on):
        return Blocker(step, OWNER[step], on, item)
    visited = max((day for day in _visits(records, bookings) if day <= on), default=records.screening.opened_on)
    coming = [booking.slot.day for booking in bookings if booking.state == Booking.State.BOOKED]
    if later := [day for day in coming if day >= on]:
        return Blocker("visit", "family", visited, item, min(later))
    return Blocker("booking", "reception", max([visited, *coming]), item)


def is_here(records, bookings, on):
    """Whether she has come on this day: her arrival, a compared face, or a page of that day."""
    return on in set(_visits(records, bookings))


def _visits(records, bookings):
    yield from (booking.slot.day for booking in bookings if booking.state == Booking.State.ARRIVED)
    yield from (check.day for check in records.checks)
    yield from (row.held_on for row in (records.exam,) if row)
    yield from (row.taken_on for row in (records.history, *records.films) if row)


def _since(records, step):
    """The first day from which this waits, where rows say it."""
    if step == "reading":
        return min((film.taken_on for film in records.films if film.findings is None), default=None)
    orders = [order for order in records.orders if order.specimen is not None]
    if step == "result":
        waiting = [order for order in orders if order.state == LabOrder.State.COLLECTED]
        return min((records.local_day(order.specimen.collected_at) for order in waiting), default=None)
    if step == "verification":
        filed = [r for order in orders for r in order.versions if r.state == LabResult.State.FILED]
        return min((records.local_day(result.filed_at) for result in filed), default=None)
    return None
