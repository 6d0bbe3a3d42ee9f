"""The board of one day: who is on it, what remains, and what each role may do from it."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from persiantools.jdatetime import JalaliDate

from mhac.appointments import services
from mhac.appointments.models import Booking, Slot, at
from mhac.exams.models import MedicalHistory, Vitals
from mhac.patients.models import Patient
from mhac.patients.services import confirm_identity
from mhac.screenings.models import Case, Screening
from mhac.screenings.programmes import programmes

TODAY = reverse("desk:today")


def make_booked(clinic, by, size=1, days=0, minutes=5, **person):
    """A case of invented people who are booked `days` from today, `minutes` from now on that day's clock."""
    today = clinic.today()
    mark = Case.objects.count() + 1
    case = Case.objects.create(
        number=f"{clinic.code}C{mark:06d}",
        clinic=clinic,
        programme="ca",
        contact_name=f"Namuna {mark}",
        created_by=by,
    )
    starts = timezone.now() + datetime.timedelta(days=days, minutes=minutes)
    if starts.astimezone(at(clinic, today).tzinfo).date() != today + datetime.timedelta(days=days):
        # Near midnight: the last minute of the wanted day.
        starts = at(clinic, today + datetime.timedelta(days=days), datetime.time(23, 59))
    slot, _made = Slot.objects.get_or_create(
        clinic=clinic, starts_at=starts, defaults={"capacity": 400, "opened_by": by}
    )
    seat = slot.bookings.count()
    for place in range(size):
        born = person.get("born", datetime.date(1990, 5, 14))
        patient = Patient.objects.create(
            number=f"{clinic.code}P{mark:04d}{place:03d}",
            clinic=clinic,
            given_name=f"Sample{place}",
            family_name=f"Namuna{mark}",
            sex=person.get("sex", "male"),
            born_earliest=born,
            born_latest=born,
        )
        screening = Screening.objects.create(
            case=case,
            patient=patient,
            clinic=clinic,
            programme="ca",
            edition=programmes().edition("ca", today).key,
            opened_on=today,
        )
        Booking.objects.create(slot=slot, seat=seat + place + 1, screening=screening, booked_by=by)
    return case


def hijri_of(day):
    return JalaliDate(day).isoformat()


def bookings_of(case):
    return list(Booking.objects.filter(screening__case=case).whole().order_by("seat"))


def arrived(case, by):
    return [services.arrive(booking, by=by) for booking in bookings_of(case)]


def text_of(client, address=TODAY, **extra):
    answer = client.get(address, **extra)
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_day_without_bookings_says_what_to_do_next(cast, as_user):
    text = text_of(as_user(cast.rec))
    assert "Nobody is booked today." in text
    assert reverse("desk:new_case") in text
    assert "Reception books families" in text_of(as_user(cast.lab))


def test_families_stand_together_with_their_time(kabul, cast, as_user):
    first, second = make_booked(kabul, cast.rec, size=2), make_booked(kabul, cast.rec, minutes=1)
    board = as_user(cast.rec).get(TODAY).context["board"]
    assert [(family.case, len(family.lines)) for family in board.families] == [(second, 1), (first, 2)]


def test_who_is_not_here_in_time_is_late(kabul, cast, as_user):
    make_booked(kabul, cast.rec, minutes=0)
    board = as_user(cast.rec).get(TODAY).context["board"]
    assert (board.late, board.arrived) == (1, 0)


def test_marking_an_arrival_without_htmx_comes_back_to_the_list(kabul, cast, as_user):
    booking = bookings_of(make_booked(kabul, cast.rec))[0]
    answer = as_user(cast.rec).post(
        reverse("appointments:arrive", args=[booking.pk]), {"next": f"{TODAY}?site=KBL"}, follow=True
    )
    assert answer.redirect_chain == [(f"{TODAY}?site=KBL", 302)]
    booking.refresh_from_db()
    assert (booking.state, booking.ticket) == ("arrived", 1)
    assert '<b class="ticket-number"><bdi>1</bdi></b>' in answer.content.decode()


def test_marking_an_arrival_never_leads_to_another_site(kabul, cast, as_user):
    booking = bookings_of(make_booked(kabul, cast.rec))[0]
    answer = as_user(cast.rec).post(
        reverse("appointments:arrive", args=[booking.pk]), {"next": "https://elsewhere.example/"}
    )
    assert answer.headers["Location"] == TODAY


def test_htmx_is_told_to_fetch_the_list_and_gets_only_the_list(kabul, cast, as_user):
    booking = bookings_of(make_booked(kabul, cast.rec))[0]
    browser, htmx = as_user(cast.rec), {"HX-Request": "true"}
    answer = browser.post(reverse("appointments:arrive", args=[booking.pk]), headers=htmx)
    assert (answer.status_code, "board-changed" in answer.headers["HX-Trigger"]) == (204, True)
    part = browser.get(TODAY, headers=htmx).content.decode()
    assert part.strip().startswith('<section class="board"')
    assert "<html" not in part


def test_a_refusal_is_shown_in_the_list(kabul, cast, as_user):
    booking = bookings_of(make_booked(kabul, cast.rec, days=3))[0]
    browser = as_user(cast.rec)
    browser.post(reverse("appointments:arrive", args=[booking.pk]), headers={"HX-Request": "true"})
    part = browser.get(TODAY, headers={"HX-Request": "true"}).content.decode()
    assert "Move it to today first, then mark the arrival." in part


def test_a_sentence_is_said_once(kabul, cast, as_user):
    booking = bookings_of(make_booked(kabul, cast.rec, days=3))[0]
    answer = as_user(cast.rec).post(reverse("appointments:arrive", args=[booking.pk]), follow=True)
    assert answer.content.decode().count("then mark the arrival.") == 1


def test_a_whole_family_arrives_with_one_button(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec, size=3)
    first = bookings_of(case)[0]
    as_user(cast.rec).post(reverse("appointments:arrive_together", args=[first.pk]))
    assert sorted(booking.ticket for booking in bookings_of(case)) == [1, 2, 3]


def test_an_arrival_can_be_taken_back(kabul, cast, as_user):
    booking = arrived(make_booked(kabul, cast.rec), cast.rec)[0]
    as_user(cast.rec).post(reverse("appointments:take_back_arrival", args=[booking.pk]))
    booking.refresh_from_db()
    assert booking.state == "booked"


def test_what_remains_follows_what_the_rooms_recorded(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec)
    arrived(case, cast.rec)
    screening = case.screenings.get()

    def steps():
        line = as_user(cast.cli).get(TODAY).context["board"].lines[0]
        return {str(step.label): step.colour for step in line.steps}, line.following

    before, following = steps()
    assert (before["Vitals"], before["History"], before["Examination"], before["X-ray"]) == ("amber",) * 4
    assert str(following.label) == "Consent"
    Vitals.objects.create(screening=screening, measured_at=timezone.now(), weight_kg=70, by=cast.cli)
    MedicalHistory.objects.create(
        screening=screening,
        taken_on=kabul.today(),
        known_hiv=False,
        tb_signs=[],
        tb_history=[],
        tb_contacts=[],
        risks=[],
        by=cast.cli,
    )
    after, _following = steps()
    assert (after["Vitals"], after["History"], after["Examination"]) == ("green", "green", "amber")


@pytest.mark.parametrize(
    ("role", "page"),
    [
        ("rec", "screenings:consent"),
        ("cli", "screenings:consent"),
        ("rad", "exams:film"),
        ("phy", "exams:vitals"),
    ],
)
def test_each_role_is_led_to_its_own_next_room(kabul, cast, as_user, role, page):
    case = make_booked(kabul, cast.rec)
    arrived(case, cast.rec)
    line = as_user(getattr(cast, role)).get(TODAY).context["board"].lines[0]
    assert line.following.page == reverse(page, args=[case.screenings.get().pk])


def test_reception_reads_nothing_about_pregnancy(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec, sex="female")
    arrived(case, cast.rec)
    assert "Pregnancy" not in text_of(as_user(cast.rec))
    assert reverse("exams:pregnancy", args=[case.screenings.get().pk]) in text_of(as_user(cast.cli))


def test_the_face_is_compared_with_a_button_of_its_own(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec)
    arrived(case, cast.rec)
    patient = case.screenings.get().patient
    assert reverse("patients:confirm", args=[patient.pk]) in text_of(as_user(cast.rec))
    confirm_identity(patient, station="reception", by=cast.rec)
    assert reverse("patients:confirm", args=[patient.pk]) not in text_of(as_user(cast.rec))


def test_a_cancelled_booking_is_told_with_its_reason(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec)
    services.cancel(bookings_of(case)[0], because="The road is closed", by=cast.rec)
    answer = as_user(cast.rec).get(TODAY)
    assert answer.context["board"].families == []
    assert "The road is closed" in answer.content.decode()


def test_another_day_is_one_click_away(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec, days=1)
    tomorrow = kabul.today() + datetime.timedelta(days=1)
    assert case.contact_name not in text_of(as_user(cast.rec))
    text = text_of(as_user(cast.rec), f"{TODAY}?day={tomorrow.isoformat()}")
    assert case.contact_name in text
    assert ">Arrived<" not in text
    assert case.contact_name in text_of(as_user(cast.rec), f"{TODAY}?day={hijri_of(tomorrow)}")


@pytest.mark.parametrize("day", ["yesterday", "2026-02-30", "", "0000-00-00"])
def test_what_is_no_day_shows_today(cast, as_user, kabul, day):
    assert as_user(cast.rec).get(TODAY, {"day": day}).context["day"] == kabul.today()


def test_another_site_is_not_seen(kabul, herat, cast, as_user):
    theirs = bookings_of(make_booked(herat, cast.herat_rec))[0]
    browser = as_user(cast.rec)
    assert "Namuna" not in text_of(browser, f"{TODAY}?site=HRT")
    for name in ("arrive", "arrive_together", "take_back_arrival", "no_show"):
        assert browser.post(reverse(f"appointments:{name}", args=[theirs.pk])).status_code == 404


def test_a_user_of_the_network_chooses_the_site(kabul, herat, cast, as_user, make_network_user):
    make_booked(herat, cast.herat_rec)
    browser = as_user(make_network_user("DAT"))
    assert "Namuna" not in text_of(browser, f"{TODAY}?site=KBL")
    assert "Namuna" in text_of(browser, f"{TODAY}?site=HRT")


@pytest.fixture
def make_network_user(db):
    from tests.conftest import make_user

    return lambda role: make_user(f"network_{role.lower()}", role)


@pytest.mark.parametrize("role", ["adm", "aud", "qco"])
def test_the_list_is_closed_to_who_has_no_part_in_it(cast, as_user, role):
    assert as_user(getattr(cast, role)).get(TODAY).status_code == 403


@pytest.mark.parametrize("role", ["rad", "lab", "phy"])
def test_who_may_only_read_the_list_marks_nobody(kabul, cast, as_user, role):
    booking = bookings_of(make_booked(kabul, cast.rec))[0]
    browser = as_user(getattr(cast, role))
    assert reverse("appointments:arrive", args=[booking.pk]) not in text_of(browser)
    assert browser.post(reverse("appointments:arrive", args=[booking.pk])).status_code == 403


def test_an_arrival_is_never_marked_by_opening_an_address(kabul, cast, as_user):
    booking = bookings_of(make_booked(kabul, cast.rec))[0]
    assert as_user(cast.rec).get(reverse("appointments:arrive", args=[booking.pk])).status_code == 405


def queries_of(browser):
    with CaptureQueriesContext(
        connection,
    ) as queries:
        assert browser.get(TODAY).status_code == 200
    return len(queries)


def test_a_full_day_asks_the_database_no_more_often_than_a_quiet_one(kabul, cast, as_user):
    arrived(make_booked(kabul, cast.rec), cast.rec)
    browser = as_user(cast.cli)
    few = queries_of(browser)
    for _family in range(6):
        arrived(make_booked(kabul, cast.rec, size=5), cast.rec)
    assert queries_of(browser) == few <= 40


def test_waiting_for_a_film(kabul, cast, as_user):
    grown, child = make_booked(kabul, cast.rec), make_booked(kabul, cast.rec, born=datetime.date(2022, 1, 5))
    late = make_booked(kabul, cast.rec)
    arrived(grown, cast.rec)
    arrived(child, cast.rec)
    text = text_of(as_user(cast.rad), reverse("desk:waiting_for_film"))
    assert reverse("exams:film", args=[grown.screenings.get().pk]) in text
    for case in (child, late):
        assert reverse("exams:film", args=[case.screenings.get().pk]) not in text
    part = as_user(cast.rad).get(reverse("desk:waiting_for_film"), headers={"HX-Request": "true"}).content.decode()
    assert part.strip().startswith("<section")


def test_films_of_a_pregnant_woman_are_shown_as_put_off(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec, sex="female")
    arrived(case, cast.rec)
    text = text_of(as_user(cast.rad), reverse("desk:waiting_for_film"))
    assert "not yet" in text


def test_who_waits_for_a_film_is_nobody_else_s_business(cast, as_user):
    assert as_user(cast.rec).get(reverse("desk:waiting_for_film")).status_code == 403
