"""What the codes of an analyzer are here: those that came unmapped, what fits them and why, and what was chosen."""

import re
from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.translation import gettext as _

from lab_integration import drafts, hearing, units, values
from lab_integration.hearing import Seen
from lab_integration.models import Analyzer
from lab_integration.profile import Entry, Profile
from mhac.labs import services as labs

RESULT, BESIDE = "result", "supplemental"
FAILURE = "(failed run)"  # what a word means that says so; no test has such a value
NO_TEST = "-"
MEASURED = {"numeric", "titre"}


@dataclass(frozen=True)
class Suggestion:
    test: str
    why: str


@dataclass(frozen=True)
class Choice:
    """What a person says a code is. `words`: a value as sent -> one of the test's, or FAILURE."""

    code: str
    system: str = ""
    unit: str = ""
    what: str = ""  # "", RESULT or BESIDE
    test: str = ""
    factor: Decimal | None = None
    words: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Line:
    """A code as it came, what it is by the profile, what it may be, and how its values read."""

    seen: Seen
    choice: Choice
    suggestion: Suggestion | None
    readings: list[tuple[str, str, str]]  # as sent, as read, what is wrong with it (a reason of `words.REASONS`)


def lines(analyzer: Analyzer, profile: Profile, asked: str = "") -> list[Line]:
    """Every code of the newest messages: the one `asked` for, then those that nobody decided, then by how often."""
    tests = labs.tests_by_key()
    heard = hearing.of_analyzer(analyzer, profile, hearing.LOOKED_AT)
    found = [_line(seen, profile, tests) for seen in hearing.codes_seen(heard)]
    first = {line.seen.key for line in found if asked and line.seen.code == asked}
    return sorted(
        found, key=lambda line: (line.seen.key not in first, bool(line.choice.what), -line.seen.count, line.seen.key)
    )


def _line(seen: Seen, profile: Profile, tests: dict[str, Any]) -> Line:
    known = {key: values.Test(key, test.kind, test.unit, tuple(test.allowed)) for key, test in tests.items()}
    entry = _entry(seen, profile, known)
    choice = _choice(seen, entry)
    suggestion = suggest(seen, tests) if entry is None else None
    readings = []
    if entry is not None and entry.test in known and not entry.settled:
        reads = [(row, values.read(row.sent, entry, known[entry.test], profile)) for row in seen.rows]
        readings = [(row.sent.text.strip(), _shown(read), read.reason or read.state) for row, read in reads]
    return Line(seen, choice, suggestion, readings)


def _entry(seen: Seen, profile: Profile, tests: dict[str, values.Test]) -> Entry | None:
    found = profile.entries(seen.code, seen.system)
    sent = seen.rows[0].sent if seen.rows else values.Sent("", "", (), "", seen.unit, (), "", "F")
    entry = values.choose(found, sent, tests)
    if entry is None or entry.settled or entry.test not in tests or tests[entry.test].kind not in MEASURED:
        return entry
    wanted = entry.units if entry.units is not None else (tests[entry.test].unit,)
    return entry if values.unit_is(seen.unit, wanted) else None


def _choice(seen: Seen, entry: Entry | None) -> Choice:
    if entry is None:
        return Choice(seen.code, seen.system, seen.unit)
    what = BESIDE if entry.settled else RESULT
    words = {**entry.value_map, **dict.fromkeys(entry.run_failure_values, FAILURE)}
    test = "" if entry.test == NO_TEST else entry.test
    return Choice(seen.code, seen.system, seen.unit, what, test, entry.factor, words)


def _shown(read: values.Read) -> str:
    value = read.value
    if value is None:
        return ""
    number = format(value.number.normalize(), "f") if value.number is not None else ""
    titre = f"1:{value.titre}" if value.titre else ""
    return f"{value.operator}{number}{titre}{value.coded}{value.text} {read.unit if number else ''}".strip()


def _plain(text: str) -> str:
    return re.sub("[^0-9a-z]", "", text.casefold())


def _words(text: str) -> set[str]:
    return {word for word in re.split("[^0-9a-z]+", text.casefold()) if len(word) > 2}


def _like(seen: Seen, tests: dict[str, Any]) -> str:
    """The only test whose name shares a first word with the code's name, where its unit does not contradict."""
    said = _words(f"{seen.code} {seen.name}")
    found = []
    for test in tests.values():
        first = next((word for word in re.split("[^0-9a-z]+", test.name.casefold()) if len(word) > 2), "")
        known, wanted = units.measure(seen.unit), units.measure(test.unit)
        if first in said and (known is None or wanted is None or known[0] == wanted[0]):
            found.append(test.key)
    return found[0] if len(found) == 1 else ""


def suggest(seen: Seen, tests: dict[str, Any]) -> Suggestion | None:
    """The test that this code may be, and why: its LOINC code, its name, a like name, or the only such unit."""
    for test in tests.values():
        if test.loinc and seen.code == test.loinc:
            return Suggestion(test.key, _("Its code is the LOINC code of this test."))
    names = {_plain(name) for name in (seen.code, seen.name, *seen.code.split("^")) if _plain(name)}
    for test in tests.values():
        if names & {_plain(test.key), _plain(test.name)}:
            return Suggestion(test.key, _("It has the name of this test."))
    if like := _like(seen, tests):
        return Suggestion(like, _("Its name is like that of this test."))
    if seen.unit:
        fitting = [test for test in tests.values() if test.unit and units.factor(seen.unit, test.unit) is not None]
        if len(fitting) == 1:
            return Suggestion(fitting[0].key, _("Only this test is measured in such a unit."))
    return None


def fault(choice: Choice, tests: dict[str, Any]) -> str:
    """Why a choice cannot stand, in a sentence; "" when it can."""
    if choice.what != RESULT:
        return ""
    test = tests.get(choice.test)
    if test is None:
        return _("There is no such test in the catalogue. Choose one from the list.")
    wrong = [word for word in choice.words.values() if word != FAILURE and word not in test.allowed]
    if wrong:
        return _("%(word)s is no value of %(test)s. Choose one of its values.") % {"word": wrong[0], "test": test.name}
    if test.kind not in MEASURED or (not test.unit and not choice.unit):
        return ""
    return _unit_fault(choice, test)


def _unit_fault(choice: Choice, test: Any) -> str:
    rule = units.factor(choice.unit, test.unit)
    about = {"sent": choice.unit, "unit": test.unit, "test": test.name}
    if rule is not None and choice.factor not in (None, rule):
        about["rule"] = format(rule, "f")
        return _("%(sent)s becomes %(unit)s by the factor %(rule)s and no other. Leave the factor empty.") % about
    if rule is not None or choice.factor is not None:
        return ""
    if not choice.unit:
        return (
            _("No unit was sent. If the analyzer measures in %(unit)s, write the factor 1; else set its unit there.")
            % about
        )
    return (
        _(
            "No rule turns %(sent)s into %(unit)s, the unit of %(test)s. Choose another test, set the unit at the "
            "analyzer, or write the factor that the laboratory has confirmed."
        )
        % about
    )


def factor(text: str) -> Decimal | None:
    """A factor as typed; None for an empty one. ValueError with a sentence."""
    if not text.strip():
        return None
    try:
        found = Decimal(text.strip())
    except InvalidOperation:
        found = Decimal(0)
    if not found.is_finite() or found <= 0:
        raise ValueError(_("A factor is a number greater than 0, with a point: 0.1"))
    return found


def changed(profile: dict[str, Any], choices: Iterable[Choice], tests: dict[str, Any]) -> dict[str, Any]:
    """`profile` with what was chosen; the other lines of its code map stay where they are."""
    entries = [dict(entry) for entry in profile.get("code_map", [])]
    for choice in choices:
        entries = _put(entries, choice, _written(choice, tests))
    return {**profile, "code_map": entries}


def _put(entries: list[dict[str, Any]], choice: Choice, fresh: dict[str, Any] | None) -> list[dict[str, Any]]:
    found, at = [], None
    for entry in entries:
        rest = _without(entry, choice)
        if rest is not entry and at is None:
            at = len(found)
        if rest is not None:
            found.append(rest)
    if fresh is not None:
        found.insert(len(found) if at is None else at, fresh)
    return found


def _without(entry: dict[str, Any], choice: Choice) -> dict[str, Any] | None:
    """`entry` as it stands once `choice` speaks for its code: itself, with a unit less, or gone."""
    if entry["code"] != choice.code or entry.get("system", "") not in ("", choice.system):
        return entry
    if isinstance(entry.get("unit"), list):
        rest = [unit for unit in entry["unit"] if unit != choice.unit]
        if rest == entry["unit"]:
            return entry
        return {**entry, "unit": rest} if rest else None
    return None if entry.get("unit", choice.unit) == choice.unit else entry


def _written(choice: Choice, tests: dict[str, Any]) -> dict[str, Any] | None:
    """A line of the code map as JSON; None when nothing was decided."""
    if not choice.what:
        return None
    entry: dict[str, Any] = {"code": choice.code, "test": choice.test or NO_TEST}
    if choice.system:
        entry["system"] = choice.system
    if choice.what == BESIDE:
        return entry | {"supplemental": True}
    test = tests[choice.test]
    if test.kind in MEASURED:
        if choice.unit or test.unit:
            entry["unit"] = choice.unit
        found = units.factor(choice.unit, test.unit) if choice.factor is None else choice.factor
        if found not in (None, 1):
            entry["factor"] = format(found, "f")
    if meanings := {said: word for said, word in choice.words.items() if word != FAILURE}:
        entry["value_map"] = meanings
    if failures := [said for said, word in choice.words.items() if word == FAILURE]:
        entry["run_failure_values"] = failures
    return entry


def open_questions(analyzer: Analyzer, profile: Profile) -> list[str]:
    """What came and cannot be filed with `profile`, and what in it names nothing; a sentence each."""
    found = []
    tests = labs.tests_by_key()
    for entry in profile.code_map:
        unknown = {entry.test, *entry.test_by_tube.values()} - tests.keys()
        if unknown and not entry.settled:
            about = {"code": entry.code, "test": ", ".join(sorted(unknown))}
            found.append(_("%(code)s is mapped to %(test)s, which is not in the catalogue.") % about)
    for line in lines(analyzer, profile):
        about = {"code": line.seen.code, "unit": line.seen.unit or "–", "count": line.seen.count}
        if not line.choice.what:
            found.append(_("%(code)s (%(unit)s) came %(count)s times and is not mapped.") % about)
        bad = [(sent, reason) for sent, _read, reason in line.readings if reason and reason != "RUN_FAILURE"]
        if bad:
            found.append(_("%(code)s: the value %(value)s cannot be read.") % {**about, "value": bad[0][0]})
    return found


def save(analyzer: Analyzer, choices: Iterable[Choice], *, by: Any, revision: int) -> Any:
    """Write what was chosen into the draft. Raises drafts.Refused."""
    draft = drafts.of(analyzer)
    profile = changed(draft.profile if draft else analyzer.profile, choices, labs.tests_by_key())
    return drafts.save(analyzer, profile, by=by, revision=revision)
