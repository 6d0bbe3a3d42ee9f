import pytest

from .made import answered


@pytest.mark.parametrize(
    ("born", "changes", "category", "rule"),
    [
        ("2026-05-22", {}, "refer_infant", "NUT-1"),
        ("2026-05-21", {}, None, "NUT-1"),
        ("2024-05-10", {"muac_mm": 114.9}, "sam", "NUT-1"),
        ("2024-05-10", {"muac_mm": 115}, "mam", "NUT-1"),
        ("2024-05-10", {"muac_mm": 124.9}, "mam", "NUT-1"),
        ("2024-05-10", {"muac_mm": 125}, "adequate", "NUT-1"),
        ("2024-05-10", {"whz": -3.01}, "sam", "NUT-1"),
        ("2024-05-10", {"whz": -3}, "mam", "NUT-1"),
        ("2024-05-10", {"whz": -2.01}, "mam", "NUT-1"),
        ("2024-05-10", {"whz": -2}, "adequate", "NUT-1"),
        ("2024-05-10", {"muac_mm": 130, "whz": -3.5}, "sam", "NUT-1"),
        ("2024-05-10", {"muac_mm": 120, "whz": 0}, "mam", "NUT-1"),
        ("2024-05-10", {"bilateral_oedema": True}, "sam", "NUT-1"),
        ("2024-05-10", {"bilateral_oedema": False}, None, "NUT-1"),
        ("2021-11-22", {"muac_mm": 130}, "adequate", "NUT-1"),
        ("2021-11-21", {"muac_mm": 130}, None, "NUT-2"),
        ("2016-05-10", {"bmi_z": -3.01}, "severe", "NUT-2"),
        ("2016-05-10", {"bmi_z": -3}, "moderate", "NUT-2"),
        ("2016-05-10", {"bmi_z": -2.01}, "moderate", "NUT-2"),
        ("2016-05-10", {"bmi_z": -2}, "adequate", "NUT-2"),
        ("2006-11-22", {"bmi_kg_m2": 15}, None, "NUT-2"),
        ("2006-11-21", {"bmi_kg_m2": 15.9}, "severe", "NUT-3"),
        ("2006-11-21", {"bmi_kg_m2": 16}, "moderate", "NUT-3"),
        ("2006-11-21", {"bmi_kg_m2": 18.4}, "moderate", "NUT-3"),
        ("2006-11-21", {"bmi_kg_m2": 18.5}, "adequate", "NUT-3"),
        ("1996-05-10", {"lactating": True, "muac_mm": 229}, "at_risk", "NUT-4"),
        ("1996-05-10", {"lactating": True, "muac_mm": 230}, "adequate", "NUT-4"),
        ("1996-05-10", {"lactating": True}, None, "NUT-4"),
        ("1996-05-10", {"lactating": False, "bmi_kg_m2": 20}, "adequate", "NUT-3"),
    ],
)
def test_nutrition(born, changes, category, rule):
    given = answered("border-arrival", born=born, sex="female", findings={"nutrition": changes})
    assert given["nutrition"] == {"category": category, "rules": [rule]}


def test_nutrition_in_pregnancy():
    pregnant = {"pregnancy": {"pregnant": True}}
    given = answered("border-arrival", sex="female", person=pregnant, findings={"nutrition": {"muac_mm": 229}})
    assert given["nutrition"] == {"category": "at_risk", "rules": ["NUT-4"]}
