import datetime
import io

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from PIL import Image

from mhac.accounts.models import Access
from mhac.patients import services
from mhac.patients.models import IdentityCheck


@pytest.fixture
def person(kabul, cast):
    return services.register(
        clinic=kabul, by=cast.rec, given_name="Testi", sex="female", born_earliest=datetime.date(1990, 5, 1)
    )


def upload(data):
    return {"image": SimpleUploadedFile("face.jpg", data, "image/jpeg")}


def picture():
    out = io.BytesIO()
    Image.new("RGB", (600, 800), "teal").save(out, "JPEG")
    return out.getvalue()


def test_a_silhouette_until_there_is_a_face(cast, person, as_user):
    address, browser = reverse("patients:photo", args=[person.pk]), as_user(cast.rec)
    assert browser.get(address)["Content-Type"] == "image/svg+xml"
    done = browser.post(reverse("patients:take_photo", args=[person.pk]), upload(picture()))
    assert done.url == reverse("desk:patient", args=[person.pk])
    face = browser.get(address)
    assert (face["Content-Type"], face["Cache-Control"]) == ("image/jpeg", "no-store")
    assert Image.open(io.BytesIO(face.content)).size == (398, 531)


@pytest.mark.parametrize("files", [{}, {"image": SimpleUploadedFile("face.svg", b"<svg/>", "image/jpeg")}])
def test_a_photo_that_cannot_be_kept_says_why(cast, person, as_user, files):
    page = as_user(cast.rec).post(reverse("patients:take_photo", args=[person.pk]), files, follow=True)
    assert "alert-danger" in page.content.decode()
    assert person.face is None


def test_faces_and_data_stay_within_the_site_and_the_role(cast, person, as_user):
    for page in ("photo", "correct", "add_document"):
        assert as_user(cast.herat_rec).get(reverse(f"patients:{page}", args=[person.pk])).status_code == 404
    assert as_user(cast.lab).get(reverse("patients:photo", args=[person.pk])).status_code == 200
    for who in (cast.adm, cast.qco, cast.aud):
        assert as_user(who).get(reverse("patients:photo", args=[person.pk])).status_code == 403
    for who in (cast.phy, cast.lab, cast.rad):
        assert as_user(who).get(reverse("patients:correct", args=[person.pk])).status_code == 403
        assert as_user(who).post(reverse("patients:take_photo", args=[person.pk])).status_code == 403
    assert as_user(cast.mgr).post(reverse("patients:confirm", args=[person.pk])).status_code == 403
    assert as_user(cast.rec).get(reverse("patients:confirm", args=[person.pk])).status_code == 405


@pytest.mark.parametrize(
    ("sent", "confirmed", "words"),
    [
        ({"station": "reception"}, [True], "face and document compared"),
        ({"station": "collection", "mismatch": "on", "note": "Another face"}, [False], "Let nobody go on"),
        ({"station": "reception", "mismatch": "on"}, [], "what does not match"),
        ({"station": "kitchen"}, [], "at which station"),
        ({}, [], "at which station"),
    ],
)
def test_the_check_of_a_face(cast, person, as_user, sent, confirmed, words):
    page = as_user(cast.rec).post(reverse("patients:confirm", args=[person.pk]), sent, follow=True)
    assert words in page.content.decode()
    assert list(IdentityCheck.objects.values_list("confirmed", flat=True)) == confirmed


@pytest.mark.parametrize("elsewhere", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_the_way_back_stays_in_the_house(cast, person, as_user, elsewhere):
    sent = {"station": "reception", "next": elsewhere}
    done = as_user(cast.rec).post(reverse("patients:confirm", args=[person.pk]), sent)
    assert done.url == reverse("desk:patient", args=[person.pk])


def corrected(**changes):
    return {
        "given_name": "Testi", "sex": "female", "born": "1369", "birth_source": "tazkira", "nationality": "AFG",
        "language": "ps", "because": "The tazkira says so",
    } | changes  # fmt: skip


def test_a_correction_is_kept_with_its_reason(cast, person, as_user):
    browser, address = as_user(cast.rec), reverse("patients:correct", args=[person.pk])
    page = browser.get(address).content.decode()
    assert all(f'name="born{part}" value="{value}"' in page for part, value in (("", "1990"), ("_hijri", "1369")))
    for bad in ({"because": ""}, {"born": "03/04/1369"}, {"given_name": ""}):
        assert browser.post(address, corrected(**bad)).status_code == 200
    assert browser.post(address, corrected()).status_code == 302
    person.refresh_from_db()
    assert (person.birth_precision, person.born_earliest) == ("year", datetime.date(1990, 3, 21))
    assert person.history.first().history_change_reason == "The tazkira says so"
    assert browser.post(address, corrected(born="1369", language="fa-af")).status_code == 302
    assert Access.objects.filter(page="patients:correct").count() == 6


def test_one_more_document(kabul, cast, person, as_user):
    browser, address = as_user(cast.rec), reverse("patients:add_document", args=[person.pk])
    card = {"kind": "e_tazkira", "number": "1400-0101-00001", "issuer": "AFG", "expires_on": "1410-01-01"}
    assert browser.post(address, card).status_code == 302
    kept = person.documents.get()
    assert (kept.number, kept.expires_on) == ("1400010100001", datetime.date(2031, 3, 21))
    assert "already written down" in browser.post(address, card).content.decode()
    passport = {"kind": "passport", "number": "P1", "issuer": "AFG"}
    assert "override_reason" in browser.post(address, passport).context["form"].errors
    assert browser.post(address, passport | {"override_reason": "Torn"}).status_code == 302
    assert "expires_on" in browser.post(address, card | {"expires_on": "01/02/2031"}).context["form"].errors
