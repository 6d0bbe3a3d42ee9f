"""Invented families, and days on which a site is open."""

import datetime
import itertools

import pytest

from mhac.appointments.models import Slot, at
from mhac.patients.models import Patient
from mhac.screenings.models import Case, Screening
from mhac.screenings.programmes import programmes

_numbers = itertools.count(1)


def make_family(clinic, by, size=1, programme="ca", **person):
    """A case of `size` invented people with open screenings."""
    mark = next(_numbers)
    edition = programmes().edition(programme, clinic.today())
    case = Case.objects.create(
        number=f"{clinic.code}C{mark:06d}",
        clinic=clinic,
        programme=programme,
        contact_name=f"Namuna {mark}",
        created_by=by,
    )
    for place in range(size):
        born = person.get("born", datetime.date(1990, 5, 14))
        patient = Patient.objects.create(
            number=f"{clinic.code}P{mark:05d}{place:02d}",
            clinic=clinic,
            given_name=f"Test{place}",
            family_name=f"Namuna {mark}",
            sex=person.get("sex", "male"),
            born_earliest=born,
            born_latest=born,
        )
        Screening.objects.create(
            case=case,
            patient=patient,
            clinic=clinic,
            programme=programme,
            edition=edition.key,
            opened_on=clinic.today(),
        )
    return case


def open_days(clinic, count=1, after=0):
    """The next `count` days on which the site is open, from `after` days after today."""
    days = (clinic.today() + datetime.timedelta(days=n) for n in itertools.count(after))
    return list(itertools.islice((day for day in days if clinic.is_open_on(day)), count))


def slot_on(clinic, day, by, capacity=4, hour=8):
    return Slot.objects.create(
        clinic=clinic, starts_at=at(clinic, day, datetime.time(hour)), capacity=capacity, opened_by=by
    )


@pytest.fixture
def family(kabul, cast):
    """Three people of one case at Kabul."""
    return make_family(kabul, cast.rec, size=3)


@pytest.fixture
def slot(kabul, cast):
    """Four seats on the next open day at Kabul."""
    return slot_on(kabul, open_days(kabul, after=1)[0], cast.rec)


@pytest.fixture
def slot_today(kabul, cast):
    """Four seats today at Kabul, whatever day of the week it is."""
    return slot_on(kabul, kabul.today(), cast.rec)
