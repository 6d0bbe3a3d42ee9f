"""Host queries: what an analyzer asks for, and the answer in its own dialect. Pure; the work itself is brought along.

Dialects: IHE LAW (QBP^Q11), Cepheid (QBP^Z01, Z03), Mindray chemistry (QRY^Q02), Mindray blood count (ORM^O01 with RF),
LIS2 (Q record). Without `send_patient` an answer names nobody.
"""

import datetime
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from lab_integration import hl7, lis2
from lab_integration.acknowledgement import (
    APPLICATION,
    Reply,
    accepted,
    due,
    finish,
    has_structure,
    header_of_answer,
    stamp,
)
from lab_integration.hl7 import Message
from lab_integration.lis2 import Session
from lab_integration.orders import NOTHING, SpecimenOrder, fresh, oml_o33
from lab_integration.profile import Profile

ALL = {"WOS_ALL", "ALL"}
BY_PLACE = "Queries by rack or tray are not supported. Query by the number on the tube."


@dataclass(frozen=True)
class Ask:
    """A query: its tag, the specimens named (cleaned), or everything that is pending."""

    tag: str
    specimens: tuple[str, ...] = ()
    everything: bool = False
    place: bool = False  # by rack or tray alone: where a tube stands is not known here


def asked(message: Message, profile: Profile) -> Ask:
    """What an HL7 query asks for."""
    if message.code == "QRY":
        definition = message.first("QRD")
        return _ask("", definition.part(8) if definition else "", profile)
    if message.code == "ORM":
        order = message.first("ORC")
        return _ask("", order.part(3) if order else "", profile)
    query = message.first("QPD")
    if query is None:
        return Ask("")
    words = {query.part(1, 1).upper(), query.part(3).upper()}
    if words & ALL:
        return Ask(query.part(2), everything=True)
    if message.event in {"Z01", "Z03"}:
        return _ask(query.part(2), query.part(4), profile)
    found = _ask(query.part(2), query.part(3), profile)
    by_place = not found.specimens and any(query.part(number) for number in range(4, 9))
    return replace(found, place=by_place)


def asked_by_records(session: Session, profile: Profile) -> Ask:
    """What the Q records of a LIS2 message ask for."""
    found = [specimen for _patient, specimen in lis2.requests(session)]
    if any(one.upper() in ALL for one in found):
        return Ask(session.control_id, everything=True)
    return Ask(session.control_id, tuple(filter(None, map(profile.clean, found))))


def _ask(tag: str, specimen: str, profile: Profile) -> Ask:
    cleaned = profile.clean(specimen)
    return Ask(tag, (cleaned,) if cleaned else ())


def answer(
    message: Message, ask: Ask, work: Sequence[SpecimenOrder], profile: Profile, now: datetime.datetime
) -> list[Reply]:
    """The answers to an HL7 query, in order; `work` holds the specimens for which there is something to do."""
    write = {"QRY": _mindray, "ORM": _worklist}.get(message.code)
    if write is None:
        write = _cepheid if message.event in {"Z01", "Z03"} else _law
    _at_once, _later, original = due(message, profile)
    return write(message, ask, work, profile, "original" if original else "application", now)


def _record(ask: Ask, work: Sequence[SpecimenOrder], segments: list[list[str]]) -> dict[str, Any]:
    return {
        "query_tag": ask.tag,
        "status": "OK" if work else "NF",
        "patient": _patient(work),
        "specimens": [one.record() for one in work],
        "segments": [segment[0] for segment in segments],
    }


def _patient(work: Sequence[SpecimenOrder]) -> dict[str, Any] | None:
    return next((dict(one.patient) for one in work if one.patient), None)


def _law(
    message: Message, ask: Ask, work: Sequence[SpecimenOrder], profile: Profile, mode: str, now: datetime.datetime
) -> list[Reply]:
    """RSP^K11, then the work of each specimen as an order message of its own; DC when there is none."""
    type_ = "RSP^K11^RSP_K11"
    header = [*header_of_answer(message, type_, now, fresh(now)), "", "", "LAB-27" + message.marks.component + "IHE"]
    query = message.first("QPD")
    status = "AR" if ask.place else "OK" if work else "NF"
    segments = [header, ["MSA", "AA", message.control_id]]
    if ask.place:
        where = message.marks.component.join(("QPD", "1", "3"))
        segments.append(["ERR", "", where, "101", "E", "", "", "", hl7.escape(BY_PLACE, message.marks)])
    segments.append(["QAK", query.raw(2) if query else "", status])
    if query:
        segments.append(list(query.fields))
    replies = [finish(message, segments, type_, "AA", mode, answer=_record(ask, (), segments) | {"status": status})]
    if ask.place:
        return replies
    nothing = SpecimenOrder(next(iter(ask.specimens), ""), NOTHING)
    named = any(one.patient for one in work)
    # One message for everything, but never two people in it.
    for orders in [[one] for one in work] if named else [list(work) or [nothing]]:
        number = fresh(now)
        body = oml_o33(orders, number=number, now=now, receiver=message.header.part(3))
        lines = [[line[:3]] for line in body.decode().split("\r") if line]
        record = _record(ask, orders, lines) | {"status": "OK" if work else "NF"}
        replies.append(
            Reply("none", "application", "OML^O33^OML_O33", "2.5.1", "P", "|^~\\&", number, body=body, answer=record)
        )
    return replies


def _cepheid(
    message: Message, ask: Ask, work: Sequence[SpecimenOrder], profile: Profile, mode: str, now: datetime.datetime
) -> list[Reply]:
    """One RSP^Z02 with the orders, or without any."""
    type_ = "RSP^Z02" + ("^RSP_Z02" if has_structure(message) else "")
    query = message.first("QPD")
    escape, marks = hl7.escape, message.marks
    segments = [header_of_answer(message, type_, now, fresh(now)), ["MSA", "AA", message.control_id]]
    segments.append(["QAK", query.raw(2) if query else "", "OK", query.raw(1) if query else ""])
    if query:
        segments.append(list(query.fields))
    for one in work:
        segments += _person(one, now, marks)
        for place, step in enumerate(one.steps, 1):
            segments.append(["ORC", "NW", escape(step.step_id, marks), "", "", "", "", "", "", stamp(now)])
            segments.append(["OBR", str(place), "", "", escape(step.code, marks), "", "", "", "", "", "", "A"])
            segments.append(["TQ1", *[""] * 8, step.priority])
        segments.append(["SPM", "1", escape(one.specimen_id, marks), "", "ORH", *[""] * 6, "P"])
    record = _record(ask, work, segments) | {"status": "OK"}
    return [finish(message, segments, type_, "AA", mode, answer=record)]


def _person(one: SpecimenOrder, now: datetime.datetime, marks: hl7.Delimiters) -> list[list[str]]:
    if not one.patient:
        return []
    born = (one.patient.get("birth_date") or "").replace("-", "")
    return [["PID", "1", "", "", "", "", "", born, one.patient.get("sex") or ""]]


def _mindray(
    message: Message, ask: Ask, work: Sequence[SpecimenOrder], profile: Profile, mode: str, now: datetime.datetime
) -> list[Reply]:
    """QCK^Q02, and when there is work a DSR^Q03 with numbered DSP lines."""
    status = "OK" if work else "NF"
    header = header_of_answer(message, "QCK^Q02", now, fresh(now))
    first = [header, accepted(message, profile), ["ERR", "0"], ["QAK", "SR", status]]
    replies = [finish(message, first, "QCK^Q02", "AA", mode, answer=_record(ask, (), first) | {"status": status})]
    if not work:
        return replies
    definition, filter_ = message.first("QRD"), message.first("QRF")
    for one in work:
        header = header_of_answer(message, "DSR^Q03", now, fresh(now))
        segments = [header, accepted(message, profile), ["ERR", "0"], ["QAK", "SR", "OK"]]
        segments += [list(segment.fields) for segment in (definition, filter_) if segment]
        segments += [["DSP", str(number), "", text] for number, text in _display(one, message.marks)]
        segments.append(["DSC", ""])
        reply = finish(message, segments, "DSR^Q03", "none", mode, answer=_record(ask, [one], segments))
        replies.append(reply)
    return replies


def _display(one: SpecimenOrder, marks: hl7.Delimiters) -> list[tuple[int, str]]:
    """DSP 4 and 5 birth date and sex, 21 barcode, 22 sample number, 24 urgent, 26 material, from 29 on the tests."""
    identifier = hl7.escape(one.specimen_id, marks)
    urgent = "Y" if any(step.priority == "S" for step in one.steps) else "N"
    lines = dict.fromkeys(range(1, 29), "")
    lines |= {21: identifier, 22: identifier, 24: urgent, 26: "serum"}
    if one.patient:
        lines |= {4: (one.patient.get("birth_date") or "").replace("-", ""), 5: one.patient.get("sex") or ""}
    for number, step in enumerate(one.steps, 29):
        lines[number] = hl7.escape(step.code, marks) + marks.component * 3
    return list(lines.items())


def _worklist(
    message: Message, ask: Ask, work: Sequence[SpecimenOrder], profile: Profile, mode: str, now: datetime.datetime
) -> list[Reply]:
    """ORR^O02 with the order, or AR with MSH and MSA alone."""
    header = header_of_answer(message, "ORR^O02", now, fresh(now))
    code = "AA" if work else "AR"
    segments = [header, ["MSA", code, message.control_id]]
    for one in work:
        segments += _person(one, now, message.marks)
        identifier = hl7.escape(one.specimen_id, message.marks)
        for place, step in enumerate(one.steps, 1):
            segments.append(["ORC", "AF", identifier])
            segments.append(["OBR", str(place), identifier, "", hl7.escape(step.code, message.marks)])
    return [finish(message, segments, "ORR^O02", code, mode, answer=_record(ask, work, segments))]


def answer_records(
    session: Session, ask: Ask, work: Sequence[SpecimenOrder], profile: Profile, now: datetime.datetime
) -> Reply:
    """The answer to Q records: H P O... L, or what this analyzer takes for "nothing"."""
    marks, theirs = session.marks, session.header
    version = theirs.raw(13) or "LIS2-A2"
    header = [
        "H",
        marks.sent[1:],
        fresh(now),
        "",
        APPLICATION,
        *[""] * 4,
        theirs.raw(5),
        "",
        "P",
        version,
        f"{now:%Y%m%d%H%M%S}",
    ]
    records, end = [header], "F"
    for place, one in enumerate(work, 1):
        person = ["P", str(place)]
        if one.patient:
            born = (one.patient.get("birth_date") or "").replace("-", "")
            person += ["", "", "", "", "", born, one.patient.get("sex") or ""]
        records.append(person)
        records += [
            _asked_for(number, one, step.code, step.priority, marks) for number, step in enumerate(one.steps, 1)
        ]
    if not work and profile.negative == "o_y":
        unknown = SpecimenOrder(next(iter(ask.specimens), ""))
        records += [["P", "1"], [*_asked_for(1, unknown, "", "R", marks)[:25], "Y"]]
        end = "N"
    elif not work:
        end = "I"
    records.append(["L", "1", end])
    body = hl7.encode(lis2.build(records, marks), session.charset)
    record = _record(ask, work, records) | {"end": end}
    return Reply("none", "lis2", "LIS2", version, "P", marks.sent, body=body, answer=record)


def _asked_for(number: int, one: SpecimenOrder, code: str, priority: str, marks: hl7.Delimiters) -> list[str]:
    test = marks.component * 3 + hl7.escape(code, marks) if code else ""
    fields = ["O", str(number), hl7.escape(one.specimen_id, marks), "", test, priority]
    fields += [""] * (25 - len(fields)) + ["Q"]
    fields[11] = "A"
    return fields
