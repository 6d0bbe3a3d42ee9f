"""Refusals of the contract, section 4: one fault, its path, a sentence; and beside each the record that passes."""

import pytest

from mhac.protocols.rehearsal import answer

from .made import EXAMINED, FILM, PROGRAMMES, SYPHILIS, record, refused, specimens


def put(made, path, value):
    """The record with the value at a path like `findings.sputum[0].smear`; DROP takes the key away."""
    *steps, last = path.replace("[", ".#").replace("]", "").split(".")
    for step in steps:
        made = made[int(step[1:])] if step.startswith("#") else made.setdefault(step, {})
    if value is DROP:
        made.pop(last)
    else:
        made[int(last[1:]) if last.startswith("#") else last] = value


DROP = object()
CONDITION = "findings.physical_exam.conditions[0]"
BASE = {
    "history": {
        "tb_signs": [{"code": "cough", "days": 3}],
        "tb_history": [{"year": 2011, "treated_by": "elsewhere", "completed": True}],
        "tb_contacts": [
            {"source_name": "Gul Bibi", "relationship": "aunt", "tb_type": "pulmonary", "last_contact": "2026-01-01"}
        ],
        "risks": ["dialysis"],
        "prior_tb_test": {"kind": "tst", "result": "negative", "date": "2020-01-01", "written": True},
        "vaccinations": [{"vaccine": "mmr", "date": "2001-01-01", "written": True}],
        "polio_area_stay_days": 9,
    },
    "findings": {
        "physical_exam": {
            "conditions": [
                {
                    "code": "substance_use",
                    "substance": "opium",
                    "controlled": True,
                    "enough_information": True,
                    "dsm_criteria": 3,
                    "harmful_behaviour": "none",
                }
            ]
        },
        "chest_xray": [{**FILM, "findings": ["cavity"], "shielded": True, "consent": True}],
        "igra": [{"date": EXAMINED, "nil_iu_ml": 0.1, "tb1_iu_ml": 0.1, "tb2_iu_ml": 0.1, "mitogen_iu_ml": 9}],
        "tst": [{"date": EXAMINED, "mm": 3}],
        "sputum": specimens(dst={"isoniazid": "S"}, rifampicin="not_detected"),
        "tb_treatment": {
            "by": "panel_site",
            "dot_complete": True,
            "started": "2026-01-01",
            "end_cultures": [{"reported": "2026-10-10", "result": "negative"}],
        },
        "xpert": {"date": EXAMINED, "result": "trace"},
        "syphilis": SYPHILIS | {"treatment": {"date": EXAMINED, "regimen": "penicillin", "adequate": True}},
        "gonorrhoea": {"collected": EXAMINED, "naat": "detected", "treated": False},
        "hiv": {"drawn": EXAMINED, "result": "nonreactive"},
        "urinalysis": {"date": EXAMINED, "result": "normal"},
        "blood_count": {"drawn": EXAMINED, "haemoglobin_g_dl": 12.5, "acute_anaemia": False},
        "creatinine": {"drawn": EXAMINED, "mg_dl": 1.1, "egfr_reported": ">90"},
        "hba1c": {"drawn": EXAMINED, "ngsp_percent": 5},
        "identity": {"date": EXAMINED},
        "reports": ["nephrologist"],
        "vaccination": {"date": EXAMINED, "given": ["mmr"], "refused": ["hib"], "waived": {"polio": "not_available"}},
        "vitals": {"weight_kg": 60, "height_cm": 170, "spo2_percent": 97},
        "nutrition": {"muac_mm": 250, "whz": -1, "bmi_kg_m2": 21, "lactating": False},
    },
    "travel": {
        "departure": "2026-12-20",
        "pec_signed": "2026-12-19T09:00:00+04:30",
        "from": "AFG",
        "needs": ["oxygen"],
    },
    "requested": ["sputum"],
    "decisions": [
        {"code": "order", "item": "hiv", "reason": "wish"},
        {"code": "use_age", "age": 50, "reason": "teeth"},
    ],
    "applied": "2026-01-01",
    "signed_off": "2026-12-01",
}


def full():
    return record("us-iv", **BASE)


def test_the_full_record_passes():
    assert "error" not in answer(full(), PROGRAMMES)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        # unknown keys, at every level
        ("colour", "blue"),
        ("person.name", "Ahmad"),
        ("person.pregnancy.months", 3),
        ("history.smoker", True),
        ("history.tb_signs[0].colour", 1),
        ("history.tb_contacts[0].age", 1),
        ("findings.mri", []),
        ("findings.vitals.pulse", 70),
        ("findings.sputum[0].colour", "green"),
        ("findings.sputum[0].dst.aspirin", "S"),
        ("findings.vaccination.waived.bcg", "not_available"),
        (f"{CONDITION}.site", "node"),
        ("travel.airline", "x"),
        ("decisions[0].age", 5),
        # missing mandatory keys
        ("id", DROP),
        ("programme", DROP),
        ("examined", DROP),
        ("person", DROP),
        ("person.born", DROP),
        ("person.sex", DROP),
        ("history.tb_signs[0].code", DROP),
        ("history.tb_signs[0].days", DROP),
        ("history.tb_history[0].year", DROP),
        ("history.tb_history[0].treated_by", DROP),
        ("history.prior_tb_test.written", DROP),
        ("history.vaccinations[0].date", DROP),
        ("findings.physical_exam.conditions", DROP),
        (f"{CONDITION}.code", DROP),
        (f"{CONDITION}.controlled", DROP),
        (f"{CONDITION}.enough_information", DROP),
        (f"{CONDITION}.dsm_criteria", DROP),
        (f"{CONDITION}.harmful_behaviour", DROP),
        ("findings.chest_xray[0].date", DROP),
        ("findings.igra[0].date", DROP),
        ("findings.sputum[0].collected", DROP),
        ("findings.sputum[1].culture_reported", DROP),
        ("findings.tb_treatment.by", DROP),
        ("findings.tb_treatment.dot_complete", DROP),
        ("findings.tb_treatment.end_cultures[0].result", DROP),
        ("findings.xpert.date", DROP),
        ("findings.syphilis.drawn", DROP),
        ("findings.syphilis.laboratory", DROP),
        ("findings.syphilis.nontreponemal.specimen", DROP),
        ("findings.syphilis.treponemal[0].method", DROP),
        ("findings.syphilis.treatment.adequate", DROP),
        ("findings.gonorrhoea.collected", DROP),
        ("findings.hiv.drawn", DROP),
        ("findings.identity.date", DROP),
        ("findings.vaccination.date", DROP),
        ("decisions[0].reason", DROP),
        ("decisions[0].item", DROP),
        ("decisions[1].age", DROP),
        # wrong types
        ("id", 7),
        ("person", "Ahmad"),
        ("history", []),
        ("findings", "none"),
        ("history.known_hiv", "no"),
        ("history.known_hiv", 0),
        ("history.tb_signs", "cough"),
        ("history.tb_signs[0]", "cough"),
        ("history.tb_signs[0].days", 3.5),
        ("history.tb_signs[0].days", True),
        ("history.tb_signs[0].days", -1),
        ("history.tb_history[0].completed", "yes"),
        ("history.polio_area_stay_days", "many"),
        ("findings.chest_xray", {"date": EXAMINED}),
        ("findings.chest_xray[0].findings", "cavity"),
        ("findings.creatinine.mg_dl", "1.1"),
        ("findings.creatinine.mg_dl", True),
        ("findings.igra[0].tspot", 5),
        ("findings.syphilis.treponemal", {"specimen": "S1"}),
        ("findings.nutrition.whz", "low"),
        ("requested", "sputum"),
        ("decisions", {}),
        ("travel.needs", "oxygen"),
        ("tb_incidence_per_100k", "185"),
        ("decisions[0].reason", 5),
        ("requested[0]", None),
        # outside the vocabulary
        ("programme", "us"),
        ("person.sex", "M"),
        ("person.birth_precision", "decade"),
        ("person.birth_source", "neighbour"),
        ("history.risks[0]", "smoking"),
        ("history.tb_signs[0].code", "headache"),
        ("history.tb_history[0].treated_by", "home"),
        ("history.vaccinations[0].vaccine", "polio"),
        ("findings.chest_xray[0].findings[0]", "shadow"),
        ("findings.sputum[0].smear", "4+"),
        ("findings.sputum[0].molecular", "positive"),
        ("findings.sputum[0].culture", "positive"),
        ("findings.sputum[0].dst.isoniazid", "resistant"),
        ("findings.syphilis.treponemal[0].method", "tpab"),
        ("findings.hiv.result", "positive"),
        ("findings.urinalysis.result", "reactive"),
        ("findings.creatinine.egfr_reported", ">60"),
        ("findings.vaccination.given[0]", "opv"),
        ("findings.vaccination.waived.polio", "dislike"),
        (f"{CONDITION}.code", "flu"),
        (f"{CONDITION}.harmful_behaviour", "maybe"),
        ("travel.from", "AF"),
        ("travel.from", "ZZZ"),
        ("travel.needs[0]", "wine"),
        ("decisions[0].code", "sleep"),
        ("decisions[0].item", "mri"),
        ("requested[0]", "mri"),
        # outside the range
        ("id", ""),
        ("id", "x" * 65),
        ("tb_incidence_per_100k", 2001),
        ("tb_incidence_per_100k", -1),
        ("findings.tst[0].mm", 61),
        ("findings.tst[0].mm", -1),
        ("findings.igra[0].nil_iu_ml", -0.1),
        ("findings.blood_count.haemoglobin_g_dl", 0.9),
        ("findings.blood_count.haemoglobin_g_dl", 25.1),
        ("findings.creatinine.mg_dl", 0.09),
        ("findings.creatinine.mg_dl", 30.1),
        ("findings.creatinine.egfr_reported", -1),
        ("findings.hba1c.ngsp_percent", 2.9),
        ("findings.hba1c.ngsp_percent", 20.1),
        ("findings.vitals.weight_kg", 0.2),
        ("findings.vitals.weight_kg", 351),
        ("findings.vitals.height_cm", 19),
        ("findings.vitals.height_cm", 251),
        ("findings.vitals.spo2_percent", 49),
        ("findings.vitals.spo2_percent", 101),
        ("findings.nutrition.muac_mm", 49.9),
        ("findings.nutrition.muac_mm", 601),
        ("findings.nutrition.bmi_kg_m2", 4.9),
        ("findings.nutrition.bmi_kg_m2", 91),
        (f"{CONDITION}.dsm_criteria", 12),
        (f"{CONDITION}.substance", " "),
        ("decisions[0].reason", ""),
        # no such day
        ("examined", "2026-02-30"),
        ("examined", "20261121"),
        ("examined", "2026-W47-6"),
        ("examined", "2026-11-21T00:00:00+00:00"),
        ("person.born", "01.01.1990"),
        ("travel.departure", "2026-12-20T10:00:00"),
        ("travel.departure", "2026-12-20T25:00:00+04:30"),
        ("travel.departure", "soon"),
        ("travel.arrival", "2026-12-20T10:00:00+04:30"),
        # values that cannot be true together
        ("person.born", "2026-11-22"),
        ("person.born", "1906-11-20"),
        ("person.born_at", "1976-05-11T00:10:00+04:30"),
        ("findings.sputum[0].culture_reported", "2026-11-21"),
        ("history.vaccinations[0].date", "1976-05-09"),
        ("history.prior_tb_test.date", "1976-05-09"),
        ("findings.chest_xray[0].date", "1976-05-09"),
        ("findings.igra[0].date", "1976-05-09"),
        ("findings.tst[0].date", "1976-05-09"),
        ("findings.sputum[0].collected", "1976-05-09"),
        ("findings.syphilis.drawn", "1976-05-09"),
        ("findings.gonorrhoea.collected", "1976-05-09"),
        ("findings.hiv.drawn", "1976-05-09"),
        ("findings.urinalysis.date", "1976-05-09"),
        ("findings.blood_count.drawn", "1976-05-09"),
        ("findings.creatinine.drawn", "1976-05-09"),
        ("findings.hba1c.drawn", "1976-05-09"),
        ("findings.xpert.date", "1976-05-09"),
        ("findings.vaccination.date", "1976-05-09"),
    ],
)
def test_a_fault_is_refused_at_its_path(path, value):
    made = full()
    if path == "person.pregnancy.months":
        made["person"]["pregnancy"] = {"pregnant": False}
    put(made, path, value)
    found, message = refused(made)
    assert found == path
    assert message.endswith((".", ".'"))
    assert len(message) > 20


@pytest.mark.parametrize(
    ("path", "value"),
    [
        ("person.born", EXAMINED),
        ("person.born", "1906-11-21"),
        ("person.born_at", "1976-05-10T23:59:00+04:30"),
        ("findings.sputum[0].culture_reported", "2026-11-22"),
        ("history.vaccinations[0].date", "1976-05-10"),
        ("history.vaccinations[0].date", "2027-05-10"),
        ("findings.tst[0].mm", 60),
        ("findings.tst[0].mm", 0),
        ("findings.vitals.spo2_percent", 50),
        ("findings.nutrition.muac_mm", 50),
        ("findings.creatinine.mg_dl", 30),
        ("findings.creatinine.mg_dl", 0.1),
        ("id", "x" * 64),
        ("history.tb_signs[0].days", 14.0),
        ("history.polio_area_stay_days", None),
        ("findings.hiv", None),
        ("travel.departure", "2026-12-20T10:00:00Z"),
        ("travel.departure", "2026-12-20T10:00+04:30"),
        ("decisions[0]", {"code": "grade", "grade": "B", "comment": "x"}),
        ("requested", []),
    ],
)
def test_the_other_side_of_the_limit_passes(path, value):
    made = full()
    if value == EXAMINED or path == "person.born":
        made["history"]["vaccinations"] = made["findings"]["sputum"] = []
        made["history"]["prior_tb_test"] = None
    put(made, path, value)
    assert "error" not in answer(made, PROGRAMMES)


@pytest.mark.parametrize(
    ("person", "path"),
    [
        (
            {"born_between": ["1990-01-01", "1990-12-31"], "birth_precision": "year", "born": "1990-05-05"},
            "person.born_between",
        ),
        (
            {"born": None, "born_between": ["1990-12-31", "1990-01-01"], "birth_precision": "year"},
            "person.born_between",
        ),
        ({"born": None, "born_between": ["1990-01-01"], "birth_precision": "year"}, "person.born_between"),
        (
            {"born": None, "born_between": ["1990-01-01", "2026-11-22"], "birth_precision": "year"},
            "person.born_between",
        ),
        (
            {"born": None, "born_between": ["1900-01-01", "1906-11-20"], "birth_precision": "year"},
            "person.born_between",
        ),
        ({"born": None, "born_between": ["1990-01-01", "1990-12-31"]}, "person.birth_precision"),
        ({"born": None}, "person.born"),
        ({"pregnancy": {"pregnant": True}}, "person.pregnancy.pregnant"),
        ({"pregnancy": {}}, "person.pregnancy.pregnant"),
        ({"pregnancy": {"pregnant": False, "weeks": 45}}, "person.pregnancy.weeks"),
        ({"pregnancy": {"pregnant": False, "weeks": 20.5}}, "person.pregnancy.weeks"),
        ({"pregnancy": {"pregnant": False, "days": 7}}, "person.pregnancy.days"),
        ({"pregnancy": {"pregnant": False, "fetuses": 7}}, "person.pregnancy.fetuses"),
        ({"pregnancy": {"pregnant": False, "fetuses": 0}}, "person.pregnancy.fetuses"),
        ({"pregnancy": {"pregnant": False, "film_choice": "none"}}, "person.pregnancy.film_choice"),
    ],
)
def test_faults_of_a_birth_or_pregnancy(person, path):
    made = record()
    made["person"] |= person
    made["person"] = {key: value for key, value in made["person"].items() if value is not None}
    assert refused(made)[0] == path


@pytest.mark.parametrize(
    "person",
    [
        {"born_between": ["1990-01-01", "1990-12-31"], "birth_precision": "year"},
        {"born_between": ["1990-01-01", "1990-01-01"], "birth_precision": "day"},
        {"born_between": ["2026-11-01", EXAMINED], "birth_precision": "month"},
        {"pregnancy": {"pregnant": False, "weeks": 44, "days": 6, "fetuses": 6}},
    ],
)
def test_births_that_pass(person):
    assert "error" not in answer(record(person=person), PROGRAMMES)


@pytest.mark.parametrize(
    ("igra", "path"),
    [
        ({"result": "negative", "nil_iu_ml": 0.1, "tb1_iu_ml": 0.1, "tb2_iu_ml": 0.1, "mitogen_iu_ml": 9}, ""),
        ({"result": "negative", "nil_iu_ml": 0.1}, ""),
        ({"result": "negative", "tspot": {"nil": 1, "panel_a": 1, "panel_b": 1, "control": 30}}, ""),
        ({"nil_iu_ml": 1, "tspot": {"nil": 1, "panel_a": 1, "panel_b": 1, "control": 30}}, ""),
        ({"nil_iu_ml": 0.1, "tb1_iu_ml": 0.1, "tb2_iu_ml": 0.1}, ""),
        ({"mitogen_iu_ml": 0.1}, ""),
        ({"tspot": {"nil": 1, "panel_a": 1, "panel_b": 1}}, ".tspot.control"),
        ({"result": "maybe"}, ".result"),
    ],
)
def test_faults_of_an_igra(igra, path):
    assert refused(record(findings={"igra": [{"date": EXAMINED, **igra}]}))[0] == f"findings.igra[0]{path}"


@pytest.mark.parametrize(
    ("condition", "key"),
    [
        ({"code": "extrapulmonary_tb"}, "site"),
        ({"code": "hansens", "type": "multibacillary"}, "days_on_treatment"),
        ({"code": "hansens", "type": "x", "days_on_treatment": 1}, "type"),
        ({"code": "mental_disorder"}, "enough_information"),
        ({"code": "mental_disorder", "enough_information": True, "harmful_behaviour": "none"}, "dsm_diagnosis"),
        ({"code": "mental_disorder", "enough_information": True, "dsm_diagnosis": True}, "harmful_behaviour"),
        ({"code": "mental_disorder", "enough_information": False, "class_a_before": True}, "last_harm"),
        (
            {
                "code": "substance_use",
                "substance": "opium",
                "controlled": True,
                "enough_information": False,
                "class_a_before": True,
            },
            "last_criterion",
        ),
        ({"code": "myocardial_infarction", "date": EXAMINED, "risk": "high"}, "risk"),
        ({"code": "abdominal_surgery"}, "date"),
        ({"code": "other", "text": "wart"}, "significant"),
        ({"code": "heart_failure"}, "controlled"),
        ({"code": "pneumothorax", "resolved": "yes"}, "resolved"),
        ({"code": "infectious_disease", "disease": "measles"}, "infectious"),
        ({"code": "genital_ulcer", "site": "x"}, "site"),
    ],
)
def test_faults_of_a_condition(condition, key):
    made = record(findings={"physical_exam": {"conditions": [condition]}})
    assert refused(made)[0] == f"{CONDITION}.{key}"


def test_the_programmes_of_a_clinic_are_known_when_they_are_given():
    path, message = refused(record() | {"programme": "xx-visa"})
    assert path == "programme"
    assert "us-iv" in message


@pytest.mark.parametrize(("examined", "born"), [("1899-12-31", "1890-01-01")])
def test_a_day_before_every_edition_is_refused(examined, born):
    made = record("ca", born=born) | {"examined": examined}
    assert refused(made)[0] == "examined"
