"""Scores of short questionnaires (rules, 3.17). They screen; they do not diagnose, and `assess` does not use them.

Every answer is a whole number. A missing answer makes no score: it is asked again, not counted as zero.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .reading import Refused

WASHINGTON_DOMAINS = ("seeing", "hearing", "walking", "remembering", "self_care", "communicating")
WASHINGTON_LEVELS = ("none", "some", "a_lot", "cannot")
WASHINGTON_FROM_YEARS = 5
CHILD_MODULE_YEARS = range(2, 18)
SERIOUS_DISTRESS_FROM = 13


@dataclass(frozen=True, slots=True)
class Score:
    """`safety_today`: an assessment of safety the same day, whatever the total."""

    total: int
    band: str
    safety_today: bool = False


def phq9(answers: Sequence[int]) -> Score:
    """Nine answers of 0 to 3: none, mild, moderate, moderately_severe, severe. The ninth asks about self-harm."""
    total = _total(answers, 9, 3, "PHQ-9")
    bands = ((20, "severe"), (15, "moderately_severe"), (10, "moderate"), (5, "mild"), (0, "none"))
    return Score(total, _band(total, bands), safety_today=answers[8] >= 1)


def gad7(answers: Sequence[int]) -> Score:
    """Seven answers of 0 to 3: none, mild from 5, moderate from 10, severe from 15."""
    total = _total(answers, 7, 3, "GAD-7")
    return Score(total, _band(total, ((15, "severe"), (10, "moderate"), (5, "mild"), (0, "none"))))


def k6(answers: Sequence[int]) -> Score:
    """Six answers of 0 to 4: low, moderate from 5, serious (probable serious distress) from 13."""
    total = _total(answers, 6, 4, "K6")
    return Score(total, _band(total, ((SERIOUS_DISTRESS_FROM, "serious"), (5, "moderate"), (0, "low"))))


def disability(answers: Mapping[str, str], age: int) -> bool:
    """Washington Group short set, from 5 years: one domain at "a lot" or worse."""
    if age < WASHINGTON_FROM_YEARS:
        raise Refused("age", "The short set is asked from 5 years. Use the child functioning module.")
    for domain in WASHINGTON_DOMAINS:
        if answers.get(domain) not in WASHINGTON_LEVELS:
            raise Refused(domain, f"The domain '{domain}' needs one of {', '.join(WASHINGTON_LEVELS)}.")
    for domain in answers:
        if domain not in WASHINGTON_DOMAINS:
            raise Refused(domain, f"'{domain}' is not a domain of the short set.")
    return any(answers[domain] in ("a_lot", "cannot") for domain in WASHINGTON_DOMAINS)


def child_module_fits(age: int) -> bool:
    """The child functioning module is for 2 to 17 years."""
    return age in CHILD_MODULE_YEARS


def _total(answers: Sequence[int], count: int, most: int, name: str) -> int:
    if len(answers) != count:
        raise Refused("", f"{name} has {count} questions; {len(answers)} answers were given. Ask the missing ones.")
    for index, answer in enumerate(answers):
        if not 0 <= answer <= most:
            raise Refused(f"[{index}]", f"{name} answers are 0 to {most}; question {index + 1} has {answer}.")
    return sum(answers)


def _band(total: int, bands: tuple[tuple[int, str], ...]) -> str:
    return next(name for least, name in bands if total >= least)
