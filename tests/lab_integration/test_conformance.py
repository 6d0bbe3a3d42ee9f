"""The report for a vendor: its findings, its limits, and that it names no person and changes nothing."""

import pytest
from django.urls import reverse

from lab_integration import conformance
from lab_integration.models import ReceivedMessage
from mhac.accounts.models import Access

from .conftest import make_analyzer, result
from .test_inbox import take

HEADER = "MSH|^~\\&|BENCH|LAB|MHAC|IOM|20260101120000+0430||ORU^R01^ORU_R01|1|P|2.5.1||||||UNICODE UTF-8\r"
CLEAN = HEADER + "PID|1||77^^^X||Testzada^Zamira||19940302|F\rOBR|1|||ALT^ALT^L\rOBX|1|NM|ALT^ALT^L||31|U/L|||||F\r"


def found(text, **given):
    body = text if isinstance(text, bytes) else text.encode()
    return {(one.level, one.where) for one in conformance.examine(body, **given).findings}


def own(text):
    """What our own reader finds; too large for hl7apy, so that no process is started."""
    body = (text if isinstance(text, bytes) else text.encode()) + b"NTE|1||" + b"x" * conformance.MOST_BYTES + b"\r"
    return {(one.level, one.where) for one in conformance.examine(body).findings}


@pytest.mark.parametrize(
    ("old", "new", "level", "where"),
    [
        ("|^~\\&|", "|^~\\|", "error", "MSH-2"),
        ("ORU^R01^ORU_R01", "ORU^R01", "error", "MSH-9"),
        ("ORU_R01|1|P", "ORU_R01||P", "error", "MSH-10"),
        ("ORU_R01|1|P", f"ORU_R01|{'9' * 21}|P", "error", "MSH-10"),
        ("|P|2.5.1|", "||2.5.1|", "error", "MSH-11"),
        ("|2.5.1|", "|2,3,1|", "error", "MSH-12"),
        ("UNICODE UTF-8", "KLINGON", "error", "MSH-18"),
        ("20260101120000+0430", "20260101120000", "trap", "MSH-7"),
        ("20260101120000+0430", "1 Jan 2026", "error", "MSH-7"),
        ("|NM|", "||", "error", "OBX[1]-2"),
        ("|NM|", "|BOTH|", "error", "OBX[1]-2"),
        ("||31|", "||<31|", "error", "OBX[1]-5"),
        ("||31|", "||3,1|", "error", "OBX[1]-5"),
        ("|U/L|", "||", "note", "OBX[1]-6"),
        ("U/L|||||F", "U/L||N^^HL70078|||F", "trap", "OBX[1]-8"),
        ("U/L|||||F", "U/L|||||", "error", "OBX[1]-11"),
        ("NM|ALT^ALT^L", "NM|^^^ALT", "error", "OBX[1]-3"),
        ("|U/L|", "|\\Z03BC\\g|", "trap", "OBX[1]-6"),
        ("|||||F\r", "|||||F" + "|" * 18 + "RSLT\r", "trap", "OBX[1]-29"),
        ("OBR|1", "TCD|ALT\rINV|1\rOBR|1", "trap", "INV[1]"),
        ("OBR|1", HEADER + "OBR|1", "trap", ""),
    ],
)
def test_what_is_not_as_hl7_says_is_named_with_its_place(old, new, level, where):
    assert (level, where) not in own(CLEAN)
    assert (level, where) in own(CLEAN.replace(old, new, 1)) or (level, "MSH[2]") in own(CLEAN.replace(old, new, 1))


@pytest.mark.parametrize("damage", [lambda text: text.replace("\r", "\n"), lambda text: "\ufeff" + text])
def test_line_ends_and_stray_bytes_are_traps(damage):
    assert ("trap", "") in own(damage(CLEAN))


def test_hl7apy_is_asked_and_what_it_drops_is_named():
    report = conformance.examine(CLEAN.replace("OBR|1", "SAC|||KBL1\rOBR|1").encode())
    assert report.whole
    told = conformance.written(report, ["Message of a test"])
    assert told.startswith("Message of a test\n5 segments, ")
    assert "SAC" in told
    assert "drops 1 of 1 in silence" in told


def test_a_clean_message_has_little_to_say():
    report = conformance.examine(CLEAN.encode())
    assert report.whole
    assert [one for one in report.findings if one.level == "trap"] == []


def test_no_person_stands_in_the_report():
    text = CLEAN.replace("Testzada^Zamira", "Testzada^Zamira^" + "Q" * 300).replace("|F\r", "|Zamira\r", 1)
    told = conformance.written(conformance.examine(text.encode()), [])
    assert [word for word in ("Testzada", "Zamira", "19940302", "QQQ") if word in told] == []


@pytest.mark.parametrize(
    ("body", "transport"),
    [(b"", "mllp"), (b"\x00\xff", "mllp"), (b"MSH|", "mllp"), (b"", "lis1"), (b"H|\\^&\rR|1|^^^A|1\rL|1\r", "lis1")],
)
def test_whatever_the_bytes_are_there_is_a_report(body, transport):
    assert conformance.written(conformance.examine(body, transport), [])


def test_what_is_too_large_is_not_given_to_hl7apy():
    report = conformance.examine((CLEAN + "NTE|1||x\r" * (conformance.MOST_SEGMENTS + 1)).encode())
    assert not report.whole
    assert "cut short" in conformance.written(report, [])


@pytest.mark.django_db
def test_the_page_and_the_file_need_the_payload_and_are_written_down(as_user, cast, kabul, catalogue):
    row = take(make_analyzer(kabul), result("KBL2600009A").replace("|NM|", "|BOTH|"))
    address = reverse("lab_integration:conformance", args=[row.pk])
    client = as_user(cast.lab)
    assert "OBX[1]-2" in client.get(address).text
    answer = client.get(address, {"as": "text"})
    assert answer["Content-Type"].startswith("text/plain")
    assert "attachment" in answer["Content-Disposition"]
    assert b"OBX[1]-2" in answer.content
    assert Access.objects.filter(page="lab_integration:conformance", key=str(row.pk)).count() == 2
    assert as_user(cast.adm).get(address).status_code == 403
    assert as_user(cast.herat_lab).get(address).status_code == 404
    after = ReceivedMessage.objects.get(pk=row.pk)
    assert (after.state, after.attempts) == (row.state, row.attempts)
