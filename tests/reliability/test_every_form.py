"""Double click, repeat, back button on every form: one effect. `make forms` walks the whole house, two at once as well."""

import os
import re
import threading
from pathlib import Path

import pytest
from django.conf import settings
from django.db import connection, transaction

from mhac.accounts.models import User
from mhac.desk import demo
from mhac.screenings.models import Screening
from tests.conftest import PASSWORD
from tests.desk.made import person, screening_of
from tests.reliability import forms

WHOLE = bool(os.environ.get("EVERY_FORM"))
# Whose pages are opened with the suite, and how many.
SHARE = {"rec": 7, "cli": 4}
ENOUGH = 4
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


def sent_twice(client, form, last):
    """(rows made by the first sending, rows made by the second, whether both led to one page)."""
    values, before = forms.filled(form, demo.PASSWORD if WHOLE else PASSWORD, last=last), forms.rows()
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


def sent_at_once(client_of, form, last):
    """The same, for two threads that send at one moment and a third sending after them."""
    values, before, clients = forms.filled(form, demo.PASSWORD if WHOLE else PASSWORD, last=last), forms.rows(), []
    single = {name: value for name, value in values.items() if not hasattr(value, "seek")}
    if len(single) != len(values):
        return set(), set(), True
    start = threading.Barrier(2)

    def send(client):
        start.wait()
        clients.append(client.post(form.action, single).get("Location"))
        connection.close()

    threads = [threading.Thread(target=send, args=[client_of(form.user)]) for _ in range(2)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    between = forms.rows()
    client_of(form.user).post(form.action, single)
    after = forms.rows()
    made = {table: between[table] - before[table] for table in between if between[table] > before[table]}
    return made, {table for table in after if after[table] > between[table]}, len(set(clients)) == 1


@pytest.fixture
def browsers(db, as_user, request):
    """User -> her browser: the whole training clinic, or one family and who receives it."""
    if WHOLE:
        demo.load()
        return {name: as_user(User.objects.get(username=name)) for name, *_rest in demo.STAFF}
    cast, kabul = request.getfixturevalue("cast"), request.getfixturevalue("kabul")
    screening_of(person(kabul, cast.rec), cast.rec)
    return {name: as_user(getattr(cast, name)) for name in SHARE}


def first_pages():
    """Where the share begins, so that few pages reach many forms."""
    if WHOLE or not (screening := Screening.objects.first()):
        return []
    return [
        "/desk/cases/new/",
        f"/desk/cases/{screening.case_id}/",
        f"/desk/people/{screening.patient_id}/",
        f"/patients/{screening.patient_id}/document/",
        f"/screenings/{screening.pk}/travel/",
        f"/screenings/{screening.pk}/withdraw/",
        f"/exams/{screening.pk}/history/",
        f"/exams/{screening.pk}/pregnancy/",
        f"/exams/{screening.pk}/vitals/",
    ]


def test_what_is_sent_twice_is_done_once(browsers):
    found, made_by, twice, apart = {}, {}, [], []
    for user, client in browsers.items():
        found |= {
            name: [*found.get(name, []), *some]
            for name, some in forms.walk(
                {user: client}, pages=400 if WHOLE else SHARE[user], first=first_pages()
            ).items()
        }
    for name, some in sorted(found.items()):
        for form, last in [(form, last) for form in some for last in (False, True)]:
            with transaction.atomic():
                made, again, is_one = sent_twice(browsers[form.user], form, last)
                transaction.set_rollback(True)
            if made:
                made_by[name] = sorted(made)
                if again:
                    twice.append((name, form.page, sorted(again)))
                if not is_one:
                    apart.append((name, form.page))
                break
        if not WHOLE and len(made_by) >= ENOUGH:
            break
    if WHOLE:
        posting = {name for name, view in forms.views().items() if getattr(view, "has_one_effect", False)}
        print(f"\nforms found {len(found)}, that made rows {len(made_by)}: {', '.join(sorted(made_by))}")
        print(f"found, nothing made: {', '.join(sorted(found.keys() - made_by.keys()))}")
        print(f"views reached by no form: {', '.join(sorted(posting - found.keys()))}")
    assert twice == [] and apart == []
    assert len(made_by) >= ENOUGH


if WHOLE:

    @pytest.mark.django_db(transaction=True)
    def test_two_at_once_are_one(as_user, browsers):
        def fresh(name):
            return as_user(User.objects.get(username=name))

        found, done, wrong = forms.walk(browsers, pages=400), {}, []
        for name, some in sorted(found.items()):
            for form in some:
                reader = forms.read(browsers[form.user], form.page, form.user)
                now = (
                    next((each for each in reader.all_forms() if each.action == form.action), None) if reader else None
                )
                if now is None:
                    continue
                made, again, is_one = sent_at_once(fresh, now, last=False)
                if made:
                    done[name] = made
                    if again or not is_one:
                        wrong.append((name, form.page, made, sorted(again), is_one))
                    break
        print(f"\nsent at once and made rows: {len(done)}: {', '.join(sorted(done))}")
        assert wrong == []
