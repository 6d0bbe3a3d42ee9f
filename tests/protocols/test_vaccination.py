import pytest

from .made import EXAMINED, FILM, answered

EVERY = {
    *("dtap", "td_tdap", "polio", "mmr", "rotavirus", "hib", "hepatitis_a", "hepatitis_b", "menacwy"),
    *("varicella", "pneumococcal", "influenza"),
}


def vaccines(**changes):
    changes.setdefault("history", {"polio_area_stay_days": 9000})
    found = answered("us-iv", **changes)["vaccination"]
    placed = [*found["due"], *found["done"], *found["waived"], *found["refused"]]
    assert sorted(placed) == sorted(EVERY)
    return found


@pytest.mark.parametrize(
    ("born", "vaccine", "due"),
    [
        ("2026-09-22", "dtap", False),
        ("2026-09-21", "dtap", True),
        ("2019-11-22", "dtap", True),
        ("2019-11-21", "dtap", False),
        ("2019-11-22", "td_tdap", False),
        ("2019-11-21", "td_tdap", True),
        ("2026-09-22", "polio", False),
        ("2026-09-21", "polio", True),
        ("2025-11-22", "mmr", False),
        ("2025-11-21", "mmr", True),
        ("1957-01-01", "mmr", True),
        ("1956-12-31", "mmr", False),
        ("2026-10-11", "rotavirus", False),
        ("2026-10-10", "rotavirus", True),
        ("2026-02-22", "rotavirus", True),
        ("2026-02-21", "rotavirus", False),
        ("2026-09-22", "hib", False),
        ("2026-09-21", "hib", True),
        ("2021-11-22", "hib", True),
        ("2021-11-21", "hib", False),
        ("2025-11-22", "hepatitis_a", False),
        ("2025-11-21", "hepatitis_a", True),
        ("2024-11-22", "hepatitis_a", True),
        ("2024-11-21", "hepatitis_a", False),
        ("2026-11-21", "hepatitis_b", True),
        ("1966-11-22", "hepatitis_b", True),
        ("1966-11-21", "hepatitis_b", False),
        ("2015-11-22", "menacwy", False),
        ("2015-11-21", "menacwy", True),
        ("2007-11-22", "menacwy", True),
        ("2007-11-21", "menacwy", False),
        ("2025-11-22", "varicella", False),
        ("2025-11-21", "varicella", True),
        ("2026-09-22", "pneumococcal", False),
        ("2026-09-21", "pneumococcal", True),
        ("2021-11-22", "pneumococcal", True),
        ("2021-11-21", "pneumococcal", False),
        ("1961-11-22", "pneumococcal", False),
        ("1961-11-21", "pneumococcal", True),
        ("2026-05-22", "influenza", False),
        ("2026-05-21", "influenza", True),
    ],
)
def test_the_vaccination_table(born, vaccine, due):
    found = vaccines(born=born)
    assert (vaccine in found["due"]) is due
    assert found["waived"].get(vaccine) == (None if due else "not_age_appropriate")


@pytest.mark.parametrize(
    ("born", "stay", "dose", "place"),
    [
        ("2008-11-22", 0, None, "due"),
        ("2008-11-21", 28, None, "waived"),
        ("2008-11-21", 29, None, "due"),
        ("2008-11-21", 29, {"vaccine": "ipv", "written": True}, "done"),
        ("2008-11-21", 0, {"vaccine": "opv", "written": True}, "done"),
        ("2008-11-21", 29, {"vaccine": "opv", "written": False}, "due"),
        ("2008-11-22", 29, {"vaccine": "opv", "written": True}, "due"),
        ("2008-11-21", None, None, "waived"),
    ],
)
def test_polio_vaccine_of_adults(born, stay, dose, place):
    doses = [dose | {"date": "2020-05-05"}] if dose else []
    found = vaccines(born=born, history={"polio_area_stay_days": stay, "vaccinations": doses})
    assert "polio" in found[place]


@pytest.mark.parametrize(
    ("recorded", "place"),
    [
        ({"complete": ["mmr"]}, "done"),
        ({"given": ["mmr"]}, "done"),
        ({"given": ["mmr"], "refused": ["mmr"]}, "done"),
        ({"refused": ["mmr"]}, "refused"),
        ({"waived": {"mmr": "not_available"}}, "waived"),
        ({"waived": {"mmr": "not_available"}, "refused": ["mmr"]}, "refused"),
        ({}, "due"),
    ],
)
def test_where_a_due_vaccine_stands(recorded, place):
    assert "mmr" in vaccines(findings={"vaccination": {"date": EXAMINED, **recorded}})[place]


def test_a_vaccine_not_due_is_not_refused_and_may_be_done():
    found = vaccines(findings={"vaccination": {"date": EXAMINED, "refused": ["hib"], "given": ["menacwy"]}})
    assert found["waived"]["hib"] == "not_age_appropriate"
    assert "menacwy" in found["done"]


@pytest.mark.parametrize(("pregnant", "mmr"), [(True, "contraindicated"), (False, None)])
def test_live_vaccines_in_pregnancy(pregnant, mmr):
    found = vaccines(sex="female", person={"pregnancy": {"pregnant": pregnant}})
    assert found["waived"].get("mmr") == found["waived"].get("varicella") == mmr


def test_a_refusal_is_class_a_for_immigrants_and_nothing_for_refugees():
    refusal = {"vaccination": {"date": EXAMINED, "refused": ["influenza"]}}
    assert answered("us-iv", findings=refusal)["outcome"]["classes"] == ["vaccination_a"]
    refugee = answered("us-refugee", findings=refusal | {"chest_xray": [FILM]})
    assert refugee["outcome"]["classes"] == ["tb_none"]
    assert refugee["vaccination"] == {"basis": "offered", "due": [], "done": [], "waived": {}, "refused": []}
    assert "vaccination" not in answered("ca")
