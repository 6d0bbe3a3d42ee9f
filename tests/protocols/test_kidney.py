from decimal import Decimal

import pytest

from mhac.protocols import hba1c, kidney

from .made import EXAMINED, answered


@pytest.mark.parametrize(
    ("mg_dl", "age", "sex", "value"),
    [
        ("1.0", 18, "male", 112),
        ("3.0", 40, "male", 26),
        ("2.6", 50, "male", 29),
        ("0.7", 30, "female", 119),
        ("0.6", 30, "female", 124),
        ("0.9", 50, "male", 104),
    ],
)
def test_ckd_epi(mg_dl, age, sex, value):
    assert kidney.ckd_epi_2021(Decimal(mg_dl), age, sex) == value


@pytest.mark.parametrize(
    ("found", "changes", "value"),
    [
        ({"mg_dl": 1.0}, {"born": "2009-05-10", "findings": {"vitals": {"height_cm": 170}}}, 70),
        ({"mg_dl": 1.0}, {"born": "2008-11-22", "findings": {"vitals": {"height_cm": 170}}}, 70),
        ({"mg_dl": 1.0}, {"born": "2008-11-21", "findings": {"vitals": {"height_cm": 170}}}, 112),
        ({"mg_dl": 1.0}, {"born": "2009-05-10"}, None),
        ({"mg_dl": 1.0}, {"sex": "unknown"}, None),
        ({"mg_dl": 3.0, "egfr_reported": ">90"}, {}, 91),
        ({"egfr_reported": 97.5}, {}, 98),
        ({"egfr_reported": 97.4}, {}, 97),
        ({}, {}, None),
        ({"mg_dl": 0.6}, {"sex": "female", "person": {"pregnancy": {"pregnant": True}}}, "incomplete"),
    ],
)
def test_egfr(found, changes, value):
    findings = {"creatinine": {"drawn": EXAMINED, **found}} | changes.pop("findings", {})
    given = answered("nz-residence", findings=findings, **changes)
    assert given["computed"].get("egfr_ml_min_173m2") == value


def test_egfr_of_an_uncertain_age_uses_the_youngest():
    person = {"born_between": ["2008-01-01", "2009-12-31"], "birth_precision": "year"}
    findings = {"creatinine": {"drawn": EXAMINED, "mg_dl": 1.0}, "vitals": {"height_cm": 170}}
    assert answered("nz-residence", person=person, findings=findings)["computed"]["egfr_ml_min_173m2"] == 70


@pytest.mark.parametrize(("percent", "value"), [("9.4", 79), ("9.5", 80), ("9.6", 81), ("7.0", 53), ("5.7", 39)])
def test_hba1c(percent, value):
    assert hba1c.mmol_mol(Decimal(percent)) == value
