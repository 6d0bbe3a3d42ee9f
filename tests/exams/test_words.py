"""The labels of the rooms cover the vocabulary of the rules, no word more and no word less."""

import pytest

from mhac.exams import words
from mhac.exams.conditions import DETAILS, LABELS
from mhac.protocols import vocabulary


@pytest.mark.parametrize(
    ("labels", "codes"),
    [
        (words.TB_SIGNS, vocabulary.TB_SIGNS),
        (words.TREATED_BY, vocabulary.TREATED_BY),
        (words.RISKS, vocabulary.RISKS),
        (words.QUESTIONS, vocabulary.SCREENING_QUESTIONS),
        (words.CONDITIONS, vocabulary.CONDITIONS),
        (DETAILS, vocabulary.CONDITIONS),
        (words.HANSENS_TYPES, vocabulary.HANSENS_TYPES),
        (words.HARMFUL_BEHAVIOUR, vocabulary.HARMFUL_BEHAVIOUR),
        (words.INFARCTION_RISKS, vocabulary.INFARCTION_RISKS),
        (words.FILM_SUGGESTIVE, vocabulary.FILM_FINDINGS_SUGGESTIVE),
        (words.FILM_FOLLOW_UP, vocabulary.FILM_FINDINGS_FOLLOW_UP),
        (words.FILM_NO_CONSEQUENCE, vocabulary.FILM_FINDINGS_NO_CONSEQUENCE),
    ],
)
def test_every_code_has_its_label(labels, codes):
    assert set(labels) == set(codes)


def test_every_detail_has_its_label():
    assert {detail for details in DETAILS.values() for detail in details} - {"controlled"} == set(LABELS)
