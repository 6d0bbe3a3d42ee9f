"""Who and what the laboratory turns away, at every door: pages, services, the database."""

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils import timezone

from mhac.labs import services
from mhac.labs.models import LabOrder, LabResult, Specimen
from mhac.labs.services import Refused


class Doors:
    """One specimen and one typed result of a person at Kabul, and the ways to them."""

    def __init__(self, scene, as_user):
        self.scene, self.as_user = scene, as_user
        self.screening = scene.screening()
        self.result = scene.entered("hiv", "hiv_combo", "nr", by=scene.cast.lab2, screening=self.screening)
        self.order = self.result.order
        self.specimen = self.order.specimen
        (self.fresh,) = scene.collected("hiv", screening=scene.screening(given="Laila"))

    def get(self, who, name, *args):
        return self.as_user(who).get(reverse(f"labs:{name}", args=args))

    def post(self, who, name, *args, **data):
        return self.as_user(who).post(reverse(f"labs:{name}", args=args), data, follow=True)


@pytest.fixture
def doors(scene, as_user):
    return Doors(scene, as_user)


# What every page of the room is about, as (method, name, keys, data).
PAGES = [
    ("get", "bench", (), {}),
    ("get", "receive", (), {}),
    ("get", "to_verify", (), {}),
    ("get", "collect", ("screening",), {}),
    ("post", "collect", ("screening",), {"tube": "serum-0", "face": "yes"}),
    ("get", "labels", ("screening",), {}),
    ("get", "specimen", ("specimen",), {}),
    ("get", "label", ("specimen",), {}),
    ("post", "reject", ("specimen",), {"because": "clotted"}),
    ("get", "enter", ("order",), {}),
    ("post", "enter", ("order",), {}),
    ("post", "verify", ("result",), {}),
    ("get", "reject_result", ("result",), {}),
    ("post", "reject_result", ("result",), {"because": "x"}),
    ("get", "correct", ("result",), {}),
    ("post", "correct", ("result",), {"text": "r", "because": "x"}),
]

# Roles that may use each page at their own site; everybody else is told 403.
ALLOWED = {
    "bench": {"cli", "phy", "lab", "lab2", "lsu"},
    "receive": {"lab", "lab2", "lsu"},
    "to_verify": {"lab", "lab2", "lsu"},
    "collect": {"cli", "phy", "lab", "lab2", "lsu"},
    "labels": {"rec", "cli", "lab", "lab2", "lsu"},
    "specimen": {"rec", "cli", "phy", "lab", "lab2", "lsu", "qco"},
    "label": {"rec", "cli", "lab", "lab2", "lsu"},
    "reject": {"lab", "lab2", "lsu"},
    "enter": {"lab", "lab2"},
    "verify": {"lsu"},
    "reject_result": {"lab", "lab2", "lsu"},
    "correct": {"lab", "lab2", "lsu"},
}
ROLES = ["rec", "cli", "phy", "rad", "lab", "lsu", "qco", "mgr", "dat", "pro", "aud", "adm"]


@pytest.mark.parametrize(("method", "name", "keys", "data"), PAGES)
def test_roles_at_every_page(doors, method, name, keys, data):
    args = [getattr(doors, key).pk for key in keys]
    for role in ROLES:
        browser = doors.as_user(getattr(doors.scene.cast, role))
        with transaction.atomic():
            status = getattr(browser, method)(reverse(f"labs:{name}", args=args), data).status_code
            transaction.set_rollback(True)
        assert (status == 403) is (role not in ALLOWED[name]), f"{role}: {status}"
        assert status in {200, 302, 403}


@pytest.mark.parametrize(("method", "name", "keys", "data"), [page for page in PAGES if page[2]])
def test_another_site_is_404(doors, method, name, keys, data):
    args = [getattr(doors, key).pk for key in keys]
    allowed = ALLOWED[name] & {"lab", "lsu"}
    who = doors.scene.cast.herat_lab if "lab" in allowed else make_herat_supervisor(doors)
    response = getattr(doors.as_user(who), method)(reverse(f"labs:{name}", args=args), data)
    assert response.status_code == 404


def make_herat_supervisor(doors):
    from mhac.clinics.models import Clinic
    from tests.conftest import make_user

    return make_user("herat_lsu", "LSU", Clinic.objects.get(code="HRT"))


@pytest.mark.parametrize(("method", "name", "keys", "data"), PAGES)
def test_a_stranger_signs_in_first(doors, client, method, name, keys, data):
    args = [getattr(doors, key).pk for key in keys]
    response = getattr(client, method)(reverse(f"labs:{name}", args=args), data)
    assert response.status_code == 302
    assert response.url.startswith("/account/sign-in/")


def test_another_site_sees_none_of_it_in_its_lists(doors):
    for name in ("bench", "receive", "to_verify"):
        page = doors.get(doors.scene.cast.herat_lab, name).content.decode()
        assert doors.specimen.accession not in page
        assert "Testzada" not in page


def test_another_site_verifies_nothing_in_a_batch(doors):
    who = make_herat_supervisor(doors)
    assert doors.post(who, "to_verify", result=[str(doors.result.pk)]).status_code == 404
    doors.result.refresh_from_db()
    assert doors.result.state == "filed"


def test_another_site_receives_nothing(doors):
    page = doors.post(doors.scene.cast.herat_lab, "receive", number=doors.fresh.accession).content.decode()
    assert "No tube has the number" in page
    doors.fresh.refresh_from_db()
    assert doors.fresh.state == "collected"


# The enterer and her own result


def by_page(doors, result, who):
    response = doors.post(who, "verify", result.pk)
    assert "it needs another person" in response.content.decode()


def by_batch(doors, result, who):
    response = doors.post(who, "to_verify", result=[str(result.pk)])
    assert "it needs another person" in response.content.decode()


def by_service(doors, result, who):
    with pytest.raises(Refused, match="it needs another person"):
        services.verify(result, by=who)


def by_the_database(doors, result, who):
    with pytest.raises(IntegrityError, match="nobody_verifies_what_she_entered"), transaction.atomic():
        result.state, result.verified_by, result.verified_at = "verified", who, timezone.now()
        result.save()


def by_a_plain_update(doors, result, who):
    with pytest.raises(IntegrityError, match="nobody_verifies_what_she_entered"), transaction.atomic():
        LabResult.objects.filter(pk=result.pk).update(state="verified", verified_by=who, verified_at=timezone.now())


@pytest.mark.parametrize("door", [by_page, by_batch, by_service, by_the_database, by_a_plain_update])
def test_nobody_verifies_her_own_result_at_any_door(doors, door):
    doors.scene.cast.lsu.grants.create(
        group=doors.scene.cast.lab.grants.get().group, clinic=doors.scene.cast.lab.grants.get().clinic
    )
    result = doors.scene.entered("creatinine", "crea", "0.9", by=doors.scene.cast.lsu)
    door(doors, result, doors.scene.cast.lsu)
    assert LabResult.objects.get(pk=result.pk).state == "filed"


def test_verified_by_nobody_is_no_verification(doors):
    with pytest.raises(IntegrityError, match="verified_by_somebody"), transaction.atomic():
        LabResult.objects.filter(pk=doors.result.pk).update(state="verified")


# The technician and the infectious result


@pytest.mark.parametrize("name", ["verify", "to_verify"])
def test_a_technician_verifies_no_hiv_at_any_page(doors, name):
    (other,) = doors.scene.received("creatinine")
    plain = services.enter(other.orders.get(), text="0.9", by=doors.scene.cast.lab)
    LabResult.objects.update(source="analyzer", entered_by=None)
    if name == "verify":
        response = doors.post(doors.scene.cast.lab, name, doors.result.pk)
    else:
        response = doors.post(doors.scene.cast.lab, name, result=[str(doors.result.pk), str(plain.pk)])
    assert response.status_code == 403
    assert "needs a laboratory supervisor" in response.content.decode()
    # Not even the one she might have verified: a batch with something forbidden in it is refused as a whole.
    assert set(LabResult.objects.values_list("state", flat=True)) == {"filed"}


def test_a_technician_verifies_no_hiv_by_service(doors):
    with pytest.raises(PermissionDenied, match="needs a laboratory supervisor"):
        services.verify(doors.result, by=doors.scene.cast.lab)


def test_a_technician_takes_back_no_verified_result(doors):
    services.verify(doors.result, by=doors.scene.cast.lsu)
    assert doors.post(doors.scene.cast.lab2, "reject_result", doors.result.pk, because="x").status_code == 403
    assert LabResult.objects.get(pk=doors.result.pk).state == "verified"


# The tube that cannot be


def test_a_rejected_tube_has_no_result_at_any_door(doors):
    services.reject(doors.specimen, because="leaked", by=doors.scene.cast.lab)
    order = LabOrder.objects.get(pk=doors.order.pk)
    with pytest.raises(Refused, match=r"was rejected \(leaked\): it can have no result"):
        services.enter(order, text="nr", by=doors.scene.cast.lab)
    page = doors.get(doors.scene.cast.lab, "enter", order.pk).content.decode()
    assert "This tube was rejected" in page
    assert f'name="{order.pk}"' not in page
    doors.post(doors.scene.cast.lab, "enter", order.pk, **{str(order.pk): "nr"})
    assert not LabResult.objects.standing().exists()


def test_a_tube_on_its_way_has_no_result_at_any_door(doors):
    order = doors.fresh.orders.get()
    page = doors.post(doors.scene.cast.lab, "enter", order.pk, **{str(order.pk): "nonreactive"}).content.decode()
    assert "has not been received in the laboratory" in page
    assert not order.results.exists()


def test_no_tube_without_a_compared_face_at_any_door(doors):
    screening = doors.scene.ordered("hiv", screening=doors.scene.screening(given="Mirwais"))
    page = doors.post(doors.scene.cast.lab, "collect", screening.pk, tube="serum-0").content.decode()
    assert "Nobody has compared Mirwais Testzada" in page
    with pytest.raises(Refused, match="Nobody has compared"):
        services.collect(screening, orders=LabOrder.objects.filter(screening=screening), by=doors.scene.cast.lab)
    assert not Specimen.objects.filter(screening=screening).exists()


def test_one_test_stands_once_on_a_tube_and_once_on_the_list(doors):
    order = doors.fresh.orders.get()
    again = {"screening": order.screening, "test": order.test, "item": "hiv", "nth": 2}
    with pytest.raises(IntegrityError, match="one_order_per_tube_and_test"), transaction.atomic():
        LabOrder.objects.create(**again, specimen=doors.fresh, state="collected")
    LabOrder.objects.create(**again)
    with pytest.raises(IntegrityError, match="one_open_order_per_test"), transaction.atomic():
        LabOrder.objects.create(**again)


@pytest.mark.parametrize("name", ["verify", "reject"])
def test_what_changes_something_is_never_a_link(doors, name):
    key = doors.result.pk if name == "verify" else doors.specimen.pk
    assert doors.get(doors.scene.cast.lsu, name, key).status_code == 405
