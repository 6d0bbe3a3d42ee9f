"""What a physician may waive, what she may not, and that a waiver never hides a result (`WAIVE-1`)."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mhac.protocols import vocabulary
from mhac.protocols.rehearsal import answer
from mhac.protocols.waivers import CLASSED, GROUND, TUBERCULOSIS

from .made import EXAMINED, FILM, PROGRAMMES, SYPHILIS, answered, assessed, record, refused, specimens
from .test_properties import quick, records

DRAWN = {"drawn": EXAMINED}
REACTIVE = SYPHILIS | {"treponemal": [{"specimen": "S1", "method": "tppa", "result": "reactive"}]}
CANADIAN = {
    "chest_xray": [FILM],
    "urinalysis": {"date": EXAMINED, "result": "normal"},
    "syphilis": SYPHILIS,
    "hiv": DRAWN | {"result": "nonreactive"},
    "creatinine": DRAWN | {"egfr_reported": 90},
}


def waive(*items):
    return [{"code": "waive", "item": item, "reason": "Because"} for item in items]


def canada(without=(), more=None, waived=(), **changes):
    """A healthy adult for Canada, without some findings."""
    findings = {key: value for key, value in CANADIAN.items() if key not in without} | (more or {})
    return answered("ca", findings=findings, decisions=waive(*waived), **changes)


@pytest.mark.parametrize("item", ["urinalysis", "creatinine", "syphilis", "hiv", "chest_xray"])
def test_a_missing_item_is_waived_and_says_so(item):
    without = canada(without=[item])
    assert without["outcome"]["state"] == "incomplete"
    found = canada(without=[item], waived=[item])
    assert found["items"][item]["state"] == "waived"
    assert item in found["required"]
    assert found["items"][item]["rules"] == without["items"][item]["rules"]
    assert found["outcome"]["state"] == "cleared"
    assert "item_waived" in found["warnings"]
    assert found["valid_until"]


def test_one_waiver_closes_one_item():
    found = canada(without=["creatinine", "hiv"], waived=["creatinine"])
    assert found["outcome"]["state"] == "incomplete"
    assert (found["items"]["creatinine"]["state"], found["items"]["hiv"]["state"]) == ("waived", "due")


@pytest.mark.parametrize("item", sorted(set(CANADIAN) - {"chest_xray"}))
def test_what_is_done_later_is_simply_done(item):
    found = canada(waived=[item])
    assert found["items"][item]["state"] == "done"
    assert not {"item_waived", "waiver_without_effect"} & set(found["warnings"])
    assert found == canada()


@pytest.mark.parametrize(
    ("item", "finding", "state"),
    [
        ("syphilis", {"syphilis": REACTIVE | {"nontreponemal": None}}, "done"),
        ("hiv", {"hiv": DRAWN}, "pending"),
        ("hiv", {"hiv": DRAWN | {"result": "indeterminate"}}, "due"),
        ("chest_xray", {"chest_xray": [{"date": EXAMINED}]}, "pending"),
        ("sputum", {"sputum": specimens(1, smear="1+")}, "due"),
        ("tb_test", {"igra": [{"date": EXAMINED}]}, "pending"),
        ("tb_test", {"tst": [{"date": EXAMINED, "mm": 10}]}, "due"),
    ],
)
def test_what_is_begun_or_found_is_not_waived_away(item, finding, state):
    scar = {"chest_xray": [FILM | {"findings": ["fibrosis"]}]} if item == "sputum" else {}
    history = {"tb_contacts": [{"source_name": "Gul Bibi"}]} if item == "tb_test" else {}
    found = canada(more=scar | finding, waived=[item], history=history)
    assert found["items"][item]["state"] == state
    assert ("waiver_without_effect" in found["warnings"]) == (state != "done")
    assert "item_waived" not in found["warnings"]
    assert state == "done" or found["outcome"]["state"] != "cleared"


@pytest.mark.parametrize(("mm", "waived"), [(9, True), (10, False)])
def test_a_skin_test_that_does_not_count_stands_when_it_is_positive(mm, waived):
    found = canada(more={"tst": [{"date": EXAMINED, "mm": mm}]}, waived=["tb_test"], history={"risks": ["transplant"]})
    assert (found["items"]["tb_test"]["state"] == "waived") == waived


@pytest.mark.parametrize(("smear", "waived"), [("negative", True), ("scanty", False)])
def test_proposed_sputum_may_be_let_go_unless_it_shows_something(smear, waived):
    scar = [FILM | {"findings": ["fibrosis"]}]
    more = {"chest_xray": scar, "sputum": specimens(1, smear=smear, molecular="not_detected")}
    found = canada(more=more, waived=["sputum", "chest_xray_repeat"])
    assert (found["items"]["sputum"]["state"] == "waived") == waived
    assert found["outcome"]["state"] == ("cleared" if waived else "physician_decision")
    assert found["outcome"]["grade"] == ("B" if waived else None)


@pytest.mark.parametrize("programme", vocabulary.PROGRAMMES)
@pytest.mark.parametrize("item", sorted(GROUND))
def test_the_ground_is_never_waived(programme, item):
    made = record(programme, decisions=waive(*GROUND))
    made["history"] = {}
    made["findings"] = {}
    found = answer(made, PROGRAMMES)
    if item in found["items"]:
        assert found["items"][item]["state"] == "due"
        assert found["outcome"]["state"] == "incomplete"


@pytest.mark.parametrize("item", sorted(TUBERCULOSIS))
@pytest.mark.parametrize("programme", ["uk-tb", "us-iv", "us-refugee"])
def test_a_paper_or_class_about_tuberculosis_needs_its_tests(programme, item):
    ordered = answered(programme, findings={}, decisions=waive(*TUBERCULOSIS))
    if item in ordered["items"]:
        assert ordered["items"][item]["state"] != "waived"
    assert ordered["outcome"]["state"] == "incomplete"


@pytest.mark.parametrize("programme", ["us-iv", "us-refugee"])
def test_no_class_of_the_united_states_rests_on_a_waiver(programme):
    found = answered(programme, findings={}, decisions=waive(*CLASSED, "vaccination"))
    classed = set(found["items"]) & (CLASSED | {"vaccination"})
    assert classed
    assert {found["items"][item]["state"] for item in classed} <= {"due", "pending", "deferred"}


def test_the_partner_lets_go_of_what_the_partner_asked_for():
    found = canada(waived=["hepatitis_b"], requested=["hepatitis_b"])
    assert found["items"]["hepatitis_b"]["state"] == "due"


def test_an_order_is_stronger_than_a_waiver():
    order = [{"code": "order", "item": "hepatitis_b", "reason": "Jaundice"}]
    found = answered("ca", findings=CANADIAN, decisions=order + waive("hepatitis_b"))
    assert found["items"]["hepatitis_b"]["state"] == "due"


def test_an_age_that_is_open_is_decided_and_not_waived():
    young = {"born_between": ["2015-01-01", "2015-12-31"], "birth_precision": "year"}
    found = assessed("ca", person=young, decisions=waive("chest_xray"))
    assert found.not_waived["chest_xray"] == "age_open"
    assert found.items["chest_xray"].state.name == "deferred"
    assert found.outcome.state != "cleared"


@pytest.mark.parametrize(
    ("decision", "path"),
    [
        ({"code": "waive", "reason": "Because"}, "decisions[0].item"),
        ({"code": "waive", "item": "hiv"}, "decisions[0].reason"),
        ({"code": "waive", "item": "hiv", "reason": " "}, "decisions[0].reason"),
        ({"code": "waive", "item": "tea", "reason": "Because"}, "decisions[0].item"),
        ({"code": "waive", "item": "hiv", "reason": "Because", "grade": "A"}, "decisions[0].grade"),
    ],
)
def test_a_waiver_names_its_item_and_reason(decision, path):
    assert refused(record("ca", decisions=[decision]))[0] == path


@quick
@given(records(), st.sets(st.sampled_from(vocabulary.ITEMS)))
def test_nobody_is_cleared_while_an_item_is_open_and_not_waived(made, items):
    made = made | {"decisions": waive(*sorted(items))}
    found = answer(made, PROGRAMMES)
    states = {code: item["state"] for code, item in found["items"].items()}
    is_open = [code for code in found["required"] if states[code] not in {"done", "waived"}]
    waived = {code for code, state in states.items() if state == "waived"}
    assert waived <= items - GROUND
    assert ("item_waived" in found["warnings"]) == bool(waived)
    if found["outcome"]["state"] == "cleared":
        assert not is_open
        assert not found["unknown"]
        assert set(found["proposed"]) <= waived
        assert not found["withheld"]


@quick
@given(records(), st.sets(st.sampled_from(vocabulary.ITEMS)))
def test_a_waiver_changes_no_finding_no_class_and_no_item_that_is_done(made, items):
    plain, with_waivers = answer(made, PROGRAMMES), answer(made | {"decisions": waive(*sorted(items))}, PROGRAMMES)
    for part in ("required", "proposed", "withheld", "unknown", "computed"):
        assert plain[part] == with_waivers[part]
    for code, item in plain["items"].items():
        if item["state"] in {"done", "pending"}:
            assert with_waivers["items"][code] == item
    if plain["outcome"]["state"] == "not_cleared":
        assert with_waivers["outcome"] == plain["outcome"]
    if plain["outcome"]["state"] == "cleared":
        assert with_waivers["outcome"] == plain["outcome"]
