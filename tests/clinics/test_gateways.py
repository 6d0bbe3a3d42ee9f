"""The ways out, over real sockets: which answer of a mail server is which of the four."""

import email
import json
import socket
import threading
from contextlib import contextmanager

import pytest

from mhac.clinics import gateways
from mhac.clinics.gateways import Console, File, Message, Rejected, Smtp, Unavailable, Unknown

MESSAGE = Message("0192-key", "+93 700 000 000", "وقت شما ۰۸:۰۰ است.\n.next")


@contextmanager
def server(**answers):
    """A mail server on a socket of its own. `answers`: command -> line, or None to hang up. Yields (port, bodies)."""
    listening = socket.create_server(("127.0.0.1", 0))
    bodies, usual = [], {"EHLO": "250 ok", "MAIL": "250 ok", "RCPT": "250 ok", "DATA": "354 go", ".": "250 kept"}

    def say(file, command):
        answer = (usual | answers).get(command, "500 what")
        if answer is not None:
            file.write(answer.encode() + b"\r\n")
            file.flush()
        return answer

    def serve():
        connection, _peer = listening.accept()
        with connection, connection.makefile("rwb") as file:
            if say(file, "CONNECT" if "CONNECT" in answers else "EHLO") is None:
                return
            while line := file.readline():
                command = line[:4].decode().strip().upper()
                answer = say(file, command)
                if answer is None:
                    return
                if command == "DATA" and answer.startswith("354"):
                    body = []
                    while (line := file.readline()) not in (b".\r\n", b""):
                        body.append(line)
                    bodies.append(b"".join(body))
                    if say(file, ".") is None:
                        return

    usual["CONNECT"] = "220 ready"
    answers.setdefault("CONNECT", "220 ready")
    thread = threading.Thread(target=serve)
    thread.start()
    yield listening.getsockname()[1], bodies
    thread.join(10)
    listening.close()


def smtp(port):
    return Smtp("127.0.0.1", port, recipient="{phone}@sms.example", sender="clinic@mhac.example", tls=False)


def test_a_message_is_handed_over_whole_with_its_key():
    with server() as (port, bodies):
        smtp(port).send(MESSAGE)
    mail = email.message_from_bytes(bodies[0], policy=email.policy.default)
    assert (mail["To"], mail["Message-ID"]) == ("93700000000@sms.example", "<0192-key@mhac.example>")
    assert mail.get_content().strip() == MESSAGE.text


@pytest.mark.parametrize(
    ("answers", "fault"),
    [
        ({"CONNECT": "421 busy"}, Unavailable),
        ({"CONNECT": None}, Unavailable),
        ({"EHLO": None}, Unavailable),
        ({"MAIL": "451 later"}, Unavailable),
        ({"MAIL": None}, Unavailable),
        ({"RCPT": "450 full"}, Unavailable),
        ({"RCPT": "550 nobody"}, Rejected),
        ({"DATA": "452 later"}, Unavailable),
        ({"DATA": "554 no"}, Rejected),
        ({"DATA": None}, Unavailable),
        # After the last dot: an answer is certain, silence is not.
        ({".": "451 later"}, Unavailable),
        ({".": "554 no"}, Rejected),
        ({".": None}, Unknown),
    ],
)
def test_each_failure_is_one_of_three(answers, fault):
    with server(**answers) as (port, _bodies), pytest.raises(fault):
        smtp(port).send(MESSAGE)


def test_nobody_there_and_no_tls_are_unavailable():
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with pytest.raises(Unavailable):
        smtp(port).send(MESSAGE)
    with server() as (port, bodies):
        safe = Smtp("127.0.0.1", port, recipient="{phone}@sms.example", sender="clinic@mhac.example", tls=True)
        with pytest.raises(Unavailable):
            safe.send(MESSAGE)
    assert bodies == []


def test_a_file_and_the_console(tmp_path):
    said = []
    Console(said.append).send(MESSAGE)
    assert MESSAGE.key in said[0] and "700" not in said[0]
    target = File(tmp_path / "out.jsonl")
    target.send(MESSAGE)
    target.send(MESSAGE)
    assert [json.loads(line)["key"] for line in (tmp_path / "out.jsonl").read_text().splitlines()] == ["0192-key"] * 2
    with pytest.raises(Unavailable):
        File(tmp_path / "nowhere" / "out.jsonl").send(MESSAGE)


@pytest.mark.parametrize(
    ("address", "kind"),
    [
        ("", type(None)),
        ("console:", Console),
        ("file:/var/spool/sms", File),
        ("smtp://127.0.0.1/?to={phone}@sms.example&from=a@b", Smtp),
        ("smtps://u%40x:p@host:2525/?to={phone}@sms.example&from=a@b", Smtp),
    ],
)
def test_the_environment_names_the_gateway(address, kind):
    made = gateways.of(address)
    assert isinstance(made, kind)
    if address.startswith("smtps"):
        assert (made.user, made.host, made.port, made.tls) == ("u@x", "host", 2525, True)


@pytest.mark.parametrize(
    "address", ["http://x", "file:", "smtp://host/?from=a@b", "smtp://host/?to=x@y&from=a@b", "smtp:?to={phone}@y"]
)
def test_an_address_that_is_none_is_refused(address):
    with pytest.raises(ValueError, match="MHAC_GATEWAY must be"):
        gateways.of(address)
