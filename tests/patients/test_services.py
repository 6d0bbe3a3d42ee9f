import datetime
import io
import zlib

import pytest
from django.db import IntegrityError, transaction
from PIL import Image

from mhac.patients import photos, services
from mhac.patients.models import IdentityCheck, IdentityDocument, Patient

BORN = datetime.date(2002, 3, 21)
PASSPORT = {"kind": "passport", "number": "P01234567", "issuer": "AFG", "expires_on": datetime.date(2031, 1, 1)}


def register(clinic, by, **changes):
    person = {"given_name": "Mohammad Nasir", "family_name": "Ahmadi", "sex": "male", "born_earliest": BORN} | changes
    return services.register(clinic=clinic, by=by, **person)


def test_a_new_patient_has_a_number_documents_and_a_history(kabul, cast):
    patient = register(kabul, cast.rec, documents=[PASSPORT])
    assert patient.number.startswith("KBLP")
    assert patient.documents.get().number == "P01234567"
    assert patient.history.get().history_user == cast.rec
    assert register(kabul, cast.rec).number != patient.number


def test_a_document_names_its_owner_only_to_who_may_see_her(kabul, herat, cast):
    patient = register(kabul, cast.rec, documents=[PASSPORT])
    with pytest.raises(services.Refused, match=patient.number):
        register(kabul, cast.rec, documents=[PASSPORT | {"number": "p 0123-4567"}])
    with pytest.raises(services.Refused, match="another site") as refusal:
        register(herat, cast.herat_rec, documents=[PASSPORT])
    assert patient.number not in str(refusal.value)
    assert Patient.objects.count() == 1


def test_other_papers_may_carry_the_same_number(kabul, cast):
    slip = {"kind": "other", "number": "12"}
    register(kabul, cast.rec, documents=[slip])
    register(kabul, cast.rec, documents=[slip])
    assert IdentityDocument.objects.count() == 2


@pytest.mark.parametrize(
    ("earliest", "latest", "words"),
    [
        (datetime.date(2000, 1, 2), datetime.date(2000, 1, 1), "ends before"),
        (datetime.date(2100, 1, 1), datetime.date(2100, 1, 1), "future"),
        (datetime.date(1800, 1, 1), datetime.date(1800, 12, 31), "120 years"),
    ],
)
def test_births_that_cannot_be(kabul, cast, earliest, latest, words):
    with pytest.raises(services.Refused, match=words):
        register(kabul, cast.rec, born_earliest=earliest, born_latest=latest)


def test_a_correction_needs_a_reason_and_marks_the_person(kabul, cast):
    patient = register(kabul, cast.rec)
    with pytest.raises(services.Refused, match="Say why"):
        services.correct(patient, by=cast.rec, because=" ", given_name="Nasir")
    changed = services.correct(patient, by=cast.rec, because="The passport says so", given_name="Nasir")
    assert changed.facts_changed_at is not None
    assert changed.history.first().history_change_reason == "The passport says so"
    assert Patient.objects.found_by("Nasir").get() == patient


def test_the_same_check_twice_is_one_row_and_a_mismatch_needs_words(kabul, cast):
    patient = register(kabul, cast.rec)
    for _ in range(2):
        services.confirm_identity(patient, station="reception", by=cast.rec)
    assert IdentityCheck.objects.confirmed_on(kabul.today()).count() == 1
    assert patient.is_confirmed_on(kabul.today())
    assert not patient.is_confirmed_on(kabul.today() - datetime.timedelta(days=1))
    with pytest.raises(services.Refused, match="does not match"):
        services.confirm_identity(patient, station="reception", confirmed=False, by=cast.rec)
    services.confirm_identity(patient, station="collection", confirmed=False, note="Another face", by=cast.lab)
    assert IdentityCheck.objects.count() == 2


@pytest.mark.parametrize(
    "typed",
    ["محمد", "Mohammad", "Mohd", "muhammed nasser", "ناصر احمدی", "AHMADI", "P01234567", "p0123 4567", "۰۱۲۳۴۵۶۷"],
)
def test_found_in_either_script_and_by_document(kabul, cast, typed):
    patient = register(kabul, cast.rec, native_name="محمد ناصر احمدی", documents=[PASSPORT])
    services.add_document(patient, by=cast.rec, kind="unhcr", number="01234567")
    other = register(kabul, cast.rec, given_name="Gulalai", family_name="", sex="female")
    assert list(Patient.objects.found_by(typed)) == [patient]
    assert list(Patient.objects.found_by(other.number.lower())) == [other]
    assert not Patient.objects.found_by("؟ -").exists()


def picture(size=(1200, 1600), format_="JPEG", **save):
    out = io.BytesIO()
    Image.new("RGB", size, "teal").save(out, format_, **save)
    return out.getvalue()


def test_a_photo_is_kept_small_upright_and_bare(kabul, cast):
    exif = Image.Exif()
    exif[0x0112] = 6  # lies on its side
    exif[0x010E] = "Somebody at home"
    patient = register(kabul, cast.rec)
    photo = services.take_photo(patient, data=picture((1600, 1200), exif=exif, comment=b"a secret"), by=cast.rec)
    kept = Image.open(io.BytesIO(bytes(photo.image)))
    assert kept.format == "JPEG"
    assert kept.height > kept.width
    assert kept.width <= photos.WIDTH
    assert kept.height <= photos.HEIGHT
    assert not kept.getexif()
    assert b"secret" not in bytes(photo.image)
    services.take_photo(patient, data=picture(format_="PNG"), by=cast.rec)
    services.take_photo(patient, data=picture() + b"what a telephone adds", by=cast.rec)
    assert patient.face != photo


def bomb(width, height):
    """A PNG that claims a size it does not have."""
    data = bytearray(picture((8, 8), "PNG"))
    data[16:24] = width.to_bytes(4, "big") + height.to_bytes(4, "big")
    data[29:33] = zlib.crc32(data[12:29]).to_bytes(4, "big")
    return bytes(data)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "no photo"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "no photo"),
        (picture()[:900], "no photo"),
        (picture(format_="GIF"), "no photo"),
        (b"\xff\xd8" + bytes(photos.MAX_BYTES), "8 MB"),
        (bomb(8000, 5001), "40 million"),
        (bomb(10000, 10000), "40 million"),
        (bomb(60000, 60000), "40 million"),
    ],
    ids=["empty", "svg", "cut off", "gif", "too many bytes", "too many pixels", "bomb warning", "bomb error"],
)
def test_what_is_no_photo_is_refused(kabul, cast, data, words):
    # Printing a paper makes Pillow lenient for the whole process: the refusals must not depend on it.
    import weasyprint  # noqa: F401

    patient = register(kabul, cast.rec)
    with pytest.raises(services.Refused, match=words):
        services.take_photo(patient, data=data, by=cast.rec)
    assert patient.face is None


def test_the_database_too_knows_one_owner_of_a_document(kabul, cast):
    register(kabul, cast.rec, documents=[PASSPORT])
    other = register(kabul, cast.rec)
    with pytest.raises(IntegrityError), transaction.atomic():
        IdentityDocument.objects.create(patient=other, kind="passport", number="p01234567", issuer="AFG")
