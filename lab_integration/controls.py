"""Controls that analyzers measured: their rows go to the laboratory by its one door; what fits no target is listed."""

import datetime
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from django.utils import timezone

from lab_integration.models import ReceivedLine, ReceivedMessage
from mhac.labs import services as labs

# A control that came before its target was entered is still taken so long afterwards.
LOOK_BACK = datetime.timedelta(days=3)
SHOWN_FOR = datetime.timedelta(days=30)
MOST = 200


def take(messages: Iterable[ReceivedMessage]) -> int:
    """Record the controls of these messages; how many became a run."""
    keys = [row.pk for row in messages]
    return _take(ReceivedLine.objects.filter(message__in=keys, state="QC")) if keys else 0


def take_waiting(now: datetime.datetime) -> int:
    """Record controls that found no target when they came."""
    return _take(_since(now - LOOK_BACK))


def _since(moment: datetime.datetime) -> Any:
    return ReceivedLine.objects.filter(state="QC", message__received_at__gte=moment)


def _take(rows: Any) -> int:
    lines = list(rows.select_related("message__analyzer").order_by("message__received_at", "pk"))
    known = labs.controls_recorded([str(line.pk) for line in lines]) if lines else set()
    return sum(labs.record_control(control_of(line)) is not None for line in lines if str(line.pk) not in known)


def control_of(line: ReceivedLine) -> labs.Control:
    """A row as the laboratory takes it. Where no lot is sent, the id on the tube of the control is the lot."""
    message = line.message
    at = line.observed_at or message.received_at
    return labs.Control(
        clinic_id=message.clinic_id,
        instrument=message.analyzer.name if message.analyzer else "",
        test=line.test,
        number=_number(line.value),
        lot=line.qc.get("lot") or line.specimen_id,
        level=line.qc.get("level", ""),
        # An analyzer's clock may run ahead of ours; what came cannot have been measured later than it came.
        at=min(at, message.received_at),
        key=str(line.pk),
    )


def _number(value: dict[str, str]) -> Decimal | None:
    """The number of a kept value, when it is one and nothing beside it."""
    return Decimal(value["number"]) if "number" in value and "operator" not in value else None


def unmatched(user: Any, now: datetime.datetime | None = None) -> list[ReceivedLine]:
    """The newest controls of the last 30 days that became no run, at the sites where this person sees the inbox."""
    rows = _since((now or timezone.now()) - SHOWN_FOR) & ReceivedLine.objects.visible_to(user)
    lines = list(rows.select_related("message__analyzer").order_by("-message__received_at", "-pk")[:MOST])
    known = labs.controls_recorded([str(line.pk) for line in lines])
    return [line for line in lines if str(line.pk) not in known]
