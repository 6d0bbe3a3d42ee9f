"""Read what analyzers sent, match what waited, send orders: once a second, and at once when a message arrives."""

import signal
import threading

from django.core.management.base import BaseCommand
from django.db import OperationalError, connection
from django.utils import timezone

from lab_integration import receive, send

PAUSE = 1.0
RETRY_EVERY = 5


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
        turn = 0
        while not self.stopping.is_set():
            try:
                self.step(turn)
                if once:
                    return
                self.pause()
            except OperationalError as error:
                if once:
                    raise
                self.stderr.write(f"The database does not answer: {error}")
                connection.close()
                self.stopping.wait(PAUSE)
            turn += 1

    def step(self, turn):
        while not self.stopping.is_set() and receive.process_next():
            pass
        now = timezone.now()
        if turn % RETRY_EVERY == 0:
            receive.retry_waiting(now)
        send.prepare_orders(now)
        send.send_waiting(now)

    def pause(self):
        """Wait for the listener's notice, or a second."""
        with connection.cursor() as cursor:
            cursor.execute(f"LISTEN {receive.CHANNEL}")
        for _notice in connection.connection.notifies(timeout=PAUSE, stop_after=1):
            return
