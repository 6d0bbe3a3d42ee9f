"""The two commands: port, secrets, packages, supervision, lock files, vendored files."""

import contextlib
import hashlib
import io
import os
import re
import secrets
import signal
import socket
import stat
import subprocess
import sys
import time
from pathlib import Path

import pytest
from django.core.management.base import CommandError

from mhac import machine
from mhac.desk.management.commands import run_clinic

CHECKOUT = Path(__file__).resolve().parent.parent
VENDOR = CHECKOUT / "mhac" / "static" / "vendor"


def python(*arguments, env=None):
    return subprocess.run(
        [sys.executable, *arguments], cwd=CHECKOUT, env=env, capture_output=True, text=True, check=False
    )


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
    with pytest.raises(
        machine.Refused, match=r"Install: .*chromium (libatomic1 )?poppler-utils .*then run make test again"
    ):
        machine.install_packages("test")


# ----------------------------------------------------------------------------------------------------- supervision
def gone(group):
    """Whether no living process of the group is left, waiting a little for the last one."""
    for _ in range(50):
        living = 0
        for path in Path("/proc").glob("[0-9]*/stat"):
            with contextlib.suppress(OSError):
                state, _parent, belongs = path.read_text().rpartition(")")[2].split()[:3]
                living += int(belongs) == group and state != "Z"
        if not living:
            return True
        time.sleep(0.1)
    return False


@pytest.mark.parametrize(
    "script, said",
    [
        ("sleep 60 & wait", ""),
        ("trap '' TERM; sleep 60 & wait; sleep 60", "did not stop within 1 seconds and is ended"),
    ],
    ids=["obedient", "deaf"],
)
def test_a_program_ends_with_all_its_children(script, said):
    program = run_clinic.Program("program", ["sh", "-c", script])
    program.start()
    time.sleep(0.3)
    complaints = io.StringIO()
    run_clinic.Command(stderr=complaints).end([program], grace=1)
    assert gone(program.process.pid)
    assert said in complaints.getvalue()


def test_a_supervisor_killed_outright_leaves_nothing():
    lines = [
        "import os",
        "from mhac.desk.management.commands.run_clinic import Program",
        "program = Program('program', ['sleep', '60'])",
        "program.start()",
        "print(program.process.pid, flush=True)",
        "os.kill(os.getpid(), 9)",
    ]
    shown = python("-c", "\n".join(lines))
    assert shown.returncode == -signal.SIGKILL
    assert gone(int(shown.stdout))


def test_a_program_that_keeps_ending_takes_the_clinic_down_with_a_sentence():
    program = run_clinic.Program("listen", [sys.executable, "-c", "raise SystemExit(3)"])
    program.starts = [time.monotonic()] * (run_clinic.TRIES - 2)
    program.start()
    complaints = io.StringIO()
    with pytest.raises(CommandError, match="listen ended 5 times within 60 seconds, last with status 3"):
        run_clinic.Command(stderr=complaints).watch([program])
    assert "listen ended with status 3; it is started again." in complaints.getvalue()


def test_a_web_server_that_does_not_come_up_is_told():
    web = run_clinic.Program("web", [sys.executable, "-c", "raise SystemExit(1)"])
    web.start()
    web.process.wait()
    with pytest.raises(CommandError, match="The web server did not come up"):
        run_clinic.Command().await_first_page(web, "http://127.0.0.1:1/")


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
