"""Drafts on the server: whose they are, when they go, what they may be; and that they keep nobody signed in."""

import datetime
import json
import time
import uuid

import pytest
from django.utils import timezone

from mhac.accounts import drafts, sitting
from mhac.accounts.models import Draft
from mhac.screenings.models import Case

PAGE = "/desk/cases/new/"
ADDRESS = "/users/draft/"


def typed(**fields):
    return json.dumps({"fields": {name: {"was": [""], "is": [text]} for name, text in fields.items()}, "focus": ""})


def keep(browser, user, text=None, **other):
    values = {"user": user.pk, "page": PAGE, "form": PAGE, "key": uuid.uuid4(), "typed": text or typed(phone="07")}
    return browser.post(ADDRESS, values | other)


def seen(browser, page=PAGE):
    return browser.get(ADDRESS, {"page": page}).json()["drafts"]


def test_a_draft_is_one_users_on_one_page(cast, as_user, django_assert_max_num_queries):
    mine, other = as_user(cast.rec), as_user(cast.mgr)
    with django_assert_max_num_queries(3):
        assert keep(mine, cast.rec).status_code == 204
    keep(mine, cast.rec, typed(phone="0700", contact_name="نمونه"))
    (found,) = seen(mine)
    assert found["typed"]["fields"]["contact_name"]["is"] == ["نمونه"] and found["at"] == timezone.localtime().strftime(
        "%H:%M"
    )
    assert seen(other) == [] and seen(mine, PAGE + "?site=HRT") == []
    assert Draft.objects.count() == 1
    # Nothing typed any more: no draft.
    keep(mine, cast.rec, typed())
    assert seen(mine) == []


def test_a_page_of_somebody_else_keeps_nothing_under_this_name(cast, as_user):
    assert keep(as_user(cast.mgr), cast.rec).status_code == 409 and not Draft.objects.exists()


@pytest.mark.parametrize(
    "wrong",
    [
        {"typed": "{"},
        {"typed": "[]"},
        {"typed": '{"fields": []}'},
        {"key": "no key"},
        {"page": "/nowhere/of/ours/"},
        {"form": "https://elsewhere.example/"},
        {"typed": typed(note="x" * drafts.LONGEST)},
    ],
)
def test_what_is_no_draft_is_not_kept(cast, as_user, wrong):
    answer = keep(as_user(cast.rec), cast.rec, **wrong)
    assert answer.status_code == 400 and answer.text.endswith(".") and not Draft.objects.exists()


def test_a_draft_goes_with_the_form_that_is_sent(cast, kabul, as_user):
    browser, keys = as_user(cast.rec), [uuid.uuid4() for _ in range(4)]
    sent = {"programme": "ca", "clinic": kabul.pk, "contact_name": "Namuna", "phone": "0700000000"}
    sent["key"] = uuid.uuid4()
    keep(browser, cast.rec, key=keys[0])
    browser.post(PAGE, sent | {"once": keys[0], "contact_name": ""})
    assert Draft.objects.exists()
    browser.post(PAGE, sent | {"once": keys[0]})
    assert not Draft.objects.exists() and Case.objects.count() == 1
    # The last words of a page that is gone arrive after its form: they are nobody's.
    keep(browser, cast.rec, key=keys[0])
    assert seen(browser) == []
    # A restored draft goes with the form that took it over; one that another window typed since stays.
    keep(browser, cast.rec, key=keys[1])
    browser.post(PAGE, sent | {"once": keys[2], "key": uuid.uuid4()})
    assert len(seen(browser)) == 1
    browser.post(PAGE, sent | {"once": keys[3], "draft": keys[1], "key": uuid.uuid4()})
    assert not Draft.objects.exists()


def test_drafts_end_after_some_days(cast, as_user):
    browser = as_user(cast.rec)
    for days, left in ((drafts.DAYS + 1, 0), (drafts.DAYS - 1, 1)):
        keep(browser, cast.rec)
        Draft.objects.update(at=timezone.now() - datetime.timedelta(days=days))
        assert len(seen(browser)) == left
        drafts.forget_old()
        assert Draft.objects.count() == left


def sit(browser, *, clicked, began=0):
    session = browser.session
    now = time.time()
    session.update({sitting.CLICKED: now - clicked, sitting.BEGAN: now - max(clicked, began)})
    session.save()
    return session[sitting.CLICKED]


def test_what_a_page_asks_by_itself_keeps_nobody_signed_in(cast, as_user):
    browser, htmx = as_user(cast.rec), {"HX-Request": "true"}
    then = sit(browser, clicked=sitting.IDLE_SECONDS - 60)
    for _ in range(3):
        assert browser.get("/desk/today/", headers=htmx).status_code == 200
        assert keep(browser, cast.rec).status_code == 204 and browser.get(ADDRESS, {"page": PAGE}).status_code == 200
    assert browser.session[sitting.CLICKED] == then
    # A click does.
    browser.get("/desk/people/")
    assert browser.session[sitting.CLICKED] > then + 60


@pytest.mark.parametrize("over", [{"clicked": sitting.IDLE_SECONDS + 1}, {"clicked": 1, "began": 12 * 3600 + 1}])
def test_a_sitting_that_is_over_ends_for_the_page_too(cast, as_user, over):
    for ask in (
        lambda browser: browser.get("/desk/today/", headers={"HX-Request": "true"}),
        lambda browser: keep(browser, cast.rec),
    ):
        browser = as_user(cast.rec)
        sit(browser, **over)
        assert ask(browser).status_code == 401
        assert "sessionid" not in browser.cookies or not browser.cookies["sessionid"].value
    browser = as_user(cast.rec)
    sit(browser, **over)
    answer = browser.get("/desk/people/", follow=True)
    assert answer.redirect_chain[0][0].startswith("/account/sign-in/?next=/desk/people/")
    assert "without a click" in answer.text


def test_no_parameter_and_no_header_lengthens_a_sitting(cast, as_user):
    browser = as_user(cast.rec)
    names = ["remember", "keep", "session", "expiry", "clicked", "began", "next", "timeout", "seen", "quiet", "poll"]
    then = sit(browser, clicked=sitting.IDLE_SECONDS - 30)
    for name in names:
        browser.get(
            ADDRESS, {"page": PAGE, name: "1"}, headers={f"X-{name}": "1", "HX-Request": "false", "Cache-Control": name}
        )
    assert browser.session[sitting.CLICKED] == then
