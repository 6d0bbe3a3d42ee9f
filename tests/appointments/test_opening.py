"""Opening days: the usual times, closures, and the families who have to be moved because of one."""

import datetime

import pytest
from django.urls import reverse

from mhac.appointments import services
from mhac.appointments.models import Timetable
from mhac.appointments.services import Refused
from mhac.clinics.models import Closure

from .conftest import open_days, slot_on

PAGE = reverse("appointments:opening")
TIMES, CLOSE = reverse("appointments:set_timetable"), reverse("appointments:close")


def typed(first, last, reason="Eid"):
    return {"first_day": first.isoformat(), "last_day": last.isoformat(), "reason": reason}


@pytest.mark.parametrize(
    ("times", "starts"),
    [
        ("08:00, 09:30", ["08:00", "09:30"]),
        ("9:30,8:00 , 8:00", ["08:00", "09:30"]),
        ("۸:۰۰، ۱۳:۱۵", ["08:00", "13:15"]),
    ],
)
def test_the_manager_sets_the_times_of_an_ordinary_day(kabul, cast, as_user, times, starts):
    answer = as_user(cast.mgr).post(TIMES, {"starts": times, "capacity": "12"}, follow=True)
    assert "The times are saved" in answer.content.decode()
    usual = Timetable.objects.get(clinic=kabul)
    assert ([f"{each:%H:%M}" for each in usual.starts], usual.capacity) == (starts, 12)
    assert usual.history.get().history_user == cast.mgr


def test_times_are_changed_in_place(kabul, cast, as_user):
    for seats in ("5", "6"):
        as_user(cast.mgr).post(TIMES, {"starts": "08:00", "capacity": seats})
    assert Timetable.objects.get(clinic=kabul).capacity == 6


@pytest.mark.parametrize(
    ("times", "seats"), [("eight", "10"), ("25:00", "10"), ("08:00", "0"), ("08:00", "501"), ("", "10"), (",", "10")]
)
def test_times_that_are_none_are_refused(kabul, cast, as_user, times, seats):
    assert as_user(cast.mgr).post(TIMES, {"starts": times, "capacity": seats}).status_code == 409
    assert not Timetable.objects.exists()


def test_a_closure_names_the_families_to_move(kabul, cast, as_user, family, slot):
    services.book(family, slot, screenings=list(family.screenings.all()), by=cast.rec)
    manager = as_user(cast.mgr)
    assert manager.get(PAGE).context["stranded"] == []
    answer = manager.post(CLOSE, typed(slot.day, slot.day, "Snow on the road"), follow=True)
    assert "Snow on the road" in answer.content.decode()
    assert [each.why for each in answer.context["stranded"]] == ["closed: Snow on the road"] * 3
    later = slot_on(kabul, open_days(kabul, 2, after=1)[1], cast.rec)
    services.reschedule(family, later, bookings=[each.booking for each in answer.context["stranded"]], by=cast.rec)
    assert manager.get(PAGE).context["stranded"] == []


@pytest.mark.parametrize(("before", "after"), [(0, 1), (1, 0)])
def test_only_bookings_on_closed_days_are_named(kabul, cast, as_user, family, slot, before, after):
    """A closure that ends the day before, or begins the day after, concerns nobody."""
    services.book(family, slot, screenings=list(family.screenings.all()), by=cast.rec)
    day = slot.day + datetime.timedelta(days=after - before)
    Closure.objects.create(clinic=kabul, first_day=day, last_day=day, reason="Eid")
    assert as_user(cast.mgr).get(PAGE).context["stranded"] == []


@pytest.mark.parametrize(
    ("first", "last", "sentence"), [(2, 1, "The last day lies before the first"), (-3, -1, "is over. Choose today")]
)
def test_days_that_cannot_be_closed(kabul, cast, as_user, first, last, sentence):
    days = [kabul.today() + datetime.timedelta(days=n) for n in (first, last)]
    answer = as_user(cast.mgr).post(CLOSE, typed(*days))
    assert (answer.status_code, sentence in answer.content.decode()) == (409, True)
    with pytest.raises(Refused):
        services.close(kabul, first_day=days[0], last_day=days[1], reason="Eid")
    assert not Closure.objects.exists()


def test_a_closure_is_taken_back(kabul, cast, as_user):
    closure = services.close(kabul, first_day=kabul.today(), last_day=kabul.today(), reason="Storm")
    as_user(cast.mgr).post(reverse("appointments:open_again", args=[closure.pk]))
    assert not Closure.objects.exists()


def test_who_does_not_manage_the_site_reads_only(kabul, cast, as_user):
    clerk = as_user(cast.rec)
    text = clerk.get(PAGE).content.decode()
    assert "08:00, 09:00" in text
    assert TIMES not in text
    assert clerk.post(TIMES, {"starts": "08:00", "capacity": "1"}).status_code == 403
    assert clerk.post(CLOSE, typed(kabul.today(), kabul.today())).status_code == 403
    assert as_user(cast.adm).get(PAGE).status_code == 403


def test_another_site_is_not_closed_from_here(kabul, herat, cast, as_user):
    theirs = Closure.objects.create(clinic=herat, first_day=herat.today(), last_day=herat.today(), reason="Storm")
    manager = as_user(cast.mgr)
    assert manager.get(PAGE, {"site": "HRT"}).context["clinic"] == kabul
    assert manager.post(reverse("appointments:open_again", args=[theirs.pk])).status_code == 404
    manager.post(f"{CLOSE}?site=HRT", typed(kabul.today(), kabul.today()))
    assert list(Closure.objects.filter(clinic=herat)) == [theirs]
