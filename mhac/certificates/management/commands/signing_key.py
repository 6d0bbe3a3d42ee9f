from pathlib import Path

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError

from mhac.certificates import keys, seal, services


class Command(BaseCommand):
    help = "Show the id of the key that signs documents. The file is named by MHAC_SIGNING_KEY."
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("--create-if-missing", action="store_true", help="make a new key when there is no file")
        parser.add_argument(
            "--compromised", metavar="KEY_ID", help="what this key signed must be verified again; needs --because"
        )
        parser.add_argument("--because", default="", help="what happened to the key")

    def handle(self, *args, create_if_missing, compromised, because, **options):
        try:
            if compromised:
                suspended = services.mark_compromised(compromised, because=because)
                self.stdout.write(
                    f"Key {compromised} no longer counts; {suspended} documents are suspended. "
                    "Move its file away, create a new key, and issue them again."
                )
                return
            if create_if_missing and settings.SIGNING_KEY and not Path(settings.SIGNING_KEY).exists():
                seal.create_key(Path(settings.SIGNING_KEY), training=settings.TRAINING)
            key = keys.current()
        except (seal.NoKey, services.NotReady) as why:
            raise CommandError(str(why)) from None
        kind = "training key" if key.training else "signing key"
        self.stdout.write(f"{kind} {key.key_id} in {settings.SIGNING_KEY}")
