"""What happens to one message: its bytes are stored, it is answered, it is read, its lines are matched.

`store` commits before anything is answered. `process` is a step of its own that can be killed and run again: it works
on one locked message in one transaction.
"""

import datetime
import hashlib
import logging
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F
from django.utils import timezone

from lab_integration import acknowledgement, hl7, lis2, observations, queries, send
from lab_integration.acknowledgement import Kind, Reply
from lab_integration.failpoints import fail_point
from lab_integration.models import Analyzer, ReceivedLine, ReceivedMessage
from lab_integration.orders import fresh
from lab_integration.profile import Profile
from lab_integration.reading import Mapped, map_rows, visible
from mhac.clinics.models import Clinic
from mhac.labs import services as labs

log = logging.getLogger("lab")
State = ReceivedMessage.State
NOT_COUNTED = {"SUPPLEMENTAL", "ATTACHMENT"}
ANSWERS = {"FILED", "CONFLICT", "CANDIDATE", "SUPERSEDED", "DUPLICATE"}
MOST_ATTEMPTS = 5
CHANNEL = "lab"
LOOK_BACK = datetime.timedelta(days=60)
OPEN_STATES = (State.HELD, State.PARTLY_HELD)
RETRIED = {("UNMATCHED_SPECIMEN", "unknown_specimen"), ("NOT_ORDERED", ""), ("CONFLICT", "inputs_missing")}


@dataclass(frozen=True)
class Stored:
    """A row of the journal, and whether these bytes had come before."""

    message: ReceivedMessage
    repeated: bool


def identify(candidates: list[Analyzer], body: bytes) -> Analyzer | None:
    """Which of the analyzers behind one address sent `body`: the only one, or the only one that its header names."""
    if len(candidates) == 1:
        return candidates[0]
    named = []
    for analyzer in candidates:
        try:
            message = parse(analyzer.dialect, body, analyzer.settings)
        except hl7.Unreadable:
            continue
        sender = message.header.raw(3 if isinstance(message, hl7.Message) else 5)
        if analyzer.settings.sender and analyzer.settings.sender == sender:
            named.append(analyzer)
    return named[0] if len(named) == 1 else None


def store(
    peer: str,
    body: bytes,
    *,
    analyzer: Analyzer | None,
    clinic: Clinic,
    transport: str,
    received: datetime.datetime,
    complete: bool = True,
    why: str = "",
) -> list[Stored]:
    """Commit `body`, cut into its messages. The same bytes from the same peer count up on their first row."""
    split = lis2.split if transport == "lis1" else hl7.split
    pieces = split(body) if complete else [body]
    rows = [
        ReceivedMessage(
            analyzer=analyzer,
            clinic=clinic,
            peer=peer,
            transport=transport,
            # Messages of one block keep their order.
            received_at=received + datetime.timedelta(microseconds=place),
            body=piece,
            sha256=hashlib.sha256(piece).hexdigest(),
            complete=complete,
            state=State.RECEIVED if complete else State.INCOMPLETE,
            reason=why,
            warnings=["batch"] if len(pieces) > 1 and split is hl7.split else [],
        )
        for place, piece in enumerate(pieces)
    ]
    found = []
    with transaction.atomic():
        for row in rows:
            ReceivedMessage.objects.bulk_create([row], ignore_conflicts=True)
            kept = ReceivedMessage.objects.defer("body").get(peer=peer, sha256=row.sha256, complete=complete)
            if kept.pk != row.pk:
                ReceivedMessage.objects.filter(pk=kept.pk).update(repeats=F("repeats") + 1, repeated_at=received)
            found.append(Stored(kept if kept.pk != row.pk else row, kept.pk != row.pk))
    return found


def reply(stored: list[Stored], body: bytes, analyzer: Analyzer | None, now: datetime.datetime) -> list[Reply]:
    """What `body` is answered, once it is stored. A batch is answered once, for its first message."""
    profile = analyzer.settings if analyzer else Profile("")
    first = stored[0].message
    try:
        message = parse("astm" if first.transport == "lis1" else "hl7", bytes(first.body), profile)
    except hl7.Unreadable as error:
        return [LINK] if first.transport == "lis1" else [acknowledgement.unreadable(now, fresh(now), str(error))]
    if isinstance(message, lis2.Session):
        return _answer_records(message, analyzer, profile, now) or [LINK]
    if analyzer is not None and acknowledgement.judge(message, profile).kind is Kind.QUERY:
        return _answer(message, analyzer, profile, now)
    return acknowledgement.acknowledge(message, profile, now, fresh(now))


LINK = Reply("none", "lis2")


def keep_reply(stored: list[Stored], replies: list[Reply]) -> None:
    """Keep the bytes that are about to be sent beside what they answer."""
    said = b"".join(reply.body for reply in replies if reply.body is not None)
    ReceivedMessage.objects.filter(pk=stored[0].message.pk).update(reply=said)


def wake_worker() -> None:
    """Tell a waiting `work_lab` that there is something to read."""
    with connection.cursor() as cursor:
        cursor.execute(f"NOTIFY {CHANNEL}")


def _answer(message: hl7.Message, analyzer: Analyzer, profile: Profile, now: datetime.datetime) -> list[Reply]:
    ask = queries.asked(message, profile)
    work = send.work_asked_for(analyzer, profile, ask, now)
    replies = queries.answer(message, ask, work, profile, now)
    send.keep_answers(analyzer, replies, now)
    at_once, _later, _original = acknowledgement.due(message, profile)
    if at_once in {"AL", "SU"}:
        accepted = acknowledgement.acknowledge(message, profile, now, fresh(now))
        replies = [one for one in accepted if one.mode == "accept"] + replies
    return replies


def _answer_records(
    session: lis2.Session, analyzer: Analyzer | None, profile: Profile, now: datetime.datetime
) -> list[Reply]:
    if analyzer is None or not session.is_query or is_stranger(session, profile):
        return []
    ask = queries.asked_by_records(session, profile)
    work = send.work_asked_for(analyzer, profile, ask, now)
    answer = queries.answer_records(session, ask, work, profile, now)
    send.keep_answers(analyzer, [answer], now)
    return [answer]


def is_stranger(session: lis2.Session, profile: Profile) -> bool:
    return bool(profile.sender) and session.header.raw(5) != profile.sender


def parse(dialect: str, body: bytes, profile: Profile) -> hl7.Message | lis2.Session:
    return (lis2.parse if dialect == "astm" else hl7.parse)(body, profile.charset)


# -- reading ----------------------------------------------------------------------------------------------------------


def process(
    key: Any, now: datetime.datetime | None = None, numbers: labs.Numbers | None = None, *, by: Any = None
) -> ReceivedMessage:
    """Read the message `key` (a primary key) and match its lines; lines that are settled already stay as they are.

    `numbers` says how our accessions look, where they look otherwise than usual; `by` is who asked for a replay. Safe
    to call again at any time. An error of our own leaves the message FAILED, with nothing half done.
    """
    now = now or timezone.now()
    try:
        with transaction.atomic():
            row = ReceivedMessage.objects.select_for_update(of=("self",)).select_related("analyzer__clinic").get(pk=key)
            if row.complete and row.state != State.DISMISSED:
                row.replays += by is not None
                _read(row, now, numbers or labs.Numbers())
            return row
    except Exception as error:
        return _fail(key, error)


def process_next(now: datetime.datetime | None = None) -> ReceivedMessage | None:
    """Process the oldest unread message that nobody else has in hand; None when there is none."""
    key = None
    try:
        with transaction.atomic():
            free = ReceivedMessage.objects.unread().select_for_update(skip_locked=True, of=("self",))
            row = free.select_related("analyzer__clinic").order_by("received_at", "pk").first()
            if row is not None:
                key = row.pk
                fail_point("before_process")
                _read(row, now or timezone.now(), labs.Numbers())
            return row
    except Exception as error:
        if key is None:
            raise
        return _fail(key, error)


def _fail(key: Any, error: Exception) -> ReceivedMessage:
    """Say that a message could not be processed: the bytes are safe, and a bug must not stop the queue."""
    log.error("message %s could not be processed", key, exc_info=error)
    failed = ReceivedMessage.objects.filter(pk=key)
    failed.update(attempts=F("attempts") + 1)
    if not isinstance(error, OperationalError) or failed.filter(attempts__gte=MOST_ATTEMPTS).exists():
        # A lock or a lost connection passes; the message is still unread and comes up again.
        failed.update(state=State.FAILED, reason=f"{type(error).__name__}: {error}"[:500])
    return failed.get()


def _read(row: ReceivedMessage, now: datetime.datetime, numbers: labs.Numbers) -> None:
    row.attempts, row.processed_at = row.attempts + 1, now
    if row.analyzer is None:
        row.state, row.reason = State.UNKNOWN_SENDER, "Two analyzers share this address and the header names neither."
        row.save()
        return
    profile = row.analyzer.settings
    try:
        message = parse("astm" if row.transport == "lis1" else "hl7", bytes(row.body), profile)
    except hl7.Unreadable as error:
        row.state, row.reason = State.UNREADABLE, str(error)
        row.save()
        return
    _describe(row, message, profile)
    verdict = _verdict(message, profile)
    settled = {
        Kind.UNSUPPORTED: State.UNSUPPORTED_TYPE,
        Kind.STRANGER: State.UNKNOWN_SENDER,
        Kind.QUERY: State.ANSWERED,
        Kind.NOTED: State.NOTED,
    }
    if verdict.kind in settled:
        row.state = settled[verdict.kind]
        row.reason = visible(verdict.fault.sentence) if verdict.fault else ""
        if verdict.kind is Kind.STRANGER:
            row.reason = f"The sender is not {profile.sender}. Check which analyzer is connected, then replay."
        if verdict.kind is Kind.NOTED and isinstance(message, hl7.Message):
            send.take_answer(message, now)
    elif original := _seen_before(row):
        row.state, row.duplicate_of, row.reason = State.DUPLICATE, original, ""
    else:
        _file(row, message, profile, numbers)
    row.save()


def _verdict(message: hl7.Message | lis2.Session, profile: Profile) -> acknowledgement.Verdict:
    if isinstance(message, hl7.Message):
        return acknowledgement.judge(message, profile)
    if is_stranger(message, profile):
        return acknowledgement.Verdict(Kind.STRANGER)
    if message.is_query:
        return acknowledgement.Verdict(Kind.QUERY)
    if message.header.part(12).upper() in {"T", "D"}:
        sentence = "This is a training or debugging message. Set the analyzer to production (P)."
        return acknowledgement.Verdict(Kind.UNSUPPORTED, acknowledgement.Fault(202, sentence))
    nothing = not any(message.named("R", "O", "P"))
    return acknowledgement.Verdict(Kind.NOTED if nothing else Kind.RESULT)


def _describe(row: ReceivedMessage, message: hl7.Message | lis2.Session, profile: Profile) -> None:
    astm = isinstance(message, lis2.Session)
    row.observations = sum(1 for _one in message.named("R" if astm else "OBX"))
    row.control_id = visible(message.control_id)
    row.type = "LIS2" if astm else visible(message.type)[:40]
    row.version = visible(message.header.raw(13) if astm else profile.version or message.version_read)[:40]
    if observations.clock_is_off(message.header.raw(14 if astm else 7), [], profile.timezone, row.received_at):
        row.warnings = sorted({*row.warnings, "clock_off"})
    row.segments = len(message.records if astm else message.segments)
    row.warnings = sorted({*row.warnings, *message.odd})
    row.content = hashlib.sha256(message.clinical_content().encode("utf-8", "surrogatepass")).hexdigest()


def _seen_before(row: ReceivedMessage) -> ReceivedMessage | None:
    """The first message of this analyzer with the same clinical content."""
    before = ReceivedMessage.objects.filter(analyzer=row.analyzer, content=row.content, complete=True)
    before = before.exclude(pk=row.pk).exclude(state__in=[State.RECEIVED, State.DUPLICATE, State.UNKNOWN_SENDER])
    return before.filter(received_at__lte=row.received_at).order_by("received_at", "pk").defer("body").first()


def _file(row: ReceivedMessage, message: hl7.Message | lis2.Session, profile: Profile, numbers: labs.Numbers) -> None:
    """Read the rows and have the laboratory decide those that are not settled yet."""
    found = rows_of(message, profile, row.received_at)
    row.observations, row.warnings = len(found.rows), sorted({*row.warnings, *found.warnings})
    before = {line.place: line for line in row.lines.select_for_update()}
    mapped = {one.row.place: one for one in map_rows(found.rows, profile)}
    open_ = [one for place, one in mapped.items() if place not in before or before[place].waits]
    lines = [one.line(late=_is_late(before.get(one.row.place))) for one in open_]
    prints = {_digest(line.fingerprint(reading)) for line in lines for reading in line.readings.values()}
    rules = labs.Rules(numbers, profile.second_identifier, profile.require_second_identifier)
    outcomes = labs.record_results(lines, instrument=row.analyzer.name, rules=rules, seen=_seen(row, lines, prints))
    for outcome in outcomes:
        keep_line(row, mapped[outcome.line.place], outcome, before.get(outcome.line.place))
    send.mark_done(outcomes, profile)
    row.state, row.reason = state_of(row, found), ""


def rows_of(message: hl7.Message | lis2.Session, profile: Profile, received: datetime.datetime) -> observations.Reading:
    if isinstance(message, lis2.Session):
        return lis2.read_results(message, profile, received)
    return observations.read_results(message, profile, received)


def _is_late(line: ReceivedLine | None) -> bool:
    return line is not None and line.state in {"UNMATCHED_SPECIMEN", "NOT_ORDERED"}


def _digest(fingerprint: str) -> str:
    return hashlib.sha256(fingerprint.encode("utf-8", "surrogatepass")).hexdigest()


def _seen(row: ReceivedMessage, lines: list[labs.Line], prints: set[str]) -> set[str]:
    """Fingerprints among `prints` that an earlier line of this analyzer has."""
    earlier = ReceivedLine.objects.filter(message__analyzer=row.analyzer, fingerprint__in=prints, state__in=ANSWERS)
    known = set(earlier.exclude(message=row).values_list("fingerprint", flat=True))
    known |= set(row.lines.filter(state__in=ANSWERS - labs.WAITING).values_list("fingerprint", flat=True))
    texts = {line.fingerprint(reading) for line in lines for reading in line.readings.values()}
    return {text for text in texts if _digest(text) in known}


def keep_line(row: ReceivedMessage, mapped: Mapped, outcome: labs.Outcome, before: ReceivedLine | None) -> None:
    seen, reading = mapped.row, outcome.reading
    line = before or ReceivedLine(message=row, place=seen.place)
    line.state, line.reason = outcome.state, outcome.reason
    line.specimen_id, line.accession = outcome.line.specimen_id, outcome.accession
    line.code = visible(seen.code)
    line.test = reading.test if reading else ""
    line.run, line.kind, line.status = outcome.line.run, mapped.kind, seen.status
    line.value = {"as_sent": mapped.as_sent, **_value(reading.value if reading else None)}
    line.unit = reading.unit if reading and reading.value else ""
    line.unit_as_sent = visible(seen.sent.unit)
    line.flags, line.observed_at = list(outcome.line.flags), seen.observed_at
    line.observed_as_read = seen.observed_at.isoformat() if seen.observed_at else ""
    line.critical = outcome.critical
    if seen.attachment:
        line.attachment = {"type": visible(seen.attachment.type), "bytes": seen.attachment.size}
    line.qc = {key: visible(str(value)) for key, value in seen.qc.items()}
    line.fingerprint = _digest(outcome.line.fingerprint(reading)) if reading and outcome.state in ANSWERS else ""
    line.result_id, line.version = outcome.result, outcome.version or None
    line.save()


def _value(value: labs.Value | None) -> dict[str, Any]:
    """A value as JSON; numbers as text, so that no digit is lost."""
    if value is None:
        return {}
    found: dict[str, Any] = {"operator": value.operator, "text": value.text, "coded": value.coded, "titre": value.titre}
    found = {key: one for key, one in found.items() if one not in ("", None)}
    return found | ({} if value.number is None else {"number": format(value.number, "f")})


def state_of(row: ReceivedMessage, found: observations.Reading) -> str:
    states = list(row.lines.values_list("state", flat=True))
    if not found.rows:
        return State.HELD
    counted = [state for state in states if state not in NOT_COUNTED]
    waiting = [state for state in counted if state in labs.WAITING]
    if not waiting:
        return State.PROCESSED
    return State.HELD if len(waiting) == len(counted) else State.PARTLY_HELD


def retry_waiting(now: datetime.datetime, numbers: labs.Numbers | None = None) -> int:
    """Read again what waited for an order, or for the values it is computed from; how many messages were read."""
    waiting = ReceivedLine.objects.filter(message__received_at__gte=now - LOOK_BACK, message__state__in=OPEN_STATES)
    found = waiting.filter(state__in={state for state, _reason in RETRIED}).values_list(
        "message_id", "state", "reason", "specimen_id", "test"
    )
    rows = [row for row in found if (row[1], row[2]) in RETRIED]
    ordered = labs.ordered({specimen for *_rest, specimen, _test in rows}) if rows else {}
    due = {}
    for message, state, _reason, specimen, test in rows:
        tests = ordered.get(specimen)
        if tests is not None and (state != "NOT_ORDERED" or test in tests):
            due[message] = None
    for key in due:
        process(key, now, numbers)
    return len(due)
