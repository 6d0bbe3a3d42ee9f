"""How fast the laboratory's wire is, beside what it is fair to compare it with: `make bench-lab`.

One run on a PostgreSQL of its own with durable settings (fsync on). Ratios are what counts: the servers take turns, and of
each the best of three rounds stands, the one least disturbed by what else the machine does. `--json FILE` keeps the figures, `--seconds` and `--messages` make it
shorter or longer.
"""

import argparse
import contextlib
import json
import os
import re
import secrets
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from mhac.database import SAFE, Cluster

CHECKOUT = Path(__file__).resolve().parents[2]
CONNECTIONS = 8
WORKERS = 2
ROUNDS = 3
# Eight analyzers, each with an address of its own.
PEERS = [f"127.0.0.{number}" for number in range(11, 11 + CONNECTIONS)]
ENDED = b"\x1c\r"


# -- the machine under test ---------------------------------------------------------------------------------------
@contextlib.contextmanager
def durable():
    """The address of a new PostgreSQL with fsync, and its programs; gone afterwards."""
    folder = Path(tempfile.mkdtemp(prefix="mhac-bench-", dir="/var/tmp"))
    folder.chmod(0o711)
    cluster = Cluster(folder, settings=SAFE)
    try:
        yield cluster.start(), cluster
    finally:
        cluster.stop()
        shutil.rmtree(folder, ignore_errors=True)


@contextlib.contextmanager
def process(*words, said=None):
    """A process of ours; what the pattern `said` finds in its first line, while the block runs."""
    child = subprocess.Popen([sys.executable, *words], cwd=CHECKOUT, stdout=subprocess.PIPE, text=True)
    try:
        yield re.search(said, child.stdout.readline())[1] if said else child
    finally:
        child.send_signal(signal.SIGTERM)
        child.wait(30)
        child.stdout.close()


def listening():
    return process("manage.py", "listen", "--hl7-port", "0", "--astm-port", "0", said=r"HL7 \(MLLP\) on port (\d+)")


def other(name):
    return process("-m", "tests.bench.servers", name, said=r"(\d+)")


# -- senders ------------------------------------------------------------------------------------------------------
def converse(line, body):
    """Write one message and read its answer."""
    line.sendall(b"\x0b" + body + ENDED)
    got = b""
    while not got.endswith(ENDED):
        piece = line.recv(65536)
        if not piece:
            raise ConnectionError("the server closed the line")
        got += piece
    return got


def rate(port, bodies, *, connections=CONNECTIONS, kept=True):
    """Messages a second, acknowledged one after the other on each of `connections`; the time each took."""
    waiting, took, wrong = iter(bodies), [], []
    taking = threading.Lock()

    def connect(place):
        return socket.create_connection(("127.0.0.1", port), timeout=60, source_address=(PEERS[place], 0))

    def send(place):
        line = connect(place)
        while True:
            with taking:
                body = next(waiting, None)
            if body is None:
                line.close()
                return
            begun = time.perf_counter()
            if not kept:
                line.close()
                line = connect(place)
            if b"MSA|AA" not in converse(line, body):
                wrong.append(body)
            took.append(time.perf_counter() - begun)

    threads = [threading.Thread(target=send, args=(place,)) for place in range(connections)]
    begun = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    if wrong or len(took) != len(bodies):
        raise SystemExit(f"{len(wrong)} messages were refused and {len(bodies) - len(took)} not answered.")
    return len(took) / (time.perf_counter() - begun), took


def percentile(times, share):
    return statistics.quantiles(times, n=1000, method="inclusive")[int(share * 10) - 1]


# -- what is measured ---------------------------------------------------------------------------------------------
def commits(url, cluster, body):
    """Bare commits a second with eight connections: one row of the size of a message each, by pgbench."""
    import psycopg

    with psycopg.connect(url, autocommit=True) as session:
        session.execute("CREATE TABLE IF NOT EXISTS bare (id bigserial PRIMARY KEY, body bytea)")
    script = cluster.folder / "bare.sql"
    script.write_text(f"INSERT INTO bare (body) VALUES ('\\x{body.hex()}');\n")
    script.chmod(0o644)
    binaries, _owner = cluster.tools()
    said = subprocess.run(
        [binaries.folder / "pgbench", "-n", "-f", script, "-c", str(CONNECTIONS), "-j", "2", "-T", "3", url],
        capture_output=True,
        text=True,
        check=True,
    )
    return float(re.search(r"tps = ([0-9.]+)", said.stdout)[1])


def commits_in_python(url, body):
    """The same by eight threads of one Python process: what a listener in Python could reach at most."""
    import psycopg

    def insert(until, counted):
        with psycopg.connect(url, autocommit=True) as session:
            while time.perf_counter() < until:
                session.execute("INSERT INTO bare (body) VALUES (%b)", [body])
                counted.append(1)

    counted, until = [], time.perf_counter() + 3
    threads = [threading.Thread(target=insert, args=(until, counted)) for _ in range(CONNECTIONS)]
    begun = time.perf_counter()
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return len(counted) / (time.perf_counter() - begun)


def ours(accessions, turn):
    """(acknowledged a second, times, acknowledged and filed a second) of as many messages as there are accessions."""
    from django.db import connection

    from lab_integration.models import ReceivedMessage
    from tests.bench import world

    bodies = [world.message(each, f"M{turn}-{place}") for place, each in enumerate(accessions)]
    unread = ReceivedMessage.objects.unread()
    before = filed()
    with listening() as port, contextlib.ExitStack() as workers:
        for _worker in range(WORKERS):
            workers.enter_context(process("manage.py", "work_lab"))
        time.sleep(5)
        begun = time.perf_counter()
        acknowledged, took = rate(int(port), bodies)
        while unread.exists():
            time.sleep(0.05)
        both = len(bodies) / (time.perf_counter() - begun)
    connection.close()
    if filed() - before != len(bodies) * world.TESTS:
        told = sorted({f"{row.state} {row.reason}".strip() for row in ReceivedMessage.objects.all()})
        raise SystemExit(f"{filed() - before} results of {len(bodies) * world.TESTS} were filed: {'; '.join(told)}")
    return acknowledged, took, both


def filed():
    from mhac.labs.models import LabResult

    return LabResult.objects.to_verify().count()


def acknowledgement(accessions, turn):
    """Acknowledged a second when nobody reads them yet, with the times; the messages are read afterwards."""
    from tests.bench import world

    bodies = [world.message(each, f"A{turn}-{place}") for place, each in enumerate(accessions)]
    with listening() as port:
        rate(int(port), bodies[:100])
        return rate(int(port), bodies[100:])


def end_to_end(accessions, a_second):
    """Seconds from the last byte in to the results on the page of the verifier, at so many messages a second."""
    from django.db import connection

    from mhac.labs.models import LabResult
    from tests.bench import world

    bodies = [(each, world.message(each, f"E{place}")) for place, each in enumerate(accessions)]
    written, seen, done = {}, {}, threading.Event()

    def watch():
        waits = LabResult.objects.to_verify().select_related("order__specimen")
        while not done.is_set() or set(written) - set(seen):
            missing = set(written) - set(seen)
            for each in waits.filter(order__specimen__accession__in=missing, order__test__position=0):
                seen[each.order.specimen.accession] = time.perf_counter()
            time.sleep(0.01)
        connection.close()

    watching = threading.Thread(target=watch)
    with listening() as port, process("manage.py", "work_lab"):
        time.sleep(3)
        watching.start()
        begun = time.perf_counter()
        with socket.create_connection(("127.0.0.1", int(port)), timeout=60, source_address=(PEERS[0], 0)) as line:
            for place, (accession, body) in enumerate(bodies):
                time.sleep(max(0.0, begun + place / a_second - time.perf_counter()))
                line.sendall(b"\x0b" + body + ENDED)
                written[accession] = time.perf_counter()
                while not line.recv(65536).endswith(ENDED):
                    pass
        done.set()
        watching.join(60)
    return [seen[each] - written[each] for each in written]


def measure(asked):
    figures = {}
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

        from tests.bench import world

        call_command("migrate", verbosity=0)
        slow = asked.seconds * asked.a_second
        accessions, _analyzers = world.prepare(asked.messages + slow + 1, peers=PEERS)
        body = world.message(accessions[-1], "1")
        figures["message_bytes"] = len(body)
        bodies = [world.message(accessions[-1], f"P{place}") for place in range(asked.messages)]
        with other("hl7apy") as port:
            figures["hl7apy"], _took = rate(int(port), bodies[:100], kept=False)
        with other("hl7apy-parse") as port:
            figures["hl7apy_parse"], _took = rate(int(port), bodies[:16], kept=False)
        share = asked.messages // ROUNDS
        for turn in range(ROUNDS):
            measured = {}
            with other("hl7") as port:
                rate(int(port), bodies[:20])
                measured["python_hl7"], _took = rate(int(port), bodies[: 2 * share])
            measured["acknowledged_under_work"], took, measured["filed"] = ours(
                accessions[turn * share : (turn + 1) * share], turn
            )
            measured["commits"] = commits(url, cluster, body)
            measured["commits_in_python"] = commits_in_python(url, body)
            measured["acknowledged"], times = acknowledgement([accessions[-1]] * (asked.messages + 100), turn)
            for name, value in measured.items():
                figures.setdefault(name, []).append(value)
            figures["p95_under_work"] = min(percentile(took, 95), figures.get("p95_under_work", 9.9))
            figures["p95"] = min(percentile(times, 95), figures.get("p95", 9.9))
            call_command("work_lab", once=True)
        figures = {name: max(value) if isinstance(value, list) else value for name, value in figures.items()}
        times = end_to_end(accessions[asked.messages : -1], asked.a_second)
        figures["visible_p50"], figures["visible_p99"] = percentile(times, 50), percentile(times, 99)
        figures["visible_max"] = max(times)
    return figures


def table(found):
    """The figures as lines, with each ratio beside the bar that it has to reach."""

    def line(what, value, ratio=""):
        return f"{what:<66}{value:>12}  {ratio}"

    of_python = found["acknowledged"] / found["commits_in_python"]
    of_parsing, of_commits = found["filed"] / found["python_hl7"], found["acknowledged"] / found["commits"]
    return "\n".join(
        [
            line(f"ORU^R01, 30 OBX, {found['message_bytes']} bytes, {CONNECTIONS} connections", "a second", "ratio (bar)"),
            line("python-hl7 server: parsed and acknowledged, nothing kept", f"{found['python_hl7']:.0f}"),
            line("hl7apy server: acknowledged / also parsed, nothing kept", f"{found['hl7apy']:.0f} / {found['hl7apy_parse']:.1f}"),
            line("bare commits of a row of that size (pgbench, fsync on)", f"{found['commits']:.0f}"),
            line("the same by eight threads of one Python process", f"{found['commits_in_python']:.0f}"),
            line("(a) ours: stored, acknowledged and filed with history", f"{found['filed']:.0f}", f"{of_parsing:.2f} of python-hl7 (1.0)"),
            line("    acknowledged meanwhile; p95", f"{found['acknowledged_under_work']:.0f}", f"{found['p95_under_work'] * 1000:.0f} ms"),
            line("(b) ours: stored and acknowledged", f"{found['acknowledged']:.0f}", f"{of_commits:.2f} of commits (0.5), {of_python:.2f} of Python's"),
            line("    p95", "", f"{found['p95'] * 1000:.0f} ms"),
            line("(c) last byte in to the verifier's page: p50 / p99 / longest, seconds", f"{found['visible_p50']:.2f} / {found['visible_p99']:.2f} / {found['visible_max']:.2f}", "(p99 1.0)"),
        ]
    )  # fmt: skip


def main():
    parser = argparse.ArgumentParser(prog="python -m tests.bench.lab", description=__doc__)
    parser.add_argument("--messages", type=int, default=600)
    parser.add_argument("--seconds", type=int, default=60)
    parser.add_argument("--a-second", type=int, default=10)
    parser.add_argument("--json", type=Path)
    asked = parser.parse_args()
    found = measure(asked)
    print(table(found), flush=True)
    if asked.json:
        asked.json.write_text(json.dumps(found, indent=1))


if __name__ == "__main__":
    main()
