"""A listener that is ended by force at any point has lost nothing that it acknowledged and doubles nothing."""

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest
from django.conf import settings
from django.db import connection

from lab_integration import receive
from lab_integration.models import Listening, ReceivedLine, ReceivedMessage
from mhac.labs.models import LabResult
from tests.processes import database_url

from .conftest import block, make_analyzer, make_specimen, result, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def environment(**extra):
    """This process's environment, but on the database of the tests."""
    return {**os.environ, "DATABASE_URL": database_url(), **extra}


STARTED = []


@pytest.fixture(autouse=True)
def no_child_is_left():
    yield
    while STARTED:
        process = STARTED.pop()
        process.kill()
        process.wait()
        process.stdout.close()


def command(*words, **extra):
    process = subprocess.Popen(
        [sys.executable, str(settings.BASE_DIR / "manage.py"), *words],
        env=environment(**extra),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    STARTED.append(process)
    return process


class Running:
    """A real `listen` on free ports; `port` once it is there."""

    def __init__(self, **extra):
        self.process = command("listen", "--hl7-port", "0", "--astm-port", "0", **extra)
        line = self.process.stdout.readline()
        self.port, self.astm = map(int, re.findall(r"port (\d+)", line)) if "Listening" in line else (None, line)

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        self.process.wait(60)
        return self.process.returncode


@pytest.fixture
def bench(kabul, cast, catalogue):
    make_analyzer(kabul)
    return make_specimen(kabul, cast.cli, [catalogue["alt"]])


def acknowledged(port, body):
    """Whether `body` was answered AA; a line that breaks is no answer."""
    try:
        return b"MSA|AA|" in send(port, block(body))
    except OSError:
        return False


@pytest.mark.parametrize(
    "point, stored", [("after_read", 0), ("before_store", 0), ("after_commit", 1), ("before_ack", 1)]
)
def test_a_kill_at_any_point_loses_and_doubles_nothing(bench, point, stored):
    body = result(bench.accession, number="7")
    dying = Running(FAIL_AT=point)
    assert not acknowledged(dying.port, body)
    assert dying.process.wait(60) == -signal.SIGKILL
    assert ReceivedMessage.objects.count() == stored
    again = Running()
    assert acknowledged(again.port, body)
    again.stop()
    row = ReceivedMessage.objects.get()
    assert (bytes(row.body), row.repeats) == (body.encode(), stored)
    while receive.process_next():
        pass
    assert LabResult.objects.count() == 1
    assert ReceivedLine.objects.get().state == "FILED"


def test_a_worker_killed_before_it_processes_leaves_the_message_for_the_next(bench):
    body = result(bench.accession)
    running = Running()
    assert acknowledged(running.port, body)
    running.stop()
    dying = command("work_lab", "--once", FAIL_AT="before_process")
    assert dying.wait(60) == -signal.SIGKILL
    assert ReceivedMessage.objects.get().state == "RECEIVED"
    worker = command("work_lab", "--once")
    assert worker.wait(60) == 0, worker.stdout.read()
    assert ReceivedMessage.objects.get().state == "PROCESSED"
    assert LabResult.objects.count() == 1


def test_kills_under_load_lose_nothing_that_was_acknowledged(bench):
    """Messages as fast as answers come, the listener killed at moments that differ; unanswered ones are sent again."""
    told, number = {}, 0
    for turn in range(4):
        running = Running()
        until = time.monotonic() + 0.3 + 0.17 * turn
        with socket.create_connection(("127.0.0.1", running.port), timeout=5) as line:
            while time.monotonic() < until:
                number += 1
                body = result(bench.accession, value=str(number), number=f"n{number}", status="P")
                told[number] = (body, False)
                line.sendall(block(body))
                told[number] = (body, b"MSA|AA|" in line.recv(4096))
        running.stop(signal.SIGKILL)
    running = Running()
    for body, acked in list(told.values()):
        if not acked:
            assert acknowledged(running.port, body)
    assert running.stop() == 0
    kept = {bytes(row.body).decode() for row in ReceivedMessage.objects.all()}
    assert kept == {body for body, _acked in told.values()}
    assert ReceivedMessage.objects.count() == len(told)
    assert len(told) > 20


class Between:
    """A line between a process and the database that can be cut and mended."""

    def __init__(self, host, port):
        self.target, self.pairs, self.open = (host, port), [], True
        self.door = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self.accept, daemon=True).start()

    @property
    def port(self):
        return self.door.getsockname()[1]

    def accept(self):
        while True:
            try:
                near, _address = self.door.accept()
            except OSError:
                return
            if not self.open:
                near.close()
                continue
            far = socket.create_connection(self.target)
            self.pairs.append((near, far))
            for one, other in ((near, far), (far, near)):
                threading.Thread(target=self.carry, args=(one, other), daemon=True).start()

    def carry(self, one, other):
        try:
            while data := one.recv(65536):
                other.sendall(data)
        except OSError:
            pass
        for line in (one, other):
            # A close alone would leave the other thread's read, and with it the session, open.
            with contextlib.suppress(OSError):
                line.shutdown(socket.SHUT_RDWR)
            line.close()

    def cut(self):
        self.open = False
        for near, far in self.pairs:
            for line in (near, far):
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
        self.pairs.clear()


def test_nothing_is_acknowledged_while_the_database_is_away(bench):
    held = connection.settings_dict
    between = Between(held["HOST"], int(held["PORT"]))
    running = Running(DATABASE_URL=database_url(between.port))
    first, second = result(bench.accession, number="1"), result(bench.accession, number="2", value="32")
    assert acknowledged(running.port, first)
    between.cut()
    assert not acknowledged(running.port, second)
    assert ReceivedMessage.objects.count() == 1
    between.open = True
    until = time.monotonic() + 20
    while not acknowledged(running.port, second):
        assert time.monotonic() < until, "the listener did not come back with the database"
        time.sleep(0.5)
    assert ReceivedMessage.objects.count() == 2
    running.stop()
    between.door.close()


def test_a_stop_is_clean_and_says_so(bench):
    running = Running()
    assert Listening.objects.count() == 1
    with socket.create_connection(("127.0.0.1", running.port), timeout=5):
        assert running.stop() == 0
    assert Listening.objects.count() == 0


def test_a_second_listener_is_refused(bench):
    running = Running()
    second = command("listen", "--hl7-port", "0", "--astm-port", "0")
    assert second.wait(60) == 1
    assert "Another `listen` is running" in second.stdout.read()
    running.stop()
