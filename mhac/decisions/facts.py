"""Rows -> facts: what the rooms recorded about one screening, as the input object of the assessment contract.

What nobody recorded stays out; nothing here fills in a negative. Laboratory values count once they are verified.
"""

import datetime
import tomllib
from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from functools import cache
from pathlib import Path
from zoneinfo import ZoneInfo

from django.db.models import F, Prefetch, prefetch_related_objects
from django.utils import timezone

from mhac.decisions import laboratory
from mhac.decisions.models import Judgement
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam, Pregnancy, Vitals
from mhac.labs.models import LabOrder, LabResult
from mhac.patients.models import IdentityCheck, IdentityDocument
from mhac.screenings.models import Consent, Screening, TravelPlan

SURVEILLANCE = Path(__file__).parent / "surveillance.toml"
COUNTRY = "AFG"


@dataclass(frozen=True)
class Records:
    """Everything that was recorded about one screening, as rows, each list in the order it happened."""

    screening: Screening
    documents: tuple
    checks: tuple
    consents: tuple
    travel: TravelPlan | None
    history: MedicalHistory | None
    pregnancy: Pregnancy | None
    exam: PhysicalExam | None
    vitals: tuple
    films: tuple
    orders: tuple
    judgements: tuple

    def local_day(self, moment):
        """The calendar day of a moment at the site of the screening."""
        return timezone.localtime(moment, ZoneInfo(self.screening.clinic.timezone)).date()

    def examined(self, on):
        """The day of the physical examination; before it, or where a programme has none, that of the questions."""
        if self.exam is not None:
            return self.exam.held_on
        return self.history.taken_on if self.history is not None else on


def records_of(screenings):
    """The records of each screening by its key, in a number of queries that does not grow with the list."""
    screenings = list(screenings)
    prefetch_related_objects(screenings, "patient__canonical", "case", "clinic")
    people = {"patient__person__in": {screening.patient.person for screening in screenings}}
    papers = IdentityDocument.objects.filter(**people).annotate(person=F("patient__person"))
    compared = IdentityCheck.objects.filter(**people).annotate(person=F("patient__person")).select_related("by")
    documents, checks = _by("person", papers.order_by("id")), _by("person", compared)

    def rows(model, *people, order=("id",)):
        found = model.objects.filter(screening__in=screenings).select_related(*people).order_by(*order)
        return _by("screening_id", found)

    consents, travels = rows(Consent, "recorded_by"), rows(TravelPlan, "recorded_by")
    histories, pregnancies, exams = rows(MedicalHistory, "by"), rows(Pregnancy, "by"), rows(PhysicalExam, "by")
    vitals = rows(Vitals, "by", order=("measured_at", "id"))
    films = rows(ChestXray, "taken_by", "read_by", order=("taken_on", "id"))
    judgements = rows(Judgement, "by")
    versions = LabResult.objects.select_related("entered_by", "verified_by").order_by("version")
    orders = _by(
        "screening_id",
        LabOrder.objects.filter(screening__in=screenings)
        .exclude(state=LabOrder.State.CANCELLED)
        .select_related("test", "specimen")
        .prefetch_related(Prefetch("results", versions, to_attr="versions"))
        .order_by("test__position", "nth", "id"),
    )
    return {
        screening.pk: Records(
            screening=screening,
            documents=documents[screening.patient.person],
            checks=tuple(c for c in checks[screening.patient.person] if c.day >= screening.opened_on),
            consents=consents[screening.pk],
            travel=_one(travels[screening.pk]),
            history=_one(histories[screening.pk]),
            pregnancy=_one(pregnancies[screening.pk]),
            exam=_one(exams[screening.pk]),
            vitals=vitals[screening.pk],
            films=films[screening.pk],
            orders=orders[screening.pk],
            judgements=judgements[screening.pk],
        )
        for screening in screenings
    }


def _by(key, rows):
    found = defaultdict(tuple)
    for row in rows:
        found[getattr(row, key)] += (row,)
    return found


def _one(rows):
    return rows[-1] if rows else None


def of(screening, *, on, signing_at=None):
    """The facts of one screening. `on`: the day they are looked at; `signing_at`: the moment of signing, if now."""
    return of_many([screening], on=on, signing_at=signing_at)[screening.pk]


def of_many(screenings, *, on, signing_at=None):
    """The facts of each screening by its key, in a constant number of queries."""
    return {key: of_records(records, on=on, signing_at=signing_at) for key, records in records_of(screenings).items()}


def of_records(records, *, on, signing_at=None):
    """The input object of the assessment contract (section 2): plain JSON values, no key without a value."""
    examined = records.examined(on)
    return _stated(
        {
            "id": str(records.screening.pk),
            "programme": records.screening.programme,
            "examined": examined,
            "tb_incidence_per_100k": incidence(),
            "signed_off": on if on > examined else None,
            "person": _person(records, examined),
            "history": _history(records.history),
            "findings": _findings(records),
            "travel": _travel(records, signing_at or on),
            "decisions": _decisions(records.judgements),
        }
    )


@cache
def incidence():
    """New cases of tuberculosis a year per 100,000 people in the country of examination."""
    return tomllib.loads(SURVEILLANCE.read_text(encoding="utf-8"))["tuberculosis"][COUNTRY]["new_cases_per_100k"]


def _stated(value):
    """Without what is None, and every date, moment and decimal as JSON writes it."""
    if isinstance(value, dict):
        return {key: _stated(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple):
        return [_stated(each) for each in value]
    if isinstance(value, Decimal):
        return laboratory.json_number(value)
    if isinstance(value, datetime.date):
        return value.isoformat()
    return value


def _person(records, examined):
    patient = records.screening.person
    passports = [d for d in records.documents if d.kind == IdentityDocument.Kind.PASSPORT and d.expires_on]
    born = patient.born
    return {
        "born": born,
        "born_between": None if born else [patient.born_earliest, patient.born_latest],
        "birth_precision": patient.birth_precision,
        "birth_source": patient.birth_source,
        "sex": patient.sex,
        "pregnancy": _pregnancy(records.pregnancy, examined),
        "passport_expires": max((p.expires_on for p in passports), default=None),
    }


def _pregnancy(answer, examined):
    """Weeks and days are brought from the day they were stated to the day of the examination."""
    if answer is None or not answer.pregnant:
        return None if answer is None else {"pregnant": False}
    weeks, days = answer.gestation_on(examined) or (None, None)
    return {
        "pregnant": True,
        "weeks": weeks,
        "days": days,
        "edd": answer.due_on,
        "film_choice": answer.film_choice or None,
    }


def _history(history):
    if history is None:
        return {}
    return {
        "known_hiv": history.known_hiv,
        "tb_signs": history.tb_signs,
        "tb_history": history.tb_history,
        "tb_contacts": history.tb_contacts,
        "risks": None if history.risks is None else sorted(set(history.risks)),
        "vaccinations": history.vaccinations,
        "polio_area_stay_days": history.polio_area_stay_days,
    }


def _findings(records):
    exam, history = records.exam, records.history
    agreed = [c for c in records.consents if c.purpose == Consent.Purpose.EXAMINATION and c.withdrawn_on is None]
    recognised = records.checks and records.checks[-1].confirmed
    return {
        "physical_exam": None if exam is None else {"conditions": exam.conditions},
        "clinician_review": None if exam is None else {"date": exam.held_on},
        "symptom_screen": None if history is None else {"date": history.taken_on},
        "identity": {"date": records.checks[-1].day} if recognised else None,
        "consent": {"date": agreed[-1].given_on} if agreed else None,
        "chest_xray": [_film(film) for film in records.films] or None,
        **_measured(records.vitals),
        **laboratory.findings(records.orders, records.local_day),
    }


def _film(film):
    return {
        "date": film.taken_on,
        "findings": None if film.findings is None else sorted(set(film.findings)),
        "shielded": film.shielded,
        "consent": film.consent,
        "effusion_excluded_by": film.effusion_excluded_by or None,
    }


def _measured(vitals):
    """The newest measurement of each kind; a second blood pressure does not make the weight unknown."""

    def newest(name):
        return next((v for row in reversed(vitals) if (v := getattr(row, name)) is not None), None)

    if not vitals:
        return {}
    weight, height, arm = newest("weight_kg"), newest("height_cm"), newest("muac_mm")
    bmi = (weight * 10000 / height**2).quantize(Decimal("0.0001")) if weight and height else None
    # Outside what the contract takes as a body mass index a measurement is wrong; the form warns about it.
    bmi = bmi if bmi is not None and 5 <= bmi <= 90 else None
    return {
        "vitals": {"weight_kg": weight, "height_cm": height, "spo2_percent": newest("spo2_percent")},
        "nutrition": {"muac_mm": arm, "bmi_kg_m2": bmi} if arm is not None or bmi is not None else None,
    }


def _travel(records, signed):
    plan = records.travel
    if plan is None:
        return None
    zone = ZoneInfo(records.screening.clinic.timezone)
    if isinstance(signed, datetime.datetime):
        signed = timezone.localtime(signed, zone).replace(microsecond=0)
    return {
        "departure": timezone.localtime(plan.departure, zone).replace(microsecond=0),
        "pec_signed": signed,
        "arrival": plan.arrival_on,
        "mode": plan.mode,
        "from": plan.from_country,
        "needs": sorted(set(plan.needs)),
    }


def _decisions(judgements):
    standing = [judgement for judgement in judgements if judgement.withdrawn_at is None]
    return [
        {
            "code": judgement.code,
            "item": judgement.item or None,
            "age": judgement.age,
            "grade": judgement.grade or None,
            "reason": judgement.reason,
        }
        for judgement in standing
    ] or None
