"""A rehearsal: what would be answered and filed if these messages came in? Same code as listener and worker, no trace.

Input and output are the contract of `docs/wire.md`, section "Rehearsal". Everything happens in a transaction that is
rolled back; the only clock is `now`.
"""

import base64
import binascii
import datetime
import json
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

from django.db import transaction

from lab_integration import astm, mllp, profile, receive, shape
from lab_integration.acknowledgement import SILENCE
from lab_integration.models import Analyzer, ReceivedLine, ReceivedMessage
from lab_integration.shape import Refused
from mhac.labs import services as labs

PEER = "0.0.0.0"  # noqa: S104 - not an address to listen on: nobody can speak from it
WITHOUT_LINES = {"DUPLICATE", "ANSWERED", "NOTED", "UNSUPPORTED_TYPE", "UNKNOWN_SENDER", "UNREADABLE", "INCOMPLETE"}


def _bytes(value: Any, path: str) -> bytes:
    try:
        return base64.b64decode(shape.text()(value, path), validate=True)
    except (binascii.Error, ValueError):
        raise Refused(path, "This is no base64.") from None


def _message(value: Any, path: str) -> dict[str, Any]:
    contents = {"hl7": shape.text(), "astm": shape.text(), "bytes_base64": _bytes, "wire_base64": _bytes}
    found: dict[str, Any] = shape.record({}, {**contents, "received": shape.moment})(value, path)
    if len(found.keys() & contents.keys()) != 1:
        raise Refused(path, "A message has exactly one of hl7, astm, bytes_base64 and wire_base64.")
    return found


CRITICAL = shape.record(
    {}, {"low": shape.json_number, "high": shape.json_number, "values": shape.list_of(shape.text())}
)
KEY = shape.text(1, 30)
COMPUTED = shape.record({"rule": shape.one_of("qft_plus"), "nil": KEY, "tb1": KEY, "tb2": KEY, "mitogen": KEY})
TEST = shape.record(
    {"key": KEY, "kind": shape.one_of("numeric", "coded", "text", "titre")},
    {
        "loinc": shape.text(),
        "unit": shape.text(0, 20),
        "decimals": shape.whole(0, 10),
        "allowed": shape.list_of(shape.text(1, 40)),
        "critical": CRITICAL,
        "computed": COMPUTED,
    },
)
PATIENT = shape.record({}, {"initials": shape.text(0, 10), "sex": shape.one_of("F", "M"), "birth_date": shape.day})
TUBE = shape.record({"id": shape.text(1, 20), "tube": shape.text(1, 7)})
ORDER = shape.record(
    {"accession": shape.text(1, 20), "tests": shape.list_of(KEY)},
    {
        "patient": PATIENT,
        "collected": shape.moment,
        "entered": shape.moment,
        "priority": shape.one_of("R", "S"),
        "tubes": shape.list_of(TUBE),
    },
)
FORMAT = shape.record({"pattern": shape.pattern}, {"check": shape.one_of("none", "luhn", "iso7064_mod37_36")})
CASE = shape.record(
    {
        "id": shape.text(1, 64),
        "now": shape.moment,
        "tests": shape.list_of(TEST),
        "analyzer": profile.ANALYZER,
        "orders": shape.list_of(ORDER),
        "messages": shape.list_of(_message),
    },
    {"clinic_timezone": shape.zone, "accession_format": FORMAT},
)


def rehearse(given: Any) -> dict[str, Any]:
    """One line of input -> one line of output. A line that does not have its shape is answered with what is wrong."""
    try:
        case = CASE(given, "")
        _refer(case)
    except Refused as error:
        return {"id": given.get("id") if isinstance(given, dict) else None, "error": vars(error)}
    with transaction.atomic():
        answer = Rehearsal(case, given).run()
        transaction.set_rollback(True)
    return answer


def _refer(case: dict[str, Any]) -> None:
    """Keys that name a test must name one."""
    tests = {test["key"] for test in case["tests"]}
    if len(tests) != len(case["tests"]):
        raise Refused("tests", "Two tests have the same key.")
    for place, order in enumerate(case["orders"]):
        for at, key in enumerate(order["tests"]):
            if key not in tests:
                raise Refused(f"orders[{place}].tests[{at}]", f"There is no test {key!r} in tests.")


class Rehearsal:
    """One case, played through inside the transaction that stands."""

    def __init__(self, case: dict[str, Any], given: dict[str, Any]) -> None:
        self.case = case
        self.now = case["now"]
        zone = case.get("clinic_timezone", ZoneInfo("Asia/Kabul"))
        format_ = case.get("accession_format")
        pattern = format_ and labs.Numbers(format_["pattern"].pattern, format_.get("check", "none"))
        self.numbers = pattern or labs.Numbers()
        self.scene = labs.Scene(case["tests"], str(zone))
        settings = {key: one for key, one in given["analyzer"].items() if key not in ("name", "dialect")}
        self.analyzer = Analyzer.objects.create(
            clinic=self.scene.clinic,
            name=given["analyzer"]["name"][:80],
            dialect=given["analyzer"].get("dialect", "hl7"),
            profile=json.loads(json.dumps(settings, default=_plain)),
        )
        self.waiting = sorted(case["orders"], key=lambda order: order.get("entered", _DAWN))
        self.replies: list[dict[str, Any]] = []
        # What is shown: (index of the input, row of the journal, the row it repeats byte for byte, its position)
        self.shown: list[tuple[int, ReceivedMessage, bool]] = []

    def run(self) -> dict[str, Any]:
        for place, item in enumerate(self.case["messages"]):
            received = item.get("received", self.now)
            self.enter(received)
            before = len(self.replies)
            self.play(place, item, received)
            if len(self.replies) == before:
                self.replies.append({"n": place, **SILENCE.record()})
        self.enter(self.now)
        messages = [self.message(at) for at in range(len(self.shown))]
        return {
            "id": self.case["id"],
            "replies": self.replies,
            "messages": messages,
            "results": [_result(row) for row in self.scene.results()],
            "repeats": [{"accession": accession, "test": test} for accession, test in self.scene.repeats()],
        }

    def enter(self, until: datetime.datetime) -> None:
        """Orders that were entered by this moment, one after the other; what waited for them is matched."""
        while self.waiting and self.waiting[0].get("entered", _DAWN) <= until:
            order = self.waiting.pop(0)
            self.scene.enter(order, order.get("entered", until))
            receive.retry_waiting(until, self.numbers)

    def play(self, place: int, item: dict[str, Any], received: datetime.datetime) -> None:
        if "wire_base64" in item:
            wire = self.frames if self.analyzer.dialect == "astm" else self.blocks
            wire(place, item["wire_base64"], received)
            return
        body = item.get("bytes_base64")
        if body is None:
            body = (item["hl7"] if "hl7" in item else item["astm"]).encode("utf-8", "surrogatepass")
        self.take(place, body, received)

    def blocks(self, place: int, data: bytes, received: datetime.datetime) -> None:
        deframer = mllp.Deframer()
        for found in [*deframer.feed(data), deframer.close()]:
            if isinstance(found, mllp.Frame):
                self.take(place, found.body, received)
            elif found is not None:
                self.keep(place, found, received)

    def frames(self, place: int, data: bytes, received: datetime.datetime) -> None:
        receiver = astm.Receiver()
        found = receiver.feed(data)
        link = [one.name for one in found if isinstance(one, astm.Answer)]
        before = len(self.replies)
        for one in [*found, receiver.close()]:
            if isinstance(one, astm.Records):
                self.take(place, one.body, received)
            elif isinstance(one, mllp.Broken):
                self.keep(place, one, received)
        if len(self.replies) == before:
            self.replies.append({"n": place, **receive.LINK.record()})
        # One session is one entry, however many messages it held; a query's answer stands for it.
        came = self.replies[before:]
        self.replies[before:] = [reply for reply in came if "answer" in reply] or came[:1]
        self.replies[before]["link"] = link

    def take(self, place: int, body: bytes, received: datetime.datetime) -> None:
        """As the listener does it, then as the worker does it."""
        stored = self.store(body, received)
        for reply in receive.reply(stored, body, self.analyzer, received):
            self.replies.append({"n": place, **reply.record()})
        self.read(place, stored, received)

    def keep(self, place: int, broken: mllp.Broken, received: datetime.datetime) -> None:
        self.read(place, self.store(broken.rest, received, complete=False), received)

    def store(self, body: bytes, received: datetime.datetime, *, complete: bool = True) -> list[receive.Stored]:
        transport = "lis1" if self.analyzer.dialect == "astm" else "mllp"
        return receive.store(
            PEER,
            body,
            analyzer=self.analyzer,
            clinic=self.scene.clinic,
            transport=transport,
            received=received,
            complete=complete,
        )

    def read(self, place: int, stored: list[receive.Stored], received: datetime.datetime) -> None:
        for one in stored:
            if not one.repeated:
                receive.process(one.message.pk, received, self.numbers)
            self.shown.append((place, one.message, one.repeated))
        receive.retry_waiting(received, self.numbers)

    def message(self, at: int) -> dict[str, Any]:
        place, shown, repeated = self.shown[at]
        row = ReceivedMessage.objects.get(pk=shown.pk)
        state, original = row.state, row.duplicate_of_id
        if repeated and (row.lines.exists() or state in {"HELD", "DUPLICATE"}):
            state, original = "DUPLICATE", original or row.pk
        found = {
            "n": place,
            "state": state,
            "control_id": row.control_id,
            "type": row.type,
            "version": row.version,
            "segments": row.segments,
            "observations": row.observations,
            "warnings": row.warnings,
        }
        if original and state == "DUPLICATE":
            found["duplicate_of"] = next(index for index, one in enumerate(self.shown) if one[1].pk == original)
        if state not in WITHOUT_LINES:
            lines = ReceivedLine.objects.filter(message=row).select_related("result").order_by("place")
            found["lines"] = [_line(line) for line in lines]
        else:
            found["lines"] = []
        return found


def _plain(number: Decimal) -> int | str:
    """A number as a stored profile keeps it."""
    return int(number) if number == int(number) else str(number)


_DAWN = datetime.datetime(1900, 1, 1, tzinfo=datetime.UTC)


def _line(line: ReceivedLine) -> dict[str, Any]:
    found = {
        "specimen_id": line.specimen_id or None,
        "accession": line.accession or None,
        "code": line.code,
        "test": line.test or None,
        "run": line.run,
        "kind": line.kind,
        "value": {key: Decimal(one) if key == "number" else one for key, one in line.value.items()},
        "unit": line.unit or None,
        "unit_as_sent": line.unit_as_sent,
        "flags": line.flags,
        "status": line.status,
        "observed_at": line.observed_as_read or None,
        "state": line.shown_state,
    }
    if line.shown_state in {"FILED", "CANDIDATE"}:
        found["critical"] = line.critical
    if line.reason:
        found["reason"] = line.reason
    if line.attachment:
        found["attachment"] = line.attachment
    if line.qc:
        found["qc"] = {key: Decimal(one) if key in ("mean", "sd") else one for key, one in line.qc.items()}
    return found


def _result(row: Any) -> dict[str, Any]:
    value: dict[str, Any] = {"as_sent": row.as_sent}
    for key in ("operator", "text", "coded"):
        if getattr(row, key):
            value[key] = getattr(row, key)
    if row.number is not None:
        value["number"] = row.number.normalize()
    if row.titre is not None:
        value["titre"] = row.titre
    return {
        "accession": row.order.specimen.accession,
        "test": row.order.test.key,
        "value": value,
        "unit": row.unit or None,
        "status": row.status,
        "run": row.run,
        "version": row.version,
        "critical": row.critical,
    }


def dumps(value: Any) -> str:
    """JSON in one line; Decimals become numbers digit by digit."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{json.dumps(key)}: {dumps(one)}" for key, one in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[" + ", ".join(map(dumps, value)) + "]"
    if isinstance(value, Decimal):
        return format(value, "f")
    return json.dumps(value, ensure_ascii=False)
