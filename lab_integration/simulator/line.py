"""The simulated analyzers' own sockets: MLLP and LIS1 as the standards say, and the faults that lines and devices have.

Nothing here is shared with our reader: a mistake in one would hide in the other. Sources: HL7 v2 transport
specification (MLLP release 1); CLSI LIS1-A (frames, checksum, six tries, 15 s).
"""

import socket
import ssl
import time
from collections.abc import Iterator
from dataclasses import dataclass

PATIENCE = 15.0
ENQ, STX, ETX, EOT, ACK, NAK, ETB = (bytes([code]) for code in (5, 2, 3, 4, 6, 21, 23))


@dataclass(frozen=True)
class Faults:
    """What goes wrong on purpose. `slow` is the pause in seconds after every byte."""

    duplicate: bool = False  # every message twice
    corrupt: bool = False  # the first copy is damaged on its way (HL7: its first byte; ASTM: a byte of a frame)
    drop_mid_message: bool = False  # the line breaks in the middle, then the whole message comes
    slow: float = 0.0
    no_ack_wait: bool = False  # everything is written before anything is read
    wrong_id: bool = False  # the number on the tube is misread


def misread(specimen: str) -> str:
    """The number with two neighbouring signs changed over, as a hand or a bad label does it."""
    for place in range(len(specimen) - 2, -1, -1):
        if specimen[place] != specimen[place + 1]:
            return specimen[:place] + specimen[place + 1] + specimen[place] + specimen[place + 2 :]
    return specimen + "1"


class Line:
    """One connection to a host, opened when it is needed; over TLS with `context`, named `server_name`."""

    def __init__(
        self,
        host: str,
        port: int,
        faults: Faults | None = None,
        context: ssl.SSLContext | None = None,
        server_name: str = "",
        opened: socket.socket | None = None,
    ) -> None:
        self.host, self.port, self.faults = host, port, faults or Faults()
        self.context, self.server_name = context, server_name or host
        self.socket = opened
        self.read = b""

    def open(self) -> socket.socket:
        if self.socket is None:
            plain = socket.create_connection((self.host, self.port), timeout=PATIENCE)
            self.socket = self.context.wrap_socket(plain, server_hostname=self.server_name) if self.context else plain
            self.read = b""
        return self.socket

    def close(self) -> None:
        if self.socket is not None:
            self.socket.close()
            self.socket = None

    def write(self, data: bytes) -> None:
        line = self.open()
        if not self.faults.slow:
            line.sendall(data)
            return
        for code in data:
            line.sendall(bytes([code]))
            time.sleep(self.faults.slow)


class Mllp(Line):
    """A line that carries blocks."""

    def deliver(self, messages: list[str]) -> list[str]:
        """Send messages one after the other; MSA-1 of every answer, in order ("" where none came)."""
        if self.faults.no_ack_wait:
            for message in messages:
                self.write(block(message))
            return [said(self.next_block()) for _message in messages]
        return [answer for message in messages for answer in self._one(message)]

    def _one(self, message: str) -> list[str]:
        if self.faults.drop_mid_message:
            data = block(message)
            self.write(data[: len(data) // 2])
            self.close()
        if self.faults.corrupt:
            self.write(block(message)[1:])
        answers = []
        for _copy in range(2 if self.faults.duplicate else 1):
            self.write(block(message))
            answers.append(said(self.next_block()))
        return answers

    def next_block(self, patience: float = PATIENCE) -> str:
        """The next message of the host; "" when none comes in time or the line ends."""
        line = self.open()
        until = time.monotonic() + patience
        while b"\x1c" not in self.read:
            line.settimeout(max(0.01, until - time.monotonic()))
            try:
                piece = line.recv(65536)
            except TimeoutError:
                return ""
            if not piece:
                return ""
            self.read += piece
        body, _end, self.read = self.read.partition(b"\x1c")
        return body.rpartition(b"\x0b")[2].decode("utf-8")


class Lis1(Line):
    """A line that carries frames."""

    def deliver(self, messages: list[str]) -> list[str]:
        """Send record texts, each as a session of its own; ACK, or what else the last frame was answered."""
        answers = []
        for message in messages:
            if self.faults.drop_mid_message:
                self._session(message, frames_sent=1)
                self.close()
            for _copy in range(2 if self.faults.duplicate else 1):
                answers.append(self._session(message))
        return answers

    def _session(self, message: str, frames_sent: int = 10**6) -> str:
        made = list(frames(message))
        if self.faults.no_ack_wait:
            self.write(ENQ + b"".join(made) + EOT)
            return word([self.byte() for _frame in range(len(made) + 1)][-1])
        for _try in range(6):
            self.write(ENQ)
            if (answer := self.byte()) == ACK:
                break
            if answer == ENQ:
                time.sleep(1.0)  # both wanted the line: the instrument asks again after a second
        answer = b""
        for place, frame in enumerate(made[:frames_sent]):
            if self.faults.corrupt and place == 0:
                self.write(frame[:3] + bytes([frame[3] ^ 1]) + frame[4:])
                if self.byte() != NAK:
                    return "a damaged frame was not refused"
            for _try in range(6):
                self.write(frame)
                if (answer := self.byte()) != NAK:
                    break
            if answer == NAK:
                break
        if frames_sent >= len(made):
            self.write(EOT)
        return word(answer)

    def byte(self) -> bytes:
        """The next byte of the host; b"" when none comes in time."""
        line = self.open()
        line.settimeout(PATIENCE)
        try:
            return line.recv(1)
        except TimeoutError:
            return b""

    def next_records(self, patience: float = PATIENCE) -> str:
        """Be the receiver for one session of the host; "" when none comes in time."""
        line = self.open()
        line.settimeout(patience)
        text, frame = b"", b""
        while True:
            try:
                sign = line.recv(1)
            except TimeoutError:
                return ""
            if not sign:
                return ""
            if frame or sign == STX:
                frame += sign
                if frame.endswith(b"\r\n") and len(frame) > 6:
                    good = b"%02X" % (sum(frame[1:-4]) % 256) == frame[-4:-2]
                    text += frame[2:-5] if good else b""
                    line.sendall(ACK if good else NAK)
                    frame = b""
            elif sign == ENQ:
                line.sendall(ACK)
            elif sign == EOT:
                return text.decode("utf-8")


def block(message: str) -> bytes:
    return b"\x0b" + message.encode("utf-8") + b"\x1c\r"


def said(message: str) -> str:
    """MSA-1 of an answer."""
    for row in message.split("\r"):
        if row.startswith("MSA|"):
            return row.split("|")[1]
    return ""


def frames(message: str) -> Iterator[bytes]:
    """Every record in frames of its own, numbered 1 to 7, 0 and on, at most 240 bytes of text each."""
    number = 0
    for record in message.split("\r"):
        data = record.encode("utf-8") + b"\r" if record else b""
        while data:
            piece, data = data[:240], data[240:]
            number = (number + 1) % 8
            text = b"%d" % number + piece + (ETB if data else ETX)
            yield STX + text + b"%02X" % (sum(text) % 256) + b"\r\n"


def word(answer: bytes) -> str:
    return {ACK: "ACK", NAK: "NAK", EOT: "EOT", ENQ: "ENQ"}.get(answer, "")


def blocks(line: socket.socket) -> Iterator[bytes]:
    """The bodies that come over a connection, until it ends."""
    data = b""
    while True:
        while b"\x1c" in data:
            body, _end, data = data.partition(b"\x1c")
            yield body.rpartition(b"\x0b")[2]
        piece = line.recv(65536)
        if not piece:
            return
        data += piece
