"""The waiting list as it stands now: who waits since when, and which free time each is offered. Reads only.

Nothing is held for a family that is offered a time: see docs/decisions.md. Each time is shown to one family only, those
who wait longest first, so that two clerks who read the list do not offer the same seats.
"""

import datetime
from collections import defaultdict
from dataclasses import dataclass, field

from mhac.appointments import asking, choosing
from mhac.appointments.models import Booking, Call, Half, Waiting
from mhac.appointments.offers import Offer, Together, offered
from mhac.appointments.places import Places
from mhac.screenings.models import Screening

PAGE = 25
# So many open days ahead are looked at.
DAYS = 20
# Nobody is called for a time that begins sooner.
NOTICE = datetime.timedelta(hours=2)


@dataclass(frozen=True)
class Family:
    """A family on the list: who has no time yet, what fits now (None: nothing), and the calls made so far."""

    place: Waiting
    people: list[Screening]
    offer: Together | None = None
    calls: list[Call] = field(default_factory=list)

    @property
    def first_day(self):
        return self.offer.parts[0][0].starts_at.date() if self.offer else None


def at_site(clinic, user, *, now) -> list[Family]:
    """Everybody who waits at `clinic`, the longest first; a fixed number of queries."""
    waits = Waiting.objects.visible_to(user).filter(case__clinic=clinic, state=Waiting.State.WAITING)
    waits = list(waits.select_related("case__clinic"))
    if not waits:
        return []
    people, calls = _without_time(waits, clinic), _calls(waits)
    waits = [place for place in waits if people[place.case_id]]
    days = offered(clinic, clinic.today(), days=DAYS)
    if not days:
        return [Family(place, people[place.case_id], None, calls[place.case_id]) for place in waits]
    everybody = {each.pk: each for some in people.values() for each in some}
    asked = {person.key: person for person in asking.people(everybody.values(), days[0].day)}
    left = _left({place.case.programme for place in waits}, clinic, days)
    families = [
        (
            sorted((asked[each.pk] for each in people[place.case_id]), key=lambda person: person.minor),
            _may_come(place, calls[place.case_id], now + NOTICE),
            place.case.programme,
            left[place.case.programme],
        )
        for place in waits
    ]
    offers = {offer.starts_at: offer for day in days for offer in day.offers}
    found = choosing.in_turn(families, {day.day: [offer.time for offer in day.offers] for day in days})
    return [
        Family(place, people[place.case_id], _named(parts, offers, everybody), calls[place.case_id])
        for place, parts in zip(waits, found, strict=True)
    ]


def page_of(families, after):
    """(families of one page, key of the next one or ""); `after`: key of the last place of the page before."""
    rest = [each for each in families if str(each.place.pk) > after]
    return rest[:PAGE], str(rest[PAGE - 1].place.pk) if len(rest) > PAGE else ""


def _without_time(waits, clinic):
    cases = [place.case_id for place in waits]
    coming = Booking.objects.filter(screening__case__in=cases, state=Booking.State.BOOKED)
    coming = {
        booking.screening_id for booking in coming.select_related("slot__clinic") if booking.slot.day >= clinic.today()
    }
    found = defaultdict(list)
    for each in Screening.objects.filter(case__in=cases).open().select_related("patient"):
        if each.pk not in coming:
            found[each.case_id].append(each)
    return found


def _calls(waits):
    found = defaultdict(list)
    cases = {place.case_id: place.asked_at for place in waits}
    for call in Call.objects.filter(case__in=cases, why=Call.Why.WAITING).select_related("by"):
        if call.at >= cases[call.case_id]:
            found[call.case_id].append(call)
    return found


def _left(programmes, clinic, days):
    """Programme -> day -> how many more it takes, None without a limit."""
    places = Places(*programmes, first=days[0].day, last=days[-1].day)
    return {each: {day.day: places.left(each, clinic, day.day) for day in days} for each in programmes}


def _may_come(place, calls, soonest):
    declined = {call.offered_at for call in calls if call.outcome == Call.Outcome.DECLINED}

    def may(day, moment):
        return (
            (not place.weekdays or day.weekday() in place.weekdays)
            and (not place.half or Half.of(moment.time()) == place.half)
            and place.from_day <= day
            and (place.until is None or day <= place.until)
            and moment >= soonest
            and moment not in declined
        )

    return may


def _named(parts, offers: dict[object, Offer], people) -> Together | None:
    shown = [(offers[time.key], [people[person.key].patient.name for person in some]) for time, some in parts]
    return Together(shown) if shown else None
