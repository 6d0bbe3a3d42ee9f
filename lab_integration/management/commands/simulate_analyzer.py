"""Play an analyzer that speaks IHE LAW: take orders, measure, send results. For training and tests only."""

import signal
import threading
import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from lab_integration import training
from lab_integration.models import Listening
from lab_integration.simulator import Analyzer

PATIENCE = 60


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=0, help="take orders on this port (default: a free one)")
        parser.add_argument("--listener", default="", help="HOST:PORT of the laboratory system (default: this one)")
        parser.add_argument("--delay", type=float, default=3.0, help="seconds that a measurement takes")
        parser.add_argument("--all-normal", action="store_true", help="no abnormal value now and then")

    def handle(self, *args, port, listener, delay, all_normal, **options):
        if not settings.TRAINING:
            raise CommandError("Invented results belong to a training clinic. Set MHAC_TRAINING=1 to have one.")
        stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: stopping.set())
        device = Analyzer(training.menu(all_normal), self.place(listener, stopping), delay)
        if stopping.is_set():
            return
        taken = device.open("127.0.0.1", port)
        training.prepare("127.0.0.1", taken)
        for work in training.unfinished(device.menu):
            device.resume(work)
        connection.close()
        self.stdout.write(f"The training analyzer takes orders on 127.0.0.1:{taken} for {len(device.menu)} tests.")
        self.stdout.flush()
        while not stopping.wait(5):
            # The wire may have come back on another port, a site or a test may be new.
            device.menu = training.menu(all_normal)
            training.prepare("127.0.0.1", taken)
            if not listener and (row := Listening.objects.first()):
                device.listener = (row.host, row.hl7_port)
            connection.close()
        device.close()

    def place(self, listener, stopping):
        if listener:
            host, _colon, port = listener.rpartition(":")
            return host, int(port)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not stopping.is_set():
            if row := Listening.objects.first():
                return row.host, row.hl7_port
            stopping.wait(0.5)
        if stopping.is_set():
            return "127.0.0.1", 0
        raise CommandError("The wire is not listening. Start `listen` first, or name it with --listener HOST:PORT.")
