"""A slip is scanned at the door: the family, its tickets, the paper, and what to do when it is not the day."""

import datetime
import io
import subprocess

import pikepdf
import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from mhac.accounts.models import Access
from mhac.appointments.models import Booking, Precedence, Visit
from mhac.desk import day_list
from mhac.screenings.services import give_consent
from tests.desk.test_today import arrived, bookings_of, make_booked

SCAN = reverse("desk:scan_arrival")


def text_of(pdf, *options):
    run = subprocess.run(["pdftotext", "-layout", *options, "-", "-"], input=pdf, capture_output=True, check=True)
    return run.stdout.decode()


def sizes(pdf):
    """Width and height of each page in millimetres."""
    with pikepdf.open(io.BytesIO(pdf)) as file:
        return [tuple(round(float(each) / 72 * 25.4) for each in page.mediabox[2:]) for page in file.pages]


def test_a_slip_leads_to_the_family_and_one_press_gives_tickets(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec, size=3)
    desk, (first, second, third) = as_user(cast.rec), bookings_of(case)
    assert 'name="q"' in desk.get(reverse("desk:today")).content.decode()
    page = reverse("desk:arrival", args=[case.pk])
    for code in (case.number, case.number.lower(), f" {case.number}\r", first.screening.patient.number):
        assert desk.get(SCAN, {"q": code}).headers["Location"] == page
    assert "No family here has the number KBLC9999999X." in desk.get(SCAN, {"q": "KBLC9999999X"}).content.decode()
    assert desk.get(page).content.decode().count(" checked") == 3
    give_consent(first.screening, purpose="examination", given_by="Testi", by=cast.rec)
    assert "Tick at least one person." in desk.post(page).content.decode()
    answer = desk.post(page, {"came": [first.pk, third.pk]}, follow=True)
    assert "2 people have tickets." in answer.content.decode()
    assert [(b.state, b.ticket) for b in bookings_of(case)] == [("arrived", 1), ("booked", None), ("arrived", 2)]
    where = dict(Visit.objects.values_list("booking__ticket", "station"))
    assert where[1] != "reception", "who has agreed already goes where the wait is shortest"
    assert where[2] == "reception", "consent comes first"
    assert [booking for booking, _tick in answer.context["to_come"]] == [second]
    assert answer.context["form"].fields["clock"].required is False


def test_what_was_done_on_paper_is_typed_later(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec)
    (booking,), desk = bookings_of(case), as_user(cast.rec)
    page, now = reverse("desk:arrival", args=[case.pk]), timezone.localtime()
    later = (now + datetime.timedelta(minutes=3)).strftime("%H:%M")
    if now.hour < 23:
        refused = desk.post(page, {"came": booking.pk, "clock": later})
        assert refused.status_code == 409
        assert "between this morning and now" in refused.content.decode()
        assert later in refused.content.decode(), "what was typed stays"
    desk.post(page, {"came": booking.pk, "clock": "00:00"})
    booking.refresh_from_db()
    assert timezone.localtime(booking.arrived_at).strftime("%H:%M") == "00:00"


def test_another_day_or_no_day_says_what_to_do(kabul, cast, as_user):
    early, none = make_booked(kabul, cast.rec, days=2, size=2), make_booked(kabul, cast.rec)
    none_booking = bookings_of(none)[0]
    Booking.objects.filter(pk=none_booking.pk).update(state="cancelled")
    desk = as_user(cast.rec)
    text = desk.get(reverse("desk:arrival", args=[early.pk])).content.decode()
    move = reverse("appointments:reschedule", args=[bookings_of(early)[0].pk])
    assert f"{move}?day={kabul.today().isoformat()}" in text
    assert "Arrived: give tickets" not in text
    text = desk.get(reverse("desk:arrival", args=[none.pk])).content.decode()
    assert reverse("appointments:book", args=[none.pk]) in text


def test_tickets_on_paper_speak_her_language_and_name_no_programme(kabul, cast, as_user):
    case = make_booked(kabul, cast.rec, size=2)
    desk = as_user(cast.rec)
    slip = reverse("desk:ticket_slip", args=[case.pk])
    assert "Mark the arrival first." in desk.get(slip, follow=True).content.decode()
    arrived(case, cast.rec)
    person = bookings_of(case)[1].screening.patient
    person.language, person.native_name = "en", "آزمون " * 12
    person.save()
    answer = desk.get(slip)
    assert answer.headers["Content-Type"] == "application/pdf"
    assert sizes(answer.content) == [(80, 88), (80, 88)]
    english = text_of(answer.content, "-f", "2")
    assert "Ticket" in english
    assert "Ticket" not in text_of(answer.content, "-l", "1")
    assert case.number in english
    for word in ("Canada", "tuberculosis", "ca-20", "Namuna1"):
        assert word not in text_of(answer.content)


def test_precedence_is_kept_and_its_reason_is_on_no_list(kabul, cast, as_user):
    (booking,) = arrived(make_booked(kabul, cast.rec), cast.rec)
    desk, page = as_user(cast.rec), reverse("desk:precedence", args=[booking.pk])
    assert "no: waits as everybody does" in desk.get(page).content.decode()
    desk.post(page, {"reason": "disability"})
    assert Precedence.objects.get().reason == "disability"
    assert Visit.objects.get().goes_first
    text = desk.get(reverse("desk:today")).content.decode()
    assert "goes first" in text
    assert "disability" not in text
    assert "disability" not in as_user(cast.rec).get(reverse("desk:room")).content.decode()
    desk.post(page, {"reason": ""})
    assert not Precedence.objects.exists()
    assert [row.history_type for row in Precedence.history.order_by("history_date")] == ["+", "-"]
    assert desk.post(page, {"reason": "rich"}).status_code == 200
    assert as_user(cast.pro).get(page).status_code == 200
    assert as_user(cast.herat_rec).get(page).status_code == 404


@pytest.mark.parametrize(("role", "status"), [("rec", 200), ("cli", 200), ("mgr", 200), ("rad", 403), ("lab", 403), ("aud", 403)])  # fmt: skip
def test_arrivals_are_for_who_may_change_bookings(kabul, cast, as_user, role, status):
    case = make_booked(kabul, cast.rec)
    browser = as_user(getattr(cast, role))
    assert browser.get(SCAN).status_code == status
    assert browser.get(reverse("desk:arrival", args=[case.pk])).status_code == status
    assert as_user(cast.herat_rec).get(reverse("desk:arrival", args=[case.pk])).status_code == 404


def test_the_list_of_a_day_on_paper(kabul, cast, as_user, tmp_path):
    assert "Nobody is booked on this day." in text_of(day_list.pdf(kabul, kabul.today()))
    case = make_booked(kabul, cast.rec, size=2)
    person = case.screenings.first().patient
    person.family_name, person.native_name = "Wolesmal" * 7, "عبدالله " * 12
    person.save()
    case.phone = "0700 123 456"
    case.save()
    manager = as_user(cast.mgr)
    answer = manager.get(reverse("desk:day_list"), {"site": "KBL", "day": kabul.today().isoformat()})
    assert sizes(answer.content) == [(297, 210)]
    text = text_of(answer.content).replace("\n", "").replace(" / ", "/")
    for word in ("0700 123 456", case.number, "1/1", "☐"):
        assert word in text
    assert "Canada" not in text
    assert Access.objects.filter(action="print", user=cast.mgr).count() == 1
    assert as_user(cast.rec).get(reverse("desk:day_list")).status_code == 403
    said = io.StringIO()
    call_command("day_list", site="KBL", into=str(tmp_path), language="fa-af", stdout=said)
    path = tmp_path / f"KBL-{kabul.today():%Y-%m-%d}.pdf"
    assert said.getvalue().strip() == str(path)
    assert (path.read_bytes()[:4], path.stat().st_mode & 0o777) == (b"%PDF", 0o600)
    for wrong, words in (
        ({"site": "XXX"}, "The codes are: "),
        ({"into": "/nowhere"}, "Make it first"),
        ({"date": "tomorrow"}, "Write it as"),
    ):
        with pytest.raises(CommandError, match=words):
            call_command("day_list", **({"site": "KBL", "into": str(tmp_path)} | wrong))


def test_the_list_costs_the_same_for_3_and_30_people(kabul, cast):
    counts = []
    for size in (3, 27):
        make_booked(kabul, cast.rec, size=size)
        with CaptureQueriesContext(connection) as found, translation.override("en"):
            rows = day_list.rows_of(kabul, kabul.today())
        counts.append(len(found))
    assert (len(rows), sum(row.opens_family for row in rows)) == (30, 2)
    woman = make_booked(kabul, cast.rec, sex="female", minutes=9).screenings.get()
    boxes = {row.booking.screening_id: row.boxes for row in day_list.rows_of(kabul, kabul.today())}
    assert boxes[woman.pk] == boxes[rows[0].booking.screening_id], "the paper does not say whose film is put off"
    assert counts[0] == counts[1]
