"""What would happen if a version were in force: the real code over stored messages, and no trace of it.

The newest messages are processed as a replay would, once with the version in force and once with the other, each in a
savepoint that is rolled back. Lines that were settled before stay settled; for them only the reading is compared.
"""

import datetime
from collections import Counter
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from django.db import transaction

from lab_integration import drafts, hl7, receive
from lab_integration.hearing import LOOKED_AT
from lab_integration.models import Analyzer, ProfileVersion, ReceivedLine, ReceivedMessage
from lab_integration.profile import Profile
from lab_integration.reading import map_rows
from mhac.labs import services as labs

LINES_SHOWN = 300
Place = tuple[UUID, int]


@dataclass(frozen=True)
class Fate:
    """What becomes of a line: state, reason, test and value as read."""

    state: str
    reason: str = ""
    test: str = ""
    value: str = ""

    @property
    def waits(self) -> bool:
        return self.state in labs.WAITING


@dataclass(frozen=True)
class Compared:
    """A line, with what becomes of it by the version in force and by the other one."""

    message: UUID
    received_at: datetime.datetime
    place: int
    code: str
    as_sent: str
    unit: str
    before: Fate
    after: Fate

    @property
    def changes(self) -> bool:
        return self.before != self.after


@dataclass(frozen=True)
class DryRun:
    """`lines`: those that change first. `moves`: (state before, state after) -> how many. `messages`: how many."""

    lines: list[Compared]
    moves: list[tuple[str, str, int]]
    messages: int

    @property
    def shown(self) -> list[Compared]:
        return self.lines[:LINES_SHOWN]

    @property
    def changing(self) -> int:
        return sum(line.changes for line in self.lines)

    @property
    def filed(self) -> int:
        return sum(line.after.state == "FILED" and line.before.state != "FILED" for line in self.lines)


def run(version: ProfileVersion, now: datetime.datetime) -> DryRun:
    """Compare `version` with the one in force over the newest messages. Raises drafts.Refused when it is unreadable."""
    analyzer = version.analyzer
    read = drafts.settings(analyzer, version.profile)
    newest = ReceivedMessage.objects.filter(analyzer=analyzer, complete=True).order_by("-received_at")
    keys = list(newest.values_list("pk", flat=True)[:LOOKED_AT])[::-1]
    with transaction.atomic():
        settled = _settled(keys)
        before = _fates(analyzer, None, keys, now)
        after = _fates(analyzer, version.profile, keys, now)
        transaction.set_rollback(True)
    again = _read_again(keys, settled, read)
    lines = [_compare(line, before.get(place), again.get(place)) for place, line in after.items()]
    moves = Counter((line.before.state, line.after.state) for line in lines)
    lines.sort(key=lambda line: not line.changes)
    return DryRun(lines, [(*move, number) for move, number in moves.most_common()], len(keys))


def _settled(keys: list[UUID]) -> dict[Place, str]:
    """Lines that are results already, with their test; no version changes them."""
    filed = ReceivedLine.objects.filter(message__in=keys, state="FILED")
    return {(message, place): test for message, place, test in filed.values_list("message_id", "place", "test")}


def _fates(
    analyzer: Analyzer, profile: dict[str, Any] | None, keys: list[UUID], now: datetime.datetime
) -> dict[Place, ReceivedLine]:
    with transaction.atomic():
        changed = Analyzer.objects.select_related("clinic").get(pk=analyzer.pk)
        changed.listening, changed.profile = False, changed.profile if profile is None else profile
        changed.save(update_fields=["listening", "profile"])  # which makes a version of its own, gone at the end
        for key in keys:
            receive.process(key, now)
        rows = ReceivedLine.objects.filter(message__in=keys).select_related("message").defer("message__body")
        found = {(row.message_id, row.place): row for row in rows.order_by("message__received_at", "place")}
        transaction.set_rollback(True)
    return found


def _compare(line: ReceivedLine, before: ReceivedLine | None, again: Fate | None) -> Compared:
    then = fate(line) if again is None else again
    return Compared(
        line.message_id,
        line.message.received_at,
        line.place,
        line.code,
        str(line.value.get("as_sent", "")),
        line.unit_as_sent,
        fate(before) if before is not None else Fate(""),
        then,
    )


def fate(line: ReceivedLine) -> Fate:
    return Fate(line.state, line.reason, line.test, shown(line.value, line.unit))


def shown(value: dict[str, Any], unit: str) -> str:
    """A line's value as it was read."""
    titre = f"1:{value['titre']}" if value.get("titre") else ""
    number = value.get("number", "")
    said = "".join((value.get("operator", ""), number, titre, value.get("coded", ""), value.get("text", "")))
    return f"{said} {unit}".strip() if number else said


def _read_again(keys: list[UUID], settled: dict[Place, str], profile: Profile) -> dict[Place, Fate]:
    """How lines that are results already would read: FILED as they are, unless test or value differ."""
    found = {}
    for row in ReceivedMessage.objects.filter(pk__in={message for message, _place in settled}):
        try:
            message = receive.parse("astm" if row.transport == "lis1" else "hl7", bytes(row.body), profile)
        except hl7.Unreadable:
            continue
        for mapped in map_rows(receive.rows_of(message, profile, row.received_at).rows, profile):
            place = (row.pk, mapped.row.place)
            if place in settled:
                found[place] = _fate_of(list(mapped.line().readings.values()), settled[place])
    return found


def _fate_of(readings: list[labs.Reading], test: str) -> Fate:
    """Of the readings by tube the one that is about `test`, else the first."""
    read = next((one for one in readings if one.test == test), next(iter(readings), None))
    if read is None:
        return Fate("UNMAPPED_CODE")
    if read.value is None:
        return Fate(read.state, read.reason, read.test)
    value = {"operator": read.value.operator, "text": read.value.text, "coded": read.value.coded}
    if read.value.number is not None:
        value["number"] = format(read.value.number, "f")
    return Fate(read.state or "FILED", read.reason, read.test, shown(value | {"titre": read.value.titre}, read.unit))
