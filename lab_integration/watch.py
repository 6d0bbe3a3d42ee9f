"""What is wrong with the wire now, looked for once a minute with a fixed number of queries; alarms follow from it."""

import datetime
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from django.db import connection, transaction
from django.db.models import Count, Max, OuterRef, Q, Subquery

from lab_integration.alarms import Alarm
from lab_integration.inbox import DOWN_AFTER
from lab_integration.models import Analyzer, Listening, OutboundLine, ReceivedLine, ReceivedMessage, SentMessage
from mhac.labs import services as labs

Kind = Alarm.Kind
Causes = dict[tuple[UUID | None, str], int]
# The hours in which a silent analyzer is looked at; docs/decisions.md.
BEGINS, ENDS = datetime.time(8), datetime.time(16)
CLOCK = 300  # seconds
MESSAGES_FOR_CLOCK, LEAST_FOR_CLOCK = 20, 3
LATELY = datetime.timedelta(hours=4)
LEAST_UNMATCHED, SHARE_UNMATCHED = 10, 0.25
TRIES = 3
LONGEST = 60  # days of silence that are counted


def watch(now: datetime.datetime) -> list[Alarm]:
    """Raise an alarm for every cause that has none and clear those whose cause has ended; what stands now."""
    causes = found(now)
    with transaction.atomic():
        standing = {
            (one.analyzer_id, one.kind): one for one in Alarm.objects.standing().select_for_update(of=("self",))
        }
        over = [one.pk for key, one in standing.items() if key not in causes]
        Alarm.objects.filter(pk__in=over).update(cleared_at=now)
        sites = dict(Analyzer.objects.values_list("pk", "clinic"))
        fresh = [
            Alarm(analyzer_id=key, clinic_id=sites.get(key), kind=kind, figure=figure, since=now)
            for (key, kind), figure in causes.items()
            if (key, kind) not in standing
        ]
        Alarm.objects.bulk_create(fresh, ignore_conflicts=True)
        kept = [one for key, one in standing.items() if key in causes]
        moved = [one for one in kept if one.figure != causes[one.analyzer_id, one.kind]]
        for one in moved:
            one.figure = causes[one.analyzer_id, one.kind]
        Alarm.objects.bulk_update(moved, ["figure"])
    return kept + fresh


def found(now: datetime.datetime) -> Causes:
    """Every cause for an alarm at this moment, with what was measured."""
    newest = ReceivedMessage.objects.filter(analyzer=OuterRef("pk")).order_by("-received_at").values("received_at")
    rows = Analyzer.objects.active().select_related("clinic").prefetch_related("clinic__closures")
    analyzers = list(rows.annotate(last=Subquery(newest[:1])))
    causes: Causes = {}
    if not analyzers:
        return causes
    beat = Listening.objects.aggregate(last=Max("beat_at"))["last"]
    if beat is None or now - beat >= DOWN_AFTER:
        causes[None, Kind.WIRE] = 0
    since = labs.waiting_since()
    for one in analyzers:
        causes |= _silence(one, since, now)
    keys = {one.pk for one in analyzers}
    return causes | {key: figure for key, figure in (_clocks() | _links(now) | _rows(now)).items() if key[0] in keys}


def _silence(analyzer: Any, since: dict[tuple[UUID, str], datetime.datetime], now: datetime.datetime) -> Causes:
    limit = analyzer.silent_after
    causes: Causes = {}
    if analyzer.last is not None and (hours := working_hours(analyzer.clinic, analyzer.last, now)) >= limit:
        causes[analyzer.pk, Kind.SILENT] = int(hours)
    tests = {entry.get("test") for entry in analyzer.profile.get("code_map", []) if not entry.get("supplemental")}
    waits = min(
        (since[analyzer.clinic_id, test] for test in tests if (analyzer.clinic_id, test) in since), default=None
    )
    if waits is None or analyzer.listening:
        return causes
    quiet_since = waits if analyzer.last is None else max(waits, analyzer.last)
    if (hours := working_hours(analyzer.clinic, quiet_since, now)) >= limit:
        causes[analyzer.pk, Kind.NO_RESULTS] = int(hours)
    return causes


def working_hours(clinic: Any, start: datetime.datetime, end: datetime.datetime) -> float:
    """Hours between two moments that lie in the working time of a site: its open days from 8 to 16."""
    zone = ZoneInfo(clinic.timezone)
    start, end = max(start, end - datetime.timedelta(days=LONGEST)).astimezone(zone), end.astimezone(zone)
    closed = [(one.first_day, one.last_day) for one in clinic.closures.all()]
    total = datetime.timedelta()
    for number in range((end.date() - start.date()).days + 1):
        day = start.date() + datetime.timedelta(days=number)
        if day.weekday() in clinic.weekend or any(first <= day <= last for first, last in closed):
            continue
        opens, shuts = (datetime.datetime.combine(day, hour, zone) for hour in (BEGINS, ENDS))
        total += max(min(end, shuts) - max(start, opens), datetime.timedelta())
    return total.total_seconds() / 3600


def _clocks() -> Causes:
    """Analyzers whose clock is off: the median of their newest messages, in seconds."""
    message, analyzer = ReceivedMessage._meta.db_table, Analyzer._meta.db_table
    median = "percentile_cont(0.5) WITHIN GROUP (ORDER BY extract(epoch FROM m.written_at - m.received_at))"
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT a.id, {median} FROM {analyzer} a CROSS JOIN LATERAL "  # noqa: S608
            f"(SELECT written_at, received_at FROM {message} WHERE analyzer_id = a.id AND written_at IS NOT NULL "
            "ORDER BY received_at DESC LIMIT %s) m "
            "WHERE a.active GROUP BY a.id HAVING count(*) >= %s",
            [MESSAGES_FOR_CLOCK, LEAST_FOR_CLOCK],
        )
        return {(key, Kind.CLOCK): abs(int(off)) for key, off in cursor.fetchall() if abs(off) > CLOCK}


def _links(now: datetime.datetime) -> Causes:
    """Lines and orders tried several times without reaching anybody, orders that nobody answered today or that cannot
    be written."""
    waiting, unknown, held = SentMessage.State.WAITING, SentMessage.State.UNKNOWN, SentMessage.State.HELD
    day = now - datetime.timedelta(days=1)
    rows = SentMessage.objects.filter(state__in=[waiting, unknown, held]).values("analyzer").order_by("analyzer")
    counted = rows.annotate(
        tries=Max("attempts", filter=Q(state=waiting)),
        lost=Count("pk", filter=Q(state=unknown, made_at__gte=day)),
        unwritten=Count("pk", filter=Q(state=held)),
    )
    causes: Causes = {}
    for row in counted:
        if (row["tries"] or 0) >= TRIES:
            causes[row["analyzer"], Kind.LINK] = row["tries"]
        if row["lost"]:
            causes[row["analyzer"], Kind.UNANSWERED] = row["lost"]
        if row["unwritten"]:
            causes[row["analyzer"], Kind.UNWRITTEN] = row["unwritten"]
    # The lines that we open ourselves.
    called = OutboundLine.objects.filter(analyzer__link=Analyzer.Link.CALLED, tries__gte=TRIES)
    causes |= {(key, Kind.LINK): tries for key, tries in called.values_list("analyzer", "tries")}
    return causes


def _rows(now: datetime.datetime) -> Causes:
    """Analyzers of which many rows wait among those of the last hours."""
    lately = ReceivedLine.objects.filter(message__received_at__gte=now - LATELY, message__analyzer__isnull=False)
    counted = lately.values("message__analyzer").order_by("message__analyzer")
    counted = counted.annotate(all=Count("pk"), wait=Count("pk", filter=Q(state__in=sorted(labs.WAITING))))
    return {
        (row["message__analyzer"], Kind.UNMATCHED): row["wait"]
        for row in counted
        if row["wait"] >= LEAST_UNMATCHED and row["wait"] >= SHARE_UNMATCHED * row["all"]
    }
