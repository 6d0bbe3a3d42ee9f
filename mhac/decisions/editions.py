"""A newer edition of a screening's programme: who may move to it, and what it would change for this person.

A screening keeps the edition of the day it was opened. The difference is found by assessing the same facts twice.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.decisions import facts, ledger, words
from mhac.decisions.ledger import Entry, Ledger
from mhac.decisions.models import EditionChoice
from mhac.protocols.programme import Edition
from mhac.protocols.reading import Refused as NoEdition
from mhac.screenings.models import Screening
from mhac.screenings.programmes import programmes


@dataclass(frozen=True)
class Offer:
    """A newer edition is in force than the one an open screening follows. `declined`: who left it at that, or None."""

    screening: Screening
    now: Edition
    newer: Edition
    declined: EditionChoice | None


def newer(screening, *, on):
    """The edition in force on a day when it is newer than the one this open screening follows, else None."""
    if not screening.is_open:
        return None
    try:
        current = programmes().edition(screening.programme, on)
    except NoEdition:
        return None
    return current if current.in_force > programmes().by_key(screening.edition).in_force else None


def offer(screening, *, on):
    """The offer to one screening, or None."""
    return offers([screening], on=on).get(screening.pk)


def offers(screenings, *, on):
    """{key: Offer} of those screenings that a newer edition waits for; at most one query."""
    found = {each.pk: (each, edition) for each in screenings if (edition := newer(each, on=on)) is not None}
    choices = EditionChoice.objects.filter(screening__in=found, accepted=False).select_related("by").order_by("id")
    declined = {(each.screening_id, each.to_edition): each for each in choices} if found else {}
    return {
        key: Offer(screening, programmes().by_key(screening.edition), edition, declined.get((key, edition.key)))
        for key, (screening, edition) in found.items()
    }


def outdated(on):
    """The keys of all editions that are followed by a newer one on a day."""
    for programme in programmes():
        in_force = [edition for edition in programmes().editions(programme) if edition.in_force <= on]
        yield from (edition.key for edition in in_force[:-1])


# --- What would change ----------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ItemChange:
    """One item under both editions; None where an edition does not ask for it."""

    label: str
    before: Entry | None
    after: Entry | None

    @property
    def word(self):
        if self.before is None:
            return _("added")
        return _("dropped") if self.after is None else _("changed")

    @property
    def colour(self):
        return "amber" if self.before is None else "grey" if self.after is None else "blue"


@dataclass(frozen=True)
class Line:
    """One thing that reads differently: `rules` are those of `grounds.of` on each side, where there are some."""

    label: str
    before: str
    after: str
    rules_before: list
    rules_after: list


@dataclass(frozen=True)
class TableRow:
    """A row of an edition's table that only one of the two has, for the age of this person."""

    is_new: bool
    item: str
    rule: str
    ages: str
    when: str
    is_proposed: bool
    source: str
    verified: bool


@dataclass(frozen=True)
class Difference:
    before: Ledger
    after: Ledger
    items: tuple[ItemChange, ...]
    outcome: tuple[Line, ...]
    programme: tuple[Line, ...]
    rows: tuple[TableRow, ...]

    @property
    def is_empty(self):
        return not (self.items or self.outcome or self.programme or self.rows)


def difference(screening, edition, *, on):
    """What `edition` would change for one person: the facts of today under her own edition and under this one."""
    records = facts.records_of([screening])[screening.pk]
    before, after = ledger.of_records(records, on=on), ledger.of_records(records, on=on, edition=edition)
    ages = _ages(after, screening, on)
    return Difference(
        before=before,
        after=after,
        items=tuple(_items(before, after)),
        outcome=tuple(_outcome(before, after)),
        programme=tuple(_programme(before.edition, edition, ages)),
        rows=tuple(_rows(before.edition, edition, ages)),
    )


def _ages(found, screening, on):
    """The age the rules look at, or both ends of an uncertain one."""
    age = found.answer.get("age", screening.person.age_on(on))
    return age if isinstance(age, list) else [age]


def _items(before, after):
    had, has = ({entry.item: entry for entry in each.entries} for each in (before, after))
    for item in words.ITEMS:
        old, new = had.get(item), has.get(item)
        if (old or new) and (old is None or new is None or _told(old) != _told(new)):
            yield ItemChange(str(words.ITEMS[item]), old, new)


def _told(entry):
    """What a reader sees of an entry that a rule can change."""
    return (
        entry.group,
        entry.state,
        entry.reason,
        entry.not_before,
        entry.accepts,
        entry.rules,
        entry.source,
        entry.verified,
    )


OUTCOME = {
    "state": (gettext_lazy("Outcome"), lambda found: found.state_word),
    "classes": (gettext_lazy("Classes"), lambda found: _list(found.classes)),
    "options": (gettext_lazy("To choose from"), lambda found: _list(found.options)),
    "grade": (gettext_lazy("Grade"), lambda found: found.grade),
    "valid_until": (gettext_lazy("Valid until"), lambda found: found.valid_until and found.valid_until.isoformat()),
    "fit_to_travel": (gettext_lazy("Fit to travel"), lambda found: found.fitness),
    "remarks": (gettext_lazy("Remarks"), lambda found: _list(found.remarks)),
    "warnings": (gettext_lazy("Notes"), lambda found: _list(found.warnings)),
    "unknown": (gettext_lazy("Not asked yet"), lambda found: _list(sentence for _path, sentence in found.unknown)),
}


def _outcome(before, after):
    for part, (label, say) in OUTCOME.items():
        old, new = str(say(before) or ""), str(say(after) or "")
        rules = before.grounds.get(part, []), after.grounds.get(part, [])
        if old != new or rules[0] != rules[1]:
            yield Line(str(label), old, new, *rules)


def _programme(old, new, ages):
    """What an edition says besides its table. Names inside `practice` are the editions' own."""
    for label, say in (
        (_("Name"), lambda edition: edition.name),
        (_("Document"), lambda edition: edition.document),
        (_("Partner's reference"), _reference),
        (
            _("Screening questions"),
            lambda edition: _list(str(words.QUESTIONS[f"history.{q}"]) for q in edition.questions),
        ),
        (_("Must be stated"), lambda edition: _list(need.fact for need in edition.needs if max(ages) >= need.from_age)),
        (_("Validity"), lambda edition: "; ".join(_term(term) for term in edition.validity)),
        (_("Fee"), lambda edition: "; ".join(dict.fromkeys(_fee(edition, age) for age in ages))),
        (_("Confirmed by"), lambda edition: edition.verified_by),
        *((name, lambda edition, name=name: str(getattr(edition.practice, name))) for name in _practice(old)),
    ):
        if say(old) != say(new):
            yield Line(label, say(old), say(new), [], [])


def _practice(edition):
    return edition.practice.__dataclass_fields__


def _reference(edition):
    asked = edition.reference
    needed = _("needed") if asked.needed else _("not needed")
    return f"{asked.name}, {needed}, {asked.pattern}" if asked.name else ""


def _term(term):
    less = f" - {term.minus_days} d" if term.minus_days else ""
    months = _("%(months)s months") % {"months": term.months}
    return f"{term.rule}: {months}{less}, {term.when}, {term.counted_from} ({term.source})"


def _fee(edition, age):
    fitting = (fee for fee in edition.fees if fee.from_age <= age and (fee.to_age is None or age <= fee.to_age))
    return "; ".join(f"{fee.currency} {fee.amount} ({fee.source})" for fee in fitting)


def _rows(old, new, ages):
    had, has = ({(row, proposed) for row, proposed in _table(edition, ages)} for edition in (old, new))
    only = [(False, *each) for each in had - has] + [(True, *each) for each in has - had]
    for is_new, row, proposed in sorted(only, key=lambda each: (each[1].item, each[1].rule, each[0])):
        upper = "" if row.to_age is None else row.to_age
        yield TableRow(
            is_new=is_new,
            item=str(words.ITEMS[row.item]),
            rule=row.rule,
            ages=f"{row.from_age}–{upper}",
            when=row.when,
            is_proposed=proposed,
            source=row.source,
            verified=row.verified,
        )


def _table(edition, ages):
    rows = [(row, False) for row in edition.requires] + [(row, True) for row in edition.proposes]
    return ((row, proposed) for row, proposed in rows if any(row.fits(age) for age in ages))


def _list(texts):
    return _(", ").join(str(text) for text in texts)
