"""Writes the page `docs/programmes.md` from the editions: `python -m mhac.protocols.describe > docs/programmes.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

from .conditions import CONDITIONS
from .programme import Edition, Programmes, Row, read_programmes
from .promise import PROMISED_WHEN
from .rules import rules
from .validity import COUNTED_FROM, VALID_WHEN

HEADS = ("rule", "item", "ages", "when", "accepts", "source", "certainty", "verified")
MANUAL = Path(__file__).parent / "how_to_add.md"


def page(programmes: Programmes) -> str:
    """The whole page: the manual, an overview, one section for each programme, the conditions, the rules."""
    lines = [MANUAL.read_text(encoding="utf-8").rstrip(), "", "## The programmes", ""]
    newest = [programmes.editions(key)[-1] for key in programmes]
    lines += _table(("programme", "status", "edition", "document"), map(_overview, newest))
    editions = (programmes.editions(key) for key in programmes)
    lines += [line for each in editions for line in ("", *_programme(each))]
    lines += ["", "## Conditions", ""]
    lines += _table(("name", "holds for"), ((f"`{name}`", _meaning(CONDITIONS, name)) for name in CONDITIONS))
    lines += ["", "## Rules of decision", ""]
    lines += _table(
        ("rule", "says", "source", "certainty", "verified"),
        ((f"`{rule.id}`", rule.says, rule.source, rule.certainty, _yes(rule.verified)) for rule in rules().values()),
    )
    return "\n".join(lines) + "\n"


def _overview(edition: Edition) -> tuple[str, ...]:
    since = f" since {edition.status_since}" if edition.status_since else ""
    return (f"{edition.name} (`{edition.programme}`)", edition.status + since, f"`{edition.key}`", edition.document)


def _programme(editions: tuple[Edition, ...]) -> Iterator[str]:
    *older, latest = editions
    yield f"## {latest.name} (`{latest.programme}`)"
    yield ""
    yield from _edition(latest)
    for edition, newer in reversed(list(zip(older, editions[1:], strict=True))):
        yield ""
        yield f"### Edition `{edition.key}`: {_begin(edition)}, until {newer.in_force - timedelta(days=1)}"
        yield ""
        yield from _difference(edition, newer)


def _begin(edition: Edition) -> str:
    return f"from {edition.in_force}" if edition.in_force.year > 1900 else "beginning not known"


def _edition(edition: Edition) -> Iterator[str]:
    confirmed = f"Confirmed by {edition.verified_by}" if edition.verified else "Not confirmed by a panel physician"
    yield f"- Edition `{edition.key}`, {_begin(edition)}. **{confirmed}.**"
    yield f"- Source: {edition.source}; read on {edition.read_on}."
    yield f"- {_status(edition)}"
    if edition.note:
        yield f"- {edition.note}"
    if edition.items_unknown:
        yield f"- **{edition.items_unknown}**"
    if edition.quarantinable:
        yield f"- A physician decides about: {', '.join(edition.quarantinable)} (`US-PHEIC`)."
    yield f"- Document: `{edition.document}`. {_reference(edition)}"
    asked = ", ".join(_words(question) for question in edition.questions)
    yield f"- Screening questions, part of the {_words(edition.screening_item)}: {asked}."
    for need in edition.needs:
        yield f"- Must be stated{_from_age(need.from_age)}: `{need.fact}` ({need.source})."
    yield from _terms(edition)
    yield ""
    yield "### What is asked, by age"
    yield ""
    yield "In completed years. ? is not verified; what is proposed waits for the partner's request or an order."
    yield ""
    yield from _by_age(edition)
    yield ""
    yield "### Why"
    yield ""
    yield from _table(HEADS, (_row(row) for row in (*edition.requires, *edition.proposes)))


def _terms(edition: Edition) -> Iterator[str]:
    for term in edition.validity:
        less = f" less {term.minus_days} day" if term.minus_days else ""
        when, start = _meaning(VALID_WHEN, term.when), _meaning(COUNTED_FROM, term.counted_from)
        yield (
            f"- Valid `{term.rule}` ({when}): {term.months} months{less}. Counted from: {start}."
            f" {term.source}; {term.certainty}, verified: {_yes(term.verified)}."
        )
    if not edition.validity:
        yield "- Valid: no last day is known for this programme."
    for fee in edition.fees:
        verified = _yes(fee.verified)
        ages = _ages(fee.from_age, fee.to_age)
        yield f"- Fee, ages {ages}: {fee.amount} {fee.currency} ({fee.source}; verified: {verified})."
    if not edition.fees:
        yield "- Fee: none published."
    for paper in edition.papers:
        ages = _ages(paper.from_age, paper.to_age)
        yield f"- To bring, ages {ages}: {_words(paper.paper)} ({paper.source}; verified: {_yes(paper.verified)})."
    if not edition.papers:
        yield "- To bring: no list of papers is known."
    for promise in edition.promises:
        days = f"{promise.days}" if promise.from_days == promise.days else f"{promise.from_days} to {promise.days}"
        yield (
            f"- Promised in {days} days after the examination ({_meaning(PROMISED_WHEN, promise.when)}):"
            f" {promise.source}; verified: {_yes(promise.verified)}."
        )


def _by_age(edition: Edition) -> Iterator[str]:
    """What everybody of an age undergoes, one column for each span; then what only some people do, and who."""
    begins = [0, *sorted(edition.age_limits)]
    spans = [(first, then - 1) for first, then in pairwise(begins)] + [(begins[-1], None)]
    always = [row for row in edition.requires if row.when == "always"]
    lines = []
    for item in dict.fromkeys(row.item for row in always):
        fitting = [[row for row in always if row.item == item and row.fits(first)] for first, _ in spans]
        accepts = next((_methods(row) for row in always if row.item == item), "")
        lines.append((_words(item) + accepts, *(_known(rows) for rows in fitting)))
    yield from _table(("everybody", *(_ages(*span) for span in spans)), lines)
    some = [(row, "asked for") for row in edition.requires if row.when != "always"]
    some += [(row, "proposed") for row in edition.proposes]
    yield ""
    yield from _table(("only some", "ages", "if", "then"), (_only(row, then) for row, then in some))


def _known(rows: list[Row]) -> str:
    if not rows:
        return ""
    return "yes" if any(row.verified for row in rows) else "yes ?"


def _methods(row: Row) -> str:
    return f" ({' or '.join(row.accepts)})" if row.accepts else ""


def _only(row: Row, then: str) -> tuple[str, ...]:
    mark = "" if row.verified else " ?"
    return (
        _words(row.item) + _methods(row),
        _ages(row.from_age, row.to_age),
        _meaning(CONDITIONS, row.when),
        then + mark,
    )


def _difference(edition: Edition, newer: Edition) -> Iterator[str]:
    """What an older edition asks that the next one does not, and the other way round."""
    before, after = (*edition.requires, *edition.proposes), (*newer.requires, *newer.proposes)
    lines = [("then", *_row(row)) for row in before if row not in after]
    lines += [("no longer", *_row(row)) for row in after if row not in before]
    what = {"then": "asked in this edition only", "no longer": f"asked only from `{newer.key}` on"}
    if edition.validity != newer.validity:
        yield from _terms(edition)
        yield ""
    if lines:
        yield f"Otherwise as `{newer.key}`:"
        yield ""
        yield from _table(("", *HEADS), ((what[first], *rest) for first, *rest in lines))
    else:
        yield f"As `{newer.key}`."


def _status(edition: Edition) -> str:
    said = f"Status: {edition.status}. {edition.status_note}".rstrip()
    if edition.status_since is None:
        return said
    mark = "verified" if edition.status_verified else "unverified"
    return f"{said} Since {edition.status_since} ({edition.status_source}; {mark})."


def _reference(edition: Edition) -> str:
    reference = edition.reference
    if not reference.name:
        return "No reference of a partner."
    needed = "needed to open a screening" if reference.needed else "optional"
    looks = f"; looks like `{reference.pattern}` ({'refused' if reference.hard else 'warned'} otherwise)"
    return f"Reference: {reference.name}, {needed}{looks if reference.pattern else ''}."


def _row(row: Row) -> tuple[str, ...]:
    return (
        f"`{row.rule}`",
        _words(row.item),
        _ages(row.from_age, row.to_age),
        "" if row.when == "always" else f"`{row.when}`",
        ", ".join(row.accepts),
        row.source,
        row.certainty,
        _yes(row.verified),
    )


def _words(code: str) -> str:
    return code.replace("_", " ")


def _ages(from_age: int, to_age: int | None) -> str:
    if to_age is None:
        return f"{from_age}+" if from_age else "all"
    return f"{from_age}-{to_age}"


def _from_age(age: int) -> str:
    return f" from {age} years" if age else ""


def _yes(value: bool) -> str:
    return "yes" if value else "no"


def _meaning(functions: Mapping[str, Callable[..., object]], name: str) -> str:
    return (functions[name].__doc__ or "").strip().rstrip(".")


def _table(heads: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> Iterator[str]:
    yield "| " + " | ".join(heads) + " |"
    yield "|" + " --- |" * len(heads)
    for row in rows:
        yield "| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |"


if __name__ == "__main__":
    sys.stdout.write(page(read_programmes()))
