"""From the door to the next station by the keys alone: the slip, the tickets, the call, the face, the next person."""

import pytest
from django.urls import reverse

from mhac.appointments.models import Booking, Visit
from mhac.patients.models import IdentityCheck
from mhac.screenings.services import give_consent
from tests.desk.test_pause_in_the_browser import page_of  # noqa: F401 - a fixture
from tests.desk.test_rooms import examined
from tests.desk.test_today import make_booked

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def scanned(page, code):
    """As a scanner types: every sign at once, then Enter."""
    page.keyboard.type(code, delay=4)
    page.keyboard.press("Enter")


def confirmed(page):
    """Enter, once the page stands with its main button under the fingers."""
    page.wait_for_function("document.activeElement.matches('[data-main-action]')")
    page.keyboard.press("Enter")


def test_a_family_by_the_keys_alone(kabul, cast, page_of):  # noqa: F811 - the fixture
    case = make_booked(kabul, cast.rec, size=3)
    case.number = kabul.next_number("C", 2026)
    case.save()
    for screening in case.screenings.all():
        give_consent(screening, purpose="examination", given_by="Testi", by=cast.rec)
    desk, room, board = page_of(cast.rec), page_of(cast.cli), page_of(cast.mgr)

    desk.goto(reverse("desk:today"))
    scanned(desk, case.number)
    desk.wait_for_url("**/desk/arrivals/*/")
    confirmed(desk)
    desk.get_by_text("3 people have tickets.").wait_for()
    assert desk.locator("#tickets .ticket-number").all_inner_texts() == ["1", "2", "3"]
    desk.wait_for_function("document.activeElement.id === 'arriving'")
    assert Booking.objects.filter(state="arrived").count() == 3
    assert set(Visit.objects.open().values_list("station", flat=True)) <= {"nurse", "examination", "radiology"}

    Visit.objects.update(station="nurse")
    room.goto(reverse("desk:room") + "?station=nurse&room=2")
    room.keyboard.press("Alt+n")
    room.locator(".ticket-number.big").get_by_text("1").wait_for()
    board.goto(reverse("desk:waiting_room_here"))
    assert board.locator(".called").inner_text().split()[0] == "1"
    assert "Sample" not in board.content()
    assert "Namuna" not in board.content()
    confirmed(room)
    room.wait_for_url("**/exams/*/vitals/")
    assert IdentityCheck.objects.get().station == "nurse"
    room.locator("#at-station").get_by_text("face compared").wait_for()
    examined(case.screenings.get(bookings__ticket=1), cast, exam=False)
    room.goto(reverse("desk:room"))
    room.keyboard.press("Alt+n")
    room.locator(".ticket-number.big").get_by_text("2").wait_for()
    first, second = Visit.objects.filter(booking__ticket=1).order_by("pk")
    assert (first.state, second.state, second.station != "nurse") == ("done", "waiting", True)

    # A hidden page rests and is fetched at once when somebody looks; what it asks by itself keeps nobody signed in.
    asked = []
    room.on("request", lambda request: asked.append(request.url) if "/desk/room/" in request.url else None)
    room.evaluate("Object.defineProperty(document, 'hidden', { value: true, configurable: true })")
    room.evaluate("window.htmx.trigger('#queue', 'live')")
    room.wait_for_timeout(150)
    assert asked == []
    room.evaluate("Object.defineProperty(document, 'hidden', { value: false, configurable: true })")
    with room.expect_response(lambda answer: "/desk/room/" in answer.url):
        room.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
