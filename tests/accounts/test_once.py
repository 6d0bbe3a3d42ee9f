"""A form that is sent twice has one effect: by a second click, after a lost answer, from the back button, two at once."""

import re
import threading
import uuid

import pytest
from django.db import connection
from django.urls import reverse

from mhac.accounts.models import DoneRequest
from mhac.screenings.models import Case


def key_in(response):
    return re.search(r'name="once" value="([0-9a-f-]{36})"', response.text)[1]


def case(kabul, **other):
    # The case's own key would make it one by itself; what is tested here is the key of the form.
    return {
        "key": uuid.uuid4(),
        "programme": "ca",
        "clinic": kabul.pk,
        "contact_name": "Namuna Omid",
        "phone": "0700000000",
    } | other


def test_the_same_form_twice_opens_one_case_and_leads_to_it_twice(cast, kabul, as_user):
    browser, address = as_user(cast.rec), reverse("desk:new_case")
    sent = case(kabul, once=key_in(browser.get(address)))
    answers = [browser.post(address, sent) for _time in range(3)]
    assert Case.objects.count() == 1 and {answer["Location"] for answer in answers} == {
        reverse("desk:case", args=[Case.objects.get().pk])
    }
    # htmx is led there too.
    assert browser.post(address, sent, headers={"HX-Request": "true"})["HX-Redirect"] == answers[0]["Location"]
    # Another showing of the form is another family, even with the same words.
    browser.post(address, case(kabul, once=key_in(browser.get(address))))
    assert Case.objects.count() == 2


def test_other_words_under_the_same_key_change_nothing_and_are_told(cast, kabul, as_user):
    browser, address = as_user(cast.rec), reverse("desk:new_case")
    key = key_in(browser.get(address))
    browser.post(address, case(kabul, once=key))
    answer = browser.post(address, case(kabul, once=key, contact_name="Somebody else"), follow=True)
    assert Case.objects.get().contact_name == "Namuna Omid"
    assert "This page was sent already at" in answer.text


def test_what_was_refused_may_be_sent_again(cast, kabul, as_user):
    browser, address = as_user(cast.rec), reverse("desk:new_case")
    key = key_in(browser.get(address))
    refused = browser.post(address, case(kabul, once=key, contact_name=""))
    assert refused.status_code == 200 and not DoneRequest.objects.exists() and key_in(refused) != key
    assert browser.post(address, case(kabul, once=key)).status_code == 302
    # A key is somebody's: another user's form with the same one is her own.
    as_user(cast.mgr).post(address, case(kabul, once=key))
    assert DoneRequest.objects.filter(key=key).values("user").distinct().count() == DoneRequest.objects.count()


def test_a_password_is_made_once_and_kept_nowhere(cast, as_user):
    browser, address = as_user(cast.adm), reverse("accounts:new_password", args=[cast.rec.pk])
    key = key_in(browser.get(reverse("accounts:change_user", args=[cast.rec.pk])))
    assert browser.post(address, {"once": key}).status_code == 200
    cast.rec.refresh_from_db()
    hashed = cast.rec.password
    again = browser.post(address, {"once": key})
    cast.rec.refresh_from_db()
    assert again["Location"] == reverse("accounts:change_user", args=[cast.rec.pk]) and cast.rec.password == hashed
    assert hashed not in str(DoneRequest.objects.values())


@pytest.mark.django_db(transaction=True)
def test_two_at_once_make_one(cast, kabul, as_user):
    address, browsers = reverse("desk:new_case"), [as_user(cast.rec) for _ in range(4)]
    sent, led = case(kabul, once=key_in(browsers[0].get(address))), []
    start = threading.Barrier(len(browsers))

    def send(browser):
        start.wait()
        led.append(browser.post(address, sent).get("Location"))
        connection.close()

    threads = [threading.Thread(target=send, args=[browser]) for browser in browsers]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert Case.objects.count() == 1 and len(set(led)) == 1 and len(led) == 4
