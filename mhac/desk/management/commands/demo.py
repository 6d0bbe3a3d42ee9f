from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mhac.desk import demo


class Command(BaseCommand):
    help = "Fill a training clinic with invented people; what is there already stays as it is."

    def handle(self, **options):
        if not settings.TRAINING:
            raise CommandError(
                "This clinic is no training clinic: invented people do not belong among real ones. "
                "Set MHAC_TRAINING=1 on a database of its own."
            )
        added = demo.load()
        self.stdout.write(f"Training clinic: {added} families added." if added else "Training clinic: nothing to add.")
