"""Who leaves Afghanistan after a long stay needs a written polio dose; one on record settles the item."""

import datetime

import pytest
from django.utils import timezone

from mhac.decisions import ledger
from mhac.exams.models import MedicalHistory
from mhac.screenings.models import TravelPlan
from tests.exams.conftest import make_screening


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("doses", "state"),
    [
        (None, "due"),
        ([{"vaccine": "opv", "date": -40, "written": True}], "done"),
        ([{"vaccine": "opv", "date": -40, "written": False}], "due"),
        ([{"vaccine": "ipv", "date": -400, "written": True}], "due"),
    ],
)
def test_a_dose_on_record_settles_the_item(kabul, cast, doses, state):
    screening = make_screening(kabul, cast.rec, programme="ca")
    today = kabul.today()
    TravelPlan.objects.create(
        screening=screening, departure=timezone.now() + datetime.timedelta(days=3), recorded_by=cast.rec
    )
    for dose in doses or []:
        dose["date"] = (today + datetime.timedelta(days=dose["date"])).isoformat()
    MedicalHistory.objects.create(
        screening=screening, taken_on=today, polio_area_stay_days=400, vaccinations=doses, by=cast.cli
    )
    found = ledger.of(screening, on=today)
    assert found.answer["items"]["polio_dose"]["state"] == state
