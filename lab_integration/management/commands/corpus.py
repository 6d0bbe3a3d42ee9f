"""Play a folder of captured messages over a real socket and print what became of each; ends with 1 when one is lost."""

import sys
import threading
from pathlib import Path

from django.core.management.base import BaseCommand, CommandError

from lab_integration import corpus
from lab_integration.listener import Listener
from mhac.clinics.models import Clinic


class Command(BaseCommand):
    help = __doc__
    requires_system_checks = []

    def add_arguments(self, parser):
        parser.add_argument("folder", help="a folder with *.hl7 and *.astm files, one message or session each")
        parser.add_argument(
            "--port", type=int, default=0, help="HL7 port of a running `listen` (default: one of our own)"
        )
        parser.add_argument("--astm-port", type=int, default=0, help="its ASTM port (default: the next one)")

    def handle(self, *args, folder, port, astm_port, **options):
        found = corpus.files(folder)
        if not found:
            raise CommandError(
                f"{folder} holds no *.hl7 or *.astm file. Name a folder of captures: make corpus DIR=..."
            )
        # The centre has the laboratory whose people read the inbox.
        clinic = Clinic.objects.filter(kind=Clinic.Kind.CENTRE).first() or Clinic.objects.first()
        clinic = clinic or Clinic.objects.create(code="ZZZ", name="Captures", kind=Clinic.Kind.CENTRE)
        corpus.prepare(clinic)
        listener = None
        ports = port, astm_port or port + 1
        if not port:
            listener = Listener("127.0.0.1", 0, 0)
            threading.Thread(target=listener.serve, daemon=True).start()
            ports = listener.ports
        lost = self.table(found, Path(folder), ports)
        self.stdout.write(f"What waits for a person stands in the inbox of {clinic} (for example as a lab supervisor).")
        if listener:
            listener.stop()
        if lost:
            sys.exit(1)

    def table(self, found, folder, ports):
        width = max(len(str(path.relative_to(folder))) for path in found)
        self.stdout.write(f"{'file':<{width}}  {'answer':<8} {'state':<17} filed held settled  lost")
        states, lost, totals = {}, 0, [0, 0, 0]
        for path in found:
            played = corpus.play(path, *ports)
            for state in played.states:
                states[state] = states.get(state, 0) + 1
            lost += bool(played.loss)
            totals = [a + b for a, b in zip(totals, (played.filed, played.held, played.settled), strict=True)]
            name, acks = str(path.relative_to(folder)), _short(played.acks)
            counts = f"{played.filed:>5} {played.held:>4} {played.settled:>7}"
            told = "; ".join(played.loss) or "0"
            self.stdout.write(f"{name:<{width}}  {acks:<8} {_short(played.states):<17} {counts}  {told}")
        summary = ", ".join(f"{state} {count}" for state, count in sorted(states.items()))
        self.stdout.write(f"\n{len(found)} files; {sum(states.values())} messages: {summary}")
        self.stdout.write(f"lines: {totals[0]} filed, {totals[1]} held, {totals[2]} settled; files with a loss: {lost}")
        return lost


def _short(words):
    """`AA`, `AA x3`, `ACK x4 NAK`: each word once, with its count."""
    counts = {word: words.count(word) for word in words}
    return " ".join(word if count == 1 else f"{word} x{count}" for word, count in counts.items()) or "-"
