"""Listener, worker and database ended by force under load: `python -m tests.reliability.kills 200 [--database 20]`.

Sixteen senders over real sockets, each resending until it is acknowledged, as an analyzer does; half of the kills hit
the listener, half the worker, each at a moment of its own. Then the books are balanced: what was acknowledged is
stored once, what was stored is filed once, nothing is torn.
"""

import argparse
import hashlib
import os
import random
import secrets
import socket
import sys
import threading
import time
from dataclasses import dataclass, field

SENDERS = 16
ROWS = 2
PATIENCE = 10.0


@dataclass
class Told:
    """What the senders know: which bytes were acknowledged, how often something had to be sent again."""

    acknowledged: set[str] = field(default_factory=set)
    sent: set[str] = field(default_factory=set)
    again: int = 0
    refused: list[bytes] = field(default_factory=list)
    last: float = 0.0


class Load:
    """Senders that never give up; `stop` lets each finish the message that it has in hand."""

    def __init__(self, port, bodies, pause):
        self.port, self.pause, self.told = port, pause, Told()
        self.bodies, self.lock, self.stopping = iter(bodies), threading.Lock(), threading.Event()
        self.threads = [threading.Thread(target=self._send, args=(place,)) for place in range(SENDERS)]
        for each in self.threads:
            each.start()

    def stop(self):
        self.stopping.set()
        for each in self.threads:
            each.join(120)

    def _next(self):
        with self.lock:
            return next(self.bodies, None)

    def _send(self, place):
        chance, line = random.Random(place), None
        while not self.stopping.is_set() and (body := self._next()):
            print_ = hashlib.sha256(body).hexdigest()
            with self.lock:
                self.told.sent.add(print_)
            answer = b""
            while not answer:
                try:
                    line = line or socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE)
                    answer = self._exchange(line, body)
                except OSError:
                    if line is not None:
                        line.close()
                    line = None
                    time.sleep(0.02)
                    with self.lock:
                        self.told.again += 1
            with self.lock:
                if b"MSA|AA" in answer:
                    self.told.acknowledged.add(print_)
                    self.told.last = time.monotonic()
                else:
                    self.told.refused.append(answer)
            time.sleep(chance.uniform(0, self.pause))
        if line is not None:
            line.close()

    def _exchange(self, line, body):
        line.sendall(b"\x0b" + body + b"\x1c\r")
        got = b""
        while not got.endswith(b"\x1c\r"):
            piece = line.recv(4096)
            if not piece:
                raise ConnectionError("closed before it was answered")
            got += piece
        return got


def campaign(cluster, kills, outages, seed):
    """Kill `kills` times and stop the database `outages` times under load; the books afterwards."""
    from tests.bench import world
    from tests.reliability.processes import free_port, listener, reaches, wait_for, worker

    chance, port = random.Random(seed), free_port()
    accessions, _analyzers = world.prepare(60 * kills + 250 * outages + 300, tests=ROWS)
    bodies = (world.message(each, f"K{place}", rows=ROWS) for place, each in enumerate(accessions))
    running = {"listener": listener(port), "worker": worker()}
    wait_for(lambda: reaches(port))
    begun, load = time.monotonic(), Load(port, bodies, pause=0.1)
    counts, back, away = {"listener": 0, "worker": 0, "database": 0}, [], []
    try:
        for turn in range(kills):
            time.sleep(chance.uniform(0.02, 0.4))
            whom = ("listener", "worker")[turn % 2]
            running[whom].kill()
            running[whom].join()
            killed = time.monotonic()
            counts[whom] += 1
            running[whom] = listener(port) if whom == "listener" else worker()
            if whom == "listener":
                wait_for(lambda since=killed: load.told.last > since or not any(t.is_alive() for t in load.threads))
                back.append(load.told.last - killed)
        for _turn in range(outages):
            time.sleep(chance.uniform(0.1, 0.6))
            stop_at_once(cluster)
            stopped = time.monotonic()
            counts["database"] += 1
            time.sleep(chance.uniform(0.2, 1.0))
            cluster.start()
            started = time.monotonic()
            wait_for(lambda since=started: load.told.last > since or not any(t.is_alive() for t in load.threads), 60)
            away.append(load.told.last - started)
            if not all(each.is_alive() for each in running.values()):
                raise SystemExit("A process ended because the database was away; it should have waited.")
            del stopped
    finally:
        load.stop()
    took = time.monotonic() - begun
    books = balance(load.told)
    for each in running.values():
        each.terminate()
    for each in running.values():
        each.join(30)
    return {"kills": counts, "seconds": took, "back": sorted(back), "away": sorted(away), **books}


def stop_at_once(cluster):
    """The database ends without a word, as in a power cut of its process."""
    binaries, owner = cluster.tools()
    done = owner.run(binaries.folder / "pg_ctl", "stop", "-m", "immediate", "-w", "-t", "60", "-D", cluster.data)
    if done.returncode:
        raise SystemExit(f"The database did not stop: {done.stdout}")


def balance(told):
    """Wait until everything is read, then count what must not be."""
    from django.db import connection
    from django.db.models import Count

    from lab_integration.models import ReceivedLine, ReceivedMessage
    from mhac.labs.models import LabOrder, LabResult
    from tests.reliability.processes import wait_for

    connection.close()  # it may be one to a database that was stopped
    connection.close_pool()
    left = ReceivedMessage.objects.unread().count()
    while left:
        # However much has piled up: as long as it grows less, the worker is alive.
        before = left
        wait_for(lambda count=before: ReceivedMessage.objects.unread().count() < count, 60, 0.1)
        left = ReceivedMessage.objects.unread().count()
    rows = list(ReceivedMessage.objects.values_list("sha256", "complete", "body", "state"))
    whole = [print_ for print_, complete, _body, _state in rows if complete]
    stored = set(whole)
    results = LabResult.objects.count()
    history = LabResult.history.values("id").annotate(times=Count("history_id")).exclude(times=1).count()
    return {
        "sent": len(told.sent),
        "acknowledged": len(told.acknowledged),
        "again": told.again,
        "refused": len(told.refused),
        "stored": len(whole),
        "cut_short": len(rows) - len(whole),
        "results": results,
        "lost": len(told.acknowledged - stored),
        "stored_twice": len(whole) - len(stored),
        "torn": len(stored - told.sent)
        + sum(hashlib.sha256(bytes(body)).hexdigest() != print_ for print_, _complete, body, _state in rows),
        "filed_twice": LabResult.objects.filter(version__gt=1).count() + history,
        "not_filed": ROWS * len(stored) - results,
        "lines_missing": ROWS * len(stored) - ReceivedLine.objects.filter(state="FILED").count(),
        "orders_astray": abs(results - LabOrder.objects.filter(state=LabOrder.State.RESULTED).count()),
        "failed": sum(state == "FAILED" for _print, _complete, _body, state in rows),
    }


MUST_BE_NONE = ("lost", "stored_twice", "torn", "filed_twice", "not_filed", "lines_missing", "orders_astray", "failed")
MUST_BE_NONE += ("refused",)


def middle(times, share=0.5):
    return f"{times[min(int(len(times) * share), len(times) - 1)]:.2f}" if times else "-"


def report(found):
    kills = ", ".join(f"{name} {count}" for name, count in found["kills"].items())
    return (
        f"ended by force: {kills}, in {found['seconds']:.0f} s under {SENDERS} senders\n"
        f"acknowledged {found['acknowledged']}, sent again {found['again']}, stored {found['stored']} "
        f"(and {found['cut_short']} cut short), results filed {found['results']}\n"
        f"until the next acknowledgement: listener p50 {middle(found['back'])} s, p99 {middle(found['back'], 0.99)} s; "
        f"database p50 {middle(found['away'])} s, longest {middle(found['away'], 1.0)} s\n"
        + ", ".join(f"{name.replace('_', ' ')} {found[name]}" for name in MUST_BE_NONE)
    )


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.reliability.kills", description=__doc__)
    parser.add_argument("kills", type=int, nargs="?", default=200)
    parser.add_argument(
        "--database", type=int, default=0, help="so many times the database is stopped (immediate mode)"
    )
    parser.add_argument("--seed", type=int, default=1)
    asked = parser.parse_args()
    from tests.bench.lab import durable

    with durable() as (url, cluster):
        os.environ |= {
            "DATABASE_URL": url,
            "SECRET_KEY": secrets.token_urlsafe(48),
            "DJANGO_SETTINGS_MODULE": "mhac.settings",
            "MHAC_HTTPS": "0",
        }
        import django

        django.setup()
        from django.core.management import call_command
        from django.db import connection

        call_command("migrate", verbosity=0)
        found = campaign(cluster, asked.kills, asked.database, asked.seed)
        connection.close_pool()
    print(report(found), flush=True)
    return 1 if any(found[name] for name in MUST_BE_NONE) else 0


if __name__ == "__main__":
    sys.exit(main())
