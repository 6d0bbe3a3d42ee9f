import pytest

from .made import EXAMINED, FILM, answered


def woman(programme="us-refugee", *, born="1998-05-10", **pregnancy):
    return answered(programme, sex="female", born=born, person={"pregnancy": {"pregnant": True, **pregnancy}})


def film(given, item="chest_xray"):
    found = given["items"][item]
    return found["state"], found.get("reason"), found.get("not_before")


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ("due", None, None)),
        ([{"date": EXAMINED}], ("pending", "unread", None)),
        ([FILM], ("done", None, None)),
        ([{**FILM, "findings": ["pleural_smooth_thickening_at_angle"]}], ("pending", "effusion_not_excluded", None)),
        (
            [{**FILM, "findings": ["pleural_smooth_thickening_at_angle"], "effusion_excluded_by": "lateral_film"}],
            ("done", None, None),
        ),
        ([{**FILM, "findings": ["pleural_smooth_thickening"]}], ("done", None, None)),
        ([{"date": "2026-11-25"}, FILM], ("done", None, None)),
        ([{"date": "2026-11-20"}, FILM], ("pending", "unread", None)),
    ],
)
def test_the_first_film_is_judged(found, expected):
    assert film(answered(findings={"chest_xray": found})) == expected


@pytest.mark.parametrize(
    ("code", "sputum", "remarks", "classes"),
    [
        ("infiltrate", True, [], []),
        ("other_suggestive", True, [], []),
        ("pleural_irregular_thickening", True, [], []),
        ("cardiac", False, ["cardiac"], ["other_b", "tb_none"]),
        ("other_follow_up", False, ["other_follow_up"], ["other_b", "tb_none"]),
        ("calcified_node", False, [], ["tb_none"]),
        ("diaphragmatic_tenting", False, [], ["tb_none"]),
    ],
)
def test_what_a_finding_means(code, sputum, remarks, classes):
    given = answered(findings={"chest_xray": [{**FILM, "findings": [code]}]})
    assert ("sputum" in given["required"]) is sputum
    assert given["outcome"]["remarks"] == remarks
    assert given["outcome"]["classes"] == classes


def test_a_later_film_may_be_the_suggestive_one():
    films = [FILM, {"date": "2026-11-25", "findings": ["miliary", "cardiac"]}]
    given = answered(findings={"chest_xray": films})
    assert "sputum" in given["required"]
    assert given["outcome"]["remarks"] == ["cardiac"]


@pytest.mark.parametrize(
    ("programme", "pregnancy", "expected"),
    [
        ("us-refugee", {}, ("deferred", "pregnancy", None)),
        ("us-refugee", {"film_choice": "defer", "edd": "2027-04-10"}, ("deferred", "pregnancy", "2027-04-10")),
        ("us-refugee", {"film_choice": "sputum"}, ("deferred", "pregnancy", None)),
        ("us-refugee", {"film_choice": "shielded_film", "weeks": 5}, ("due", None, None)),
        ("ca", {"film_choice": "shielded_film", "weeks": 12, "days": 6}, ("deferred", "first_trimester", None)),
        ("ca", {"film_choice": "shielded_film", "weeks": 13, "days": 0}, ("due", None, None)),
        ("ca", {"film_choice": "shielded_film", "weeks": 13}, ("due", None, None)),
        ("ca", {"film_choice": "shielded_film"}, ("deferred", "first_trimester", None)),
        ("ca", {"film_choice": "shielded_film", "edd": "2027-05-29"}, ("due", None, None)),
        ("ca", {"film_choice": "shielded_film", "edd": "2027-05-30"}, ("deferred", "first_trimester", None)),
        (
            "ca",
            {"film_choice": "shielded_film", "weeks": 5, "edd": "2026-12-01"},
            ("deferred", "first_trimester", None),
        ),
        ("uk-tb", {"film_choice": "shielded_film", "weeks": 20}, ("due", None, None)),
        ("uk-tb", {"film_choice": "defer"}, ("deferred", "pregnancy", None)),
        ("au-permanent", {"film_choice": "shielded_film", "weeks": 20}, ("deferred", "pregnancy", None)),
        ("nz-residence", {"film_choice": "shielded_film", "weeks": 20}, ("deferred", "pregnancy", None)),
    ],
)
def test_films_in_pregnancy(programme, pregnancy, expected):
    assert film(woman(programme, **pregnancy)) == expected


@pytest.mark.parametrize(
    ("weeks", "expected"), [(12, ("deferred", "first_trimester", None)), (20, ("due", None, None))]
)
def test_the_partner_may_ask_for_the_film(weeks, expected):
    pregnancy = {"pregnant": True, "film_choice": "shielded_film", "weeks": weeks}
    given = answered("au-permanent", sex="female", person={"pregnancy": pregnancy}, requested=["chest_xray"])
    assert film(given) == expected
    assert given["items"]["chest_xray"]["rules"] == ["AU-03", "REQ-1"]


def test_british_sputum_instead_of_the_film():
    given = woman("uk-tb", film_choice="sputum")
    assert given["required"] == ["consent", "identity", "sputum", "symptom_screen"]
    assert given["items"]["sputum"]["rules"] == ["UK-TB-05"]
    with_cough = answered(
        "uk-tb",
        sex="female",
        person={"pregnancy": {"pregnant": True, "film_choice": "sputum"}},
        history={"tb_signs": [{"code": "fever"}]},
    )
    assert with_cough["items"]["sputum"]["rules"] == ["UK-TB-04", "UK-TB-05"]


@pytest.mark.parametrize(
    ("born", "sex", "asked"),
    [
        ("2015-11-22", "female", False),
        ("2015-11-21", "female", True),
        ("1975-11-22", "female", True),
        ("1975-11-21", "female", False),
        ("1990-05-10", "unknown", True),
        ("1990-05-10", "male", False),
    ],
)
def test_who_is_asked_about_pregnancy(born, sex, asked):
    given = answered(born=born, sex=sex, history={"tb_signs": [{"code": "fever"}]})
    assert ("person.pregnancy" in given["unknown"]) is asked
    assert film(given) == (("deferred", "pregnancy_unknown", None) if asked else ("due", None, None))


def test_pregnancy_is_not_asked_when_no_film_is_called_for_or_the_film_is_taken():
    child = answered("ca", sex="female", born="2015-11-22")
    assert child["unknown"] == []
    taken = answered(sex="female", born="1990-05-10", findings={"chest_xray": [FILM]})
    assert taken["unknown"] == []


@pytest.mark.parametrize(
    ("values", "warnings"),
    [
        ({"shielded": True, "consent": True}, []),
        ({"shielded": True}, ["film_without_consent"]),
        ({"consent": True}, ["film_without_shielding"]),
        ({"shielded": False, "consent": False}, ["film_without_consent", "film_without_shielding"]),
    ],
)
def test_a_film_in_pregnancy_needs_consent_and_shielding(values, warnings):
    for pregnant in (True, False):
        given = answered(
            sex="female",
            person={"pregnancy": {"pregnant": pregnant, "film_choice": "shielded_film"}},
            findings={"chest_xray": [{**FILM, **values}]},
        )
        assert given["warnings"] == (warnings if pregnant else [])


@pytest.mark.parametrize(
    ("films", "expected"),
    [
        ([FILM], ("not_before", "interval", "2027-02-21")),
        ([FILM, {"date": "2027-02-20", "findings": []}], ("not_before", "interval", "2027-02-21")),
        ([FILM, {"date": "2027-02-21"}], ("pending", "unread", None)),
        ([FILM, {"date": "2027-02-21", "findings": []}], ("done", None, None)),
        ([], ("deferred", "interval", None)),
    ],
)
def test_the_repeat_film(films, expected):
    given = answered("ca", requested=["chest_xray_repeat"], findings={"chest_xray": films})
    assert film(given, "chest_xray_repeat") == expected
