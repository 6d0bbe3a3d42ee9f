"""Ways out of the house for short messages: a file, or a mail server that passes them on to telephones.

A gateway answers in one of four ways, and each is certain: sent; `Unavailable` (surely not sent, try later); `Rejected`
(surely not sent, and never will be); `Unknown` (perhaps sent: whoever asked must not send it again by itself).
Which one is used stands in the environment, see `mhac.settings`.
"""

import json
import smtplib
from dataclasses import asdict, dataclass
from email.message import EmailMessage
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

PATIENCE = 20  # seconds for each answer of a mail server


class Unavailable(Exception):
    """Surely not sent; it may be tried later."""


class Rejected(Exception):
    """Surely not sent; the same message will never be taken."""


class Unknown(Exception):
    """Perhaps sent: the connection ended after the message left and before it was acknowledged."""


@dataclass(frozen=True)
class Message:
    """One text for one telephone. `key` is the same at every try, so that a gateway can tell a repeat."""

    key: str
    phone: str
    text: str


class File:
    """Appends each message as a line of JSON to a file: for training, and for a modem's own program to read."""

    name = "file"

    def __init__(self, path):
        self.path = Path(path)

    def send(self, message: Message):
        line = json.dumps(asdict(message), ensure_ascii=False) + "\n"
        try:
            with self.path.open("a", encoding="utf-8") as file:
                file.write(line)
        except OSError as fault:
            raise Unavailable(str(fault)) from fault


class Console:
    """Writes each message to the log of whoever runs it, without the number: nothing is sent."""

    name = "console"

    def __init__(self, write=print):
        self._write = write

    def send(self, message: Message):
        self._write(f"message {message.key}: {message.text}")


class Smtp:
    """Hands each message to a mail server, addressed to `recipient` with {phone} filled in."""

    name = "smtp"

    def __init__(self, host, port, *, recipient, sender, user="", password="", tls=True):
        self.host, self.port, self.recipient, self.sender = host, port, recipient, sender
        self.user, self._password, self.tls = user, password, tls

    def send(self, message: Message):
        mail = EmailMessage()
        digits = "".join(sign for sign in message.phone if sign.isdigit())
        mail["From"], mail["To"] = self.sender, self.recipient.format(phone=digits)
        mail["Message-ID"] = f"<{message.key}@{self.sender.rpartition('@')[2]}>"
        mail.set_content(message.text)
        try:
            server = smtplib.SMTP(self.host, self.port, timeout=PATIENCE)
        except (OSError, smtplib.SMTPException) as fault:
            raise Unavailable(str(fault)) from fault
        try:
            self._hand_over(server, mail)
        finally:
            server.close()

    def _hand_over(self, server, mail):
        """Everything up to the last dot may be repeated; what happens after it is not known without an answer."""
        try:
            server.ehlo()
            if self.tls:
                server.starttls()
                server.ehlo()
            if self.user:
                server.login(self.user, self._password)
            _asked(server.mail(str(mail["From"])))
            _asked(server.rcpt(str(mail["To"])))
            _asked(server.docmd("DATA"), 354)
        except (OSError, smtplib.SMTPException) as fault:
            raise Unavailable(str(fault)) from fault
        try:
            server.send(smtplib.quotedata(mail.as_string()).encode("utf-8") + b"\r\n.\r\n")
            code, answer = server.getreply()
        except (OSError, smtplib.SMTPException) as fault:
            raise Unknown(str(fault)) from fault
        _asked((code, answer))


def _asked(reply, wanted=250):
    """A refusal for good (5xx) and one for now (4xx) are answers; anything else is not the one that was wanted."""
    code, text = reply
    if code == wanted:
        return
    words = f"{code} {text.decode('utf-8', 'replace')}"
    if 500 <= code < 600:
        raise Rejected(words)
    raise Unavailable(words)


def of(address: str):
    """The gateway that `address` names; ValueError with a sentence for one that is none.

    "" sends nothing by itself (None). console: · file:/path · smtp://user:password@host:25/?to={phone}@sms.example
    &from=clinic@example (smtps:// asks for TLS by STARTTLS; smtp:// is for a server on this machine).
    """
    parts = urlsplit(address)
    if not address:
        return None
    if parts.scheme == "console":
        return Console()
    if parts.scheme == "file" and parts.path:
        return File(parts.path)
    query = {name: values[-1] for name, values in parse_qs(parts.query).items()}
    if parts.scheme in {"smtp", "smtps"} and parts.hostname and "{phone}" in query.get("to", "") and query.get("from"):
        return Smtp(
            parts.hostname,
            parts.port or (587 if parts.scheme == "smtps" else 25),
            recipient=query["to"],
            sender=query["from"],
            user=unquote(parts.username or ""),
            password=unquote(parts.password or ""),
            tls=parts.scheme == "smtps",
        )
    raise ValueError(
        "MHAC_GATEWAY must be console:, file:/path or smtps://user:password@host/?to={phone}@...&from=..., or empty."
    )
