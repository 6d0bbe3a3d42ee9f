"""Who works when, and what is booked because of it: rosters, needs, sets of times, hours, holidays, who is to be moved."""

import datetime

import pytest
from django.urls import reverse

from mhac.appointments import services, stranded
from mhac.appointments.models import (
    Booking,
    Companion,
    ExpectedHoliday,
    Shift,
    ShiftChange,
    Slot,
    SpecialHours,
    StaffLine,
    Wish,
    Workplace,
)
from mhac.appointments.offers import offered_to
from mhac.appointments.services import Refused

from .conftest import make_family, open_days, slot_on

PAGE = reverse("appointments:rosters")


def everybody(case):
    return list(case.screenings.order_by("pk"))


def on_roster(clinic, by, kind, sex, *, capacity=2, halves=("am", "pm"), name=""):
    """Somebody who works at a station of this kind every day of the week."""
    place, _new = Workplace.objects.get_or_create(clinic=clinic, kind=kind, defaults={"capacity": capacity})
    line = StaffLine.objects.create(clinic=clinic, name=name or f"{kind} {sex}", sex=sex)
    services.set_week(line, places={(day, half): place for day in range(7) for half in halves}, by=by)
    return line


def needing(case, by, *needs, count=None):
    for_whom = everybody(case)[:count]
    services.set_needs(case, needs={each.pk: list(needs) for each in for_whom}, by=by)


@pytest.mark.parametrize(
    ("need", "words"),
    [
        ("female_clinician", "no female clinician free"),
        ("female_radiographer", "no female radiographer free"),
        ("chaperone", "no chaperone free"),
    ],
)
def test_a_need_is_met_by_the_roster_or_nobody_is_booked(kabul, cast, family, slot, need, words):
    needing(family, cast.rec, need, count=1)
    with pytest.raises(Refused, match=rf"08:00 on .*: {words}\. Choose another time"):
        services.book(family, slot, screenings=everybody(family), by=cast.rec)
    # The wrong sex, or the wrong station, changes nothing.
    on_roster(kabul, cast.mgr, "examination", "male", capacity=9)
    on_roster(kabul, cast.mgr, "radiology", "male", capacity=9)
    on_roster(kabul, cast.mgr, "nurse", "female", capacity=9)
    with pytest.raises(Refused, match=words):
        services.book(family, slot, screenings=everybody(family), by=cast.rec)
    kind = {"female_clinician": "examination", "female_radiographer": "radiology"}.get(need, "chaperone")
    on_roster(kabul, cast.mgr, kind, "female", name="Laila")
    assert len(services.book(family, slot, screenings=everybody(family), by=cast.rec)) == 3
    assert Wish.history.filter(needs=[need]).get().history_user == cast.rec


def test_places_of_the_staff_are_given_once(kabul, cast, slot):
    """Two places with the female clinician: a third woman who needs her is refused, one who does not need her comes."""
    on_roster(kabul, cast.mgr, "examination", "female")
    on_roster(kabul, cast.mgr, "examination", "male")
    first, second = make_family(kabul, cast.rec, size=2), make_family(kabul, cast.rec, size=2)
    needing(first, cast.rec, "female_clinician")
    needing(second, cast.rec, "female_clinician", count=1)
    services.book(first, slot, screenings=everybody(first), by=cast.rec)
    with pytest.raises(Refused, match="no female clinician free"):
        services.book(second, slot, screenings=everybody(second), by=cast.rec)
    services.set_needs(second, needs={each.pk: [] for each in everybody(second)}, by=cast.rec)
    assert len(services.book(second, slot, screenings=everybody(second), by=cast.rec)) == 2
    third = make_family(kabul, cast.rec)
    Slot.objects.filter(pk=slot.pk).update(capacity=9)
    with pytest.raises(Refused, match=r"examination: 0 places free, 1 needed"):
        services.book(third, slot, screenings=everybody(third), by=cast.rec)


def test_moving_asks_the_roster_too_and_frees_its_own_place(kabul, cast, family):
    on_roster(kabul, cast.mgr, "examination", "female", capacity=3, halves=["am"])
    needing(family, cast.rec, "female_clinician")
    day = open_days(kabul, after=1)[0]
    early, later, late = (slot_on(kabul, day, cast.rec, hour=hour) for hour in (8, 9, 13))
    made = services.book(family, early, screenings=everybody(family), by=cast.rec)
    with pytest.raises(Refused, match=r"13:00 on .*no female clinician free"):
        services.reschedule(family, late, bookings=made, by=cast.rec)
    assert services.reschedule(family, later, bookings=made, by=cast.rec)[0].slot == later


def test_a_family_that_no_time_takes_is_offered_neighbouring_ones_and_booked_as_a_set(kabul, cast, as_user):
    day = open_days(kabul, after=1)[0]
    slots = [slot_on(kabul, day, cast.rec, capacity=seats, hour=8 + n) for n, seats in enumerate((2, 2, 1))]
    family = make_family(kabul, cast.rec, size=4)
    page = reverse("appointments:book", args=[family.pk])
    clerk = as_user(cast.rec)
    shown = clerk.get(f"{page}?day={day}")
    first = shown.context["days"][0]
    assert [offer.why for offer in first.offers][:2] == ["2 seats free, 4 needed"] * 2
    assert [offer.clock for offer, _names in first.together.parts] == ["08:00", "09:00"]
    assert "2 seats free, 4 needed" in shown.content.decode()
    typed = {"members": [str(each.pk) for each in everybody(family)], "time": first.together.key}
    assert clerk.post(f"{page}?day={day}", typed).status_code == 302
    assert [slot.bookings.count() for slot in slots] == [2, 2, 0]
    # What a set was offered for may be gone when it is asked for: then nobody of it is booked.
    other = make_family(kabul, cast.rec, size=2)
    moments = [slots[0].starts_at, slots[2].starts_at]
    with pytest.raises(Refused, match="do not take everybody any more"):
        services.book_at(other, moments, screenings=everybody(other), by=cast.rec)
    with pytest.raises(Refused, match="one day"):
        tomorrow = slot_on(kabul, open_days(kabul, 2, after=1)[1], cast.rec)
        parts = [(slots[2], everybody(other)[:1]), (tomorrow, everybody(other)[1:])]
        services.book_together(other, parts, by=cast.rec)
    assert not Booking.objects.filter(screening__case=other).exists()


def test_times_are_shown_for_who_is_ticked(kabul, cast, family, as_user):
    day = open_days(kabul, after=1)[0]
    slot_on(kabul, day, cast.rec, capacity=2)
    page, clerk = reverse("appointments:book", args=[family.pk]), as_user(cast.rec)
    two = [str(each.pk) for each in everybody(family)[:2]]
    answer = clerk.post(f"{page}?day={day}", {"members": two, "show": "1"}, follow=True)
    assert [offer.why for offer in answer.context["days"][0].offers] == [""]
    assert answer.context["form"].initial == {} and len(answer.context["form"].fields["members"].initial) == 2
    assert not Booking.objects.exists()


def test_needs_and_companions_are_recorded_on_their_page(kabul, cast, family, as_user):
    page, clerk = reverse("appointments:wishes", args=[family.pk]), as_user(cast.rec)
    first = everybody(family)[0]
    answer = clerk.post(page, {"what": "needs", f"needs-{first.pk}": ["chaperone"]})
    assert answer.headers["Location"] == reverse("appointments:book", args=[family.pk])
    assert Wish.objects.get().needs == ["chaperone"]
    wrong = clerk.post(page, {"what": "companion", "name": "", "relation": "mahram"})
    assert "This field is required." in wrong.content.decode()
    clerk.post(page, {"what": "companion", "name": "Ahmad Namuna", "relation": "mahram"})
    companion = Companion.objects.get()
    text = clerk.get(reverse("appointments:book", args=[family.pk])).content.decode()
    assert "Ahmad Namuna" in text and "takes no seat" in text and "chaperone" in text
    clerk.post(reverse("appointments:remove_companion", args=[companion.pk]))
    assert not Companion.objects.exists() and companion.history.first().history_user == cast.rec
    assert as_user(cast.herat_rec).get(page).status_code == 404
    assert as_user(cast.lab).get(page).status_code == 403


def test_a_roster_change_names_who_has_to_be_moved_with_the_reason(kabul, cast, as_user, django_assert_num_queries):
    laila = on_roster(kabul, cast.mgr, "examination", "female", capacity=3, name="Laila")
    on_roster(kabul, cast.mgr, "examination", "male", capacity=3)
    day = open_days(kabul, after=1)[0]
    slot = slot_on(kabul, day, cast.rec, capacity=9)
    needy, other = make_family(kabul, cast.rec, size=2), make_family(kabul, cast.rec, size=2)
    needing(needy, cast.rec, "female_clinician", count=1)
    for case in (needy, other):
        services.book(case, slot, screenings=everybody(case), by=cast.rec)
    assert stranded.at_site(kabul, cast.mgr) == []
    manager = as_user(cast.mgr)
    away = {"staff": laila.pk, "first_day": day, "last_day": day, "halves": ["am", "pm"], "reason": "Training course"}
    shown = manager.post(reverse("appointments:change_days"), away, follow=True)
    # Three places are left, of those the first three who were booked and can be seen keep theirs.
    found = {each.booking.screening.pk: each.why for each in shown.context["stranded"]}
    assert found == {everybody(needy)[0].pk: "no female clinician free"}
    text = shown.content.decode()
    assert "Training course" in text and reverse("appointments:reschedule", args=[Booking.objects.first().pk]) in text
    change = ShiftChange.objects.first()
    assert change.history.get().history_user == cast.mgr
    Workplace.objects.update(capacity=2)
    assert [each.why for each in stranded.at_site(kabul, cast.mgr)] == [
        "no female clinician free", "examination: 0 places free, 1 needed",
    ]  # fmt: skip
    services.take_back_change(change, by=cast.mgr)
    with django_assert_num_queries(10):
        stranded.at_site(kabul, cast.mgr)


def test_the_roster_is_the_manager_s_and_everybody_s_to_read(kabul, herat, cast, as_user):
    empty = as_user(cast.phy).get(PAGE)
    assert "keeps no roster yet" in empty.content.decode() and "Change these days" not in empty.content.decode()
    assert as_user(cast.rec).post(reverse("appointments:change_days")).status_code == 403
    manager = as_user(cast.mgr)
    manager.post(reverse("appointments:new_workplace"), {"kind": "radiology", "name": "5", "capacity": "4"})
    place = Workplace.objects.get()
    again = manager.post(reverse("appointments:new_workplace"), {"kind": "radiology", "name": "5", "capacity": "4"})
    assert "There is one of this name" in again.content.decode()
    made = manager.post(reverse("appointments:new_staff_line"), {"name": "Roya", "sex": "female", "languages": ["ps"]})
    line = StaffLine.objects.get()
    week = reverse("appointments:staff_week", args=[line.pk])
    assert made.headers["Location"] == week
    manager.post(week, {"0-am": place.pk, "2-pm": place.pk})
    assert {(s.weekday, s.half) for s in Shift.objects.all()} == {(0, "am"), (2, "pm")}
    manager.post(week, {"2-pm": place.pk})
    assert Shift.objects.get().weekday == 2
    assert "Roya" in as_user(cast.phy).get(PAGE).content.decode()
    theirs = Workplace.objects.create(clinic=herat, kind="radiology")
    assert "is not one of the available" in manager.post(week, {"0-am": theirs.pk}).content.decode()
    assert manager.get(reverse("appointments:workplace", args=[theirs.pk])).status_code == 404
    with pytest.raises(Refused, match="another site"):
        services.set_week(line, places={(0, "am"): theirs}, by=cast.mgr)


@pytest.mark.parametrize(
    ("first", "last", "sentence"),
    [(2, 1, "lies before the first"), (-1, 3, "is over"), (0, 92, "more than 92 days"), (0, 91, "")],
)
def test_days_of_an_exception(kabul, cast, first, last, sentence):
    line = on_roster(kabul, cast.mgr, "nurse", "female")
    today = kabul.today()
    days = {"first_day": today + datetime.timedelta(first), "last_day": today + datetime.timedelta(last)}
    said = {"halves": ["am"], "workplace": None, "reason": "Leave", "by": cast.mgr}
    if sentence:
        with pytest.raises(Refused, match=sentence):
            services.change_days(line, **days, **said)
    else:
        assert len(services.change_days(line, **days, **said)) == 92


def test_ramadan_hours_hold_on_their_days_and_leave_people_to_be_moved(kabul, cast, as_user, family):
    first, second, third = open_days(kabul, 3, after=1)
    late, early = slot_on(kabul, first, cast.rec, hour=13), slot_on(kabul, first, cast.rec, hour=8)
    free = slot_on(kabul, first, cast.rec, hour=12)
    services.book(family, late, screenings=everybody(family), by=cast.rec)
    manager = as_user(cast.mgr)
    typed = {"first_day": first, "last_day": second, "reason": "Ramadan", "starts": "08:00, 09:30", "capacity": "7"}
    shown = manager.post(reverse("appointments:set_hours"), typed, follow=True)
    assert {each.why for each in shown.context["stranded"]} == {"Ramadan"}
    assert not Slot.objects.filter(pk=free.pk).exists() and Slot.objects.filter(pk=late.pk).exists()
    days = {day.day: day for day in offered_to("ca", kabul, first)}
    assert [(o.clock, o.free) for o in days[first].offers] == [("08:00", 7), ("09:30", 7), ("13:00", 1)]
    assert [(o.clock, o.free) for o in days[second].offers] == [("08:00", 7), ("09:30", 7)]
    assert len(days[third].offers) == 6
    early.refresh_from_db()
    assert early.capacity == 7
    manager.post(reverse("appointments:end_hours", args=[SpecialHours.objects.get().pk]))
    assert stranded.at_site(kabul, cast.mgr) == []
    assert len(offered_to("ca", kabul, first)[0].offers) == 6
    wrong = manager.post(reverse("appointments:set_hours"), typed | {"starts": "soon"})
    assert wrong.status_code == 409 and "Type times like 08:00" in wrong.content.decode()


def test_eid_is_expected_first_and_closed_when_somebody_confirms_it(kabul, cast, family, slot, as_user):
    made = services.book(family, slot, screenings=everybody(family)[:1], by=cast.rec)
    manager = as_user(cast.mgr)
    typed = {"first_day": slot.day, "last_day": slot.day, "reason": "Eid"}
    manager.post(reverse("appointments:expect_holiday"), typed)
    holiday = ExpectedHoliday.objects.get()
    with pytest.raises(Refused, match=r"will probably be a holiday \(Eid\)"):
        services.book(family, slot, screenings=everybody(family)[1:], by=cast.rec)
    assert slot.day not in [day.day for day in offered_to("ca", kabul, kabul.today())]
    assert stranded.at_site(kabul, cast.mgr) == []
    decide = reverse("appointments:decide_holiday", args=[holiday.pk])
    assert as_user(cast.rec).post(decide).status_code == 403
    manager.post(decide, {"is_holiday": "1"})
    assert [each.booking for each in stranded.at_site(kabul, cast.mgr)] == made
    assert kabul.closures.get().reason == "Eid"
    assert "was decided already" in manager.post(decide, {"is_holiday": "0"}, follow=True).content.decode()
    other = services.expect_holiday(kabul, **typed | {"last_day": slot.day + datetime.timedelta(9)}, by=cast.mgr)
    services.decide_holiday(other, is_holiday=False, by=cast.mgr)
    assert kabul.closures.count() == 1
