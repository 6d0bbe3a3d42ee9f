"""Invented people and one row of every kind of record, for the pages that show them."""

import datetime

from django.utils import timezone

from mhac.appointments.models import Booking, Slot
from mhac.certificates.models import Certificate
from mhac.decisions.models import Judgement, SignOff
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam, Pregnancy, Vitals
from mhac.labs.models import LabOrder, LabResult, Specimen, Test
from mhac.patients import services as patients
from mhac.screenings import services
from mhac.screenings.models import Guardian


def person(clinic, by, **changes):
    fields = {
        "given_name": "Mohammad Nasir", "family_name": "Ahmadi", "native_name": "محمد ناصر احمدی", "sex": "male",
        "born_earliest": datetime.date(2002, 3, 21),
    } | changes  # fmt: skip
    return patients.register(clinic=clinic, by=by, **fields)


def screening_of(patient, by, programme="uk-tb", reference=""):
    case = services.open_case(
        clinic=patient.clinic, programme=programme, contact_name="Testi Family", phone="0700123456", by=by
    )
    return services.open_screening(case, patient=patient, reference=reference, by=by)


def specimen_of(screening, cast):
    return Specimen.objects.create(
        screening=screening, accession=screening.clinic.next_number("", 2026), clinic=screening.clinic, tube="serum",
        collected_at=timezone.now(), collected_by=cast.lab,
    )  # fmt: skip


def a_test(**fields):
    return Test.objects.create(**{"key": "glucose", "name": "Glucose", "kind": "numeric", "tube": "serum"} | fields)


def one_of_each(screening, cast):
    """A row of every kind of record, by the models' own hand: what is tested is how they are read."""
    today = datetime.date(2026, 11, 21)
    of = {"screening": screening}
    services.give_consent(screening, purpose="sharing", given_by="Testi", by=cast.rec)
    services.plan_travel(screening, departure=timezone.now(), by=cast.rec)
    services.tick_papers(screening, papers=["polio_card"], by=cast.rec)
    Guardian.objects.create(name="Testi Mother", relation="mother", recorded_by=cast.rec, **of)
    slot = Slot.objects.create(clinic=screening.clinic, starts_at=timezone.now(), capacity=2, opened_by=cast.mgr)
    Booking.objects.create(slot=slot, seat=1, booked_by=cast.rec, **of)
    patients.confirm_identity(screening.patient, station="reception", by=cast.rec)
    vitals = Vitals.objects.create(measured_at=timezone.now(), weight_kg="61.50", by=cast.cli, **of)
    vitals.weight_kg = "62.00"
    vitals._history_user = cast.cli
    vitals.save()
    signs = [{"code": "night_sweats"}, {"code": "cough", "days": 20}]
    MedicalHistory.objects.create(taken_on=today, known_hiv=False, tb_signs=signs, by=cast.cli, **of)
    Pregnancy.objects.create(asked_on=today, pregnant=False, by=cast.cli, **of)
    PhysicalExam.objects.create(held_on=today, systems={"skin": {"normal": True}}, by=cast.phy, **of)
    ChestXray.objects.create(taken_on=today, taken_by=cast.rad, findings=["cavity"], **of)
    specimen = specimen_of(screening, cast)
    order = LabOrder.objects.create(test=a_test(), item="hba1c", specimen=specimen, ordered_by=cast.phy, **of)
    LabResult.objects.create(order=order, as_sent="5.4", number="5.4", source="analyzer", **of)
    Judgement.objects.create(code="order", item="sputum", reason="Weight loss", by=cast.phy, **of)
    signoff = SignOff.objects.create(
        edition=screening.edition, facts={"canary": "facts"}, facts_hash="f", answer={}, outcome="cleared",
        signed_by=cast.phy, signed_on=today, signed_at=timezone.now(), **of,
    )  # fmt: skip
    Certificate.objects.create(
        number="KBL-1", count=1, clinic=screening.clinic, signoff=signoff, kind="tb_clearance", facts={}, facts_hash="f",
        seal="canary-seal", key_id="k", pdf=b"%PDF", pdf_sha256="0" * 64, issued_by=cast.phy, issued_on=today,
        issued_at=timezone.now(), checked_at=timezone.now(), **of,
    )  # fmt: skip
