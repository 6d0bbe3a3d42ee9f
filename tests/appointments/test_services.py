"""Seats in time: what is given, and what is refused."""

import datetime

import pytest
from django.db import IntegrityError, transaction

from mhac.appointments import services
from mhac.appointments.models import Booking, Slot, Timetable, at
from mhac.appointments.services import Refused
from mhac.clinics.models import FRIDAY, SATURDAY, Closure

from .conftest import make_family, open_days, slot_on

STATES = Booking.State


def everybody(case):
    return list(case.screenings.order_by("pk"))


def next_weekday(clinic, weekday):
    return clinic.today() + datetime.timedelta(days=(weekday - clinic.today().weekday()) % 7 or 7)


def booked(case, slot, by):
    return services.book(case, slot, screenings=everybody(case), by=by)


def test_a_family_gets_the_lowest_free_seats_as_one_set(family, slot, cast):
    first = make_family(slot.clinic, cast.rec)
    booked(first, slot, cast.rec)
    made = booked(family, slot, cast.rec)
    assert [(b.seat, b.screening_id, b.booked_by) for b in made] == [
        (n, s.pk, cast.rec) for n, s in zip((2, 3, 4), everybody(family), strict=True)
    ]
    assert Slot.objects.with_room().get(pk=slot.pk).taken == 4


def test_a_seat_that_was_given_back_is_given_again(family, slot, cast):
    made = booked(family, slot, cast.rec)
    services.cancel(made[0], because="The child is ill", by=cast.rec)
    assert [b.seat for b in booked(make_family(slot.clinic, cast.rec, size=2), slot, cast.rec)] == [1, 4]


def test_too_few_seats_book_nobody(slot, cast):
    with pytest.raises(Refused, match=r"has 4 free seats, and 5 are needed\. Choose another time"):
        booked(make_family(slot.clinic, cast.rec, size=5), slot, cast.rec)
    assert not Booking.objects.exists()


@pytest.mark.parametrize("weekday", [FRIDAY, SATURDAY])
def test_the_weekend_is_closed(family, kabul, cast, weekday):
    slot = slot_on(kabul, next_weekday(kabul, weekday), cast.rec)
    with pytest.raises(Refused, match=r"is a weekend at Kabul\. Choose a working day"):
        booked(family, slot, cast.rec)


@pytest.mark.parametrize(("offset", "free"), [(-1, True), (0, False), (1, False), (2, True)])
def test_a_closure_closes_its_days_both_ends_included(family, kabul, cast, offset, free):
    kabul.weekend = []
    kabul.save()
    first = kabul.today() + datetime.timedelta(days=10)
    Closure.objects.create(
        clinic=kabul, first_day=first, last_day=first + datetime.timedelta(days=1), reason="Snow on the road"
    )
    slot = slot_on(kabul, first + datetime.timedelta(days=offset), cast.rec)
    if free:
        assert len(booked(family, slot, cast.rec)) == 3
    else:
        with pytest.raises(Refused, match=r"Snow on the road\. Choose another day"):
            booked(family, slot, cast.rec)


@pytest.mark.parametrize(("offset", "free"), [(-1, False), (0, True)])
def test_a_day_that_is_over_is_refused(family, kabul, cast, offset, free):
    kabul.weekend = []
    kabul.save()
    slot = slot_on(kabul, kabul.today() + datetime.timedelta(days=offset), cast.rec, hour=0)
    if free:
        assert booked(family, slot, cast.rec)
    else:
        with pytest.raises(Refused, match=r"is over\. Choose today or a later day"):
            booked(family, slot, cast.rec)


def test_nobody_is_booked_twice(family, slot, kabul, cast):
    booked(family, slot, cast.rec)
    later = slot_on(kabul, open_days(kabul, 2, after=1)[1], cast.rec)
    with pytest.raises(Refused, match=r"is booked already for .*08:00. Move that booking"):
        booked(family, later, cast.rec)


def test_who_did_not_come_is_booked_again_and_the_old_booking_says_so(family, kabul, cast):
    past = slot_on(kabul, kabul.today() - datetime.timedelta(days=3), cast.rec)
    missed = Booking.objects.create(slot=past, seat=1, screening=everybody(family)[0], booked_by=cast.rec)
    booked(family, slot_on(kabul, open_days(kabul, after=1)[0], cast.rec), cast.rec)
    missed.refresh_from_db()
    assert missed.state == STATES.NO_SHOW


def test_only_people_of_the_case_who_are_being_screened(family, slot, cast):
    with pytest.raises(Refused, match="Choose at least one person"):
        services.book(family, slot, screenings=[], by=cast.rec)
    with pytest.raises(Refused, match="of this case"):
        services.book(family, slot, screenings=everybody(make_family(slot.clinic, cast.rec)), by=cast.rec)
    signed = everybody(family)[1]
    signed.state = "signed"
    signed.save()
    with pytest.raises(Refused, match=r"is signed\. Take the name off the list"):
        booked(family, slot, cast.rec)
    assert not Booking.objects.exists()


def test_a_case_is_booked_at_its_own_site(family, herat, cast):
    slot = slot_on(herat, open_days(herat, after=1)[0], cast.rec)
    with pytest.raises(Refused, match="belongs to Kabul"):
        booked(family, slot, cast.rec)


def test_the_database_itself_refuses_one_seat_for_two(family, slot, cast):
    first, second, _third = everybody(family)
    Booking.objects.create(slot=slot, seat=1, screening=first, booked_by=cast.rec)
    with pytest.raises(IntegrityError, match="one_booking_per_seat"), transaction.atomic():
        Booking.objects.create(slot=slot, seat=1, screening=second, booked_by=cast.rec)


def test_moving_takes_the_family_to_another_time(family, slot, kabul, cast):
    made = booked(family, slot, cast.rec)
    later = slot_on(kabul, open_days(kabul, 2, after=1)[1], cast.rec, capacity=3)
    moved = services.reschedule(family, later, bookings=made, by=cast.cli)
    assert [(b.slot, b.seat) for b in moved] == [(later, 1), (later, 2), (later, 3)]
    assert Slot.objects.with_room().get(pk=slot.pk).taken == 0
    assert moved[0].history.first().history_user == cast.cli


def test_moving_is_refused_without_seats_to_the_same_time_and_after_arrival(family, slot, slot_today, kabul, cast):
    made = booked(family, slot, cast.rec)
    small = slot_on(kabul, open_days(kabul, 2, after=1)[1], cast.rec, capacity=2)
    with pytest.raises(Refused, match="has 2 free seats, and 3 are needed"):
        services.reschedule(family, small, bookings=made, by=cast.rec)
    with pytest.raises(Refused, match="for this very time"):
        services.reschedule(family, slot, bookings=made, by=cast.rec)
    with pytest.raises(Refused, match="at least one person"):
        services.reschedule(make_family(kabul, cast.rec), small, bookings=made[:1], by=cast.rec)
    services.cancel(made[0], because="Ill", by=cast.rec)
    with pytest.raises(Refused, match="still to come can be moved"):
        services.reschedule(family, small, bookings=made[:1], by=cast.rec)


def test_cancelling_needs_a_reason_and_a_coming_booking(family, slot, cast):
    booking, *_rest = booked(family, slot, cast.rec)
    with pytest.raises(Refused, match="Write why"):
        services.cancel(booking, because="  ", by=cast.rec)
    done = services.cancel(booking, because="Moved to Pakistan", by=cast.rec)
    assert (done.state, done.because, done.history.first().history_user) == (
        STATES.CANCELLED,
        "Moved to Pakistan",
        cast.rec,
    )
    with pytest.raises(Refused, match="is cancelled and cannot be cancelled"):
        services.cancel(booking, because="Again", by=cast.rec)


def test_arrivals_get_running_tickets_by_site_and_day(family, slot_today, kabul, herat, cast):
    here = [
        Booking.objects.create(slot=slot_today, seat=n, screening=s, booked_by=cast.rec)
        for n, s in enumerate(everybody(family), 1)
    ]
    there = Booking.objects.create(
        slot=slot_on(herat, herat.today(), cast.herat_rec),
        seat=1,
        screening=everybody(make_family(herat, cast.herat_rec))[0],
        booked_by=cast.herat_rec,
    )
    assert [services.arrive(b, by=cast.rec).ticket for b in (here[1], here[0], there, here[2])] == [1, 2, 1, 3]
    again = services.arrive(here[0], by=cast.rec)
    assert (again.ticket, again.state) == (2, STATES.ARRIVED)
    assert again.arrived_at is not None


def test_an_arrival_confirms_nobody(family, slot_today, cast):
    booking = Booking.objects.create(slot=slot_today, seat=1, screening=everybody(family)[0], booked_by=cast.rec)
    services.arrive(booking, by=cast.rec)
    assert not booking.screening.patient.identity_checks.exists()


def test_an_arrival_on_another_day_is_refused(family, slot, cast):
    booking, *_rest = booked(family, slot, cast.rec)
    with pytest.raises(Refused, match="Move it to today first"):
        services.arrive(booking, by=cast.rec)


def test_an_arrival_can_be_taken_back_and_keeps_its_ticket(family, slot_today, cast):
    first, second, third = (
        Booking.objects.create(slot=slot_today, seat=n, screening=s, booked_by=cast.rec)
        for n, s in enumerate(everybody(family), 1)
    )
    services.arrive(first, by=cast.rec)
    services.arrive(second, by=cast.rec)
    assert services.take_back_arrival(second, by=cast.rec).state == STATES.BOOKED
    assert services.arrive(third, by=cast.rec).ticket == 3
    assert services.arrive(second, by=cast.rec).ticket == 2
    services.take_back_arrival(second, by=cast.rec)
    with pytest.raises(Refused, match="nothing to take back"):
        services.take_back_arrival(second, by=cast.rec)


def test_who_comes_after_all_gets_a_seat_again_if_one_is_free(family, slot_today, kabul, cast):
    late = Booking.objects.create(slot=slot_today, seat=1, screening=everybody(family)[0], booked_by=cast.rec)
    services.no_show(late, by=cast.rec)
    for seat, member in enumerate(everybody(make_family(kabul, cast.rec, size=3)), 1):
        Booking.objects.create(slot=slot_today, seat=seat, screening=member, booked_by=cast.rec)
    assert services.arrive(late, by=cast.rec).seat == 4
    other = everybody(family)[1]
    missed = Booking.objects.create(slot=slot_today, seat=1, screening=other, state="no_show", booked_by=cast.rec)
    with pytest.raises(Refused, match="has 0 free seats"):
        services.arrive(missed, by=cast.rec)


def test_not_coming_is_said_on_the_day_or_after(family, slot, slot_today, cast):
    coming, *_rest = booked(family, slot, cast.rec)
    with pytest.raises(Refused, match="still to come"):
        services.no_show(coming, by=cast.rec)
    other = everybody(make_family(slot.clinic, cast.rec))[0]
    today = Booking.objects.create(slot=slot_today, seat=1, screening=other, booked_by=cast.rec)
    assert services.no_show(today, by=cast.rec).state == STATES.NO_SHOW
    with pytest.raises(Refused, match="did not come already"):
        services.no_show(today, by=cast.rec)


def test_a_day_without_slots_gets_those_of_the_timetable_once(kabul, cast):
    day = open_days(kabul, after=1)[0]
    Timetable.objects.create(clinic=kabul, starts=[datetime.time(9), datetime.time(10, 30)], capacity=7)
    first = services.open_day(kabul, day, by=cast.rec)
    assert [(s.local().strftime("%H:%M"), s.capacity) for s in first] == [("09:00", 7), ("10:30", 7)]
    assert services.open_day(kabul, day, by=cast.rec) == first
    assert services.slot_at(kabul, at(kabul, day, datetime.time(10, 30)), by=cast.rec) == first[1]
    with pytest.raises(Refused, match="no such time at Kabul"):
        services.slot_at(kabul, at(kabul, day, datetime.time(10)), by=cast.rec)


def test_a_site_without_a_timetable_works_in_the_morning(kabul, cast):
    slots = services.open_day(kabul, open_days(kabul, after=1)[0], by=cast.rec)
    assert [s.local().hour for s in slots] == [8, 9, 10, 11, 12, 13]


def test_opening_the_same_time_again_changes_nothing(kabul, cast):
    day = open_days(kabul, after=1)[0]
    services.open_slots(kabul, day, starts=[datetime.time(8)], capacity=5, by=cast.rec)
    services.open_slots(kabul, day, starts=[datetime.time(8), datetime.time(9)], capacity=9, by=cast.mgr)
    assert list(Slot.objects.on(kabul, day).values_list("capacity", flat=True)) == [5, 9]


def test_no_times_are_opened_on_a_weekend(kabul, cast):
    with pytest.raises(Refused, match="weekend"):
        services.open_slots(kabul, next_weekday(kabul, FRIDAY), starts=[datetime.time(8)], capacity=5, by=cast.rec)
