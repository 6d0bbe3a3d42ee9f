"""A programme's daily number and its pauses, at the booking desk."""

import datetime

import pytest
from django.urls import reverse

from mhac.appointments import services
from mhac.appointments.models import Booking
from mhac.appointments.offers import offered_to
from mhac.appointments.services import Refused
from mhac.screenings import services as screenings
from tests.conftest import make_user

from .conftest import make_family, open_days, slot_on

DAY = datetime.timedelta(days=1)


@pytest.fixture(autouse=True)
def every_day(db, kabul, herat):
    """No weekend, so that days can be counted."""
    for site in (kabul, herat):
        site.weekend = []
        site.save()


def decided(by, clinic, state, first=0, last=None, programme="ca", cap=None):
    today = datetime.date.today() if clinic is None else clinic.today()
    return screenings.decide_state(
        programme,
        clinic=clinic,
        state=state,
        daily_cap=cap,
        from_day=today + first * DAY,
        until=None if last is None else today + last * DAY,
        reason="Road closed",
        by=by,
    )


def slot_in(clinic, days, by, capacity=20, hour=23):
    return slot_on(clinic, clinic.today() + days * DAY, by, capacity=capacity, hour=hour)


def book(case, slot, by):
    return services.book(case, slot, screenings=list(case.screenings.order_by("pk")), by=by)


def family_of(size, clinic, cast, **more):
    return make_family(clinic, cast.rec, size=size, **more)


def test_a_day_takes_its_number_at_all_hours_together(kabul, cast):
    decided(cast.mgr, kabul, "limited", cap=3)
    early, late = slot_in(kabul, 1, cast.rec, hour=8), slot_in(kabul, 1, cast.rec, hour=9)
    book(family_of(2, kabul, cast), early, cast.rec)
    with pytest.raises(Refused, match=r"People a day \(Kabul\): 3; booked on .*: 2; needed: 2\. Choose another day"):
        book(family_of(2, kabul, cast), late, cast.rec)
    book(family_of(1, kabul, cast), late, cast.rec)
    with pytest.raises(Refused, match=r"booked on .*: 3; needed: 1"):
        book(family_of(1, kabul, cast), early, cast.rec)
    assert book(family_of(3, kabul, cast), slot_in(kabul, 2, cast.rec), cast.rec)
    assert book(family_of(5, kabul, cast, programme="uk-tb"), early, cast.rec)


def test_cancelled_and_absent_give_the_place_back(kabul, cast):
    decided(cast.mgr, kabul, "limited", cap=1)
    slot = slot_in(kabul, 0, cast.rec)
    (first,) = book(family_of(1, kabul, cast), slot, cast.rec)
    services.cancel(first, because="Ill", by=cast.rec)
    (second,) = book(family_of(1, kabul, cast), slot, cast.rec)
    services.no_show(second, by=cast.rec)
    (third,) = book(family_of(1, kabul, cast), slot, cast.rec)
    services.arrive(third, by=cast.rec)
    with pytest.raises(Refused, match=r"booked on .*: 1; needed: 1"):
        services.arrive(second, by=cast.rec)
    with pytest.raises(Refused, match="needed: 1"):
        book(family_of(1, kabul, cast), slot, cast.rec)


def test_moving_counts_on_the_new_day_only(kabul, cast):
    decided(cast.mgr, kabul, "limited", cap=2)
    one, two = slot_in(kabul, 1, cast.rec), slot_in(kabul, 2, cast.rec)
    case, other = family_of(2, kabul, cast), family_of(1, kabul, cast)
    made = book(case, one, cast.rec)
    book(other, two, cast.rec)
    with pytest.raises(Refused, match=r"booked on .*: 1; needed: 2"):
        services.reschedule(case, two, bookings=made, by=cast.rec)
    later = slot_in(kabul, 1, cast.rec, hour=10)
    assert services.reschedule(case, later, bookings=made, by=cast.rec)
    assert services.reschedule(case, slot_in(kabul, 3, cast.rec), bookings=made, by=cast.rec)
    assert book(family_of(2, kabul, cast), one, cast.rec)


def test_a_number_for_all_sites_counts_all_and_one_for_a_site_that_site(kabul, herat, cast):
    decided(make_user("network", "MGR"), None, "limited", cap=3)
    here, there = slot_in(kabul, 1, cast.rec), slot_in(herat, 1, cast.herat_rec)
    book(family_of(2, kabul, cast), here, cast.rec)
    with pytest.raises(Refused, match=r"\(all sites together\): 3; booked on .*: 2; needed: 2"):
        book(family_of(2, herat, cast), there, cast.herat_rec)
    decided(cast.mgr, kabul, "limited", cap=4)
    assert book(family_of(2, kabul, cast), here, cast.rec)
    with pytest.raises(Refused, match=r"booked on .*: 4; needed: 1"):
        book(family_of(1, herat, cast), there, cast.herat_rec)


def test_a_lower_number_turns_nobody_away_who_is_booked(kabul, cast):
    slot = slot_in(kabul, 0, cast.rec)
    made = book(family_of(3, kabul, cast), slot, cast.rec)
    decided(cast.mgr, kabul, "limited", cap=1)
    assert {services.arrive(booking, by=cast.rec).state for booking in made} == {"arrived"}


@pytest.mark.parametrize("state", ["paused", "closed", "draft"])
def test_in_a_pause_nothing_new_is_booked_for_any_day(kabul, cast, state):
    case = family_of(1, kabul, cast)
    decided(cast.mgr, kabul, state, last=3)
    for days in (0, 2, 9):
        with pytest.raises(Refused, match="Choose another programme"):
            book(case, slot_in(kabul, days, cast.rec), cast.rec)
    assert not Booking.objects.exists()


def test_a_pause_to_come_closes_its_days_already(kabul, cast):
    decided(cast.mgr, kabul, "paused", first=4, last=5)
    for days, booked in ((3, True), (4, False), (5, False), (6, True)):
        case, slot = family_of(1, kabul, cast), slot_in(kabul, days, cast.rec)
        if booked:
            assert book(case, slot, cast.rec)
        else:
            with pytest.raises(Refused, match=f"until {kabul.today() + 5 * DAY:%d %b %Y}"):
                book(case, slot, cast.rec)


def test_who_was_booked_before_the_pause_comes_and_may_leave_it(kabul, cast):
    case = family_of(1, kabul, cast)
    slot = slot_in(kabul, 1, cast.rec, hour=8)
    made = book(case, slot, cast.rec)
    decided(cast.mgr, kabul, "paused", last=3)
    assert services.reschedule(case, slot_in(kabul, 1, cast.rec, hour=9), bookings=made, by=cast.rec)
    with pytest.raises(Refused, match="takes no new people and no new bookings"):
        services.reschedule(case, slot_in(kabul, 2, cast.rec), bookings=made, by=cast.rec)
    assert services.reschedule(case, slot_in(kabul, 4, cast.rec), bookings=made, by=cast.rec)
    assert services.cancel(made[0], because="Waits for the partner", by=cast.rec).state == "cancelled"


def test_a_pause_turns_nobody_away_who_was_booked_for_the_day(kabul, cast):
    on_time, late = book(family_of(2, kabul, cast), slot_in(kabul, 0, cast.rec), cast.rec)
    services.no_show(late, by=cast.rec)
    decided(cast.mgr, kabul, "paused")
    assert services.arrive(on_time, by=cast.rec).state == "arrived"
    assert services.arrive(late, by=cast.rec).state == "arrived"


def test_offers_have_no_more_seats_than_the_programme_takes(kabul, cast):
    decided(cast.mgr, kabul, "limited", cap=3)
    decided(cast.mgr, kabul, "paused", first=2)
    book(family_of(1, kabul, cast), slot_in(kabul, 1, cast.rec, capacity=9, hour=9), cast.rec)
    today, tomorrow, after = offered_to("ca", kabul, kabul.today(), days=3)
    assert ([offer.free for offer in today.offers], today.booked) == ([3] * 6, 0)
    assert ([offer.free for offer in tomorrow.offers], tomorrow.booked) == ([2], 1)
    assert ({offer.free for offer in after.offers}, after.booked, after.standing.state) == ({0}, None, "paused")
    assert {offer.free for offer in offered_to("uk-tb", kabul, kabul.today(), days=1)[0].offers} == {10}


def test_a_moved_family_s_own_places_are_free_to_it(kabul, cast):
    decided(cast.mgr, kabul, "limited", cap=2)
    made = book(family_of(2, kabul, cast), slot_in(kabul, 1, cast.rec, capacity=5, hour=9), cast.rec)
    assert offered_to("ca", kabul, kabul.today(), days=2)[1].free == 0
    assert offered_to("ca", kabul, kabul.today(), days=2, moved=made)[1].booked == 0
    decided(cast.mgr, kabul, "paused")
    own_day, next_day = offered_to("ca", kabul, kabul.today(), days=3, moved=made)[1:]
    assert (own_day.free, next_day.free) == (5, 0)


def test_offers_cost_the_same_however_many_are_booked(kabul, cast, django_assert_num_queries):
    decided(cast.mgr, kabul, "limited", cap=9)
    for days in range(3):
        book(family_of(2, kabul, cast), slot_in(kabul, days, cast.rec), cast.rec)
    with django_assert_num_queries(11):
        offered_to("ca", kabul, kabul.today())


def test_the_page_says_how_full_a_day_is(kabul, cast, as_user):
    decided(cast.mgr, kabul, "limited", cap=1)
    book(family_of(1, kabul, cast), slot_in(kabul, 1, cast.rec, hour=9), cast.rec)
    page = as_user(cast.rec).get(reverse("appointments:book", args=[family_of(1, kabul, cast).pk])).content.decode()
    assert "0 of 1 booked" in page and "1 of 1 booked" in page and "full" in page


def test_in_a_pause_the_page_gives_the_reason_and_no_times(kabul, cast, as_user):
    case = family_of(1, kabul, cast)
    slot = slot_in(kabul, 1, cast.rec, hour=9)
    decided(cast.mgr, kabul, "paused")
    address = reverse("appointments:book", args=[case.pk])
    for answer in (
        as_user(cast.rec).get(address),
        as_user(cast.rec).post(address, {"members": [case.screenings.get().pk], "time": slot.local().isoformat()}),
    ):
        page = answer.content.decode()
        assert "Road closed" in page and 'name="time"' not in page
    assert not Booking.objects.exists()


def test_a_booking_in_a_pause_is_moved_by_its_page(kabul, cast, as_user):
    case = family_of(1, kabul, cast)
    (booking,) = book(case, slot_in(kabul, 1, cast.rec, hour=9), cast.rec)
    decided(cast.mgr, kabul, "paused", last=2)
    address = reverse("appointments:reschedule", args=[booking.pk])
    page = as_user(cast.rec).get(address).content.decode()
    assert "Road closed" in page and "paused" in page
    free = slot_in(kabul, 3, cast.rec, hour=9)
    sent = {"members": [booking.pk], "time": free.local().isoformat()}
    assert as_user(cast.rec).post(address, sent).status_code == 302
    booking.refresh_from_db()
    assert booking.slot == free


def test_days_of_other_sites_are_counted_by_their_own_clock(kabul, herat, cast):
    herat.timezone = "Pacific/Kiritimati"
    herat.save()
    decided(make_user("network", "MGR"), None, "limited", cap=1)
    day = open_days(kabul, after=3)[0]
    there = slot_on(herat, day, cast.herat_rec, hour=1)
    book(family_of(1, herat, cast), there, cast.herat_rec)
    with pytest.raises(Refused, match=r"booked on .*: 1; needed: 1"):
        book(family_of(1, kabul, cast), slot_on(kabul, day, cast.rec, hour=23), cast.rec)
    assert book(family_of(1, kabul, cast), slot_on(kabul, day - DAY, cast.rec, hour=23), cast.rec)
