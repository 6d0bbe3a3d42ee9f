import time

from django.core.management.base import BaseCommand
from django.db import close_old_connections

from mhac.certificates import services

PAUSE = 10  # seconds


class Command(BaseCommand):
    help = "Look again at documents whose facts changed after they were issued, and suspend those that no longer hold."

    def add_arguments(self, parser):
        parser.add_argument("--once", action="store_true", help="look once and end")

    def handle(self, *args, once, **options):
        while True:
            seen = services.check_marked()
            if once:
                self.stdout.write(f"{seen} documents looked at")
                return
            close_old_connections()
            time.sleep(PAUSE)
