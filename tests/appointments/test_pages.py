"""Booking at the desk: the times on offer, and what each button answers."""

import datetime

import pytest
from django.urls import reverse

from mhac.accounts.models import Access
from mhac.appointments import services
from mhac.appointments.models import Booking, Slot, Timetable, at
from mhac.appointments.offers import offered
from mhac.clinics.models import FRIDAY, SATURDAY, Closure

from .conftest import make_family, open_days, slot_on


def everybody(case):
    return list(case.screenings.order_by("pk"))


def keys(rows):
    return [str(row.pk) for row in rows]


def book_page(case):
    return reverse("appointments:book", args=[case.pk])


def test_offers_are_open_days_with_their_free_seats(kabul, cast, family):
    first, second = open_days(kabul, 2)
    slot = slot_on(kabul, second, cast.rec, capacity=5, hour=10)
    services.book(family, slot, screenings=everybody(family), by=cast.rec)
    days = offered(kabul, kabul.today(), days=3)
    assert [day.day for day in days] == open_days(kabul, 3)
    assert (days[0].day, [offer.clock for offer in days[0].offers][:2], days[0].free) == (first, ["08:00", "09:00"], 60)
    assert [(offer.clock, offer.free) for offer in days[1].offers] == [("10:00", 2)]


def test_offers_skip_weekends_and_closures(kabul):
    closed = open_days(kabul, 2)[1]
    Closure.objects.create(clinic=kabul, first_day=closed, last_day=closed, reason="Eid")
    days = [day.day for day in offered(kabul, kabul.today(), days=10)]
    assert closed not in days
    assert {day.weekday() for day in days}.isdisjoint({FRIDAY, SATURDAY})


def test_offers_never_begin_before_today(kabul):
    assert offered(kabul, kabul.today() - datetime.timedelta(days=30))[0].day >= kabul.today()


def test_offers_open_nothing_by_themselves(kabul):
    offered(kabul, kabul.today())
    assert not Slot.objects.exists()


def test_offers_cost_the_same_however_many_days(kabul, cast, django_assert_num_queries):
    for day in open_days(kabul, 6, after=1):
        slot_on(kabul, day, cast.rec)
    with django_assert_num_queries(8):
        offered(kabul, kabul.today())


def test_a_family_is_booked_from_the_page(kabul, cast, family, as_user):
    day = open_days(kabul, after=1)[0]
    clerk = as_user(cast.rec)
    page = clerk.get(book_page(family))
    assert page.status_code == 200
    chosen = next(offer for each in page.context["days"] if each.day == day for offer in each.offers)
    answer = clerk.post(book_page(family), {"members": keys(everybody(family)), "time": chosen.key})
    assert answer.headers["Location"] == reverse("desk:case", args=[family.pk])
    made = Booking.objects.select_related("slot__clinic")
    assert [(b.slot.day, b.slot.clock, b.booked_by) for b in made] == [(day, "08:00", cast.rec)] * 3
    assert Access.objects.filter(page="appointments:book", key=str(family.pk)).exists()


def test_the_page_follows_the_timetable_of_the_site(kabul, cast, family, as_user):
    Timetable.objects.create(clinic=kabul, starts=[datetime.time(7, 30)], capacity=2)
    text = as_user(cast.rec).get(book_page(family)).content.decode()
    assert "07:30" in text
    assert "08:00" not in text


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"members": []}, "Tick at least one person."),
        ({"time": ""}, "Choose a time."),
        ({"time": "2020-01-01T08:00:00+04:30"}, "This time is no longer offered."),
        ({"time": "soon"}, "This time is no longer offered."),
    ],
)
def test_what_is_missing_is_said(kabul, cast, family, as_user, changes, sentence):
    offer = offered(kabul, kabul.today())[-1].offers[0]
    typed = {"members": keys(everybody(family)), "time": offer.key} | changes
    answer = as_user(cast.rec).post(book_page(family), typed)
    assert sentence in answer.content.decode()
    assert not Booking.objects.exists()


def test_over_capacity_is_refused_on_the_page(kabul, cast, family, as_user):
    slot = slot_on(kabul, open_days(kabul, after=1)[0], cast.rec, capacity=2)
    answer = as_user(cast.rec).post(
        book_page(family), {"members": keys(everybody(family)), "time": slot.local().isoformat()}
    )
    assert "has 2 free seats, and 3 are needed" in answer.content.decode()
    assert not Booking.objects.exists()


def test_a_friday_is_not_on_offer(kabul, cast, family, as_user):
    friday = kabul.today() + datetime.timedelta(days=(FRIDAY - kabul.today().weekday()) % 7 or 7)
    slot = slot_on(kabul, friday, cast.rec)
    answer = as_user(cast.rec).post(
        book_page(family), {"members": keys(everybody(family)), "time": slot.local().isoformat()}
    )
    assert "This time is no longer offered." in answer.content.decode()
    assert not Booking.objects.exists()


def test_who_is_booked_already_is_shown_and_not_offered(kabul, cast, family, slot, as_user):
    first, *rest = everybody(family)
    services.book(family, slot, screenings=[first], by=cast.rec)
    page = as_user(cast.rec).get(book_page(family))
    assert list(page.context["form"].fields["members"].queryset.order_by("pk")) == rest
    assert reverse("appointments:reschedule", args=[Booking.objects.get().pk]) in page.content.decode()


def test_a_whole_booked_family_needs_no_second_booking(cast, family, slot, as_user):
    services.book(family, slot, screenings=everybody(family), by=cast.rec)
    assert "Everybody of this case is booked." in as_user(cast.rec).get(book_page(family)).content.decode()


def test_a_case_without_open_screenings_says_what_to_do(kabul, cast, as_user):
    assert "Nobody of this case has an open screening." in (
        as_user(cast.rec).get(book_page(make_family(kabul, cast.rec, size=0))).content.decode()
    )


def test_the_family_is_moved_together_or_one_by_one(kabul, cast, family, slot, as_user):
    made = services.book(family, slot, screenings=everybody(family), by=cast.rec)
    later = slot_on(kabul, open_days(kabul, 2, after=1)[1], cast.rec)
    clerk, page = as_user(cast.rec), reverse("appointments:reschedule", args=[made[0].pk])
    assert len(clerk.get(page).context["form"].fields["members"].queryset) == 3
    clerk.post(page, {"members": keys(made[:2]), "time": later.local().isoformat()})
    assert {b.pk: b.slot for b in Booking.objects.all()} == dict(
        zip([b.pk for b in made], [later, later, slot], strict=True)
    )


def test_what_is_over_is_not_moved(cast, family, slot, as_user):
    booking, *_rest = services.book(family, slot, screenings=everybody(family)[:1], by=cast.rec)
    services.cancel(booking, because="Ill", by=cast.rec)
    text = as_user(cast.rec).get(reverse("appointments:reschedule", args=[booking.pk])).content.decode()
    assert "This booking is no longer to come." in text


def test_cancelling_needs_its_reason(cast, family, slot, as_user):
    made = services.book(family, slot, screenings=everybody(family), by=cast.rec)
    clerk, page = as_user(cast.rec), reverse("appointments:cancel", args=[made[0].pk])
    refused = clerk.post(page, {"members": keys(made[:1]), "because": ""})
    assert "Write why" in refused.content.decode()
    clerk.post(page, {"members": keys(made[:2]), "because": "The road is closed"})
    assert list(Booking.objects.order_by("seat").values_list("state", "because")) == [
        ("cancelled", "The road is closed"),
        ("cancelled", "The road is closed"),
        ("booked", ""),
    ]
    assert "can no longer be cancelled" in clerk.get(page).content.decode()


def test_the_page_shows_days_in_both_calendars(kabul, cast, family, as_user):
    browser = as_user(cast.rec)
    browser.cookies["django_language"] = "fa-af"
    text = browser.get(book_page(family)).content.decode()
    assert 'dir="rtl"' in text
    assert 'class="hijri"' in text


@pytest.mark.parametrize("role", ["cli", "phy", "rad", "lab", "aud", "adm"])
def test_who_does_not_book_is_told_whom_to_ask(cast, family, as_user, role):
    answer = as_user(getattr(cast, role)).get(book_page(family))
    assert answer.status_code == 403
    assert "appointments.add_booking" in answer.content.decode()


def test_another_site_has_nothing_here(cast, family, slot, as_user):
    booking, *_rest = services.book(family, slot, screenings=everybody(family), by=cast.rec)
    clerk = as_user(cast.herat_rec)
    assert clerk.get(book_page(family)).status_code == 404
    for name in ("reschedule", "cancel"):
        assert clerk.get(reverse(f"appointments:{name}", args=[booking.pk])).status_code == 404
    assert clerk.post(reverse("appointments:no_show", args=[booking.pk])).status_code == 404


def test_times_are_those_of_the_site_s_clock(herat, cast):
    herat.timezone = "Asia/Tehran"
    herat.save()
    assert at(herat, datetime.date(2026, 11, 24), datetime.time(8)).isoformat() == "2026-11-24T08:00:00+03:30"
    slot = slot_on(herat, open_days(herat, after=1)[0], cast.herat_rec)
    slot.refresh_from_db()
    assert slot.clock == "08:00"
