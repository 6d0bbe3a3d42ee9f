"""`python manage.py assess FILE.jsonl`: what the rules say, one person per line. A door; the work is the cellar's."""

import sys

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mhac.protocols.__main__ import run
from mhac.protocols.programme import EditionFault
from mhac.screenings.programmes import programmes


class Command(BaseCommand):
    help = "Assess the persons of a file, one JSON object per line; print one answer per line. Stores nothing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The file to read; - for standard input.")

    def handle(self, *, file: str, **options: object) -> None:
        try:
            status = run(file, sys.stdout.buffer, programmes())
        except OSError as fault:
            why = fault.strerror or fault
            raise CommandError(f"{file} cannot be read: {why}. Check the name.", returncode=2) from None
        except EditionFault as fault:
            raise CommandError(str(fault), returncode=2) from None
        if status:
            sys.exit(status)
