"""`manage.py load_catalogue`: make the database hold the laboratory's catalogue; running it again changes nothing."""

from django.core.management.base import BaseCommand

from mhac.labs.catalogue import load
from mhac.labs.models import Test


class Command(BaseCommand):
    help = "Load the laboratory's tests, units and limits from mhac/labs/catalogue.toml. Safe to run again."

    def handle(self, *args, **options):
        changed = load()
        self.stdout.write(
            f"{Test.objects.filter(active=True).count()} tests in the catalogue, {changed} new or changed."
        )
