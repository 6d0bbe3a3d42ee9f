"""Say what would be answered and filed if these messages came in. Nothing is stored."""

import json
import sys
import traceback
from decimal import Decimal
from pathlib import Path

from django.core.management.base import BaseCommand

from lab_integration.rehearsal import dumps, rehearse


class Command(BaseCommand):
    help = __doc__

    def add_arguments(self, parser):
        parser.add_argument("file", help="a file with one JSON object a line; - reads standard input")

    def handle(self, *args, file, **options):
        try:
            text = sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()
            lines = text.decode("utf-8-sig").split("\n")
        except (OSError, UnicodeDecodeError) as error:
            self.stderr.write(f"{file} cannot be read: {error}. Give a UTF-8 file with one JSON object a line.")
            sys.exit(2)
        refused = 0
        for line in lines:
            if line.strip():
                answer = self.answer(line)
                refused += "error" in answer
                sys.stdout.buffer.write(dumps(answer).encode("utf-8", "replace") + b"\n")
        sys.stdout.flush()
        sys.exit(1 if refused else 0)

    def answer(self, line):
        try:
            given = json.loads(line, parse_float=Decimal)
        except ValueError as error:
            return {"id": None, "error": {"path": "", "message": f"This line is no JSON: {error}."}}
        try:
            return rehearse(given)
        except Exception as error:
            # One line that our program fails on must not cost the answers of the others.
            traceback.print_exc(file=self.stderr)
            found = f"Our program failed on this line: {type(error).__name__}. Report it with the line."
            return {"id": given.get("id"), "error": {"path": "", "message": found}}
