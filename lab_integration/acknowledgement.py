"""What a message is answered, and how the answer is written. Pure: bytes and profile in, bytes out.

AA or CA says one thing: the bytes are safe. AR or CR refuses a type, version or processing id that we do not take, or a
body without MSH. AE and CE would mean "not stored"; then nothing is said at all and the connection is closed.
Source: HL7 v2.5.1 chapter 2 section 2.9 (original and enhanced mode); table in `docs/wire.md`.
"""

import datetime
import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from lab_integration import hl7
from lab_integration.hl7 import Message
from lab_integration.profile import Profile

RESULTS = {"ORU": {"R01", "R30", "R32", ""}, "OUL": {"R21", "R22", "R23", "R24", ""}}
NOTED = {"ACK", "ORL", "ORR", "NMD", "TCU", "INU", "SSU", "QCN", "ORA", "RSP", "MCF"}
ACK_WORDS = {"AL", "NE", "ER", "SU"}
APPLICATION, FACILITY = "MHAC", "LAB"
OURS = "MH"  # how our message numbers (MSH-10) begin


class Kind(Enum):
    """What has to be done with a message."""

    RESULT = "result"
    QUERY = "query"
    NOTED = "noted"
    UNSUPPORTED = "unsupported"
    UNREADABLE = "unreadable"
    STRANGER = "stranger"  # a sender other than the configured one


@dataclass(frozen=True)
class Fault:
    """An error for ERR-3 (or MSA-6 before 2.5): a code of HL7 table 0357 and a sentence."""

    code: int
    sentence: str
    severity: str = "E"


@dataclass(frozen=True)
class Verdict:
    kind: Kind
    fault: Fault | None = None


@dataclass(frozen=True)
class Reply:
    """One answer: how it reads in the contract, and its bytes (None: nothing is written)."""

    ack: str
    mode: str
    type: str = ""
    version: str = ""
    processing_id: str = ""
    delimiters: str = ""
    msa2: str = ""
    fault: Fault | None = None
    body: bytes | None = None
    answer: dict[str, Any] | None = None

    def record(self) -> dict[str, Any]:
        """As `lab_rehearse` prints it."""
        found: dict[str, Any] = {"ack": self.ack, "mode": self.mode}
        if self.type:
            found["type"] = self.type
        if self.ack != "none" or self.body is not None:
            found |= {"version": self.version, "processing_id": self.processing_id, "delimiters": self.delimiters}
        if self.ack != "none":
            found["msa2"] = self.msa2
        if self.fault:
            found["err"] = {"code": self.fault.code, "severity": self.fault.severity}
        if self.answer is not None:
            found["answer"] = self.answer
        return found


SILENCE = Reply("none", "silent")


def judge(message: Message, profile: Profile) -> Verdict:
    """What kind of message this is, and what is wrong with its header, if anything is."""
    if message.processing_id.split(message.marks.component)[0].strip() not in {"P", "Q", ""}:
        sentence = f"Processing id {message.processing_id} is not taken here. Set the analyzer to production (P)."
        return Verdict(Kind.UNSUPPORTED, Fault(202, sentence))
    if profile.sender and message.header.raw(3) != profile.sender:
        return Verdict(Kind.STRANGER)
    if message.event in RESULTS.get(message.code, ()):
        return Verdict(Kind.RESULT)
    if is_query(message):
        return Verdict(Kind.QUERY)
    if message.code in NOTED:
        return Verdict(Kind.NOTED)
    sentence = f"Messages of type {message.type or '(none)'} are not taken here. Send results (ORU, OUL) or queries."
    return Verdict(Kind.UNSUPPORTED, Fault(200, sentence))


def is_query(message: Message) -> bool:
    """A host query in one of the dialects that `queries` answers."""
    if message.code == "QBP":
        return message.event in {"Q11", "Z01", "Z03", "WOS"}
    if message.code == "QRY":
        return message.event == "Q02"
    order = message.first("ORC")
    return message.code == "ORM" and message.event == "O01" and order is not None and order.part(1).upper() == "RF"


def acknowledge(message: Message, profile: Profile, now: datetime.datetime, number: str) -> list[Reply]:
    """The answers to a message that is safely stored; `number` is our MSH-10, `now` our MSH-7. Never empty."""
    if answers_ours(message):
        return [SILENCE]  # an answer is not answered, or two systems would thank each other for ever
    fault = judge(message, profile).fault
    at_once, later, original = due(message, profile)
    replies = []
    if original:
        replies.append(_reply(message, profile, "AR" if fault else "AA", "original", fault, now, number))
    if at_once and at_once != ("SU" if fault else "ER"):
        replies.append(_reply(message, profile, "CR" if fault else "CA", "accept", fault, now, number))
    if later and later != ("SU" if fault else "ER") and not (fault and replies):
        number += "A" * len(replies)
        replies.append(_reply(message, profile, "AR" if fault else "AA", "application", fault, now, number))
    return replies or [SILENCE]


def answers_ours(message: Message) -> bool:
    """Whether this is the answer to a message that we numbered."""
    answer = message.first("MSA")
    return answer is not None and re.fullmatch(OURS + "[0-9A-Z]{14,18}", answer.part(2)) is not None


def due(message: Message, profile: Profile) -> tuple[str, str, bool]:
    """What MSH-15 and MSH-16 ask for: the accept word, the application word (AL always, SU on success, ER on error,
    "" never), and original mode."""
    if profile.ack == "accept":
        return "AL", "", False
    accept, application = (message.header.part(number).upper() for number in (15, 16))
    if profile.msh16 == "sample_type":
        application = ""  # 0, 1 and 2 are kinds of samples there
    if profile.ack == "original" or not ({accept, application} & ACK_WORDS):
        return "", "", True
    wanted = {"AL", "SU", "ER"}
    return accept if accept in wanted else "", application if application in wanted else "", False


def unreadable(now: datetime.datetime, number: str, sentence: str) -> Reply:
    """AR to a body without MSH: there is no id to name and no delimiter to mirror."""
    fault = Fault(100, sentence)
    marks = hl7.Delimiters()
    header = ["MSH", "|", "^~\\&", APPLICATION, FACILITY, "", "", stamp(now), "", "ACK", number, "P", "2.5.1"]
    segments = [header, ["MSA", "AR", ""], ["ERR", "", "", "100", "E", "", "", "", hl7.escape(sentence, marks)]]
    body = hl7.build(segments).encode()
    return Reply("AR", "original", "ACK", "2.5.1", "P", marks.sent, "", fault, body)


def stamp(now: datetime.datetime) -> str:
    """HL7 time with its zone."""
    return now.strftime("%Y%m%d%H%M%S%z")


def header_of_answer(message: Message, type_: str, now: datetime.datetime, number: str) -> list[str]:
    """An MSH that mirrors theirs: delimiters, version, processing id; sender and receiver swapped; own MSH-10."""
    theirs = message.header
    marks = message.marks
    return [
        "MSH",
        marks.field,
        marks.sent[1:],
        theirs.raw(5) or APPLICATION,
        theirs.raw(6) or FACILITY,
        theirs.raw(3),
        theirs.raw(4),
        stamp(now),
        "",
        type_.replace("^", marks.component),
        number,
        message.processing_id,
        message.version,
        *[""] * 5,
        theirs.raw(18),
    ]


def _reply(
    message: Message,
    profile: Profile,
    code: str,
    mode: str,
    fault: Fault | None,
    now: datetime.datetime,
    number: str,
) -> Reply:
    type_ = "^".join(part for part in ("ACK", message.event, "ACK" if has_structure(message) else "") if part)
    header = header_of_answer(message, type_, now, number)
    said = accepted(message, profile) if code == "AA" else ["MSA", code, message.control_id]
    if profile.msh16 == "sample_type":
        header[16] = message.header.raw(16)  # Mindray: the kind of sample stands in the answer too
    return finish(message, [header, said], type_, code, mode, fault)


def accepted(message: Message, profile: Profile) -> list[str]:
    """MSA that says AA; Mindray chemistry looks for the status 0 in MSA-6 (its host interface manual)."""
    status = ["Message accepted", "", "", "0"] if profile.msh16 == "sample_type" else []
    return ["MSA", "AA", message.control_id, *status]


def finish(
    message: Message,
    segments: list[list[str]],
    type_: str,
    code: str,
    mode: str,
    fault: Fault | None = None,
    answer: dict[str, Any] | None = None,
) -> Reply:
    """A reply from its segments, with the error where the version wants it."""
    if fault:
        sentence = hl7.escape(fault.sentence, message.marks)
        if _before_2_5(message):
            segments[1] += [sentence, "", "", str(fault.code)]
        else:
            segments.append(["ERR", "", "", str(fault.code), fault.severity, "", "", "", sentence])
    body = hl7.encode(hl7.build(segments), message.charset)
    return Reply(
        code,
        mode,
        type_,
        message.version,
        message.processing_id,
        message.marks.sent,
        message.control_id,
        fault,
        body,
        answer,
    )


def has_structure(message: Message) -> bool:
    """Whether MSH-9 has its third component."""
    parts = message.header.components(9)
    return len(parts) > 2 and bool(parts[2].strip())


def _before_2_5(message: Message) -> bool:
    version = message.version.replace(",", ".").strip()
    return version[:3] in {"2.1", "2.2", "2.3", "2.4"}
