"""The worked cases of the contract: every one must hold. The unverified ones too; a doctor may still change them."""

import json
from decimal import Decimal
from pathlib import Path

import pytest

from mhac.protocols.rehearsal import answer_line

from .compare import MISSING, compare, failures
from .made import PROGRAMMES

HERE = Path(__file__).parent


def cases(name):
    lines = (HERE / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(line, parse_float=Decimal) for line in lines if line.strip()]


@pytest.mark.parametrize("name", ["open.jsonl", "open_unverified.jsonl"])
def test_every_case_holds(name):
    found = {}
    for line in (HERE / name).read_text(encoding="utf-8").splitlines():
        case = json.loads(line, parse_float=Decimal)
        given = answer_line(json.dumps(json.loads(line)["case"]), PROGRAMMES)
        assert given["id"] == case["id"]
        if differences := compare(case["expect"], given):
            found[case["id"]] = differences
    assert found == {}


def test_all_the_cases_are_here():
    assert len(cases("open.jsonl")) == 386
    assert len(cases("open_unverified.jsonl")) == 15


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({}, {"id": "x"}),
        ({"a": 1}, {"a": Decimal("1.0")}),
        ({"a": [1, 2]}, {"a": [2, 1, 2]}),
        ({"a": None}, {}),
        ({"a": {"$has": ["x"], "$lacks": ["z"]}}, {"a": {"x": 1}}),
        ({"a": {"$any_of": [None, 1]}}, {"a": None}),
        ({"a": {"$nonempty": True}}, {"a": "words"}),
        ({"age": [14, 15]}, {"age": [14, 15]}),
    ],
)
def test_comparison_holds(expected, got):
    assert compare(expected, got) == []


@pytest.mark.parametrize(
    ("expected", "got"),
    [
        ({"a": 1}, {"a": True}),
        ({"a": False}, {}),
        ({"a": None}, {"a": []}),
        ({"a": []}, {}),
        ({"a": [1, 2]}, {"a": [1]}),
        ({"a": "x"}, {"a": ["x"]}),
        ({"a": {"$has": ["x"]}}, {"a": "x"}),
        ({"a": {"$lacks": ["x"]}}, {}),
        ({"a": {"$any_of": ["F1", None]}}, {}),
        ({"a": {"$nonempty": True}}, {"a": ""}),
        ({"age": [14, 15]}, {"age": [15, 14]}),
        ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}),
        ({"a": {"b": 1}}, {"a": [1]}),
        ({}, {"id": "x", "error": {"path": "", "message": "m"}}),
    ],
)
def test_comparison_fails(expected, got):
    assert compare(expected, got)


def test_a_missing_answer_is_named():
    assert failures({"a": {"b": 1}}, {"a": {}}) == [("a.b", 1, "nothing")]
    assert failures(1, MISSING) == [("", 1, "nothing")]
