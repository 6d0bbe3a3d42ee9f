import pytest

from .made import answered


@pytest.mark.parametrize(
    ("born", "weight", "albendazole", "ivermectin"),
    [
        ("2025-11-22", 9, None, None),
        ("2025-11-21", 9, 200, None),
        ("2024-11-22", 14.9, 200, None),
        ("2024-11-21", 15, 400, 3),
        ("1996-05-10", 60, 400, 12),
        ("1996-05-10", 61.3, 400, 12.26),
        ("1996-05-10", None, 400, None),
    ],
)
def test_presumptive_treatment(born, weight, albendazole, ivermectin):
    given = answered(born=born, findings={"vitals": {"weight_kg": weight}})
    assert given["presumptive"] == {"albendazole_mg": albendazole, "ivermectin_mg": ivermectin}


@pytest.mark.parametrize(
    ("born", "pregnancy", "given_drugs"),
    [
        ("1996-05-10", None, False),
        ("1996-05-10", {"pregnant": True, "weeks": 30}, False),
        ("1996-05-10", {"pregnant": False}, True),
        ("2015-11-22", None, True),
        ("2015-11-21", None, False),
        ("1975-11-21", None, True),
        ("1975-11-22", None, False),
    ],
)
def test_no_drug_before_pregnancy_is_excluded(born, pregnancy, given_drugs):
    person = {"pregnancy": pregnancy}
    found = answered(born=born, sex="female", person=person, findings={"vitals": {"weight_kg": 50}})["presumptive"]
    assert (found["albendazole_mg"] is not None, found["ivermectin_mg"] is not None) == (given_drugs, given_drugs)
