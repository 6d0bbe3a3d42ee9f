"""Users and roles: given by an administrator, never to himself, never beyond what he administers."""

import pytest
from django.contrib.auth.models import Group
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from mhac.accounts import services
from mhac.accounts.models import RoleGrant, User
from mhac.accounts.services import Refused
from tests.conftest import PASSWORD, make_user

LIST, NEW = reverse("accounts:users"), reverse("accounts:add_user")


@pytest.fixture(autouse=True)
def no_tries_yet(db):
    cache.clear()


def rows(*grants):
    """Role rows as the page sends them; a grant is (role, clinic or None)."""
    typed = {"grants-TOTAL_FORMS": str(len(grants) + 1), "grants-INITIAL_FORMS": "0"}
    for place, (role, clinic) in enumerate(grants):
        typed |= {f"grants-{place}-role": role, f"grants-{place}-site": str(clinic.pk) if clinic else ""}
    return typed


def typed(*grants, **changes):
    person = {"username": "shirin", "full_name": "Shirin Namuna", "language": "fa-af", "licence": "", "is_active": "on"}
    return person | rows(*grants) | {"password": PASSWORD} | changes


def held(user):
    return {(grant.group.name, grant.clinic) for grant in user.grants.select_related("group", "clinic")}


def change_page(user):
    return reverse("accounts:change_user", args=[user.pk])


def test_a_user_is_added_with_roles_and_a_password_shown_once(cast, kabul, herat, as_user):
    answer = as_user(cast.adm).post(NEW, typed(("CLI", kabul), ("REC", herat)))
    password = answer.context["password"]
    assert password in answer.content.decode()
    user = User.objects.get(username="shirin")
    assert held(user) == {("CLI", kabul), ("REC", herat)}
    assert user.grants.first().history.get().history_user == cast.adm
    assert len(password) == 24
    browser = Client()
    browser.post("/account/sign-in/", {"login": "shirin", "password": password})
    assert "_auth_user_id" in browser.session


def test_two_starting_passwords_are_never_the_same():
    assert len({services.starting_password() for _n in range(200)}) == 200


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"password": "wrong-password-here"}, "This is not your password. Nothing was changed"),
        ({"password": ""}, "required"),
        ({"username": "rec"}, "already exists"),
        ({"full_name": ""}, "required"),
        ({"language": "fr"}, "Select a valid choice"),
        ({"grants-0-role": "KING"}, "A row with a role is not complete"),
        ({"grants-0-role": "", "grants-0-site": ""}, "Give at least one role"),
    ],
)
def test_what_is_wrong_adds_nobody(cast, kabul, as_user, changes, sentence):
    answer = as_user(cast.adm).post(NEW, typed(("CLI", kabul), **changes))
    assert sentence in answer.content.decode()
    assert not User.objects.filter(username="shirin").exists()


def test_a_partner_belongs_to_no_site(cast, kabul, as_user):
    assert "Leave the site open" in as_user(cast.adm).post(NEW, typed(("PAR", kabul))).content.decode()
    as_user(cast.adm).post(NEW, typed(("PAR", None)))
    assert held(User.objects.get(username="shirin")) == {("PAR", None)}


def test_roles_are_changed_and_hold_at_the_next_click(cast, kabul, as_user):
    clerk = as_user(cast.rec)
    assert clerk.get(reverse("desk:people")).status_code == 200
    changes = typed(("LAB", kabul), full_name="Rec Renamed")
    assert as_user(cast.adm).post(change_page(cast.rec), changes).headers["Location"] == LIST
    user = User.objects.get(pk=cast.rec.pk)
    assert (held(user), user.full_name, user.username) == ({("LAB", kabul)}, "Rec Renamed", "rec")
    assert clerk.get(reverse("labs:bench")).status_code == 200
    gone = RoleGrant.history.filter(user=cast.rec, history_type="-").get()
    assert gone.history_user == cast.adm


def test_a_role_that_stays_is_not_given_anew(cast, kabul, as_user):
    before = cast.rec.grants.get().pk
    as_user(cast.adm).post(change_page(cast.rec), typed(("REC", kabul), ("CLI", kabul)))
    assert cast.rec.grants.get(group__name="REC").pk == before


def test_an_account_is_closed_and_opened_again(cast, kabul, as_user):
    clerk, admin = as_user(cast.rec), as_user(cast.adm)
    closed = typed(("REC", kabul))
    del closed["is_active"]
    admin.post(change_page(cast.rec), closed)
    assert clerk.get(reverse("desk:today")).headers["Location"].startswith("/account/sign-in/")
    admin.post(change_page(cast.rec), typed(("REC", kabul)))
    assert User.objects.get(pk=cast.rec.pk).is_active


def test_nobody_gives_himself_a_role(cast, kabul, as_user):
    admin = as_user(cast.adm)
    assert "Nobody changes his own roles" in admin.get(change_page(cast.adm)).content.decode()
    admin.post(change_page(cast.adm), typed(("ADM", None), ("PHY", kabul)))
    assert held(cast.adm) == {("ADM", None)}
    with pytest.raises(Refused, match="Nobody changes his own roles"):
        services.new_password(cast.adm, by=cast.adm)


def test_an_administrator_of_one_site_gives_roles_there_only(cast, kabul, herat, as_user):
    local = make_user("kabul_admin", "ADM", kabul)
    admin = as_user(local)
    text = admin.get(LIST).content.decode()
    assert ">rec<" in text
    assert "herat_rec" not in text
    assert ">adm<" not in text
    assert admin.get(change_page(cast.herat_rec)).status_code == 404
    assert admin.get(change_page(cast.adm)).status_code == 404
    assert "not complete" in admin.post(NEW, typed(("REC", herat))).content.decode()
    assert "You administer some sites only" in admin.post(NEW, typed(("REC", None))).content.decode()
    with pytest.raises(Refused, match="You do not administer Herat"):
        services.change_user(cast.rec, grants=[("REC", herat)], by=User.objects.get(pk=local.pk))
    admin.post(NEW, typed(("REC", kabul)))
    assert held(User.objects.get(username="shirin")) == {("REC", kabul)}


def test_who_works_at_two_sites_is_changed_by_the_network_only(cast, kabul, herat, as_user):
    RoleGrant.objects.create(user=cast.rec, group=Group.objects.get(name="CLI"), clinic=herat)
    assert as_user(make_user("kabul_admin", "ADM", kabul)).get(change_page(cast.rec)).status_code == 404
    assert as_user(cast.adm).get(change_page(cast.rec)).status_code == 200


def test_a_lost_password_is_replaced_and_every_browser_signed_out(cast, as_user):
    clerk = as_user(cast.rec)
    answer = as_user(cast.adm).post(reverse("accounts:new_password", args=[cast.rec.pk]))
    password = answer.context["password"]
    assert clerk.get(reverse("desk:today")).status_code == 302
    assert User.objects.get(pk=cast.rec.pk).check_password(password)
    assert as_user(cast.adm).get(reverse("accounts:new_password", args=[cast.rec.pk])).status_code == 405


def test_guessing_the_administrator_s_password_is_stopped(cast, kabul, as_user):
    admin = as_user(cast.adm)
    for _try in range(10):
        admin.post(NEW, typed(("REC", kabul), password="wrong-password-here"))
    answer = admin.post(NEW, typed(("REC", kabul)))
    assert "Too many wrong passwords. Wait a minute" in answer.content.decode()
    assert not User.objects.filter(username="shirin").exists()


def test_the_auditor_reads_the_list_and_changes_nothing(cast, as_user):
    auditor = as_user(cast.aud)
    text = auditor.get(LIST).content.decode()
    assert "herat_rec" in text
    assert change_page(cast.rec) not in text
    assert auditor.get(change_page(cast.rec)).status_code == 403
    assert auditor.get(NEW).status_code == 403
    assert auditor.post(reverse("accounts:new_password", args=[cast.rec.pk])).status_code == 403


@pytest.mark.parametrize("role", ["rec", "cli", "phy", "rad", "lab", "lsu", "qco", "mgr", "dat", "pro"])
def test_users_are_nobody_else_s_business(cast, as_user, role):
    browser = as_user(getattr(cast, role))
    assert [browser.get(page).status_code for page in (LIST, NEW, change_page(cast.rec))] == [403] * 3


def test_the_administrator_sees_no_patient(cast, as_user):
    admin = as_user(cast.adm)
    for page in ("desk:people", "desk:today", "exams:films", "accounts:accesses"):
        assert admin.get(reverse(page)).status_code == 403


def test_the_list_costs_the_same_for_many_users(cast, as_user, kabul, django_assert_max_num_queries):
    for n in range(20):
        make_user(f"more{n}", "REC", kabul)
    admin = as_user(cast.adm)
    with django_assert_max_num_queries(9):
        admin.get(LIST)
