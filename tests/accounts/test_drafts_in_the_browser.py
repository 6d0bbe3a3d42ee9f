"""What is typed comes back: after a closed browser, a lost network, an ended session; and only to who typed it."""

import time

import pytest
from django.contrib.sessions.models import Session
from django.urls import reverse

from mhac.accounts.models import Draft, User
from mhac.screenings import services
from mhac.screenings.models import Case, Screening

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

NEW = "/desk/cases/new/"


@pytest.fixture
def machine(chromium, live_server, as_user):
    """machine(user) is a page in a browser of its own where she is signed in."""
    said, opened = [], []

    def sit(user):
        context = chromium.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 768})
        sign_in(context, user)
        page = context.new_page()
        page.on("pageerror", lambda error: said.append(str(error)))
        page.on("console", lambda message: said.append(message.text) if "Content Security" in message.text else None)
        opened.append(context)
        return page

    def sign_in(context, user):
        session = as_user(user).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])

    sit.sign_in = sign_in
    yield sit
    for context in opened:
        context.close()
    assert said == []


def open_page(page, address):
    page.goto(address)
    page.locator("html[data-drafts=ready]").wait_for(state="attached")


def drafts_of(user, **expected):
    """The draft of this user when it says what is expected, which is at the latest after two seconds."""
    until = time.monotonic() + 6
    while True:
        found = Draft.objects.filter(user=user).first()
        said = {name: field["is"][0] for name, field in found.typed["fields"].items()} if found else {}
        if (expected and expected.items() <= said.items()) or (not expected and not found):
            return found
        assert time.monotonic() < until, said
        time.sleep(0.05)


def test_a_closed_browser_loses_nothing_and_shows_it_to_nobody_else(machine, cast, kabul):
    page = machine(cast.rec)
    open_page(page, NEW)
    page.locator("#id_contact_name").fill("Namuna Omid")
    page.locator("#id_address").press_sequentially("Street ۴", delay=20)
    drafts_of(cast.rec, contact_name="Namuna Omid", address="Street ۴")
    page.get_by_text("Kept as a draft at").wait_for()
    stored = page.evaluate("JSON.stringify([{...localStorage}, {...sessionStorage}, document.cookie])")
    assert "Street" not in stored and "Namuna" not in stored
    page.context.close()

    other = machine(cast.herat_rec)
    open_page(other, NEW)
    assert other.locator("#id_contact_name").input_value() == "" and other.get_by_text("was restored").count() == 0

    # On another machine of the same user, with the cursor where it was.
    page = machine(cast.rec)
    open_page(page, NEW)
    page.get_by_text("Not saved yet: what you typed at").wait_for()
    assert page.locator("#id_address").input_value() == "Street ۴"
    assert page.evaluate("document.activeElement.id") == "id_address"
    # What is refused stays a draft, what is done is none.
    page.keyboard.press("Control+Enter")
    page.get_by_text("Choose the programme the family comes for.").wait_for()
    drafts_of(cast.rec, contact_name="Namuna Omid", address="Street ۴")
    page.context.close()
    page = machine(cast.rec)
    open_page(page, NEW)
    assert page.locator("#id_contact_name").input_value() == "Namuna Omid"
    page.locator("input[name=programme][value=ca]").check()
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/desk/cases/*-*/")
    assert Case.objects.get().address == "Street ۴"
    page.wait_for_timeout(300)
    open_page(page, NEW)
    assert page.get_by_text("was restored").count() == 0 and page.locator("#id_contact_name").input_value() == ""
    # Discarded is discarded.
    page.locator("#id_contact_name").fill("Nobody")
    drafts_of(cast.rec, contact_name="Nobody")
    open_page(page, NEW)
    page.get_by_role("button", name="Discard it").click()
    page.wait_for_load_state()
    drafts_of(cast.rec)
    assert page.locator("#id_contact_name").input_value() == ""


def test_a_record_that_changed_meanwhile_is_shown_beside_what_was_typed(machine, cast, kabul):
    page, address = machine(cast.adm), reverse("accounts:change_user", args=[cast.rec.pk])
    open_page(page, address)
    page.locator("#id_full_name").fill("Typed here")
    page.locator("#id_licence").fill("AFG-7")
    drafts_of(cast.adm, full_name="Typed here", licence="AFG-7")
    User.objects.filter(pk=cast.rec.pk).update(full_name="Saved elsewhere")
    open_page(page, address)
    page.get_by_text("The record was changed since").wait_for()
    assert page.locator("#id_full_name").input_value() == "Saved elsewhere"
    assert page.locator("#id_licence").input_value() == "AFG-7"
    page.locator(".mine").get_by_text("Typed here").wait_for()
    page.get_by_role("button", name="Use it").click()
    assert page.locator("#id_full_name").input_value() == "Typed here"


def test_a_session_that_ends_and_a_network_that_goes(machine, cast, kabul):
    page = machine(cast.rec)
    open_page(page, NEW)
    page.context.set_offline(True)
    page.locator("#id_contact_name").fill("Typed without a network")
    page.get_by_text("No connection. What you typed is still here").wait_for()
    page.context.set_offline(False)
    drafts_of(cast.rec, contact_name="Typed without a network")

    Session.objects.all().delete()
    page.locator("#id_contact_name").fill("Typed after the session")
    page.get_by_text("You are signed out. Sign in again in another tab").wait_for()
    machine.sign_in(page.context, cast.mgr)
    page.get_by_text("Somebody else is signed in here now").wait_for()
    assert not Draft.objects.filter(user=cast.mgr).exists()
    drafts_of(cast.rec, contact_name="Typed without a network")
    # She signs in again; a new session has a new token, which the waiting page takes.
    machine.sign_in(page.context, cast.rec)
    page.context.add_cookies([{"name": "csrftoken", "value": "n" * 32, "url": page.url}])
    drafts_of(cast.rec, contact_name="Typed after the session")
    page.locator("input[name=programme][value=ca]").check()
    page.locator("#id_phone").fill("0700000000")
    page.keyboard.press("Control+Enter")
    page.wait_for_url("**/desk/cases/*-*/")
    assert Case.objects.get().contact_name == "Typed after the session"


def test_the_cards_of_a_family_come_back(machine, cast, kabul):
    case = services.open_case(clinic=kabul, programme="ca", contact_name="Namuna", phone="0700000000", by=cast.rec)
    page, address = machine(cast.rec), reverse("desk:members", args=[case.pk])
    open_page(page, address)
    page.locator("#id_form-0-given_name").fill("Omid")
    page.get_by_role("button", name="One more without a passport").click()
    page.locator("#id_form-1-given_name").fill("Gul")
    drafts_of(cast.rec, **{"form-0-given_name": "Omid", "form-1-given_name": "Gul", "form-TOTAL_FORMS": "2"})
    page.context.close()
    page = machine(cast.rec)
    page.goto(address)
    page.locator("#id_form-1-given_name").wait_for()
    assert page.locator("#id_form-1-given_name").input_value() == "Gul"
    assert page.locator("#id_form-0-given_name").input_value() == "Omid"
    assert not Screening.objects.exists()
