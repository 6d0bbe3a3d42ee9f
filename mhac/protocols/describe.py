"""Writes the page `docs/programmes.md` from the editions: `python -m mhac.protocols.describe > docs/programmes.md`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path

from .conditions import CONDITIONS
from .programme import Edition, Programmes, Row, read_programmes
from .promise import PROMISED_WHEN
from .rules import rules
from .validity import COUNTED_FROM, VALID_WHEN

MANUAL = Path(__file__).parent / "how_to_add.md"


def page(programmes: Programmes) -> str:
    """The whole page: the manual, the conditions, one section for each programme."""
    lines = [MANUAL.read_text(encoding="utf-8").rstrip(), "", "## Conditions", ""]
    lines += _table(("name", "holds for"), ((f"`{name}`", _meaning(CONDITIONS, name)) for name in CONDITIONS))
    lines += ["", "## Rules of decision", ""]
    lines += _table(
        ("rule", "says", "source", "certainty", "verified"),
        ((f"`{rule.id}`", rule.says, rule.source, rule.certainty, _yes(rule.verified)) for rule in rules().values()),
    )
    editions = (programmes.editions(key) for key in programmes)
    lines += [line for each in editions for line in ("", *_programme(each))]
    return "\n".join(lines) + "\n"


def _programme(editions: tuple[Edition, ...]) -> Iterator[str]:
    latest = editions[-1]
    yield f"## {latest.name} (`{latest.programme}`)"
    for edition in reversed(editions):
        yield ""
        yield from _edition(edition)


def _edition(edition: Edition) -> Iterator[str]:
    begin = f"from {edition.in_force}" if edition.in_force.year > 1900 else "beginning not known"
    confirmed = f"confirmed by {edition.verified_by}" if edition.verified else "not confirmed by a panel physician"
    yield f"### Edition `{edition.key}`: {begin}, {confirmed}"
    yield ""
    yield f"Source: {edition.source}; read on {edition.read_on}."
    yield _status(edition)
    if edition.note:
        yield edition.note
    yield f"Document: `{edition.document}`. {_reference(edition)}"
    yield f"Screening questions (`{edition.screening_item}`): {', '.join(edition.questions)}."
    for need in edition.needs:
        yield f"Must be stated{_from_age(need.from_age)}: `{need.fact}` ({need.source})."
    yield ""
    heads = ("rule", "item", "ages", "when", "accepts", "source", "certainty", "verified")
    yield from _table(heads, (_row(row) for row in edition.requires))
    if edition.proposes:
        yield ""
        yield "Proposed, until the partner requests it or a physician orders it:"
        yield ""
        yield from _table(heads, (_row(row) for row in edition.proposes))
    for term in edition.validity:
        less = f" less {term.minus_days} day" if term.minus_days else ""
        when, start = _meaning(VALID_WHEN, term.when), _meaning(COUNTED_FROM, term.counted_from)
        yield ""
        yield (
            f"Valid `{term.rule}` ({when}): {term.months} months{less}. Counted from: {start}."
            f" {term.source}; {term.certainty}, verified: {_yes(term.verified)}."
        )
    for fee in edition.fees:
        yield ""
        yield f"Fee, ages {_ages(fee.from_age, fee.to_age)}: {fee.amount} {fee.currency} ({fee.source})."
    for promise in edition.promises:
        days = f"{promise.days}" if promise.from_days == promise.days else f"{promise.from_days} to {promise.days}"
        yield ""
        yield (
            f"Promised in {days} days after the examination ({_meaning(PROMISED_WHEN, promise.when)}):"
            f" {promise.source}; verified: {_yes(promise.verified)}."
        )


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
        row.item,
        _ages(row.from_age, row.to_age),
        "" if row.when == "always" else f"`{row.when}`",
        ", ".join(row.accepts),
        row.source,
        row.certainty,
        _yes(row.verified),
    )


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
