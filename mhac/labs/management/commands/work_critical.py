import time

from django.core.management.base import BaseCommand
from django.db import close_old_connections
from django.utils import timezone

from mhac.labs import services

PAUSE = 20  # seconds


class Command(BaseCommand):
    help = "Write for every critical value that nobody took note of that 15, 30 and 60 minutes have passed, once each."

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="look once and end")

    def handle(self, *args, once, **options):
        while True:
            made = services.escalate(timezone.now())
            if once:
                self.stdout.write(f"{made} escalations written")
                return
            close_old_connections()
            time.sleep(PAUSE)
