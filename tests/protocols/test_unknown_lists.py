"""Programmes whose list of items no source gives (`LIST-1`): said in a sentence, decided by a physician."""

import pytest

from .made import CONTACT, EXAMINED, PROGRAMMES, answered, assessed

UNKNOWN = ("my-emgs", "de-fit-to-travel", "labour-migration")
COMPLETE = {"code": "list_complete", "reason": "The letter asks for this and nothing else."}
HIV = {"code": "order", "item": "hiv", "reason": "Asked for in the letter."}
RESULT = {"drawn": EXAMINED, "result": "nonreactive"}


def test_which_programmes_have_no_known_list():
    said = {key for key in PROGRAMMES if PROGRAMMES.editions(key)[-1].items_unknown}
    assert said == set(UNKNOWN)
    for key in UNKNOWN:
        for edition in PROGRAMMES.editions(key):
            asked = {row.item for row in edition.requires if row.when == "always"}
            assert asked == {"history", "physical_exam"}
            assert not any(row.verified for row in edition.requires if row.rule != "POL-EXIT")
            assert {row.certainty for row in edition.requires if row.when == "always"} == {"L"}


@pytest.mark.parametrize("programme", UNKNOWN)
@pytest.mark.parametrize(
    ("decisions", "findings", "state", "said"),
    [
        ([], {}, "physician_decision", True),
        ([HIV], {}, "incomplete", True),
        ([HIV], {"hiv": RESULT}, "physician_decision", True),
        ([HIV, COMPLETE], {}, "incomplete", False),
        ([HIV, COMPLETE], {"hiv": RESULT}, "cleared", False),
        ([COMPLETE], {}, "cleared", False),
        ([COMPLETE, {"code": "tb_disease", "reason": "seen"}], {}, "not_cleared", False),
        ([], {"physical_exam": None}, "incomplete", True),
    ],
)
def test_nothing_is_cleared_before_the_list_is_said_to_be_complete(programme, decisions, findings, state, said):
    found = answered(programme, decisions=decisions, findings=findings)
    assert found["outcome"]["state"] == state
    assert found["outcome"]["options"] == []
    assert bool(found.get("items_unknown")) is said


@pytest.mark.parametrize("programme", ["rqa", "ca", "us-refugee", "returnee-avrr"])
def test_where_the_list_is_known_nothing_is_said(programme):
    with_word, without = answered(programme, decisions=[COMPLETE]), answered(programme)
    assert with_word == without
    assert "items_unknown" not in without


def test_a_returning_expert_needs_an_examination_and_no_worksheet():
    found = answered("rqa")
    assert found["required"] == ["history", "physical_exam"]
    assert found["outcome"]["state"] == "cleared"
    assert answered("rqa", findings={"physical_exam": None})["outcome"]["state"] == "incomplete"


@pytest.mark.parametrize("programme", [*UNKNOWN, "rqa"])
@pytest.mark.parametrize(
    ("history", "proposed"),
    [
        ({}, []),
        ({"tb_signs": [{"code": "cough", "days": 13}]}, []),
        ({"tb_signs": [{"code": "cough", "days": 14}]}, ["xpert"]),
        ({"tb_contacts": [CONTACT]}, ["xpert"]),
        ({"tb_history": [{"year": 2015, "treated_by": "elsewhere"}]}, ["xpert"]),
    ],
)
def test_signs_of_tuberculosis_wait_for_the_physician(programme, history, proposed):
    found = answered(programme, history=history, decisions=[COMPLETE])
    assert found["proposed"] == proposed
    assert found["outcome"]["remarks"] == (["presumptive_tb"] if proposed else [])
    assert found["outcome"]["state"] == ("physician_decision" if proposed else "cleared")


def test_the_rule_is_named_beside_the_decision():
    assert "LIST-1" in {rule.id for rule in assessed("my-emgs", decisions=[COMPLETE]).decided_by}
    assert "LIST-1" not in {rule.id for rule in assessed("rqa", decisions=[COMPLETE]).decided_by}


@pytest.mark.parametrize("programme", [*UNKNOWN, "rqa"])
def test_fitness_to_travel_is_judged_in_every_programme(programme):
    bleeding = {"drawn": EXAMINED, "haemoglobin_g_dl": 7, "acute_anaemia": True}
    found = answered(programme, travel={"departure": "2026-11-30"}, findings={"blood_count": bleeding})
    assert found["fit_to_travel"]["category"] == "F4"
