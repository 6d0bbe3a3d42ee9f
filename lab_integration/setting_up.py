"""Setting up an analyzer: who speaks and is not known, a connection made or changed, and what its page shows."""

import datetime
from dataclasses import dataclass
from typing import Any

from django.db import transaction
from django.db.models import Count, Max, OuterRef, Q, Subquery
from django.utils.translation import gettext as _

from lab_integration import activation, drafts, families, hearing, hl7, lis2
from lab_integration.alarms import Alarm
from lab_integration.drafts import Refused
from lab_integration.models import Analyzer, ReceivedMessage
from lab_integration.strangers import LASTS, Knock, Opening

RECENT = datetime.timedelta(days=7)
MOST_STRANGERS = 200  # messages of strangers that are looked at
# What decides who speaks as this analyzer and where orders go: a change is looked at by a second person.
GUARDED = {"clinic", "dialect", "addresses", "link", "outbound_host", "outbound_port", "takes_orders"}
GUARDED |= {"must_use_tls", "certificate_name", "active"}


@dataclass(frozen=True)
class Stranger:
    """An address that spoke while somebody listened and is no analyzer: what it sent, and the family it looks like."""

    clinic: Any
    peer: str
    transport: str
    count: int
    last: datetime.datetime
    guess: families.Guess | None = None

    @property
    def dialect(self) -> str:
        return str(Analyzer.Dialect.ASTM if self.transport == "lis1" else Analyzer.Dialect.HL7)


def of_strangers(user: Any, now: datetime.datetime) -> Any:
    """Messages of the last days that belong to no analyzer, at the user's sites."""
    rows = ReceivedMessage.objects.visible_to(user).filter(analyzer__isnull=True, received_at__gte=now - RECENT)
    return rows.exclude(state=ReceivedMessage.State.DISMISSED)


def strangers(user: Any, now: datetime.datetime) -> list[Stranger]:
    """Who spoke lately and is no analyzer, the latest first."""
    newest = of_strangers(user, now).order_by("-received_at").values("pk")[:MOST_STRANGERS]
    rows = ReceivedMessage.objects.filter(pk__in=Subquery(newest)).values("clinic", "peer", "transport")
    rows = rows.annotate(count=Count("pk"), last=Max("received_at")).order_by("-last")
    sites = {site.pk: site for site in user.sites()}
    return [Stranger(sites[row["clinic"]], row["peer"], row["transport"], row["count"], row["last"]) for row in rows]


def knocks(now: datetime.datetime) -> list[Knock]:
    """Addresses that were turned away lately."""
    return list(Knock.objects.filter(last_at__gte=now - RECENT)[:20])


def listen_for_strangers(clinic: Any, *, by: Any, now: datetime.datetime) -> Opening:
    """For an hour whoever connects at this site may speak; what stood open elsewhere is closed."""
    with transaction.atomic():
        Opening.objects.standing(now).update(until=now)
        return Opening.objects.create(clinic=clinic, opened_by=by, opened_at=now, until=now + LASTS)


def rows(user: Any) -> list[Analyzer]:
    """The analyzers of the user's sites, with their last message, draft and standing alarms counted."""
    newest = ReceivedMessage.objects.filter(analyzer=OuterRef("pk")).order_by("-received_at").values("received_at")
    alarms = Alarm.objects.standing().filter(analyzer=OuterRef("pk")).order_by().values("analyzer")
    found = (
        Analyzer.objects.visible_to(user)
        .select_related("clinic", "in_force")
        .annotate(
            last=Subquery(newest[:1]),
            alarmed=Subquery(alarms.annotate(number=Count("pk")).values("number")),
            drafted=Count("versions", filter=Q(versions__state="draft")),
        )
    )
    return list(found.order_by("clinic__code", "name"))


def add(analyzer: Analyzer, *, by: Any, stranger: Stranger | None = None) -> Analyzer:
    """A new analyzer, that is only listened to until a supervisor puts a version in force.

    What a `stranger` sent from its address becomes its own and is read again. Raises Refused when another analyzer
    speaks from there and the two cannot be told apart.
    """
    family = families.families().get(analyzer.family)
    analyzer.listening = True
    analyzer.profile = {**family.profile} if family else {}
    analyzer.profile.setdefault("code_map", [])
    with transaction.atomic():
        if stranger is not None:
            sender = _told_apart(analyzer, stranger)
            if sender:
                analyzer.profile["sender"] = sender
        analyzer.save()
        if stranger is not None:
            _adopt(analyzer, stranger, analyzer.profile.get("sender", ""))
    return analyzer


def _told_apart(analyzer: Analyzer, stranger: Stranger) -> str:
    """The sender's name by which it is told from others behind the same address; "" where nobody else is there."""
    beside = [one for one in Analyzer.objects.heard_from(stranger.peer) if one.dialect == analyzer.dialect]
    if not beside:
        return ""
    if nameless := [one for one in beside if not one.settings.sender]:
        text = _("%(name)s speaks from this address too. Its profile has to name its sender first.")
        raise Refused(text % {"name": nameless[0]})
    messages = ReceivedMessage.objects.filter(clinic=stranger.clinic)
    heard = hearing.of_peer(messages, stranger.peer, stranger.transport)
    taken = {one.settings.sender for one in beside}
    sender = next((one.sender for one in heard if one.sender and one.sender not in taken), "")
    if not sender:
        raise Refused(_("Others speak from this address, and these messages name no sender of their own."))
    return sender


def _adopt(analyzer: Analyzer, stranger: Stranger, sender: str) -> None:
    states = [ReceivedMessage.State.RECEIVED, ReceivedMessage.State.UNKNOWN_SENDER, ReceivedMessage.State.UNREADABLE]
    rows = ReceivedMessage.objects.filter(
        analyzer__isnull=True, clinic=stranger.clinic, peer=stranger.peer, transport=stranger.transport, complete=True
    ).filter(state__in=states)
    if sender:
        rows = ReceivedMessage.objects.filter(pk__in=[row.pk for row in rows if _sender(row) == sender])
    rows.update(analyzer=analyzer, clinic=analyzer.clinic, state=ReceivedMessage.State.RECEIVED, reason="", attempts=0)


def _sender(row: ReceivedMessage) -> str:
    try:
        message = (lis2 if row.transport == "lis1" else hl7).parse(bytes(row.body))
    except hl7.Unreadable:
        return ""
    return hearing.sender_of(message)


def change(analyzer: Analyzer, changed: list[str]) -> bool:
    """Save the `changed` fields of a connection. Where they decide who speaks or where orders go, it is only listened
    to until a supervisor puts a version in force again; returns whether that is so."""
    fields = set(changed)
    again = bool(fields & GUARDED)
    analyzer.listening = analyzer.listening or again
    analyzer.save(update_fields=[*sorted(fields), "listening"])
    return again


def overview(analyzer: Analyzer) -> dict[str, Any]:
    """What the page of one analyzer shows."""
    draft = drafts.of(analyzer)
    return {
        "analyzer": analyzer,
        "family": families.families().get(analyzer.family),
        "draft": draft,
        "waiting": activation.waiting(analyzer).count(),
        "last": analyzer.messages.order_by("-received_at").values_list("received_at", flat=True).first(),
        "alarms": list(analyzer.alarms.standing().select_related("acknowledged_by")),
    }


def habits(profile: dict[str, Any]) -> dict[str, Any]:
    """The reading rules of a profile, flat, for a form."""
    clean, qc = profile.get("specimen_id", {}), profile.get("qc", {})
    flat = {key: profile[key] for key in PLAIN if key in profile}
    flat |= {key: ", ".join(profile[key]) for key in LISTS if key in profile}
    flat |= {key: clean[key] for key in CLEANING if key in clean}
    return flat | {f"qc_{key}": value for key, value in qc.items()}


PLAIN = ("sender", "charset", "timezone", "ack", "msh16", "law", "qual_quant", "decimal_comma", "off_scale_from_range")
PLAIN += ("require_second_identifier",)
LISTS = ("specimen_fields", "code_fields", "run_failure_values", "second_identifier")
CLEANING = ("cut_at", "upper", "strip_zeros", "pad_to")
QC = ("specimen_pattern", "ignore_spm11")


def with_habits(profile: dict[str, Any], given: dict[str, Any]) -> dict[str, Any]:
    """`profile` with the reading rules of the form; what is empty or as usual is left out."""
    usual = {"ack": "auto", "msh16": "standard"}
    owned = {*PLAIN, *LISTS, "specimen_id", "qc"}
    found = {key: value for key, value in profile.items() if key not in owned}
    found |= {key: given[key] for key in PLAIN if given.get(key) not in (None, "", False, usual.get(key))}
    if given.get("law") is False:
        found["law"] = False
    lists = {key: [part.strip() for part in (given.get(key) or "").split(",") if part.strip()] for key in LISTS}
    found |= {key: value for key, value in lists.items() if value}
    clean = {key: given[key] for key in CLEANING if given.get(key)}
    qc = {key: given[f"qc_{key}"] for key in QC if given.get(f"qc_{key}")}
    return found | ({"specimen_id": clean} if clean else {}) | ({"qc": qc} if qc else {})
