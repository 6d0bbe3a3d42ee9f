import pytest

from .made import EXAMINED, FILM, SYPHILIS, answered, specimens

RESULT = {"drawn": EXAMINED, "result": "nonreactive"}
CANADA = {
    "urinalysis": {"date": EXAMINED, "result": "normal"},
    "chest_xray": [FILM],
    "syphilis": SYPHILIS,
    "hiv": RESULT,
    "creatinine": {"drawn": EXAMINED, "mg_dl": 0.9},
}


def canadian(**changes):
    changes["findings"] = CANADA | changes.get("findings", {})
    return answered("ca", **changes)


REACTIVE = {"drawn": EXAMINED, "result": "reactive"}
BOTH_REACTIVE = {
    "drawn": EXAMINED,
    "laboratory": "own",
    "nontreponemal": {"specimen": "S1", "result": "reactive"},
    "treponemal": [{"specimen": "S1", "method": "rdt", "result": "reactive"}],
}


@pytest.mark.parametrize(
    ("changes", "grade"),
    [
        ({}, "A"),
        ({"findings": {"chest_xray": [{**FILM, "findings": ["cardiac"]}]}}, "B"),
        ({"findings": {"chest_xray": [{**FILM, "findings": ["calcified_node"]}]}}, "A"),
        ({"history": {"tb_history": [{"year": 1999, "treated_by": "elsewhere"}]}}, "B"),
        ({"findings": {"hiv": REACTIVE}}, "B"),
        ({"findings": {"hepatitis_b": REACTIVE}}, "B"),
        ({"findings": {"hepatitis_c": REACTIVE}}, "B"),
        ({"findings": {"syphilis": BOTH_REACTIVE}}, "B"),
        ({"findings": {"syphilis": BOTH_REACTIVE | {"treponemal": SYPHILIS["treponemal"]}}}, "A"),
        ({"findings": {"syphilis": SYPHILIS | {"treponemal": BOTH_REACTIVE["treponemal"]}}}, "A"),
        ({"findings": {"igra": [{"date": EXAMINED, "result": "positive"}]}}, "B"),
        ({"findings": {"igra": [{"date": EXAMINED, "result": "negative"}]}}, "A"),
        ({"findings": {"creatinine": {"drawn": EXAMINED, "egfr_reported": 59.5}}}, "A"),
        ({"findings": {"creatinine": {"drawn": EXAMINED, "egfr_reported": 59.4}}}, "B"),
        (
            {"findings": {"physical_exam": {"conditions": [{"code": "other", "text": "murmur", "significant": True}]}}},
            "B",
        ),
        (
            {"findings": {"physical_exam": {"conditions": [{"code": "other", "text": "wart", "significant": False}]}}},
            "A",
        ),
        ({"history": {"known_hiv": True}, "findings": {"igra": [{"date": EXAMINED, "result": "negative"}]}}, "B"),
    ],
)
def test_the_systems_grade(changes, grade):
    given = canadian(**changes)
    assert given["outcome"]["state"] == "cleared"
    assert given["outcome"]["grade"] == grade
    assert ("comment_required" in given["warnings"]) is (grade == "B")


def test_a_suggestive_film_makes_grade_b_once_the_partners_sputum_is_there():
    given = canadian(
        findings={
            "chest_xray": [{**FILM, "findings": ["fibrosis"]}, {"date": "2027-02-21", "findings": []}],
            "sputum": specimens(),
        },
        requested=["sputum", "chest_xray_repeat"],
    )
    assert given["outcome"]["grade"] == "B"


@pytest.mark.parametrize(
    ("reactive", "decision", "grade", "warnings"),
    [
        (False, {"grade": "A"}, "A", []),
        (False, {"grade": "A", "comment": "none"}, "A", ["comment_forbidden"]),
        (False, {"grade": "B"}, "B", ["comment_required"]),
        (False, {"grade": "B", "comment": "diabetes"}, "B", []),
        (True, {"grade": "B", "comment": "HIV"}, "B", []),
        (True, {"grade": "A"}, "B", ["comment_required", "grade_lowering_refused"]),
    ],
)
def test_a_grade_is_raised_and_never_lowered(reactive, decision, grade, warnings):
    findings = {"hiv": REACTIVE} if reactive else {}
    given = canadian(findings=findings, decisions=[{"code": "grade", **decision}])
    assert (given["outcome"]["grade"], given["warnings"]) == (grade, warnings)


def test_no_grade_before_it_is_cleared_and_none_for_others():
    incomplete = canadian(findings={"urinalysis": None}, decisions=[{"code": "grade", "grade": "B"}])
    assert incomplete["outcome"]["grade"] is None
    assert incomplete["warnings"] == []
    lowered = canadian(findings={"urinalysis": None, "hiv": REACTIVE}, decisions=[{"code": "grade", "grade": "A"}])
    assert lowered["warnings"] == ["grade_lowering_refused"]
    for programme in ("nz-residence", "returnee-avrr", "us-refugee"):
        given = answered(programme, born="2026-05-10", decisions=[{"code": "grade", "grade": "B"}])
        assert given["outcome"]["grade"] is None
        assert given["warnings"] == []


@pytest.mark.parametrize("programme", ["au-permanent", "au-humanitarian"])
def test_australia_grades_too(programme):
    given = answered(programme, born="2025-05-10", history={"polio_area_stay_days": 0})
    assert given["outcome"]["grade"] == "A"


@pytest.mark.parametrize(
    ("decided", "grade", "refused"),
    [(["A", "B"], "B", False), (["B", "A"], "B", True), (["A", "A"], "A", False), (["B", "B"], "B", False)],
)
def test_several_decisions_are_taken_in_their_order(decided, grade, refused):
    given = canadian(decisions=[{"code": "grade", "grade": each} for each in decided])
    assert given["outcome"]["grade"] == grade
    assert ("grade_lowering_refused" in given["warnings"]) is refused
