from datetime import date

import pytest

from mhac.protocols import resistance, sputum
from mhac.protocols.findings import Specimen

from .made import FILM, answered, specimens

CAVITY = [{**FILM, "findings": ["cavity"]}]


def us(found, **changes):
    return answered(findings={"chest_xray": CAVITY, "sputum": found} | changes)


def state(given):
    item = given["items"]["sputum"]
    return item["state"], item.get("reason"), item["accepted"]


def changed(index, **values):
    found = specimens()
    for key, value in values.items():
        if value is None:
            found[index].pop(key, None)
        else:
            found[index][key] = value
    return found


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], ("due", None, 0)),
        (specimens(2), ("due", None, 2)),
        (specimens(3), ("done", None, 3)),
        (specimens(4), ("done", None, 4)),
        (changed(1, collected="2026-11-22"), ("due", "same_day", 2)),
        (changed(1, culture="contaminated"), ("due", "contaminated", 2)),
        (changed(1, culture="contaminated", collected="2026-11-22"), ("due", "contaminated", 2)),
        (changed(0, molecular=None), ("pending", "result_awaited", 3)),
        (changed(2, culture=None, culture_reported=None), ("pending", "result_awaited", 3)),
        (changed(2, smear=None), ("pending", "result_awaited", 3)),
        (changed(0, molecular="trace"), ("pending", "molecular_repeat", 3)),
        (changed(0, molecular="invalid"), ("pending", "molecular_repeat", 3)),
        (
            [*changed(0, molecular="trace")[:2], *changed(2, molecular="invalid")[2:]],
            ("pending", "molecular_repeat", 3),
        ),
        ([*changed(0, molecular="trace")[:2], *changed(2, molecular="not_detected")[2:]], ("done", None, 3)),
        (changed(2, molecular="trace"), ("done", None, 3)),
    ],
)
def test_the_table_of_states(found, expected):
    assert state(us(found)) == expected


def test_a_contaminated_specimen_does_not_use_up_its_day():
    found = changed(0, culture="contaminated")
    found.insert(1, {**specimens(1)[0]})
    given = us(found)
    assert state(given) == ("done", None, 3)
    assert "sputum_contaminated" in given["warnings"]
    assert "sputum_same_day" not in given["warnings"]


def test_only_the_united_states_want_the_molecular_test_on_the_first():
    assert state(us(changed(0, molecular=None)))[1] == "result_awaited"
    british = answered("uk-tb", findings={"chest_xray": CAVITY, "sputum": changed(0, molecular=None)})
    assert state(british) == ("done", None, 3)
    uncertain = answered("uk-tb", findings={"chest_xray": CAVITY, "sputum": changed(1, molecular="trace")})
    assert state(uncertain)[0] == "done"


@pytest.mark.parametrize(
    ("values", "critical"),
    [
        ({}, False),
        ({"smear": "scanty"}, True),
        ({"smear": "1+"}, True),
        ({"molecular": "trace"}, False),
        ({"molecular": "invalid"}, False),
        ({"molecular": "very_low"}, True),
        ({"molecular": "high"}, True),
        ({"rifampicin": "detected"}, True),
        ({"rifampicin": "indeterminate"}, False),
        ({"culture": "mtb", "culture_reported": date(2026, 12, 20)}, True),
        ({"culture": "ntm", "culture_reported": date(2026, 12, 20)}, False),
        ({"dst": {"isoniazid": "R"}}, True),
        ({"dst": {"rifampicin": "R"}}, True),
        ({"dst": {"isoniazid": "I", "levofloxacin": "R"}}, False),
    ],
)
def test_what_is_telephoned(values, critical):
    assert sputum.critical([Specimen(date(2026, 11, 22), **values)]) is critical


@pytest.mark.parametrize(("result", "critical"), [("trace", False), ("very_low", True), ("high", True), (None, False)])
def test_a_rapid_test_is_telephoned_too(result, critical):
    given = answered("border-arrival", findings={"xpert": {"date": "2026-11-21", "result": result}})
    assert ("critical_result" in given["warnings"]) is critical


@pytest.mark.parametrize(
    ("tests", "molecular", "pattern"),
    [
        ([], None, None),
        ([], "detected", "rr"),
        ([{"rifampicin": "S", "isoniazid": "S"}], None, "susceptible"),
        ([{"rifampicin": "S", "isoniazid": "S"}], "detected", "rr"),
        ([{"rifampicin": "S", "isoniazid": "R"}], None, "hr"),
        ([{"rifampicin": "S", "isoniazid": "I"}], None, None),
        ([{"rifampicin": "S"}], None, None),
        ([{"rifampicin": "I", "isoniazid": "R"}], None, None),
        ([{"rifampicin": "R"}], None, "rr"),
        ([{"rifampicin": "R", "isoniazid": "S"}], None, "rr"),
        ([{"rifampicin": "R", "isoniazid": "R"}], None, "mdr"),
        ([{"rifampicin": "R", "isoniazid": "R", "bedaquiline": "R"}], None, "mdr"),
        ([{"rifampicin": "R", "isoniazid": "R", "moxifloxacin": "R"}], None, "pre_xdr"),
        ([{"rifampicin": "R", "levofloxacin": "R"}], None, "pre_xdr"),
        ([{"rifampicin": "R", "levofloxacin": "R", "bedaquiline": "R"}], None, "xdr"),
        ([{"rifampicin": "R", "levofloxacin": "R", "linezolid": "R"}], None, "xdr"),
        ([{"rifampicin": "S", "isoniazid": "R", "levofloxacin": "R", "linezolid": "R"}], None, "hr"),
        ([{"rifampicin": "S", "isoniazid": "S"}, {"rifampicin": "R", "isoniazid": "S"}], None, "rr"),
        ([{"rifampicin": "R"}, {"isoniazid": "R"}], None, "mdr"),
    ],
)
def test_resistance(tests, molecular, pattern):
    found = [Specimen(date(2026, 11, 22 + i), dst=dst) for i, dst in enumerate(tests)]
    found.append(Specimen(date(2026, 11, 28), rifampicin=molecular))
    assert resistance.pattern(found) == pattern


@pytest.mark.parametrize(
    ("dst", "state", "required"),
    [
        ({}, "pending", False),
        ({"isoniazid": "S"}, "pending", False),
        ({"rifampicin": "S"}, "pending", False),
        ({"isoniazid": "S", "rifampicin": "S"}, "done", False),
        ({"isoniazid": "R", "rifampicin": "R"}, "done", True),
    ],
)
def test_dst_follows_a_culture(dst, state, required):
    given = us(changed(0, culture="mtb", dst=dst))
    assert given["items"]["dst"]["state"] == state
    assert given["items"]["dst"]["rules"] == ["US-TB-08"]
    assert ("dst_second_line" in given["required"]) is required
    assert ("consult_partner" in given["outcome"]["remarks"]) is required


@pytest.mark.parametrize(
    ("drug", "state"), [("levofloxacin", "done"), ("moxifloxacin", "done"), ("linezolid", "pending")]
)
def test_second_line_is_done_with_a_fluoroquinolone(drug, state):
    given = us(changed(0, culture="mtb", dst={"isoniazid": "R", "rifampicin": "R", drug: "S"}))
    assert given["items"]["dst_second_line"] == {
        "state": state,
        "rules": ["US-CLS-P4"],
        "source": "practice, no document named",
        "verified": False,
        **({} if state == "done" else {"reason": "result_awaited"}),
    }


def test_dst_without_a_culture_is_only_due_when_ordered():
    ordered = [
        {"code": "order", "item": item, "reason": "contact of a resistant case"} for item in ("dst", "dst_second_line")
    ]
    given = answered(decisions=ordered)
    assert given["items"]["dst"]["state"] == "due"
    assert given["items"]["dst_second_line"]["state"] == "due"


def test_ntm_is_remarked():
    assert us(changed(1, culture="ntm"))["outcome"]["remarks"] == ["ntm"]


@pytest.mark.parametrize(
    ("findings", "state", "reason"),
    [
        ({}, "due", None),
        ({"chest_xray": [{"date": "2026-11-21"}]}, "pending", "unread"),
        ({"chest_xray": [FILM]}, "done", None),
        ({"sputum": specimens(2)}, "pending", None),
        ({"sputum": specimens(3)}, "done", None),
        ({"sputum": specimens(3), "chest_xray": [{"date": "2026-11-21"}]}, "done", None),
        ({"sputum": changed(2, culture=None, culture_reported=None)}, "pending", "result_awaited"),
    ],
)
def test_a_childs_investigation(findings, state, reason):
    given = answered("uk-tb", born="2020-05-10", history={"tb_signs": [{"code": "fever"}]}, findings=findings)
    item = given["items"]["tb_investigation"]
    assert (item["state"], item.get("reason")) == (state, reason)
    assert item["accepts"] == ["chest_xray", "sputum", "gastric_lavage"]
