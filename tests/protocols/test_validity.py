import pytest

from .made import CONTACT, EXAMINED, FILM, answered, specimens


@pytest.mark.parametrize(
    ("programme", "changes", "until"),
    [
        ("ca", {"born": "2024-05-10"}, "2027-11-21"),
        ("ca", {"born": "2024-05-10", "examined": "2028-02-29"}, "2029-02-28"),
        ("au-permanent", {"born": "2025-05-10", "history": {"polio_area_stay_days": 0}}, "2027-11-21"),
        ("nz-residence", {"born": "2024-05-10"}, "2027-02-20"),
        ("nz-residence", {"born": "2024-05-10", "examined": "2026-11-30"}, "2027-02-27"),
        ("us-refugee", {"findings": {"chest_xray": [FILM]}}, "2027-05-21"),
        ("us-refugee", {"findings": {"chest_xray": [{**FILM, "date": "2026-11-10"}]}}, "2027-05-10"),
        ("us-refugee", {"findings": {"chest_xray": [{**FILM, "date": "2026-12-10"}]}}, "2027-05-21"),
        (
            "us-refugee",
            {"findings": {"chest_xray": [FILM], "igra": [{"date": "2026-10-31", "result": "negative"}]}},
            "2027-04-30",
        ),
        ("us-refugee", {"findings": {"chest_xray": [FILM], "tst": [{"date": "2026-10-31", "mm": 0}]}}, "2027-05-21"),
        (
            "us-refugee",
            {"findings": {"chest_xray": [{**FILM, "findings": ["cavity"]}], "sputum": specimens()}},
            "2027-04-22",
        ),
        ("returnee-avrr", {}, None),
        ("border-arrival", {"findings": {"symptom_screen": {"date": EXAMINED}}}, None),
    ],
)
def test_valid_until(programme, changes, until):
    given = answered(programme, **changes)
    assert given["outcome"]["state"] == "cleared"
    assert given["valid_until"] == until


UK = {key: {"date": EXAMINED} for key in ("identity", "consent", "symptom_screen")}


@pytest.mark.parametrize(
    ("changes", "until"),
    [
        ({"findings": UK | {"chest_xray": [{**FILM, "date": "2026-12-02"}]}}, "2027-06-02"),
        ({"findings": UK | {"chest_xray": [FILM]}, "history": {"tb_contacts": [CONTACT]}}, "2027-02-21"),
        ({"born": "2018-05-10", "findings": UK | {"clinician_review": {"date": "2026-11-25"}}}, "2027-05-25"),
        (
            {
                "sex": "female",
                "person": {"pregnancy": {"pregnant": True, "film_choice": "sputum"}},
                "findings": UK | {"sputum": specimens()},
            },
            None,
        ),
    ],
)
def test_british_validity(changes, until):
    given = answered("uk-tb", **changes)
    assert given["outcome"]["state"] == "cleared"
    assert given["valid_until"] == until


@pytest.mark.parametrize(("arrival", "late"), [("2027-11-21", False), ("2027-11-22", True)])
def test_arrival_after_the_last_valid_day(arrival, late):
    given = answered("ca", born="2024-05-10", travel={"arrival": arrival})
    assert ("expires_before_arrival" in given["warnings"]) is late


@pytest.mark.parametrize(("expires", "late"), [("2027-01-31", True), ("2027-02-01", False), (None, False)])
def test_passport_expiring_before_departure(expires, late):
    given = answered("ca", born="2024-05-10", person={"passport_expires": expires}, travel={"departure": "2027-02-01"})
    assert ("passport_expires_before_departure" in given["warnings"]) is late
    assert given["outcome"]["state"] == "cleared"
