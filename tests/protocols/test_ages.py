"""Births known only as an interval, a physician's decision on the age, and limits crossed before the signature."""

import pytest

from .made import EXAMINED, FILM, answered


def between(earliest, latest, precision="year"):
    return {"born_between": [earliest, latest], "birth_precision": precision}


YEAR_1390 = between("2011-03-21", "2012-03-19")


@pytest.mark.parametrize(
    ("person", "age", "required", "proposed", "withheld"),
    [
        (YEAR_1390, [14, 15], [], ["tb_test"], ["chest_xray"]),
        (between("2011-11-20", "2011-11-21"), 15, ["chest_xray"], [], []),
        (between("2011-11-22", "2011-11-23"), 14, ["tb_test"], [], []),
        (between("2011-11-21", "2011-11-22"), [14, 15], [], ["tb_test"], ["chest_xray"]),
        (between("2008-03-20", "2009-03-20"), [17, 18], ["chest_xray"], ["gonorrhoea", "syphilis"], []),
    ],
)
def test_both_ends_are_asked(person, age, required, proposed, withheld):
    given = answered(person=person)
    assert given["age"] == age
    assert given["required"] == sorted([*required, "history", "physical_exam"])
    assert (given["proposed"], given["withheld"]) == (proposed, withheld)
    assert ("age_ambiguous" in given["warnings"]) is bool(proposed or withheld)


def test_an_item_asked_for_at_both_ends_by_different_rows_is_required():
    given = answered(person=YEAR_1390, history={"tb_signs": [{"code": "fever"}]})
    assert given["items"]["chest_xray"]["rules"] == ["US-TB-03", "US-TB-05"]
    assert given["items"]["tb_test"]["rules"] == ["US-TB-02", "US-TB-06"]
    assert given["withheld"] == []


def test_a_withheld_film_waits_for_the_physician_and_one_already_taken_is_what_it_is():
    given = answered(person=YEAR_1390)
    assert given["items"]["chest_xray"] | {"source": 0} == {
        "state": "deferred",
        "reason": "age_ambiguous",
        "rules": ["US-TB-03"],
        "verified": True,
        "source": 0,
    }
    assert given["outcome"]["state"] == "physician_decision"
    taken = answered(person=YEAR_1390, findings={"chest_xray": [FILM]})
    assert taken["items"]["chest_xray"]["state"] == "done"
    assert taken["outcome"]["state"] == "physician_decision"


def test_pregnancy_is_asked_when_any_age_is_in_the_range():
    given = answered("ca", sex="female", person=between("2015-03-21", "2016-03-19"))
    assert given["unknown"] == ["person.pregnancy"]
    assert given["items"]["chest_xray"]["reason"] == "age_ambiguous"


def test_a_request_at_both_ends_is_not_ambiguous():
    given = answered(person=YEAR_1390, requested=["chest_xray", "tb_test"])
    assert given["items"]["chest_xray"]["rules"] == ["REQ-1", "US-TB-03"]
    assert given["withheld"] == given["proposed"] == []
    assert "age_ambiguous" not in given["warnings"]


@pytest.mark.parametrize(
    ("age", "required"), [(14, ["tb_test"]), (15, ["chest_xray"]), (1, []), (30, ["chest_xray", "syphilis"])]
)
def test_a_decided_age_replaces_both_ends(age, required):
    given = answered(person=YEAR_1390, decisions=[{"code": "use_age", "age": age, "reason": "dentition"}])
    assert given["required"] == sorted([*required, "history", "physical_exam"])
    assert given["age"] == [14, 15]
    assert given["warnings"] == []


def test_a_decided_age_counts_for_months_too():
    decision = {"code": "use_age", "reason": "mother's card"}
    toddler = between("2024-06-01", "2026-01-31")
    young = answered(person=toddler, decisions=[{**decision, "age": 0}], findings={"vitals": {"weight_kg": 9}})
    older = answered(person=toddler, decisions=[{**decision, "age": 1}], findings={"vitals": {"weight_kg": 9}})
    outside = answered(person=toddler, decisions=[{**decision, "age": 3}], findings={"vitals": {"weight_kg": 9}})
    assert [given["presumptive"]["albendazole_mg"] for given in (young, older, outside)] == [None, 200, 400]


def test_a_decided_age_may_be_absurd_and_is_answered():
    given = answered(decisions=[{"code": "use_age", "age": 9_000_000, "reason": "typing"}])
    assert given["age"] == 50


@pytest.mark.parametrize(
    ("signed_off", "crossed"), [(None, False), ("2026-11-30", False), ("2026-12-01", True), ("2026-11-21", False)]
)
def test_a_limit_crossed_before_the_signature(signed_off, crossed):
    given = answered(
        born="2011-12-01", signed_off=signed_off, findings={"igra": [{"date": EXAMINED, "result": "negative"}]}
    )
    assert ("age_limit_crossed" in given["warnings"]) is crossed
    assert given["outcome"]["state"] == ("physician_decision" if crossed else "cleared")


def test_a_birthday_that_is_no_limit_crosses_nothing():
    given = answered(born="1976-12-01", signed_off="2026-12-05")
    assert "age_limit_crossed" not in given["warnings"]


def test_the_other_end_of_an_interval_may_cross_too():
    given = answered("ca", person=between("2015-11-22", "2015-12-24", "month"), signed_off="2026-12-01")
    assert given["age"] == 10
    assert "age_limit_crossed" in given["warnings"]


@pytest.mark.parametrize(("born", "warned"), [("1981-01-01", True), ("1981-03-21", True), ("1981-06-01", False)])
def test_placeholder_birthdays_are_warned(born, warned):
    assert ("birth_date_placeholder" in answered(born=born)["warnings"]) is warned


@pytest.mark.parametrize(
    ("age", "albendazole"),
    [(1, 200), (2, 400)],
)
def test_the_latest_birth_inside_the_interval_counts(age, albendazole):
    person = between("2024-01-01", "2024-12-31")
    decision = [{"code": "use_age", "age": age, "reason": "card"}]
    given = answered(person=person, decisions=decision)
    assert given["presumptive"]["albendazole_mg"] == albendazole


@pytest.mark.parametrize(("born", "months_due"), [("2025-01-10", True), ("2024-12-20", True)])
def test_a_decided_age_keeps_the_known_birth_when_it_fits(born, months_due):
    """At 22 and 23 months hepatitis A is due; the youngest of that age (12 months) would leave that open too."""
    decision = [{"code": "use_age", "age": 1, "reason": "card"}]
    given = answered("us-iv", born=born, decisions=decision, history={"polio_area_stay_days": 0})
    assert ("hepatitis_a" in given["vaccination"]["due"]) is months_due
    older = answered("us-iv", born="2024-11-22", decisions=decision, history={"polio_area_stay_days": 0})
    assert "hib" in older["vaccination"]["due"]


def test_a_decided_age_outside_the_interval_counts_from_its_youngest():
    decision = [{"code": "use_age", "age": 4, "reason": "teeth"}]
    given = answered("us-iv", born="2020-01-10", decisions=decision, history={"polio_area_stay_days": 0})
    assert "hib" in given["vaccination"]["due"]
    assert "td_tdap" in given["vaccination"]["waived"]


@pytest.mark.parametrize("born", ["2011-11-21", "2011-06-01"])
def test_a_limit_that_was_reached_before_the_examination_is_not_crossed(born):
    assert answered(born=born)["age"] == 15
    assert "age_limit_crossed" not in answered(born=born, signed_off="2027-01-01")["warnings"]


def test_a_decided_age_has_no_birthday():
    person = between("2011-11-22", "2012-03-01", "month")
    decision = [{"code": "use_age", "age": 14, "reason": "the teeth"}]
    assert "age_limit_crossed" in answered(person=person, signed_off="2026-12-01")["warnings"]
    assert "age_limit_crossed" not in answered(person=person, signed_off="2026-12-01", decisions=decision)["warnings"]


@pytest.mark.parametrize(("earliest", "months_24"), [("2024-11-21", True), ("2024-11-22", False)])
def test_the_day_before_the_interval_is_not_inside_it(earliest, months_24):
    """Decided to be 2, born at the earliest on the very day two years ago, or a day too late for it."""
    decision = [{"code": "use_age", "age": 2, "reason": "the teeth"}]
    given = answered(person=between(earliest, "2025-06-01", "year"), decisions=decision)
    assert given["presumptive"]["albendazole_mg"] == 400
    assert (given["age"] == [1, 2]) is months_24


def test_a_decided_age_that_fits_a_known_birth_keeps_that_birth():
    decision = [{"code": "use_age", "age": 0, "reason": "as the card says"}]
    given = answered("us-iv", born="2026-01-21", decisions=decision)
    assert "dtap" in given["vaccination"]["due"]
