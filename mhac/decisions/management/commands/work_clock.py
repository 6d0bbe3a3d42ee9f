import time

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from mhac.decisions import notices

PAUSE = 300  # seconds


class Command(BaseCommand):
    help = "Tell each site 30, 14 and 7 days before a family's earliest result ends, once each."

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="look once and end")

    def handle(self, *args, once, **options):
        while True:
            made = notices.look()
            if once:
                self.stdout.write(f"{made} notices made")
                return
            close_old_connections()
            time.sleep(PAUSE)
