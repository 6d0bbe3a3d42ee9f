"""The values at the ends of each range are taken; what lies outside is among the refusals."""

import pytest

from .made import EXAMINED, answered

PREGNANT = {"sex": "female", "born": "1995-05-10"}


@pytest.mark.parametrize(
    ("key", "finding"),
    [
        *(("hba1c", {"drawn": EXAMINED, "ngsp_percent": value}) for value in (3, 20)),
        *(("blood_count", {"drawn": EXAMINED, "haemoglobin_g_dl": value}) for value in (1, 25)),
        *(("creatinine", {"drawn": EXAMINED, "mg_dl": value}) for value in (0.1, 30)),
        ("creatinine", {"drawn": EXAMINED, "egfr_reported": 0}),
        *(("vitals", {"weight_kg": value}) for value in (0.3, 350)),
        *(("vitals", {"height_cm": value}) for value in (20, 250)),
        *(("vitals", {"spo2_percent": value}) for value in (50, 100)),
        *(("nutrition", {"muac_mm": value}) for value in (50, 600)),
        *(("nutrition", {"bmi_kg_m2": value}) for value in (5, 90)),
        *(("tst", [{"date": EXAMINED, "mm": value}]) for value in (0, 60)),
        ("igra", [{"date": EXAMINED, "nil_iu_ml": 0, "tb1_iu_ml": 0, "tb2_iu_ml": 0, "mitogen_iu_ml": 0}]),
        ("igra", [{"date": EXAMINED, "tspot": {"nil": 0, "panel_a": 0, "panel_b": 0, "control": 0}}]),
    ],
)
def test_the_ends_of_a_measurement_are_taken(key, finding):
    answered(findings={key: finding})


@pytest.mark.parametrize(
    "pregnancy",
    [{"weeks": 0}, {"weeks": 44}, {"weeks": 20, "days": 0}, {"weeks": 20, "days": 6}, {"fetuses": 1}, {"fetuses": 6}],
)
def test_the_ends_of_a_pregnancy_are_taken(pregnancy):
    answered(**PREGNANT, person={"pregnancy": {"pregnant": True, **pregnancy}})


@pytest.mark.parametrize("changes", [{"tb_incidence_per_100k": 0}, {"tb_incidence_per_100k": 2000}, {"id": "x" * 64}])
def test_the_ends_of_a_record_are_taken(changes):
    answered(**changes)


@pytest.mark.parametrize("criteria", [0, 11])
def test_the_ends_of_the_criteria_are_taken(criteria):
    use = {"code": "substance_use", "substance": "opium", "controlled": True, "enough_information": True}
    condition = use | {"dsm_criteria": criteria, "harmful_behaviour": "none"}
    answered(findings={"physical_exam": {"conditions": [condition]}})
