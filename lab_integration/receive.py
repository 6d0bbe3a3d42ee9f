"""What happens to one message: its bytes are stored, it is answered, it is read, its lines are matched.

`store` commits before anything is answered. `process` and `process_some` are a step of their own that can be killed and
run again: they work on locked messages in one transaction.
"""

import contextlib
import datetime
import hashlib
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import OperationalError, connection, transaction
from django.db.models import F, OuterRef, Subquery
from django.utils import timezone

from lab_integration import acknowledgement, hl7, lines, lis2, observations, queries, send
from lab_integration.acknowledgement import Kind, Reply
from lab_integration.failpoints import fail_point

# A person who decides a line goes the same way as the worker: these names stand here too.
from lab_integration.lines import NOT_COUNTED as NOT_COUNTED
from lab_integration.lines import keep_line as keep_line
from lab_integration.lines import rows_of as rows_of
from lab_integration.lines import state_of as state_of
from lab_integration.models import Analyzer, ReceivedLine, ReceivedMessage
from lab_integration.orders import SpecimenOrder, fresh
from lab_integration.profile import Profile
from lab_integration.reading import visible
from mhac.clinics import bulk
from mhac.clinics.models import Clinic
from mhac.labs import services as labs

log = logging.getLogger("lab")
State = ReceivedMessage.State
MOST_ATTEMPTS = 5
MOST_AT_ONCE = 20
LEASE = 0x6D7367  # one worker an analyzer
LOOK_BACK = datetime.timedelta(days=60)
OPEN_STATES = (State.HELD, State.PARTLY_HELD)
RETRIED = {("UNMATCHED_SPECIMEN", "unknown_specimen"), ("NOT_ORDERED", ""), ("CONFLICT", "inputs_missing")}


@dataclass(frozen=True)
class Stored:
    """A row of the journal, and whether these bytes had come before."""

    message: ReceivedMessage
    repeated: bool


def settings_of(analyzer: Analyzer) -> Profile:
    """Its profile, read once for as long as this row is in memory: that costs more than most messages."""
    kept = vars(analyzer).get("_settings")
    if kept is None or kept[0] is not analyzer.profile:
        kept = vars(analyzer)["_settings"] = (analyzer.profile, analyzer.settings)
    return kept[1]


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
    reply: bytes | None = None,
) -> list[Stored]:
    """Commit `body`, cut into its messages, with the `reply` where it is known. The same bytes from the same peer count
    up on their first row."""
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
    with transaction.atomic() if len(rows) > 1 else contextlib.nullcontext():
        return [_keep(row, received, reply) for row in rows]


def _keep(row: ReceivedMessage, received: datetime.datetime, reply: bytes | None) -> Stored:
    """Insert `row`, or count up on the row that has its bytes, in one statement: two at once cannot both insert."""
    row.reply = reply
    fields = ReceivedMessage._meta.concrete_fields
    values = [getattr(row, field.attname) for field in fields]
    (key,) = bulk.insert_or_count(
        ReceivedMessage,
        values,
        ("peer", "sha256", "complete"),
        "repeats = kept.repeats + 1, repeated_at = %s, reply = coalesce(excluded.reply, kept.reply)",
        [received],
    )
    return Stored(row, False) if key == row.pk else Stored(ReceivedMessage.objects.get(pk=key), True)


def take(
    peer: str,
    body: bytes,
    *,
    analyzer: Analyzer | None,
    clinic: Clinic,
    transport: str,
    received: datetime.datetime,
) -> list[Reply]:
    """Commit `body` and say what it is answered; the answer is kept beside it.

    What a result message is answered is known from its header, so bytes and answer are committed together.
    """
    known = _answer_to_results(body, analyzer, received) if transport == "mllp" else None
    words = None if known is None else b"".join(one.body for one in known if one.body is not None)
    stored = store(peer, body, analyzer=analyzer, clinic=clinic, transport=transport, received=received, reply=words)
    fail_point("after_commit")
    if known is None:
        known = reply(stored, body, analyzer, received)
        keep_reply(stored, known)
    return known


def _answer_to_results(body: bytes, analyzer: Analyzer | None, now: datetime.datetime) -> list[Reply] | None:
    """The acknowledgement of a result message; None when it is something else, or its header does not tell."""
    profile = settings_of(analyzer) if analyzer else Profile("")
    try:
        message = hl7.parse_header(hl7.split(body)[0], profile.charset)
    except hl7.Unreadable:
        return None
    if b"MSA" in body or acknowledgement.judge(message, profile).kind is not Kind.RESULT:
        return None
    return acknowledgement.acknowledge(message, profile, now, fresh(now))


def reply(stored: list[Stored], body: bytes, analyzer: Analyzer | None, now: datetime.datetime) -> list[Reply]:
    """What `body` is answered, once it is stored. A batch is answered once, for its first message."""
    profile = settings_of(analyzer) if analyzer else Profile("")
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


def _answer(message: hl7.Message, analyzer: Analyzer, profile: Profile, now: datetime.datetime) -> list[Reply]:
    ask = queries.asked(message, profile)
    work = send.work_asked_for(analyzer, profile, ask, now)
    replies = _written(message, ask, work, profile, now)
    send.keep_answers(analyzer, replies, now)
    at_once, _later, _original = acknowledgement.due(message, profile)
    if at_once in {"AL", "SU"}:
        accepted = acknowledgement.acknowledge(message, profile, now, fresh(now))
        replies = [one for one in accepted if one.mode == "accept"] + replies
    return replies


def _written(
    message: hl7.Message, ask: queries.Ask, work: Sequence[SpecimenOrder], profile: Profile, now: datetime.datetime
) -> list[Reply]:
    """The answers to a query. A tube whose order cannot be written is left out and logged: the others are sent,
    and the alarm for orders without a result stands for that one."""
    try:
        return queries.answer(message, ask, work, profile, now)
    except Exception:
        able = [one for one in work if _is_writable(message, ask, one, profile, now)]
        if len(able) == len(work):
            raise
        return queries.answer(message, ask, able, profile, now)


def _is_writable(
    message: hl7.Message, ask: queries.Ask, order: SpecimenOrder, profile: Profile, now: datetime.datetime
) -> bool:
    try:
        queries.answer(message, ask, [order], profile, now)
    except Exception:
        log.exception("the order for %s cannot be written", order.specimen_id)
        return False
    return True


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
                _read([row], now, numbers or labs.Numbers())
            return row
    except Exception as error:
        return _fail(key, error)


def process_next(now: datetime.datetime | None = None) -> ReceivedMessage | None:
    """Process the oldest unread message that nobody else has in hand; None when there is none."""
    return next(iter(process_some(now, most=1)), None)


def process_some(now: datetime.datetime | None = None, *, most: int = MOST_AT_ONCE) -> list[ReceivedMessage]:
    """Process up to `most` unread messages of one analyzer, in their order and in one transaction.

    Where that fails each is processed by itself, so that one that cannot be read does not hold up the others.
    """
    rows: list[ReceivedMessage] = []
    try:
        with transaction.atomic():
            rows = _claim(most)
            if rows:
                fail_point("before_process")
                _read(rows, now or timezone.now(), labs.Numbers())
                fail_point("before_filed")
        fail_point("after_filed")
        return rows
    except Exception as error:
        if not rows or _is_cut_off(error):
            raise
        if len(rows) == 1:
            return [_fail(rows[0].pk, error)]
        log.warning("%s messages are processed one by one: %s", len(rows), error)
        return [process(row.pk, now) for row in rows]


def _is_cut_off(error: Exception) -> bool:
    """Whether the database went away (no SQLSTATE, class 08, 57P), which is no message's fault."""
    state = getattr(error.__cause__, "sqlstate", None) or ""
    return isinstance(error, OperationalError) and (not state or state.startswith(("08", "57P")))


def _claim(most: int) -> list[ReceivedMessage]:
    """The oldest unread messages of the analyzer that waits longest and that no other worker has in hand, locked."""
    unread = ReceivedMessage.objects.unread()
    first = unread.filter(analyzer=OuterRef("pk")).order_by("received_at").values("received_at")[:1]
    waiting = Analyzer.objects.annotate(first=Subquery(first)).filter(first__isnull=False).order_by("first")
    keys = [*waiting.values_list("pk", flat=True), None]
    for key in keys:
        # One worker an analyzer, or its messages would overtake each other.
        if not _lease(key):
            continue
        rows = unread.filter(analyzer=key).select_for_update(skip_locked=True, of=("self",))
        found = list(rows.select_related("analyzer__clinic").order_by("received_at", "pk")[:most])
        if found:
            return found
    return []


def _lease(key: Any) -> bool:
    """Whether this transaction is now the one that reads this analyzer's messages."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s, hashtext(%s))", [LEASE, str(key)])
        return bool(cursor.fetchone()[0])


def _fail(key: Any, error: Exception) -> ReceivedMessage:
    """Say that a message could not be processed: the bytes are safe, and a bug must not stop the queue."""
    log.error("message %s could not be processed", key, exc_info=error)
    failed = ReceivedMessage.objects.filter(pk=key)
    failed.update(attempts=F("attempts") + 1)
    if not isinstance(error, OperationalError) or failed.filter(attempts__gte=MOST_ATTEMPTS).exists():
        # A lock or a lost connection passes; the message is still unread and comes up again.
        failed.update(state=State.FAILED, reason=f"{type(error).__name__}: {error}"[:500])
    return failed.get()


READ = [
    *("state", "reason", "attempts", "replays", "processed_at", "profile_version", "written_at", "observations"),
    *("control_id", "type", "version", "segments", "warnings", "content", "duplicate_of"),
]
SETTLED = {
    Kind.UNSUPPORTED: State.UNSUPPORTED_TYPE,
    Kind.STRANGER: State.UNKNOWN_SENDER,
    Kind.QUERY: State.ANSWERED,
    Kind.NOTED: State.NOTED,
}


def _read(rows: list[ReceivedMessage], now: datetime.datetime, numbers: labs.Numbers) -> None:
    """Read messages of one analyzer, in their order."""
    analyzer = rows[0].analyzer
    profile = settings_of(analyzer) if analyzer else Profile("")
    results = []
    for row in rows:
        row.attempts, row.processed_at = row.attempts + 1, now
        row.profile_version_id = analyzer.in_force_id if analyzer else None
        message = _settle(row, profile, now)
        if message is not None:
            results.append((row, message))
    if results:
        lines.file(lines.without_duplicates(results), analyzer, profile, numbers)
    for row in rows:
        row.save(update_fields=READ)


def _settle(row: ReceivedMessage, profile: Profile, now: datetime.datetime) -> hl7.Message | lis2.Session | None:
    """Say of a message that brings no results what became of it; one that may bring some is given back."""
    try:
        message = parse("astm" if row.transport == "lis1" else "hl7", bytes(row.body), profile)
    except hl7.Unreadable as error:
        row.state, row.reason = State.UNREADABLE, str(error)
        return None
    _describe(row, message, profile)
    verdict = _verdict(message, profile)
    if row.analyzer is None:
        row.state, row.reason = State.UNKNOWN_SENDER, "No analyzer, or more than one, speaks from this address."
    elif verdict.kind in SETTLED:
        row.state = SETTLED[verdict.kind]
        row.reason = visible(verdict.fault.sentence) if verdict.fault else ""
        if verdict.kind is Kind.STRANGER:
            row.reason = f"The sender is not {profile.sender}. Check which analyzer is connected, then replay."
        if verdict.kind is Kind.NOTED and isinstance(message, hl7.Message):
            send.take_answer(message, now)
    elif row.analyzer.listening:
        row.state, row.reason = State.HEARD, ""
    else:
        return message
    return None


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
    written = message.header.raw(14 if astm else 7)
    if sum(sign.isdigit() for sign in written[:19]) >= 12:  # a date alone says nothing of the clock
        row.written_at = observations.moment(written, profile.timezone)
    row.observations = sum(1 for _one in message.named("R" if astm else "OBX"))
    row.control_id = visible(message.control_id)
    row.type = "LIS2" if astm else visible(message.type)[:40]
    row.version = visible(message.header.raw(13) if astm else profile.version or message.version_read)[:40]
    if observations.clock_is_off(written, [], profile.timezone, row.received_at):
        row.warnings = sorted({*row.warnings, "clock_off"})
    row.segments = len(message.records if astm else message.segments)
    row.warnings = sorted({*row.warnings, *message.odd})
    row.content = hashlib.sha256(message.clinical_content().encode("utf-8", "surrogatepass")).hexdigest()


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
