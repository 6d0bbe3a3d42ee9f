"""The queue: who waits where, who is called, who comes in, and where she goes next."""

import datetime
import threading

import pytest
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

from mhac.appointments import loads, services
from mhac.appointments.models import Booking, StaffLine, Visit, WaitingLimit, Wish
from mhac.appointments.services import Refused
from mhac.patients.services import confirm_identity
from tests.appointments.conftest import make_family, slot_on


def arrived(clinic, by, size=3, station="nurse", hour=8, **person):
    """A family that has come today and waits at `station`, as visits in the order of the tickets."""
    case = make_family(clinic, by, size=size, **person)
    slot = slot_on(clinic, clinic.today(), by, capacity=size, hour=hour)
    bookings = services.book(case, slot, screenings=case.screenings.all(), by=by)
    for booking in bookings:
        services.arrive(booking, by=by, station=station)
    return list(Visit.objects.open().filter(booking__in=bookings).with_person().order_by("booking__ticket"))


@pytest.fixture(autouse=True)
def open_every_day(kabul):
    kabul.weekend = []
    kabul.save()


def face(visit, by):
    confirm_identity(visit.patient, station=visit.station, clinic=visit.clinic, by=by)


def test_a_turn_from_the_door_to_the_next_station(kabul, cast):
    first, second, _third = arrived(kabul, cast.rec)
    assert [first.booking.ticket, second.booking.ticket] == [1, 2]
    called = services.call_next(kabul, "nurse", room="2", by=cast.cli)
    assert (called, called.room, called.called_by) == (first, "2", cast.cli)
    with pytest.raises(Refused, match="Compare the face"):
        services.come_in(called, by=cast.cli)
    with pytest.raises(Refused, match="Ticket 1 is called"):
        services.call_next(kabul, "nurse", room="2", by=cast.cli)
    face(called, cast.cli)
    inside = services.come_in(called, by=cast.cli)
    assert services.come_in(inside, by=cast.cli).entered_at == inside.entered_at
    with pytest.raises(Refused, match="still in the room"):
        services.call_next(kabul, "nurse", room="2", by=cast.cli)
    following = services.send_on(inside, to="radiology", by=cast.cli)
    assert (following.station, following.state, following.waiting_since >= inside.entered_at) == (
        "radiology", "waiting", True,
    )  # fmt: skip
    assert services.send_on(inside, to="collection", by=cast.cli) == following, "sent twice is sent once"
    inside.refresh_from_db()
    assert (inside.state, inside.left_at is not None) == ("done", True)
    assert services.call_next(kabul, "nurse", room="2", by=cast.cli) == second
    assert [row.state for row in inside.history.order_by("history_date")] == ["waiting", "called", "inside", "done"]
    assert {row.history_user for row in inside.history.all()} == {cast.rec, cast.cli}


def test_a_comparison_elsewhere_or_a_refused_one_opens_no_room(kabul, cast):
    called, *_others = arrived(kabul, cast.rec)
    services.call_next(kabul, "nurse", room="", by=cast.cli)
    confirm_identity(called.patient, station="reception", clinic=kabul, by=cast.rec)
    with pytest.raises(Refused, match="Compare the face"):
        services.come_in(called, by=cast.cli)
    face(called, cast.cli)
    confirm_identity(called.patient, station="nurse", clinic=kabul, by=cast.cli, confirmed=False, note="another face")
    with pytest.raises(Refused, match="Compare the face"):
        services.come_in(called, by=cast.cli)


def test_called_and_not_here_comes_back_later_then_at_the_end(kabul, cast):
    first, second, third = arrived(kabul, cast.rec)
    WaitingLimit.objects.create(clinic=kabul, station="nurse", back_after=7)
    before = timezone.now()
    missed = services.not_here(services.call_next(kabul, "nurse", room="1", by=cast.cli), by=cast.cli)
    assert (missed, missed.missed, missed.state, missed.turn) == (first, 1, "waiting", first.turn)
    assert datetime.timedelta(minutes=6.9) < missed.not_before - before < datetime.timedelta(minutes=7.1)
    assert services.put_back(services.call_next(kabul, "nurse", room="1", by=cast.cli), by=cast.cli) == second
    for visit in (second, third):
        services.send_on(visit, to="", by=cast.cli)
    with pytest.raises(Refused, match="again in 7 min"):
        services.call_next(kabul, "nurse", room="1", by=cast.cli)
    again = services.not_here(services.call(first, room="1", by=cast.cli), by=cast.cli)
    assert (again.missed, again.not_before, again.turn > first.turn) == (2, None, True)
    assert again.waiting_since == first.waiting_since, "how long she waits goes on counting"
    with pytest.raises(Refused, match="not being called"):
        services.not_here(again, by=cast.cli)
    with pytest.raises(Refused, match="not being called"):
        services.put_back(again, by=cast.cli)
    services.send_on(again, to="", by=cast.cli)
    with pytest.raises(Refused, match="Nobody waits"):
        services.call_next(kabul, "nurse", room="1", by=cast.cli)
    with pytest.raises(Refused, match="no longer in this queue"):
        services.call(again, room="1", by=cast.cli)


@pytest.mark.parametrize(("years", "first"), [(4, True), (5, False), (64, False), (65, True)])
def test_small_children_and_the_old_go_first(kabul, cast, years, first):
    today = kabul.today()
    born = (today - datetime.timedelta(days=2)).replace(year=today.year - years)
    ordinary = arrived(kabul, cast.rec, size=1)[0]
    (visit,) = arrived(kabul, cast.rec, size=1, hour=9, born=born)
    assert visit.goes_first is first
    assert services.call_next(kabul, "nurse", room="", by=cast.cli) == (visit if first else ordinary)


def test_precedence_moves_up_and_is_taken_back(kabul, cast):
    first, _second, third = arrived(kabul, cast.rec)
    services.give_precedence(third.booking, reason="disability", by=cast.rec)
    services.give_precedence(third.booking, reason="pregnant", by=cast.rec)
    queue = Visit.objects.waiting().in_turn()
    assert [visit.booking.ticket for visit in queue] == [3, 1, 2]
    following = services.send_on(third, to="radiology", by=cast.cli)
    assert following.goes_first, "at the next station too"
    services.end_precedence(third.booking, by=cast.rec)
    following.refresh_from_db()
    assert not following.goes_first
    told = services.send_on(first, to="radiology", by=cast.cli, first=True)
    assert told.goes_first, "for a reason that only the caller knows"


def test_who_asked_for_a_woman_is_called_by_one(kabul, cast):
    wishes, other = arrived(kabul, cast.rec, size=2, station="examination", sex="female")
    Wish.objects.create(
        screening=wishes.booking.screening, needs=["female_clinician", "chaperone"], recorded_by=cast.rec
    )
    StaffLine.objects.create(clinic=kabul, user=cast.phy, name="Dr Namuna", sex="male")
    assert services.call_next(kabul, "examination", room="", by=cast.phy) == other
    services.send_on(other, to="", by=cast.phy)
    with pytest.raises(Refused, match="seen by a woman"):
        services.call_next(kabul, "examination", room="", by=cast.phy)
    StaffLine.objects.create(clinic=kabul, user=cast.cli, name="Nurse Namuna", sex="female")
    assert services.call_next(kabul, "examination", room="", by=cast.cli) == wishes


def test_arrivals_of_paper_are_typed_later(kabul, cast, slot_today):
    case = make_family(kabul, cast.rec, size=2)
    one, two = services.book(case, slot_today, screenings=case.screenings.all(), by=cast.rec)
    now = timezone.now()
    for wrong in (now + datetime.timedelta(minutes=2), now - datetime.timedelta(days=1)):
        with pytest.raises(Refused, match="between this morning and now"):
            services.arrive(one, by=cast.rec, at=wrong)
    earlier = max(
        now - datetime.timedelta(hours=1), now.astimezone(slot_today.local().tzinfo).replace(hour=0, minute=0)
    )
    came = services.arrive(one, by=cast.rec, at=earlier)
    visit = came.visits.get()
    assert (came.arrived_at, visit.waiting_since, visit.station) == (earlier, earlier, "reception")
    services.take_back_arrival(came, by=cast.rec)
    visit.refresh_from_db()
    assert visit.state == "left"
    with pytest.raises(Refused, match="Mark the arrival first"):
        services.line_up(two, "nurse", by=cast.rec)


def test_one_person_stands_in_one_queue_and_yesterday_s_is_over(kabul, cast):
    (visit,) = arrived(kabul, cast.rec, size=1)
    assert services.line_up(visit.booking, "radiology", by=cast.rec) == visit
    with pytest.raises(IntegrityError, match="one_open_visit_per_person"), transaction.atomic():
        Visit.objects.create(
            booking=visit.booking, patient=visit.patient, clinic=kabul, day=visit.day, station="radiology",
            waiting_since=timezone.now(), turn=timezone.now(), sent_by=cast.rec,
        )  # fmt: skip
    services.call_next(kabul, "nurse", room="", by=cast.cli)
    Visit.objects.filter(pk=visit.pk).update(day=kabul.today() - datetime.timedelta(days=1))
    (other,) = arrived(kabul, cast.rec, size=1, hour=9)
    assert services.call_next(kabul, "nurse", room="", by=cast.cli) == other
    visit.refresh_from_db()
    assert visit.state == "left"


def test_the_load_says_where_to_go(kabul, cast):
    arrived(kabul, cast.rec, size=3, station="nurse")
    arrived(kabul, cast.rec, size=2, station="radiology", hour=9)
    now = timezone.now() + datetime.timedelta(minutes=45)
    found = loads.of(kabul, kabul.today(), now)
    assert (len(found["nurse"].waiting), found["nurse"].longest, found["nurse"].colour) == (3, 45, "amber")
    assert loads.of(kabul, kabul.today(), now + datetime.timedelta(minutes=15))["nurse"].colour == "red"
    assert (found["nurse"].expected, found["radiology"].expected, found["nurse"].median) == (30, 20, None)
    assert loads.next_station({"nurse": 2, "radiology": 2}, found) == "radiology"
    assert loads.next_station({"nurse": 0, "radiology": 2}, found) == "nurse", "the lower rank goes before the load"
    assert loads.next_station({}, found) == ""
    found["radiology"].took = [18.0, 22.0, 40.0]
    assert (found["radiology"].median, found["radiology"].expected) == (22, 44)
    assert loads.next_station({"nurse": 2, "radiology": 2}, found) == "nurse"
    found["nurse"].expected_people, found["radiology"].expected_people = 0, 0
    assert loads.next_station({"radiology": 2, "nurse": 2}, found) == "nurse", "ties go in the order of the stations"


@pytest.mark.parametrize("size", [1, 8, 20])
def test_a_family_of_any_size_stands_in_line_at_once(kabul, cast, size, django_assert_max_num_queries):
    with django_assert_max_num_queries(60 + 32 * size):
        visits = arrived(kabul, cast.rec, size=size)
    assert [visit.booking.ticket for visit in visits] == list(range(1, size + 1))


@pytest.mark.django_db(transaction=True)
def test_rooms_that_call_at_once_call_different_people(kabul, cast):
    callers = [cast.cli, cast.phy, cast.rec, cast.mgr]
    arrived(kabul, cast.rec, size=3)
    called, refused = [], []

    def press(by):
        try:
            called.append(services.call_next(kabul, "nurse", room="", by=by).pk)
        except Refused as refusal:
            refused.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=press, args=[by]) for by in [*callers, cast.cli]]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(called) == len(set(called)) == 3
    assert len(refused) == 2
    assert Visit.objects.filter(state="called").count() == 3
    assert Booking.objects.filter(state="arrived").count() == 3
