"""The clause on quarantinable diseases: off in the package, on where an edition names them."""

from dataclasses import replace

import pytest

from mhac.protocols.assessment import assess
from mhac.protocols.facts import read

from .made import FILM, GONORRHOEA, PROGRAMMES, SYPHILIS, record


def found(programme, disease="cholera", *, infectious=True, named=("Cholera ", "plague")):
    condition = {"code": "infectious_disease", "disease": disease, "infectious": infectious}
    findings = {"physical_exam": {"conditions": [condition]}, "chest_xray": [FILM]}
    made = record(programme, findings=findings | {"syphilis": SYPHILIS, "gonorrhoea": GONORRHOEA})
    facts = read(made, PROGRAMMES)
    return assess(facts, replace(PROGRAMMES.edition(programme, facts.examined), quarantinable=named))


def test_the_clause_is_off_in_every_edition_of_the_package():
    assert not [e.key for key in PROGRAMMES for e in PROGRAMMES.editions(key) if e.quarantinable]


@pytest.mark.parametrize("programme", ["us-refugee", "rqa"])
@pytest.mark.parametrize(
    ("disease", "changes", "decides"),
    [
        ("cholera", {}, True),
        (" CHOLERA", {}, True),
        ("plague", {}, True),
        ("cholera", {"infectious": False}, False),
        ("measles", {}, False),
        ("cholera", {"named": ()}, False),
    ],
)
def test_a_named_disease_is_the_physicians_decision(programme, disease, changes, decides):
    answer = found(programme, disease, **changes)
    assert answer.outcome.state == ("physician_decision" if decides else "cleared")
    assert ("US-PHEIC" in {rule.id for rule in answer.decided_by}) is decides


def test_only_an_infectious_disease_is_meant():
    condition = {"code": "other", "text": "cholera", "significant": True}
    facts = read(record("rqa", findings={"physical_exam": {"conditions": [condition]}}), PROGRAMMES)
    edition = replace(PROGRAMMES.edition("rqa", facts.examined), quarantinable=("cholera",))
    assert assess(facts, edition).outcome.state == "cleared"
