"""The codecs take bytes in pieces of any size, raise one error type only, and lose nothing."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lab_integration import astm, mllp
from lab_integration.mllp import Broken, Deframer, Frame, FramingError, frame

BODIES = st.binary(max_size=300).map(lambda body: body.replace(b"\x0b", b"").replace(b"\x1c", b""))
CUTS = st.lists(st.integers(1, 40), max_size=60)


def pieces(data, cuts):
    at = 0
    for size in cuts:
        yield data[at : at + size]
        at += size
    yield data[at:]


def feed(codec, data, cuts=()):
    found = []
    for piece in pieces(data, cuts):
        found += codec.feed(piece)
    return found


@given(st.lists(BODIES, max_size=5), CUTS)
def test_blocks_come_out_as_they_went_in(bodies, cuts):
    data = b"".join(map(frame, bodies))
    deframer = Deframer()
    assert feed(deframer, data, cuts) == [Frame(body) for body in bodies]
    assert deframer.close() is None


@given(st.binary(max_size=400), CUTS)
def test_any_bytes_are_read_or_given_back(data, cuts):
    one, two = Deframer(), Deframer()
    assert feed(one, data) == feed(two, data, cuts)
    assert one.close() == two.close()


@pytest.mark.parametrize(
    "wire, bodies",
    [
        (b"\x0bA\x1c\r", [b"A"]),
        (b"\x0bA\x1c", [b"A"]),
        (b"\x0bA\x1c\r\n\x0bB\x1c\r", [b"A", b"B"]),
        (b"\x0bA\x1c\x0bB\x1c", [b"A", b"B"]),
        (b"\x00\x00keep-alive\x0bA\x1c\r", [b"A"]),
        (b"\r\n\x0b\x1c\r", [b""]),
        (b"\x0bA\nB\r\nC\x1c\r", [b"A\nB\r\nC"]),
    ],
)
def test_loose_framing(wire, bodies):
    assert [found.body for found in Deframer().feed(wire)] == bodies


def test_a_block_that_never_ends_is_given_back_as_broken():
    deframer = Deframer()
    assert deframer.feed(b"\x0bMSH|rest") == []
    assert deframer.waiting
    assert deframer.close() == Broken(b"MSH|rest", "The connection ended before the block did.")
    with pytest.raises(FramingError):
        deframer.feed(b"more")


def test_a_new_start_breaks_the_old_block_off():
    found = Deframer().feed(b"\x0bMSH|one\x0bMSH|two\x1c\r")
    assert found == [Broken(b"MSH|one", "A new block began before the last one had ended."), Frame(b"MSH|two")]


def test_text_without_any_block_is_not_lost_in_silence():
    deframer = Deframer()
    deframer.feed(b"MSH|^~\\&|X\r")
    assert deframer.close().rest == b"MSH|^~\\&|X\r"
    silent = Deframer()
    silent.feed(b"\r\n\x00 ")
    assert silent.close() is None


def test_one_byte_over_the_limit_ends_it():
    assert Deframer(limit=5).feed(b"\x0b12345\x1c\r") == [Frame(b"12345")]
    deframer = Deframer(limit=5)
    found = deframer.feed(b"\x0b1234567890\x1c\r\x0bnext\x1c\r")
    assert found == [Broken(b"12345", "The block is longer than 5 bytes.")]
    with pytest.raises(FramingError):
        deframer.feed(b"\x0bA\x1c\r")


def test_a_body_with_framing_bytes_is_not_sent():
    with pytest.raises(FramingError):
        frame(b"a\x1cb")


def test_time_grows_with_length_only():
    def seconds(size):
        deframer = Deframer()
        data = b"\x0b" + b"x" * size
        start = time.perf_counter()
        for at in range(0, len(data), 1024):
            deframer.feed(data[at : at + 1024])
        return time.perf_counter() - start

    seconds(1_000_000)
    assert min(seconds(16_000_000) for _ in range(3)) < 20 * max(min(seconds(4_000_000) for _ in range(3)), 0.01)


# -- LIS1 -------------------------------------------------------------------------------------------------------------

TEXT = "H|\\^&|||X\rP|1\rO|1|KBL2600001Q\rR|1|^^^Na|140|mmol/L\rR|2|^^^K|4,1|μmol\rL|1|N\r".encode()


def session(body, size=240):
    return astm.ENQ + b"".join(astm.frames(body, size)) + astm.EOT


def records(found):
    return [one.body for one in found if isinstance(one, astm.Records)]


def answers(found):
    return [one.name for one in found if isinstance(one, astm.Answer)]


@given(st.integers(1, 300), CUTS)
def test_frames_cut_anywhere_give_the_same_records(size, cuts):
    found = feed(astm.Receiver(), session(TEXT, size), cuts)
    assert records(found) == [TEXT]
    assert set(answers(found)) == {"ACK"}


@given(st.binary(max_size=400), CUTS)
def test_any_bytes_on_a_line_are_read_or_given_back(data, cuts):
    one, two = astm.Receiver(), astm.Receiver()
    assert feed(one, data) == feed(two, data, cuts)
    assert one.close() == two.close()


def test_a_message_is_there_before_its_last_frame_is_answered():
    found = feed(astm.Receiver(), session(TEXT))
    assert [type(one).__name__ for one in found] == ["Answer", "Records", "Answer"]


def test_a_frame_that_could_not_be_stored_comes_again():
    receiver = astm.Receiver()
    framed = astm.frames(TEXT)
    assert records(receiver.feed(astm.ENQ + framed[0])) == [TEXT]
    receiver.refuse()
    assert records(receiver.feed(framed[0])) == [TEXT]
    assert receiver.feed(astm.EOT) == []


def test_a_repeated_frame_is_acknowledged_and_dropped():
    framed = astm.frames(TEXT, 40)
    found = feed(astm.Receiver(), astm.ENQ + framed[0] + framed[1] + framed[1] + b"".join(framed[2:]) + astm.EOT)
    assert records(found) == [TEXT]
    assert answers(found) == ["ACK"] * (len(framed) + 2)


def test_a_damaged_frame_is_refused_until_it_comes_whole():
    framed = astm.frames(TEXT, 40)
    damaged = framed[1].replace(b"|", b"!", 1)
    found = feed(astm.Receiver(), astm.ENQ + framed[0] + damaged + b"".join(framed[1:]) + astm.EOT)
    assert records(found) == [TEXT]
    assert answers(found)[:4] == ["ACK", "ACK", "NAK", "ACK"]


def test_a_sender_that_gives_up_leaves_no_message():
    framed = astm.frames(TEXT, 40)
    damaged = framed[1].replace(b"|", b"!", 1)
    found = feed(astm.Receiver(), astm.ENQ + framed[0] + damaged * 6 + astm.EOT)
    assert records(found) == []
    assert isinstance(found[-1], Broken)
    assert found[-1].rest.startswith(framed[0][2:42])


def test_frames_out_of_sequence_are_never_read_as_a_message():
    framed = astm.frames(TEXT, 17)
    found = feed(astm.Receiver(), astm.ENQ + framed[0] + framed[2] + b"".join(framed[1:2] + framed[3:]) + astm.EOT)
    assert records(found) == []
    assert "NAK" in answers(found)
    assert any(isinstance(one, Broken) for one in found)


def test_several_messages_in_one_session():
    found = feed(astm.Receiver(), session(TEXT + TEXT, 17))
    assert records(found) == [TEXT, TEXT]


@pytest.mark.parametrize("cut", range(1, len(session(TEXT)), 7))
def test_a_line_that_ends_early_gives_no_message_but_all_its_text(cut):
    data = session(TEXT)
    receiver = astm.Receiver()
    found = receiver.feed(data[:cut])
    rest = receiver.close()
    if records(found):
        assert rest is None
    elif cut > 3:
        assert rest.rest in data


def test_a_session_without_terminator_is_whole_when_it_ends():
    found = feed(astm.Receiver(), session(b"H|\\^&\rR|1|^^^Na|140\r"))
    assert records(found) == [b"H|\\^&\rR|1|^^^Na|140\r"]


def test_silence_for_too_long_gives_back_what_came():
    receiver = astm.Receiver()
    receiver.feed(astm.ENQ + astm.frames(TEXT, 40)[0])
    assert receiver.expire().why == "No frame came for 30 seconds."
    assert not receiver.in_session


def test_the_sender_gives_up_after_six_refusals():
    sender = astm.Sender(TEXT)
    assert sender.write() == astm.ENQ
    sender.answer(astm.ACK)
    for _time in range(5):
        assert sender.answer(astm.NAK) is False
    with pytest.raises(FramingError):
        sender.answer(astm.NAK)


@settings(max_examples=30)
@given(st.integers(1, 250))
def test_sender_and_receiver_understand_each_other(size):
    sender, receiver = astm.Sender(TEXT, size), astm.Receiver()
    found = []
    while not sender.done:
        came = receiver.feed(sender.write())
        found += came
        sender.answer(next(one.byte for one in came if isinstance(one, astm.Answer)))
    receiver.feed(sender.write())
    assert records(found) == [TEXT]
    assert mllp.LIMIT == 16 * 1024 * 1024
