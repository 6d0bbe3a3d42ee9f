"""Connecting out: analyzers that are themselves the server. Results come over the line we opened, orders leave on it.

One thread an analyzer. When the line is lost or refused it is opened again after 5 s, then after 10, 20, at most 60; a
line that held for a minute begins with 5 again. What is said on it: `conversation`, as on a line that came to us.
"""

import logging
import threading
import time
from typing import Any

from django.db import Error, connection
from django.db.models import F
from django.utils import timezone

from lab_integration import tls
from lab_integration.conversation import Limits, NotKnown, Peer, converse, keep_alive
from lab_integration.listener import part
from lab_integration.models import Analyzer, OutboundLine, plain_address
from lab_integration.send import connect

log = logging.getLogger("lab")
LOOK = 5.0  # seconds until the list of analyzers is read again
AGAIN, LONGEST, HELD = 5.0, 60.0, 60.0
PATIENCE = 10.0  # seconds to connect and to shake hands


class Dialler:
    """Keeps a line open to every active analyzer that we connect to. `again` is the first wait in seconds."""

    def __init__(self, *, limits: Limits | None = None, again: float = AGAIN) -> None:
        self.limits, self.again = limits or Limits(), again
        self.stopping = threading.Event()
        self.peers: set[Peer] = set()
        self.threads: dict[Any, threading.Thread] = {}

    def start(self) -> None:
        threading.Thread(target=self._watch, daemon=True).start()

    def stop(self) -> None:
        """Hang up everywhere; messages that are being stored are stored and answered first."""
        self.stopping.set()
        for peer in list(self.peers):
            peer.hang_up("we are stopping")
        for thread in list(self.threads.values()):
            thread.join(5)

    def _watch(self) -> None:
        while not self.stopping.is_set():
            try:
                wanted = list(to_be_called().values_list("pk", flat=True))
            except Error as error:
                log.warning("which analyzers are to be called is not known: %s", error)
                wanted = []
            finally:
                connection.close()
            self.threads = {key: thread for key, thread in self.threads.items() if thread.is_alive()}
            for key in wanted:
                if key not in self.threads:
                    self.threads[key] = threading.Thread(target=self._keep, args=(key,), daemon=True)
                    self.threads[key].start()
            self.stopping.wait(min(LOOK, self.again))

    def _keep(self, key: Any) -> None:
        """One analyzer, until it is switched off or no longer ours to call."""
        wait = self.again
        while not self.stopping.is_set():
            begun, analyzer = time.monotonic(), None
            try:
                analyzer = to_be_called().filter(pk=key).first()
                if analyzer is None:
                    return
                self._call(analyzer)
            except (OSError, Error, NotKnown, tls.Refused) as error:
                log.warning("%s was not reached: %s. It is called again in %.0f s", analyzer, error, wait)
                note_failure(analyzer, error)
            except Exception:
                log.exception("the line to %s ended by an error of ours", analyzer)
            finally:
                connection.close()
            if time.monotonic() - begun > HELD:
                wait = self.again
            self.stopping.wait(wait)
            wait = min(2 * wait, LONGEST)

    def _call(self, analyzer: Analyzer) -> None:
        line = connect(analyzer, PATIENCE)
        peer = Peer(
            line,
            str(plain_address(line.getpeername()[0])),
            "lis1" if analyzer.dialect == Analyzer.Dialect.ASTM else "mllp",
            lambda _peer: still(analyzer),
            called=True,
            tls=analyzer.must_use_tls,
        )
        connection.close()
        why = "an error of ours, see above"
        self.peers.add(peer)
        try:
            if self.stopping.is_set():
                return
            keep_alive(line)
            peer.know()
            note_success(analyzer)
            log.info("connected to %s at %s:%s", analyzer, analyzer.outbound_host, analyzer.outbound_port)
            why = converse(peer, self.limits)
        finally:
            self.peers.discard(peer)
            part(peer, why)


def to_be_called() -> Any:
    """Active analyzers that we connect to."""
    return Analyzer.objects.active().filter(link=Analyzer.Link.CALLED).exclude(outbound_host="")


def still(analyzer: Analyzer) -> list[Analyzer]:
    """The analyzer as it is set now; NotKnown when the line is to be opened anew, or not at all."""
    now = to_be_called().select_related("clinic").filter(pk=analyzer.pk).first()
    fixed = ("dialect", "outbound_host", "outbound_port", "must_use_tls", "certificate_name")
    if now is None or any(getattr(now, name) != getattr(analyzer, name) for name in fixed):
        raise NotKnown("it was switched off, or is reached in another way now")
    return [now]


def note_success(analyzer: Analyzer) -> None:
    """The line is up; an alarm about it ends."""
    said = {"tries": 0, "reason": "", "changed_at": timezone.now()}
    OutboundLine.objects.update_or_create(analyzer=analyzer, defaults=said)


def note_failure(analyzer: Analyzer | None, why: Exception) -> None:
    """One more try in vain, for the alarm; while the database is away the log alone says so."""
    if analyzer is None:
        return
    try:
        line, _made = OutboundLine.objects.get_or_create(analyzer=analyzer, defaults={"changed_at": timezone.now()})
        counted = OutboundLine.objects.filter(pk=line.pk)
        counted.update(tries=F("tries") + 1, reason=str(why)[:200], changed_at=timezone.now())
    except Error as error:
        log.warning("that %s was not reached could not be written down: %s", analyzer, error)
