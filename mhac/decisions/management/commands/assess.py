"""`python manage.py assess FILE.jsonl`: what the rules say, one person per line. A door; the work is the cellar's."""

import sys
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError, CommandParser

from mhac.protocols.__main__ import run
from mhac.protocols.programme import EditionFault


class Command(BaseCommand):
    help = "Assess the persons of a file, one JSON object per line; print one answer per line. Stores nothing."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("file", help="The file to read; - for standard input.")
        parser.add_argument(
            "--editions",
            action="append",
            default=[],
            metavar="FOLDER",
            help="A folder with further editions of programmes; may be given more than once.",
        )

    def handle(self, *, file: str, editions: list[str], **options: object) -> None:
        try:
            status = run(file, sys.stdout.buffer, [Path(folder) for folder in editions])
        except OSError as fault:
            raise CommandError(
                f"{file} cannot be read: {fault.strerror or fault}. Check the name.", returncode=2
            ) from None
        except EditionFault as fault:
            raise CommandError(str(fault), returncode=2) from None
        if status:
            sys.exit(status)
