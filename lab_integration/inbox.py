"""What the inbox shows: a page of what waits, with a fixed number of queries, and the state of the wire."""

import datetime
from dataclasses import dataclass
from itertools import groupby
from uuid import UUID

from django.db.models import Count, Max, Q

from lab_integration import hl7, lis2, words
from lab_integration.models import Analyzer, Listening, ReceivedLine, ReceivedMessage, SentMessage
from mhac.labs.services import WAITING

ROWS = 50
SHOWN = 400  # signs of one field on the message page
DOWN_AFTER = datetime.timedelta(seconds=45)
CONTROL = {code: chr(0x2400 + code) for code in range(32)} | {127: "␡"}


@dataclass(frozen=True)
class Page:
    """Rows, newest last key first; `after` is the key from which the next page begins, or "" on the last one."""

    rows: list
    after: str


def key_of(text):
    """The key in a page's address; None when there is none or it is no key."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def page(rows, after, size=ROWS):
    """The next `size` rows below the key `after`, by descending key."""
    if after is not None:
        rows = rows.filter(pk__lt=after)
    found = list(rows.order_by("-pk")[: size + 1])
    return Page(found[:size], str(found[size - 1].pk) if len(found) > size else "")


def messages(user, state, after):
    """Messages that wait for a person (or, with a state, all in that state), newest first."""
    rows = ReceivedMessage.objects.visible_to(user)
    rows = rows.filter(state=state) if state else rows.waiting()
    waiting = Count("lines", filter=Q(lines__state__in=WAITING))
    return page(rows.defer("body", "reply").select_related("analyzer").annotate(lines_waiting=waiting), after)


def lines(user, after):
    """Lines that wait for a person, newest first."""
    rows = ReceivedLine.objects.visible_to(user).waiting().filter(message__state__in=ReceivedMessage.WAITING)
    return page(rows.select_related("message__analyzer").defer("message__body", "message__reply"), after)


def orders(user, after):
    """What we sent and an analyzer refused or never answered."""
    stuck = [SentMessage.State.REFUSED, SentMessage.State.UNKNOWN, SentMessage.State.WAITING]
    rows = SentMessage.objects.filter(analyzer__clinic__in=user.sites(), state__in=stuck)
    return page(rows.select_related("analyzer").defer("body", "reply").prefetch_related("steps"), after)


def wire(user, now):
    """Whether the wire is up, and which analyzers have been silent for too long."""
    listening = Listening.objects.first()
    analyzers = Analyzer.objects.visible_to(user).active().annotate(last=Max("messages__received_at"))
    silent = [one for one in analyzers if one.is_silent(one.last, now)]
    return {"up": listening is not None and now - listening.beat_at < DOWN_AFTER, "silent": silent}


def counts(user):
    """How much waits: by state of the message, and lines."""
    found = ReceivedMessage.objects.visible_to(user).waiting().values("state").annotate(number=Count("pk"))
    by_state = {row["state"]: row["number"] for row in found}
    waiting = ReceivedLine.objects.visible_to(user).waiting().filter(message__state__in=ReceivedMessage.WAITING)
    return {"messages": sum(by_state.values()), "lines": waiting.count(), "by_state": by_state}


def segments(message):
    """The segments of a stored message for reading: name, fields with their numbers, control signs made visible."""
    try:
        if message.transport == "lis1":
            read = lis2.parse(bytes(message.body)).records
            return [(one.name, _fields(one.fields[1:], 1)) for one in read]
        read = hl7.parse(bytes(message.body)).segments
        return [(one.name, _fields(one.fields[1:], 1)) for one in read]
    except hl7.Unreadable:
        return []


def _fields(fields, first):
    numbered = enumerate(fields, first)
    return [(number, visible(text[:SHOWN]), max(len(text) - SHOWN, 0)) for number, text in numbered if text]


def visible(text):
    """Text in which every control sign is seen, and none acts."""
    return text.translate(CONTROL)


def raw(message):
    """The bytes of a message as text for reading: segment ends as line breaks, control signs visible."""
    text, _codec, _guessed = hl7.decode(bytes(message.body))
    lines_ = text.replace("\r\n", "\r␊\r").split("\r") if "\r" in text else text.split("\n")
    return [visible(line[:SHOWN]) + ("…" if len(line) > SHOWN else "") for line in lines_ if line]


def shown_lines(message):
    """Every line of a message with the words for its state."""
    rows = message.lines.select_related("result").order_by("place")
    found = []
    for line in rows:
        state = line.shown_state
        line.state_word, line.colour = words.line_state(state), words.colour(state, line.waits)
        line.reason_text = words.line_reason(line)
        found.append(line)
    return found


def by_state(lines_):
    """How many lines are in which state, in words: the balance that shows that nothing vanished."""
    ordered = sorted(lines_, key=lambda line: line.shown_state)
    return [
        (words.line_state(state), len(list(group))) for state, group in groupby(ordered, lambda line: line.shown_state)
    ]


def analyzers(user, now):
    """The analyzers of the user's sites with their last message and whether they are silent."""
    rows = Analyzer.objects.visible_to(user).select_related("clinic").annotate(last=Max("messages__received_at"))
    found = list(rows.order_by("clinic__code", "name"))
    for one in found:
        one.silent = one.active and one.is_silent(one.last, now)
    return found
