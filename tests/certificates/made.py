"""Signed screenings of invented people, examined today, so that their documents are valid whenever the tests run."""

import datetime
import io

from django.utils import timezone
from PIL import Image

from mhac.decisions import services as decisions
from mhac.patients.models import IdentityDocument, Photo
from mhac.screenings import services as screenings
from tests.decisions import made


def photo(colour="#c99a77"):
    """A small JPEG without anybody on it."""
    out = io.BytesIO()
    Image.new("RGB", (70, 90), colour).save(out, "JPEG")
    return out.getvalue()


def ready(clinic, cast, programme="ca", patient=None, days_ago=0, reference="", **person):
    """A screening for which everything is done and nothing was found; the fields of `person` as for a patient."""
    today = clinic.today()
    day = today - datetime.timedelta(days=days_ago)
    at = timezone.now() - datetime.timedelta(days=days_ago, hours=1)
    patient = patient or made.person(clinic, **person)
    screening = made.screening(clinic, cast.rec, programme, patient=patient, day=day, reference=reference)
    made.consent(screening, cast.rec, day=day)
    made.face(screening, cast.rec, day=max(day, screening.opened_on))
    made.history(screening, cast.cli, taken_on=day)
    if programme != "uk-tb":
        made.exam(screening, cast.cli, day=day)
        made.vitals(screening, cast.cli, measured_at=at)
    if programme in {"ca", "uk-tb"}:
        made.film(screening, cast.rad, day=day)
    if programme == "ca":
        for item, tests in made.CLEAN.items():
            tube = made.tube(screening, cast.lab, "urine" if item == "urinalysis" else "serum", at=at)
            for key, value in tests.items():
                said = {"coded": value} if isinstance(value, str) else {"number": value}
                order = made.order(screening, key, item, tube)
                made.result(order, verified_by=cast.lsu, observed_at=at, **said)
    return screening


def identify(patient, number="P07654321", colour="#c99a77"):
    """A passport and a photo."""
    IdentityDocument.objects.create(patient=patient, kind="passport", number=number)
    Photo.objects.create(patient=patient, image=photo(colour))


def signed(clinic, cast, programme="ca", by=None, travel=True, consent=True, number="P07654321", **fields):
    """A ready screening, identified and signed; with a departure tomorrow for a returnee."""
    screening = ready(clinic, cast, programme, **fields)
    identify(screening.patient, number)
    if consent:
        made.consent(screening, cast.rec, "sharing", day=screening.opened_on)
    if programme == "returnee-avrr" and travel:
        screenings.plan_travel(
            screening, departure=timezone.now() + datetime.timedelta(hours=20), from_country="TUR", by=cast.rec
        )
    decisions.sign(screening, by=by or cast.phy, on=clinic.today())
    screening.refresh_from_db()
    return screening


def change_a_fact(screening, cast):
    """An amended history after the signature, which asks for more: the outcome no longer follows."""
    history = screening.medicalhistory_set.get()
    history.tb_signs = [{"code": "cough", "days": 30}]
    history.tb_contacts = [{"source_name": "Nobody Real"}]
    history.save()


def write_a_note(screening):
    """A remark: facts were touched, and the outcome is the same."""
    history = screening.medicalhistory_set.get()
    history.remarks = "Remembered the name of a medicine."
    history.save()
