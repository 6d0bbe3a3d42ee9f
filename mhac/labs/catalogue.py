"""The catalogue as a file: reading it, and making it true in the database.

Tests, limits and the few rules that hang on them (series, reflex tests) are values in `catalogue.toml`. A limit that
the laboratory director has confirmed (`limits_verified`) is his: loading the file again leaves it alone.
"""

import tomllib
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path

from django.db import transaction
from simple_history.utils import bulk_create_with_history

FILE = Path(__file__).with_name("catalogue.toml")

# The columns of a range, in the order in which it is compared.
RANGE = ("sex", "from_days", "to_days", "low", "high", "pregnant")


@dataclass(frozen=True)
class Series:
    """How many specimens an item takes and which tests are made on the first alone."""

    specimens: int = 1
    first_only: tuple[str, ...] = ()


@dataclass(frozen=True)
class Follows:
    """A test that hangs on verified values of others: each test of `when` must have one of its words."""

    test: str
    when: dict

    def holds(self, words: dict) -> bool:
        """`words`: test -> verified coded value."""
        return all(words.get(test) in wanted for test, wanted in self.when.items())


@dataclass(frozen=True)
class AtAge:
    """Critical limits that hold in place of the test's own at an age in completed days, both ends included."""

    test: str
    from_days: int
    to_days: int
    low: Decimal | None
    high: Decimal | None


@dataclass(frozen=True)
class Catalogue:
    """The whole file. `tests`: key -> its table as written; `handling`: tube -> what to mind when it is taken;
    `isolate_items` are tested on what an earlier specimen grew; `critical_together`: tests with the words that are
    critical together; `growing`: culture -> medium -> days after which it is negative."""

    source: str
    tests: dict
    series: dict
    handling: dict
    isolate_items: frozenset
    isolate_grew: dict
    reflex: tuple[Follows, ...]
    left_out: tuple[Follows, ...]
    next_specimen: tuple[Follows, ...]
    critical_at_age: tuple[AtAge, ...] = ()
    critical_together: tuple[dict, ...] = ()
    growing: dict = field(default_factory=dict)

    def series_of(self, item):
        return self.series.get(item, Series())

    def at_age(self, test):
        return tuple(each for each in self.critical_at_age if each.test == test)

    def together_with(self, test):
        """Every combination in which this test may be critical: test -> words, this one among them."""
        return tuple(each for each in self.critical_together if test in each)


def read(text: str) -> Catalogue:
    """The catalogue written in `text` (TOML), numbers as decimals. KeyError or TypeError for a file that is not one."""
    table = tomllib.loads(text, parse_float=Decimal)

    def follows(name):
        return tuple(Follows(row["test"], row["when"]) for row in table.get(name, []))

    return Catalogue(
        source=table["source"],
        tests=table["test"],
        series={
            item: Series(row["specimens"], tuple(row.get("first_only", ())))
            for item, row in table.get("series", {}).items()
        },
        handling=table.get("handling", {}),
        isolate_items=frozenset(table.get("isolate", {}).get("items", ())),
        isolate_grew=table.get("isolate", {}).get("grew", {}),
        reflex=follows("reflex"),
        left_out=follows("left_out"),
        next_specimen=follows("next_specimen"),
        critical_at_age=tuple(
            AtAge(row["test"], row["from_days"], row["to_days"], _decimal(row.get("low")), _decimal(row.get("high")))
            for row in table.get("critical_at_age", [])
        ),
        critical_together=tuple(
            {test: frozenset(allowed) for test, allowed in row.items()} for row in table.get("critical_together", [])
        ),
        growing=table.get("growing", {}),
    )


@cache
def catalogue() -> Catalogue:
    """The catalogue that came with the program."""
    return read(FILE.read_text(encoding="utf-8"))


def _columns(position, row, source):
    """What a test always takes from the file."""
    return {
        "name": row["name"],
        "loinc": row.get("loinc", ""),
        "unit": row.get("unit", ""),
        "kind": row["kind"],
        "decimals": row.get("decimals", 0),
        "allowed": row.get("allowed", []),
        "tube": row["tube"],
        "items": row.get("items", []),
        "position": position,
        "advice": row.get("advice", ""),
        "turnaround_hours": row.get("turnaround_hours"),
        "in_laboratory_hours": row.get("in_laboratory_hours"),
        "told_in_person": row.get("told_in_person", False),
        "computed_from": row.get("computed_from", {}),
        "source": source,
        "verified": row.get("seen", False),
    }


def _limits(row):
    """What is the director's to change: taken from the file until he has confirmed it."""
    critical, possible = row.get("critical", {}), row.get("possible", {})
    return {
        "normal": row.get("normal", []),
        "critical_low": _decimal(critical.get("low")),
        "critical_high": _decimal(critical.get("high")),
        "critical_values": row.get("critical_values", []),
        "possible_low": _decimal(possible.get("low")),
        "possible_high": _decimal(possible.get("high")),
        "verifier": row.get("verifier", "another"),
    }


def _decimal(value):
    return None if value is None else Decimal(value)


def _ranges(row):
    return {
        (
            each.get("sex", ""),
            each.get("from_days", 0),
            each.get("to_days", 54787),
            _decimal(each.get("low")),
            _decimal(each.get("high")),
            each.get("pregnant", False),
        )
        for each in row.get("ranges", [])
    }


@transaction.atomic
def load(found: Catalogue | None = None) -> int:
    """Make the database hold this catalogue; how many tests were new or changed. A second run changes nothing."""
    from mhac.labs.models import ReferenceRange, Test

    found = found or catalogue()
    stored = {test.key: test for test in Test.objects.select_for_update().prefetch_related("ranges")}
    changed, new_tests, new_ranges = 0, [], []
    for position, (key, row) in enumerate(found.tests.items(), 1):
        test = stored.get(key) or Test(key=key)
        wanted = _columns(position * 10, row, found.source)
        if not test.limits_verified:
            wanted |= _limits(row)
        different = [name for name, value in wanted.items() if getattr(test, name) != value]
        for name in different:
            setattr(test, name, wanted[name])
        if key not in stored:
            new_tests.append(test)
        elif different:
            test.save()
        kept = test.ranges.all() if key in stored else ()
        ranges = {(r.sex, r.from_days, r.to_days, r.low, r.high, r.pregnant): r for r in kept}
        if not test.limits_verified and ranges.keys() != _ranges(row):
            different.append("ranges")
            for limits in ranges.keys() - _ranges(row):
                ranges[limits].delete()
            for limits in sorted(_ranges(row) - ranges.keys(), key=str):
                new_ranges.append(ReferenceRange(test=test, **dict(zip(RANGE, limits, strict=True))))
        changed += bool(different)
    bulk_create_with_history(new_tests, Test)
    bulk_create_with_history(new_ranges, ReferenceRange)
    return changed
