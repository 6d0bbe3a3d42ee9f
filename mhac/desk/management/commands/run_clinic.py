"""Make the database ready and run the whole clinic until it is told to stop. `make run` calls this."""

import hashlib
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

from django.conf import settings
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command, get_commands
from django.core.management.base import BaseCommand, CommandError
from django.db import connection

from mhac import machine

GRACE = 10  # seconds between the request to stop and the end by force
PATIENCE = 60  # seconds for the first page
TRIES, WITHIN = 5, 60  # a program that ends this often in so many seconds takes the clinic down


class Stopped(Exception):
    """Somebody asked us to stop."""


class Program:
    """One child process in a group of its own, with the times it was started."""

    def __init__(self, name, command):
        self.name, self.command = name, command
        self.starts = []
        self.process = None

    def start(self):
        self.starts = [t for t in self.starts if t > time.monotonic() - WITHIN] + [time.monotonic()]
        self.process = subprocess.Popen(self.command, start_new_session=True, preexec_fn=machine.follow_parent)  # noqa: S603

    def ended(self):
        return self.process is not None and self.process.poll() is not None

    def signal(self, number):
        try:
            os.killpg(self.process.pid, number)
        except (ProcessLookupError, AttributeError):
            return


def programs(host, port):
    """What runs: the web, the laboratory's wire, each looping command (`work_...`), and in training the analyzer."""
    python, manage = sys.executable, str(settings.BASE_DIR / "manage.py")
    names = ["listen", *sorted(name for name in get_commands() if name.startswith("work_"))]
    names += ["simulate_analyzer"] if settings.TRAINING else []
    web = [
        *(python, "-m", "gunicorn", "mhac.wsgi:application", "--bind", machine.spelled(host, port)),
        *("--worker-class", "gthread", "--workers", os.environ.get("WEB_CONCURRENCY", "2"), "--threads", "4"),
        # The control socket would be opened in the home folder, which a service need not have.
        *("--no-control-socket", "--graceful-timeout", "5", "--log-level", "warning"),
        *("--max-requests", "2000", "--max-requests-jitter", "200"),
    ]
    return [Program("web", web), *(Program(name, [python, manage, name]) for name in names)]


def collect_static():
    """collectstatic, unless the files are those of the last time: their hashes and compression take seconds."""
    found = (storage.path(path) for finder in get_finders() for path, storage in finder.list([]))
    state = [f"{path} {seen.st_size} {seen.st_mtime_ns}" for path in found for seen in [Path(path).stat()]]
    mark = Path(settings.STATIC_ROOT) / ".collected"
    digest = hashlib.sha256("\n".join(sorted(state)).encode()).hexdigest()
    if not mark.exists() or mark.read_text() != digest:
        call_command("collectstatic", interactive=False, verbosity=0)
        mark.write_text(digest)


class Command(BaseCommand):
    help = "Migrate, load the demonstration, and run web server, laboratory wire and looping commands together."
    requires_system_checks = []

    def handle(self, *args, **options):
        try:
            host, port = machine.address()
            machine.refuse_port_in_use(host, port)
        except machine.Refused as why:
            raise CommandError(str(why)) from None
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self.stop)
        running = []
        try:
            self.prepare()
            running = programs(host, port)
            for program in running:
                program.start()
            self.await_first_page(running[0], machine.origin(host, port))
            self.welcome()
            self.watch(running)
        except Stopped:
            self.stdout.write("\nStopping.")
        finally:
            self.end(running)

    def stop(self, number, frame):
        for again in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(again, signal.SIG_IGN)
        raise Stopped

    def prepare(self):
        self.stdout.write("Making the database ready")
        call_command("migrate", verbosity=0)
        call_command("createcachetable", verbosity=0)
        call_command("signing_key", create_if_missing=True, stdout=self.stdout)
        if settings.TRAINING:
            call_command("demo", stdout=self.stdout)
        collect_static()
        connection.close()
        connection.close_pool()  # its threads must be gone before processes are started

    def await_first_page(self, web, address):
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and not web.ended():
            try:
                urllib.request.urlopen(address, timeout=5).close()  # noqa: S310 - our own address
                return
            except urllib.error.HTTPError:
                return  # it answers, and the answer is shown to whoever opens it
            except OSError:
                time.sleep(0.1)
        raise CommandError("The web server did not come up; its own words are above. Correct that and start again.")

    def welcome(self):
        lines = ["", f"The clinic is open: {settings.PUBLIC_URL}/", ""]
        if settings.TRAINING:
            from mhac.desk.demo import LOGINS, PASSWORD

            lines += [f"Training: everybody in it is invented, and everybody's password is {PASSWORD}", ""]
            lines += [f"  {username:<12} {role:<24} {advice}" for username, role, advice in LOGINS]
            lines += ["", "Try first: a day in this order, from reception to the partner who downloads the paper.", ""]
        self.stdout.write("\n".join([*lines, "Ctrl-C stops everything."]))
        self.stdout.flush()

    def watch(self, running):
        while True:
            for program in running:
                if not program.ended():
                    continue
                status = program.process.returncode
                if len(program.starts) >= TRIES:
                    raise CommandError(
                        f"{program.name} ended {TRIES} times within {WITHIN} seconds, last with status {status}; its "
                        "own words are above. Everything was stopped. Correct that and start again."
                    )
                self.stderr.write(f"{program.name} ended with status {status}; it is started again.")
                time.sleep(len(program.starts))
                program.start()
            time.sleep(0.5)

    def end(self, running, grace=GRACE):
        """Ask every group to stop, wait, then insist; afterwards nothing that we started is left."""
        started = [program for program in running if program.process]
        for program in started:
            program.signal(signal.SIGTERM)
        deadline = time.monotonic() + grace
        for program in started:
            try:
                program.process.wait(max(0.1, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                self.stderr.write(f"{program.name} did not stop within {grace} seconds and is ended.")
            program.signal(signal.SIGKILL)
            program.process.wait()
