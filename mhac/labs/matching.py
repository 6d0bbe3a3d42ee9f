"""Which order a row of an analyzer answers, and whether it may be filed. Pure: rows and orders in, outcomes out.

A row is matched by our accession and its test, never by name and never by likeness. What does not fit waits for a
person under a named reason; the states and their order are those of `docs/wire.md`, section "Lines".
"""

import datetime
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from uuid import UUID

from mhac.clinics.numbers import is_checked, uuid7
from mhac.protocols.igra import quantiferon

WAITING = {"UNMATCHED_SPECIMEN", "IDENTITY_MISMATCH", "UNMAPPED_CODE", "NOT_ORDERED"}
WAITING |= {"VALUE_UNREADABLE", "UNIT_UNKNOWN", "CONFLICT", "CANDIDATE"}
NEVER_NEAR_A_PATIENT = {"QC", "CALIBRATION"}
# What an analyzer says of a value beyond its own panic limits, or very abnormal (HL7 table 0078).
CRITICAL_FLAGS = frozenset({"LL", "HH", "AA"})
CANNOT_BE_FILED = {"RUN_FAILURE", "VALUE_UNREADABLE", "UNIT_UNKNOWN"}


@dataclass(frozen=True)
class Numbers:
    """How our accessions look: a pattern, and a check character that stands last (none, luhn, iso7064_mod37_36)."""

    pattern: str = r"^[A-Z]{3}[0-9]{7}[0-9A-Z]$"
    check: str = "iso7064_mod37_36"

    def fault(self, number: str) -> str:
        """Why `number` is none of ours; "" when it may be."""
        if not number:
            return "no_id"
        if not re.search(self.pattern, number):
            return "not_our_pattern"
        right = {"none": lambda text: True, "luhn": is_luhn, "iso7064_mod37_36": is_checked}[self.check]
        return "" if right(number) else "check_character"


def is_luhn(number: str) -> bool:
    """Whether the last digit is the Luhn digit of the others (ISO/IEC 7812-1 annex B)."""
    if not re.fullmatch("[0-9]{2,}", number):
        return False
    doubled = (sum(divmod(2 * int(sign), 10)) for sign in number[-2::-2])
    return (sum(doubled) + sum(map(int, number[-1::-2]))) % 10 == 0


@dataclass(frozen=True)
class Person:
    """What is known or stated of somebody; empty where it is not."""

    birth_date: datetime.date | None = None
    sex: str = ""
    initials: str = ""


@dataclass(frozen=True)
class Value:
    """What a row was read as: number (in the test's unit), coded, titre or text; operator beside number or titre."""

    operator: str = ""
    number: Decimal | None = None
    text: str = ""
    coded: str = ""
    titre: int | None = None


@dataclass(frozen=True)
class Reading:
    """A row read as one test. `state` is empty, or RUN_FAILURE, VALUE_UNREADABLE or UNIT_UNKNOWN with its reason."""

    test: str
    value: Value | None = None
    unit: str = ""
    state: str = ""
    reason: str = ""


@dataclass(frozen=True)
class Line:
    """A row as the wire brings it. `readings`: by tube, "" for every other tube; none when no code is mapped.

    `settled` (QC, CALIBRATION, ATTACHMENT, SUPPLEMENTAL) says that the row is no result; it only learns its accession.
    """

    place: int
    specimen_id: str
    stated: Person
    readings: Mapping[str, Reading]
    as_sent: str = ""
    run: str = "1"
    kind: str = "result"
    status: str = "F"
    repeated: bool = False
    observed_at: datetime.datetime | None = None
    flags: tuple[str, ...] = ()
    settled: str = ""
    reason: str = ""
    late: bool = False  # it waited for its order
    chosen: bool = False  # a person decided that this value counts

    def fingerprint(self, reading: Reading) -> str:
        """Two rows of one analyzer with the same fingerprint are the same answer."""
        value = reading.value or Value()
        number = "" if value.number is None else str(value.number.normalize())
        parts = (self.specimen_id, reading.test, self.run, self.kind, value.operator, number, value.text)
        return "\x1f".join(
            (*parts, value.coded, "" if value.titre is None else str(value.titre), reading.unit, self.status)
        )


@dataclass(frozen=True)
class TestRules:
    """What the catalogue says of a test that matters here."""

    __test__ = False

    key: str
    critical_low: Decimal | None = None
    critical_high: Decimal | None = None
    critical_values: frozenset[str] = frozenset()
    inputs: Mapping[str, str] = field(default_factory=dict)  # a QuantiFERON conclusion: nil, tb1, tb2, mitogen -> test
    together: Sequence[Mapping[str, frozenset[str]]] = ()  # test -> words that are critical beside each other

    def is_critical(self, value: Value) -> bool:
        """At or beyond a limit, or one of the critical words."""
        number = value.number if value.number is not None else value.titre
        if number is not None:
            low, high = self.critical_low, self.critical_high
            return (low is not None and number <= low) or (high is not None and number >= high)
        return bool(value.coded) and value.coded.casefold() in {word.casefold() for word in self.critical_values}

    def is_critical_beside(self, value: Value, words: Mapping[str, str]) -> bool:
        """Whether this value is critical together with what stands on the same tube: `words`, test -> coded value."""
        beside = {**words, self.key: value.coded}
        return any(all(beside.get(test, "") in wanted for test, wanted in each.items()) for each in self.together)


@dataclass(frozen=True)
class Standing:
    """The version that counts of one order."""

    value: Value
    unit: str
    status: str
    run: str
    observed_at: datetime.datetime | None
    instrument: str
    key: UUID


@dataclass(frozen=True)
class Specimen:
    """A tube in the laboratory with what was ordered on it.

    `standing`: test -> the version that counts; `versions`: test -> the highest number given; `tubes`: further ids of
    the same set -> which tube it is.
    """

    accession: str
    person: Person
    tests: Mapping[str, TestRules]
    standing: Mapping[str, Standing] = field(default_factory=dict)
    versions: Mapping[str, int] = field(default_factory=dict)
    tubes: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Rules:
    """What the analyzer's profile asks of an identity, and how our numbers look."""

    numbers: Numbers = field(default_factory=Numbers)
    second_identifier: tuple[str, ...] = ("birth_date", "sex")
    require_second_identifier: bool = False


@dataclass(frozen=True)
class Outcome:
    """What became of a line. `reading` is how it was read in the end; `version` and `replaces` when it was filed."""

    line: Line
    state: str
    reason: str = ""
    accession: str = ""
    reading: Reading | None = None
    critical: bool = False
    version: int = 0
    result: UUID | None = None  # the key of the row it becomes
    replaces: UUID | None = None

    @property
    def waits(self) -> bool:
        return self.state in WAITING


def by_id(specimens: Iterable[Specimen]) -> dict[str, Specimen]:
    """Every id under which these specimens may come."""
    found: dict[str, Specimen] = {}
    for specimen in specimens:
        found |= {specimen.accession: specimen, **dict.fromkeys(specimen.tubes, specimen)}
    return found


def disagreement(known: Person, stated: Person, rules: Rules) -> str:
    """The first identifier that both sides state and that differs; "second_identifier_missing" when one is demanded."""
    compared = 0
    for name in rules.second_identifier:
        ours, theirs = getattr(known, name), getattr(stated, name)
        if ours and theirs:
            compared += 1
            if ours != theirs:
                return name
    return "second_identifier_missing" if rules.require_second_identifier and not compared else ""


class Matcher:
    """Decides lines one after the other; what it files counts for the lines that follow.

    `specimens` are all that the lines may be about; `seen` are fingerprints of this analyzer's earlier answers.
    """

    def __init__(self, specimens: Iterable[Specimen], rules: Rules, instrument: str, seen: Iterable[str] = ()) -> None:
        self.specimens = by_id(specimens)
        self.rules = rules
        self.instrument = instrument
        self.seen = set(seen)
        self.standing = {
            (specimen.accession, test): standing
            for specimen in self.specimens.values()
            for test, standing in specimen.standing.items()
        }
        self.versions = {
            (specimen.accession, test): highest
            for specimen in self.specimens.values()
            for test, highest in specimen.versions.items()
        }

    def decide(self, lines: Sequence[Line]) -> list[Outcome]:
        """The outcome of every line, in their order."""
        strangers = self._mismatches(lines)
        found = [self._one(line, strangers.get(line.specimen_id, "")) for line in lines]
        # A conclusion may stand before the values it is computed from.
        for at, outcome in enumerate(found):
            if outcome.reason == "inputs_missing":
                found[at] = self._one(outcome.line, "")
        # Within a message it may still be answered; for the next one it was said.
        self.seen |= {
            one.line.fingerprint(one.reading) for one in found if one.reason == "inputs_missing" and one.reading
        }
        return found

    def _mismatches(self, lines: Sequence[Line]) -> dict[str, str]:
        """Specimens of which some line names somebody else: all their lines are held."""
        found: dict[str, str] = {}
        for line in lines:
            specimen = None if line.settled else self.specimens.get(line.specimen_id)
            if specimen and (wrong := disagreement(specimen.person, line.stated, self.rules)):
                found.setdefault(line.specimen_id, wrong)
        return found

    def _one(self, line: Line, mismatch: str) -> Outcome:
        usual = next(iter(line.readings.values()), None)
        specimen = self.specimens.get(line.specimen_id)
        if line.settled:
            known = "" if specimen is None or line.settled in NEVER_NEAR_A_PATIENT else specimen.accession
            return Outcome(line, line.settled, line.reason, known, usual)
        fault = self.rules.numbers.fault(line.specimen_id)
        if fault or specimen is None:
            return Outcome(line, "UNMATCHED_SPECIMEN", fault or "unknown_specimen", reading=usual)
        accession = specimen.accession
        tube = specimen.tubes.get(line.specimen_id, "")
        reading = line.readings.get(tube, line.readings.get("", usual))
        if mismatch:
            return Outcome(line, "IDENTITY_MISMATCH", mismatch, accession, reading)
        if reading is None:
            return Outcome(line, "UNMAPPED_CODE", "", accession)
        if reading.test not in specimen.tests:
            return Outcome(line, "NOT_ORDERED", "", accession, reading)
        if reading.state in CANNOT_BE_FILED:
            return Outcome(line, reading.state, reading.reason, accession, reading)
        return self._weigh(line, specimen, reading)

    def _weigh(self, line: Line, specimen: Specimen, reading: Reading) -> Outcome:
        """A readable answer to an order: the same again, too late, in conflict, one of two, or the one that counts."""
        value = reading.value
        assert value is not None
        accession, test = specimen.accession, specimen.tests[reading.test]
        fingerprint = line.fingerprint(reading)
        if fingerprint in self.seen and not line.chosen:
            return Outcome(line, "DUPLICATE", "", accession, reading)
        standing = self.standing.get((accession, reading.test))
        state, reason = ("FILED", "") if line.chosen else self._against(line, reading, standing)
        if state == "FILED" and test.inputs and not line.chosen:
            reason = self._recompute(accession, value, test)
            state = "CONFLICT" if reason else "FILED"
        if reason != "inputs_missing":
            self.seen.add(fingerprint)
        beside = test.is_critical(value) or self._is_critical_beside(accession, test, value)
        critical = state in {"FILED", "CANDIDATE"} and beside
        if state != "FILED":
            return Outcome(line, state, reason, accession, reading, critical)
        place, key = (accession, reading.test), uuid7()
        version = self.versions[place] = self.versions.get(place, 0) + 1
        self.standing[place] = Standing(
            value, reading.unit, line.status, line.run, line.observed_at, self.instrument, key
        )
        late, before = "order_entered_late" if line.late else "", standing.key if standing else None
        return Outcome(line, "FILED", late, accession, reading, critical, version, key, before)

    def _is_critical_beside(self, accession: str, test: TestRules, value: Value) -> bool:
        if not test.together:
            return False
        words = {other: one.value.coded for (number, other), one in self.standing.items() if number == accession}
        return test.is_critical_beside(value, words)

    def _against(self, line: Line, reading: Reading, standing: Standing | None) -> tuple[str, str]:
        if line.status == "W":
            return "CONFLICT", "withdrawn"
        if standing is None:
            return "FILED", ""
        if line.run != standing.run or self.instrument != standing.instrument:
            return "CANDIDATE", ""
        if self._is_late(line, standing):
            return "SUPERSEDED", "late_original"
        if line.status in {"C", "P"} or standing.status == "P":
            return "FILED", ""
        if (reading.value, reading.unit) == (standing.value, standing.unit):
            return "DUPLICATE", ""
        return ("CANDIDATE", "") if line.repeated else ("CONFLICT", "changed_without_correction")

    def _is_late(self, line: Line, standing: Standing) -> bool:
        """Whether this is the earlier version of what already stands, delivered after it."""
        ranks = {"P": 0, "F": 1, "C": 2}
        observed = line.observed_at is not None and standing.observed_at is not None
        if line.status == "F" and standing.status == "C":
            return not (observed and line.observed_at > standing.observed_at)
        if line.status == standing.status and line.status in {"P", "C"}:
            return observed and line.observed_at < standing.observed_at
        return ranks[line.status] < ranks[standing.status]

    def _recompute(self, accession: str, value: Value, test: TestRules) -> str:
        """Why a computed conclusion cannot be filed; "" when its inputs lead to the same one."""
        numbers = {}
        for name, key in test.inputs.items():
            standing = self.standing.get((accession, key))
            if standing is None or standing.value.number is None:
                return "inputs_missing"
            numbers[name] = standing.value.number
        return "" if quantiferon(**numbers).casefold() == value.coded.casefold() else "recomputation_disagrees"
