from datetime import date, datetime

import pytest

from mhac.protocols import fit_to_travel

from .made import EXAMINED, answered


def travelling(departure=EXAMINED, **changes):
    travel = {"departure": departure, "mode": "air"} | changes.pop("travel", {})
    return answered("returnee-avrr", travel=travel, **changes)["fit_to_travel"]


def mother(departure=EXAMINED, mode="air", **pregnancy):
    person = {"pregnancy": {"pregnant": True, **pregnancy}}
    return travelling(departure, sex="female", person=person, travel={"mode": mode})


LETTER = ["pregnancy_letter"]


@pytest.mark.parametrize(
    ("changes", "category", "conditions"),
    [
        ({"weeks": 27, "days": 6}, "F1", []),
        ({"weeks": 28, "days": 0}, "F2", LETTER),
        ({"weeks": 28}, "F2", LETTER),
        ({"weeks": 27, "departure": "2026-11-27"}, "F1", []),
        ({"weeks": 27, "departure": "2026-11-28"}, "F2", LETTER),
        ({"weeks": 27, "days": 6, "departure": "2026-11-22"}, "F2", LETTER),
        ({"weeks": 35, "days": 6}, "F2", LETTER),
        ({"weeks": 36, "days": 0}, "F4", LETTER),
        ({"weeks": 31, "days": 6, "fetuses": 2}, "F2", LETTER),
        ({"weeks": 32, "days": 0, "fetuses": 2}, "F4", LETTER),
        ({"weeks": 32, "days": 0, "fetuses": 1}, "F2", LETTER),
        ({"weeks": 40, "mode": "land"}, "F1", []),
        ({"weeks": 36, "mode": None}, "F4", LETTER),
        ({"edd": "2026-12-20"}, "F2", LETTER),
        ({"edd": "2026-12-19"}, "F4", LETTER),
        ({"edd": "2027-02-13"}, "F2", LETTER),
        ({"edd": "2027-02-14"}, "F1", []),
        ({}, "F2", LETTER),
        ({"fetuses": 3}, "F2", LETTER),
    ],
)
def test_pregnant_travellers(changes, category, conditions):
    found = mother(**changes)
    assert (found["category"], found["conditions"]) == (category, conditions)
    twins = changes.get("fetuses") == 2 and category == "F4"
    named = {"FTT-CAT"} | ({"FTT-01"} if conditions else set()) | ({"FTT-02"} if twins else set())
    assert set(found["rules"]) == named


@pytest.mark.parametrize(
    ("born_at", "departure", "category", "conditions"),
    [
        ("2026-11-19T16:00:00+04:30", "2026-11-21T15:59:59+04:30", "F4", []),
        ("2026-11-19T16:00:00+04:30", "2026-11-21T16:00:00+04:30", "F2", ["medical_clearance"]),
        ("2026-11-19T16:00:00+04:30", "2026-11-26T15:59:59+04:30", "F2", ["medical_clearance"]),
        ("2026-11-19T16:00:00+04:30", "2026-11-26T16:00:00+04:30", "F1", []),
        ("2026-11-19T16:00:00+04:30", "2026-11-21T11:30:00Z", "F2", ["medical_clearance"]),
        (None, "2026-11-21T23:00:00+04:30", "F4", []),
        ("2026-11-19T16:00:00+04:30", "2026-11-21", "F4", []),
        (None, "2026-11-22", "F2", ["medical_clearance"]),
        (None, "2026-11-26", "F2", ["medical_clearance"]),
        (None, "2026-11-27", "F1", []),
    ],
)
def test_newborn_travellers(born_at, departure, category, conditions):
    found = travelling(departure, born="2026-11-19", person={"born_at": born_at})
    assert (found["category"], found["conditions"]) == (category, conditions)
    assert found["rules"] == (["FTT-CAT"] if category == "F1" else ["FTT-03", "FTT-CAT"])


@pytest.mark.parametrize(
    ("condition", "fit"),
    [
        ({"code": "infectious_disease", "disease": "measles", "infectious": True}, False),
        ({"code": "infectious_disease", "disease": "measles", "infectious": False}, True),
        ({"code": "myocardial_infarction", "date": "2026-11-19", "risk": "low"}, False),
        ({"code": "myocardial_infarction", "date": "2026-11-18", "risk": "low"}, True),
        ({"code": "myocardial_infarction", "date": "2026-11-12", "risk": "moderate"}, False),
        ({"code": "myocardial_infarction", "date": "2026-11-11", "risk": "moderate"}, True),
        ({"code": "abdominal_surgery", "date": "2026-11-12"}, False),
        ({"code": "abdominal_surgery", "date": "2026-11-11"}, True),
        ({"code": "thoracic_surgery", "date": "2026-11-12"}, False),
        ({"code": "thoracic_surgery", "date": "2026-11-11"}, True),
        ({"code": "pneumothorax", "resolved": False}, False),
        ({"code": "pneumothorax", "resolved": True}, True),
        ({"code": "psychosis", "controlled": False}, False),
        ({"code": "psychosis", "controlled": True}, True),
        ({"code": "heart_failure", "controlled": False}, False),
        ({"code": "heart_failure", "controlled": True}, True),
        ({"code": "unstable_angina"}, False),
        ({"code": "genital_ulcer"}, True),
    ],
)
def test_conditions_of_travellers(condition, fit):
    found = travelling(findings={"physical_exam": {"conditions": [condition]}})
    assert found["category"] == ("F1" if fit else "F4")
    rule = "FTT-04" if condition["code"] == "infectious_disease" else "FTT-05"
    assert found["rules"] == (["FTT-CAT"] if fit else sorted([rule, "FTT-CAT"]))


@pytest.mark.parametrize(
    ("findings", "category", "conditions"),
    [
        ({"blood_count": {"drawn": EXAMINED, "haemoglobin_g_dl": 7.4, "acute_anaemia": True}}, "F4", []),
        (
            {"blood_count": {"drawn": EXAMINED, "haemoglobin_g_dl": 7.5, "acute_anaemia": True}},
            "F2",
            ["oxygen_or_transfusion_review"],
        ),
        ({"blood_count": {"drawn": EXAMINED, "haemoglobin_g_dl": 8.5, "acute_anaemia": True}}, "F1", []),
        ({"blood_count": {"drawn": EXAMINED, "haemoglobin_g_dl": 7.0}}, "F1", []),
        ({"blood_count": {"drawn": EXAMINED, "acute_anaemia": True}}, "F1", []),
        ({"vitals": {"spo2_percent": 92}}, "F2", ["oxygen_assessment"]),
        ({"vitals": {"spo2_percent": 92.1}}, "F1", []),
    ],
)
def test_measurements_of_travellers(findings, category, conditions):
    found = travelling(findings=findings)
    assert (found["category"], found["conditions"]) == (category, conditions)
    rule = "FTT-07" if "vitals" in findings else "FTT-06"
    assert found["rules"] == sorted({"FTT-CAT"} | ({rule} if category != "F1" else set()))


@pytest.mark.parametrize(
    ("needs", "category"),
    [
        ([], "F1"),
        (["extra_seat"], "F2"),
        (["escort_operational"], "F3"),
        (["escort_operational", "escort_nurse"], "F3N"),
        (["escort_nurse", "escort_doctor"], "F3D"),
        (["escort_doctor", "stretcher"], "F5"),
    ],
)
def test_needs_of_travellers(needs, category):
    found = travelling(travel={"needs": needs})
    assert (found["category"], found["conditions"]) == (category, sorted(needs))
    unfit = travelling(
        travel={"needs": needs}, findings={"physical_exam": {"conditions": [{"code": "unstable_angina"}]}}
    )
    assert unfit["category"] == "F4"


def test_no_departure_no_fitness():
    assert "fit_to_travel" not in answered("returnee-avrr")


@pytest.mark.parametrize(
    ("signed", "departure", "expired"),
    [
        ("2026-11-21T09:00:00+04:30", "2026-11-24T09:00:00+04:30", False),
        ("2026-11-21T09:00:00+04:30", "2026-11-24T09:00:01+04:30", True),
        ("2026-11-21T09:00:00+04:30", "2026-11-24T04:30:00+00:00", False),
        ("2026-11-21", "2026-11-24T23:00:00+04:30", False),
        ("2026-11-21T01:00:00+04:30", "2026-11-24", False),
        ("2026-11-21", "2026-11-25", True),
        (None, "2026-11-25", False),
    ],
)
def test_the_check_before_departure_expires(signed, departure, expired):
    given = answered("returnee-avrr", travel={"departure": departure, "pec_signed": signed})
    assert ("fit_to_travel_expired" in given["warnings"]) is expired
    assert not fit_to_travel.check_expired(datetime.fromisoformat("2026-11-21T09:00:00+04:30"), None)
    assert not fit_to_travel.check_expired(None, date(2026, 11, 21))
