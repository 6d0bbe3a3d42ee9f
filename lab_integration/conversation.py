"""What is said on one line to an analyzer, whoever opened it: messages are stored, then answered, on the same line.

Nothing is answered AA (or the last frame of a LIS1 message ACK) before its bytes are committed; when they cannot be,
nothing is said and the line is closed, so that the analyzer sends again. `run` returns why the line ended.
"""

import logging
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field

from django.db import Error, close_old_connections, connection
from django.utils import timezone

from lab_integration import astm, mllp, receive, send, strangers
from lab_integration.failpoints import fail_point
from lab_integration.models import Analyzer, SentMessage
from lab_integration.tls import CLIENT_HELLO

log = logging.getLogger("lab")
PIECE = 64 * 1024
KNOWN_FOR = 5.0  # seconds until the analyzers behind a line are looked up again
TICK = 1.0  # how often a line over which orders go looks for one
CLOSED = "the peer closed"
TRIES = 3  # of a LIS1 session of ours that found nobody listening


class NotStored(Exception):
    """The bytes could not be committed; nothing may be answered."""


class NotKnown(Exception):
    """No active analyzer may speak over this line; the text says what to change."""


@dataclass(frozen=True)
class Limits:
    """What a line may take: bytes of a message; seconds of the message, of a LIS1 frame, of an answer, and so on."""

    message: int = mllp.LIMIT
    seconds_a_message: float = 60.0
    seconds_a_frame: float = 30.0  # LIS1-A: the receiver discards after 30 s
    seconds_an_answer: float = 15.0  # LIS1-A: the sender gives up after 15 s; also how long a write may take
    seconds_busy: float = 10.0  # LIS1-A: after NAK to ENQ the sender waits at least 10 s
    seconds_idle: float = 24 * 3600.0
    seconds_of_handshake: float = 10.0
    connections: int = 64
    of_one_address: int = 32


@dataclass(eq=False)
class Peer:
    """One line, and who may speak on it. `look_up` finds the analyzers anew; NotKnown when there is none."""

    line: socket.socket
    address: str
    transport: str
    look_up: Callable[["Peer"], list[Analyzer]]
    opened: float = field(default_factory=time.monotonic)
    called: bool = False  # we opened it: orders go over it too
    tls: bool = False
    names: frozenset[str] = frozenset()  # in the certificate that it showed
    analyzers: list[Analyzer] = field(default_factory=list)
    opening: strangers.Opening | None = None  # through which somebody may speak whom we do not know
    speaker: Analyzer | None = None  # which of them sent the last message, where that is certain
    commits: bool = False  # MLLP release 2: 0x06 after storage
    known_at: float = 0.0
    heard: bool = False
    messages: int = 0
    last: float = 0.0  # when a message came
    sent_away: str = ""  # why we hung up

    def know(self) -> None:
        """Look up who may speak here; a profile or a switch changed meanwhile counts from the next message on."""
        if self.analyzers and time.monotonic() - self.known_at < KNOWN_FOR:
            return
        try:
            self.analyzers = self.look_up(self)
        finally:
            connection.close()
        self.commits = any(one.settings.mllp == 2 for one in self.analyzers)
        self.known_at = time.monotonic()

    @property
    def dialect(self) -> str:
        return str(Analyzer.Dialect.ASTM if self.transport == "lis1" else Analyzer.Dialect.HL7)

    def read(self, seconds: float) -> bytes:
        """The next bytes, b"" when the other side closed; TimeoutError when none came for so long."""
        self.line.settimeout(seconds)
        data = self.line.recv(PIECE)
        if not self.heard and not self.tls and data.startswith(CLIENT_HELLO):
            # Nothing of it is kept: it is no message, and each try of the analyzer begins with other bytes.
            raise NotKnown("it speaks TLS and this port does not. Give it the TLS port, or switch TLS off there")
        self.heard = self.heard or bool(data)
        return data

    def write(self, data: bytes, seconds: float) -> None:
        """All of `data` in one write; OSError when the other side takes nothing for so long."""
        self.line.settimeout(seconds)
        try:
            self.line.sendall(data)
        except TimeoutError:
            raise TimeoutError("it did not read our answer") from None

    def hang_up(self, why: str = "") -> None:
        """End the line from another thread; the thread that reads it notices."""
        self.sent_away = self.sent_away or why
        try:
            self.line.shutdown(socket.SHUT_RDWR)
        except OSError:
            return


def keep_alive(line: socket.socket) -> None:
    """Small messages go at once; a peer that lost power or its cable is noticed within a minute and a half."""
    line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for option, value in (("TCP_KEEPIDLE", 30), ("TCP_KEEPINTVL", 15), ("TCP_KEEPCNT", 4)):
        if hasattr(socket, option):
            line.setsockopt(socket.IPPROTO_TCP, getattr(socket, option), value)


def converse(peer: Peer, limits: Limits) -> str:
    """Speak with a peer until the line ends; why it ended, in words for the log."""
    try:
        return (_Astm if peer.transport == "lis1" else _Mllp)(peer, limits).run()
    except (OSError, NotStored, NotKnown, Error, mllp.FramingError) as error:
        return peer.sent_away or str(error)


class _Mllp:
    """In MLLP: block in, block out."""

    def __init__(self, peer: Peer, limits: Limits) -> None:
        self.peer, self.limits = peer, limits
        self.deframer = mllp.Deframer(limits.message)
        self.begun = 0.0
        self.asked: str | None = None  # the order of ours that has not been answered
        self.asked_at = 0.0

    def run(self) -> str:
        why = ""
        try:
            while not why:
                data = self._read()
                if data:
                    fail_point("after_read")
                why = self._take(data) if isinstance(data, bytes) else data.why
        finally:
            if rest := self.deframer.close():
                keep_broken(self.peer, rest)
        return why

    def _take(self, data: bytes) -> str:
        for found in self.deframer.feed(data):
            if isinstance(found, mllp.Broken):
                keep_broken(self.peer, found)
            elif found.body not in (mllp.STORED, mllp.NOT_STORED):  # release 2's word for an order of ours
                self._message(found.body)
        if self.deframer.over:
            return "the message was too long"
        if self.peer.called and not self.deframer.waiting:
            self._offer()
        return ""

    def _read(self) -> "bytes | _End":
        """The next bytes, none when there is time to look for orders."""
        waiting, now = self.deframer.waiting, time.monotonic()
        self.begun = (self.begun or now) if waiting else 0.0
        silent_since = max(self.peer.last, self.peer.opened)
        left = (
            self.begun + self.limits.seconds_a_message if waiting else silent_since + self.limits.seconds_idle
        ) - now
        if left <= 0:
            return _End("a message took too long" if waiting else "it was silent for too long")
        ticks = self.peer.called and not waiting
        try:
            return self.peer.read(min(left, TICK) if ticks else left) or _End(self.peer.sent_away or CLOSED)
        except TimeoutError:
            return b"" if ticks or not waiting else _End("a message took too long")

    def _message(self, body: bytes) -> None:
        self.begun = 0.0
        if self.asked and send.answer_to(body, self.asked):
            self.asked = None
        try:
            replies = take(self.peer, body)
        except NotStored:
            if self.peer.commits:
                self.peer.write(mllp.frame(mllp.NOT_STORED), self.limits.seconds_an_answer)
            raise
        said = [reply.body for reply in replies if reply.body is not None and not self._goes_another_way(reply)]
        if self.peer.commits:
            said.insert(0, mllp.STORED)
        for one in said:
            self.peer.write(mllp.frame(one), self.limits.seconds_an_answer)

    def _goes_another_way(self, reply: receive.Reply) -> bool:
        """Orders go to the analyzer's own port, where it has one."""
        speaker = self.peer.speaker
        return speaker is not None and reply.type.startswith("OML") and send.has_own_port(speaker)

    def _offer(self) -> None:
        """Send the next order that waits for this analyzer; one at a time."""
        if self.asked and time.monotonic() - self.asked_at < self.limits.seconds_an_answer:
            return
        if order := next_order(self.peer):
            self.asked, self.asked_at = order.control_id, time.monotonic()
            self.peer.write(mllp.frame(bytes(order.body)), self.limits.seconds_an_answer)


@dataclass(frozen=True)
class _End:
    """The line is over."""

    why: str


class _Astm:
    """In LIS1: frames in, ACK out; what we have to say when the line is free."""

    def __init__(self, peer: Peer, limits: Limits) -> None:
        self.peer, self.limits = peer, limits
        self.receiver = astm.Receiver(limits.message)
        self.answers: list[bytes] = []
        self.not_before = 0.0  # the instrument said that it is busy
        self.tries = 0
        self.order: SentMessage | None = None

    def run(self) -> str:
        why = ""
        try:
            while not why:
                data = self._read()
                if isinstance(data, _End):
                    return data.why
                self._take(data)
                why = "the session was too long" if self.receiver.over else ""
                if not why and not self.receiver.in_session and time.monotonic() >= self.not_before:
                    self._speak()
        finally:
            if rest := self.receiver.close():
                keep_broken(self.peer, rest)
            if self.order:
                send.put_back(self.order, timezone.now())
        return why

    def _read(self) -> "bytes | _End":
        """The next bytes, none when there is time to speak. A session silent for 30 seconds is given up."""
        in_session, waits = self.receiver.in_session, bool(self.answers) or self.peer.called
        idle = TICK if waits else self.limits.seconds_idle
        try:
            data = self.peer.read(self.limits.seconds_a_frame if in_session else idle)
            return data or _End(self.peer.sent_away or CLOSED)
        except TimeoutError:
            if in_session and (rest := self.receiver.expire()):
                keep_broken(self.peer, rest)
            return b"" if in_session or waits else _End("it was silent for too long")

    def _take(self, data: bytes) -> None:
        stored, was_in_session = True, self.receiver.in_session
        for found in self.receiver.feed(data):
            if isinstance(found, astm.Records):
                try:
                    replies = take(self.peer, found.body)
                    self.answers += [reply.body for reply in replies if reply.body is not None]
                except NotStored as error:
                    log.warning("refused a message of %s: %s", self.peer.address, error)
                    self.receiver.refuse()
                    stored = False
            elif isinstance(found, astm.Answer):
                self.peer.write(found.byte if stored else astm.NAK, self.limits.seconds_an_answer)
                stored = True
            else:
                keep_broken(self.peer, found)
        if was_in_session and not self.receiver.in_session:
            self.not_before = 0.0  # it has said what it wanted to say

    def _speak(self) -> None:
        """Say one thing that is due: an answer to a query, or an order on a line that we opened."""
        if not self.answers and self.peer.called:
            self.order = self.order or next_order(self.peer)
        body = self.answers[0] if self.answers else self.order and bytes(self.order.body)
        if not body:
            return
        said, why = self._send(body)
        self.tries += 1
        if not said and self.tries < TRIES:
            return
        self.tries = 0
        if self.answers:
            self.answers.pop(0)
        elif self.order:
            order, self.order = self.order, None
            if said:
                send.take_line_answer(order, timezone.now())
            else:
                send.put_back(order, timezone.now(), why)
        if not said:
            log.warning("%s did not take what we had to say: %s", self.peer.address, why)

    def _send(self, body: bytes) -> tuple[bool, str]:
        """Be the sender for one message: whether it was taken, and why not.

        When the instrument wants the line too, it wins (LIS1-A 8.2.7): its ENQ is answered, and ours comes after.
        """
        sender = astm.Sender(body)
        while not sender.done:
            self.peer.write(sender.write(), self.limits.seconds_an_answer)
            try:
                answer = self.peer.line.recv(1)
            except TimeoutError:
                self.peer.write(astm.EOT, self.limits.seconds_an_answer)
                return False, "no answer came in time"
            if not answer:
                raise ConnectionError("the instrument closed the line before it took what we had to say")
            if sender.asking and answer == astm.ENQ:
                self.tries -= 1  # to lose the line is no failed try
                self.not_before = time.monotonic() + 2 * self.limits.seconds_busy
                self._take(answer)
                return False, "the instrument wants to speak"
            if sender.asking and answer != astm.ACK:
                self.not_before = time.monotonic() + self.limits.seconds_busy
                return False, "the instrument is busy"
            try:
                sender.answer(answer)
            except mllp.FramingError as error:
                self.peer.write(astm.EOT, self.limits.seconds_an_answer)
                return False, str(error)
        try:
            self.peer.write(sender.write(), self.limits.seconds_an_answer)
        except OSError as error:
            return True, str(error)  # every frame was taken: to say it again would double it
        return True, ""


def take(peer: Peer, body: bytes) -> list[receive.Reply]:
    """Store a whole message and say what it is answered. Raises NotStored; after that nothing may be answered."""
    now = timezone.now()
    fail_point("before_store")
    close_old_connections()
    try:
        peer.know()
        analyzer = peer.speaker = receive.identify(peer.analyzers, body)
        if not peer.analyzers and not (peer.opening and strangers.take(peer.opening, now)):
            raise NotStored("nobody listens for strangers any more, or too much came")
        clinic = (analyzer or (peer.analyzers or [peer.opening])[0]).clinic
        replies = receive.take(
            peer.address, body, analyzer=analyzer, clinic=clinic, transport=peer.transport, received=now
        )
    except Error as error:
        raise NotStored(f"the message could not be stored: {error}") from error
    peer.messages, peer.last = peer.messages + 1, time.monotonic()
    fail_point("before_ack")
    connection.close()
    return replies


def keep_broken(peer: Peer, broken: mllp.Broken) -> None:
    """What was cut short is kept for a person, and never answered."""
    if not peer.analyzers:
        return
    receive.store(
        peer.address,
        broken.rest,
        analyzer=peer.analyzers[0] if len(peer.analyzers) == 1 else None,
        clinic=peer.analyzers[0].clinic,
        transport=peer.transport,
        received=timezone.now(),
        complete=False,
        why=broken.why,
    )
    log.warning("kept %s bytes of %s as INCOMPLETE: %s", len(broken.rest), peer.address, broken.why)
    connection.close()


def next_order(peer: Peer) -> SentMessage | None:
    """The next order for the analyzer at the other end of a line that we opened, marked as sent."""
    try:
        return send.claim(timezone.now(), analyzer=peer.analyzers[0])
    finally:
        connection.close()
