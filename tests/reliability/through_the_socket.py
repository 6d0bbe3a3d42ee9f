"""Damaged messages through a real listener, its database and its worker; nothing may be lost, hang or grow.

What the wire must have kept is worked out here from the bytes that were written, by the codec alone.
"""

import hashlib
import os
import random
import secrets
import socket
import threading
from collections import Counter
from pathlib import Path

AT_ONCE = 8
A_LINE = 40  # frames of one connection
PATIENCE = 60.0


def run(count, seed):
    """Send `count` frames; faults as (seed, words). Prints what became of them."""
    from tests.bench.lab import durable

    with durable() as (url, _cluster):
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
        try:
            return _play(count, seed)
        finally:
            connection.close()
            connection.close_pool()


def _play(count, seed):
    from lab_integration.models import ReceivedLine, ReceivedMessage
    from tests.bench import world
    from tests.reliability.processes import free_port, listener, reaches, wait_for, worker

    world.prepare(20, tests=2)
    port = free_port()
    listening, reading = listener(port), worker()
    wait_for(lambda: reaches(port), 60)
    before, expected, faults = memory(listening.pid), set(), []
    _send(port, range(seed, seed + min(count, 400)), expected, faults)
    warm = memory(listening.pid)
    _send(port, range(seed + min(count, 400), seed + count), expected, faults)
    after = memory(listening.pid)
    wait_for(lambda: not ReceivedMessage.objects.unread().exists(), 900, 0.2)
    rows = list(ReceivedMessage.objects.values_list("pk", "sha256", "complete", "state", "observations"))
    stored = {print_ for _pk, print_, complete, _state, _rows in rows if complete}
    faults += [(seed, f"written and not stored: {print_}") for print_ in sorted(expected - stored)[:5]]
    faults += [(seed, f"stored and not written: {print_}") for print_ in sorted(stored - expected)[:5]]
    faults += [
        (seed, f"message {pk} is {state}") for pk, _print, _c, state, _n in rows if state in {"FAILED", "RECEIVED"}
    ]
    lines = Counter(ReceivedLine.objects.values_list("message_id", flat=True))
    for pk, _print, _complete, state, there in rows:
        if state in {"PROCESSED", "PARTLY_HELD", "HELD"} and lines[pk] != there:
            faults.append((seed, f"message {pk}: {there} rows came, {lines[pk]} lines are shown"))
    if not (listening.is_alive() and reading.is_alive()):
        faults.append((seed, "listener or worker ended"))
    states = ", ".join(f"{state} {number}" for state, number in sorted(Counter(row[3] for row in rows).items()))
    print(f"{count} frames through the socket: {states}")
    print(f"listener {before} MiB at first, {warm} MiB after 400 frames, {after} MiB at the end; faults {len(faults)}")
    for each in (listening, reading):
        each.terminate()
        each.join(30)
    return faults


def _send(port, seeds, expected, faults):
    """Write these frames, some dozens a connection, and note what must have been kept."""
    from tests.reliability import fuzz

    given, lock = fuzz.seeds(), threading.Lock()
    groups = iter([seeds[at : at + A_LINE] for at in range(0, len(seeds), A_LINE)])

    def send():
        while True:
            with lock:
                group = next(groups, None)
            if group is None:
                return
            chance = random.Random(group[0])
            wire = b"".join(b"\x0b" + fuzz.damaged(random.Random(one), given) + b"\x1c\r" for one in group)
            kept = _kept(wire)
            try:
                _converse(port, chance, wire)
            except OSError as error:
                with lock:
                    faults.append((group[0], f"hang or broken line: {error}"))
            with lock:
                expected.update(kept)

    threads = [threading.Thread(target=send) for _ in range(AT_ONCE)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()


def _converse(port, chance, wire):
    with socket.create_connection(("127.0.0.1", port), timeout=PATIENCE) as line:
        answers = threading.Thread(target=_drain, args=(line,))
        answers.start()
        at = 0
        while at < len(wire):
            size = chance.choice((1, 100, 5000, 60000))
            line.sendall(wire[at : at + size])
            at += size
        line.shutdown(socket.SHUT_WR)
        answers.join(PATIENCE)
        if answers.is_alive():
            raise TimeoutError(f"the line was not closed within {PATIENCE:.0f} s")


def _drain(line):
    try:
        while line.recv(65536):
            pass
    except OSError:
        return


def _kept(wire):
    """SHA-256 of every whole message in `wire`."""
    from lab_integration import hl7, mllp

    found = [one for one in mllp.Deframer().feed(wire) if isinstance(one, mllp.Frame)]
    # A lone 0x06 or 0x15 is the link's own word in MLLP release 2, and no message.
    bodies = [one.body for one in found if one.body not in (b"\x06", b"\x15")]
    return {hashlib.sha256(piece).hexdigest() for body in bodies for piece in hl7.split(body)}


def memory(pid):
    """Resident memory of a process in MiB."""
    words = Path(f"/proc/{pid}/status").read_text().split()
    return int(words[words.index("VmRSS:") + 1]) // 1024
