"""ASTM E1381 / CLSI LIS1-A link layer: bytes in pieces of any size <-> record text. No I/O, no clock.

The receiver answers every frame, keeps the text and gives a message back as soon as its terminator record (L) is whole,
*before* the answer to that frame: whoever drives it stores the message first and may still refuse the frame.
Source: CLSI LIS1-A sections 6 and 8; a repeated frame number means that our ACK was lost.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from lab_integration.mllp import LIMIT, STRAY_KEPT, Broken, FramingError

STX, ETX, EOT, ENQ, ACK, NAK, ETB = b"\x02", b"\x03", b"\x04", b"\x05", b"\x06", b"\x15", b"\x17"
FRAME_TEXT = 240
MAX_TRIES = 6
AGAIN = re.compile(rb"1H[^A-Za-z0-9\s]")
FRAME_END = re.compile(rb"[\x02-\x05\x17]")
# A message ends with its L record; the record ends with CR (some write CR LF or LF).
TERMINATOR = re.compile(rb"(?:^|[\r\n])L(?:[^A-Za-z0-9\r\n][^\r\n]*)?[\r\n]+")
UNTERMINATED = re.compile(rb"(?:^|[\r\n])L(?:[^A-Za-z0-9\r\n][^\r\n]*)?$")


@dataclass(frozen=True)
class Records:
    """The record text of one H...L message (or of a session that ended without L), as it came, without frames."""

    body: bytes


@dataclass(frozen=True)
class Answer:
    """A byte to be written to the line: ACK or NAK."""

    byte: bytes

    @property
    def name(self) -> str:
        return "ACK" if self.byte == ACK else "NAK"


def checksum(text: bytes) -> bytes:
    """Two hexadecimal digits: the sum of the frame number up to and with ETB or ETX, modulo 256."""
    return b"%02X" % (sum(text) % 256)


class Receiver:
    """The receiving side of a line. `limit` is the longest session in bytes."""

    def __init__(self, limit: int = LIMIT) -> None:
        self.limit = limit
        self.in_session = False
        self._over = False
        self._begun = False
        self._outside = bytearray()  # what came before any session
        self._begin()

    def _begin(self) -> None:
        self._text = bytearray()  # of the frames that were acknowledged
        self._frame: bytearray | None = None  # the frame that is being read, from its number on
        self._sum: bytearray | None = None  # its checksum, once its end was seen
        self._refused = b""  # the frame that was damaged or broke off, until it came again
        self._came = bytearray()  # the text of every frame, in the order in which they came
        self._missing: list[bytes] = []  # text of frames out of sequence, until it came in sequence
        self._last = b""  # the last frame that was accepted
        self._expected = 1
        self._searched = 0
        self._added = 0  # bytes that the last frame brought
        self._taken = bytearray()  # messages that the last frame completed

    @property
    def over(self) -> bool:
        """Whether nothing more is read: the connection has to be closed."""
        return self._over

    def feed(self, data: bytes) -> list[Records | Answer | Broken]:
        """What `data` brings about, in order: messages to store, answers to write, what was broken off."""
        if self._over:
            raise FramingError("Nothing more is read after the end of a connection or a session over the limit.")
        found: list[Records | Answer | Broken] = []
        at = 0
        while at < len(data) and not self._over:
            if self._sum is not None:
                at = self._read_checksum(data, at, found)
            elif self._frame is not None:
                at = self._read_frame(data, at, found)
            else:
                at = self._read_sign(data, at, found)
        return found

    def refuse(self) -> None:
        """Take back the last frame (its message could not be stored): answered NAK, it will come again."""
        self._expected, self._last = (self._expected - 1) % 8, b""
        text = self._taken + self._text
        self._text, self._searched = text[: len(text) - self._added], 0

    def close(self) -> Broken | None:
        """What is left when the connection ends: an unfinished message."""
        self._over = True
        if not self._begun and self._outside.strip(b"\x00\r\n\t "):
            why = "Bytes came without a session (ENQ). Check that the analyzer speaks LIS1 here."
            return Broken(bytes(self._outside), why)
        return self._unfinished("The line ended before the message did.")

    def expire(self) -> Broken | None:
        """Nothing came for 30 seconds: back to neutral, what is unfinished is given back (LIS1-A 6.5.2)."""
        rest = self._unfinished("No frame came for 30 seconds.")
        self.in_session = False
        return rest

    def _read_sign(self, data: bytes, at: int, found: list[Records | Answer | Broken]) -> int:
        sign = data[at : at + 1]
        if sign == ENQ:
            if rest := self._unfinished("A new session began before the last one had ended."):
                found.append(rest)
            self.in_session = self._begun = True
            self._outside.clear()
            found.append(Answer(ACK))
        elif sign == STX and self.in_session:
            self._frame = bytearray()
        elif sign == EOT and self.in_session:
            if self._refused or self._missing or not self._text.strip():
                if rest := self._unfinished("The sender gave up: a frame that was refused did not come again."):
                    found.append(rest)
            else:
                found.append(Records(bytes(self._text)))
                self._begin()
            self.in_session = False
        elif not self._begun and len(self._outside) < STRAY_KEPT:
            self._outside += sign
        return at + 1

    def _read_frame(self, data: bytes, at: int, found: list[Records | Answer | Broken]) -> int:
        assert self._frame is not None
        end = FRAME_END.search(data, at)
        stop = end.start() if end else len(data)
        self._frame += data[at:stop]
        if len(self._text) + len(self._frame) > self.limit:
            rest = bytes(self._text + self._frame)[: self.limit]
            found.append(Broken(rest, f"The session is longer than {self.limit} bytes."))
            self._begin()
            self._over = True
            return len(data)
        if stop == len(data):
            return stop
        if data[stop : stop + 1] in (ETX, ETB):
            self._frame += data[stop : stop + 1]
            self._sum = bytearray()
            return stop + 1
        self._break_off()  # and the sign that broke the frame off is read again, as the beginning of something
        return stop

    def _read_checksum(self, data: bytes, at: int, found: list[Records | Answer | Broken]) -> int:
        assert self._frame is not None and self._sum is not None
        if data[at : at + 1] in (STX, EOT, ENQ):
            self._break_off()
            return at
        self._sum += data[at : at + 1]
        if len(self._sum) == 2:
            text, given = bytes(self._frame), bytes(self._sum)
            self._frame = self._sum = None
            found.extend(self._judge(text, given))
        return at + 1

    def _judge(self, text: bytes, given: bytes) -> list[Records | Answer | Broken]:
        number = text[0] - 48
        if text != self._last:
            self._came += text[1:-1]
        if given.upper() != checksum(text) or not 0 <= number <= 7:
            self._refused = text
            return [Answer(NAK)]
        if text == self._last:
            return [Answer(ACK)]  # our ACK was lost
        if number == 1 and not self._text.strip() and not self._missing and AGAIN.match(text):
            self._expected = 1  # the last message is whole: some begin to count anew with the next H
        if number != self._expected:
            self._missing.append(text[1:-1])
            return [Answer(NAK)]
        if text[1:-1] in self._missing:
            self._missing.remove(text[1:-1])
        self._refused, self._taken, self._added, self._last = b"", bytearray(), len(text) - 2, text
        self._text += text[1:-1]
        self._expected = (number + 1) % 8
        return [*map(self._judge_message, self._whole_messages(text[-1:] == ETX)), Answer(ACK)]

    def _judge_message(self, body: bytes) -> Records | Broken:
        """A message in which a frame is missing is never read as one."""
        if not self._missing:
            del self._came[: len(self._came) - len(self._text)]
            return Records(body)
        rest, self._missing, self._came = bytes(self._came), [], bytearray()
        return Broken(rest, "Frames came out of sequence, so something may be missing.")

    def _whole_messages(self, ended: bool) -> Iterator[bytes]:
        while match := TERMINATOR.search(self._text, self._searched):
            yield self._take(match.end())
        if ended and UNTERMINATED.search(self._text, self._searched):
            yield self._take(len(self._text))
        self._searched = max(self._text.rfind(b"\r"), self._text.rfind(b"\n"), 0)

    def _take(self, length: int) -> bytes:
        body = bytes(self._text[:length])
        del self._text[:length]
        self._taken += body
        self._searched = 0
        return body

    def _break_off(self) -> None:
        self._refused = bytes(self._frame or b"")
        self._came += self._refused
        self._frame = self._sum = None

    def _unfinished(self, why: str) -> Broken | None:
        rest = bytes(self._came + (self._frame or b""))
        self._begin()
        return Broken(rest, why) if rest.strip() else None


def frames(body: bytes, size: int = FRAME_TEXT) -> list[bytes]:
    """`body` cut into numbered frames of at most `size` text bytes; all but the last end with ETB."""
    pieces = [body[at : at + size] for at in range(0, len(body), size)] or [b""]
    made = []
    for index, piece in enumerate(pieces):
        text = b"%d" % ((index + 1) % 8) + piece + (ETX if index == len(pieces) - 1 else ETB)
        made.append(STX + text + checksum(text) + b"\r\n")
    return made


class Sender:
    """The sending side of a line: gives the next bytes to write and takes the answers one by one.

    `write()` is what to write now; after it, `answer(byte)` says whether there is more. FramingError after six refusals
    of one frame (LIS1-A 6.5.1.2); the session is then ended with EOT by the caller.
    """

    def __init__(self, body: bytes, size: int = FRAME_TEXT) -> None:
        self._queue = [ENQ, *frames(body, size)]
        self._at = 0
        self._tries = 1

    def write(self) -> bytes:
        """The bytes that are due now; EOT when everything was taken."""
        return self._queue[self._at] if self._at < len(self._queue) else EOT

    @property
    def asking(self) -> bool:
        """Whether the line was only asked for (ENQ): anything but ACK then means that it is not ours."""
        return self._at == 0

    @property
    def done(self) -> bool:
        return self._at >= len(self._queue)

    def answer(self, byte: bytes) -> bool:
        """Take ACK (EOT counts as ACK) or NAK; whether the sender goes on with something new."""
        if byte in (ACK, EOT):
            self._at, self._tries = self._at + 1, 1
            return True
        if self._tries >= MAX_TRIES:
            raise FramingError("The other side refused the same frame six times. Check the line, then send again.")
        self._tries += 1
        return False
