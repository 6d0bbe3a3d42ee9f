import pytest
from django.contrib.auth.models import Group
from django.core.exceptions import PermissionDenied
from django.db import ProgrammingError, transaction

from mhac.accounts.models import Access, RoleGrant, User
from mhac.accounts.permissions import needs
from mhac.clinics.models import Clinic


@needs("labs.verify_labresult")
def view(request):
    return request.user.sites()


class Request:
    method = "GET"

    def __init__(self, user):
        self.user = User.objects.get(pk=user.pk)


def test_a_view_is_closed_to_who_lacks_its_permission(cast):
    with pytest.raises(PermissionDenied, match=r"labs\.verify_labresult"):
        view(Request(cast.rec))


def test_rows_are_seen_only_where_that_very_permission_is_held(cast, kabul, herat):
    RoleGrant.objects.create(user=cast.herat_lab, group=Group.objects.get(name="REC"), clinic=kabul)
    both = Request(cast.herat_lab)
    assert list(view(both)) == [herat]
    assert set(both.user.sites("appointments.view_booking")) == {kabul, herat}


def test_a_role_on_the_network_sees_every_site(cast, kabul, herat):
    assert set(cast.aud.sites("accounts.view_access")) == set(Clinic.objects.all()) == {kabul, herat}


def test_a_deactivated_user_holds_nothing(cast):
    cast.lab.is_active = False
    cast.lab.save()
    with pytest.raises(PermissionDenied):
        view(Request(cast.lab))


def test_a_superuser_holds_nothing_by_that(db):
    user = User.objects.create(username="root", is_superuser=True, is_staff=True)
    assert not user.has_perm("patients.view_patient")
    assert not user.has_module_perms("patients")


def test_rights_cost_one_query(cast, django_assert_num_queries):
    user = User.objects.get(pk=cast.phy.pk)
    with django_assert_num_queries(1):
        assert user.has_perm("decisions.sign")
        assert not user.has_perms(["decisions.sign", "labs.add_labresult"])
        assert user.has_module_perms("exams")


@pytest.mark.parametrize(
    "change", [lambda row: row.delete(), lambda row: Access.objects.filter(pk=row.pk).update(note="x")]
)
def test_the_access_log_refuses_change_and_removal(cast, change):
    row = Access.objects.create(user=cast.phy, page="desk:patient", label="patients.patient", key="1")
    with pytest.raises(ProgrammingError, match="append-only"), transaction.atomic():
        change(row)
    assert Access.objects.get(pk=row.pk).note == ""
