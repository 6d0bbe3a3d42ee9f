"""Read what analyzers sent as it comes; match what waited and send orders once a second.

May run twice on a busy site: the messages of one analyzer are read by one worker at a time, in their order.
"""

import signal
import threading
import time

from django.core.management.base import BaseCommand
from django.db import OperationalError, connection
from django.utils import timezone

from lab_integration import controls, receive, send, watch

PAUSE = 1.0
# A short look costs a fraction of a millisecond; a notice in the storing transaction would make commits wait in a row.
LOOK = 0.1
CHORES = 0x63686F
RETRY_EVERY = 5
WATCH_EVERY = 30


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="do what is due now and stop")

    def handle(self, *args, once, **options):
        self.stopping = threading.Event()
        if not once:
            for number in (signal.SIGTERM, signal.SIGINT):
                signal.signal(number, lambda *_: self.stopping.set())
        self.chores_at, self.turn = 0.0, 0
        while not self.stopping.is_set():
            try:
                busy = self.step()
                if once and not busy:
                    return
                if not busy:
                    self.stopping.wait(LOOK)
            except OperationalError as error:
                if once:
                    raise
                self.stderr.write(f"The database does not answer: {error}")
                connection.close()
                self.stopping.wait(PAUSE)

    def step(self):
        """What came first; what is due once a second besides it. Whether there was anything to read."""
        read = receive.process_some()
        controls.take(read)
        busy = bool(read)
        if time.monotonic() >= self.chores_at and not (busy and self.turn == 0):
            self.chores()
            self.chores_at, self.turn = time.monotonic() + PAUSE, self.turn + 1
        return busy

    def chores(self):
        """What is due besides reading; one worker at a time, or an order would be made twice."""
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_try_advisory_lock(%s)", [CHORES])
            if not cursor.fetchone()[0]:
                return
        try:
            self.do_chores()
        finally:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_advisory_unlock(%s)", [CHORES])

    def do_chores(self):
        now = timezone.now()
        if self.turn % RETRY_EVERY == 0:
            receive.retry_waiting(now)
            controls.take_waiting(now)
            send.prepare_cancellations(now)
        send.prepare_orders(now)
        send.send_waiting(now)
        if self.turn % WATCH_EVERY == 0:
            watch.watch(now)
