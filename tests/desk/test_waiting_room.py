"""The board in the waiting room: tickets and rooms, for a screen with a key, and nothing about anybody."""

import re
import uuid

import pytest
from django.contrib.sessions.models import Session
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from mhac.appointments import services
from mhac.appointments.models import DisplayKey, Visit, WaitingLimit
from mhac.desk import waiting_room
from tests.desk.test_today import arrived, make_booked

TIMES = reverse("desk:waiting_times")


def screen(secret):
    return Client().get(reverse("desk:waiting_room", args=[secret]))


def test_a_screen_with_its_key_shows_numbers_and_nothing_about_anybody(kabul, herat, cast):
    case = make_booked(kabul, cast.rec, size=3)
    bookings = arrived(case, cast.rec)
    services.give_precedence(bookings[2], reason="pregnant", by=cast.rec)
    services.call_next(kabul, "reception", room="Window 4", by=cast.rec)
    _row, secret = services.make_display_key(kabul, place="Entrance", by=cast.mgr)
    answer = screen(secret)
    text = answer.content.decode()
    assert answer.status_code == 200
    assert answer.context["called"][0][::2] == (3, "Window 4"), "who goes first is called first"
    assert [tickets for _names, tickets in answer.context["waiting"]] == [[1, 2]]
    assert [code for code, _words in answer.context["words"]["nobody"]] == ["en", "fa-af", "ps"]
    for row in case.screenings.select_related("patient"):
        for word in (
            row.patient.given_name,
            row.patient.family_name,
            row.patient.number,
            str(row.pk),
            str(row.patient_id),
        ):
            assert word not in text
    for word in (case.number, case.contact_name, "Canada", "pregnan", "first", "KBL", "Kabul", "MHAC", "IOM", secret):
        assert word not in text
    assert re.search(r'http-equiv="refresh" content="\d+"', text)
    assert text.count("<script") == 1
    assert not answer.cookies
    assert not Session.objects.exists()
    _row, other = services.make_display_key(herat, place="Entrance", by=cast.mgr)
    assert screen(other).context["called"] == []


def test_any_other_key_is_nowhere_and_many_tries_are_sent_away(kabul, cast, monkeypatch):
    cache.clear()
    row, secret = services.make_display_key(kabul, place="Entrance", by=cast.mgr)
    assert secret not in str(vars(row)), "the secret is kept nowhere"
    tried = [screen(f"wrong-{each}").status_code for each in range(waiting_room.TRIES_A_MINUTE + 3)]
    assert tried[0] == 404
    assert 429 in tried
    assert set(tried) == {404, 429}
    assert screen(secret).status_code == 200, "the screen of the same house goes on"
    services.revoke_display_key(row, by=cast.mgr)
    assert screen(secret).status_code in {404, 429}
    cache.clear()
    assert screen(secret).status_code == 404
    assert Client().post(reverse("desk:waiting_room", args=[secret])).status_code == 405


def test_staff_see_it_without_a_key_and_others_do_not(kabul, cast, as_user):
    here = reverse("desk:waiting_room_here")
    for role in ("rec", "cli", "phy", "rad", "lab", "lsu", "mgr"):
        assert as_user(getattr(cast, role)).get(here).status_code == 200
    for role in ("qco", "dat", "pro", "aud", "adm"):
        assert as_user(getattr(cast, role)).get(here).status_code == 403
    assert Client().get(here).status_code != 200
    assert waiting_room.board.is_quiet
    assert waiting_room.screen.is_quiet


def test_the_manager_sets_waiting_times_and_keys(kabul, cast, as_user):
    manager = as_user(cast.mgr)
    page = manager.get(TIMES)
    values = {f"{form.prefix}-{name}": form.initial[name] for form in page.context["limits"] for name in form.fields}
    manager.post(TIMES, values | {"nurse-amber": 15, "nurse-red": 25})
    assert WaitingLimit.of(kabul)["nurse"].colour(15) == "amber"
    assert WaitingLimit.of(kabul)["nurse"].colour(25) == "red"
    assert WaitingLimit.history.filter(station="nurse").first().history_user == cast.mgr
    refused = manager.post(TIMES, values | {"nurse-amber": 30, "nurse-red": 30})
    assert refused.status_code == 409
    assert "Red comes after amber" in refused.content.decode()
    typed = {"place": "Entrance", "once": str(uuid.uuid4())}
    text = manager.post(reverse("desk:make_key"), typed).content.decode()
    # The form sent once more makes no second key.
    assert manager.post(reverse("desk:make_key"), typed).url.startswith(TIMES.partition("?")[0])
    address = re.search(r"/desk/waiting-room/[\w-]{20,}/", text)[0]
    assert Client().get(address).status_code == 200
    assert address not in manager.get(TIMES).content.decode()
    key = DisplayKey.objects.get()
    assert as_user(cast.herat_rec).post(reverse("desk:revoke_key", args=[key.pk])).status_code == 403
    manager.post(reverse("desk:revoke_key", args=[key.pk]))
    assert Client().get(address).status_code == 404
    assert manager.post(reverse("desk:make_key"), {"place": ""}).status_code == 409


@pytest.mark.parametrize(("role", "reads"), [("rec", 200), ("rad", 200), ("aud", 403), ("adm", 403)])
def test_others_read_the_times_at_most(kabul, cast, as_user, role, reads):
    browser = as_user(getattr(cast, role))
    assert browser.get(TIMES).status_code == reads
    assert browser.post(TIMES, {"nurse-amber": 1}).status_code in {200, 403, 409}
    assert not WaitingLimit.objects.exists()
    assert browser.post(reverse("desk:make_key"), {"place": "x"}).status_code == 403
    assert not Visit.objects.exists()
