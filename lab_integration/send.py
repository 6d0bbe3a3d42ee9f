"""What we send to analyzers: answers with work, orders over a connection of our own, and what became of every step.

A step is sent under an id that is never used again; when no answer came in time nobody knows whether the analyzer has
it, so it is shown to a person and not sent again by itself.
"""

import datetime
import logging
import socket
from collections.abc import Iterable

from django.db import transaction

from lab_integration import mllp, queries
from lab_integration.acknowledgement import Reply
from lab_integration.hl7 import Message, Unreadable, parse
from lab_integration.models import Analyzer, SentMessage, SentStep
from lab_integration.orders import SpecimenOrder, Step, fresh, oml_o33
from lab_integration.profile import Profile
from lab_integration.reading import visible
from mhac.labs import services as labs

log = logging.getLogger("lab")
DEADLINE = 15.0  # seconds for the answer to an order
AGAIN = (5, 15, 60, 300)  # seconds until the next try when the analyzer is not reached; the last one for ever
MOST_REFUSALS = 3
STANDING = (SentStep.State.SENT, SentStep.State.ACCEPTED, SentStep.State.DONE)
ACCEPTED, DENIED = {"OK", "CR"}, {"UA", "UC"}


def work_asked_for(
    analyzer: Analyzer, profile: Profile, ask: queries.Ask, now: datetime.datetime
) -> list[SpecimenOrder]:
    """What there is to do for the specimens of a query (or for all of this site), in this analyzer's codes."""
    if ask.everything:
        pairs = [(work.accession, work) for work in labs.work_for(clinic=analyzer.clinic)]
    else:
        pairs = [(asked, work) for asked in map(visible, ask.specimens) for work in labs.work_for(ids=[asked])]
    orders = [_order(specimen_id, work, profile, now) for specimen_id, work in pairs]
    return [order for order in orders if order.steps]


def _order(specimen_id: str, work: labs.Work, profile: Profile, now: datetime.datetime) -> SpecimenOrder:
    steps = [Step(code, fresh(now, "S"), work.priority) for code in profile.order_codes(list(work.tests))]
    person = {}
    if profile.send_patient:
        born = work.person.birth_date
        person = {"sex": work.person.sex or None, "birth_date": born.isoformat() if born else None}
        person = person if any(person.values()) else {}
    return SpecimenOrder(specimen_id, steps=tuple(steps), patient=person)


def keep_answers(analyzer: Analyzer, replies: Iterable[Reply], now: datetime.datetime) -> None:
    """Keep what an answer asks the analyzer to do, step by step."""
    for reply in replies:
        asked = [one for one in (reply.answer or {}).get("specimens", []) if one["steps"]]
        if not asked or reply.body is None:
            continue
        # An order message has its own number; other answers carry the query's.
        number = reply.msa2 if reply.type.startswith("OML") else fresh(now)
        waiting = reply.type.startswith("OML") and bool(analyzer.outbound_host)
        sent = SentMessage.objects.create(
            analyzer=analyzer,
            control_id=number,
            type=reply.type,
            accession=asked[0]["specimen_id"][:20],
            body=reply.body,
            state=SentMessage.State.WAITING if waiting else SentMessage.State.SENT,
            sent_at=None if waiting else now,
        )
        for one in asked:
            _keep_steps(sent, one["specimen_id"], one["steps"])


def _keep_steps(sent: SentMessage, specimen_id: str, steps: list[dict[str, str]]) -> None:
    for step in steps:
        SentStep.objects.create(
            message=sent, step_id=step["step_id"], accession=specimen_id[:20], code=step["code"][:200]
        )


def prepare_orders(now: datetime.datetime) -> int:
    """Make an order message for every specimen whose tests no analyzer was asked for yet; how many were made.

    A test goes to one analyzer only, the first by name that maps it: what is never sent twice need not be cancelled.
    """
    made = 0
    taken: set[tuple[object, str]] = set()
    for analyzer in Analyzer.objects.active().exclude(outbound_host="").select_related("clinic").order_by("name"):
        profile = analyzer.settings
        mine = {entry.test for entry in profile.code_map if not entry.settled}
        free = {test for test in mine if (analyzer.clinic_id, test) not in taken}
        taken |= {(analyzer.clinic_id, test) for test in mine}
        for work in labs.work_for(clinic=analyzer.clinic):
            made += _prepare(analyzer, profile, work, free, now)
    return made


def _prepare(analyzer: Analyzer, profile: Profile, work: labs.Work, tests: set[str], now: datetime.datetime) -> int:
    codes = profile.order_codes([test for test in work.tests if test in tests])
    asked = set(SentStep.objects.filter(accession=work.accession).values_list("code", flat=True))
    steps = tuple(Step(code, fresh(now, "S"), work.priority) for code in codes if code not in asked)
    if not steps:
        return 0
    order = SpecimenOrder(work.accession, steps=steps, patient=_order(work.accession, work, profile, now).patient)
    number = fresh(now)
    body = oml_o33([order], number=number, now=now, receiver=analyzer.name)
    with transaction.atomic():
        sent = SentMessage.objects.create(
            analyzer=analyzer, control_id=number, type="OML^O33^OML_O33", accession=work.accession, body=body
        )
        _keep_steps(sent, work.accession, [step.record() for step in steps])
    return 1


def send_waiting(now: datetime.datetime) -> int:
    """Send the orders that are due, each over a connection of its own; how many were tried."""
    tried = 0
    while sent := _claim(now):
        _deliver(sent, now)
        tried += 1
    overdue = SentMessage.objects.filter(state=SentMessage.State.SENT, type__startswith="OML")
    late = overdue.filter(sent_at__lt=now - datetime.timedelta(seconds=4 * DEADLINE))
    late.update(
        state=SentMessage.State.UNKNOWN, reason="No answer came. Look at the analyzer before you send it again."
    )
    return tried


def _claim(now: datetime.datetime) -> SentMessage | None:
    with transaction.atomic():
        due = SentMessage.objects.select_for_update(skip_locked=True, of=("self",)).select_related("analyzer")
        due = due.filter(state=SentMessage.State.WAITING).exclude(next_try_at__gt=now)
        sent = due.order_by("pk").first()
        if sent is not None:
            # Marked before it is written: after a kill in between it is unknown, not sent twice.
            sent.state, sent.sent_at, sent.attempts = SentMessage.State.SENT, now, sent.attempts + 1
            sent.save(update_fields=["state", "sent_at", "attempts"])
        return sent


def _deliver(sent: SentMessage, now: datetime.datetime) -> None:
    analyzer = sent.analyzer
    try:
        line = socket.create_connection((analyzer.outbound_host, analyzer.outbound_port or 2575), timeout=DEADLINE)
    except OSError as error:
        wait = AGAIN[min(sent.attempts, len(AGAIN)) - 1]
        sent.state, sent.reason = SentMessage.State.WAITING, f"{analyzer} was not reached: {error.strerror or error}."
        sent.next_try_at = now + datetime.timedelta(seconds=wait)
        sent.save(update_fields=["state", "reason", "next_try_at"])
        return
    try:
        with line:
            answer = exchange(line, bytes(sent.body), sent.control_id)
    except (OSError, mllp.FramingError) as error:
        sent.state, sent.reason = SentMessage.State.UNKNOWN, f"Sent, but no answer came: {error}."
        sent.save(update_fields=["state", "reason"])
        return
    take_answer(answer, now)


def exchange(line: socket.socket, body: bytes, number: str) -> Message:
    """Write one message and wait for its answer; what answers another message is passed over. OSError in time."""
    line.settimeout(DEADLINE)
    line.sendall(mllp.frame(body))
    deframer = mllp.Deframer()
    while True:
        data = line.recv(65536)
        if not data:
            raise ConnectionError("the analyzer closed the connection")
        for found in deframer.feed(data):
            if isinstance(found, mllp.Frame) and (answer := _answer_to(found.body, number)):
                return answer


def _answer_to(body: bytes, number: str) -> Message | None:
    try:
        message = parse(body)
    except Unreadable:
        return None
    said = message.first("MSA")
    # CA only says that the bytes arrived; the answer about the steps comes after it.
    return message if said and said.part(2) == number and said.part(1).upper() != "CA" else None


def take_answer(message: Message, now: datetime.datetime) -> SentMessage | None:
    """Record what an analyzer says to our order (ORL^O34, or a bare acknowledgement), step by step."""
    said = message.first("MSA")
    if said is None:
        return None
    with transaction.atomic():
        sent = SentMessage.objects.select_for_update().filter(control_id=visible(said.part(2))).first()
        if sent is None or sent.state in (SentMessage.State.ANSWERED, SentMessage.State.REFUSED):
            return sent
        code = said.part(1).upper()
        fault = next((f"{error.part(3)} {error.part(8)}".strip() for error in message.named("ERR")), "")
        refused, again = code in {"AR", "CR"}, code in {"AE", "CE"}
        if again and sent.attempts < MOST_REFUSALS:
            sent.state, sent.next_try_at = SentMessage.State.WAITING, now + datetime.timedelta(seconds=AGAIN[1])
        else:
            sent.state = SentMessage.State.REFUSED if refused or again else SentMessage.State.ANSWERED
        sent.reason, sent.answered_at = visible(fault or said.part(3)), now
        sent.reply = "\r".join(segment.marks.field.join(segment.fields) for segment in message.segments).encode()
        sent.save()
        _take_steps(sent, message)
        return sent


def _take_steps(sent: SentMessage, message: Message) -> None:
    """ORC-1 says OK, UA, CR or UC of each step; without it MSA-1 counts for all of them."""
    if sent.state == SentMessage.State.WAITING:
        return
    said = {}
    control = ""
    for segment in message.segments:
        if segment.name == "ORC":
            control = segment.part(1).upper()
            if segment.part(2):
                said[segment.part(2)] = control
        elif segment.name == "OBR" and control:
            said.setdefault(segment.part(2), control)
    usual = "OK" if sent.state == SentMessage.State.ANSWERED else "UA"
    for step in sent.steps.all():
        word = said.get(step.step_id, usual)
        if word in ACCEPTED:
            step.state = SentStep.State.CANCELLED if word == "CR" else SentStep.State.ACCEPTED
        elif word in DENIED:
            step.state, step.reason = SentStep.State.REFUSED, sent.reason or visible(word)
        step.save()


def mark_done(outcomes: Iterable[labs.Outcome], profile: Profile) -> None:
    """Steps whose result was filed are done."""
    filed = {(one.accession, one.reading.test) for one in outcomes if one.state == "FILED" and one.reading}
    for accession, test in filed:
        codes = profile.order_codes([test])
        open_ = SentStep.objects.filter(accession=accession, code__in=codes).exclude(state=SentStep.State.DONE)
        for step in open_:
            step.state = SentStep.State.DONE
            step.save(update_fields=["state"])
