"""The register of decision rules, and which of them an assessment names."""

import pytest

from mhac.protocols.rules import rules

from .made import CONTACT, EXAMINED, FILM, SYPHILIS, assessed, specimens

SCAR = [{**FILM, "findings": ["fibrosis"]}]
BOTH = SYPHILIS | {
    "nontreponemal": {"specimen": "S1", "result": "reactive"},
    "treponemal": [{"specimen": "S1", "method": "tppa", "result": "reactive"}],
}


def named(**changes):
    return {rule.id for rule in assessed(**changes).decided_by}


def test_every_rule_says_something_and_has_a_source():
    assert len(rules()) > 80
    for rule in rules().values():
        assert rule.says.endswith(".")
        assert rule.source
        if rule.source in ("MHAC design", "practice, no document named"):
            assert not rule.verified


@pytest.mark.parametrize(
    ("changes", "rule"),
    [
        ({"findings": {"chest_xray": [FILM]}}, "US-CLS-0"),
        ({"findings": {"chest_xray": [FILM]}}, "US-VAL-6"),
        ({"findings": {"chest_xray": SCAR, "sputum": specimens()}}, "US-CLS-B1P"),
        ({"findings": {"chest_xray": SCAR, "sputum": specimens()}}, "US-VAL-3"),
        ({"findings": {"chest_xray": SCAR, "sputum": specimens(smear="1+")}}, "US-CLS-P1"),
        ({"findings": {"chest_xray": SCAR, "sputum": specimens(culture="ntm")}}, "US-CLS-P2"),
        ({"findings": {"chest_xray": SCAR, "sputum": specimens(culture="mtb")}}, "US-CLS-A"),
        ({"findings": {"syphilis": BOTH}}, "US-SYP-03"),
        (
            {"findings": {"syphilis": BOTH | {"treatment": {"date": EXAMINED, "regimen": "x", "adequate": True}}}},
            "US-SYP-04",
        ),
        ({"findings": {"syphilis": BOTH | {"treponemal": SYPHILIS["treponemal"]}}}, "US-SYP-05"),
        ({"findings": {"syphilis": SYPHILIS | {"treponemal": BOTH["treponemal"]}}}, "US-SYP-06"),
        ({"programme": "ca", "born": "2024-05-10"}, "CA-GRADE"),
        ({"programme": "ca", "born": "2024-05-10"}, "CA-VAL"),
        ({"programme": "border-arrival", "findings": {"nutrition": {"bmi_kg_m2": 20}}}, "NUT-3"),
        ({"programme": "returnee-avrr", "travel": {"departure": EXAMINED}}, "FTT-CAT"),
        ({"born": "2018-05-10", "history": {"tb_contacts": [CONTACT]}}, None),
    ],
)
def test_the_rules_behind_an_outcome_are_named(changes, rule):
    found = named(**changes)
    assert rule in found if rule else not any(each.startswith("US-CLS") for each in found)


def test_a_class_of_the_united_states_is_not_named_elsewhere():
    found = named(programme="ca", findings={"chest_xray": SCAR, "syphilis": BOTH})
    assert not {rule for rule in found if rule.startswith("US-")}
    assert "CXR-CAT" in found


def test_open_items_are_the_ones_not_done():
    found = assessed("ca", born="2018-05-10")
    assert found.open_items == ("urinalysis",)
    assert found.edition == "ca-2020"


def condition(code, **details):
    return {"physical_exam": {"conditions": [{"code": code, **details}]}}


HANSENS = condition("hansens", type="multibacillary", days_on_treatment=90)
DISORDER = condition("mental_disorder", enough_information=True, dsm_diagnosis=True, harmful_behaviour="none")
SUBSTANCE = condition("substance_use", substance="opium", controlled=True, enough_information=False)


@pytest.mark.parametrize(
    ("changes", "rule", "elsewhere"),
    [
        ({"sex": "female", "person": {"pregnancy": {"pregnant": True}}}, "US-PREG", False),
        ({"programme": "us-iv"}, "US-VAX-01", False),
        ({}, "US-VAX-REF", False),
        ({}, "US-PRES", False),
        ({"findings": {"gonorrhoea": {"collected": EXAMINED}}}, "US-GC-03", False),
        ({"findings": HANSENS}, "US-HD-01", False),
        ({"findings": DISORDER}, "US-MH-01", False),
        ({"findings": SUBSTANCE}, "US-MH-01", False),
        ({"findings": {"chest_xray": [FILM]}}, "CXR-CAT", True),
        ({"findings": {"creatinine": {"drawn": EXAMINED, "mg_dl": 1}}}, "LAB-EGFR", True),
        ({"findings": {"sputum": specimens(rifampicin="detected")}}, "LAB-DR", True),
        (
            {"person": {"born_between": ["1990-01-01", "1991-12-31"], "birth_precision": "year"}},
            "AGE-4",
            True,
        ),
    ],
)
def test_a_rule_is_named_where_it_applies_and_only_there(changes, rule, elsewhere):
    assert rule in named(**changes)
    assert (rule in named(**{**changes, "programme": "ca"})) is elsewhere
    assert rule not in named(programme="ca" if elsewhere else "uk-tb")


def test_a_second_treponemal_test_that_decides_names_its_rule():
    second = [*BOTH["treponemal"], {"specimen": "S1", "method": "eia"}]
    for result in (None, "reactive", "nonreactive"):
        second[1]["result"] = result
        found = SYPHILIS | {"treponemal": second}
        assert "US-SYP-06" in named(findings={"syphilis": found})
    assert not {rule for rule in named(findings={"syphilis": SYPHILIS}) if rule.startswith("US-SYP")}


def test_a_waiver_and_a_bar_outside_the_united_states_are_named():
    waived = [{"code": "waive", "item": "urinalysis", "reason": "no bladder"}]
    assert "WAIVE-1" in named(programme="ca", decisions=waived)
    assert "WAIVE-1" not in named(programme="ca")
    assert "waiver_without_effect" not in assessed("ca", decisions=waived).warnings
    disease = [{"code": "tb_disease", "reason": "seen"}]
    assert "TB-BAR" in named(programme="ca", decisions=disease)
    assert "TB-BAR" not in named(programme="ca")
    assert "TB-BAR" not in named(decisions=disease)


def test_an_item_names_each_source_once_and_apart():
    found = assessed("au-humanitarian", history={"risks": ["health_care_work"]}).items["hiv"]
    assert found.source == "HAP table; agents' pages; Queensland Afghan protocol; agents' pages"


@pytest.mark.parametrize("contacts", [[], [CONTACT]])
def test_a_positive_test_names_its_class(contacts):
    igra = {"igra": [{"date": EXAMINED, "result": "positive"}], "chest_xray": [FILM]}
    assert "US-CLS-B2" in named(born="2016-05-10", findings=igra, history={"tb_contacts": contacts})


@pytest.mark.parametrize(
    ("dst", "asked"),
    [
        ({"rifampicin": "R"}, True),
        ({"rifampicin": "R", "isoniazid": "R"}, True),
        ({"rifampicin": "R", "levofloxacin": "R"}, True),
        ({"rifampicin": "R", "levofloxacin": "R", "linezolid": "R"}, True),
        ({"rifampicin": "S", "isoniazid": "R"}, False),
        ({"rifampicin": "S", "isoniazid": "S"}, False),
        ({}, False),
    ],
)
def test_every_pattern_with_rifampicin_resistance_consults_the_partner(dst, asked):
    found = assessed(findings={"sputum": specimens(culture="mtb", dst=dst)})
    assert ("consult_partner" in found.outcome.remarks) is asked
    assert ("dst_second_line" in found.required) is asked
