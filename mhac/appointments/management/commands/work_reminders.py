import time

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import close_old_connections
from django.utils import timezone

from mhac.appointments.services import reminders
from mhac.clinics import gateways

PAUSE = 60  # seconds


class Command(BaseCommand):
    help = "Write a reminder for each family whose appointment is near, and send them through the gateway that is set."

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="look once and end")

    def handle(self, *args, once, **options):
        try:
            gateway = gateways.of(settings.GATEWAY)
        except ValueError as fault:
            raise CommandError(str(fault)) from fault
        while True:
            counted = self.look(gateway, timezone.now())
            if once:
                self.stdout.write("{} written, {} tried, {} set apart".format(*counted))
                return
            close_old_connections()
            time.sleep(PAUSE)

    def look(self, gateway, now):
        """(written, tried, set apart); without a gateway nothing is written, as nobody would send it."""
        if gateway is None:
            return 0, 0, reminders.set_apart(now)
        return reminders.write_due(now), reminders.send_due(gateway, now), reminders.set_apart(now)
