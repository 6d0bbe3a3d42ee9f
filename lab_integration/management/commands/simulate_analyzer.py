"""Play an analyzer, for training and tests only: its values are invented.

Without --family it is the training clinic's own device: it speaks IHE LAW, takes orders, measures, sends results.
With --family mindray, genexpert, astm or law it asks what is to be done with each --specimen (or does --test without
asking), sends the results to --listener HOST:PORT, says what was answered, and stops. --serve PORT plays an analyzer
that is itself the server: the laboratory system connects to it.
"""

import signal
import socket
import ssl
import threading
import time
from dataclasses import replace

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from lab_integration import training
from lab_integration.models import Listening
from lab_integration.simulator.devices import FAMILIES
from lab_integration.simulator.law import Analyzer
from lab_integration.simulator.line import Faults, Lis1, Mllp

PATIENCE = 60


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--port", type=int, default=0, help="take orders on this port (default: a free one)")
        parser.add_argument("--listener", default="", help="HOST:PORT of the laboratory system (default: this one)")
        parser.add_argument("--delay", type=float, default=3.0, help="seconds that a measurement takes")
        parser.add_argument("--all-normal", action="store_true", help="no abnormal value now and then")
        parser.add_argument("--family", choices=["law", *FAMILIES], help="what to play (default: the training device)")
        parser.add_argument("--name", default="SIMULATOR", help="what it calls itself")
        parser.add_argument("--specimen", action="append", default=[], help="number of a tube; may be repeated")
        parser.add_argument("--test", action="append", default=[], help="code to do without asking; may be repeated")
        parser.add_argument("--value", action="append", default=[], metavar="CODE=VALUE", help="what comes out")
        parser.add_argument("--controls", action="store_true", help="send a control run first")
        parser.add_argument("--serve", type=int, metavar="PORT", help="wait here for the laboratory system")
        parser.add_argument("--tls-authority", default="", help="PEM: speak TLS and trust who signed with this")
        parser.add_argument("--tls-certificate", default="", help="PEM: our certificate and key for TLS")
        faults = parser.add_argument_group("what goes wrong on purpose")
        faults.add_argument("--duplicate", action="store_true", help="every message twice")
        faults.add_argument("--corrupt", action="store_true", help="the first copy is damaged on its way")
        faults.add_argument("--drop-mid-message", action="store_true", help="the line breaks, then the message comes")
        faults.add_argument("--slow", type=float, default=0.0, help="seconds of pause after every byte")
        faults.add_argument("--no-ack-wait", action="store_true", help="write everything, then read the answers")
        faults.add_argument("--wrong-id", action="store_true", help="the number on the tube is misread")

    def handle(self, *args, family, **options):
        if not settings.TRAINING:
            raise CommandError("Invented results belong to a training clinic. Set MHAC_TRAINING=1 to have one.")
        self.stopping = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self.stopping.set())
        if family is None:
            self.train(**options)
        elif family == "law":
            self.ask_and_measure(**options)
        else:
            self.play(FAMILIES[family](options["name"]), **options)

    # -- the training clinic's device ---------------------------------------------------------------------------------

    def train(self, *, port, listener, delay, all_normal, **options):
        device = Analyzer(training.menu(all_normal), self.place(listener), delay)
        if self.stopping.is_set():
            return
        taken = device.open("127.0.0.1", port)
        training.prepare("127.0.0.1", taken)
        for work in training.unfinished(device.menu):
            device.resume(work)
        connection.close()
        self.say(f"The training analyzer takes orders on 127.0.0.1:{taken} for {len(device.menu)} tests.")
        while not self.stopping.wait(5):
            # The wire may have come back on another port, a site or a test may be new.
            device.menu = training.menu(all_normal)
            training.prepare("127.0.0.1", taken)
            if not listener and (row := Listening.objects.first()):
                device.listener = (row.host, row.hl7_port)
            connection.close()
        device.close()

    def place(self, listener, astm=False):
        if listener:
            host, _colon, port = listener.rpartition(":")
            if not host or not port.isdecimal():
                raise CommandError(f"{listener} is no place. Write it like 127.0.0.1:2575.")
            return host, int(port)
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until and not self.stopping.is_set():
            if row := Listening.objects.first():
                return row.host, row.astm_port if astm else row.hl7_port
            self.stopping.wait(0.5)
        if self.stopping.is_set():
            return "127.0.0.1", 0
        raise CommandError("The wire is not listening. Start `listen` first, or name it with --listener HOST:PORT.")

    # -- one round of another device ----------------------------------------------------------------------------------

    def ask_and_measure(self, *, listener, delay, name, specimen, all_normal, **options):
        device = Analyzer(training.menu(all_normal), self.place(listener), delay)
        device.open()
        for number in specimen:
            self.say(f"{number}: {device.ask(number, name)} steps to do")
        while device.steps - device.measured - device.cancelled and not self.stopping.wait(0.1):
            pass
        while device.busy() and not self.stopping.wait(0.1):
            pass
        self.say(f"{len(device.delivered)} messages acknowledged")
        device.close()

    def play(self, device, *, listener, specimen, test, controls, serve, **options):
        given = {key: options[key] for key in Faults.__dataclass_fields__}
        kind = Lis1 if device.dialect == "astm" else Mllp
        context = self.context(options["tls_authority"], options["tls_certificate"], serving=serve is not None)
        values = dict(pair.partition("=")[::2] for pair in options["value"])
        if unknown := ({*test, *values}) - set(device.menu):
            raise CommandError(f"It cannot measure {', '.join(sorted(unknown))}. It can: {', '.join(device.menu)}.")
        for code, value in values.items():
            device.menu[code] = replace(device.menu[code], words=(value,))
        if serve is None:
            host, port = self.place(listener, astm=kind is Lis1)
            line = kind(host, port, Faults(**given), context)
        else:
            line = kind("", 0, Faults(**given), opened=self.called(serve, context))
        try:
            if controls:
                self.say(f"controls: {' '.join(line.deliver(device.controls())) or 'none'}")
            for number in specimen:
                answers = device.run(line, [number], tuple(test))
                self.say(f"{number}: {' '.join(word or 'no answer' for word in answers) or 'nothing to do'}")
        except OSError as error:
            raise CommandError(f"The line to the laboratory system failed: {error}.") from None
        finally:
            line.close()

    def called(self, port, context):
        """The first connection that the laboratory system opens to us."""
        with socket.create_server(("127.0.0.1", port)) as door:
            self.say(f"Waiting on 127.0.0.1:{door.getsockname()[1]}")
            door.settimeout(PATIENCE)
            try:
                line, _address = door.accept()
            except TimeoutError:
                raise CommandError("Nobody connected. Set up the analyzer as one that we connect to.") from None
        return context.wrap_socket(line, server_side=True) if context else line

    def context(self, authority, certificate, *, serving):
        if not authority and not certificate:
            return None
        purpose = ssl.Purpose.CLIENT_AUTH if serving else ssl.Purpose.SERVER_AUTH
        try:
            context = ssl.create_default_context(purpose, cafile=authority or None)
            if certificate:
                context.load_cert_chain(certificate)
        except OSError as error:
            raise CommandError(f"TLS cannot be set up from {authority} {certificate}: {error}.") from None
        return context

    def say(self, text):
        self.stdout.write(text)
        self.stdout.flush()
