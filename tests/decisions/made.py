"""Invented people, and rows about them as the rooms write them."""

import datetime
from decimal import Decimal
from itertools import count
from zoneinfo import ZoneInfo

from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam, Vitals
from mhac.labs.catalogue import load
from mhac.labs.models import LabOrder, LabResult, Specimen, Test
from mhac.patients.models import IdentityCheck, Patient
from mhac.screenings.models import Case, Consent, Screening
from mhac.screenings.programmes import programmes

KABUL = ZoneInfo("Asia/Kabul")
DAY = datetime.date(2026, 11, 21)
NOON = datetime.datetime(2026, 11, 21, 12, tzinfo=KABUL)
running = count(1)


def person(clinic, **fields):
    """An invented man of 36, unless told otherwise."""
    born = fields.pop("born", datetime.date(1990, 5, 10))
    number = f"{clinic.code}P{next(running):06d}"
    values = {"given_name": "Testa", "family_name": f"Invented{number[-3:]}", "sex": "male"} | fields
    between = {"born_earliest": born, "born_latest": born}
    return Patient.objects.create(number=number, clinic=clinic, **(between | values))


def screening(clinic, by, programme="ca", patient=None, day=DAY, **fields):
    """An open screening of an invented person, opened on the day under the edition of that day."""
    case = Case.objects.create(
        number=f"{clinic.code}C{next(running):06d}",
        clinic=clinic,
        programme=programme,
        contact_name="Nobody Real",
        created_by=by,
    )
    return Screening.objects.create(
        case=case,
        patient=patient or person(clinic),
        clinic=clinic,
        programme=programme,
        edition=programmes().edition(programme, day).key,
        opened_on=day,
        **fields,
    )


def history(screening, by, **answers):
    """Every question answered with "no", unless told otherwise."""
    nothing = {"known_hiv": False, "tb_signs": [], "tb_history": [], "tb_contacts": [], "risks": []}
    values = nothing | {"taken_on": DAY} | answers
    return MedicalHistory.objects.create(screening=screening, by=by, **values)


def exam(screening, by, conditions=(), day=DAY):
    return PhysicalExam.objects.create(screening=screening, held_on=day, conditions=list(conditions), by=by)


def film(screening, by, findings=(), day=DAY, **fields):
    """A film; findings None: not read yet."""
    read = {} if findings is None else {"findings": list(findings), "read_by": by, "read_at": NOON}
    return ChestXray.objects.create(screening=screening, taken_on=day, taken_by=by, **read, **fields)


def vitals(screening, by, **values):
    values = {"measured_at": NOON, "weight_kg": Decimal("70.50"), "height_cm": Decimal("172.0")} | values
    return Vitals.objects.create(screening=screening, by=by, **values)


def face(screening, by, confirmed=True, day=DAY):
    return IdentityCheck.objects.create(
        patient=screening.patient, clinic=screening.clinic, station="reception", day=day, confirmed=confirmed, by=by
    )


def consent(screening, by, purpose="examination", day=DAY, **fields):
    return Consent.objects.create(
        screening=screening, purpose=purpose, given_by="Testa Invented", given_on=day, recorded_by=by, **fields
    )


def tube(screening, by, kind="serum", at=NOON, **fields):
    return Specimen.objects.create(
        screening=screening,
        accession=f"{screening.clinic.code}26{next(running):05d}X",
        clinic=screening.clinic,
        tube=kind,
        collected_at=at,
        collected_by=by,
        **fields,
    )


def order(screening, key, item, specimen=None, nth=1, **fields):
    """One test asked of somebody; collected when a specimen is given."""
    if not Test.objects.filter(key=key).exists():
        load()
    state = fields.pop("state", "collected" if specimen else "ordered")
    return LabOrder.objects.create(
        screening=screening,
        test=Test.objects.get(key=key),
        specimen=specimen,
        item=item,
        nth=nth,
        state=state,
        **fields,
    )


def result(order, verified_by=None, entered_by=None, **value):
    """An answer: coded="reactive" or number=Decimal(...); verified when somebody verified it."""
    state = (
        {"state": "verified", "verified_by": verified_by, "verified_at": NOON} if verified_by else {"state": "filed"}
    )
    values = {
        "as_sent": str(value.get("coded") or value.get("number") or ""),
        "source": "typed" if entered_by else "analyzer",
        "observed_at": NOON,
        "entered_by": entered_by,
        "unit": order.test.unit,
    }
    made = LabResult.objects.create(screening=order.screening, order=order, **(values | state | value))
    order.state = "verified" if verified_by else "resulted"
    order.save(update_fields=["state"])
    return made


# What a healthy adult's laboratory answers, by item and test.
CLEAN = {
    "urinalysis": {"ua_protein": "negative", "ua_glucose": "negative", "ua_blood": "negative"},
    "syphilis": {"rpr": "nonreactive", "tpha": "nonreactive"},
    "hiv": {"hiv_combo": "nonreactive"},
    "creatinine": {"crea": Decimal("0.90")},
}


def laboratory(screening, cast, answers=CLEAN, verified=True):
    """One tube and verified results for each item, as the laboratory leaves them; returns orders by test key."""
    made = {}
    for item, tests in answers.items():
        specimen = tube(screening, cast.lab, "urine" if item == "urinalysis" else "serum")
        for key, value in tests.items():
            made[key] = order(screening, key, item, specimen)
            if value is not None:
                said = {"coded": value} if isinstance(value, str) else {"number": value}
                result(made[key], verified_by=cast.lsu if verified else None, **said)
    return made


def ready(clinic, cast, programme="ca", **fields):
    """A healthy adult for whom everything that the programme asks is done."""
    made = screening(clinic, cast.rec, programme, **fields)
    history(made, cast.cli)
    film(made, cast.rad)
    if programme == "uk-tb":
        face(made, cast.rec)
        consent(made, cast.rec)
        return made
    exam(made, cast.cli)
    vitals(made, cast.cli)
    if programme == "ca":
        laboratory(made, cast)
    return made
