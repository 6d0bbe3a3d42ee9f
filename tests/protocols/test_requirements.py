"""Each row of the programmes' tables, with an age or a fact on both sides of every limit."""

import pytest

from .made import CONTACT, answered

SIGNS = {"tb_signs": [{"code": "fever"}]}
US = {"history", "physical_exam"}
SEXUAL = {"findings": {"physical_exam": {"conditions": [{"code": "urethral_discharge"}]}}}


def born(age, days_short=0):
    """Turning this age on the day of examination, or that many days later."""
    return f"{2026 - age}-11-{21 + days_short:02d}"


def required(programme, birth, **changes):
    return set(answered(programme, born=birth, **changes)["required"])


@pytest.mark.parametrize(
    ("birth", "items"),
    [
        (born(2, 1), set()),
        (born(2), {"tb_test"}),
        (born(15, 1), {"tb_test"}),
        (born(15), {"chest_xray"}),
        (born(18, 1), {"chest_xray"}),
        (born(18), {"chest_xray", "syphilis", "gonorrhoea"}),
        (born(25, 1), {"chest_xray", "syphilis", "gonorrhoea"}),
        (born(25), {"chest_xray", "syphilis"}),
        (born(45, 1), {"chest_xray", "syphilis"}),
        (born(45), {"chest_xray"}),
    ],
)
def test_united_states_by_age(birth, items):
    assert required("us-refugee", birth) == US | items
    assert required("us-iv", birth) == US | items | {"vaccination"}


@pytest.mark.parametrize(
    ("birth", "history", "items"),
    [
        (born(2, 1), SIGNS, {"tb_test", "chest_xray", "sputum"}),
        (born(15, 1), SIGNS, {"tb_test", "chest_xray", "sputum"}),
        (born(15), SIGNS, {"chest_xray", "sputum"}),
        (born(1), {"known_hiv": True}, {"tb_test", "chest_xray", "sputum"}),
        (born(1), {"tb_contacts": [CONTACT]}, {"tb_test"}),
        (born(60), {"tb_contacts": [CONTACT]}, {"tb_test", "chest_xray"}),
        (born(1), {"tb_history": [{"year": 2025, "treated_by": "elsewhere"}]}, {"chest_xray"}),
    ],
)
def test_united_states_by_history(birth, history, items):
    assert required("us-refugee", birth, history=history) == US | items


@pytest.mark.parametrize(("birth", "items"), [(born(3), set()), (born(17), {"chest_xray"}), (born(70), {"chest_xray"})])
def test_suspicion_brings_both_tests_at_any_age(birth, items):
    findings = SEXUAL["findings"] | {"igra": [{"date": "2026-11-21", "result": "negative"}]}
    asked = required("us-refugee", birth, findings=findings)
    assert {"syphilis", "gonorrhoea"} <= asked
    assert items <= asked


@pytest.mark.parametrize(("incidence", "asked"), [("19.9", False), (19, False), (20, True), (185, True), (None, False)])
def test_low_incidence(incidence, asked):
    given = answered(born=born(5), tb_incidence_per_100k=float(incidence) if incidence is not None else None)
    assert ("tb_test" in given["required"]) is asked
    assert given["unknown"] == ([] if incidence is not None else ["tb_incidence_per_100k"])


@pytest.mark.parametrize(
    ("examined", "age", "syphilis", "gonorrhoea"),
    [
        ("2021-08-31", 14, False, False),
        ("2021-08-31", 15, True, True),
        ("2021-08-31", 70, True, True),
        ("2021-09-01", 17, False, True),
        ("2021-09-01", 44, True, True),
        ("2021-09-02", 45, False, True),
        ("2021-09-03", 17, False, False),
        ("2021-09-03", 24, True, True),
        ("2021-09-03", 25, True, False),
        ("1999-05-05", 16, True, True),
    ],
)
def test_united_states_by_edition(examined, age, syphilis, gonorrhoea):
    birth = f"{int(examined[:4]) - age}{examined[4:]}"
    asked = required("us-refugee", birth, examined=examined)
    assert ("syphilis" in asked, "gonorrhoea" in asked) == (syphilis, gonorrhoea)


@pytest.mark.parametrize(
    ("birth", "items"),
    [
        (born(5, 1), set()),
        (born(5), {"urinalysis"}),
        (born(11, 1), {"urinalysis"}),
        (born(11), {"urinalysis", "chest_xray"}),
        (born(15, 1), {"urinalysis", "chest_xray"}),
        (born(15), {"urinalysis", "chest_xray", "syphilis", "hiv", "creatinine"}),
    ],
)
def test_canada_by_age(birth, items):
    assert required("ca", birth) == US | items


@pytest.mark.parametrize(
    ("changes", "items"),
    [
        ({"history": {"risks": ["mother_hiv"]}}, {"hiv"}),
        ({"history": {"risks": ["blood_products"]}}, {"hiv"}),
        ({"person": {"adopted": True}}, {"hiv"}),
        ({"person": {"adopted": False, "unaccompanied_minor": True}}, set()),
        ({"history": SIGNS}, {"chest_xray"}),
        ({"history": {"tb_contacts": [CONTACT]}}, {"chest_xray", "tb_test"}),
        ({"history": {"tb_history": [{"year": 2025, "treated_by": "untreated"}]}}, {"chest_xray"}),
        ({"history": {"known_hiv": True}}, {"tb_test"}),
        ({"history": {"risks": ["transplant"]}}, {"tb_test"}),
        ({"history": {"risks": ["dialysis"]}}, {"tb_test"}),
        ({"history": {"risks": ["head_neck_cancer"]}}, {"tb_test"}),
        ({"history": {"risks": ["immunodeficiency", "health_care_work"]}}, set()),
    ],
)
def test_canada_by_history(changes, items):
    assert required("ca", born(4), **changes) == US | items


@pytest.mark.parametrize(("examined", "asked"), [("2019-12-31", False), ("2020-01-01", True)])
def test_canada_asks_for_creatinine_since_2020(examined, asked):
    assert ("creatinine" in required("ca", "1980-05-10", examined=examined)) is asked


def test_canada_proposes_sputum_and_a_later_film():
    film = {"chest_xray": [{"date": "2026-11-21", "findings": ["fibrosis"]}]}
    given = answered("ca", findings=film)
    assert given["proposed"] == ["chest_xray_repeat", "sputum"]
    requested = answered("ca", findings=film, requested=["sputum"])
    assert requested["proposed"] == ["chest_xray_repeat"]
    assert requested["items"]["sputum"]["rules"] == ["CA-09", "REQ-1"]
    ordered = answered("ca", findings=film, decisions=[{"code": "order", "item": "sputum", "reason": "cavity"}])
    assert ordered["items"]["sputum"]["rules"] == ["CA-09", "DEC-1"]
    assert ordered["items"]["sputum"]["verified"] is False


@pytest.mark.parametrize(
    ("programme", "birth", "items"),
    [
        ("au-permanent", born(2, 1), set()),
        ("au-permanent", born(2), {"tb_test"}),
        ("au-permanent", born(11, 1), {"tb_test"}),
        ("au-permanent", born(11), {"chest_xray"}),
        ("au-permanent", born(15, 1), {"chest_xray"}),
        ("au-permanent", born(15), {"chest_xray", "hiv", "hepatitis_b"}),
        ("au-humanitarian", born(15, 1), {"chest_xray"}),
        ("au-humanitarian", born(15), {"chest_xray", "hiv", "hepatitis_b", "hepatitis_c", "syphilis"}),
    ],
)
def test_australia_by_age(programme, birth, items):
    assert required(programme, birth, history={"polio_area_stay_days": 27}) == US | items


@pytest.mark.parametrize(
    ("birth", "person", "items"),
    [
        (born(18, 1), {"unaccompanied_minor": True}, {"chest_xray", "hiv", "hepatitis_b"}),
        (born(3), {"adopted": True}, {"tb_test", "hiv", "hepatitis_b"}),
        (born(3), {"adopted": False, "unaccompanied_minor": False}, {"tb_test"}),
    ],
)
def test_australian_minors_alone(birth, person, items):
    asked = required("au-permanent", birth, person=person, history={"polio_area_stay_days": 0})
    assert asked == US | items


@pytest.mark.parametrize(("stay", "asked"), [(27, False), (28, True)])
def test_australia_wants_polio_evidence(stay, asked):
    assert ("polio_evidence" in required("au-permanent", born(5), history={"polio_area_stay_days": stay})) is asked


@pytest.mark.parametrize(
    ("dose", "state"),
    [
        (None, "due"),
        ({"vaccine": "opv", "date": "2020-01-01", "written": True}, "done"),
        ({"vaccine": "ipv", "date": "2020-01-01", "written": False}, "due"),
        ({"vaccine": "mmr", "date": "2020-01-01", "written": True}, "due"),
    ],
)
def test_polio_evidence_is_written(dose, state):
    history = {"polio_area_stay_days": 900, "vaccinations": [dose] if dose else []}
    item = answered("au-permanent", born=born(8), history=history)["items"]["polio_evidence"]
    assert (item["state"], item.get("reason")) == (state, "not_documented" if state == "due" else None)


@pytest.mark.parametrize(("examined", "asked"), [("2024-06-30", False), ("2024-07-01", True)])
def test_australian_hepatitis_b_by_edition(examined, asked):
    history = {"polio_area_stay_days": 0}
    assert ("hepatitis_b" in required("au-permanent", "1990-05-10", examined=examined, history=history)) is asked
    assert "hepatitis_b" in required("au-humanitarian", "1990-05-10", examined=examined, history=history)


@pytest.mark.parametrize(("destination", "asked"), [(True, True), (False, False), (None, False)])
def test_to_give_birth_in_australia(destination, asked):
    pregnancy = {"pregnant": True, "birth_in_destination": destination}
    given = answered("au-permanent", born="2012-12-10", sex="female", person={"pregnancy": pregnancy})
    assert ("hepatitis_b" in given["required"]) is asked


@pytest.mark.parametrize(("birth", "asked"), [(born(15, 1), False), (born(15), True)])
def test_australian_health_workers(birth, asked):
    history = {"risks": ["health_care_work"], "polio_area_stay_days": 0}
    assert ("hepatitis_c" in required("au-permanent", birth, history=history)) is asked


@pytest.mark.parametrize(
    ("birth", "items"),
    [
        (born(5, 1), set()),
        (born(5), {"urinalysis"}),
        (born(11, 1), {"urinalysis"}),
        (born(11), {"urinalysis", "chest_xray"}),
        (born(15, 1), {"urinalysis", "chest_xray"}),
        (
            born(15),
            {"urinalysis", "chest_xray", "blood_count", "hiv", "hepatitis_b", "hepatitis_c", "syphilis"}
            | {"creatinine", "hba1c"},
        ),
    ],
)
def test_new_zealand_by_age(birth, items):
    assert required("nz-residence", birth) == US | items


@pytest.mark.parametrize(
    ("findings", "report", "asked"),
    [
        ({"hba1c": {"drawn": "2026-11-21", "ngsp_percent": 9.5}}, "endocrinologist_report", False),
        ({"hba1c": {"drawn": "2026-11-21", "ngsp_percent": 9.6}}, "endocrinologist_report", True),
        ({"creatinine": {"drawn": "2026-11-21", "egfr_reported": 29.5}}, "nephrologist_report", False),
        ({"creatinine": {"drawn": "2026-11-21", "egfr_reported": 29.4}}, "nephrologist_report", True),
    ],
)
def test_new_zealand_asks_for_a_report(findings, report, asked):
    given = answered("nz-residence", findings=findings)
    assert (report in given["required"]) is asked
    if asked:
        assert given["items"][report]["state"] == "due"
        name = report.removesuffix("_report")
        done = answered("nz-residence", findings=findings | {"reports": [name]})
        assert done["items"][report]["state"] == "done"


@pytest.mark.parametrize(
    ("birth", "history", "items"),
    [
        (born(11, 1), {}, {"clinician_review"}),
        (born(11), {}, {"chest_xray"}),
        (born(11, 1), SIGNS, {"clinician_review", "tb_investigation"}),
        (born(11, 1), {"tb_contacts": [CONTACT]}, {"clinician_review", "tb_investigation"}),
        (
            born(11, 1),
            {"tb_history": [{"year": 2020, "treated_by": "elsewhere"}]},
            {"clinician_review", "tb_investigation"},
        ),
        (born(11), SIGNS, {"chest_xray", "sputum"}),
        (born(11), {"tb_contacts": [CONTACT]}, {"chest_xray"}),
    ],
)
def test_british_clearance_by_age(birth, history, items):
    assert required("uk-tb", birth, history=history) == {"identity", "consent", "symptom_screen"} | items


@pytest.mark.parametrize("age", [5, 30])
def test_british_clearance_wants_sputum_after_a_suggestive_film(age):
    film = {"chest_xray": [{"date": "2026-11-21", "findings": ["cavity"]}]}
    given = answered("uk-tb", born=born(age), findings=film)
    assert given["items"]["sputum"]["rules"] == ["UK-TB-04"]


@pytest.mark.parametrize(
    ("examined", "age", "more", "less"),
    [
        ("2025-03-26", 5, {"urinalysis"}, {"chest_xray", "gmhat"}),
        ("2025-03-27", 5, set(), {"urinalysis", "chest_xray", "gmhat"}),
        ("2025-03-27", 11, {"chest_xray"}, {"gmhat", "urinalysis"}),
        ("2025-03-27", 17, {"chest_xray"}, {"gmhat"}),
        ("2025-03-27", 18, {"chest_xray", "gmhat"}, {"urinalysis"}),
    ],
)
def test_british_resettlement(examined, age, more, less):
    asked = required("uk-resettlement", f"{int(examined[:4]) - age}{examined[4:]}", examined=examined)
    universal = US | {"hiv", "hepatitis_b", "hepatitis_c", "syphilis", "vaccination"}
    assert universal | more <= asked
    assert not less & asked


@pytest.mark.parametrize(
    ("history", "asked"),
    [
        ({}, False),
        (SIGNS, True),
        ({"tb_signs": [{"code": "cough", "days": 13}]}, False),
        ({"tb_signs": [{"code": "cough", "days": 14}]}, True),
        ({"tb_signs": [{"code": "cough", "days": 3}, {"code": "haemoptysis"}]}, True),
        ({"tb_contacts": [CONTACT]}, True),
        ({"tb_history": [{"year": 2001, "treated_by": "elsewhere"}]}, True),
    ],
)
@pytest.mark.parametrize("programme", ["border-arrival", "returnee-avrr"])
def test_presumptive_tuberculosis(programme, history, asked):
    given = answered(programme, history=history)
    assert ("xpert" in given["required"]) is asked
    assert given["outcome"]["remarks"] == (["presumptive_tb"] if asked else [])


def test_extrapulmonary_tuberculosis_is_a_sign():
    exam = {"physical_exam": {"conditions": [{"code": "extrapulmonary_tb", "site": "spine"}]}}
    assert {"chest_xray", "sputum", "tb_test"} <= required("us-refugee", born(5), findings=exam)
    assert "chest_xray" in required("ca", born(5), findings=exam)


@pytest.mark.parametrize(
    ("programme", "questions"),
    [
        ("ca", ["known_hiv", "risks", "tb_contacts", "tb_history", "tb_signs"]),
        ("returnee-avrr", ["tb_contacts", "tb_history", "tb_signs"]),
        ("border-arrival", ["tb_contacts", "tb_history", "tb_signs"]),
        ("uk-tb", ["tb_contacts", "tb_history", "tb_signs"]),
        ("uk-resettlement", ["known_hiv", "risks", "tb_contacts", "tb_history", "tb_signs"]),
    ],
)
def test_the_screening_questions(programme, questions):
    unasked = dict.fromkeys(["known_hiv", "tb_signs", "tb_history", "tb_contacts", "risks"])
    given = answered(programme, history=unasked, findings={"symptom_screen": {"date": "2026-11-21"}})
    assert given["unknown"] == [f"history.{question}" for question in questions]
    item = "symptom_screen" if programme in ("uk-tb", "border-arrival") else "history"
    assert given["items"][item] | {"rules": 0, "source": 0} == {
        "state": "due",
        "reason": "unanswered",
        "rules": 0,
        "source": 0,
        "verified": given["items"][item]["verified"],
    }


@pytest.mark.parametrize(
    ("programme", "birth", "travel", "needed"),
    [
        ("us-iv", born(18, 1), None, False),
        ("us-iv", born(18), None, True),
        ("us-refugee", born(40), None, False),
        ("au-permanent", born(1), None, True),
        ("ca", born(1), {"departure": "2026-12-01", "from": "AFG"}, True),
        ("ca", born(1), {"departure": "2026-12-01", "from": "IRN"}, False),
        ("ca", born(1), {"from": "AFG"}, False),
        ("ca", born(1), {"departure": "2026-12-01"}, False),
    ],
)
def test_the_stay_in_afghanistan_must_be_stated(programme, birth, travel, needed):
    given = answered(programme, born=birth, travel=travel)
    assert ("history.polio_area_stay_days" in given["unknown"]) is needed


@pytest.mark.parametrize(
    ("item", "findings", "state", "reason"),
    [
        ("hiv", {}, "due", None),
        ("hiv", {"hiv": {"drawn": "2026-11-21"}}, "pending", "result_awaited"),
        ("hiv", {"hiv": {"drawn": "2026-11-21", "result": "indeterminate"}}, "due", "repeat"),
        ("hiv", {"hiv": {"drawn": "2026-11-21", "result": "reactive"}}, "done", None),
        ("hepatitis_c", {"hepatitis_c": {"drawn": "2026-11-21", "result": "indeterminate"}}, "due", "repeat"),
        ("xpert", {"xpert": {"date": "2026-11-21", "result": "invalid"}}, "due", "repeat"),
        ("xpert", {"xpert": {"date": "2026-11-21", "result": "trace"}}, "done", None),
        ("urinalysis", {"urinalysis": {"date": "2026-11-21"}}, "pending", "result_awaited"),
        ("urinalysis", {"urinalysis": {"date": "2026-11-21", "result": "abnormal"}}, "done", None),
        ("creatinine", {"creatinine": {"drawn": "2026-11-21"}}, "pending", "result_awaited"),
        ("creatinine", {"creatinine": {"drawn": "2026-11-21", "mg_dl": 1}}, "done", None),
        ("creatinine", {"creatinine": {"drawn": "2026-11-21", "egfr_reported": ">90"}}, "done", None),
        ("hba1c", {"hba1c": {"drawn": "2026-11-21"}}, "pending", "result_awaited"),
        ("blood_count", {"blood_count": {"drawn": "2026-11-21", "acute_anaemia": True}}, "pending", "result_awaited"),
        ("blood_count", {"blood_count": {"drawn": "2026-11-21", "haemoglobin_g_dl": 12}}, "done", None),
        ("identity", {"identity": {"date": "2026-11-21"}}, "done", None),
        ("gmhat", {}, "due", None),
        ("vaccination", {"vaccination": {"date": "2026-11-21"}}, "done", None),
        ("symptom_screen", {"symptom_screen": {"date": "2026-11-21"}}, "done", None),
        ("mental_reassessment", {}, "due", None),
        ("nephrologist_report", {"reports": ["endocrinologist"]}, "due", None),
    ],
)
def test_an_item_that_the_partner_requests(item, findings, state, reason):
    given = answered("ca", born="2022-05-10", requested=[item], findings=findings)
    found = given["items"][item]
    assert (found["state"], found.get("reason"), found["rules"]) == (state, reason, ["REQ-1"])
    assert found["verified"] is False
    assert found["source"]
    assert item in given["required"]


def test_an_examination_not_recorded_is_due():
    given = answered("ca", findings={"physical_exam": None})
    assert given["items"]["physical_exam"]["state"] == "due"
