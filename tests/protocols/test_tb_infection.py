from datetime import date
from decimal import Decimal

import pytest

from mhac.protocols import igra, tb_infection

from .made import CONTACT, EXAMINED, answered


@pytest.mark.parametrize(
    ("nil", "tb1", "tb2", "mitogen", "result"),
    [
        ("0.1", "0.44", "0.2", "8", "negative"),
        ("0.1", "0.45", "0.1", "8", "positive"),
        ("0.1", "0.1", "0.45", "0.1", "positive"),
        ("0.34", "0.69", "0.34", "8", "positive"),
        ("8.0", "10.0", "8", "9", "positive"),
        ("8.0", "9.99", "8", "9", "negative"),
        ("8.0", "9.99", "8", "8.49", "indeterminate"),
        ("8.01", "20", "20", "20", "indeterminate"),
        ("0.2", "0.3", "0.3", "0.69", "indeterminate"),
        ("0.2", "0.3", "0.3", "0.70", "negative"),
        ("0.00", "0.35", "0", "0", "positive"),
        ("0.1", "0." + "4" + "9" * 30, "0.1", "8", "positive"),
        ("0.1", "0." + "44" + "9" * 30, "0.1", "8", "negative"),
    ],
)
def test_quantiferon(nil, tb1, tb2, mitogen, result):
    assert igra.quantiferon(Decimal(nil), Decimal(tb1), Decimal(tb2), Decimal(mitogen)) == result


@pytest.mark.parametrize(
    ("nil", "panel_a", "panel_b", "control", "result"),
    [
        (10, 18, 0, 0, "positive"),
        (11, 30, 30, 60, "indeterminate"),
        (2, 10, 2, 0, "positive"),
        (2, 9, 2, 20, "borderline"),
        (2, 9, 2, 19, "indeterminate"),
        (2, 2, 7, 20, "borderline"),
        (2, 6, 2, 20, "negative"),
        (2, 6, 2, 19, "indeterminate"),
        (5, 0, 0, 20, "negative"),
    ],
)
def test_tspot(nil, panel_a, panel_b, control, result):
    assert igra.tspot(*map(Decimal, (nil, panel_a, panel_b, control))) == result


@pytest.mark.parametrize(
    ("mm", "at_risk", "result"),
    [
        ("9.9", False, "negative"),
        ("10", False, "positive"),
        ("4.9", True, "negative"),
        ("5", True, "positive"),
        (None, True, None),
    ],
)
def test_skin_test(mm, at_risk, result):
    assert tb_infection.read_tst(None if mm is None else Decimal(mm), at_risk=at_risk) == result


def child(**changes):
    return answered(born="2018-05-10", **changes)


def igras(*results, start=1):
    return {"igra": [{"date": f"2026-11-{start + i:02d}", "result": r} for i, r in enumerate(results)]}


@pytest.mark.parametrize(
    ("findings", "state", "reason", "computed"),
    [
        ({}, "due", None, None),
        (igras("negative"), "done", None, "negative"),
        (igras("positive"), "done", None, "positive"),
        (igras("indeterminate"), "due", "repeat", "indeterminate"),
        (igras("borderline"), "due", "repeat", "indeterminate"),
        (igras("indeterminate", "negative"), "done", None, "negative"),
        (igras("indeterminate", "borderline"), "done", None, "indeterminate"),
        (igras("negative", "positive"), "done", None, "positive"),
        (igras("positive", "negative"), "done", None, "negative"),
        (igras("positive", "indeterminate"), "done", None, "positive"),
        ({"igra": [{"date": EXAMINED}]}, "pending", "result_awaited", None),
        (
            {"igra": [{"date": "2026-11-01", "result": "negative"}, {"date": EXAMINED}]},
            "pending",
            "result_awaited",
            None,
        ),
        (
            {"igra": [{"date": EXAMINED}, {"date": "2026-11-01", "result": "negative"}]},
            "pending",
            "result_awaited",
            None,
        ),
        ({"tst": [{"date": EXAMINED, "mm": 20}]}, "due", "method_not_accepted", None),
        ({"tst": [{"date": EXAMINED, "mm": 20}], **igras("negative")}, "done", None, "negative"),
    ],
)
def test_the_table_of_states(findings, state, reason, computed):
    given = child(findings=findings)
    item = given["items"]["tb_test"]
    assert (item["state"], item.get("reason"), given["computed"].get("tb_test")) == (state, reason, computed)
    assert ("test_method_not_accepted" in given["warnings"]) is (reason == "method_not_accepted")


@pytest.mark.parametrize(
    ("vaccine", "day", "not_before"),
    [
        ("mmr", "2026-11-21", None),
        ("mmr", "2026-11-20", "2026-12-18"),
        ("yellow_fever", "2026-10-25", "2026-11-22"),
        ("mmr", "2026-10-24", None),
        ("mmr", "2026-11-22", None),
        ("opv", "2026-11-15", None),
        ("bcg", "2026-11-15", None),
        ("measles", "2026-11-15", "2026-12-13"),
    ],
)
def test_waiting_after_a_live_vaccine(vaccine, day, not_before):
    doses = [{"vaccine": vaccine, "date": day, "written": False}]
    item = child(history={"vaccinations": doses})["items"]["tb_test"]
    assert item.get("not_before") == not_before
    assert item["state"] == ("due" if not_before is None else "not_before")


def test_the_latest_of_two_live_vaccines_counts_and_only_before_a_test():
    doses = [
        {"vaccine": v, "date": d, "written": True} for v, d in (("mmr", "2026-11-01"), ("varicella", "2026-11-10"))
    ]
    assert child(history={"vaccinations": doses})["items"]["tb_test"]["not_before"] == "2026-12-08"
    given = child(history={"vaccinations": doses}, findings={"igra": [{"date": EXAMINED, "result": "negative"}]})
    assert given["items"]["tb_test"]["state"] == "done"


def test_only_the_united_states_wait_after_a_live_vaccine():
    doses = [{"vaccine": "mmr", "date": "2026-11-10", "written": True}]
    given = answered("ca", history={"vaccinations": doses, "tb_contacts": [CONTACT]})
    assert given["items"]["tb_test"]["state"] == "due"


@pytest.mark.parametrize(
    ("earlier", "state"),
    [
        ({"kind": "tst", "result": "positive", "date": "2025-03-01", "written": True}, "done"),
        ({"kind": "igra", "result": "positive", "date": "2025-03-01", "written": False}, "due"),
        ({"kind": "igra", "result": "negative", "date": "2025-03-01", "written": True}, "due"),
    ],
)
def test_an_earlier_test(earlier, state):
    assert child(history={"prior_tb_test": earlier})["items"]["tb_test"]["state"] == state
    elsewhere = answered("au-permanent", born="2018-05-10", history={"prior_tb_test": earlier})
    assert elsewhere["items"]["tb_test"]["state"] == "due"


@pytest.mark.parametrize(
    ("programme", "born", "history", "accepts"),
    [
        ("us-refugee", "2025-11-21", {"known_hiv": True}, ["igra", "tst"]),
        ("us-refugee", "2024-11-22", {"tb_contacts": [CONTACT]}, ["igra", "tst"]),
        ("us-refugee", "2024-11-21", {"tb_contacts": [CONTACT]}, ["igra"]),
        ("us-refugee", "1990-01-02", {"tb_contacts": [CONTACT]}, ["igra"]),
        ("ca", "2025-05-10", {"tb_contacts": [CONTACT]}, ["igra"]),
        ("au-permanent", "2020-05-10", {}, ["igra", "tst"]),
    ],
)
def test_accepted_methods(programme, born, history, accepts):
    assert answered(programme, born=born, history=history)["items"]["tb_test"]["accepts"] == accepts


def test_a_skin_test_is_accepted_only_when_under_two_at_both_ends():
    between = {"born_between": ["2024-11-01", "2024-11-30"], "birth_precision": "month"}
    given = answered(person=between, history={"known_hiv": True}, findings={"tst": [{"date": EXAMINED, "mm": 3}]})
    assert given["items"]["tb_test"]["accepts"] == ["igra"]
    assert given["items"]["tb_test"]["reason"] == "method_not_accepted"


def test_on_one_day_the_igra_counts():
    findings = {"tst": [{"date": EXAMINED, "mm": 0}], "igra": [{"date": EXAMINED, "result": "positive"}]}
    assert answered("au-permanent", born="2018-05-10", findings=findings)["computed"] == {"tb_test": "positive"}


@pytest.mark.parametrize(("programme", "requested"), [("nz-residence", ["tb_test"]), ("us-refugee", [])])
def test_twice_indeterminate_is_never_negative(programme, requested):
    given = answered(
        programme,
        born="2018-05-10",
        requested=requested,
        findings=igras("indeterminate", "indeterminate") | {"urinalysis": {"date": EXAMINED, "result": "normal"}},
    )
    assert given["proposed"] == ["chest_xray"]
    assert given["items"]["chest_xray"]["rules"] == ["US-TB-12"]
    assert given["outcome"]["state"] == "physician_decision"
    assert given["outcome"]["options"] == []


def test_readings_are_ordered_by_day_not_by_place():
    given = child(
        findings={"igra": [{"date": "2026-11-20", "result": "positive"}, {"date": "2026-11-10", "result": "negative"}]}
    )
    assert given["computed"]["tb_test"] == "positive"


def test_an_unrecorded_test_reads_as_awaited():
    assert (
        tb_infection.judge(
            (tb_infection.Reading(date(2026, 11, 1), "igra", None),),
            accepts=frozenset({"igra"}),
            earlier=None,
            doses=(),
            examined=date(2026, 11, 21),
        ).state.reason
        == "result_awaited"
    )
