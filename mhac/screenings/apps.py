import sys

from django.apps import AppConfig

from mhac.protocols.programme import EditionFault


class ScreeningsConfig(AppConfig):
    name = "mhac.screenings"

    def ready(self):
        """A clinic does not open with a programme that cannot be read: it would silently ask for less."""
        from mhac.screenings.programmes import programmes

        try:
            programmes()
        except EditionFault as fault:
            sys.stderr.write(f"{fault}\n")
            sys.exit(2)
