"""The slip of a booking: in three languages, with bars that are read, and for nobody else's family."""

import subprocess

import pytest
from django.urls import reverse

from mhac.appointments import services
from mhac.appointments.models import Companion
from mhac.clinics.calendar import solar_hijri
from mhac.patients.models import Patient
from tests.appointments.conftest import make_family, open_days, slot_on


@pytest.fixture
def booked(kabul, cast):
    """Two people at eight and one at nine o'clock of the next open day."""
    day = open_days(kabul, after=1)[0]
    case = make_family(kabul, cast.rec, size=3)
    people = list(case.screenings.order_by("pk"))
    parts = [
        (slot_on(kabul, day, cast.rec, capacity=2), people[:2]),
        (slot_on(kabul, day, cast.rec, hour=9), people[2:]),
    ]
    Companion.objects.create(case=case, name="Mahram Namuna", relation="mahram", added_by=cast.rec)
    return services.book_together(case, parts, by=cast.rec)


def text_of(pdf):
    return subprocess.run(
        ["pdftotext", "-layout", "-", "-"], input=pdf, capture_output=True, check=True
    ).stdout.decode()


def test_the_slip_of_a_family_in_each_language(booked, cast, as_user):
    address, clerk = reverse("desk:slip", args=[booked[0].pk]), as_user(cast.rec)
    case = booked[0].screening.case
    year = solar_hijri(booked[0].slot.day).split()[-1]
    for language in ("en", "fa-af", "ps"):
        Patient.objects.update(language=language)
        answer = clerk.get(address)
        assert answer.headers["Content-Type"] == "application/pdf"
        words = text_of(answer.content)
        assert words.count("\f") == 1 and case.number in words and "08:00" in words and "09:00" in words
        assert year in words and "Mahram Namuna" in words
        if language == "en":
            assert (
                "Please bring" in words and "Test2" in words and "Canada" not in words and "xray" not in words.lower()
            )
    each = text_of(clerk.get(address, {"each": "1"}).content)
    assert each.count("\f") == 3
    assert as_user(cast.herat_rec).get(address).status_code == 404
    assert as_user(cast.lab).get(address).status_code == 403
