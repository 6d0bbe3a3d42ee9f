"""What an analyzer was heard to say: the newest messages read with its profile, their codes, and where the id stands.

Everything here looks at a bounded window of messages and at the beginning of each, however many there are.
"""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any
from zoneinfo import ZoneInfo

from django.db.models import F, Subquery
from django.db.models.functions import Length, Substr

from lab_integration import families, hl7, lis2, receive
from lab_integration import profile as profiles
from lab_integration.hl7 import Position
from lab_integration.models import Analyzer, ReceivedMessage
from lab_integration.observations import Row
from lab_integration.profile import Profile
from mhac.labs import services as labs

SHOWN = 30  # messages on the listening page
LOOKED_AT = 100  # messages from which codes are taken
BEGINNING = 64 * 1024  # bytes of a message that are looked at; pictures stand behind
SAMPLES = 6
PLACES = {
    "hl7": tuple(map(Position.parse, ("SPM-2", "SAC-3", "OBR-3", "OBR-2", "ORC-2", "PID-3", "PID-2"))),
    "astm": tuple(map(Position.parse, ("O-3", "O-3.2", "O-4", "O-4.3", "P-3", "P-4"))),
}
NO_PROFILE = Profile("")
WRITTEN = ("SPM-2", "SAC-3", "OBR-3", "OBR-2", "O-3", "O-4.3", "O-4")  # the order of likelihood where none is ours


@dataclass(frozen=True)
class Heard:
    """One message as it was heard. `rows` are its results, read with the profile; none when it is not readable."""

    stored: ReceivedMessage
    message: hl7.Message | lis2.Session | None
    rows: tuple[Row, ...] = ()

    @property
    def charset(self) -> str:
        return self.message.charset if self.message else ""

    @property
    def guessed(self) -> bool:
        return self.message is not None and "charset_guessed" in self.message.odd

    @property
    def type(self) -> str:
        if self.message is None:
            return self.stored.type
        return "LIS2" if isinstance(self.message, lis2.Session) else self.message.type

    @property
    def version(self) -> str:
        if self.message is None:
            return self.stored.version
        return self.message.header.raw(13) if isinstance(self.message, lis2.Session) else self.message.version

    @property
    def sender(self) -> str:
        return sender_of(self.message) if self.message else ""

    @property
    def codes(self) -> list[tuple[str, str]]:
        """Codes with their units, each once, in their order."""
        return list(dict.fromkeys((row.code, row.sent.unit) for row in self.rows))

    @property
    def ack(self) -> str:
        """What it was answered: AA, CA...; ACK of the link for LIS1; "" for nothing."""
        if self.stored.transport == "lis1":
            return "ACK"
        try:
            said = hl7.parse(bytes(self.stored.reply or b"")).first("MSA")
        except hl7.Unreadable:
            return ""
        return said.part(1) if said else ""

    def places(self) -> list[tuple[str, str]]:
        """Where something stands that may be the specimen id, and what."""
        return places(self.message, self.stored.transport)


def sender_of(message: hl7.Message | lis2.Session) -> str:
    return message.header.raw(5 if isinstance(message, lis2.Session) else 3).strip()


def places(message: hl7.Message | lis2.Session | None, transport: str) -> list[tuple[str, str]]:
    found = []
    for position in PLACES["astm" if transport == "lis1" else "hl7"]:
        segments = message.named(position.segment) if message else ()
        texts = (one.at(position) for one in segments)
        if text := next(filter(None, texts), ""):
            found.append((written(position), text))
    return found


def written(position: Position) -> str:
    tail = f".{position.component}" if position.component > 1 else ""
    return f"{position.segment}-{position.field}{tail}"


def of_analyzer(analyzer: Analyzer, profile: Profile | None = None, most: int = SHOWN) -> list[Heard]:
    """The newest messages of an analyzer, read with `profile` (default: the one in force); newest first."""
    return _read(ReceivedMessage.objects.filter(analyzer=analyzer), profile or analyzer.settings, most)


def of_peer(messages: Any, address: str, transport: str, most: int = SHOWN) -> list[Heard]:
    """The newest of `messages` that a stranger sent from this address."""
    rows = messages.filter(analyzer__isnull=True, peer=address, transport=transport)
    usual = {"name": address, "dialect": "astm" if transport == "lis1" else "hl7", "code_map": []}
    return _read(rows, profiles.read(usual, ZoneInfo("UTC")), most)


def _read(rows: Any, profile: Profile, most: int) -> list[Heard]:
    newest = rows.filter(complete=True).order_by("-received_at").values("pk")[:most]
    kept = ReceivedMessage.objects.filter(pk__in=Subquery(newest)).defer("body")
    kept = kept.annotate(beginning=Substr(F("body"), 1, BEGINNING), size=Length("body")).order_by("-received_at")
    return [_heard(row, profile) for row in kept]


def _heard(stored: Any, profile: Profile) -> Heard:
    body, cut = bytes(stored.beginning), stored.size > BEGINNING
    if cut:
        body = body[: max(body.rfind(b"\r"), body.rfind(b"\n")) + 1]
    try:
        message = receive.parse("astm" if stored.transport == "lis1" else "hl7", body, profile)
    except hl7.Unreadable:
        return Heard(stored, None)
    return Heard(stored, message, receive.rows_of(message, profile, stored.received_at).rows)


@dataclass(frozen=True)
class Place:
    """A field in which the specimen id may stand: in how many messages one of our numbers stood there, or anything."""

    position: str
    ours: int
    filled: int


def specimen_place(heard: list[Heard], profile: Profile) -> Place | None:
    """Where our numbers stand; where none are, the likeliest field that is filled; None when none is."""
    numbers, ours, filled = labs.Numbers(), Counter[str](), Counter[str]()
    for one in heard:
        for position, text in one.places():
            filled[position] += 1
            ours[position] += not numbers.fault(profile.clean(text))
    best = max(ours, key=lambda key: ours[key], default="")
    if not best or not ours[best]:
        best = next((position for position in WRITTEN if filled[position]), "")
    return Place(best, ours[best], filled[best]) if best else None


def guess_family(heard: list[Heard]) -> families.Guess | None:
    read = [one.message for one in heard if one.message]
    dialect = "astm" if heard and heard[0].stored.transport == "lis1" else "hl7"
    return families.guess(read, dialect) if read else None


@dataclass
class Seen:
    """A code with its system and unit as it came: how often, under which name, with which values."""

    code: str
    system: str
    unit: str
    name: str = ""
    count: int = 0
    values: list[str] = field(default_factory=list)
    rows: list[Row] = field(default_factory=list)  # one for each value shown

    @property
    def key(self) -> str:
        return "\x1f".join((self.code, self.system, self.unit))


def codes_seen(heard: list[Heard]) -> list[Seen]:
    """Every code in what was heard that may be a result, in the order in which they came; controls do not count."""
    found: dict[str, Seen] = {}
    for one in reversed(heard):
        for row in one.rows:
            if row.settled or not row.code:
                continue
            fresh = Seen(row.code, row.system, row.sent.unit)
            seen = found.setdefault(fresh.key, fresh)
            seen.count += 1
            seen.name = seen.name or row.name
            text = row.sent.text.strip()
            if text and text not in seen.values and len(seen.values) < SAMPLES:
                seen.values.append(text)
                seen.rows.append(row)
    return list(found.values())
