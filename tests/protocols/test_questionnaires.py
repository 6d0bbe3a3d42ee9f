import pytest

from mhac.protocols import questionnaires
from mhac.protocols.reading import Refused


@pytest.mark.parametrize(
    ("total", "band"),
    [
        (4, "none"),
        (5, "mild"),
        (9, "mild"),
        (10, "moderate"),
        (14, "moderate"),
        (15, "moderately_severe"),
        (19, "moderately_severe"),
        (20, "severe"),
        (24, "severe"),
    ],
)
def test_phq9(total, band):
    answers = [3] * (total // 3) + ([total % 3] if total % 3 else [])
    answers += [0] * (9 - len(answers))
    assert questionnaires.phq9(answers) == questionnaires.Score(total, band, safety_today=False)


def test_phq9_asks_for_safety_whatever_the_total():
    assert questionnaires.phq9([0] * 8 + [1]).safety_today
    assert not questionnaires.phq9([0] * 9).safety_today


@pytest.mark.parametrize(
    ("total", "band"),
    [(0, "none"), (4, "none"), (5, "mild"), (9, "mild"), (10, "moderate"), (14, "moderate"), (15, "severe")],
)
def test_gad7(total, band):
    answers = [3] * (total // 3) + ([total % 3] if total % 3 else [])
    assert questionnaires.gad7(answers + [0] * (7 - len(answers))).band == band


@pytest.mark.parametrize(
    ("total", "band"), [(0, "low"), (4, "low"), (5, "moderate"), (12, "moderate"), (13, "serious"), (24, "serious")]
)
def test_k6(total, band):
    answers = [4] * (total // 4) + ([total % 4] if total % 4 else [])
    assert questionnaires.k6(answers + [0] * (6 - len(answers))).band == band


@pytest.mark.parametrize("answers", [[0] * 8, [0] * 10, [4] + [0] * 8, [-1] + [0] * 8])
def test_answers_that_make_no_score(answers):
    with pytest.raises(Refused) as fault:
        questionnaires.phq9(answers)
    assert "PHQ-9" in fault.value.message


@pytest.mark.parametrize(("level", "disabled"), [("none", False), ("some", False), ("a_lot", True), ("cannot", True)])
def test_washington_group(level, disabled):
    answers = dict.fromkeys(questionnaires.WASHINGTON_DOMAINS, "none") | {"walking": level}
    assert questionnaires.disability(answers, age=5) is disabled


@pytest.mark.parametrize(
    ("answers", "age", "path"),
    [
        (dict.fromkeys(questionnaires.WASHINGTON_DOMAINS, "none"), 4, "age"),
        ({}, 30, "seeing"),
        (dict.fromkeys(questionnaires.WASHINGTON_DOMAINS, "much"), 30, "seeing"),
        (dict.fromkeys((*questionnaires.WASHINGTON_DOMAINS, "flying"), "none"), 30, "flying"),
    ],
)
def test_washington_group_refusals(answers, age, path):
    with pytest.raises(Refused) as fault:
        questionnaires.disability(answers, age)
    assert fault.value.path == path


@pytest.mark.parametrize(("age", "fits"), [(1, False), (2, True), (17, True), (18, False)])
def test_child_module(age, fits):
    assert questionnaires.child_module_fits(age) is fits


@pytest.mark.parametrize(
    ("score", "count", "most"), [(questionnaires.phq9, 9, 3), (questionnaires.gad7, 7, 3), (questionnaires.k6, 6, 4)]
)
def test_the_highest_answer_of_each(score, count, most):
    assert score([most] * count).total == most * count
    with pytest.raises(Refused) as fault:
        score([0] * (count - 1) + [most + 1])
    assert fault.value.path == f"[{count - 1}]"
