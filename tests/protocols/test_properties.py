"""What must hold for every record, whatever it says."""

import copy
import datetime
import json
import random
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from mhac.protocols import vocabulary
from mhac.protocols.rehearsal import answer, answer_line, written

from .made import CONTACT, EXAMINED, FILM, GONORRHOEA, NOTHING, PROGRAMMES, SYPHILIS, record, specimens

CASES = [
    json.loads(line)["case"]
    for name in ("open.jsonl", "open_unverified.jsonl")
    for line in (Path(__file__).parent / name).read_text(encoding="utf-8").splitlines()
]
RESULT = {"drawn": EXAMINED, "result": "nonreactive"}
DATED = {"date": EXAMINED}
quick = settings(max_examples=150, deadline=None, database=None)

births = st.one_of(
    st.dates(datetime.date(1930, 1, 1), datetime.date(2026, 11, 21)),
    st.dates(datetime.date(2011, 1, 1), datetime.date(2026, 11, 21)),
)
programmes = st.sampled_from(PROGRAMMES.keys())
TESTS = {
    "chest_xray": [[FILM], [{**FILM, "findings": ["cavity"]}], [{**FILM, "findings": ["cardiac"]}], [DATED]],
    "igra": [[{"date": EXAMINED, "result": result}] for result in vocabulary.IGRA_RESULTS],
    "sputum": [specimens(), specimens(2), specimens(culture="mtb"), specimens(smear="1+"), specimens(culture="ntm")],
    "syphilis": [SYPHILIS],
    "gonorrhoea": [GONORRHOEA, GONORRHOEA | {"naat": "invalid"}],
    "hiv": [RESULT, RESULT | {"result": "reactive"}],
    "hepatitis_b": [RESULT],
    "hepatitis_c": [RESULT, {"drawn": EXAMINED}],
    "urinalysis": [{"date": EXAMINED, "result": "normal"}],
    "blood_count": [{"drawn": EXAMINED, "haemoglobin_g_dl": 12}],
    "creatinine": [{"drawn": EXAMINED, "egfr_reported": value} for value in (20, 45, 80)],
    "hba1c": [{"drawn": EXAMINED, "ngsp_percent": value} for value in (5, 12)],
    "identity": [DATED],
    "consent": [DATED],
    "symptom_screen": [DATED],
    "clinician_review": [DATED],
    "gmhat": [DATED],
    "xpert": [{"date": EXAMINED, "result": result} for result in ("not_detected", "trace", "low")],
    "vaccination": [DATED, {"date": EXAMINED, "complete": list(vocabulary.TABLE_VACCINES)}],
    "reports": [["endocrinologist", "nephrologist"]],
}
HISTORY = {
    "known_hiv": True,
    "tb_signs": [{"code": "weight_loss"}],
    "tb_history": [{"year": 2015, "treated_by": "elsewhere"}],
    "tb_contacts": [CONTACT],
    "risks": ["dialysis", "mother_hiv", "health_care_work"],
}


@st.composite
def records(draw, programme=programmes):
    """A person under any programme, with any part of the tests recorded."""
    findings = {key: draw(st.sampled_from(values)) for key, values in TESTS.items() if draw(st.booleans())}
    history = {key: value for key, value in HISTORY.items() if draw(st.integers(0, 2)) == 0}
    sex = draw(st.sampled_from(vocabulary.SEXES))
    person = {}
    if sex != "male" and draw(st.booleans()):
        choice = draw(st.sampled_from(vocabulary.FILM_CHOICES))
        person["pregnancy"] = {
            "pregnant": draw(st.booleans()),
            "weeks": draw(st.integers(0, 40)),
            "film_choice": choice,
        }
    stay = draw(st.sampled_from([None, 0, 28, 29]))
    return record(
        draw(programme),
        born=draw(births).isoformat(),
        sex=sex,
        person=person,
        history=history | {"polio_area_stay_days": stay},
        findings=findings,
    )


def answered(made):
    found = answer(made, PROGRAMMES)
    assert "error" not in found, found
    return found


def reborn(made, birth, **person):
    """The same record with another birth and no finding dated before it."""
    other = copy.deepcopy(made)
    other["person"] |= {"born": birth.isoformat()} | person
    return other


@quick
@given(records())
def test_cleared_only_when_nothing_is_open(made):
    found = answered(made)
    is_open = [code for code in found["required"] if found["items"][code]["state"] != "done"]
    waiting = found["proposed"] or found["withheld"] or found["unknown"] or is_open
    state = found["outcome"]["state"]
    if state == "cleared":
        assert not waiting
    if state == "incomplete":
        assert is_open or found["unknown"]
        assert found["outcome"]["classes"] == []
    if state == "physician_decision":
        assert not is_open
        assert not found["unknown"]
        assert found["outcome"]["classes"] == []
    if state == "not_cleared":
        assert all(code.endswith("_a") for code in found["outcome"]["classes"])
    if state != "cleared":
        assert found["valid_until"] is None
        assert found["outcome"]["grade"] is None
    assert (found["outcome"]["options"] == []) or state == "physician_decision"


@quick
@given(records())
def test_a_history_never_removes_a_required_item(made):
    before = set(answered(made)["required"])
    for key, value in HISTORY.items():
        more = copy.deepcopy(made)
        more["history"][key] = value
        assert before <= set(answered(more)["required"]), key


ADDED = [
    {"chest_xray": [{**FILM, "findings": ["cavity"]}]},
    {"chest_xray": [{**FILM, "findings": ["cardiac"]}]},
    {"igra": [{"date": EXAMINED, "result": "positive"}]},
    {"igra": [{"date": EXAMINED, "result": "indeterminate"}]},
    {"sputum": specimens(culture="mtb", dst={"isoniazid": "R", "rifampicin": "R"})},
    {"sputum": specimens(smear="3+")},
    {"hba1c": {"drawn": EXAMINED, "ngsp_percent": 12}},
    {"creatinine": {"drawn": EXAMINED, "egfr_reported": 20}},
    {"hiv": RESULT | {"result": "reactive"}},
    {"physical_exam": {"conditions": [{"code": "genital_ulcer"}]}},
    {"physical_exam": {"conditions": [{"code": "extrapulmonary_tb", "site": "spine"}]}},
    {"xpert": {"date": EXAMINED, "result": "high"}},
]


@quick
@given(records())
def test_a_first_finding_never_removes_a_required_item(made):
    for added in ADDED:
        (key,) = added
        without = copy.deepcopy(made)
        without["findings"].pop(key, None)
        more = copy.deepcopy(without)
        more["findings"] |= added
        assert set(answered(without)["required"]) <= set(answered(more)["required"]), added


@quick
@given(records(), st.sampled_from(vocabulary.ITEMS), st.booleans())
def test_what_is_requested_or_ordered_is_required(made, item, ordered):
    more = copy.deepcopy(made)
    if ordered:
        more["decisions"] = [{"code": "order", "item": item, "reason": "asked"}]
    else:
        more["requested"] = [item]
    found = answered(more)
    assert ("DEC-1" if ordered else "REQ-1") in found["items"][item]["rules"]
    assert set(found["required"]) == set(answered(made)["required"]) | {item}


REACTIVE = RESULT | {"result": "reactive"}
FINISHED = {
    "chest_xray": [[FILM], [FILM], [{**FILM, "findings": ["cardiac"]}]],
    "igra": [[{"date": EXAMINED, "result": "negative"}], [{"date": EXAMINED, "result": "positive"}]],
    "syphilis": [SYPHILIS],
    "hiv": [RESULT, RESULT, REACTIVE],
    "hepatitis_b": [RESULT, RESULT, REACTIVE],
    "hepatitis_c": [RESULT, RESULT, REACTIVE],
    "urinalysis": [{"date": EXAMINED, "result": "normal"}],
    "creatinine": [{"drawn": EXAMINED, "egfr_reported": value} for value in (80, 80, 59)],
}


@st.composite
def graded(draw):
    """A finished record of a programme that gives grades: always cleared, A or B."""
    history = {"tb_history": HISTORY["tb_history"]} if draw(st.integers(0, 3)) == 0 else {}
    findings = {key: draw(st.sampled_from(values)) for key, values in FINISHED.items()}
    return record(
        draw(st.sampled_from(["ca", "au-permanent", "au-humanitarian"])),
        born=draw(births).isoformat(),
        history=history | {"polio_area_stay_days": 0},
        findings=findings,
    )


grades = st.lists(
    st.sampled_from([{"grade": "A"}, {"grade": "A", "comment": "x"}, {"grade": "B"}, {"grade": "B", "comment": "y"}])
)


@quick
@given(graded(), grades)
def test_no_decision_turns_b_into_a(made, decisions):
    before = answered(made)["outcome"]
    assert before["state"] == "cleared"
    more = made | {"decisions": [{"code": "grade", **decision} for decision in decisions]}
    after = answered(more)["outcome"]
    assert after["state"] == "cleared"
    raised = before["grade"] == "B" or any(each["grade"] == "B" for each in decisions)
    assert after["grade"] == ("B" if raised else "A")


@quick
@given(graded())
def test_no_further_finding_turns_b_into_a(made):
    """A later test for infection replaces an earlier one: that is a changed finding, not a further one."""
    before = answered(made)["outcome"]["grade"]
    for added in ADDED:
        (key,) = added
        more = copy.deepcopy(made)
        if key in ("physical_exam", "chest_xray", "sputum", "xpert", "hba1c"):
            more["findings"][key] = (
                made["findings"].get(key, []) + added[key] if isinstance(added[key], list) else added[key]
            )
        assert (before, answered(more)["outcome"]["grade"]) != ("B", "A"), added


@quick
@given(records(), births, births)
def test_an_uncertain_age_requires_what_both_ends_require(made, first, second):
    earliest, latest = sorted([first, second])
    young, old = answered(reborn(made, latest)), answered(reborn(made, earliest))
    between = copy.deepcopy(made)
    between["person"].pop("born")
    between["person"] |= {"born_between": [earliest.isoformat(), latest.isoformat()], "birth_precision": "year"}
    found = answered(between)
    at_both = set(young["required"]) & set(old["required"])
    at_one = set(young["required"]) ^ set(old["required"])
    assert set(found["required"]) == at_both
    named = set(found["proposed"]) | set(found["withheld"])
    assert at_one <= named
    assert ("age_ambiguous" in found["warnings"]) is bool(at_one)
    assert set(found["withheld"]) <= vocabulary.FILMS
    proposals = set(young["proposed"]) | set(old["proposed"])
    assert not (set(found["proposed"]) & vocabulary.FILMS) - proposals


LIMITS = [(key, limit) for key in PROGRAMMES for limit in sorted(PROGRAMMES.editions(key)[-1].age_limits)]


@pytest.mark.parametrize(("programme", "limit"), LIMITS)
@pytest.mark.parametrize("day", ["2026-11-21", "2027-03-01", "2028-02-29", "2028-03-01", "2027-12-31"])
@pytest.mark.parametrize("signs", [[], [{"code": "fever"}]])
def test_an_answer_changes_on_the_birthday_and_on_no_other_day(programme, limit, day, signs):
    examined = datetime.date.fromisoformat(day)
    month_day = (28, 2) if (examined.month, examined.day) == (2, 29) else (examined.day, examined.month)
    birthday = datetime.date(examined.year - limit, month_day[1], month_day[0])

    def required(offset):
        born = birthday + datetime.timedelta(days=offset)
        made = record(programme, born=born.isoformat()) | {"examined": day}
        made["history"] |= {"tb_signs": signs, "polio_area_stay_days": 0}
        found = answered(made)
        return set(found["required"]), found["age"]

    reached, short = required(0), required(2 if (examined.month, examined.day) == (2, 29) else 1)
    assert (reached[1], short[1]) == (limit, limit - 1)
    assert required(-200)[0] == required(-1)[0] == reached[0]
    if limit > 1:
        assert required(200)[0] == short[0]
    rows = PROGRAMMES.editions(programme)[-1].requires
    if not signs and any(row.when == "always" and limit in (row.from_age, (row.to_age or -2) + 1) for row in rows):
        assert reached[0] != short[0]


@quick
@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_keys_and_sets_changes_nothing(made, shuffled):
    made["requested"] = ["hiv", "sputum", "hepatitis_b"]
    made["travel"] = {"departure": "2026-12-20", "from": "AFG", "needs": ["oxygen", "wheelchair", "escort_nurse"]}

    def turned(value):
        if isinstance(value, dict):
            keys = list(value)
            shuffled.shuffle(keys)
            return {key: turned(value[key]) for key in keys}
        return [turned(each) for each in value] if isinstance(value, list) else value

    other = turned(made)
    for part in (other["requested"], other["travel"]["needs"], other["history"]["risks"]):
        shuffled.shuffle(part)
    assert written(answered(other)) == written(answered(made))


STATES = {"done", "pending", "due", "deferred", "not_before"}
REASONS = {
    *("unanswered", "pregnancy", "pregnancy_unknown", "first_trimester", "live_vaccine", "repeat", "molecular_repeat"),
    *("contaminated", "same_day", "effusion_not_excluded", "unread", "result_awaited", "second_treponemal"),
    *("different_specimens", "outside_result", "method_not_accepted", "insufficient_information", "interval"),
    *("age_ambiguous", "not_documented"),
}
KEYS = {"state", "rules", "source", "verified", "reason", "not_before", "accepts", "accepted", "product"}
JUNK = [
    *(None, True, False, 0, 1, -1, 120, 10**30, 1.5, "", "x", "positive", "mtb", [], {}, "AFG", "us-iv"),
    *("2026-11-21", "0001-01-01", "9999-12-31", "2028-02-29", "2026-11-21T10:00:00+04:30"),
    *("9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+14:00"),
]


def nodes(value, path=()):
    if path:
        yield path
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from nodes(each, (*path, key))


@settings(max_examples=400, deadline=None, database=None)
@given(st.integers(0, 2**32))
def test_whatever_comes_is_answered_or_refused(seed):
    chance = random.Random(seed)
    made = copy.deepcopy(chance.choice(CASES))
    for _ in range(chance.randint(0, 3)):
        other = chance.choice(CASES)
        if chance.random() < 0.5:
            part = chance.choice(["findings", "history", "travel", "person"])
            if isinstance(made.setdefault(part, {}), dict):
                made[part].update(copy.deepcopy(other.get(part) or {}))
            made["programme"] = chance.choice(vocabulary.PROGRAMMES)
        else:
            *steps, last = chance.choice(list(nodes(made)))
            target = made
            for step in steps:
                target = target[step]
            target[last] = chance.choice(JUNK)
    found = answer_line(json.dumps(made), PROGRAMMES)
    assert json.loads(written(found)) == found
    if "error" in found:
        assert set(found) == {"id", "error"}
        assert set(found["error"]) == {"path", "message"}
        return
    groups = [set(found[key]) for key in ("required", "proposed", "withheld")]
    assert set(found["items"]) == set.union(*groups)
    assert sum(map(len, groups)) == len(found["items"])
    for code, item in found["items"].items():
        assert code in vocabulary.ITEMS
        assert set(item) <= KEYS
        assert item["state"] in STATES
        assert item.get("reason") in REASONS | {None}
        assert item["rules"]
        assert item["source"]
        assert item["rules"] == sorted(item["rules"])
        assert ("not_before" in item) or item["state"] != "not_before"
    assert found["warnings"] == sorted(set(found["warnings"]))


def test_nobody_who_was_not_asked_is_cleared():
    for programme in vocabulary.PROGRAMMES:
        for question in NOTHING:
            found = answered(record(programme, born="2026-05-10", history={question: None}))
            if question in PROGRAMMES.editions(programme)[-1].questions:
                assert f"history.{question}" in found["unknown"]
                assert found["outcome"]["state"] == "incomplete"
