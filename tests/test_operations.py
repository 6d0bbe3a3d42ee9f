"""The two commands and what stands under them: server, libraries, port, secrets, vendored files."""

import contextlib
import hashlib
import os
import re
import secrets
import shutil
import signal
import socket
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

from mhac import machine
from mhac.database import SAFE, THROW_AWAY, Cluster, database, throw_away
from mhac.postgresql import Refused, candidates, find_binaries, own_folder

CHECKOUT = Path(__file__).resolve().parent.parent
VENDOR = CHECKOUT / "mhac" / "static" / "vendor"


def ask(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def without(*names):
    return {key: value for key, value in os.environ.items() if key not in names}


def python(*arguments, env=None, **more):
    return subprocess.run(
        [sys.executable, *arguments], cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False, **more
    )


@pytest.fixture
def own_place():
    """A folder that the server's user may pass through, as /var/lib/mhac is, gone after the test."""
    folder = Path(tempfile.mkdtemp(prefix="mhac-operations-", dir="/var/tmp"))
    folder.chmod(0o711)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def cluster(own_place):
    made = Cluster(own_place, settings=THROW_AWAY)
    yield made
    made.stop()


# ------------------------------------------------------------------------------------------------------- server
def modes(*folders):
    """Mode and owner of each folder and of all its parents."""
    every = {parent for folder in folders for parent in [folder, *folder.parents]}
    return {folder: (stat.S_IMODE(folder.stat().st_mode), folder.stat().st_uid) for folder in every}


def test_a_server_starts_keeps_its_data_and_opens_no_folder_of_others(cluster):
    wheel = next(candidates())
    before = modes(cluster.folder, wheel, CHECKOUT, Path.home())
    url = cluster.start()
    with psycopg.connect(url) as connection:
        connection.execute("create table kept (word text)")
        connection.execute("insert into kept values ('خبر')")
    cluster.stop()
    assert not cluster.running()
    assert ask(cluster.start(), "select word from kept") == "خبر"
    assert modes(cluster.folder, wheel, CHECKOUT, Path.home()) == before


def test_a_second_start_is_the_same_server_at_once(cluster):
    first = cluster.start()
    begun = time.monotonic()
    assert cluster.start() == first
    assert time.monotonic() - begun < 2


def test_the_server_is_durable_checked_and_only_on_loopback(own_place):
    cluster = Cluster(own_place, settings=SAFE)
    with cluster.in_use() as url, psycopg.connect(url) as connection:
        shown = {
            name: connection.execute(f"show {name}").fetchone()[0]
            for name in (*SAFE, "data_checksums", "listen_addresses", "server_encoding")
        }
        ordinary = connection.execute("select rolsuper from pg_roles where rolname = current_user").fetchone()[0]
        seen = connection.execute("select lower('É'), 'ش' ~ '[[:alpha:]]'").fetchone()
    assert shown == {name: "on" for name in (*SAFE, "data_checksums")} | {
        "listen_addresses": "127.0.0.1",
        "server_encoding": "UTF8",
    }
    assert ordinary is False
    assert seen == ("é", True), "letters outside ASCII must count as letters, or trigram search finds no Dari name"
    assert not cluster.running()


def test_nobody_enters_without_the_password(cluster):
    url = cluster.start()
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(re.sub(r"mhac:[^@]+@", "mhac:guessed@", url))
    assert stat.S_IMODE(cluster.notes.stat().st_mode) == 0o600


def test_the_extensions_that_the_migrations_ask_for_are_there(cluster):
    with psycopg.connect(cluster.start(), autocommit=True) as connection:
        for name in ("pg_trgm", "btree_gist", "unaccent"):
            connection.execute(f"create extension {name}")


def test_the_last_one_out_stops_the_server(cluster):
    with cluster.in_use() as first:
        with Cluster(cluster.folder, settings=THROW_AWAY).in_use() as second:
            assert second == first
        assert cluster.running()
    assert not cluster.running()


def test_a_server_started_by_hand_stays_until_it_is_stopped(cluster):
    cluster.start(keep=True)
    with cluster.in_use():
        pass
    assert cluster.running()


def test_an_interrupted_making_is_begun_again(cluster):
    cluster.server.mkdir()
    (cluster.server / "data").mkdir()
    (cluster.server / "data" / "PG_VERSION").write_text("18\n")
    assert ask(cluster.start(), "select 1") == 1


def test_a_taken_port_is_left_to_its_holder(cluster):
    cluster.start()
    cluster.stop()
    with socket.create_server(("127.0.0.1", cluster.note()["port"])):
        assert ask(cluster.start(), "select 1") == 1


def test_a_throw_away_server_leaves_nothing():
    with throw_away() as url:
        port = url.rsplit(":", 1)[1].split("/")[0]
        notes = [path for top in {"/var/tmp", tempfile.gettempdir()} for path in Path(top).glob("mhac-test-*/*.json")]
        (ours,) = (path.parent for path in notes if f'"port": {port}' in path.read_text())
        assert ask(url, "show fsync") == "off"
    assert not ours.exists()


def test_a_database_that_is_named_is_used_and_nothing_is_started(monkeypatch):
    monkeypatch.setenv("DATABASE_URL", "postgres://clinic@db.example/mhac")
    with database(test=True) as url:
        assert url == "postgres://clinic@db.example/mhac"


@pytest.mark.parametrize("end, status", [("sys.exit(0)", 0), ("sys.exit(7)", 7), ("os.kill(os.getpid(), 9)", 137)])
def test_the_status_of_the_command_comes_back(end, status):
    shown = python(
        *("-m", "mhac.database", "run", "--test", "--", sys.executable, "-c"),
        f"import os, sys; print(os.environ['DATABASE_URL'], flush=True); {end}",
        env=without("DATABASE_URL"),
    )
    assert shown.returncode == status
    assert shown.stdout.startswith("postgres://mhac:")


def test_a_request_to_stop_reaches_the_command_and_the_server_ends():
    waiting = "import os, time; print(os.environ['DATABASE_URL'], flush=True); time.sleep(60)"
    command = [sys.executable, "-m", "mhac.database", "run", "--test", "--", sys.executable, "-c", waiting]
    with subprocess.Popen(
        command, cwd=CHECKOUT, env=without("DATABASE_URL"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
    ) as running:
        url = running.stdout.readline().strip()
        assert ask(url, "select 1") == 1
        running.send_signal(signal.SIGTERM)
        assert running.wait(20) == 128 + signal.SIGTERM
    with pytest.raises(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=2)


@pytest.mark.parametrize(
    "words, answer",
    [
        (["run"], "Nothing to run. Write the command after --"),
        (["run", "--test", "--", "no-such-program"], "no-such-program could not be started"),
        (["remove"], "Add --yes if that is what you want"),
    ],
)
def test_the_command_refuses_in_a_sentence(words, answer):
    shown = python("-m", "mhac.database", *words, env=without("DATABASE_URL"))
    assert shown.returncode == 1
    assert answer in shown.stderr
    assert "Traceback" not in shown.stderr


def test_a_server_of_a_version_that_nobody_has_is_refused():
    with pytest.raises(Refused, match="PostgreSQL 9999, which made the existing database, was not found"):
        find_binaries(9999)


def test_our_folder_is_made_once_and_found_again(tmp_path):
    folder = own_folder(tmp_path / "ours", 0o711)
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711
    assert own_folder(folder, 0o700) == folder
    assert stat.S_IMODE(folder.stat().st_mode) == 0o711, "found is not made: its mode stays"


@pytest.mark.parametrize("trap", ["link", "file", "writable"])
def test_a_folder_that_others_laid_out_is_refused_and_left_alone(tmp_path, trap):
    folder = tmp_path / "state"
    if trap == "link":
        folder.symlink_to(tmp_path)
    elif trap == "file":
        folder.touch()
    else:
        folder.mkdir()
        folder.chmod(0o777)
    before = folder.lstat()
    with pytest.raises(Refused, match="Move it away and try again"):
        own_folder(folder, 0o700)
    assert folder.lstat() == before


# ----------------------------------------------------------------------------------------------- port and secrets
@pytest.fixture
def taken_port():
    with socket.create_server(("127.0.0.1", 0)) as holder:
        yield holder.getsockname()[1]


def test_a_port_in_use_is_named_with_a_way_out(taken_port):
    with pytest.raises(machine.Refused, match=rf"Port {taken_port} on 127.0.0.1 .* PORT={taken_port + 1} make run"):
        machine.refuse_port_in_use("127.0.0.1", taken_port)


def test_a_free_port_is_not_refused(taken_port):
    with socket.create_server(("127.0.0.1", 0)) as holder:
        free = holder.getsockname()[1]
    machine.refuse_port_in_use("127.0.0.1", free)


@pytest.mark.parametrize(
    "command", [["-m", "mhac.machine", "prepare", "run"], ["manage.py", "run_clinic"]], ids=["prepare", "run_clinic"]
)
def test_both_doors_of_a_run_look_at_the_port_first(command, taken_port):
    settings = {"PORT": str(taken_port), "SECRET_KEY": secrets.token_urlsafe(64)}
    settings["DATABASE_URL"] = "postgres://nobody@127.0.0.1:1/none"
    shown = python(*command, env=os.environ | settings)
    assert shown.returncode == 1
    assert f"Port {taken_port} on 127.0.0.1 cannot be used" in shown.stdout + shown.stderr
    assert "Traceback" not in shown.stdout + shown.stderr


@pytest.mark.parametrize("port, ok", [("1", True), ("65535", True), ("0", False), ("65536", False), ("http", False)])
def test_a_port_is_a_number_in_range(monkeypatch, port, ok):
    monkeypatch.setenv("PORT", port)
    with contextlib.nullcontext() if ok else pytest.raises(machine.Refused, match="which is no port"):
        assert machine.address()[1] == int(port)


@pytest.mark.parametrize(
    "host, seen",
    [
        ("127.0.0.1", "http://127.0.0.1:8000"),
        ("0.0.0.0", "http://127.0.0.1:8000"),
        ("::1", "http://[::1]:8000"),
        ("::", "http://[::1]:8000"),
        ("10.1.2.3", "http://10.1.2.3:8000"),
    ],
)
def test_the_address_shown_is_one_a_browser_can_open(host, seen):
    assert machine.origin(host, 8000) == seen


def test_the_secret_is_made_once_and_for_our_eyes(tmp_path):
    path = tmp_path / "data" / "secret-key"
    first = machine.kept_secret(path)
    assert len(first) >= 50
    assert machine.kept_secret(path) == first
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_what_is_set_already_is_not_overruled():
    given = {"SECRET_KEY": "from the site", "MHAC_TRAINING": "0", "MHAC_HTTPS": "1", "MHAC_SIGNING_KEY": "/etc/key.pem"}
    given["MHAC_PUBLIC_URL"] = "https://clinic.example"
    filled = dict(given)
    machine.first_look(filled)
    assert filled == given


def test_missing_packages_are_named_where_they_cannot_be_installed(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(machine.Refused, match=r"Install: .*chromium poppler-utils .*then run make test again"):
        machine.install_packages("test")


# -------------------------------------------------------------------------------------- locks, vendored files, CI
def locked(name):
    """The lock's entries: name -> (version, number of hashes)."""
    text = (CHECKOUT / name).read_text()
    entries = re.findall(
        r"^([a-z0-9][a-z0-9._-]*)==(\S+)[^\n]*((?:\n    --hash=sha256:[0-9a-f]{64}(?: \\)?)*)", text, re.M
    )
    return {package: (version, hashes.count("--hash=")) for package, version, hashes in entries}


@pytest.mark.parametrize("name", ["requirements.lock", "requirements-dev.lock"])
def test_a_lock_holds_hashes_and_no_addresses(name):
    text = (CHECKOUT / name).read_text()
    entries = locked(name)
    assert len(entries) == len(re.findall(r"^\S+==", text, re.M)) > 40
    assert [package for package, (_, hashes) in entries.items() if not hashes] == []
    assert not re.search(r"://|^-|\bfile:/|\s@\s", text, re.M)


def test_the_tests_use_the_versions_that_are_run():
    run, dev = locked("requirements.lock"), locked("requirements-dev.lock")
    assert {package: dev.get(package) for package in run} == run


@pytest.mark.parametrize("name", ["requirements", "requirements-dev"])
def test_every_library_asked_for_is_locked_as_asked(name):
    asked = re.findall(r"^([a-z0-9-]+)(?:\[.*?\])?==(\S+)", (CHECKOUT / f"{name}.in").read_text(), re.M)
    entries = locked(f"{name}.lock")
    assert asked and [(package, version) for package, version in asked if entries[package][0] != version] == []


def test_vendored_files_are_those_of_the_table():
    rows = re.findall(r"\| `([^`]+)` \| `([0-9a-f]{64})` \|", (VENDOR / "VERSIONS.md").read_text())
    files = {str(path.relative_to(VENDOR)): path for path in VENDOR.glob("*/*") if path.suffix != ".txt"}
    assert dict(rows) == {name: hashlib.sha256(path.read_bytes()).hexdigest() for name, path in files.items()}


def test_every_vendored_library_brings_its_licence():
    assert [folder.name for folder in VENDOR.iterdir() if folder.is_dir() and not list(folder.glob("*.txt"))] == []


def test_ci_calls_make_test_and_no_more():
    lines = (CHECKOUT / ".ci" / "run").read_text().splitlines()
    assert lines[0] == "#!/usr/bin/env bash"
    assert lines[1:] == ["set -euo pipefail", 'cd "$(dirname "$0")/.."', "exec make test"]
