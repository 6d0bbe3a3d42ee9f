"""Messages that nobody here wrote, over a real socket: nothing crashes, nothing is lost, nothing is filed by chance."""

import re
from pathlib import Path

import pytest
from django.core.management import call_command

from lab_integration import corpus
from lab_integration.models import ReceivedLine, ReceivedMessage
from mhac.labs.models import LabResult

from .conftest import eventually

pytestmark = pytest.mark.django_db(transaction=True)
FOLDER = Path(__file__).parent / "captures"
CAPTURES = corpus.files(FOLDER)
SUPPORTED = re.compile(
    rb"ORU\W?(R01|R30|R32)?(\W|$)|OUL\WR2[1-4]|(ACK|ORL|NMD|TCU|INU|SSU|QCN)(\W|$)|QBP\W(Q11|Z01|Z03)"
)


@pytest.fixture
def listening(wire, kabul):
    corpus.prepare(kabul)
    return wire.ports


def first_header(body):
    found = re.search(rb"MSH(.)[^\r\n]*", body)
    return found[0].split(found[1]), found[1]


def expected(body):
    """The answers that MSH-9, 11, 15 and 16 ask for, worked out here without our reader."""
    fields, _mark = first_header(body)
    fields += [b""] * 20
    queried = fields[8].startswith(b"QRY") and fields[8][4:7] == b"Q02"
    refused = not (SUPPORTED.match(fields[8]) or queried) or fields[10].split(fields[1][:1])[0] not in (b"P", b"Q", b"")
    accept, application = fields[14].strip().upper(), fields[15].strip().upper()
    words = {b"AL", b"NE", b"SU", b"ER"}
    if not {accept, application} & words:
        return ["AR" if refused else "AA"]
    found = ["CR" if refused else "CA"] if accept in (b"AL", b"SU") or (refused and accept == b"ER") else []
    if not (refused and found) and (application in (b"AL", b"SU") or (refused and application == b"ER")):
        found.append("AR" if refused else "AA")
    return found


def test_every_capture_has_its_notice():
    listed = {line.split("\t")[0] for line in (FOLDER / "NOTICE.tsv").read_text().splitlines()[1:]}
    assert listed == {str(path.relative_to(FOLDER)) for path in CAPTURES}
    assert len(CAPTURES) == 153


def test_all_captures_are_stored_answered_and_accounted_for(listening, kabul):
    wrong = {}
    for path in CAPTURES:
        played = corpus.play(path, *listening)
        body = path.read_bytes()
        if played.loss:
            wrong[path.name] = played.loss
        elif played.acks != expected(body) and b"QBP" not in body[:200]:
            wrong[path.name] = (played.acks, expected(body))
    assert wrong == {}
    assert ReceivedMessage.objects.filter(state__in=["FAILED", "RECEIVED"]).count() == 0
    assert ReceivedLine.objects.filter(state="FILED").count() == LabResult.objects.count() == 0
    assert ReceivedLine.objects.count() > 200
    rows = ReceivedMessage.objects.count()
    for path in CAPTURES:
        again = corpus.play(path, *listening)
        assert again.loss == [], path
        assert again.acks == expected(path.read_bytes()) or b"QBP" in path.read_bytes()[:200], path
    assert ReceivedMessage.objects.count() == rows
    assert set(ReceivedMessage.objects.values_list("repeats", flat=True)) == {1}
    assert LabResult.objects.count() == 0


@pytest.mark.parametrize("path", CAPTURES[::19], ids=lambda path: path.name)
def test_a_message_cut_short_is_kept_and_never_answered(listening, path):
    body = path.read_bytes()
    cuts = range(1, len(body), max(97, len(body) // 8))
    for cut in cuts:
        with corpus.connect("127.0.0.1", listening[0]) as line:
            line.sendall(b"\x0b" + body[:cut])
            line.shutdown(1)
            assert line.recv(4096) == b""
    kept = ReceivedMessage.objects.filter(complete=False)
    eventually(lambda: kept.count() == len(cuts))
    assert {row.state for row in kept} == {"INCOMPLETE"}
    assert {bytes(row.body) for row in kept} == {body[:cut] for cut in cuts}


def test_the_command_prints_a_table_and_no_loss(kabul, capsys, tmp_path):
    for path in CAPTURES[:3]:
        (tmp_path / path.name).write_bytes(path.read_bytes())
    call_command("corpus", str(tmp_path))
    told = capsys.readouterr().out
    assert "3 files" in told
    assert "files with a loss: 0" in told
