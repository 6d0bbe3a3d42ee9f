"""The doors: analyzers connect here, each connection is a thread, many stay open. What is said: `conversation`.

Who may come in: an address on the list of an active analyzer that speaks this dialect, over TLS and under the name in
its certificate where the analyzer demands it. When there is no room, whoever never sent a message makes some.
"""

import logging
import socket
import ssl
import threading
import time

from django.db import Error, connection
from django.utils import timezone

from lab_integration import strangers, tls
from lab_integration.conversation import Limits, NotKnown, Peer, converse, keep_alive
from lab_integration.models import Analyzer, plain_address

log = logging.getLogger("lab")
LONG_SILENT = 600.0  # seconds after which a peer that did send messages may have to make room


class Listener:
    """Listens on one port for HL7 (MLLP) and on one for ASTM (LIS1), and with `context` on two more for the same over
    TLS. `serve` returns after `stop`."""

    def __init__(
        self,
        host: str,
        hl7_port: int,
        astm_port: int,
        *,
        context: ssl.SSLContext | None = None,
        tls_ports: tuple[int, int] = (0, 0),
        limits: Limits | None = None,
    ) -> None:
        self.limits = limits or Limits()
        self.context = context
        self.peers: set[Peer] = set()
        self.lock = threading.Lock()
        self.stopping = threading.Event()
        wanted = [(hl7_port, "mllp", False), (astm_port, "lis1", False)]
        if context:
            wanted += [(tls_ports[0], "mllp", True), (tls_ports[1], "lis1", True)]
        self.doors: list[tuple[socket.socket, str, bool]] = []
        try:
            for port, transport, safe in wanted:
                self.doors.append((_open(host, port), transport, safe))
        except OSError:
            self._shut()
            raise

    @property
    def ports(self) -> tuple[int, int]:
        """Of HL7 and of ASTM, without TLS."""
        one, two = (door.getsockname()[1] for door, _transport, safe in self.doors if not safe)
        return one, two

    @property
    def tls_ports(self) -> tuple[int, ...]:
        """Of HL7 and of ASTM over TLS; none without a certificate."""
        return tuple(door.getsockname()[1] for door, _transport, safe in self.doors if safe)

    def serve(self) -> None:
        for door in self.doors:
            threading.Thread(target=self._accept, args=door, daemon=True).start()
        self.stopping.wait()
        self._shut()
        with self.lock:
            for peer in self.peers:
                peer.hang_up("we are stopping")
        # A message that is being stored is stored and answered before we go.
        for _ in range(50):
            if not self.peers:
                return
            time.sleep(0.1)

    def stop(self) -> None:
        self.stopping.set()

    def _shut(self) -> None:
        for door, _transport, _safe in self.doors:
            door.close()

    def _accept(self, door: socket.socket, transport: str, safe: bool) -> None:
        while not self.stopping.is_set():
            try:
                line, address = door.accept()
            except OSError as error:
                if self.stopping.is_set() or door.fileno() < 0:
                    return
                log.warning("a connection could not be taken: %s", error)  # out of descriptors, say: it passes
                self.stopping.wait(0.2)
                continue
            peer = Peer(line, str(plain_address(address[0])), transport, admitted, tls=safe)
            if self._admit(peer):
                threading.Thread(target=self._serve, args=(peer,), daemon=True).start()
            else:
                line.close()

    def _admit(self, peer: Peer) -> bool:
        """Room for one more, of its address and in all; a peer without use makes room, else the new one goes."""
        with self.lock:
            same = [one for one in self.peers if one.address == peer.address]
            crowd = (
                same
                if len(same) >= self.limits.of_one_address
                else list(self.peers)
                if len(self.peers) >= self.limits.connections
                else []
            )
            if crowd:
                idle = _of_no_use(crowd)
                if idle is None:
                    log.warning("refused %s: %s connections are open", peer.address, len(crowd))
                    return False
                self.peers.discard(idle)
                idle.hang_up("it made room for another")
            self.peers.add(peer)
            return True

    def _serve(self, peer: Peer) -> None:
        why = "an error of ours, see above"
        try:
            keep_alive(peer.line)
            if peer.tls:
                self._shake_hands(peer)
            peer.know()
            why = converse(peer, self.limits)
        except (OSError, Error, NotKnown) as error:
            why = peer.sent_away or str(error)
        except Exception:
            log.exception("connection of %s ended by an error of ours", peer.address)
        finally:
            connection.close()
            with self.lock:
                self.peers.discard(peer)
            part(peer, why)

    def _shake_hands(self, peer: Peer) -> None:
        assert self.context is not None
        peer.line.settimeout(self.limits.seconds_of_handshake)
        try:
            safe = self.context.wrap_socket(peer.line, server_side=True)
        except TimeoutError:
            raise NotKnown("it did not begin TLS, and this is a TLS port") from None
        except ssl.SSLError as error:
            raise NotKnown(f"no TLS with it: {error.reason or error}. {_advice(error)}") from None
        peer.line, peer.names = safe, tls.names(safe.getpeercert())


def admitted(peer: Peer) -> list[Analyzer]:
    """The active analyzers that may speak on this line. NotKnown says what keeps the others out."""
    found = [one for one in Analyzer.objects.heard_from(peer.address) if one.dialect == peer.dialect]
    if not found:
        return _unknown(peer)
    safe = [one for one in found if peer.tls or not one.must_use_tls]
    if not safe:
        raise NotKnown(f"{found[0]} must use TLS. Give it the TLS port")
    named = [one for one in safe if not one.certificate_name or one.certificate_name in peer.names]
    if not named:
        shown = ", ".join(sorted(peer.names)) or "none"
        raise NotKnown(f"{safe[0]} must show the certificate of {safe[0].certificate_name} and showed {shown}")
    return named


def _unknown(peer: Peer) -> list[Analyzer]:
    """Nobody we know may speak while a person listens for strangers; otherwise the knock is written down."""
    peer.opening = strangers.admit(peer.address, peer.transport, timezone.now())
    if peer.opening is None:
        raise NotKnown(f"no active analyzer speaks {peer.dialect} from there. Add the address to its list")
    return []


def part(peer: Peer, why: str) -> None:
    """Close the line and say so in one line of the log."""
    peer.hang_up()
    peer.line.close()
    names = ", ".join(map(str, peer.analyzers)) or "nobody we know"
    log.info(
        "closed %s (%s, %s%s) after %.0f s and %s messages: %s",
        *(peer.address, names, peer.transport, ", TLS" if peer.tls else ""),
        *(time.monotonic() - peer.opened, peer.messages, why),
    )


def _of_no_use(crowd: list[Peer]) -> Peer | None:
    """Who never sent a message, the first come first; else who was silent longest, if that is long."""
    if silent := [one for one in crowd if not one.messages]:
        return min(silent, key=lambda one: one.opened)
    longest = min(crowd, key=lambda one: one.last)
    return longest if time.monotonic() - longest.last > LONG_SILENT else None


def _advice(error: ssl.SSLError) -> str:
    if error.reason in {"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "UNKNOWN_PROTOCOL"}:
        return "It speaks without TLS to the TLS port, or an old TLS: give it the other port, or TLS 1.2."
    if "CERT" in (error.reason or ""):
        return "Check its certificate against MHAC_WIRE_CA."
    return "Check how TLS is set at the analyzer."


def _open(host: str, port: int) -> socket.socket:
    six = ":" in host
    family = socket.AF_INET6 if six else socket.AF_INET
    return socket.create_server((host, port), family=family, backlog=128, dualstack_ipv6=host == "::")
