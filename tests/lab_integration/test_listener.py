"""The sockets: stored before answered, one write, limits, and peers that behave badly."""

import socket
import threading
import time

import pytest
from django.db import connection, transaction

from lab_integration import astm, mllp, receive
from lab_integration.conversation import Limits
from lab_integration.listener import Listener
from lab_integration.models import ReceivedMessage, SentStep
from mhac.labs.models import LabResult

from .conftest import PROFILE, block, eventually, make_analyzer, make_specimen, result, send

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def bench(kabul, cast, catalogue):
    make_analyzer(kabul)
    return make_specimen(kabul, cast.cli, catalogue.values())


def stored():
    return ReceivedMessage.objects.order_by("received_at")


def test_a_message_is_stored_and_answered_in_one_write(wire, bench):
    body = result(bench.accession, number="77")
    answer = send(wire.ports[0], block(body))
    assert answer.count(b"\x1c\r") == 1
    assert b"MSA|AA|77\r" in answer
    row = stored().get()
    assert (bytes(row.body), row.peer, row.state, row.transport) == (body.encode(), "127.0.0.1", "RECEIVED", "mllp")
    assert mllp.frame(bytes(row.reply)) == answer


def test_one_message_in_single_bytes(wire, bench):
    data = block(result(bench.accession))
    answer = send(wire.ports[0], *(data[at : at + 1] for at in range(len(data))))
    assert b"MSA|AA|" in answer


def test_two_messages_in_one_read_on_a_connection_that_stays_open(wire, bench):
    one, two = (block(result(bench.accession, value=str(n), number=str(n))) for n in (1, 2))
    with socket.create_connection(("127.0.0.1", wire.ports[0]), timeout=10) as line:
        line.sendall(one + two)
        answer = b""
        while answer.count(b"\x1c\r") < 2:
            answer += line.recv(4096)
        line.sendall(b"\r\n\x00" + one)
        assert b"MSA|AA|1" in line.recv(4096)
    assert [row.repeats for row in stored()] == [1, 0]


def test_a_block_that_never_ends_is_kept_and_not_answered(wire, bench):
    assert send(wire.ports[0], block(result(bench.accession))[:-20], until=0, close=True) == b""
    row = eventually(lambda: stored().first())
    assert (row.state, row.complete) == ("INCOMPLETE", False)
    assert receive.process(row.pk).state == "INCOMPLETE"
    # The whole message with the same beginning is another row, and counts.
    assert b"MSA|AA|" in send(wire.ports[0], block(result(bench.accession)))


def test_the_same_bytes_cut_and_whole_are_two_rows(wire, bench):
    body = result(bench.accession)
    send(wire.ports[0], b"\x0b" + body.encode(), until=0, close=True)
    eventually(lambda: stored().count() == 1)
    assert b"MSA|AA|" in send(wire.ports[0], block(body))
    assert sorted(stored().values_list("complete", flat=True)) == [False, True]


def test_no_message_from_an_address_that_is_on_no_list(wire, kabul):
    make_analyzer(kabul, addresses=["10.9.8.7"])
    assert send(wire.ports[0], block(result("KBL2600001Q")), until=0) == b""
    assert stored().count() == 0


def test_no_message_from_an_analyzer_that_is_switched_off(wire, kabul):
    make_analyzer(kabul, active=False)
    assert send(wire.ports[0], block(result("KBL2600001Q")), until=0) == b""


def test_two_analyzers_behind_one_address_are_told_apart_by_their_name(wire, bench, kabul):
    analyzer = make_analyzer(kabul, "Two", profile=PROFILE | {"sender": "TWO"})
    assert b"MSA|AA|" in send(wire.ports[0], block(result(bench.accession, sender="TWO")))
    assert stored().get().analyzer == analyzer
    assert b"MSA|AA|" in send(wire.ports[0], block(result(bench.accession, sender="THREE")))
    row = receive.process(stored().last().pk)
    assert (row.state, row.analyzer) == ("UNKNOWN_SENDER", None)
    assert LabResult.objects.count() == 0


def test_nothing_is_acknowledged_while_the_journal_is_locked(wire, bench):
    held, release = threading.Event(), threading.Event()

    def hold():
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE lab_integration_receivedmessage IN ACCESS EXCLUSIVE MODE")
            held.set()
            release.wait(10)
        connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    held.wait(5)
    with socket.create_connection(("127.0.0.1", wire.ports[0]), timeout=1) as line:
        line.sendall(block(result(bench.accession)))
        with pytest.raises(TimeoutError):
            line.recv(4096)
        release.set()
        holder.join()
        line.settimeout(10)
        assert b"MSA|AA|" in line.recv(4096)
    assert stored().count() == 1


@pytest.mark.parametrize("first", [b"", b"\x0b", b"\x0bMSH|", b"no block at all "])
def test_64_peers_without_use_harm_nobody_and_make_room(wire, bench, first):
    """Silent, or stuck in the middle: whoever has something to say is heard at once."""
    lines = [socket.create_connection(("127.0.0.1", wire.ports[0]), timeout=10) for _n in range(64)]
    most = wire.limits.of_one_address
    eventually(lambda: len(wire.peers) == most)
    for line in lines[-most:]:
        line.sendall(first)
    start = time.monotonic()
    for number in range(3):
        assert b"MSA|AA|" in send(wire.ports[0], block(result(bench.accession, number=str(number))))
    assert time.monotonic() - start < 5
    for line in lines:
        line.close()


@pytest.fixture
def strict_wire():
    limits = Limits(message=2000, seconds_a_message=0.5, seconds_a_frame=0.5, seconds_an_answer=0.5, seconds_busy=0.3)
    listener = Listener("127.0.0.1", 0, 0, limits=limits)
    thread = threading.Thread(target=listener.serve, daemon=True)
    thread.start()
    yield listener
    listener.stop()
    thread.join(10)


def test_a_message_over_the_limit_is_kept_in_part_and_the_line_closed(strict_wire, bench):
    assert send(strict_wire.ports[0], b"\x0bMSH|^~\\&|" + b"x" * 5000, until=0) == b""
    row = eventually(lambda: stored().first())
    assert (row.state, len(row.body)) == ("INCOMPLETE", 2000)
    assert row.reason == "The block is longer than 2000 bytes."


def test_a_message_that_takes_too_long_is_kept_and_the_line_closed(strict_wire, bench):
    with socket.create_connection(("127.0.0.1", strict_wire.ports[0]), timeout=10) as line:
        line.sendall(b"\x0bMSH|")
        for sign in b"^~\\&|SLOW":
            time.sleep(0.1)
            try:
                line.sendall(bytes([sign]))
            except OSError:
                break
        assert line.recv(100) == b""
    assert eventually(lambda: stored().first()).state == "INCOMPLETE"


@pytest.mark.parametrize(
    "noise", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", bytes(range(256)) * 4, b"\x16MSH|no TLS after all"]
)
def test_noise_is_never_acknowledged_and_never_lost_in_silence(wire, bench, noise):
    answer = send(wire.ports[0], noise, until=0, close=True)
    assert b"MSA|AA|" not in answer
    assert eventually(lambda: stored().count()) >= 1


def test_a_stop_lets_a_message_be_answered(bench):
    listener = Listener("127.0.0.1", 0, 0)
    thread = threading.Thread(target=listener.serve, daemon=True)
    thread.start()
    assert b"MSA|AA|" in send(listener.ports[0], block(result(bench.accession)))
    listener.stop()
    thread.join(10)
    assert not thread.is_alive()
    with pytest.raises(OSError):
        send(listener.ports[0], block(result(bench.accession)))


# -- ASTM over LIS1 ---------------------------------------------------------------------------------------------------


def astm_text(accession, value="31"):
    return f"H|\\^&|||SMALL\rP|1\rO|1|{accession}||^^^ALT\rR|1|^^^ALT|{value}|U/L||||F\rL|1|N\r".encode()


def talk(port, body, listen=0.5):
    """Send one session; the answers to our frames, and what the host sends on its own account afterwards."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        answers = b""
        for piece in [astm.ENQ, *astm.frames(body)]:
            line.sendall(piece)
            answers += line.recv(1)
        line.sendall(astm.EOT)
        line.settimeout(listen)
        receiver, came = astm.Receiver(), []
        try:
            while data := line.recv(4096):
                for found in receiver.feed(data):
                    if isinstance(found, astm.Answer):
                        line.sendall(found.byte)
                    else:
                        came.append(found)
        except TimeoutError:
            pass
        return answers, came


def test_a_lis1_session_is_stored_before_its_last_frame_is_answered(wire, bench, kabul):
    make_analyzer(kabul, "Small", dialect="astm")
    answers, came = talk(wire.ports[1], astm_text(bench.accession))
    assert answers == astm.ACK * 2
    assert came == []
    row = receive.process(stored().get().pk)
    assert (row.state, row.type, row.transport) == ("PROCESSED", "LIS2", "lis1")
    assert LabResult.objects.get().number == 31


def test_a_lis1_query_is_answered_when_the_line_is_free(wire, bench, kabul):
    make_analyzer(kabul, "Small", dialect="astm")
    _answers, came = talk(wire.ports[1], f"H|\\^&|||SMALL\rQ|1|^{bench.accession}||ALL\rL|1|N\r".encode(), 3)
    text = came[0].body.decode()
    assert [line[:1] for line in text.split("\r") if line] == ["H", "P", "O", "O", "O", "L"]
    assert f"O|1|{bench.accession}||^^^ALT|R" in text
    assert SentStep.objects.count() == 3


def test_a_lis1_line_that_falls_silent_is_given_up(strict_wire, bench, kabul):
    make_analyzer(kabul, "Small", dialect="astm")
    with socket.create_connection(("127.0.0.1", strict_wire.ports[1]), timeout=10) as line:
        line.sendall(astm.ENQ + astm.frames(astm_text(bench.accession), 40)[0])
        row = eventually(lambda: stored().first())
        assert (row.state, row.reason) == ("INCOMPLETE", "No frame came for 30 seconds.")
        # The line is neutral again: the whole message can come.
        for piece in [astm.ENQ, *astm.frames(astm_text(bench.accession))]:
            line.sendall(piece)
        eventually(lambda: stored().filter(complete=True).count() == 1)


def test_a_law_query_is_answered_at_once_with_its_work(wire, bench):
    text = (
        "MSH|^~\\&|BENCH||||20260915115800||QBP^Q11^QBP_Q11|q1|P|2.5.1|||NE|AL|||||LAB-27^IHE\r"
        f"QPD|WOS^Work Order Step^IHE_LABTF|t1|{bench.accession}\rRCP|I||R\r"
    )
    start = time.monotonic()
    answer = send(wire.ports[0], block(text), until=2)
    assert time.monotonic() - start < 5
    first, second = answer.split(b"\x1c\r")[:2]
    assert b"RSP^K11^RSP_K11" in first
    assert b"QAK|t1|OK" in first
    assert b"OML^O33^OML_O33" in second
    assert second.count(b"TCD|") == 3
    assert b"PID" not in second
    # The analyzer's answer to the order comes on the same connection and is not answered in its turn.
    number = second.split(b"|")[9].decode()
    said = f"MSH|^~\\&|BENCH||||20260915||ORL^O34^ORL_O42|9|P|2.5.1\rMSA|AA|{number}\r"
    assert send(wire.ports[0], block(said), until=1, close=True) == b""
    while receive.process_next():
        pass
    assert {step.state for step in SentStep.objects.all()} == {"ACCEPTED"}
