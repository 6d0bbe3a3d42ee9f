"""The sockets. Analyzers connect here; what they send is stored, then answered, on the same connection.

One thread a connection, many connections kept open. Nothing is answered AA (or the last frame of a LIS1 message ACK)
before its bytes are committed; when they cannot be, nothing is said and the connection is closed, so that the analyzer
sends again. Limits: 64 connections, 16 MiB and 60 seconds a message, peers on an analyzer's list.
"""

import logging
import socket
import threading
import time
from dataclasses import dataclass, field

from django.db import Error, close_old_connections, connection
from django.utils import timezone

from lab_integration import astm, mllp, receive
from lab_integration.failpoints import fail_point
from lab_integration.models import Analyzer

log = logging.getLogger("lab")
MOST_CONNECTIONS = 64
SECONDS_A_MESSAGE = 60.0
SECONDS_A_FRAME = 30.0
PIECE = 64 * 1024


class NotStored(Exception):
    """The bytes could not be committed; nothing may be answered."""


@dataclass(eq=False)
class Peer:
    """One connection."""

    line: socket.socket
    address: str
    opened: float
    transport: str
    analyzers: list[Analyzer] = field(default_factory=list)
    messages: int = 0
    last: float = 0.0


class Listener:
    """Listens on one port for HL7 (MLLP) and on one for ASTM (LIS1). `serve` returns after `stop`."""

    def __init__(
        self,
        host: str,
        hl7_port: int,
        astm_port: int,
        *,
        limit: int = mllp.LIMIT,
        seconds_a_message: float = SECONDS_A_MESSAGE,
        seconds_a_frame: float = SECONDS_A_FRAME,
    ) -> None:
        self.limit, self.seconds_a_message, self.seconds_a_frame = limit, seconds_a_message, seconds_a_frame
        self.peers: set[Peer] = set()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        self.doors = [(_open(host, hl7_port), "mllp"), (_open(host, astm_port), "lis1")]

    @property
    def ports(self) -> tuple[int, int]:
        one, two = (door.getsockname()[1] for door, _transport in self.doors)
        return one, two

    def serve(self) -> None:
        threads = [threading.Thread(target=self._accept, args=door, daemon=True) for door in self.doors]
        for thread in threads:
            thread.start()
        self.stopping.wait()
        for door, _transport in self.doors:
            door.close()
        with self.lock:
            for peer in self.peers:
                _hang_up(peer.line)
        # A message that is being stored is stored and answered before we go.
        for _ in range(50):
            if not self.peers:
                return
            time.sleep(0.1)

    def stop(self) -> None:
        self.stopping.set()

    def _accept(self, door: socket.socket, transport: str) -> None:
        while not self.stopping.is_set():
            try:
                line, address = door.accept()
            except OSError:
                return
            peer = Peer(line, address[0], time.monotonic(), transport, last=time.monotonic())
            if self._admit(peer):
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()
            else:
                line.close()

    def _admit(self, peer: Peer) -> bool:
        """Room for one more; when there is none, whoever was silent longest without ever sending a message goes."""
        with self.lock:
            if len(self.peers) >= MOST_CONNECTIONS:
                silent = [one for one in self.peers if not one.messages]
                if not silent:
                    log.warning("refused %s: %s connections are open", peer.address, MOST_CONNECTIONS)
                    return False
                oldest = min(silent, key=lambda one: one.last)
                self.peers.discard(oldest)
                _hang_up(oldest.line)
            self.peers.add(peer)
            return True

    def _serve(self, peer: Peer) -> None:
        try:
            peer.line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            peer.line.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            dialect = Analyzer.Dialect.ASTM if peer.transport == "lis1" else Analyzer.Dialect.HL7
            found = Analyzer.objects.heard_from(peer.address)
            peer.analyzers = [one for one in found if one.dialect == dialect]
            connection.close()
            if not peer.analyzers:
                log.warning("refused %s: no active analyzer speaks %s from there", peer.address, dialect)
                return
            (_Astm if peer.transport == "lis1" else _Mllp)(self, peer).run()
        except (OSError, NotStored, Error, mllp.FramingError) as error:
            log.warning("connection of %s ended: %s", peer.address, error)
        except Exception:
            log.exception("connection of %s ended by an error of ours", peer.address)
        finally:
            connection.close()
            _hang_up(peer.line)
            peer.line.close()
            with self.lock:
                self.peers.discard(peer)


class _Mllp:
    """A conversation in MLLP: block in, block out."""

    def __init__(self, listener: Listener, peer: Peer) -> None:
        self.listener, self.peer = listener, peer
        self.deframer = mllp.Deframer(listener.limit)
        self.begun = 0.0

    def run(self) -> None:
        try:
            while not self.deframer.over and (data := self._read()):
                fail_point("after_read")
                for found in self.deframer.feed(data):
                    if isinstance(found, mllp.Frame):
                        self._message(found.body)
                    else:
                        self._keep(found)
        finally:
            if rest := self.deframer.close():
                self._keep(rest)

    def _read(self) -> bytes:
        """The next bytes; b"" when the peer closed, or when a message took too long."""
        if self.deframer.waiting:
            self.begun = self.begun or time.monotonic()
            left = self.begun + self.listener.seconds_a_message - time.monotonic()
            if left <= 0:
                return b""
            self.peer.line.settimeout(left)
        else:
            self.begun = 0.0
            self.peer.line.settimeout(None)
        try:
            return self.peer.line.recv(PIECE)
        except TimeoutError:
            return b""

    def _message(self, body: bytes) -> None:
        self.begun = 0.0
        for reply in take(self.peer, body):
            if reply.body is not None and not _goes_another_way(reply, self.peer):
                self.peer.line.sendall(mllp.frame(reply.body))

    def _keep(self, broken: mllp.Broken) -> None:
        keep_broken(self.peer, broken)


def _goes_another_way(reply: receive.Reply, peer: Peer) -> bool:
    """Orders go over the analyzer's own port, where it has one."""
    return reply.type.startswith("OML") and any(one.outbound_host for one in peer.analyzers)


class _Astm:
    """A conversation in LIS1: frames in, ACK out; answers to queries when the line is free."""

    def __init__(self, listener: Listener, peer: Peer) -> None:
        self.listener, self.peer = listener, peer
        self.receiver = astm.Receiver(listener.limit)
        self.answers: list[bytes] = []

    def run(self) -> None:
        try:
            while not self.receiver.over and (data := self._read()) is not None:
                self._take(data)
                while self.answers and not self.receiver.in_session:
                    self._send(self.answers.pop(0))
        finally:
            if rest := self.receiver.close():
                keep_broken(self.peer, rest)

    def _read(self) -> bytes | None:
        """The next bytes; None when the peer closed. A session that falls silent for 30 seconds is given up."""
        self.peer.line.settimeout(self.listener.seconds_a_frame if self.receiver.in_session else None)
        try:
            return self.peer.line.recv(PIECE) or None
        except TimeoutError:
            if rest := self.receiver.expire():
                keep_broken(self.peer, rest)
            return b""

    def _take(self, data: bytes) -> None:
        stored = True
        for found in self.receiver.feed(data):
            if isinstance(found, astm.Records):
                try:
                    replies = take(self.peer, found.body)
                    self.answers += [reply.body for reply in replies if reply.body is not None]
                except NotStored:
                    self.receiver.refuse()
                    stored = False
            elif isinstance(found, astm.Answer):
                self.peer.line.sendall(found.byte if stored else astm.NAK)
                stored = True
            else:
                keep_broken(self.peer, found)

    def _send(self, body: bytes) -> None:
        """Be the sender for one message; when the instrument wants the line too, it wins and we come back later."""
        sender = astm.Sender(body)
        self.peer.line.settimeout(15.0)
        while not sender.done:
            self.peer.line.sendall(sender.write())
            answer = self.peer.line.recv(1)
            if answer == astm.ENQ:
                self.answers.insert(0, body)
                self._take(answer)
                return
            if not answer:
                raise ConnectionError("the instrument closed the connection before it took our answer")
            sender.answer(answer)
        self.peer.line.sendall(sender.write())


def take(peer: Peer, body: bytes) -> list[receive.Reply]:
    """Store a whole message and say what it is answered. Raises NotStored; after that nothing may be answered."""
    now = timezone.now()
    fail_point("before_store")
    close_old_connections()
    try:
        analyzer = receive.identify(peer.analyzers, body)
        clinic = (analyzer or peer.analyzers[0]).clinic
        stored = receive.store(
            peer.address, body, analyzer=analyzer, clinic=clinic, transport=peer.transport, received=now
        )
    except Error as error:
        raise NotStored(f"the message could not be stored: {error}") from error
    fail_point("after_commit")
    replies = receive.reply(stored, body, analyzer, now)
    receive.keep_reply(stored, replies)
    peer.messages, peer.last = peer.messages + 1, time.monotonic()
    fail_point("before_ack")
    receive.wake_worker()
    connection.close()
    return replies


def keep_broken(peer: Peer, broken: mllp.Broken) -> None:
    """What was cut short is kept for a person, and never answered."""
    clinic = peer.analyzers[0].clinic
    analyzer = peer.analyzers[0] if len(peer.analyzers) == 1 else None
    receive.store(
        peer.address,
        broken.rest,
        analyzer=analyzer,
        clinic=clinic,
        transport=peer.transport,
        received=timezone.now(),
        complete=False,
        why=broken.why,
    )
    log.warning("kept %s bytes of %s as INCOMPLETE: %s", len(broken.rest), peer.address, broken.why)
    connection.close()


def _open(host: str, port: int) -> socket.socket:
    return socket.create_server((host, port), backlog=128, reuse_port=False)


def _hang_up(line: socket.socket) -> None:
    try:
        line.shutdown(socket.SHUT_RDWR)
    except OSError:
        return
