"""What the inbox lists: what waits, by reason, analyzer, site and age, in a fixed number of queries; and the wire."""

import datetime
from dataclasses import dataclass, fields, replace
from urllib.parse import urlencode
from uuid import UUID

from django.db.models import Count
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from lab_integration import shown, words
from lab_integration.alarms import Alarm
from lab_integration.models import (
    WAITING_LINES,
    Analyzer,
    Listening,
    Proposal,
    ReceivedLine,
    ReceivedMessage,
    SentMessage,
)

ROWS = 50
DOWN_AFTER = datetime.timedelta(seconds=45)
TABS = ("messages", "lines", "proposals", "orders", "dismissed", "dismissed_lines")
AGES = {"1": _("for an hour"), "24": _("for a day"), "168": _("for a week"), "720": _("for a month")}
# What each list can be narrowed by as its reason.
REASONS = {
    "messages": ReceivedMessage.State.choices,
    "lines": [(state, words.LINE_STATES[state]) for state in WAITING_LINES],
    "orders": [("ALL", _("everything that was sent")), *SentMessage.State.choices],
}


@dataclass(frozen=True)
class Page:
    """Rows in their order; `after` is the key from which the next page begins, or "" on the last one."""

    rows: list
    after: str


@dataclass(frozen=True)
class Choice:
    """Which list, narrowed how, from where on; as it stands in the address of the page. Nonsense counts as nothing."""

    tab: str = "messages"
    state: str = ""
    analyzer: str = ""
    site: str = ""
    older: str = ""
    order: str = ""
    after: str = ""

    @classmethod
    def of(cls, query):
        """Read from a query or a form."""
        given = {field.name: query.get(field.name, "") for field in fields(cls)}
        given["tab"] = given["tab"] if given["tab"] in TABS else "messages"
        states = {value for value, _label in REASONS.get(given["tab"], ())}
        given["state"] = given["state"] if given["state"] in states else ""
        given["older"] = given["older"] if given["older"] in AGES else ""
        given["order"] = "oldest" if given["order"] == "oldest" else ""
        for name in ("analyzer", "site", "after"):
            given[name] = str(key_of(given[name]) or "")
        return cls(**given)

    @property
    def address(self):
        """Its query, without what stands at its usual value; the page begins at its first row."""
        return urlencode({k: v for k, v in self.__dict__.items() if v and k != "after"})

    def next(self, after):
        return replace(self, after="").address + "&" + urlencode({"after": after})

    @property
    def reasons(self):
        return REASONS.get(self.tab, ())

    @property
    def narrowed(self):
        return bool(self.state or self.analyzer or self.site or self.older)


def key_of(text):
    """The key in a page's address; None when there is none or it is no key."""
    try:
        return UUID(text) if text else None
    except ValueError:
        return None


def page(rows, choice, size=ROWS):
    """The next `size` rows beyond the key of `choice`, by key, which grows with time."""
    oldest, after = choice.order == "oldest", key_of(choice.after)
    if after is not None:
        rows = rows.filter(**{"pk__gt" if oldest else "pk__lt": after})
    found = list(rows.order_by("pk" if oldest else "-pk")[: size + 1])
    return Page(found[:size], str(found[size - 1].pk) if len(found) > size else "")


def list_of(user, choice, now=None):
    """The page of `choice`, each row ready to be shown; `.may_open` where this user may see its bytes."""
    now = now or timezone.now()
    show = {"messages": _messages, "lines": _lines, "proposals": _proposals, "orders": _orders}
    show |= {"dismissed": _dismissed, "dismissed_lines": _dismissed_lines}
    found = show[choice.tab](user, choice, now)
    opened = set(user.sites("lab_integration.view_payload").values_list("pk", flat=True))
    for row in found.rows:
        row.may_open = _site_of(row) in opened
    return found


def _site_of(row):
    if isinstance(row, SentMessage):
        return row.analyzer.clinic_id
    if isinstance(row, Proposal):
        row = row.line
    return row.message.clinic_id if isinstance(row, ReceivedLine) else row.clinic_id


def _narrow(rows, choice, now, path=""):
    """Rows by analyzer, site and age of their message, which stands at `path`."""
    if choice.analyzer:
        rows = rows.filter(**{f"{path}analyzer": choice.analyzer})
    if choice.site:
        rows = rows.filter(**{f"{path}clinic": choice.site})
    if choice.older:
        rows = rows.filter(**{f"{path}received_at__lt": now - datetime.timedelta(hours=int(choice.older))})
    return rows


def messages(user, choice, now):
    """Messages that wait for a person, or with a reason all in that state."""
    rows = ReceivedMessage.objects.visible_to(user)
    rows = rows.filter(state=choice.state) if choice.state else rows.waiting()
    return _narrow(rows, choice, now)


def lines(user, choice, now):
    """Rows that wait for a person, or those with one reason."""
    rows = ReceivedLine.objects.visible_to(user).waiting().filter(message__state__in=ReceivedMessage.WAITING)
    rows = rows.filter(state=choice.state) if choice.state else rows
    return _narrow(rows, choice, now, "message__")


def chosen(user, choice, until, now=None):
    """The rows of one reason up to the key that the page showed as its newest; none where no reason is chosen."""
    now, listed = now or timezone.now(), {"messages": messages, "lines": lines}.get(choice.tab)
    if listed is None or not choice.state or key_of(until) is None:
        return ReceivedMessage.objects.none()
    return listed(user, choice, now).filter(pk__lte=key_of(until))


def bulk(user, choice, now=None):
    """How many wait for the chosen reason, and the newest key among them; None without a reason that waits."""
    now = now or timezone.now()
    if choice.tab not in ("messages", "lines") or choice.state not in (*ReceivedMessage.WAITING, *WAITING_LINES):
        return None
    rows = {"messages": messages, "lines": lines}[choice.tab](user, choice, now)
    newest = rows.order_by("-pk").values_list("pk", flat=True).first()
    return {"number": rows.count(), "until": newest} if newest else None


def _messages(user, choice, now):
    found = page(messages(user, choice, now).defer("body", "reply").select_related("analyzer", "clinic"), choice)
    waiting = ReceivedLine.objects.filter(message__in=found.rows).waiting().values("message").order_by("message")
    numbers = {row["message"]: row["number"] for row in waiting.annotate(number=Count("pk"))}
    for row in found.rows:
        row.lines_waiting = numbers.get(row.pk, 0)
        row.control_shown, row.colour = shown.visible(row.control_id), words.colour(row.state, waits=True)
        row.type_shown, row.sentence = shown.visible(row.type), words.message_reason(row)
    return found


def _lines(user, choice, now):
    rows = lines(user, choice, now).select_related("message__analyzer", "message__clinic", "result")
    found = page(rows.defer("message__body", "message__reply"), choice)
    strange = [line for line in found.rows if line.state == shown.UNMATCHED]
    read = shown.with_bytes({line.message_id for line in strange}) if strange else []
    likely = shown.suggest(read, strange, now)
    for line in found.rows:
        shown.dressed(line)
        line.likely = next(iter(likely.get((line.message_id, line.specimen_id), [])), None)
    return found


def _proposals(user, choice, now):
    rows = _narrow(Proposal.objects.visible_to(user).waiting(), choice, now, "line__message__")
    rows = rows.select_related("line__message__analyzer", "line__message__clinic", "proposed_by")
    found = page(rows.defer("line__message__body", "line__message__reply"), choice)
    for row in found.rows:
        shown.dressed(row.line)
    return found


def _orders(user, choice, now):
    rows = SentMessage.objects.visible_to(user)
    if choice.state != "ALL":
        rows = rows.filter(state=choice.state) if choice.state else rows.stuck()
    if choice.analyzer:
        rows = rows.filter(analyzer=choice.analyzer)
    if choice.site:
        rows = rows.filter(analyzer__clinic=choice.site)
    if choice.older:
        rows = rows.filter(made_at__lt=now - datetime.timedelta(hours=int(choice.older)))
    rows = rows.select_related("analyzer__clinic").defer("body", "reply").prefetch_related("steps")
    found = page(rows, choice)
    for row in found.rows:
        row.reason_shown = shown.visible(row.reason)
    return found


def _dismissed(user, choice, now):
    rows = ReceivedMessage.objects.visible_to(user).filter(state=ReceivedMessage.State.DISMISSED)
    rows = _narrow(rows, choice, now).select_related("analyzer", "clinic", "dismissed_by").defer("body", "reply")
    found = page(rows, choice)
    for row in found.rows:
        row.control_shown, row.type_shown = shown.visible(row.control_id), shown.visible(row.type)
    return found


def _dismissed_lines(user, choice, now):
    rows = ReceivedLine.objects.visible_to(user).filter(state="DISMISSED")
    rows = _narrow(rows, choice, now, "message__").select_related(
        "message__analyzer", "message__clinic", "dismissed_by", "result"
    )
    found = page(rows.defer("message__body", "message__reply"), choice)
    for row in found.rows:
        shown.dressed(row)
        row.was = words.line_state(row.dismissed_from)
    return found


def counts(user):
    """How much waits: messages and rows (each also by state), proposals, orders that are stuck."""
    found = ReceivedMessage.objects.visible_to(user).waiting().values("state").annotate(number=Count("pk"))
    by_state = {row["state"]: row["number"] for row in found.order_by("state")}
    waiting = ReceivedLine.objects.visible_to(user).waiting().filter(message__state__in=ReceivedMessage.WAITING)
    rows = waiting.values("state").annotate(number=Count("pk")).order_by("state")
    by_line = {row["state"]: row["number"] for row in rows}
    return {
        "messages": sum(by_state.values()),
        "lines": sum(by_line.values()),
        "by_state": by_state | by_line,
        "proposals": Proposal.objects.visible_to(user).waiting().count(),
        "orders": SentMessage.objects.visible_to(user).stuck().count(),
    }


def choices(user):
    """What the list can be narrowed by: the analyzers and the sites of this user."""
    sites = user.sites().order_by("code")
    analyzers_ = Analyzer.objects.visible_to(user).order_by("name").only("name", "clinic")
    return {"analyzers": [(str(one.pk), one.name) for one in analyzers_], "sites": [(str(o.pk), o.name) for o in sites]}


def wire(user, now):
    """Whether the wire is up, and the alarms that stand."""
    listening = Listening.objects.first()
    alarms = Alarm.objects.visible_to(user).standing().exclude(kind=Alarm.Kind.WIRE)
    alarms = alarms.select_related("analyzer", "acknowledged_by")
    return {"up": listening is not None and now - listening.beat_at < DOWN_AFTER, "alarms": list(alarms)}
