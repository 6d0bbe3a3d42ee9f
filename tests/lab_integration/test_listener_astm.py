"""LIS1 lines at their limits: contention, refusals, timers, and orders whose fate is decided step by step."""

import socket
import threading
import time

import pytest

from lab_integration import astm, receive
from lab_integration.conversation import Limits
from lab_integration.listener import Listener
from lab_integration.models import ReceivedMessage, SentMessage
from mhac.labs.models import LabResult

from .conftest import eventually, make_analyzer, make_specimen

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wire():
    limits = Limits(seconds_a_frame=0.6, seconds_an_answer=0.4, seconds_busy=0.3)
    listener = Listener("127.0.0.1", 0, 0, limits=limits)
    thread = threading.Thread(target=listener.serve, daemon=True)
    thread.start()
    yield listener
    listener.stop()
    thread.join(10)


@pytest.fixture
def line(wire, kabul):
    make_analyzer(kabul, "Small", dialect="astm")
    with socket.create_connection(("127.0.0.1", wire.ports[1]), timeout=10) as line:
        yield line


@pytest.fixture
def bench(kabul, cast, catalogue):
    return make_specimen(kabul, cast.cli, catalogue.values())


def text(accession, value="31"):
    return f"H|\\^&|||SMALL\rP|1\rO|1|{accession}||^^^ALT\rR|1|^^^ALT|{value}|U/L||||F\rL|1|N\r".encode()


def query(accession):
    return f"H|\\^&|||SMALL\rQ|1|^{accession}||ALL\rL|1|N\r".encode()


def exchange(line, *pieces):
    """Write each piece and read one byte; what came."""
    answers = b""
    for piece in pieces:
        line.sendall(piece)
        answers += line.recv(1)
    return answers


def session(line, body):
    answers = exchange(line, astm.ENQ, *astm.frames(body))
    line.sendall(astm.EOT)
    return answers


def states():
    return list(ReceivedMessage.objects.order_by("received_at", "pk").values_list("state", "reason"))


def test_when_both_want_the_line_the_instrument_wins_and_gets_its_answer_after(line, bench):
    session(line, query(bench.accession))
    assert line.recv(1) == astm.ENQ  # the host wants to answer
    assert exchange(line, astm.ENQ) == astm.ACK  # so does the instrument: it wins
    assert exchange(line, *astm.frames(text(bench.accession))) == astm.ACK
    line.sendall(astm.EOT)
    assert line.recv(1) == astm.ENQ  # and is answered afterwards
    line.sendall(astm.ACK)
    assert line.recv(4096).startswith(astm.STX)
    eventually(lambda: ReceivedMessage.objects.count() == 2)


def test_a_busy_instrument_is_asked_again_after_a_while(line, bench):
    session(line, query(bench.accession))
    assert exchange(line) == b""
    assert line.recv(1) == astm.ENQ
    start = time.monotonic()
    line.sendall(astm.NAK)
    assert line.recv(1) == astm.ENQ
    assert time.monotonic() - start >= 0.3
    line.sendall(astm.ACK)
    assert b"L|1|F" in line.recv(4096)


def test_an_answer_that_is_refused_six_times_is_given_up_with_eot(line, bench):
    session(line, query(bench.accession))
    for _try in range(3):
        assert line.recv(1) == astm.ENQ
        line.sendall(astm.ACK)
        for _time in range(6):
            assert line.recv(4096).startswith(astm.STX)
            line.sendall(astm.NAK)
        assert line.recv(1) == astm.EOT
    line.settimeout(1.5)
    with pytest.raises(TimeoutError):
        line.recv(1)
    # The line itself is as good as before.
    line.settimeout(10)
    assert session(line, text(bench.accession)) == astm.ACK * 2


def test_an_instrument_that_says_nothing_ends_our_session(line, bench):
    session(line, query(bench.accession))
    assert line.recv(1) == astm.ENQ
    assert line.recv(1) == astm.EOT
    assert line.recv(1) == astm.ENQ
    assert SentMessage.objects.get().state == "SENT"


def test_eot_in_the_middle_of_a_frame_leaves_no_message(line, bench):
    framed = astm.frames(text(bench.accession), 40)
    assert exchange(line, astm.ENQ, framed[0]) == astm.ACK * 2
    line.sendall(framed[1][:10] + astm.EOT)
    eventually(lambda: ReceivedMessage.objects.count() == 1)
    assert states() == [("INCOMPLETE", "The sender gave up: a frame that was refused did not come again.")]
    assert session(line, text(bench.accession)) == astm.ACK * 2


def test_a_session_that_begins_again_begins_with_frame_one(line, bench):
    framed = astm.frames(text(bench.accession), 20)
    assert exchange(line, astm.ENQ, *framed[:2]) == astm.ACK * 3
    assert exchange(line, astm.ENQ, *framed) == astm.ACK * (len(framed) + 1)
    line.sendall(astm.EOT)
    eventually(lambda: ReceivedMessage.objects.count() == 2)
    assert {state for state, _reason in states()} == {"INCOMPLETE", "RECEIVED"}


def test_numbers_that_begin_again_with_the_next_message_of_a_session(line, bench):
    one, two = (astm.frames(text(bench.accession, value), 40) for value in ("31", "32"))
    assert exchange(line, astm.ENQ, *one, *two) == astm.ACK * (1 + len(one) + len(two))
    line.sendall(astm.EOT)
    eventually(lambda: ReceivedMessage.objects.filter(complete=True).count() == 2)


def test_a_checksum_that_never_fits_is_refused_every_time(line, bench):
    (frame,) = astm.frames(text(bench.accession))
    damaged = frame.replace(b"|31|", b"|13|").replace(b"31|U", b"99|U")
    damaged = damaged[:-4] + b"00\r\n"
    assert exchange(line, astm.ENQ, *[damaged] * 6) == astm.ACK + astm.NAK * 6
    line.sendall(astm.EOT)
    eventually(lambda: ReceivedMessage.objects.count() == 1)
    assert states()[0][0] == "INCOMPLETE"
    assert LabResult.objects.count() == 0


def test_hl7_on_the_astm_port_is_kept_and_not_lost_in_silence(line, bench):
    line.sendall(b"\x0bMSH|^~\\&|X\r\x1c\r")
    line.shutdown(socket.SHUT_WR)
    assert line.recv(1) == b""
    eventually(lambda: ReceivedMessage.objects.count() == 1)
    assert states() == [("INCOMPLETE", "Bytes came without a session (ENQ). Check that the analyzer speaks LIS1 here.")]


def test_a_session_in_single_bytes(line, bench):
    for code in astm.ENQ + b"".join(astm.frames(text(bench.accession), 60)) + astm.EOT:
        line.sendall(bytes([code]))
    eventually(lambda: ReceivedMessage.objects.filter(state="RECEIVED").exists())
    while receive.process_next():
        pass
    assert LabResult.objects.get().number == 31
