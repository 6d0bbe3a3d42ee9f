"""Double click, repeat, back button on every form: one effect. `make forms` walks the whole house, two at once as well."""

import os
import re
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction
from django.urls import reverse

from mhac.accounts.models import User
from mhac.desk import demo
from mhac.screenings.models import Screening
from tests.conftest import PASSWORD
from tests.desk.made import person, screening_of
from tests.reliability import asked, forms

WHOLE = bool(os.environ.get("EVERY_FORM"))
# Whose pages the suite opens, of this screening, person and case; each has a form that has to make rows.
SHARE = {
    "rec": {
        "desk:new_case": None,
        "payments:pay": "case",
        "payments:waive": "screening",
        "appointments:wait": "case",
        "screenings:consent": "screening",
        "screenings:travel": "screening",
        "patients:correct": "patient",
    },
    "cli": {"exams:vitals": "screening"},
    "mgr": {
        "appointments:new_workplace": None,
        "appointments:new_staff_line": None,
    },
}
# What opens nothing for a role: the login library's own pages, and what anybody may ask without making anything.
WITHOUT_KEY = {"set_language", "account_login", "account_logout", "certificates:verify", "certificates:keys"}


def test_every_view_of_the_house_has_one_effect_per_form():
    """New rooms need nothing but `@needs`; a view that goes another way is named here."""
    missing = {
        name
        for name, view in forms.views().items()
        if not getattr(view, "has_one_effect", False) and name not in WITHOUT_KEY
    }
    # A draft written twice is the same draft; the screen in the waiting room only shows.
    shown = {name for name in missing if getattr(forms.views()[name], "permissions", None) == ()}
    assert missing - shown == {"accounts:draft"}


def test_every_form_that_is_sent_carries_its_key():
    missing = []
    for path in (Path(settings.BASE_DIR) / "templates").rglob("*.html"):
        for form in re.findall(r"<form\b[^>]*method=\"post\"[^>]*>.*?</form>", path.read_text(), re.DOTALL | re.I):
            if "{% csrf_token %}" not in form:
                missing.append(f"{path.name}: {form[:90]}")
    assert missing == []


def sent_twice(client, form, way):
    """(rows made by the first sending, rows made by the second, whether both led to one page)."""
    values, before = forms.filled(form, demo.PASSWORD if WHOLE else PASSWORD, way), forms.rows()
    first = client.post(form.action, values)
    between = forms.rows()
    for value in values.values():
        if hasattr(value, "seek"):
            value.seek(0)
    second = client.post(form.action, values)
    after = forms.rows()
    made = {table for table in between if between[table] > before[table]}
    again = {table for table in after if after[table] > between[table]}
    return (
        made,
        again,
        first.get("Location", form.action) == second.get("Location", form.action) or bool(second.get("Location")),
    )


def sent_at_once(client_of, form, way):
    """The same, for two threads that send at one moment and a third sending after them."""
    values = forms.filled(form, demo.PASSWORD if WHOLE else PASSWORD, way)
    if any(hasattr(value, "seek") for value in values.values()):
        return set(), set(), True
    # Signed in before anything is counted: signing in leaves a row of its own.
    *two, later = (client_of(form.user) for _ in range(3))
    before, led, start = forms.rows(), [], threading.Barrier(2)

    def send(client):
        start.wait()
        led.append(client.post(form.action, values).get("Location"))
        connection.close()

    threads = [threading.Thread(target=send, args=[client]) for client in two]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    between = forms.rows()
    later.post(form.action, values)
    after = forms.rows()
    made = {table: between[table] - before[table] for table in between if between[table] > before[table]}
    # What is shown once, a new password or a screen's key, stays on the first answer; the other is led on.
    return made, {table for table in after if after[table] > between[table]}, len(set(led) - {None}) <= 1


@pytest.fixture
def browsers(db, as_user, request):
    """User -> her browser: the whole training clinic with what waits there, or one family and who receives it."""
    if WHOLE:
        demo.load()
        users = {name: User.objects.get(username=name) for name, *_rest in demo.STAFF}
        asked.load(users)
        return {name: as_user(user) for name, user in users.items()}
    cast, kabul = request.getfixturevalue("cast"), request.getfixturevalue("kabul")
    screening_of(person(kabul, cast.rec), cast.rec, programme="ca", reference="GWF012345678")
    return {name: as_user(getattr(cast, name)) for name in SHARE}


def found_by(user, client):
    if WHOLE:
        return forms.walk({user: client}, pages=400, first=asked.pages(), per_name=8)
    screening = Screening.objects.get()
    keys = {"screening": screening.pk, "case": screening.case_id, "patient": screening.patient_id}
    first = [reverse(name, args=[keys[of]] if of else []) for name, of in SHARE[user].items()]
    found = forms.walk({user: client}, pages=len(first), first=first)
    return {name: some for name, some in found.items() if name in SHARE[user]}


def test_what_is_sent_twice_is_done_once(browsers):
    found, made_by, twice, apart = {}, {}, [], []
    for user, client in browsers.items():
        for name, some in found_by(user, client).items():
            found.setdefault(name, []).extend(some)
    for name, some in sorted(found.items()):
        for form, way in [(form, way) for form in some for way in forms.WAYS]:
            cookies = browsers[form.user].cookies.output(attrs=[], header="", sep=";")
            with transaction.atomic():
                made, again, is_one = sent_twice(browsers[form.user], form, way)
                transaction.set_rollback(True)
            # What she sent may have signed her out, and is undone with the rest.
            browsers[form.user].cookies.clear()
            browsers[form.user].cookies.load(cookies)
            if made:
                made_by[name] = sorted(made)
                if again:
                    twice.append((name, form.page, sorted(again)))
                if not is_one:
                    apart.append((name, form.page))
                break
    if WHOLE:
        posting = forms.posting()
        print(f"\nforms found {len(found)}, that made rows {len(made_by)}: {', '.join(sorted(made_by))}")
        print(f"found, nothing made: {', '.join(sorted(found.keys() - made_by.keys()))}")
        print(f"views of {len(posting)} reached by no form: {', '.join(sorted(posting - found.keys()))}")
        print(f"done twice: {twice}; led apart: {apart}")
    assert twice == [] and apart == []
    assert WHOLE or made_by.keys() == {name for pages in SHARE.values() for name in pages}


if WHOLE:

    @pytest.mark.django_db(transaction=True)
    def test_two_at_once_are_one(as_user, browsers):
        def fresh(name):
            return as_user(User.objects.get(username=name))

        found, done, wrong = forms.walk(browsers, pages=400, first=asked.pages()), {}, []
        # What is done stays done here: whoever changes users and their passwords comes last.
        for name, some in sorted(found.items(), key=lambda each: (each[0].startswith("accounts:"), each[0])):
            for form, way in [(form, way) for form in some[:4] for way in forms.WAYS]:
                reader = forms.read(browsers[form.user], form.page, form.user)
                now = (
                    next((each for each in reader.all_forms() if each.button == form.button), None) if reader else None
                )
                if now is None:
                    continue
                made, again, is_one = sent_at_once(fresh, now, way)
                if made:
                    done[name] = made
                    if again or not is_one:
                        wrong.append((name, form.page, made, sorted(again), is_one))
                    break
        print(f"\nsent at once and made rows: {len(done)}: {', '.join(sorted(done))}\nwrong: {wrong}")
        assert wrong == []
