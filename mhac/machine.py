"""What must stand on the machine before Django can: Debian packages, `.venv`, a free port, the first run's secrets.

    python3 -m mhac.machine prepare run|test             packages and libraries; quick when nothing is missing
    python3 -m mhac.machine with-secrets -- COMMAND...   run COMMAND with the environment of a first look

Standard library only, because the machine's own Python runs it.
"""

from __future__ import annotations

import ctypes
import hashlib
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, MutableMapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
VENV = CHECKOUT / ".venv"
DATA = CHECKOUT / ".data"
LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None
KILL_WITH_PARENT = 1  # prctl(2), PR_SET_PDEATHSIG
LOCKS = {"run": "requirements.lock", "test": "requirements-dev.lock"}


class Refused(Exception):
    """This machine lacks something; the text says what, and how to get it."""


# ------------------------------------------------------------------------------------------------------ packages
def library(name: str) -> bool:
    try:
        ctypes.CDLL(name)
    except OSError:
        return False
    return True


def program(*names: str) -> bool:
    return any(shutil.which(name) for name in names)


@dataclass(frozen=True)
class Package:
    """A Debian package, how to see that it is not needed, and what does not work without it."""

    name: str
    present: Callable[[], bool]
    without: str
    needed: bool = True


PRINTING = "certificates and labels cannot be printed as PDF"
PACKAGES = {
    "run": [
        Package(
            "python3-venv", lambda: VENV.exists() or find_spec("ensurepip") is not None, "Python cannot make a .venv"
        ),
        Package("libpango-1.0-0", lambda: library("libpango-1.0.so.0"), PRINTING, needed=False),
        Package("libpangoft2-1.0-0", lambda: library("libpangoft2-1.0.so.0"), PRINTING, needed=False),
        Package("libharfbuzz-subset0", lambda: library("libharfbuzz-subset.so.0"), PRINTING, needed=False),
    ],
    "test": [
        Package("chromium", lambda: program("chromium"), "the tests have no browser"),
        Package("libatomic1", lambda: library("libatomic.so.1"), "the tests cannot drive the browser"),
        Package("poppler-utils", lambda: program("pdftoppm"), "the tests cannot look at the papers"),
    ],
}


def packages_for(purpose: str) -> list[Package]:
    """All packages of `purpose`; the tests need what a run needs, and need the printing too."""
    wanted = PACKAGES["run"] + (PACKAGES["test"] if purpose == "test" else [])
    return [p for p in wanted if sys.platform == "linux" or p.needed]


def install_packages(purpose: str) -> None:
    missing = [package for package in packages_for(purpose) if not package.present()]
    if not missing:
        return
    names = " ".join(package.name for package in missing)
    how = f"Install: {names} (Debian: apt-get install {names}), then run make {purpose} again."
    rights = apt_rights()
    if rights is not None:
        say(f"Installing Debian packages: {names}")
        quiet = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
        for words in (["update", "-qq"], ["install", "-y", "-qq", "--no-install-recommends", *names.split()]):
            # A page of unpacking would hide the address to open, so apt speaks only when it fails.
            done = subprocess.run([*rights, "apt-get", *words], env=quiet, capture_output=True, text=True, check=False)  # noqa: S603
            if done.returncode:
                how = f"apt-get {words[0]} failed: {done.stderr.strip()[-500:]} {how}"
                break
        missing = [package for package in missing if not package.present()]
    stops = [package for package in missing if package.needed or purpose == "test"]
    if stops:
        reasons = "; ".join(dict.fromkeys(package.without for package in stops))
        raise Refused(f"On this machine {reasons}. {how}")
    if missing:
        say(f"Going on, but {missing[0].without}. {how}")


def apt_rights() -> list[str] | None:
    """What to write before apt-get: nothing for root, sudo where it can be asked, None where nothing can be done."""
    if not program("apt-get"):
        return None
    if os.geteuid() == 0:
        return []
    if not program("sudo"):
        return None
    asleep = subprocess.run(["sudo", "-n", "true"], stderr=subprocess.DEVNULL, check=False)  # noqa: S607
    return ["sudo"] if asleep.returncode == 0 or sys.stdin.isatty() else None


# ----------------------------------------------------------------------------------------------------- libraries
def install_libraries(purpose: str) -> None:
    """A `.venv` that holds what the lock file names, each file checked against its hash."""
    python = VENV / "bin" / "python"
    if subprocess.run([python, "-c", ""], check=False).returncode if python.exists() else True:  # noqa: S603
        say("Making .venv")
        made = subprocess.run([sys.executable, "-m", "venv", "--clear", VENV], check=False)  # noqa: S603
        if made.returncode:
            raise Refused(f"{VENV} could not be made; Python's words are above. Delete it and try again.")
    if any(stamp(enough).exists() for enough in {purpose, "test"}):
        return
    lock = CHECKOUT / LOCKS[purpose]
    libraries = sum(line[:1].isalnum() for line in lock.read_text().splitlines())
    say(f"Installing {libraries} libraries into .venv")
    done = subprocess.run(  # noqa: S603
        [
            *(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-input"),
            *("--require-hashes", "-r", lock),
        ],
        check=False,
    )
    if done.returncode:
        raise Refused(
            "The libraries could not be installed; pip's words are above. "
            f"If the package registry could not be reached, try again; else delete {VENV} and try again."
        )
    for old in VENV.glob("installed-*"):
        old.unlink()
    stamp(purpose).touch()


def stamp(purpose: str) -> Path:
    """Names the content of the lock, not its time: a checkout of another commit and back installs nothing."""
    content = (CHECKOUT / LOCKS[purpose]).read_bytes()
    return VENV / f"installed-{purpose}-{hashlib.sha256(content).hexdigest()[:16]}"


def prepare(purpose: str) -> None:
    if sys.version_info < (3, 11):  # noqa: UP036 - the machine's own Python runs this file
        raise Refused(
            f"Python 3.11 or newer is needed and this is {sys.version.split()[0]} ({sys.executable}). "
            f"Install a newer one and name it: make {purpose} PYTHON=python3.11"
        )
    if purpose == "run":
        refuse_port_in_use(*address())
    install_packages(purpose)
    install_libraries(purpose)


# ---------------------------------------------------------------------------------------------- port and secrets
def address() -> tuple[str, int]:
    """Where the web server listens: loopback unless MHAC_BIND says otherwise, port 8000 unless PORT does."""
    port = os.environ.get("PORT", "8000")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise Refused(f"PORT is {port!r}, which is no port. Give a number from 1 to 65535, as in: PORT=8001 make run")
    return os.environ.get("MHAC_BIND", "127.0.0.1"), int(port)


def spelled(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def origin(host: str, port: int) -> str:
    """The address for a browser on this machine, also where the server listens on every address."""
    return f"http://{spelled({'0.0.0.0': '127.0.0.1', '::': '::1'}.get(host, host), port)}"  # noqa: S104


def refuse_port_in_use(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refused(
                f"Port {port} on {host} cannot be used: {error.strerror}. Another program listens there, perhaps an "
                f"earlier `make run`. Stop it, or take another port: PORT={port + 1} make run"
            ) from None


def first_look(environment: MutableMapping[str, str]) -> None:
    """Fill in what a demonstration on this machine needs; whatever is set already stays as it is."""
    environment.setdefault("SECRET_KEY", kept_secret(DATA / "secret-key"))
    environment.setdefault("MHAC_SIGNING_KEY", str(DATA / "signing-key.pem"))
    environment.setdefault("MHAC_TRAINING", "1")
    environment.setdefault("MHAC_HTTPS", "0")
    environment.setdefault("MHAC_PUBLIC_URL", origin(*address()))


def kept_secret(path: Path) -> str:
    """The secret in `path`, made on the first call; nobody else on the machine may read it."""
    path.parent.mkdir(mode=0o700, exist_ok=True)
    try:
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as fresh:
            fresh.write(secrets.token_urlsafe(64))
    except FileExistsError:
        pass
    except PermissionError:
        raise Refused(f"{path} belongs to another user. Work in a checkout of your own, or set SECRET_KEY.") from None
    return path.read_text().strip()


def follow_parent() -> None:
    """In a child, before it becomes its program: ask it to stop when we are killed outright and can no longer ask."""
    if LIBC is not None:
        LIBC.prctl(KILL_WITH_PARENT, signal.SIGTERM)


def say(text: str, **where: object) -> None:
    print(text, flush=True, **where)  # noqa: T201 - a command speaks to its terminal


def main(arguments: list[str]) -> int:
    try:
        if arguments[:1] == ["prepare"] and arguments[1:] in (["run"], ["test"]):
            prepare(arguments[1])
        elif arguments[:2] == ["with-secrets", "--"] and arguments[2:]:
            first_look(os.environ)
            os.execvp(arguments[2], arguments[2:])  # noqa: S606 - the command is the caller's
        else:
            say(__doc__.split("\n\n")[1])
            return 2
    except Refused as why:
        say(str(why))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
