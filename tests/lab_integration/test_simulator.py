"""Simulated analyzers of four families against the real wire: what they ask, send, and do wrong on purpose."""

import ast
import io
import socket
import threading
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from lab_integration import families, receive, simulator
from lab_integration.models import Analyzer, ReceivedLine, ReceivedMessage, SentStep
from lab_integration.simulator.devices import FAMILIES
from lab_integration.simulator.line import Lis1, Mllp, frames, misread
from mhac.labs.models import LabOrder, LabResult, Test

from .conftest import eventually, make_analyzer, make_specimen

pytestmark = pytest.mark.django_db(transaction=True)

CODES = {
    "mindray": [{"code": "5", "test": "alt", "unit": "U/L"}, {"code": "2", "test": "glu", "unit": "g/L"}],
    "genexpert": [
        {"code": "MTBRIF^MTB", "test": "mtb", "order_code": "MTBRIF"},
        {"code": "MTBRIF^Rif*", "test": "mtb", "supplemental": True},
        {"code": "MTBRIF^Probe*", "test": "mtb", "supplemental": True},
    ],
    "astm": [
        {"code": "ALT", "test": "alt", "unit": "U/L"},
        {"code": "GLU", "test": "glu", "unit": "mmol/L"},
        {"code": "HIV", "test": "hiv"},
    ],
}
HABITS = {"mindray": "mindray_bs", "genexpert": "genexpert_hl7", "astm": ""}


@pytest.fixture
def training(settings):
    settings.TRAINING = True


@pytest.fixture
def bench(training, kabul, cast, catalogue):
    """bench(family) is a tube with orders for an analyzer of that family, which is set up here."""
    catalogue["mtb"] = Test.objects.create(
        key="mtb", name="MTB", kind="coded", allowed=["NOT DETECTED", "DETECTED LOW"], tube="serum"
    )

    def set_up(family):
        habits = families.families()[HABITS[family]].profile if HABITS[family] else {}
        dialect = FAMILIES[family].dialect
        make_analyzer(kabul, family, dialect=dialect, profile={**habits, "code_map": CODES[family]})
        keys = {entry["test"] for entry in CODES[family]}
        return make_specimen(kabul, cast.cli, [catalogue[key] for key in sorted(keys)])

    return set_up


def play(wire, family, specimen, *words):
    """What the command says of this tube."""
    port = wire.ports[1 if family != "law" and FAMILIES[family].dialect == "astm" else 0]
    said = io.StringIO()
    place = f"127.0.0.1:{port}"
    call_command("simulate_analyzer", family=family, listener=place, specimen=[specimen], stdout=said, **dict(words))
    while receive.process_next():
        pass
    return said.getvalue().strip().split("\n")[-1].partition(": ")[2]


def filed():
    return sorted(LabResult.objects.values_list("order__test__key", flat=True))


def states():
    return sorted(ReceivedMessage.objects.values_list("state", flat=True))


def test_no_simulator_knows_our_codecs_or_our_reader():
    """A mistake that both sides share would never be seen."""
    for path in Path(simulator.__path__[0]).glob("*.py"):
        tree = ast.parse(path.read_text("utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        strange = {name for name in imported if name.startswith(("lab_integration", "mhac", "django", "hl7"))}
        assert all(name.startswith("lab_integration.simulator") for name in strange), (path, strange)


@pytest.mark.parametrize(
    "family, answer, tests",
    [("mindray", "AA AA", ["alt", "glu"]), ("genexpert", "CA", ["mtb"]), ("astm", "ACK", ["alt", "glu", "hiv"])],
)
def test_it_asks_what_to_do_measures_and_is_acknowledged(wire, bench, family, answer, tests):
    specimen = bench(family)
    usual = [("value", ["MTBRIF=NOT DETECTED"])] if family == "genexpert" else []
    assert play(wire, family, specimen.accession, *usual) == answer
    assert filed() == tests
    assert set(LabOrder.objects.values_list("state", flat=True)) == {"resulted"}
    assert set(SentStep.objects.values_list("state", flat=True)) == {"DONE"}
    # Asked again, there is nothing left to do.
    assert play(wire, family, specimen.accession) == "nothing to do"


def test_a_law_analyzer_asks_measures_and_is_acknowledged(wire, training, kabul, cast, catalogue):
    for key, test in catalogue.items():
        Test.objects.filter(pk=test.pk).update(normal=["nonreactive"] if key == "hiv" else [])
    entries = [
        {"code": "ALT", "test": "alt", "unit": "U/L"},
        {"code": "GLU", "test": "glu", "unit": "mmol/L"},
        {"code": "HIV", "test": "hiv"},
    ]
    make_analyzer(kabul, "Law", profile={"law": True, "code_map": entries})
    specimen = make_specimen(kabul, cast.cli, catalogue.values())
    assert play(wire, "law", specimen.accession, ("delay", 0.1)) == ""
    assert filed() == ["alt", "glu", "hiv"]
    assert set(SentStep.objects.values_list("state", flat=True)) == {"DONE"}


@pytest.mark.parametrize("word", ["ERROR", "INVALID", "NO RESULT"])
def test_a_cartridge_that_failed_is_a_repeat_and_no_result(wire, bench, word):
    specimen = bench("genexpert")
    assert play(wire, "genexpert", specimen.accession, ("value", [f"MTBRIF={word}"])) == "CA"
    assert ReceivedLine.objects.get(code="MTBRIF^MTB").state == "RUN_FAILURE"
    assert LabOrder.objects.get().run_failed
    assert filed() == []


@pytest.mark.parametrize("family", ["mindray", "astm"])
def test_controls_never_come_near_a_person(wire, bench, family):
    specimen = bench(family)
    play(wire, family, specimen.accession, ("controls", True), ("test", ["5" if family == "mindray" else "ALT"]))
    kinds = set(ReceivedLine.objects.values_list("state", flat=True))
    assert kinds == {"QC", "FILED"}
    assert filed() == ["alt"]


@pytest.mark.parametrize("family", ["mindray", "astm"])
@pytest.mark.parametrize(
    "fault, kept",
    [
        ("duplicate", ["PROCESSED"]),
        ("corrupt", ["PROCESSED"]),
        ("drop_mid_message", ["INCOMPLETE", "PROCESSED"]),
        ("no_ack_wait", ["PROCESSED"]),
        ("wrong_id", ["HELD"]),
    ],
)
def test_what_goes_wrong_loses_and_doubles_nothing(wire, bench, family, fault, kept):
    specimen = bench(family)
    code = "5" if family == "mindray" else "ALT"
    answer = play(wire, family, specimen.accession, (fault, True), ("test", [code]))
    good = "AA" if family == "mindray" else "ACK"
    assert answer == (f"{good} {good}" if fault == "duplicate" else good)
    eventually(lambda: states() == kept)
    assert filed() == ([] if fault == "wrong_id" else ["alt"])
    if fault == "duplicate":
        assert ReceivedMessage.objects.get().repeats == 1
    if fault == "wrong_id":
        line = ReceivedLine.objects.get()
        assert (line.state, line.accession) == ("UNMATCHED_SPECIMEN", "")


def test_a_slow_one_is_heard_to_the_end(wire, bench):
    assert play(wire, "mindray", bench("mindray").accession, ("slow", 0.001), ("test", ["5"])) == "AA"
    assert filed() == ["alt"]


def test_invented_results_stay_in_a_training_clinic(settings):
    settings.TRAINING = False
    with pytest.raises(CommandError, match="training clinic"):
        call_command("simulate_analyzer", family="astm")


@pytest.mark.parametrize(
    "listener, test, words", [("nowhere", [], "no place"), ("127.0.0.1:1", ["X"], "cannot measure")]
)
def test_what_cannot_be_played_is_said(training, listener, test, words):
    with pytest.raises(CommandError, match=words):
        call_command("simulate_analyzer", family="astm", listener=listener, test=test, specimen=["X"])


def test_a_host_that_is_not_there_is_said(training):
    with pytest.raises(CommandError, match="failed"):
        call_command("simulate_analyzer", family="astm", listener="127.0.0.1:9", test=["ALT"], specimen=["X"])


@pytest.mark.parametrize("family", FAMILIES)
def test_another_host_can_be_the_partner(family):
    """A host of ten lines that answers everything AA: nothing of ours is needed to play."""
    device, door = FAMILIES[family]("SIM"), socket.create_server(("127.0.0.1", 0))
    came = []

    def host():
        line, _address = door.accept()
        with line:
            while piece := line.recv(4096):
                came.append(piece)
                if family != "astm":
                    line.sendall(b"\x0bMSH|^~\\&|||||||ACK|1|P|2.5\rMSA|AA|1\r\x1c\r")
                elif piece != b"\x04":
                    line.sendall(b"\x06")

    thread = threading.Thread(target=host, daemon=True)
    thread.start()
    code = next(iter(device.menu))
    kind = device.dialect
    line = (Lis1 if kind == "astm" else Mllp)("127.0.0.1", door.getsockname()[1])
    assert device.run(line, ["T1"], (code,)) == ["ACK" if kind == "astm" else "AA"]
    line.close()
    thread.join(5)
    door.close()
    assert b"T1" in b"".join(came)


def test_a_misread_number_is_another_one_with_the_same_signs():
    assert misread("KBL2600001Q") == "KBL260000Q1"
    assert misread("11") == "111"


def test_frames_are_numbered_as_the_standard_says():
    made = list(frames("H|\\^&\r" + "R|1|" + "x" * 500 + "\rL|1\r"))
    assert [frame[1:2] for frame in made] == [b"1", b"2", b"3", b"4", b"5"]
    assert [frame[-5:-4] for frame in made] == [b"\x03", b"\x17", b"\x17", b"\x03", b"\x03"]
    assert all(int(frame[-4:-2], 16) == sum(frame[1:-4]) % 256 for frame in made)


def test_every_family_is_an_analyzer_that_can_be_set_up(bench):
    for family in FAMILIES:
        bench(family)
    assert Analyzer.objects.count() == len(FAMILIES)
