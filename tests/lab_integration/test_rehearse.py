"""Rehearsals: cases that somebody else wrote, and refusals; nothing is left behind."""

import base64
import io
import json
import random
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.management import call_command

from lab_integration.models import Analyzer, ReceivedMessage
from lab_integration.rehearsal import dumps, rehearse
from mhac.clinics.models import Clinic
from mhac.labs.models import LabResult, Specimen, Test

from .partial import holds

pytestmark = pytest.mark.django_db
FILE = Path(__file__).parent / "rehearsals.jsonl"
CASES = [json.loads(line, parse_float=Decimal) for line in FILE.read_text(encoding="utf-8").splitlines()]
NOW = "2026-09-15T12:00:00+04:30"


def played(case):
    return json.loads(dumps(rehearse(case)), parse_float=Decimal)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["id"])
def test_case(case):
    answer = played(case["case"])
    assert holds(case["expect"], answer), answer


def test_the_comparer_would_notice():
    assert not holds({"ack": "AA"}, {"ack": "AE"})
    assert not holds([{"a": 1}, {"a": 1}], [{"a": 1}, {"a": 2}])
    assert not holds({"$lacks": ["PID"]}, ["MSH", "PID"])
    assert not holds(True, 1)


def test_nothing_is_left_behind(kabul, cast, catalogue):
    from .conftest import make_specimen

    specimen = make_specimen(kabul, cast.cli, catalogue.values())
    before = [model.objects.count() for model in (Clinic, Test, Specimen, Analyzer, ReceivedMessage, LabResult)]
    case = json.loads(json.dumps(CASES[0]["case"], default=str))
    # The same number and the same test as real ones: the real ones are not in the way and not touched.
    case["orders"][0]["accession"] = specimen.accession
    case["messages"][0]["hl7"] = case["messages"][0]["hl7"].replace("KBL2600001Q", specimen.accession)
    case["tests"].append({"key": "alt", "kind": "text"})
    assert played(case)["results"]
    after = [model.objects.count() for model in (Clinic, Test, Specimen, Analyzer, ReceivedMessage, LabResult)]
    assert before == after
    catalogue["alt"].refresh_from_db()
    assert catalogue["alt"].kind == "numeric"
    assert Specimen.objects.get().accession == specimen.accession


def minimal(**changes):
    case = {
        "id": "x",
        "now": NOW,
        "tests": [{"key": "crp", "kind": "numeric", "unit": "mg/L"}],
        "analyzer": {
            "name": "A",
            "dialect": "hl7",
            "specimen_fields": ["OBR-3"],
            "code_map": [{"code": "CRP", "test": "crp"}],
        },
        "orders": [{"accession": "KBL2600001Q", "tests": ["crp"]}],
        "messages": [],
    }
    return case | changes


@pytest.mark.parametrize(
    "change, path",
    [
        ({"nwo": NOW}, "nwo"),
        ({"now": "2026-09-15T12:00:00"}, "now"),
        ({"now": 5}, "now"),
        ({"id": ""}, "id"),
        ({"id": "y" * 65}, "id"),
        ({"clinic_timezone": "Kabul"}, "clinic_timezone"),
        ({"accession_format": {"pattern": "(", "check": "none"}}, "accession_format.pattern"),
        ({"accession_format": {"pattern": "x", "check": "mod11"}}, "accession_format.check"),
        ({"tests": [{"key": "crp", "kind": "number"}]}, "tests[0].kind"),
        ({"tests": {"key": "crp"}}, "tests"),
        ({"orders": [{"accession": "A", "tests": ["alt"]}]}, "orders[0].tests[0]"),
        ({"orders": [{"accession": "A", "tests": ["crp"], "priority": "U"}]}, "orders[0].priority"),
        ({"orders": [{"accession": "A", "tests": ["crp"], "patient": {"sex": "female"}}]}, "orders[0].patient.sex"),
        ({"messages": [{"hl7": "x", "astm": "y"}]}, "messages[0]"),
        ({"messages": [{}]}, "messages[0]"),
        ({"messages": [{"bytes_base64": "%%"}]}, "messages[0].bytes_base64"),
        ({"analyzer": {"name": "A", "dialect": "hprim", "code_map": []}}, "analyzer.dialect"),
        ({"analyzer": {"name": "A", "dialect": "hl7"}}, "analyzer.code_map"),
        ({"analyzer": {"name": "A", "dialect": "hl7", "code_map": [], "law": "yes"}}, "analyzer.law"),
        ({"analyzer": {"name": "A", "dialect": "hl7", "code_map": [], "ack": "none"}}, "analyzer.ack"),
        ({"analyzer": {"name": "A", "dialect": "hl7", "code_map": [], "charset": "klingon"}}, "analyzer.charset"),
        ({"analyzer": {"name": "A", "dialect": "hl7", "code_map": [{"code": "X"}]}}, "analyzer.code_map[0].test"),
        (
            {"analyzer": {"name": "A", "dialect": "hl7", "code_map": [], "specimen_fields": ["OBR3"]}},
            "analyzer.specimen_fields[0]",
        ),
    ],
)
def test_a_line_without_its_shape_is_refused_with_the_place(change, path):
    answer = played(minimal(**change))
    assert set(answer) == {"id", "error"}
    assert answer["error"]["path"] == path
    assert answer["error"]["message"]


def test_the_command_answers_every_line_and_says_how_it_went(tmp_path, capfdbinary, monkeypatch):
    file = tmp_path / "cases.jsonl"
    file.write_text("\n".join([json.dumps(minimal()), "", "{no json", json.dumps(minimal(id="z", nwo=1))]))
    with pytest.raises(SystemExit) as end:
        call_command("lab_rehearse", str(file))
    assert end.value.code == 1
    answers = [json.loads(line) for line in capfdbinary.readouterr().out.splitlines()]
    assert [answer["id"] for answer in answers] == ["x", None, "z"]
    assert ["error" in answer for answer in answers] == [False, True, True]
    monkeypatch.setattr("sys.stdin", io.TextIOWrapper(io.BytesIO(json.dumps(minimal()).encode())))
    with pytest.raises(SystemExit) as end:
        call_command("lab_rehearse", "-")
    assert end.value.code == 0
    with pytest.raises(SystemExit) as end:
        call_command("lab_rehearse", str(tmp_path / "none.jsonl"))
    assert end.value.code == 2


# -- more of our own --------------------------------------------------------------------------------------------------

HEAD = "MSH|^~\\&|X||||20260915115800||ORU^R01|{number}|P|2.3.1\rPID|1\rOBR|1||KBL2600001Q\r"


def message(value, *, number="1", status="F", unit="mg/L", code="CRP", type_="NM", rest=""):
    return {"hl7": HEAD.format(number=number) + f"OBX|1|{type_}|{code}||{value}|{unit}|||||{status}|||{rest}\r"}


def states(answer):
    return [[line["state"] for line in one["lines"]] for one in answer["messages"]]


@pytest.mark.parametrize(
    "sent, found, standing",
    [
        ([("5", "P"), ("6", "P")], ["SUPERSEDED", "FILED"], (6, "P", 2)),
        ([("5", "F"), ("6", "P")], ["FILED", "SUPERSEDED"], (5, "F", 1)),
        ([("5", "P"), ("5", "F"), ("6", "C")], ["SUPERSEDED", "SUPERSEDED", "FILED"], (6, "C", 3)),
        ([("5", "F"), ("5", "C")], ["SUPERSEDED", "FILED"], (5, "C", 2)),
        ([("5", "F"), ("6", "F"), ("7", "C")], ["SUPERSEDED", "CONFLICT", "FILED"], (7, "C", 2)),
        ([("5", "F"), ("5", "U")], ["FILED", "DUPLICATE"], (5, "F", 1)),
        ([("5", "F"), ("5", "D")], ["FILED", "CONFLICT"], (5, "F", 1)),
        ([("5", "F"), ("", "X")], ["FILED", "RUN_FAILURE"], (5, "F", 1)),
        ([("", "X"), ("5", "F")], ["RUN_FAILURE", "FILED"], (5, "F", 1)),
        ([("5", "C"), ("6", "C")], ["SUPERSEDED", "FILED"], (6, "C", 2)),
        ([("5", "C"), ("4", "F"), ("5", "P")], ["FILED", "SUPERSEDED", "SUPERSEDED"], (5, "C", 1)),
    ],
)
def test_versions_in_the_order_of_arrival(sent, found, standing):
    messages = [message(value, number=str(place), status=status) for place, (value, status) in enumerate(sent)]
    answer = played(minimal(messages=messages))
    assert [state for one in states(answer) for state in one] == found
    result = answer["results"][0]
    assert (result["value"]["number"], result["status"], result["version"]) == standing


def test_a_repeat_is_due_until_a_value_comes():
    failed = message("----", number="1")
    assert played(minimal(messages=[failed]))["repeats"] == [{"accession": "KBL2600001Q", "test": "crp"}]
    assert played(minimal(messages=[failed, message("5", number="2")]))["repeats"] == []


def test_a_preliminary_value_observed_earlier_never_replaces_a_later_one():
    late = message("6", number="2", status="P", rest="20260915100000")
    answer = played(minimal(messages=[message("5", status="P", rest="20260915110000"), late]))
    assert states(answer) == [["FILED"], ["SUPERSEDED"]]
    assert answer["messages"][1]["lines"][0]["reason"] == "late_original"


def test_a_conclusion_before_its_values_is_matched_when_they_come():
    case = json.loads(json.dumps(next(one for one in CASES if one["id"].startswith("liaison"))["case"], default=str))
    case["messages"].insert(0, case["messages"].pop())
    answer = played(case)
    assert {state for one in states(answer) for state in one} == {"FILED"}
    case["messages"][0]["astm"] = case["messages"][0]["astm"].replace("|POS|", "|NEG|")
    line = played(case)["messages"][0]["lines"][0]
    assert (line["state"], line["reason"]) == ("CONFLICT", "recomputation_disagrees")


def test_an_order_is_never_matched_by_a_number_with_a_wrong_check_character():
    case = minimal(messages=[message("5")], orders=[{"accession": "KBL2600001P", "tests": ["crp"]}])
    case["messages"][0]["hl7"] = case["messages"][0]["hl7"].replace("KBL2600001Q", "KBL2600001P")
    line = played(case)["messages"][0]["lines"][0]
    assert (line["state"], line["reason"]) == ("UNMATCHED_SPECIMEN", "check_character")


def test_a_demanded_second_identifier_that_nobody_states_holds_the_row():
    case = minimal(messages=[message("5")])
    case["analyzer"]["require_second_identifier"] = True
    line = played(case)["messages"][0]["lines"][0]
    assert (line["state"], line["reason"]) == ("IDENTITY_MISMATCH", "second_identifier_missing")


def query(kind, text, **changes):
    case = minimal(messages=[{"hl7": text}], **changes)
    return played(case)["replies"]


def test_all_pending_work_is_one_order_message():
    orders = [{"accession": number, "tests": ["crp"]} for number in ("KBL2600001Q", "KBL2600003M")]
    text = (
        "MSH|^~\\&|X||||20260915115800||QBP^Q11^QBP_Q11|1|P|2.5.1|||NE|AL\r"
        "QPD|WOS_ALL^Work Order Step All^IHE_LABTF|t1\rRCP|I||R\r"
    )
    first, second = query("law", text, orders=orders)
    assert (first["type"], first["answer"]["status"]) == ("RSP^K11^RSP_K11", "OK")
    assert [one["specimen_id"] for one in second["answer"]["specimens"]] == ["KBL2600001Q", "KBL2600003M"]
    assert second["answer"]["segments"].count("SPM") == 2


def test_a_person_is_named_only_where_the_profile_says_so():
    orders = [{"accession": "KBL2600001Q", "tests": ["crp"], "patient": {"sex": "F", "birth_date": "1994-03-02"}}]
    text = "MSH|^~\\&|X||||20260915115800||ORM^O01|1|P|2.3.1\rORC|RF||KBL2600001Q||IP\r"
    assert query("bc", text, orders=orders)[0]["answer"]["patient"] is None
    analyzer = minimal()["analyzer"] | {"query": {"send_patient": True}}
    answer = query("bc", text, orders=orders, analyzer=analyzer)[0]["answer"]
    assert answer["patient"] == {"sex": "F", "birth_date": "1994-03-02"}


def test_what_has_a_result_is_not_asked_for_again():
    text = "MSH|^~\\&|X||||20260915115800||QRY^Q02|1|P|2.3.1\rQRD|20260915115800|R|D|1|||RD|KBL2600001Q|OTH|||T\r"
    replies = played(minimal(messages=[message("5"), {"hl7": text}]))["replies"]
    assert [reply["type"] for reply in replies] == ["ACK^R01", "QCK^Q02"]
    assert replies[1]["answer"]["status"] == "NF"


@pytest.mark.parametrize("negative, records, end", [("l_i", ["H", "L"], "I"), ("o_y", ["H", "P", "O", "L"], "N")])
def test_nothing_to_do_in_the_words_of_each_astm_device(negative, records, end):
    analyzer = {"name": "A", "dialect": "astm", "code_map": [], "query": {"negative": negative}}
    text = "H|\\^&|||A\rQ|1|^KBL2600009A||ALL\rL|1|N\r"
    answer = played(minimal(analyzer=analyzer, messages=[{"astm": text}]))["replies"][0]["answer"]
    assert (answer["segments"], answer["end"], answer["status"]) == (records, end, "NF")


def test_a_session_with_two_messages_is_one_entry():
    from lab_integration import astm

    text = b"".join(b"H|\\^&|||A\rO|1|KBL2600001Q\rR|1|^^^CRP|%d|mg/L||||F\rL|1|N\r" % n for n in (1, 2))
    wire = astm.ENQ + b"".join(astm.frames(text)) + astm.EOT
    analyzer = {"name": "A", "dialect": "astm", "code_map": [{"code": "CRP", "test": "crp"}]}
    answer = played(minimal(analyzer=analyzer, messages=[{"wire_base64": base64.b64encode(wire).decode()}]))
    assert answer["replies"] == [
        {"n": 0, "ack": "none", "mode": "lis2", "link": ["ACK"] * (1 + len(astm.frames(text)))}
    ]
    assert states(answer) == [["FILED"], ["CONFLICT"]]


def test_the_same_query_twice_is_answered_twice():
    text = "MSH|^~\\&|X||||20260915115800||ORM^O01|1|P|2.3.1\rORC|RF||KBL2600001Q||IP\r"
    answer = played(minimal(messages=[{"hl7": text}, {"hl7": text}]))
    assert [one["state"] for one in answer["messages"]] == ["ANSWERED", "ANSWERED"]
    steps = [reply["answer"]["specimens"][0]["steps"][0]["step_id"] for reply in answer["replies"]]
    assert steps[0] != steps[1]


def test_nul_and_surrogates_do_no_harm():
    bad = message("5\x00", unit="mg/L\x00")
    bad["hl7"] += "NTE|1||\\ZD800\\\x00\r"
    line = played(minimal(messages=[bad]))["messages"][0]["lines"][0]
    assert line["state"] == "VALUE_UNREADABLE"


SIGNS = [
    "|",
    "^",
    "~",
    "\\",
    "&",
    "\r",
    "\n",
    "\x00",
    "\x1c",
    '""',
    "<",
    "*",
    ".",
    "é",
    "ی",
    "1e400",
    "MSH|",
    "OBX|",
    "\rPID|1\r",
]


def damaged(text, chance):
    for _time in range(chance.randrange(1, 6)):
        at, kind = chance.randrange(len(text) + 1), chance.randrange(3)
        if kind == 0:
            text = text[:at] + chance.choice(SIGNS) + text[at:]
        elif kind == 1:
            text = text[:at] + text[at + chance.randrange(1, 30) :]
        else:
            other = chance.randrange(len(text) + 1)
            text = text[:at] + text[min(at, other) : max(at, other)][:80] + text[at:]
    return text


@pytest.mark.parametrize("seed", range(4))
def test_damaged_messages_always_get_a_state_and_lose_no_row(seed):
    """Cases with signs put in, cut out and doubled at random: none fails, and every observation is a line."""
    chance = random.Random(seed)
    for _time in range(40):
        case = json.loads(json.dumps(chance.choice(CASES)["case"], default=float))
        for one in case["messages"]:
            for key in {"hl7", "astm"} & one.keys():
                one[key] = damaged(one[key], chance)
        answer = played(case)
        assert "error" not in answer
        assert len(answer["replies"]) >= len(case["messages"])
        for one in answer["messages"]:
            assert one["state"] not in {"FAILED", "RECEIVED"}, case
            if one["state"] in {"PROCESSED", "PARTLY_HELD", "HELD"}:
                assert len(one["lines"]) == one["observations"]


@pytest.mark.parametrize(
    "word, state", [("P", "PROCESSED"), ("", "PROCESSED"), ("LIS2-A2", "PROCESSED"), ("T", "UNSUPPORTED_TYPE")]
)
def test_a_lis2_message_is_refused_only_when_it_says_that_it_is_training(word, state):
    analyzer = {"name": "A", "dialect": "astm", "code_map": [{"code": "CRP", "test": "crp"}]}
    text = f"H|\\^&|||A|||||||{word}|1\rO|1|KBL2600001Q\rR|1|^^^CRP|5|mg/L||||F\rL|1|N\r"
    assert played(minimal(analyzer=analyzer, messages=[{"astm": text}]))["messages"][0]["state"] == state
