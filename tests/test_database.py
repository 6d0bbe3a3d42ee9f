"""The PostgreSQL of a first run: it keeps what it is given, opens nothing of others, and is gone when it should be."""

import os
import re
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

from mhac.database import SAFE, THROW_AWAY, Cluster, database, throw_away
from mhac.postgresql import Refused, candidates, find_binaries, own_folder

CHECKOUT = Path(__file__).resolve().parent.parent


def ask(url, query):
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchone()[0]


def without(*names):
    return {key: value for key, value in os.environ.items() if key not in names}


def command(*words):
    """The command as typed, with no database named by the environment."""
    whole = [sys.executable, "-m", "mhac.database", *words]
    return subprocess.run(whole, cwd=CHECKOUT, env=without("DATABASE_URL"), capture_output=True, text=True, check=False)


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
    script = f"import os, sys; print(os.environ['DATABASE_URL'], flush=True); {end}"
    shown = command("run", "--test", "--", sys.executable, "-c", script)
    assert shown.returncode == status
    assert shown.stdout.startswith("postgres://mhac:")


def test_a_request_to_stop_reaches_the_command_and_the_server_ends():
    waiting = "import os, time; print(os.environ['DATABASE_URL'], flush=True); time.sleep(60)"
    whole = [sys.executable, "-m", "mhac.database", "run", "--test", "--", sys.executable, "-c", waiting]
    with subprocess.Popen(
        whole, cwd=CHECKOUT, env=without("DATABASE_URL"), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True
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
    shown = command(*words)
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
