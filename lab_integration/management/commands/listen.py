"""Listen for analyzers, and connect to those that listen themselves, until SIGTERM: HL7 over MLLP, ASTM over LIS1.

With a certificate in MHAC_WIRE_CERTIFICATE two more ports speak the same over TLS.
"""

import contextlib
import datetime
import signal
import threading
import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError, connection
from django.utils import timezone

from lab_integration import tls
from lab_integration.dialler import Dialler
from lab_integration.listener import Listener
from lab_integration.models import Listening

LEASE = 0x6C6973  # one listener in a database
BEAT = 10.0
PATIENCE = 15
FORGOTTEN = datetime.timedelta(seconds=45)


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on; 0.0.0.0 for every one")
        parser.add_argument("--hl7-port", type=int, default=2575)
        parser.add_argument("--astm-port", type=int, default=2576)
        parser.add_argument("--hl7-tls-port", type=int, default=2675)
        parser.add_argument("--astm-tls-port", type=int, default=2676)

    def handle(self, *args, host, hl7_port, astm_port, hl7_tls_port, astm_tls_port, **options):
        context = self.context()
        self.take_lease()
        try:
            listener = Listener(host, hl7_port, astm_port, context=context, tls_ports=(hl7_tls_port, astm_tls_port))
        except OSError as error:
            # In training nothing outside knows the port: another clinic on this machine may have it.
            if not settings.TRAINING:
                raise CommandError(
                    f"Port {hl7_port} or {astm_port} on {host} (or their TLS ports) cannot be used: {error.strerror}. "
                    "Stop what listens there, or choose others with --hl7-port and --astm-port."
                ) from None
            listener = Listener(host, 0, 0, context=context)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: listener.stop())
        one, two = listener.ports
        now = timezone.now()
        row = Listening.objects.create(host=host, hl7_port=one, astm_port=two, started_at=now, beat_at=now)
        Listening.objects.exclude(pk=row.pk).delete()
        self.stdout.write(f"Listening on {host}: HL7 (MLLP) on port {one}, ASTM (LIS1) on port {two}.")
        if listener.tls_ports:
            self.stdout.write("Over TLS: HL7 on port {}, ASTM on port {}.".format(*listener.tls_ports))
        self.stdout.flush()
        dialler = Dialler()
        dialler.start()
        threading.Thread(target=self.beat, args=(row, listener), daemon=True).start()
        listener.serve()
        dialler.stop()
        connection.close()  # the database may have been restarted since
        with contextlib.suppress(OperationalError):
            row.delete()
        self.stdout.write("No longer listening.")

    def context(self):
        """TLS for the safe ports, where there is a certificate for them."""
        if not settings.WIRE_CERTIFICATE:
            return None
        try:
            return tls.listening(settings.WIRE_CERTIFICATE, settings.WIRE_KEY, settings.WIRE_CA)
        except tls.Refused as error:
            raise CommandError(str(error)) from None

    def take_lease(self):
        """One listener on a database. One that was ended by force, or cut off, is forgotten after a while."""
        for left in range(PATIENCE, -1, -1):
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_try_advisory_lock(%s)", [LEASE])
                if cursor.fetchone()[0]:
                    return
            if left:
                time.sleep(1)
        if Listening.objects.filter(beat_at__gte=timezone.now() - FORGOTTEN).exists():
            raise CommandError("Another `listen` is running on this database. Stop it first.")
        self.stderr.write("Another session holds the lease of the wire but shows no sign of life; going on.")

    def beat(self, row, listener):
        while not listener.stopping.wait(BEAT):
            try:
                Listening.objects.filter(pk=row.pk).update(beat_at=timezone.now())
            except OperationalError as error:
                self.stderr.write(f"The database does not answer: {error}")
            finally:
                connection.close()
