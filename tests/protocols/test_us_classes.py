"""Classes of the United States: tuberculosis, syphilis, gonorrhoea, Hansen's disease, mental health."""

import pytest

from .made import CONTACT, EXAMINED, FILM, GONORRHOEA, SYPHILIS, answered, specimens

SCAR = [{**FILM, "findings": ["fibrosis"]}]
MTB = [{**each, "culture": "mtb", "dst": {"isoniazid": "S", "rifampicin": "S"}} for each in specimens()]
TREATED = {
    "by": "panel_site",
    "dot_complete": True,
    "end_evaluation": "2027-09-15",
    "end_film": "improved",
    "end_cultures": [{"reported": "2027-09-14", "result": "negative"}] * 2,
}


def outcome(**changes):
    return answered(**changes)["outcome"]


def decided(code):
    return [{"code": code, "reason": "reviewed"}]


@pytest.mark.parametrize(
    ("change", "classes"),
    [
        ({}, ["tb_b0"]),
        ({"by": "elsewhere"}, ["tb_a"]),
        ({"dot_complete": False}, ["tb_a"]),
        ({"end_evaluation": None}, ["tb_a"]),
        ({"end_film": "worse"}, ["tb_a"]),
        ({"end_film": "stable"}, ["tb_b0"]),
        ({"end_film": None}, ["tb_b0"]),
        ({"end_cultures": TREATED["end_cultures"][:1]}, ["tb_a"]),
        ({"end_cultures": [{"reported": "2027-09-14", "result": r} for r in ("negative", "ntm")]}, ["tb_a"]),
        ({"end_cultures": None}, ["tb_a"]),
    ],
)
def test_treated_by_the_panel_site(change, classes):
    found = outcome(findings={"chest_xray": SCAR, "sputum": MTB, "tb_treatment": TREATED | change})
    assert found["classes"] == classes
    assert found["state"] == ("cleared" if classes == ["tb_b0"] else "not_cleared")


def test_treatment_does_not_clear_while_an_item_is_open():
    sputum = [{key: value for key, value in each.items() if key != "dst"} for each in MTB]
    found = outcome(findings={"chest_xray": SCAR, "sputum": sputum, "tb_treatment": TREATED})
    assert (found["state"], found["classes"]) == ("incomplete", [])


@pytest.mark.parametrize(
    ("changes", "state", "classes", "options"),
    [
        ({"findings": {"chest_xray": [FILM]}}, "cleared", ["tb_none"], []),
        ({"findings": {}}, "incomplete", [], []),
        ({"findings": {"chest_xray": SCAR}}, "incomplete", [], []),
        ({"findings": {"chest_xray": SCAR, "sputum": specimens()}}, "cleared", ["tb_b1_pulmonary"], []),
        ({"findings": {}, "decisions": decided("tb_disease")}, "not_cleared", ["tb_a"], []),
        ({"findings": {"chest_xray": [FILM]}, "decisions": decided("no_tb_disease")}, "cleared", ["tb_none"], []),
        (
            {"findings": {"chest_xray": SCAR, "sputum": specimens(smear="scanty")}},
            "physician_decision",
            [],
            ["tb_a", "tb_b1_pulmonary"],
        ),
        (
            {"findings": {"chest_xray": SCAR, "sputum": specimens(molecular="very_low")}},
            "physician_decision",
            [],
            ["tb_a", "tb_b1_pulmonary"],
        ),
        (
            {"findings": {"chest_xray": SCAR, "sputum": specimens(culture="ntm")}},
            "physician_decision",
            [],
            ["tb_b1_pulmonary"],
        ),
        (
            {"findings": {"chest_xray": SCAR, "sputum": specimens(culture="ntm", smear="1+")}},
            "physician_decision",
            [],
            ["tb_a", "tb_b1_pulmonary"],
        ),
        (
            {
                "findings": {"chest_xray": SCAR, "sputum": specimens(culture="ntm", smear="1+")},
                "decisions": decided("no_tb_disease"),
            },
            "cleared",
            ["tb_b1_pulmonary"],
            [],
        ),
        (
            {
                "findings": {"chest_xray": SCAR, "sputum": specimens(smear="1+")},
                "decisions": decided("tb_disease"),
            },
            "not_cleared",
            ["tb_a"],
            [],
        ),
        (
            {"findings": {"chest_xray": SCAR, "sputum": MTB}, "decisions": decided("no_tb_disease")},
            "not_cleared",
            ["tb_a"],
            [],
        ),
        (
            {
                "findings": {"chest_xray": [FILM]},
                "history": {"tb_history": [{"year": 2011, "treated_by": "elsewhere"}]},
            },
            "physician_decision",
            [],
            ["tb_b1_pulmonary", "tb_none"],
        ),
    ],
)
def test_tuberculosis(changes, state, classes, options):
    found = outcome(**changes)
    assert (found["state"], found["classes"], found["options"]) == (state, classes, options)


@pytest.mark.parametrize(
    ("film", "state", "classes", "options"),
    [
        (FILM, "cleared", ["tb_b1_extrapulmonary"], []),
        (SCAR[0], "physician_decision", [], ["tb_b1_extrapulmonary", "tb_b1_pulmonary"]),
    ],
)
def test_extrapulmonary(film, state, classes, options):
    exam = {"conditions": [{"code": "extrapulmonary_tb", "site": "cervical node"}]}
    found = outcome(findings={"physical_exam": exam, "chest_xray": [film], "sputum": specimens()})
    assert (found["state"], found["classes"], found["options"]) == (state, classes, options)


@pytest.mark.parametrize(
    ("result", "contacts", "film", "classes", "remarks"),
    [
        ("negative", [], None, ["tb_none"], []),
        ("positive", [], FILM, ["tb_b2"], []),
        ("negative", [CONTACT], None, ["tb_b3"], []),
        ("positive", [CONTACT], FILM, ["tb_b2", "tb_b3"], []),
        ("positive", [CONTACT], SCAR[0], ["tb_b1_pulmonary"], ["tb_contact"]),
        ("positive", [], SCAR[0], ["tb_b1_pulmonary"], []),
    ],
)
def test_infection_and_contact(result, contacts, film, classes, remarks):
    findings = {"igra": [{"date": EXAMINED, "result": result}]}
    if film is not None:
        findings |= {"chest_xray": [film], "sputum": specimens()}
    found = outcome(born="2018-05-10", history={"tb_contacts": contacts}, findings=findings)
    assert (found["state"], found["classes"], found["remarks"]) == ("cleared", classes, remarks)


@pytest.mark.parametrize("missing", ["source_name", "relationship", "tb_type", None])
def test_details_of_a_contact(missing):
    contact = {key: value for key, value in CONTACT.items() if key != missing}
    given = answered(history={"tb_contacts": [CONTACT, contact]})
    assert ("contact_details_missing" in given["warnings"]) is (missing is not None)
    elsewhere = answered("ca", history={"tb_contacts": [contact]})
    assert "contact_details_missing" not in elsewhere["warnings"]


def young(**findings):
    """Of 30: syphilis is required, gonorrhoea is not."""
    return answered(born="1996-05-10", findings={"chest_xray": [FILM], "syphilis": SYPHILIS} | findings)


def serology(nontreponemal, *treponemal, **changes):
    made = {"drawn": EXAMINED, "laboratory": "own", "treponemal": []}
    if nontreponemal:
        made["nontreponemal"] = {"specimen": "S1", "result": None if nontreponemal == "?" else nontreponemal}
    for method, result in treponemal:
        made["treponemal"].append({"specimen": "S1", "method": method, "result": None if result == "?" else result})
    return made | changes


ADEQUATE = {"date": EXAMINED, "regimen": "benzathine benzylpenicillin", "adequate": True}


@pytest.mark.parametrize(
    ("found", "state", "reason", "outcome_state", "classes"),
    [
        (None, "due", None, "incomplete", []),
        (serology("nonreactive", ("tppa", "nonreactive")), "done", None, "cleared", ["tb_none"]),
        (serology("reactive", ("tppa", "nonreactive")), "done", None, "cleared", ["tb_none"]),
        (serology("reactive", ("tppa", "reactive")), "done", None, "not_cleared", ["syphilis_a"]),
        (
            serology("reactive", ("tppa", "reactive"), treatment=ADEQUATE),
            "done",
            None,
            "cleared",
            ["syphilis_b", "tb_none"],
        ),
        (
            serology("reactive", ("tppa", "reactive"), treatment=ADEQUATE | {"adequate": False}),
            "done",
            None,
            "not_cleared",
            ["syphilis_a"],
        ),
        (serology("nonreactive", ("tppa", "reactive")), "due", "second_treponemal", "incomplete", []),
        (
            serology("nonreactive", ("eia", "reactive"), ("eia", "reactive")),
            "due",
            "second_treponemal",
            "incomplete",
            [],
        ),
        (serology("nonreactive", ("eia", "reactive"), ("tppa", "?")), "pending", "result_awaited", "incomplete", []),
        (serology("nonreactive", ("eia", "reactive"), ("tppa", "reactive")), "done", None, "physician_decision", []),
        (serology("nonreactive", ("eia", "reactive"), ("tpha", "nonreactive")), "done", None, "cleared", ["tb_none"]),
        (serology("nonreactive"), "pending", "result_awaited", "incomplete", []),
        (serology(None, ("tppa", "reactive")), "pending", "result_awaited", "incomplete", []),
        (serology("?", ("tppa", "reactive")), "pending", "result_awaited", "incomplete", []),
        (serology("reactive", ("tppa", "?")), "pending", "result_awaited", "incomplete", []),
    ],
)
def test_syphilis(found, state, reason, outcome_state, classes):
    given = young(syphilis=found)
    item = given["items"]["syphilis"]
    assert (item["state"], item.get("reason")) == (state, reason)
    assert (given["outcome"]["state"], given["outcome"]["classes"]) == (outcome_state, classes)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"laboratory": "outside"}, "outside_result"),
        ({"drawn": "2026-11-20"}, "outside_result"),
        ({"drawn": "2026-11-22"}, None),
        ({"treponemal": [{"specimen": "S2", "method": "tppa", "result": "nonreactive"}]}, "different_specimens"),
        ({"treponemal": [{"specimen": "S2", "method": "tppa"}]}, "different_specimens"),
    ],
)
def test_syphilis_results_that_do_not_count(change, reason):
    given = young(syphilis=SYPHILIS | change)
    assert given["items"]["syphilis"].get("reason") == reason
    assert (reason in given["warnings"]) is (reason is not None)


@pytest.mark.parametrize(
    ("found", "state"),
    [
        (None, "due"),
        ({"drawn": "2026-11-01", "laboratory": "outside"}, "pending"),
        (serology("nonreactive", drawn="2026-11-01"), "done"),
        (serology(None, ("rdt", "reactive")), "done"),
        (serology("?", ("rdt", "?")), "pending"),
    ],
)
def test_syphilis_elsewhere_is_done_when_any_result_is_there(found, state):
    given = answered("ca", findings={"syphilis": found})
    assert given["items"]["syphilis"]["state"] == state
    assert given["warnings"] == []


@pytest.mark.parametrize(
    ("found", "state", "reason", "bar"),
    [
        (None, "due", None, None),
        ({"collected": EXAMINED}, "pending", "result_awaited", None),
        (GONORRHOEA | {"naat": "invalid"}, "due", "repeat", None),
        (GONORRHOEA, "done", None, None),
        (GONORRHOEA | {"naat": "detected"}, "done", None, "gonorrhoea_a"),
        (GONORRHOEA | {"naat": "detected", "treated": False}, "done", None, "gonorrhoea_a"),
        (GONORRHOEA | {"naat": "detected", "treated": True}, "done", None, "gonorrhoea_b"),
    ],
)
def test_gonorrhoea(found, state, reason, bar):
    given = answered(born="2004-05-10", findings={"chest_xray": [FILM], "syphilis": SYPHILIS, "gonorrhoea": found})
    item = given["items"]["gonorrhoea"]
    assert (item["state"], item.get("reason")) == (state, reason)
    assert bar is None or bar in given["outcome"]["classes"]
    assert (given["outcome"]["state"] == "not_cleared") is (bar == "gonorrhoea_a")


def with_condition(code, **details):
    conditions = [{"code": code, **details}]
    return answered(findings={"physical_exam": {"conditions": conditions}, "chest_xray": [FILM]})


@pytest.mark.parametrize("kind", ["multibacillary", "paucibacillary"])
@pytest.mark.parametrize(("days", "bar"), [(0, "hansens_a"), (6, "hansens_a"), (7, "hansens_b"), (90, "hansens_b")])
def test_hansens(kind, days, bar):
    assert bar in with_condition("hansens", type=kind, days_on_treatment=days)["outcome"]["classes"]


SUBSTANCE = {
    "substance": "opioid",
    "controlled": False,
    "enough_information": True,
    "dsm_criteria": 2,
    "harmful_behaviour": "none",
}


@pytest.mark.parametrize(
    ("change", "bar"),
    [
        ({}, "substance_b"),
        ({"dsm_criteria": 1}, None),
        ({"dsm_criteria": 1, "harmful_behaviour": "current", "controlled": True}, None),
        ({"controlled": True}, "substance_a"),
        ({"harmful_behaviour": "current"}, "substance_a"),
        ({"harmful_behaviour": "past_likely"}, "substance_a"),
        ({"harmful_behaviour": "past_unlikely"}, "substance_b"),
        ({"class_a_before": True, "last_criterion": "2025-11-21"}, "substance_b"),
        ({"class_a_before": True, "last_criterion": "2025-11-22"}, "substance_a"),
        ({"class_a_before": True, "last_criterion": "2025-11-21", "controlled": True}, "substance_b"),
        ({"class_a_before": True, "last_criterion": "2026-11-01", "dsm_criteria": 0}, "substance_a"),
        ({"class_a_before": False, "controlled": True}, "substance_a"),
    ],
)
def test_substance_use(change, bar):
    found = with_condition("substance_use", **(SUBSTANCE | change))["outcome"]["classes"]
    assert found == ([bar] if bar == "substance_a" else sorted(filter(None, [bar, "tb_none"])))


def test_substance_use_without_enough_information_is_put_off():
    given = with_condition("substance_use", substance="opioid", controlled=True, enough_information=False)
    assert given["items"]["mental_reassessment"]["not_before"] == "2027-02-21"
    assert given["outcome"]["state"] == "incomplete"
    assert given["outcome"]["classes"] == []


@pytest.mark.parametrize(
    ("change", "bar"),
    [
        ({}, "mental_b"),
        ({"dsm_diagnosis": False}, None),
        ({"dsm_diagnosis": False, "harmful_behaviour": "current"}, None),
        ({"harmful_behaviour": "current"}, "mental_a"),
        ({"harmful_behaviour": "past_likely"}, "mental_a"),
        ({"harmful_behaviour": "past_unlikely"}, "mental_b"),
        ({"class_a_before": True, "last_harm": "2025-11-21"}, "mental_b"),
        ({"class_a_before": True, "last_harm": "2025-11-22"}, "mental_a"),
        ({"class_a_before": True, "last_harm": "2025-11-21", "dsm_diagnosis": False}, "mental_b"),
    ],
)
def test_mental_disorder(change, bar):
    disorder = {"enough_information": True, "dsm_diagnosis": True, "harmful_behaviour": "none"}
    found = with_condition("mental_disorder", **(disorder | change))["outcome"]["classes"]
    assert found == ([bar] if bar == "mental_a" else sorted(filter(None, [bar, "tb_none"])))


def test_mental_disorder_without_enough_information_is_the_physicians():
    found = with_condition("mental_disorder", enough_information=False)["outcome"]
    assert (found["state"], found["classes"]) == ("physician_decision", [])


def test_only_class_a_is_listed_when_not_cleared():
    exam = {"conditions": [{"code": "hansens", "type": "multibacillary", "days_on_treatment": 90}]}
    given = young(syphilis=serology("reactive", ("tppa", "reactive")), physical_exam=exam)
    assert given["outcome"]["classes"] == ["syphilis_a"]
    assert given["valid_until"] is None


def test_pregnancy_is_a_class_b_in_the_united_states_only():
    pregnancy = {"pregnancy": {"pregnant": True, "film_choice": "shielded_film"}}
    film = {**FILM, "shielded": True, "consent": True}
    woman = {"sex": "female", "born": "1976-05-10", "person": pregnancy, "findings": {"chest_xray": [film]}}
    assert answered(**woman)["outcome"]["classes"] == ["pregnancy_b", "tb_none"]
    assert answered("ca", **woman)["outcome"]["classes"] == []


@pytest.mark.parametrize(
    "programme", ["ca", "au-permanent", "nz-residence", "uk-tb", "uk-resettlement", "returnee-avrr"]
)
@pytest.mark.parametrize(
    ("changes", "state"),
    [
        ({"decisions": decided("tb_disease")}, "not_cleared"),
        ({"findings": {"sputum": specimens(culture="mtb")}}, "not_cleared"),
        ({"findings": {"sputum": specimens(smear="1+")}}, "incomplete"),
    ],
)
def test_active_tuberculosis_bars_everywhere(programme, changes, state):
    found = outcome(programme=programme, **changes)
    assert found["classes"] == []
    if state == "not_cleared" or programme != "returnee-avrr":
        assert found["state"] == state


@pytest.mark.parametrize(
    ("findings", "decisions", "state"),
    [
        ({"sputum": specimens(smear="1+")}, [], "physician_decision"),
        ({"sputum": specimens(molecular="low")}, [], "physician_decision"),
        ({"sputum": specimens(molecular="trace")}, [], "cleared"),
        ({"xpert": {"date": EXAMINED, "result": "trace"}}, [], "physician_decision"),
        ({"xpert": {"date": EXAMINED, "result": "not_detected"}}, [], "cleared"),
        ({"xpert": {"date": EXAMINED, "result": "high"}}, decided("no_tb_disease"), "cleared"),
        ({"sputum": specimens(smear="1+")}, decided("no_tb_disease"), "cleared"),
        ({"sputum": specimens(culture="ntm")}, [], "cleared"),
    ],
)
def test_an_unproven_positive_outside_the_united_states(findings, decisions, state):
    found = outcome(programme="returnee-avrr", findings=findings, decisions=decisions)
    assert (found["state"], found["options"]) == (state, [])
