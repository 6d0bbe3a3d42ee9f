"""The front door: who comes in, who does not, and what each is told."""

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from tests.conftest import PASSWORD

DOOR = "/account/sign-in/"
OUT = "/account/sign-out/"


@pytest.fixture(autouse=True)
def no_tries_yet(db):
    """What other tests tried does not count here."""
    cache.clear()


@pytest.fixture
def browser():
    return Client()


def try_in(browser, username, password=PASSWORD, **more):
    return browser.post(DOOR, {"login": username, "password": password, **more})


def signed_in(browser):
    return "_auth_user_id" in browser.session


def test_the_door_is_open_to_everybody(browser):
    text = browser.get(DOOR).content.decode()
    assert 'name="login"' in text
    assert "ask the administrator of your site" in text


def test_everything_else_leads_to_the_door_and_back(browser, cast):
    sent = browser.get(reverse("desk:today"))
    assert sent.headers["Location"] == f"{DOOR}?next={reverse('desk:today')}"
    form = browser.get(sent.headers["Location"]).content.decode()
    assert f'value="{reverse("desk:today")}"' in form
    answer = try_in(browser, "rec", next=reverse("desk:today"))
    assert answer.headers["Location"] == reverse("desk:today")


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example/"])
def test_nobody_is_sent_to_another_site(browser, cast, elsewhere):
    assert try_in(browser, "rec", next=elsewhere).headers["Location"] == "/"


@pytest.mark.parametrize(
    ("role", "first_page"),
    [
        ("rec", "desk:today"),
        ("rad", "exams:films"),
        ("lab", "labs:bench"),
        ("adm", "accounts:users"),
        ("aud", "accounts:accesses"),
    ],
)
def test_everybody_lands_at_her_own_work(browser, cast, role, first_page):
    try_in(browser, role)
    assert browser.get("/").headers["Location"] == reverse(first_page)


@pytest.mark.parametrize(
    ("username", "password"), [("rec", "wrong-password-here"), ("nobody", PASSWORD), ("rec", ""), ("", PASSWORD)]
)
def test_a_wrong_password_is_refused(browser, cast, username, password):
    answer = try_in(browser, username, password)
    assert answer.status_code == 200
    assert not signed_in(browser)
    if username and password:
        assert "User name or password is wrong. Type both again." in answer.content.decode()


def test_after_five_wrong_tries_even_the_right_password_waits(browser, cast):
    for _try in range(5):
        assert "Type both again" in try_in(browser, "rec", "wrong-password-here").content.decode()
    text = try_in(browser, "rec").content.decode()
    assert "Too many wrong tries. Wait five minutes" in text
    assert not signed_in(browser)
    assert try_in(Client(REMOTE_ADDR="10.0.0.9"), "cli").status_code == 302


def test_a_flood_from_one_place_is_stopped_with_a_page(browser, cast):
    answers = [try_in(browser, f"nobody{n}") for n in range(31)]
    assert answers[-1].status_code == 429
    assert "Wait a minute, then try once more." in answers[-1].content.decode()


def test_a_closed_account_is_told_so_only_with_the_right_password(browser, cast):
    cast.rec.is_active = False
    cast.rec.save()
    answer = browser.post(DOOR, {"login": "rec", "password": PASSWORD}, follow=True)
    assert "This account is closed." in answer.content.decode()
    assert not signed_in(browser)
    assert "Type both again" in try_in(browser, "rec", "wrong-password-here").content.decode()


def test_who_is_shut_out_is_out_at_the_next_click(cast, as_user):
    clerk = as_user(cast.rec)
    assert clerk.get(reverse("desk:today")).status_code == 200
    cast.rec.is_active = False
    cast.rec.save()
    assert clerk.get(reverse("desk:today")).headers["Location"].startswith(DOOR)


def test_she_starts_in_her_own_language(browser, cast):
    cast.rec.language = "ps"
    cast.rec.save()
    assert try_in(browser, "rec").cookies["django_language"].value == "ps"


def test_a_browser_that_was_told_a_language_keeps_it(browser, cast):
    cast.rec.language = "ps"
    cast.rec.save()
    browser.cookies["django_language"] = "en"
    assert "django_language" not in try_in(browser, "rec").cookies


def test_signing_out_asks_first_and_then_does_it(cast, as_user):
    clerk = as_user(cast.rec)
    assert "Do you want to sign out?" in clerk.get(OUT).content.decode()
    assert signed_in(clerk)
    answer = clerk.post(OUT, follow=True)
    assert not signed_in(clerk)
    assert "You are signed out." in answer.content.decode()


def test_nobody_registers_himself(browser):
    for address in ("/account/signup/", "/account/sign-up/", "/accounts/signup/", "/account/password/reset/"):
        assert browser.get(address).status_code in {302, 404}


def test_her_own_password_is_changed_with_the_old_one(cast, as_user):
    clerk, page = as_user(cast.rec), reverse("accounts:password")
    new = "green-lantern-under-the-arch"
    typed = {"old_password": "wrong", "new_password1": new, "new_password2": new}
    assert clerk.post(page, typed).status_code == 200
    answer = clerk.post(page, typed | {"old_password": PASSWORD}, follow=True)
    assert "Your password is changed." in answer.content.decode()
    assert signed_in(clerk)
    cast.rec.refresh_from_db()
    assert cast.rec.check_password(new)


def test_a_short_password_is_refused(cast, as_user):
    typed = {"old_password": PASSWORD, "new_password1": "fourteen-signs", "new_password2": "fourteen-signs"}
    answer = as_user(cast.rec).post(reverse("accounts:password"), typed)
    assert "15 characters" in answer.content.decode()


def test_guessing_the_old_password_is_stopped(cast, as_user):
    clerk = as_user(cast.rec)
    typed = {"old_password": "wrong", "new_password1": "x", "new_password2": "x"}
    assert [clerk.post(reverse("accounts:password"), typed).status_code for _try in range(6)] == [200] * 5 + [429]
