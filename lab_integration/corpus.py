"""Play a folder of captured messages over a real socket and account for every byte, segment and observation.

`*.hl7` goes as one MLLP block; `*.astm` in LIS1 frames, or as it is when the file keeps its frames. The peer has a
loopback address and analyzers of its own, so nothing meets a real device's profile.
"""

import re
import socket
from dataclasses import dataclass, field
from pathlib import Path

from django.utils import timezone

from lab_integration import astm, receive
from lab_integration.models import Analyzer, ReceivedLine, ReceivedMessage

SOURCE = "127.0.0.97"
PATIENCE = 20.0


@dataclass
class Played:
    """What became of one file."""

    path: Path
    acks: list[str] = field(default_factory=list)
    states: list[str] = field(default_factory=list)
    filed: int = 0
    held: int = 0
    settled: int = 0
    loss: list[str] = field(default_factory=list)


def prepare(clinic):
    """The two analyzers as which the folder is played, at `clinic`."""
    for dialect, name in (("hl7", "Captures, HL7"), ("astm", "Captures, ASTM")):
        Analyzer.objects.update_or_create(
            clinic=clinic, name=name, defaults={"dialect": dialect, "addresses": [SOURCE], "profile": {"code_map": []}}
        )


def files(folder):
    """The captures of a folder, in order."""
    return sorted(path for path in Path(folder).rglob("*") if path.suffix in {".hl7", ".astm"})


def play(path, hl7_port, astm_port, host="127.0.0.1"):
    """Send one file, have it processed, and say what came of it and what is missing."""
    body, since = path.read_bytes(), timezone.now()
    played = Played(path)
    try:
        if path.suffix == ".hl7":
            played.acks = send_block(host, hl7_port, body)
        else:
            played.acks = send_frames(host, astm_port, body)
    except OSError as error:
        played.loss.append(f"the line failed: {error}")
    account(played, body, since)
    return played


def connect(host, port):
    return socket.create_connection((host, port), timeout=PATIENCE, source_address=(SOURCE, 0))


def send_block(host, port, body):
    """One MLLP block; MSA-1 of every answer."""
    with connect(host, port) as line:
        line.sendall(b"\x0b" + body.replace(b"\x0b", b"").replace(b"\x1c", b"") + b"\x1c\r")
        line.shutdown(socket.SHUT_WR)
        answer = b""
        while piece := line.recv(65536):
            answer += piece
    return [word.decode("latin-1") for word in re.findall(rb"[\r\n]MSA[^A-Z]([A-Z]{2})", answer)]


def send_frames(host, port, body):
    """One LIS1 session; ACK and NAK for every frame."""
    answers = []
    with connect(host, port) as line:
        if b"\x02" in body:
            frames = re.findall(rb"\x02[^\x02]*?[\x03\x17][0-9A-Fa-f]{2}\r?\n?", body)
        else:
            frames = astm.frames(body)
        for piece in [astm.ENQ, *frames]:
            line.sendall(piece)
            answers.append({astm.ACK: "ACK", astm.NAK: "NAK"}.get(line.recv(1), "-"))
        line.sendall(astm.EOT)
        _take_answer(line)
    return answers


def _take_answer(line):
    """A host that answers a query wants the line: take its frames."""
    line.settimeout(0.3)
    try:
        while piece := line.recv(4096):
            if piece.endswith((astm.ENQ, b"\n")):
                line.sendall(astm.ACK)
            if piece.endswith(astm.EOT):
                return
    except TimeoutError:
        return


def account(played, body, since):
    """Whether every byte is stored, every segment read and every observation shown as a line."""
    rows = _rows_since(since)
    for row in rows:
        if row.state == "RECEIVED":
            receive.process(row.pk)
    rows = _rows_since(since)
    played.states = [row.state for row in rows]
    lines = ReceivedLine.objects.filter(message__in=rows).select_related("result")
    for line in lines:
        state = line.shown_state
        played.filed += state in {"FILED", "VERIFIED"}
        played.held += line.waits
        played.settled += state not in {"FILED", "VERIFIED"} and not line.waits
    if _sent(played.path, body) != b"".join(bytes(row.body) for row in rows):
        played.loss.append("the stored bytes are not the bytes that were sent")
    if "FAILED" in played.states:
        played.loss.append(f"our program failed: {rows[played.states.index('FAILED')].reason}")
    read = {row.pk: row for row in rows if row.state in {"PROCESSED", "PARTLY_HELD", "HELD"}}
    shown = sum(line.message_id in read for line in lines)
    there = sum(observations(bytes(row.body), played.path.suffix) for row in read.values())
    if there != shown:
        played.loss.append(f"{there} observations came, {shown} lines are shown")


def _rows_since(since):
    rows = ReceivedMessage.objects.filter(peer=SOURCE)
    return list(
        (rows.filter(received_at__gte=since) | rows.filter(repeated_at__gte=since)).order_by("received_at", "pk")
    )


def _sent(path, body):
    """The bytes of the file without framing."""
    if path.suffix == ".astm" and b"\x02" in body:
        return b"".join(re.findall(rb"\x02[0-7]([^\x02]*?)[\x03\x17][0-9A-Fa-f]{2}", body))
    return body.replace(b"\x0b", b"").replace(b"\x1c", b"") if path.suffix == ".hl7" else body


def observations(body, suffix):
    """OBX or R rows in the bytes, counted without our reader."""
    name = rb"OBX" if suffix == ".hl7" else rb"\d?R"
    return len(re.findall(rb"(?:^|[\r\n])[ \t]*" + name + rb"(?=[^A-Za-z0-9\s])", body))
