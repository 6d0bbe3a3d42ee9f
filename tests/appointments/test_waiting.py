"""Who waits for a time, who is called, and what the reception writes down about it."""

import datetime

import pytest
from django.urls import reverse
from django.utils import timezone

from mhac.appointments import recalls, services, waiting
from mhac.appointments.models import Booking, Call, Reminder, Waiting
from mhac.appointments.services import Refused
from mhac.labs.models import LabOrder, Test
from tests.conftest import make_user

from .conftest import make_family, open_days, slot_on
from .test_roster import everybody, needing, on_roster

LIST = reverse("appointments:waiting")
RECALL = reverse("desk:recall")
ANY = {"weekdays": [], "half": "", "until": None, "note": ""}


@pytest.fixture
def only(kabul, cast):
    """only(day, *seats): the one day on which anything is free, with so many seats from eight o'clock on."""

    def leave(day, *seats):
        days = [kabul.today() + datetime.timedelta(n) for n in range(60)]
        for each in days:
            if each != day:
                kabul.closures.create(first_day=each, last_day=each, reason="Test")
        return [slot_on(kabul, day, cast.rec, capacity=count, hour=8 + n) for n, count in enumerate(seats)]

    return leave


def wait(case, by, **wish):
    return services.wait(case, by=by, **ANY | {"from_day": case.clinic.today()} | wish)


def offers(clinic, user):
    """Case -> clocks of what it is offered, in the order of the list."""
    found = waiting.at_site(clinic, user, now=timezone.now())
    return {f.place.case: [o.clock for o, _names in f.offer.parts] if f.offer else [] for f in found}


def test_a_freed_seat_is_offered_to_who_waits_longest_and_it_fits(kabul, cast, only):
    day = open_days(kabul, after=2)[0]
    (slot,) = only(day, 2)
    full = make_family(kabul, cast.rec, size=2)
    made = services.book(full, slot, screenings=everybody(full), by=cast.rec)
    three, needy, one, two = (make_family(kabul, cast.rec, size=size) for size in (3, 1, 1, 2))
    needing(needy, cast.rec, "female_radiographer")
    for case in (three, needy, one, two):
        wait(case, cast.rec)
    assert offers(kabul, cast.rec) == {three: [], needy: [], one: [], two: []}
    services.cancel(made[0], because="Ill", by=cast.rec)
    assert offers(kabul, cast.rec) == {three: [], needy: [], one: ["08:00"], two: []}
    services.cancel(made[1], because="Ill", by=cast.rec)
    on_roster(kabul, cast.mgr, "radiology", "female")
    assert offers(kabul, cast.rec) == {three: [], needy: ["08:00"], one: ["08:00"], two: []}
    # Who declined is not asked again for the same time; it goes to the next in the line.
    services.record_call(needy, why="waiting", outcome="declined", offered_at=slot.starts_at, by=cast.rec)
    services.record_call(one, why="waiting", outcome="declined", offered_at=slot.starts_at, by=cast.rec)
    assert offers(kabul, cast.rec) == {three: [], needy: [], one: [], two: ["08:00"]}


@pytest.mark.parametrize(
    ("wish", "fits"),
    [
        ({}, True),
        ({"half": "am"}, True),
        ({"half": "pm"}, False),
        ({"from": 0}, True),
        ({"from": 1}, False),
        ({"until": 0}, True),
        ({"until": -1}, False),
        ({"weekday": 0}, True),
        ({"weekday": 1}, False),
    ],
)
def test_a_family_is_offered_only_the_days_it_can_come(kabul, cast, only, wish, fits):
    day = open_days(kabul, after=2)[0]
    only(day, 5)
    case = make_family(kabul, cast.rec, size=2)
    asked = {}
    if "half" in wish:
        asked["half"] = wish["half"]
    if "from" in wish:
        asked["from_day"] = day + datetime.timedelta(wish["from"])
    if "until" in wish:
        asked["until"] = day + datetime.timedelta(wish["until"])
    if "weekday" in wish:
        asked["weekdays"] = [(day.weekday() + wish["weekday"]) % 7]
    wait(case, cast.rec, **asked)
    assert offers(kabul, cast.rec) == {case: ["08:00"] if fits else []}


def test_the_list_is_worked_through_on_its_page(kabul, cast, only, as_user):
    day = open_days(kabul, after=2)[0]
    slots = only(day, 2, 1)
    clerk, case = as_user(cast.rec), make_family(kabul, cast.rec, size=3)
    assert "Nobody waits for a time." in clerk.get(LIST).content.decode()
    page = reverse("appointments:wait", args=[case.pk])
    typed = {"weekdays": [day.weekday()], "half": "", "from_day": kabul.today(), "until": "", "note": "After work"}
    wrong = clerk.post(page, typed | {"until": "2026-01-01"})
    assert "lies before the first" in wrong.content.decode() and "After work" in wrong.content.decode()
    clerk.post(page, typed)
    clerk.post(page, typed | {"note": "Any hour"})
    place = Waiting.objects.get()
    assert (place.note, place.history.count()) == ("Any hour", 2)
    (family,) = clerk.get(LIST).context["families"]
    assert family.offer.key.count("T") == 2
    answer = reverse("appointments:answer", args=[place.pk])
    clerk.post(answer, {"time": family.offer.key, "outcome": "no_answer"})
    call = Call.objects.get()
    assert (call.outcome, call.offered_at) == ("no_answer", slots[0].starts_at)
    assert call.next_on == day  # the next one on which the site is open
    # Between the list and the call somebody else took a seat: nobody of the set is booked, and the sentence says so.
    other = make_family(kabul, cast.rec)
    taken = services.book(other, slots[1], screenings=everybody(other), by=cast.rec)
    refused = clerk.post(answer, {"time": family.offer.key, "outcome": "accepted"}, follow=True)
    assert "do not take everybody any more" in refused.content.decode()
    assert not Booking.objects.filter(screening__case=case).exists()
    services.cancel(taken[0], because="Ill", by=cast.rec)
    clerk.post(answer, {"time": family.offer.key, "outcome": "accepted"})
    place.refresh_from_db()
    assert place.state == "booked" and [slot.bookings.standing().count() for slot in slots] == [2, 1]
    assert Call.objects.first().outcome == "accepted"
    over = clerk.post(reverse("appointments:stop_waiting", args=[place.pk]), follow=True)
    assert "not on the waiting list any more" in over.content.decode()
    assert "has a time already" in clerk.post(page, typed).content.decode()
    for typed in ({"outcome": "accepted"}, {"outcome": "accepted", "time": "soon"}):
        assert clerk.post(answer, typed, follow=True).status_code == 200
    assert Call.objects.count() == 2
    assert as_user(cast.herat_rec).post(answer, {}).status_code == 404
    assert as_user(cast.lab).get(LIST).status_code == 403


def test_who_gives_up_waits_no_longer(kabul, cast, family):
    place = wait(family, cast.rec)
    services.stop_waiting(place, by=cast.rec)
    place.refresh_from_db()
    assert place.state == "gave_up" and offers(kabul, cast.rec) == {}
    assert wait(family, cast.rec).pk != place.pk


def missed(case, clinic, by, days=1):
    """A booking some days ago to which nobody came."""
    slot = slot_on(clinic, clinic.today() - datetime.timedelta(days), by, capacity=99, hour=8)
    screening = everybody(case)[0]
    return Booking.objects.create(slot=slot, seat=1, screening=screening, booked_by=by)


def on_recall(clinic, user, again=()):
    return {each.case: [reason.why for reason in each.reasons] for each in recalls.at_site(clinic, user, again=again)}


def test_who_is_called_and_when_again(kabul, cast, as_user):
    case, clerk = make_family(kabul, cast.rec), as_user(cast.rec)
    assert "Nobody has to be called today" in clerk.get(RECALL).content.decode()
    missed(case, kabul, cast.rec)
    assert on_recall(kabul, cast.rec) == {case: ["no_show"]}
    page = reverse("desk:called", args=[case.pk])
    refused = clerk.post(page, {"why": "no_show", "outcome": "reached", "next_on": "2026-01-01"}, follow=True)
    assert "is over. Choose today" in refused.content.decode()
    clerk.post(page, {"why": "no_show", "outcome": "no_answer"})
    call = Call.objects.get()
    assert call.next_on > kabul.today() and kabul.is_open_on(call.next_on) and on_recall(kabul, cast.rec) == {}
    Call.objects.update(next_on=kabul.today())
    assert on_recall(kabul, cast.rec) == {case: ["no_show"]}
    clerk.post(page, {"why": "no_show", "outcome": "declined", "note": "Travels no more"})
    assert Call.objects.first().next_on is None and on_recall(kabul, cast.rec) == {}
    # What comes up later is a reason of its own.
    slot = slot_on(kabul, open_days(kabul, after=1)[0], cast.rec)
    services.book(case, slot, screenings=everybody(case), by=cast.rec)
    kabul.closures.create(first_day=slot.day, last_day=slot.day, reason="Snow")
    assert on_recall(kabul, cast.rec) == {case: ["rebook"]}
    assert "Snow" in clerk.get(RECALL).content.decode()
    assert clerk.post(page, {"why": "rebook", "outcome": "accepted"}, follow=True).status_code == 200
    assert Call.objects.count() == 2
    assert as_user(cast.herat_rec).post(page, {}).status_code == 404


@pytest.mark.parametrize("outcome", ["no_answer", "reached", "wrong_number"])
def test_who_has_another_time_is_not_called(kabul, cast, family, slot, outcome):
    missed(family, kabul, cast.rec)
    services.book(family, slot, screenings=everybody(family)[:1], by=cast.rec)
    assert on_recall(kabul, cast.rec) == {}
    call = services.record_call(family, why="no_show", outcome=outcome, by=cast.rec)
    assert call.next_on > kabul.today() and call.history.get().history_user == cast.rec


def test_a_reminder_that_did_not_go_out_and_specimens_to_bring_are_called_for(kabul, cast, family, slot, as_user):
    made = services.book(family, slot, screenings=everybody(family)[:1], by=cast.rec)
    Reminder.objects.create(
        case=family, slot=slot, phone="+93700000000", language="en", text="-", parts=1, state="failed",
        next_try_at=timezone.now(),
    )  # fmt: skip
    assert on_recall(kabul, cast.rec) == {family: ["reminder"]}
    services.cancel(made[0], because="Ill", by=cast.rec)
    assert on_recall(kabul, cast.rec) == {}
    booking = missed(family, kabul, cast.rec)
    Booking.objects.filter(pk=booking.pk).update(state="arrived")
    test = Test.objects.create(key="smear", name="Secret smear", kind="text", tube="sputum")
    LabOrder.objects.create(screening=booking.screening, test=test, item="sputum", ordered_by=cast.phy)
    page = as_user(cast.rec).get(RECALL)
    assert [reason.why for each in page.context["recalls"] for reason in each.reasons] == ["again"]
    assert "specimens to bring" in page.content.decode() and "smear" not in page.content.decode()


def test_lists_cost_the_same_at_3_and_30_and_turn_their_pages_by_key(kabul, cast, as_user, only):
    only(open_days(kabul, after=2)[0], 3)
    slot = slot_on(kabul, kabul.today() - datetime.timedelta(1), cast.rec, capacity=99)
    browser = as_user(make_user("second", "REC", kabul))
    seen = {}
    for count in (3, 27):
        for _nth in range(count):
            case = make_family(kabul, cast.rec)
            Booking.objects.create(slot=slot, seat=slot.bookings.count() + 1, screening=everybody(case)[0],
                                   booked_by=cast.rec)  # fmt: skip
            wait(case, cast.rec)
        for address in (LIST, RECALL, reverse("appointments:rosters")):
            seen.setdefault(address, set()).add(_queries(browser, address))
    assert {address: len(counts) for address, counts in seen.items()} == dict.fromkeys(seen, 1), seen
    for address, name in ((LIST, "families"), (RECALL, "recalls")):
        first = browser.get(address)
        rest = browser.get(address, {"after": first.context["following"]})
        cases = [getattr(each, "place", each).case for page in (first, rest) for each in page.context[name]]
        assert (len(first.context[name]), len(set(cases))) == (25, 30) and not rest.context["following"]


def _queries(browser, address):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    with CaptureQueriesContext(connection) as queries:
        assert browser.get(address).status_code in {200, 403}
    return len(queries)


def test_a_call_over_days_is_refused(kabul, cast, family):
    with pytest.raises(Refused, match="is over"):
        services.record_call(
            family, why="again", outcome="reached", next_on=kabul.today() - datetime.timedelta(1), by=cast.rec
        )
