"""From the rows of a message to the lines that the laboratory takes: code map, value, unit. Nothing goes by name.

One row becomes one line. What is no result (control, calibration, pictures, raw rows) is marked so here.
"""

from dataclasses import dataclass

from lab_integration import values
from lab_integration.observations import Row
from lab_integration.profile import Entry, Profile
from lab_integration.values import Read, Test
from mhac.labs import services as labs

SHORT = 1000


@dataclass(frozen=True)
class Mapped:
    """A row with the line of the code map that was chosen for it, and how it reads by tube."""

    row: Row
    entry: Entry | None
    readings: dict[str, Read]
    settled: str
    reason: str

    @property
    def kind(self) -> str:
        return self.entry.kind if self.entry and self.row.kind == "result" else self.row.kind

    @property
    def as_sent(self) -> str:
        """The whole field as it stands; of a picture only what stands before its data. NUL is shown, not stored."""
        text = self.row.sent.whole
        if self.row.attachment is not None and len(text) > SHORT:
            text = text[:SHORT].rpartition("^")[0] + "^"
        return visible(text)

    def line(self, *, late: bool = False, chosen: bool = False) -> labs.Line:
        row = self.row
        return labs.Line(
            place=row.place,
            specimen_id=visible(row.specimen_id),
            stated=labs.Person(row.identity.birth_date, row.identity.sex, row.identity.initials),
            readings={tube: _reading(read) for tube, read in self.readings.items()},
            as_sent=self.as_sent,
            run=visible(row.run)[:20],
            kind=self.kind,
            status=row.status,
            repeated=row.repeated,
            observed_at=row.observed_at,
            flags=tuple(map(visible, row.sent.flags)),
            settled=self.settled,
            reason=self.reason,
            late=late,
            chosen=chosen,
        )


def visible(text: str) -> str:
    """Text that a database takes: NUL becomes the sign for it. The bytes of the message are kept elsewhere."""
    return text.replace("\x00", "␀")


def tests_of(profile: Profile) -> dict[str, Test]:
    """The tests of today's catalogue that the code map names, by key."""
    keys = {entry.test for entry in profile.code_map}
    keys |= {key for entry in profile.code_map for key in entry.test_by_tube.values()}
    return {key: Test(key, test.kind, test.unit, tuple(test.allowed)) for key, test in labs.tests_by_key(keys).items()}


def map_rows(rows: tuple[Row, ...], profile: Profile, tests: dict[str, Test] | None = None) -> list[Mapped]:
    """Every row with its meaning by the profile and `tests`; without them, by the catalogue of today."""
    tests = tests_of(profile) if tests is None else tests
    full = {_pair(row) for row in rows if values.has_value(row.sent)}
    return [_map(row, profile, tests, full) for row in rows]


def _pair(row: Row) -> tuple[str, str, str]:
    return row.specimen_id, row.code, row.run


def _map(row: Row, profile: Profile, tests: dict[str, Test], full: set[tuple[str, str, str]]) -> Mapped:
    entry = values.choose(profile.entries(row.code, row.system), row.sent, tests)
    readings = {}
    if entry is not None:
        for tube, key in {"": entry.test, **entry.test_by_tube}.items():
            if key in tests:
                readings[tube] = values.read(row.sent, entry, tests[key], profile)
    settled, reason = row.settled, row.reason
    if not settled and entry is not None and entry.settled:
        settled = "SUPPLEMENTAL"
    if not settled and row.status != "X" and not values.has_value(row.sent) and _pair(row) in full:
        settled, reason = "SUPPLEMENTAL", "empty_pair"
    return Mapped(row, entry, readings, settled, reason)


def _reading(read: Read) -> labs.Reading:
    found = read.value
    value = found and labs.Value(found.operator, found.number, visible(found.text), found.coded[:40], found.titre)
    return labs.Reading(read.test, value, read.unit, read.state, read.reason)
