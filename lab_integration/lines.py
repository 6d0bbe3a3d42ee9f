"""From result messages to lines: rows are read, the laboratory decides them, every one is kept with its state.

Several messages of one analyzer go together, in their order: what is looked up is looked up once for all of them.
"""

import datetime
import hashlib
from dataclasses import dataclass
from typing import Any

from lab_integration import balance, hl7, lis2, observations, send
from lab_integration.failpoints import fail_point
from lab_integration.models import Analyzer, ReceivedLine, ReceivedMessage
from lab_integration.profile import Profile
from lab_integration.reading import Mapped, map_rows, tests_of, visible
from mhac.clinics import bulk
from mhac.clinics.numbers import uuid7
from mhac.labs import services as labs

State = ReceivedMessage.State
NOT_COUNTED = {"SUPPLEMENTAL", "ATTACHMENT"}
ANSWERS = {"FILED", "CONFLICT", "CANDIDATE", "SUPERSEDED", "DUPLICATE"}
NOT_FILED = (State.RECEIVED, State.DUPLICATE, State.UNKNOWN_SENDER, State.HEARD)
Pair = tuple[ReceivedMessage, hl7.Message | lis2.Session]


def without_duplicates(results: list[Pair]) -> list[Pair]:
    """Those whose clinical content this analyzer did not send before; the others are settled as DUPLICATE."""
    first = results[0][0]
    before = ReceivedMessage.objects.filter(analyzer=first.analyzer, complete=True).exclude(state__in=NOT_FILED)
    before = before.filter(content__in={row.content for row, _message in results}).order_by("received_at", "pk")
    known = list(before.only("content", "received_at"))
    found = []
    for row, message in results:
        same = (one for one in known if one.content == row.content and one.pk != row.pk)
        original = next((one for one in same if one.received_at <= row.received_at), None)
        if original is None:
            found.append((row, message))
            known.append(row)
        else:
            row.state, row.duplicate_of, row.reason = State.DUPLICATE, original, ""
    return found


@dataclass(frozen=True)
class _Sheet:
    """A message on its way to the laboratory: its rows, which lines it had before, and what is to be decided now."""

    row: ReceivedMessage
    found: observations.Reading
    before: dict[int, ReceivedLine]
    mapped: dict[int, Mapped]
    lines: list[labs.Line]


def file(results: list[Pair], analyzer: Analyzer, profile: Profile, numbers: labs.Numbers) -> None:
    """Read the rows and have the laboratory decide those that are not settled yet."""
    tests = tests_of(profile)
    before: dict[Any, dict[int, ReceivedLine]] = {row.pk: {} for row, _message in results}
    for line in ReceivedLine.objects.filter(message__in=list(before)).select_for_update(of=("self",)).order_by("pk"):
        before[line.message_id][line.place] = line
    sheets = []
    for row, message in results:
        found, kept = rows_of(message, profile, row.received_at), before[row.pk]
        row.observations, row.warnings = len(found.rows), sorted({*row.warnings, *found.warnings})
        mapped = {one.row.place: one for one in map_rows(found.rows, profile, tests)}
        open_ = [one for place, one in mapped.items() if place not in kept or kept[place].waits]
        sheets.append(
            _Sheet(row, found, kept, mapped, [one.line(late=_is_late(kept.get(one.row.place))) for one in open_])
        )
    rules = labs.Rules(numbers, profile.second_identifier, profile.require_second_identifier)
    decided = labs.record_messages(
        [sheet.lines for sheet in sheets], instrument=analyzer.name, rules=rules, seen=_seen(analyzer, sheets)
    )
    new = []
    for sheet, outcomes in zip(sheets, decided, strict=True):
        fail_point("between_lines")
        for outcome in outcomes:
            line, mapped = sheet.before.get(outcome.line.place), sheet.mapped[outcome.line.place]
            if line is None:
                new.append({"id": uuid7(), **kept_of(sheet.row, mapped, outcome)})
            else:
                keep_line(sheet.row, mapped, outcome, line)
    bulk.insert(ReceivedLine, new)
    send.mark_done([outcome for outcomes in decided for outcome in outcomes], profile)
    states: dict[Any, list[str]] = {sheet.row.pk: [] for sheet in sheets}
    for key, state in ReceivedLine.objects.filter(message__in=list(states)).values_list("message_id", "state"):
        states[key].append(state)
    for sheet in sheets:
        sheet.row.state, sheet.row.reason = _state_of(states[sheet.row.pk], sheet.found), ""
        came = balance.came(bytes(sheet.row.body), sheet.row.transport, profile.charset)
        if not came.balances(len(states[sheet.row.pk]), came.segments):
            # Rows that nobody sees are the one thing that must not be: a person looks.
            sheet.row.state = State.HELD
            sheet.row.warnings = sorted({*sheet.row.warnings, "out_of_balance"})


def rows_of(message: hl7.Message | lis2.Session, profile: Profile, received: datetime.datetime) -> observations.Reading:
    if isinstance(message, lis2.Session):
        return lis2.read_results(message, profile, received)
    return observations.read_results(message, profile, received)


def _is_late(line: ReceivedLine | None) -> bool:
    return line is not None and line.state in {"UNMATCHED_SPECIMEN", "NOT_ORDERED"}


def _digest(fingerprint: str) -> str:
    return hashlib.sha256(fingerprint.encode("utf-8", "surrogatepass")).hexdigest()


def _seen(analyzer: Analyzer, sheets: list[_Sheet]) -> set[str]:
    """The fingerprints that earlier lines of this analyzer have, of those that these messages bring."""
    lines = [line for sheet in sheets for line in sheet.lines]
    prints = {print_: _digest(print_) for line in lines for print_ in map(line.fingerprint, line.readings.values())}
    wanted = set(prints.values())
    earlier = ReceivedLine.objects.filter(message__analyzer=analyzer, fingerprint__in=wanted, state__in=ANSWERS)
    known = set(earlier.exclude(message__in=[sheet.row.pk for sheet in sheets]).values_list("fingerprint", flat=True))
    settled = ANSWERS - labs.WAITING
    known |= {line.fingerprint for sheet in sheets for line in sheet.before.values() if line.state in settled}
    return {text for text, digest in prints.items() if digest in known}


def keep_line(row: ReceivedMessage, mapped: Mapped, outcome: labs.Outcome, before: ReceivedLine) -> None:
    """Write on a line that is there what became of it now."""
    for column, value in kept_of(row, mapped, outcome).items():
        setattr(before, column, value)
    before.save()


def kept_of(row: ReceivedMessage, mapped: Mapped, outcome: labs.Outcome) -> dict[str, Any]:
    """What is kept of a line, by column."""
    seen, reading, attachment = mapped.row, outcome.reading, mapped.row.attachment
    return {
        "message_id": row.pk,
        "place": seen.place,
        "state": outcome.state,
        "reason": outcome.reason,
        "specimen_id": outcome.line.specimen_id,
        "accession": outcome.accession,
        "code": visible(seen.code),
        "test": reading.test if reading else "",
        "run": outcome.line.run,
        "kind": mapped.kind,
        "status": seen.status,
        "value": {"as_sent": mapped.as_sent, **_value(reading.value if reading else None)},
        "unit": reading.unit if reading and reading.value else "",
        "unit_as_sent": visible(seen.sent.unit),
        "flags": list(outcome.line.flags),
        "observed_at": seen.observed_at,
        "observed_as_read": seen.observed_at.isoformat() if seen.observed_at else "",
        "critical": outcome.critical,
        "attachment": {"type": visible(attachment.type), "bytes": attachment.size} if attachment else None,
        "qc": {key: visible(str(value)) for key, value in seen.qc.items()},
        "fingerprint": _digest(outcome.line.fingerprint(reading)) if reading and outcome.state in ANSWERS else "",
        "result_id": outcome.result,
        "version": outcome.version or None,
        "profile_version_id": row.profile_version_id,
    }


def _value(value: labs.Value | None) -> dict[str, Any]:
    """A value as JSON; numbers as text, so that no digit is lost."""
    if value is None:
        return {}
    found: dict[str, Any] = {"operator": value.operator, "text": value.text, "coded": value.coded, "titre": value.titre}
    found = {key: one for key, one in found.items() if one not in ("", None)}
    return found | ({} if value.number is None else {"number": format(value.number, "f")})


def state_of(row: ReceivedMessage, found: observations.Reading) -> str:
    return _state_of(list(row.lines.values_list("state", flat=True)), found)


def _state_of(states: list[str], found: observations.Reading) -> str:
    if not found.rows:
        return State.HELD
    counted = [state for state in states if state not in NOT_COUNTED]
    waiting = [state for state in counted if state in labs.WAITING]
    if not waiting:
        return State.PROCESSED
    return State.HELD if len(waiting) == len(counted) else State.PARTLY_HELD
