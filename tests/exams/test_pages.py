"""Who may open the rooms, and that somebody else's people do not exist."""

import pytest
from django.urls import reverse

from mhac.accounts.models import Access

ROOMS = ["vitals", "history", "pregnancy", "exam", "film"]


@pytest.mark.parametrize("room", ROOMS)
def test_the_clinician_opens_every_room_and_the_log_says_so(woman, cast, as_user, room):
    answer = as_user(cast.cli).get(reverse(f"exams:{room}", args=[woman.pk]))
    assert answer.status_code == 200
    text = answer.content.decode()
    assert woman.patient.name in text
    assert reverse("decisions:ledger", args=[woman.pk]) in text
    seen = Access.objects.get()
    assert (seen.user, seen.page, seen.key, seen.clinic) == (cast.cli, f"exams:{room}", str(woman.pk), woman.clinic)


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("room", ROOMS)
def test_somebody_of_another_site_is_not_found(stranger, cast, as_user, room, method):
    browser = as_user(cast.cli)
    assert getattr(browser, method)(reverse(f"exams:{room}", args=[stranger.pk])).status_code == 404
    assert not Access.objects.exists()


@pytest.mark.parametrize("role", ["rec", "lab", "lsu", "qco", "mgr", "dat", "pro", "aud", "adm", "rad"])
@pytest.mark.parametrize("room", ["vitals", "history", "pregnancy", "exam"])
def test_other_roles_are_told_whom_to_ask(woman, cast, as_user, room, role):
    answer = as_user(getattr(cast, role)).get(reverse(f"exams:{room}", args=[woman.pk]))
    assert answer.status_code == 403
    assert "Ask your site manager who can do it" in answer.content.decode()


@pytest.mark.parametrize("role", ["rec", "lab", "mgr", "aud"])
def test_films_are_closed_to_who_has_no_part_in_them(woman, cast, as_user, role):
    browser = as_user(getattr(cast, role))
    assert browser.get(reverse("exams:film", args=[woman.pk])).status_code == 403
    assert browser.get(reverse("exams:films")).status_code == 403


def test_the_radiographer_sees_no_ledger_and_no_history(woman, cast, as_user):
    text = as_user(cast.rad).get(reverse("exams:film", args=[woman.pk])).content.decode()
    assert reverse("decisions:ledger", args=[woman.pk]) not in text
    assert reverse("exams:history", args=[woman.pk]) not in text


def test_films_of_other_sites_are_not_listed(stranger, cast, as_user, kabul):
    from mhac.exams.models import ChestXray

    film = ChestXray.objects.create(screening=stranger, taken_on=kabul.today(), taken_by=cast.herat_phy)
    browser = as_user(cast.rad)
    assert stranger.patient.name not in browser.get(reverse("exams:films")).content.decode()
    assert browser.get(reverse("exams:read", args=[film.pk])).status_code == 404


@pytest.mark.parametrize("room", ROOMS)
def test_pages_speak_dari_from_right_to_left(woman, cast, as_user, room):
    browser = as_user(cast.cli)
    browser.cookies["django_language"] = "fa-af"
    assert 'dir="rtl"' in browser.get(reverse(f"exams:{room}", args=[woman.pk])).content.decode()
