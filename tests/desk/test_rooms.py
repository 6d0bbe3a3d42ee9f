"""My room and the panel of a station's page: who is called, whether it is she, and where she goes next."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mhac.accounts.models import Access
from mhac.appointments import services
from mhac.appointments.models import Booking, Visit, WaitingLimit
from mhac.desk import stations
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam, Pregnancy, Vitals
from mhac.patients.models import IdentityCheck, IdentityIncident
from mhac.screenings.models import Screening
from mhac.screenings.programmes import programmes
from mhac.screenings.services import give_consent
from tests.desk.test_today import arrived, bookings_of, make_booked

ROOM = reverse("desk:room")


def agree(case, by):
    for screening in case.screenings.all():
        give_consent(screening, purpose="examination", given_by="Testi", by=by)


def examined(screening, cast, history=True, exam=True):
    today = screening.clinic.today()
    Vitals.objects.create(screening=screening, measured_at=timezone.now(), weight_kg="61", by=cast.cli)
    if history:
        said = {"known_hiv": False, "tb_signs": [], "tb_history": [], "tb_contacts": [], "risks": []}
        MedicalHistory.objects.create(screening=screening, taken_on=today, by=cast.cli, **said)
    if exam:
        systems = {"skin": {"normal": True}}
        PhysicalExam.objects.create(screening=screening, held_on=today, systems=systems, by=cast.phy)


def queue(kabul, cast, size=3, station="nurse"):
    case = make_booked(kabul, cast.rec, size=size)
    agree(case, cast.rec)
    for booking in bookings_of(case):
        services.arrive(booking, by=cast.rec, station=station)
    return list(Visit.objects.open().filter(booking__screening__case=case).with_person().order_by("booking__ticket"))


def crowd(kabul, cast, size):
    """Many who wait at the nurse's, written at once."""
    bookings = bookings_of(make_booked(kabul, cast.rec, size=size))
    now, first = timezone.now(), Booking.objects.filter(state="arrived").count() + 1
    for ticket, booking in enumerate(bookings, first):
        booking.state, booking.ticket, booking.arrived_at = "arrived", ticket, now
    Booking.objects.bulk_update(bookings, ["state", "ticket", "arrived_at"])
    waiting = {"clinic": kabul, "day": kabul.today(), "station": "nurse", "waiting_since": now, "turn": now}
    Visit.objects.bulk_create(
        Visit(booking=booking, patient=booking.screening.patient, sent_by=cast.rec, **waiting) for booking in bookings
    )


def known(case):
    screenings = list(case.screenings.all())
    return [stations.known(screenings, case.clinic.today())[each.pk].needed for each in screenings]


def test_what_is_left_at_each_station_follows_the_ledger(kabul, cast):
    case = make_booked(kabul, cast.rec, sex="female")
    screening = case.screenings.get()
    (needed,) = known(case)
    assert needed["reception"] == stations.CONSENT
    assert min(needed, key=needed.get) == "reception"
    assert "radiology" not in needed, "no film before the pregnancy question is answered"
    agree(case, cast.rec)
    examined(screening, cast)
    Pregnancy.objects.create(screening=screening, asked_on=kabul.today(), pregnant=False, by=cast.cli)
    (needed,) = known(case)
    assert set(needed) == {"radiology", "collection"}
    assert needed["collection"] == stations.NOT_ORDERED, "nobody has ordered anything yet"
    ChestXray.objects.create(screening=screening, taken_on=kabul.today(), taken_by=cast.rad, findings=[])
    assert set(known(case)[0]) == {"collection"}
    screening.state = "closed"
    screening.save()
    assert known(case) == [{}]


def test_calling_comparing_and_sending_on(kabul, cast, as_user):
    first, second, _third = queue(kabul, cast)
    nurse = as_user(cast.cli)
    here = {"site": "KBL", "station": "nurse", "room": "2"}
    text = nurse.get(ROOM, here).content.decode()
    assert 'aria-keyshortcuts="Alt+N"' in text
    assert nurse.post(reverse("desk:call_next"), here, follow=True).context["current"] == first
    assert Access.objects.filter(action="call", key=first.booking.screening_id).count() == 1
    text = nurse.get(ROOM).content.decode()
    assert reverse("patients:photo", args=[first.patient_id]) in text
    came = nurse.post(reverse("desk:came", args=["nurse", first.booking.screening_id]), here)
    assert came.headers["Location"] == reverse("exams:vitals", args=[first.booking.screening_id])
    check = IdentityCheck.objects.get()
    assert (check.station, check.confirmed, check.by, check.day) == ("nurse", True, cast.cli, kabul.today())
    shown = nurse.get(ROOM)
    assert (shown.context["current"].state, shown.context["is_open_here"]) == ("inside", True)
    refused = nurse.post(reverse("desk:call_next"), here | {"to": ""}, follow=True)
    assert "What is done here is not saved yet." in refused.content.decode()
    assert refused.context["current"] == first
    examined(first.booking.screening, cast, exam=False)
    shown = nurse.get(ROOM)
    answer = nurse.post(reverse("desk:call_next"), here | {"to": ""}, follow=True)
    assert answer.context["current"] == second
    moved = Visit.objects.open().get(patient=first.patient)
    assert moved.station == shown.context["proposed"] != "nurse"
    nurse.post(reverse("desk:not_here", args=[second.pk]), here)
    second.refresh_from_db()
    assert (second.state, second.missed) == ("waiting", 1)
    assert "not here 1 time" in nurse.get(ROOM).content.decode()
    nurse.post(reverse("desk:call", args=[second.pk]), here)
    nurse.post(reverse("desk:put_back", args=[second.pk]), here)
    nurse.post(reverse("desk:send_on", args=[second.pk]), here | {"to": "collection"})
    assert Visit.objects.open().get(patient=second.patient).station == "collection"
    odd = nurse.post(
        reverse("desk:send_on", args=[Visit.objects.open().get(station="nurse").pk]), {"to": "roof"}, follow=True
    )
    assert "There is no such station." in odd.content.decode()


def test_what_is_not_saved_keeps_her_here(kabul, cast, as_user):
    (visit,) = queue(kabul, cast, size=1)
    screening = visit.booking.screening
    examined(screening, cast, history=False)
    ChestXray.objects.create(screening=screening, taken_on=kabul.today(), taken_by=cast.rad, findings=[])
    edition = programmes().edition("uk-tb", kabul.today()).key
    Screening.objects.filter(pk=screening.pk).update(programme="uk-tb", edition=edition)
    nurse = as_user(cast.cli)
    nurse.post(reverse("desk:call_next"), {"station": "nurse"})
    nurse.post(reverse("desk:came", args=["nurse", screening.pk]))
    needed = stations.known([Screening.objects.get(pk=screening.pk)], kabul.today())[screening.pk].needed
    assert set(needed) == {"nurse"}
    text = nurse.post(reverse("desk:call_next"), {"station": "nurse"}, follow=True).content.decode()
    assert "What is done here is not saved yet." in text
    assert Visit.objects.get(pk=visit.pk).state == "inside"
    nurse.post(reverse("desk:send_on", args=[visit.pk]), {"to": "home"})
    assert not Visit.objects.open().exists()


def test_who_was_taken_from_a_list_is_in_the_room_once_her_face_is_compared(kabul, cast, as_user):
    first, second, _third = queue(kabul, cast)
    nurse = as_user(cast.cli)
    page = reverse("exams:vitals", args=[second.booking.screening_id])
    panel = reverse("desk:at_station", args=["nurse", second.booking.screening_id])
    assert panel in nurse.get(page).content.decode()
    part = nurse.get(
        panel, headers={"HX-Request": "true", "HX-Current-URL": f"http://testserver{page}"}
    ).content.decode()
    assert "face not compared here today" in part
    assert "<html" not in part
    back = nurse.post(reverse("desk:came", args=["nurse", second.booking.screening_id]), {"next": page})
    assert back.headers["Location"] == page
    assert Visit.objects.get(pk=second.pk).state == "inside"
    assert Visit.objects.get(pk=first.pk).state == "waiting"
    assert "face compared" in nurse.get(panel).content.decode()
    # One person at a time: the second one taken from the list is compared, and stays in the queue.
    nurse.post(reverse("desk:came", args=["nurse", first.booking.screening_id]), {"next": "https://elsewhere.example/"})
    assert Visit.objects.get(pk=first.pk).state == "waiting"


def test_a_mismatch_needs_a_note_and_ends_the_visit(kabul, cast, as_user):
    (visit,) = queue(kabul, cast, size=1)
    nurse, screening = as_user(cast.cli), visit.booking.screening
    address = reverse("desk:not_this_person", args=["nurse", screening.pk])
    nurse.post(address, {"note": " "})
    assert Visit.objects.get(pk=visit.pk).state == "waiting"
    answer = nurse.post(address, {"note": "another face"}, follow=True)
    assert "incident" not in answer.content.decode().lower()
    assert not Visit.objects.open().exists()
    assert IdentityIncident.objects.get().station == "nurse"
    page = reverse("desk:at_station", args=["nurse", screening.pk])
    text = nurse.get(page).content.decode()
    assert "Ask the site manager before you go on" in text
    assert "another face" not in text
    refused = nurse.post(reverse("desk:came", args=["nurse", screening.pk]), follow=True)
    assert "Ask the site manager before you go on" in refused.content.decode()
    assert not IdentityCheck.objects.filter(confirmed=True).exists()


def test_whoever_waits_for_nothing_is_sent_on_when_somebody_calls(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec, size=2)
    arrived(case, cast.rec)
    agree(case, cast.rec)
    as_user(cast.cli).post(reverse("desk:call_next"), {"station": "nurse"})
    waiting = set(Visit.objects.open().values_list("station", "state"))
    assert "reception" not in {station for station, _state in waiting}
    assert len(waiting) == 2, "two people are spread over two stations"


@pytest.mark.parametrize(("role", "status"), [("cli", 200), ("rad", 200), ("lab", 200), ("phy", 200), ("rec", 200), ("mgr", 403), ("aud", 403), ("dat", 403)])  # fmt: skip
def test_my_room_is_for_who_compares_faces(kabul, cast, as_user, role, status):
    assert as_user(getattr(cast, role)).get(ROOM).status_code == status


def test_other_sites_and_other_stations_are_nowhere(kabul, herat, cast, as_user):
    visit, *_others = queue(kabul, cast)
    for user, expected in ((cast.herat_rec, 404), (cast.rad, 404), (cast.mgr, 403)):
        browser = as_user(user)
        for name in ("call", "not_here", "put_back", "send_on"):
            assert browser.post(reverse(f"desk:{name}", args=[visit.pk])).status_code == expected
        for name in ("came", "not_this_person"):
            assert (
                browser.post(reverse(f"desk:{name}", args=["nurse", visit.booking.screening_id])).status_code
                == expected
            )
        assert (
            browser.get(reverse("desk:at_station", args=["nurse", visit.booking.screening_id])).status_code == expected
        )
    assert Visit.objects.get(pk=visit.pk).state == "waiting"


def queries(browser, address):
    browser.get(address)
    with CaptureQueriesContext(
        connection,
    ) as found:
        assert browser.get(address).status_code == 200
    return len(found)


def test_the_queue_and_the_board_cost_the_same_for_3_and_30(kabul, cast, as_user):
    nurse = as_user(cast.cli)
    crowd(kabul, cast, size=3)
    few = queries(nurse, ROOM + "?station=nurse"), queries(nurse, reverse("desk:today"))
    crowd(kabul, cast, size=27)
    assert (queries(nurse, ROOM + "?station=nurse"), queries(nurse, reverse("desk:today"))) == few


def test_long_waits_are_marked_with_their_minutes(kabul, cast, as_user):
    visits = queue(kabul, cast)
    WaitingLimit.objects.create(clinic=kabul, station="nurse", amber=20, red=45)
    for visit, minutes in zip(visits, (19, 20, 45), strict=True):
        Visit.objects.filter(pk=visit.pk).update(
            waiting_since=timezone.now() - datetime.timedelta(minutes=minutes, seconds=5)
        )
    board = as_user(cast.rec).get(reverse("desk:today")).context["board"]
    assert [(line.place.minutes, line.place.colour) for line in board.lines] == [
        (19, "grey"),
        (20, "amber"),
        (45, "red"),
    ]
    assert [(load.station, load.longest, load.colour) for load in board.stations] == [("nurse", 45, "red")]
