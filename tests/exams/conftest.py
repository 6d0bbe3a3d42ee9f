"""Invented people in front of the examination rooms."""

import datetime
import itertools

import pytest

from mhac.exams.models import Pregnancy
from mhac.patients.models import IdentityCheck, Patient
from mhac.screenings.models import Case, Screening
from mhac.screenings.programmes import programmes

_numbers = itertools.count(1)


def years_before(day, years, extra_days=0):
    """The birthday of somebody who on `day` is `years` old, `extra_days` days before the birthday if negative."""
    born = datetime.date(day.year - years, day.month, min(day.day, 28))
    return born - datetime.timedelta(days=extra_days)


def make_screening(clinic, by, *, programme="ca", sex="male", years=30, **fields):
    """An open screening of one invented person of that age today."""
    mark, today = next(_numbers), clinic.today()
    born = fields.pop("born", None) or years_before(today, years)
    patient = Patient.objects.create(
        number=f"{clinic.code}P{mark:07d}",
        clinic=clinic,
        given_name="Sample",
        family_name=f"Namuna {mark}",
        sex=sex,
        born_earliest=fields.pop("born_earliest", born),
        born_latest=born,
    )
    case = Case.objects.create(
        number=f"{clinic.code}C{mark:06d}", clinic=clinic, programme=programme, contact_name="Namuna", created_by=by
    )
    return Screening.objects.create(
        case=case,
        patient=patient,
        clinic=clinic,
        programme=programme,
        edition=programmes().edition(programme, today).key,
        opened_on=today,
        **fields,
    )


def sign(screening):
    screening.state = Screening.State.SIGNED
    screening.save()


def compare_face(screening, by, station="radiology", day=None, confirmed=True):
    return IdentityCheck.objects.create(
        patient=screening.patient,
        clinic=screening.clinic,
        station=station,
        day=day or screening.clinic.today(),
        confirmed=confirmed,
        by=by,
    )


def say_pregnant(screening, by, pregnant=False, days_ago=0, **details):
    asked = screening.clinic.today() - datetime.timedelta(days=days_ago)
    return Pregnancy.objects.create(screening=screening, pregnant=pregnant, asked_on=asked, by=by, **details)


@pytest.fixture
def man(kabul, cast):
    return make_screening(kabul, cast.rec)


@pytest.fixture
def woman(kabul, cast):
    return make_screening(kabul, cast.rec, sex="female", years=28)


@pytest.fixture
def baby(kabul, cast):
    return make_screening(kabul, cast.rec, sex="female", years=1)


@pytest.fixture
def stranger(herat, cast):
    """Somebody of another site."""
    return make_screening(herat, cast.herat_rec)
