"""What we send to analyzers: answers with work, orders, cancellations, and what became of every step.

A step is sent under an id that is never used again; when no answer came in time nobody knows whether the analyzer has
it, so it is shown to a person and not sent again by itself.
"""

import datetime
import logging
import socket
from collections import defaultdict
from collections.abc import Iterable

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from lab_integration import mllp, outgoing, queries, tls
from lab_integration.acknowledgement import Reply
from lab_integration.failpoints import fail_point
from lab_integration.hl7 import Message, Unreadable, parse
from lab_integration.models import Analyzer, SentMessage, SentStep
from lab_integration.orders import CANCEL, NEW, SpecimenOrder, Step, fresh
from lab_integration.profile import Profile
from lab_integration.reading import visible
from mhac.labs import services as labs

log = logging.getLogger("lab")
PORT = 2575
DEADLINE = 15.0  # seconds for the answer to an order
MOST_REFUSALS = 3
LOOK_BACK = datetime.timedelta(days=30)
ORDERS = Q(type__startswith="OML") | Q(type="LIS2 order")  # what is sent on our own account, not as an answer
UNSENT = (SentMessage.State.WAITING, SentMessage.State.HELD)
OPEN = (SentStep.State.SENT, SentStep.State.ACCEPTED)
ACCEPTED, DENIED = {"OK", "CR"}, {"UA", "UC"}
DUPLICATE_KEY = "205"  # HL7 table 0357
NOT_REACHED = "%(analyzer)s was not reached: %(error)s."


def has_own_port(analyzer: Analyzer) -> bool:
    """Whether orders go to a port of the analyzer's own, apart from the line on which it speaks to us."""
    return bool(analyzer.outbound_host) and analyzer.link == Analyzer.Link.CALLS


def connect(analyzer: Analyzer, seconds: float) -> socket.socket:
    """A line to an analyzer's own port, over TLS where it must be: its certificate must name it then.

    OSError (ssl.SSLError among them) when it is not reached, tls.Refused when TLS is not set up here.
    """
    line = socket.create_connection((analyzer.outbound_host, analyzer.outbound_port or PORT), timeout=seconds)
    if not analyzer.must_use_tls:
        return line
    try:
        context = tls.calling(settings.WIRE_CERTIFICATE, settings.WIRE_KEY, settings.WIRE_CA)
        return context.wrap_socket(line, server_hostname=analyzer.certificate_name or analyzer.outbound_host)
    except BaseException:
        line.close()
        raise


def work_asked_for(
    analyzer: Analyzer, profile: Profile, ask: queries.Ask, now: datetime.datetime
) -> list[SpecimenOrder]:
    """What there is to do for the specimens of a query (or for all of this site), in this analyzer's codes."""
    if analyzer.listening:
        return []
    if ask.everything:
        pairs = [(work.accession, work) for work in labs.work_for(clinic=analyzer.clinic)]
    else:
        pairs = [(asked, work) for asked in map(visible, ask.specimens) for work in labs.work_for(ids=[asked])]
    orders = [_order(specimen_id, work, profile, now) for specimen_id, work in pairs]
    return [order for order in orders if order.steps]


def _order(specimen_id: str, work: labs.Work, profile: Profile, now: datetime.datetime) -> SpecimenOrder:
    steps = [Step(code, fresh(now, "S"), work.priority) for code in profile.order_codes(list(work.tests))]
    return SpecimenOrder(specimen_id, steps=tuple(steps), patient=outgoing.person_of(work, profile))


def keep_answers(analyzer: Analyzer, replies: Iterable[Reply], now: datetime.datetime) -> None:
    """Keep what an answer asks the analyzer to do, step by step; what goes to its own port waits to be sent there."""
    for reply in replies:
        order = reply.type.startswith("OML")
        waits = order and has_own_port(analyzer)
        specimens = (reply.answer or {}).get("specimens", [])
        asked = [one for one in specimens if one["steps"]]
        if reply.body is None or not (asked or (waits and specimens)):
            continue
        # An order message has its own number; other answers carry the query's.
        sent = SentMessage.objects.create(
            analyzer=analyzer,
            control_id=reply.msa2 if order else fresh(now),
            type=reply.type,
            accession=specimens[0]["specimen_id"][:20],
            body=reply.body,
            state=SentMessage.State.WAITING if waits else SentMessage.State.SENT,
            sent_at=None if waits else now,
        )
        for one in asked:
            _keep_steps(sent, one["specimen_id"], one["steps"])


def _keep_steps(sent: SentMessage, specimen_id: str, steps: list[dict[str, str]]) -> None:
    for step in steps:
        SentStep.objects.create(
            message=sent, step_id=step["step_id"], accession=specimen_id[:20], code=step["code"][:200]
        )


# -- orders and cancellations -----------------------------------------------------------------------------------------


def takers() -> Iterable[Analyzer]:
    """Active analyzers to which orders are sent unasked, by name. LIS1 orders need a line that we opened."""
    found = Analyzer.objects.active().filter(takes_orders=True, listening=False).exclude(outbound_host="")
    found = found.exclude(dialect=Analyzer.Dialect.ASTM, link=Analyzer.Link.CALLS)
    return found.select_related("clinic").order_by("name")


def prepare_orders(now: datetime.datetime) -> int:
    """Make an order message for every specimen whose tests no analyzer was asked for yet; how many were made, or
    could be written at last.

    A test goes to one analyzer only, the first by name that maps it: what is never sent twice need not be cancelled.
    """
    made = outgoing.try_held(now)
    taken: set[tuple[object, str]] = set()
    for analyzer in takers():
        profile = analyzer.settings
        mine = {entry.test for entry in profile.code_map if not entry.settled}
        free = {test for test in mine if (analyzer.clinic_id, test) not in taken}
        taken |= {(analyzer.clinic_id, test) for test in mine}
        for work in labs.work_for(clinic=analyzer.clinic):
            made += _prepare(analyzer, profile, work, free, now)
    return made


def _prepare(analyzer: Analyzer, profile: Profile, work: labs.Work, tests: set[str], now: datetime.datetime) -> int:
    codes = profile.order_codes([test for test in work.tests if test in tests])
    asked = SentStep.objects.filter(accession=work.accession).exclude(state=SentStep.State.CANCELLED)
    asked = set(asked.values_list("code", flat=True))
    steps = tuple(Step(code, fresh(now, "S"), work.priority) for code in codes if code not in asked)
    if not steps:
        return 0
    order = SpecimenOrder(work.accession, steps=steps, patient=outgoing.person_of(work, profile))
    with transaction.atomic():
        sent = outgoing.make(analyzer, order, now)
        _keep_steps(sent, work.accession, [step.record() for step in steps])
    return 1


def prepare_cancellations(now: datetime.datetime) -> int:
    """Ask analyzers to leave steps undone that are no longer ordered, or that another analyzer was given since;
    how many messages were made. What was not sent yet is not sent at all when nothing of it is wanted."""
    analyzers = {one.pk: one for one in takers()}
    steps = SentStep.objects.filter(state__in=OPEN, message__made_at__gt=now - LOOK_BACK)
    steps = steps.filter(message__analyzer__in=analyzers).select_related("message")
    by_specimen: defaultdict[tuple[object, str], list[SentStep]] = defaultdict(list)
    for step in steps.order_by("id"):
        by_specimen[step.message.analyzer_id, step.accession].append(step)
    ordered = labs.ordered({accession for _analyzer, accession in by_specimen}) if by_specimen else {}
    made = 0
    for (key, accession), mine in by_specimen.items():
        analyzer = analyzers[key]
        wanted = ordered.get(accession, frozenset())
        unwanted = [one for one in mine if not _tests_of(analyzer, one.code) & wanted or _given_away(analyzer, one)]
        if unwanted:
            made += _cancel(analyzer, accession, unwanted, now)
    return made


def _tests_of(analyzer: Analyzer, code: str) -> set[str]:
    entries = [entry for entry in analyzer.settings.code_map if (entry.order_code or entry.code) == code]
    return {test for entry in entries for test in (entry.test, *entry.test_by_tube.values())}


def _given_away(analyzer: Analyzer, step: SentStep) -> bool:
    """Whether another analyzer, before which the tube stood later, was given the same test (LAW-001)."""
    later = SentStep.objects.filter(accession=step.accession, pk__gt=step.pk, state__in=OPEN)
    later = later.exclude(message__analyzer=analyzer).select_related("message__analyzer__clinic")
    return any(_tests_of(analyzer, step.code) & _tests_of(one.message.analyzer, one.code) for one in later)


@transaction.atomic
def _cancel(analyzer: Analyzer, accession: str, steps: list[SentStep], now: datetime.datetime) -> int:
    locked = SentMessage.objects.select_for_update().in_bulk({step.message_id for step in steps})
    made = 0
    gone = [step for step in steps if locked[step.message_id].state not in UNSENT]
    for message in locked.values():
        mine = [step for step in steps if step.message_id == message.pk]
        if message.state in UNSENT and len(mine) == message.steps.count():
            message.state, message.reason = SentMessage.State.ANSWERED, "Cancelled before it was sent."
            message.save(update_fields=["state", "reason"])
            _set(mine, SentStep.State.CANCELLED, message.reason)
            made += 1
    if gone:
        asked = tuple(Step(step.code, step.step_id) for step in gone)
        sent = outgoing.make(analyzer, SpecimenOrder(accession, CANCEL, asked), now)
        for step in gone:
            step.cancelled_in = sent
        _set(gone, SentStep.State.CANCEL_ASKED)
        made += 1
    return made


def _set(steps: Iterable[SentStep], state: str, reason: str = "") -> None:
    for step in steps:
        step.state, step.reason = state, reason
        step.save()


@transaction.atomic
def send_again(sent: SentMessage, now: datetime.datetime) -> SentMessage | None:
    """Order anew, under new ids, what is still wanted of a message that was refused or never answered; None when
    nothing of it is, or when it was answered after all. An id that was used is refused as a duplicate (LAB28-006).
    One that could not be written is written anew; it comes back HELD when that fails once more."""
    sent = SentMessage.objects.select_for_update(of=("self",)).select_related("analyzer__clinic").get(pk=sent.pk)
    if sent.state == SentMessage.State.HELD:
        return outgoing.write_again(sent.pk, now) or SentMessage.objects.get(pk=sent.pk)
    if not sent.may_be_sent_again:
        return None
    analyzer, profile = sent.analyzer, sent.analyzer.settings
    old = [step for step in sent.steps.all() if step.state in (*OPEN, SentStep.State.REFUSED)]
    work = next(iter(labs.work_for(ids=[sent.accession])), None) if old else None
    wanted = set(profile.order_codes(list(work.tests))) if work else set()
    steps = tuple(Step(one.code, fresh(now, "S"), work.priority) for one in old if work and one.code in wanted)
    again = None
    if work and steps:
        order = SpecimenOrder(sent.accession, NEW, steps, outgoing.person_of(work, profile))
        again = outgoing.make(analyzer, order, now)
        _keep_steps(again, sent.accession, [step.record() for step in steps])
    sent.state = SentMessage.State.ANSWERED
    sent.reason = f"Sent again as {again.control_id}." if again else "Nothing of it is wanted any more."
    sent.save(update_fields=["state", "reason"])
    _set(old, SentStep.State.REFUSED, sent.reason)
    return again


# -- on their way -----------------------------------------------------------------------------------------------------


def send_waiting(now: datetime.datetime) -> int:
    """Send the orders that are due, each over a connection of its own; how many were tried.

    Orders over a line that we keep open are sent by whoever holds it (`conversation`).
    """
    tried = 0
    while sent := claim(now):
        _deliver(sent, now)
        tried += 1
    overdue = SentMessage.objects.filter(ORDERS, state=SentMessage.State.SENT)
    late = overdue.filter(sent_at__lt=now - datetime.timedelta(seconds=4 * DEADLINE))
    late.update(
        state=SentMessage.State.UNKNOWN, reason="No answer came. Look at the analyzer before you send it again."
    )
    return tried


def claim(now: datetime.datetime, analyzer: Analyzer | None = None) -> SentMessage | None:
    """The next message that is due, for an analyzer's own port or for the line to this `analyzer`; marked as sent."""
    with transaction.atomic():
        due = SentMessage.objects.select_for_update(skip_locked=True, of=("self",)).select_related("analyzer")
        due = due.filter(state=SentMessage.State.WAITING).exclude(next_try_at__gt=now)
        mine = {"analyzer": analyzer} if analyzer else {"analyzer__link": Analyzer.Link.CALLS}
        sent = due.filter(**mine).order_by("pk").first()
        if sent is not None:
            # Marked before it is written: after a kill in between it is unknown, not sent twice.
            sent.state, sent.sent_at, sent.attempts = SentMessage.State.SENT, now, sent.attempts + 1
            sent.save(update_fields=["state", "sent_at", "attempts"])
        return sent


def put_back(sent: SentMessage, now: datetime.datetime, why: str = "") -> None:
    """What surely did not reach the analyzer waits for another try."""
    sent.state, sent.next_try_at = SentMessage.State.WAITING, now + outgoing.until_next_try(sent.attempts)
    sent.reason = NOT_REACHED % {"analyzer": sent.analyzer, "error": why or "the line was lost"}
    sent.save(update_fields=["state", "reason", "next_try_at"])


def _deliver(sent: SentMessage, now: datetime.datetime) -> None:
    try:
        line = connect(sent.analyzer, DEADLINE)
    except (OSError, tls.Refused) as error:
        put_back(sent, now, str(getattr(error, "strerror", None) or error))
        return
    fail_point("before_sent")
    try:
        with line:
            answer = exchange(line, bytes(sent.body), sent.control_id)
    except (OSError, mllp.FramingError) as error:
        sent.state, sent.reason = SentMessage.State.UNKNOWN, f"Sent, but no answer came: {error}."
        sent.save(update_fields=["state", "reason"])
        return
    fail_point("after_sent")
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
            if isinstance(found, mllp.Frame) and (answer := answer_to(found.body, number)):
                return answer


def answer_to(body: bytes, number: str) -> Message | None:
    """The message in `body` if it is the answer to the one that we numbered `number`."""
    try:
        message = parse(body)
    except Unreadable:
        return None
    said = message.first("MSA")
    # CA only says that the bytes arrived; the answer about the steps comes after it.
    return message if said and said.part(2) == number and said.part(1).upper() != "CA" else None


# -- what is answered -------------------------------------------------------------------------------------------------


def take_answer(message: Message, now: datetime.datetime) -> SentMessage | None:
    """Record what an analyzer says to our order (ORL^O34, or a bare acknowledgement), step by step."""
    said = message.first("MSA")
    if said is None or said.part(1).upper() == "CA":
        return None
    with transaction.atomic():
        found = SentMessage.objects.select_for_update(of=("self",)).select_related("analyzer__clinic")
        sent = found.filter(control_id=visible(said.part(2))).first()
        if sent is None or sent.state in (SentMessage.State.ANSWERED, SentMessage.State.REFUSED):
            return sent
        errors = list(message.named("ERR"))
        fault = next((f"{error.part(3)} {error.part(8)}".strip() for error in errors), "")
        code, duplicate = said.part(1).upper(), any(error.part(3) == DUPLICATE_KEY for error in errors)
        sent.reason, sent.answered_at = visible(fault or said.part(3)), now
        sent.reply = "\r".join(segment.marks.field.join(segment.fields) for segment in message.segments).encode()
        if code in {"AE", "CE"} and not duplicate and sent.attempts < MOST_REFUSALS:
            _try_anew(sent, now)
            return sent
        sent.state = SentMessage.State.ANSWERED if code in {"AA", ""} else SentMessage.State.REFUSED
        sent.save()
        words = _words(message)
        usual = "OK" if sent.state == SentMessage.State.ANSWERED else "UA"
        for step in sent.steps.all():
            _take_step(step, words.get(step.step_id, usual), sent.reason, duplicate)
        for step in sent.cancelled_steps.filter(state=SentStep.State.CANCEL_ASKED):
            _take_cancellation(step, words.get(step.step_id, usual), sent.reason)
        return sent


def _try_anew(sent: SentMessage, now: datetime.datetime) -> None:
    """The analyzer could not take it just now: later, and under new ids, since the old ones were used (LAB28-006)."""
    body = bytes(sent.body)
    for step in sent.steps.all():
        old, step.step_id = step.step_id, fresh(now, "S")
        step.save()
        body = body.replace(old.encode(), step.step_id.encode())
    old, sent.control_id = sent.control_id, fresh(now)
    sent.body = body.replace(old.encode(), sent.control_id.encode())
    sent.state, sent.next_try_at = SentMessage.State.WAITING, now + outgoing.until_next_try(2)
    sent.save()


def _words(message: Message) -> dict[str, str]:
    """What ORC-1 says of each step (OK, UA, CR or UC); the id stands in ORC-2, or in the OBR-2 that follows."""
    said: dict[str, str] = {}
    control = ""
    for segment in message.segments:
        if segment.name == "ORC":
            control = segment.part(1).upper()
            if segment.part(2):
                said[segment.part(2)] = control
        elif segment.name == "OBR" and control:
            said.setdefault(segment.part(2), control)
    return said


def _take_step(step: SentStep, word: str, reason: str, duplicate: bool) -> None:
    """Without a word for the step, MSA-1 counts for all of them."""
    if step.state not in OPEN:
        return
    if word in ACCEPTED:
        _set([step], SentStep.State.CANCELLED if word == "CR" else SentStep.State.ACCEPTED)
    elif word in DENIED and duplicate:
        text = "The analyzer knew this number: the sample is not at fault. Send it again if no result comes."
        _set([step], SentStep.State.REFUSED, text)
    elif word in DENIED:
        _set([step], SentStep.State.REFUSED, reason or visible(word))


def _take_cancellation(step: SentStep, word: str, reason: str) -> None:
    if word in ACCEPTED:
        _set([step], SentStep.State.CANCELLED)
    elif word in DENIED:
        _set([step], SentStep.State.ACCEPTED, f"It could not be cancelled. {reason}".strip())


def take_line_answer(sent: SentMessage, now: datetime.datetime) -> None:
    """LIS2 knows no answer to an order: that every frame was acknowledged has to do."""
    with transaction.atomic():
        sent.state, sent.answered_at, sent.reason = SentMessage.State.ANSWERED, now, ""
        sent.save(update_fields=["state", "answered_at", "reason"])
        _set(sent.steps.filter(state=SentStep.State.SENT), SentStep.State.ACCEPTED)
        _set(sent.cancelled_steps.filter(state=SentStep.State.CANCEL_ASKED), SentStep.State.CANCELLED)


def mark_done(outcomes: Iterable[labs.Outcome], profile: Profile) -> None:
    """Steps whose result was filed are done."""
    filed: dict[str, set[str]] = {}
    for one in outcomes:
        if one.state == "FILED" and one.reading:
            filed.setdefault(one.accession, set()).add(one.reading.test)
    for step in SentStep.objects.filter(accession__in=list(filed)).exclude(state=SentStep.State.DONE).order_by("pk"):
        if step.code in profile.order_codes(sorted(filed[step.accession])):
            step.state = SentStep.State.DONE
            step.save(update_fields=["state"])
