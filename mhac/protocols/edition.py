"""One edition of a programme as frozen values, and how they are read from the keys and tables of its file."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from . import vocabulary
from .conditions import CONDITIONS
from .promise import PROMISED_WHEN, Promise
from .reading import Box, Refused, each, flag, number, one_of, set_of, shown, text, whole
from .validity import COUNTED_FROM, VALID_WHEN

STATUSES = ("open", "limited", "paused", "closed", "legacy")
DOCUMENTS = ("none", "ime_summary", "tb_clearance", "fit_to_travel")
CERTAINTIES = ("H", "M", "L")
# The day on which the age of a fee counts: when the screening was opened, or when the fee is first asked for.
FEE_AGE_ON = ("opened", "asked")
NEEDED_FACTS = ("tb_incidence_per_100k", "history.polio_area_stay_days")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a programme's table: an item, the ages (completed years, both included) and the condition."""

    item: str
    rule: str
    source: str
    certainty: str
    verified: bool
    from_age: int = 0
    to_age: int | None = None
    when: str = "always"
    accepts: tuple[str, ...] = ()

    def fits(self, age: int) -> bool:
        return self.from_age <= age and (self.to_age is None or age <= self.to_age)


@dataclass(frozen=True, slots=True)
class Need:
    """A fact that must be stated from this age on, whatever else is asked."""

    fact: str
    from_age: int
    source: str


@dataclass(frozen=True, slots=True)
class Term:
    """How long a result is valid: calendar months, less some days, counted from a named day."""

    rule: str
    when: str
    months: int
    counted_from: str
    source: str
    certainty: str
    verified: bool
    minus_days: int = 0


@dataclass(frozen=True, slots=True)
class Fee:
    from_age: int
    to_age: int | None
    amount: Decimal
    currency: str
    source: str
    verified: bool
    age_on: str = "opened"

    def fits(self, age: int) -> bool:
        return self.from_age <= age and (self.to_age is None or age <= self.to_age)


@dataclass(frozen=True, slots=True)
class Paper:
    """What somebody of these ages (completed years, both included) is asked to bring."""

    paper: str
    source: str
    verified: bool
    from_age: int = 0
    to_age: int | None = None

    def fits(self, age: int) -> bool:
        return self.from_age <= age and (self.to_age is None or age <= self.to_age)


@dataclass(frozen=True, slots=True)
class Reference:
    """The partner's reference of a case: its name, whether a screening needs it, how it usually looks.

    `hard` says that another look is refused; otherwise it is only a warning.
    """

    name: str
    needed: bool
    pattern: str
    hard: bool
    source: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Practice:
    """What differs between programmes inside a decision; each value is a row of rules, section 3."""

    us_classes: bool
    film_in_pregnancy: str
    molecular_on_first: bool
    live_vaccine_wait: bool
    earlier_positive_counts: bool
    syphilis: str
    vaccination: str
    presumptive_treatment: bool
    presumptive_tb_remark: bool
    grade: bool


@dataclass(frozen=True, slots=True)
class Edition:
    """One edition of a programme. Frozen once used: a change is a new file with its own `in_force`.

    `status` is what was published when the file was read, with its day and source; a site's own state stands elsewhere.
    `items_unknown`: a sentence when no source says what the partner asks for; a physician then decides (`LIST-1`).
    `quarantinable`: names of diseases that a physician decides about (`US-PHEIC`); empty: the clause is off.
    """

    key: str
    programme: str
    name: str
    in_force: date
    read_on: date
    source: str
    verified_by: str
    verified_on: str
    status: str
    status_note: str
    status_since: date | None
    status_source: str
    status_verified: bool
    document: str
    note: str
    items_unknown: str
    quarantinable: tuple[str, ...]
    reference: Reference
    screening_item: str
    questions: tuple[str, ...]
    practice: Practice
    needs: tuple[Need, ...]
    requires: tuple[Row, ...]
    proposes: tuple[Row, ...]
    validity: tuple[Term, ...]
    fees: tuple[Fee, ...]
    promises: tuple[Promise, ...] = ()
    papers: tuple[Paper, ...] = ()

    @property
    def verified(self) -> bool:
        """Whether a named panel physician has confirmed the whole edition."""
        return bool(self.verified_by)

    @property
    def age_limits(self) -> frozenset[int]:
        """The ages at which a row of the table begins or ends to apply."""
        rows = (*self.requires, *self.proposes)
        begins = {row.from_age for row in rows if row.from_age > 0}
        return frozenset(begins | {row.to_age + 1 for row in rows if row.to_age is not None})

    def accepts(self, item: str, age: int) -> frozenset[str]:
        """The methods that the rows of this item accept at this age, whether or not they ask for it now."""
        rows = [row for row in self.requires if row.item == item and row.accepts]
        at_age = [frozenset(row.accepts) for row in rows if row.fits(age)]
        if at_age:
            return frozenset.intersection(*at_age)
        named = frozenset(method for row in rows for method in row.accepts)
        return named or frozenset(vocabulary.ACCEPTS.get(item, ()))


def edition_of(values: dict[str, object], stem: str) -> Edition:
    """The values of one file called `stem`. Raises `Refused` with the path of the first fault."""
    box = Box(
        values,
        "",
        {
            "edition",
            "programme",
            "name",
            "in_force",
            "read_on",
            "source",
            "verified_by",
            "verified_on",
            "status",
            "status_note",
            "status_since",
            "status_source",
            "status_verified",
            "document",
            "note",
            "items_unknown",
            "quarantinable",
            "reference",
            "screening",
            "practice",
            "needs",
            "requires",
            "proposes",
            "validity",
            "fees",
            "promise",
            "papers",
        },
    )
    key = box.needed("edition", text)
    if key != stem:
        raise Refused("edition", f"The edition is called {shown(key)} and its file '{stem}.toml'. Use one name.")
    status = box.needed("status", one_of(STATUSES))
    if status != "open":
        for needed in ("status_since", "status_source"):
            if not box.has(needed):
                raise Refused(needed, f"The status is '{status}': since which day, and who says so? State '{needed}'.")
    screening = Box(box.needed("screening", _as_is), "screening", {"item", "questions"})
    return Edition(
        key=key,
        programme=box.needed("programme", text),
        name=box.needed("name", text),
        in_force=box.needed("in_force", _toml_day),
        read_on=box.needed("read_on", _toml_day),
        source=box.needed("source", text),
        verified_by=box.needed("verified_by", _any_text),
        verified_on=box.given("verified_on", _any_text) or "",
        status=status,
        status_note=box.given("status_note", _any_text) or "",
        status_since=box.given("status_since", _toml_day),
        status_source=box.given("status_source", _any_text) or "",
        status_verified=box.given("status_verified", flag) or False,
        document=box.needed("document", one_of(DOCUMENTS)),
        note=box.given("note", _any_text) or "",
        items_unknown=box.given("items_unknown", text) or "",
        quarantinable=box.given("quarantinable", each(text)) or (),
        reference=box.needed("reference", _reference),
        screening_item=screening.needed("item", one_of(("history", "symptom_screen"))),
        questions=screening.needed("questions", each(one_of(vocabulary.SCREENING_QUESTIONS))),
        practice=box.needed("practice", _practice),
        needs=box.given("needs", each(_need)) or (),
        requires=box.needed("requires", each(_row)),
        proposes=box.given("proposes", each(_row)) or (),
        validity=box.given("validity", each(_term)) or (),
        fees=box.given("fees", each(_fee)) or (),
        promises=box.given("promise", each(_promise)) or (),
        papers=box.given("papers", each(_paper)) or (),
    )


def _as_is(value: object, path: str) -> object:
    return value


def _any_text(value: object, path: str) -> str:
    if not isinstance(value, str):
        raise Refused(path, f"Expected text, found {shown(value)}.")
    return value


def _toml_day(value: object, path: str) -> date:
    if not isinstance(value, date) or isinstance(value, datetime):
        raise Refused(path, f"Expected a day without quotation marks, as in 2026-11-21, found {shown(value)}.")
    return value


def _ages(box: Box) -> tuple[int, int | None]:
    from_age, to_age = box.given("from_age", whole(0, 120)) or 0, box.given("to_age", whole(0, 120))
    if to_age is not None and to_age < from_age:
        raise Refused(box.at("to_age"), f"The ages end at {to_age}, before they begin at {from_age}.")
    return from_age, to_age


def _row(value: object, path: str) -> Row:
    box = Box(value, path, {"item", "rule", "from_age", "to_age", "when", "accepts", "verified", "source", "certainty"})
    item = box.needed("item", one_of(vocabulary.ITEMS))
    from_age, to_age = _ages(box)
    methods = vocabulary.ACCEPTS.get(item, ())
    accepts = box.given("accepts", set_of(methods)) or frozenset()
    if methods and not accepts:
        raise Refused(box.at("accepts"), f"The item '{item}' needs accepts: which of {', '.join(methods)}.")
    return Row(
        item=item,
        rule=box.needed("rule", text),
        source=box.needed("source", text),
        certainty=box.needed("certainty", one_of(CERTAINTIES)),
        verified=box.needed("verified", flag),
        from_age=from_age,
        to_age=to_age,
        when=box.needed("when", one_of(tuple(CONDITIONS))),
        accepts=tuple(method for method in methods if method in accepts),
    )


def _need(value: object, path: str) -> Need:
    box = Box(value, path, {"fact", "from_age", "source"})
    return Need(
        box.needed("fact", one_of(NEEDED_FACTS)),
        box.given("from_age", whole(0, 120)) or 0,
        box.needed("source", text),
    )


def _term(value: object, path: str) -> Term:
    box = Box(value, path, {"rule", "when", "months", "minus_days", "from", "source", "certainty", "verified"})
    return Term(
        rule=box.needed("rule", text),
        when=box.needed("when", one_of(tuple(VALID_WHEN))),
        months=box.needed("months", whole(1, 120)),
        counted_from=box.needed("from", one_of(tuple(COUNTED_FROM))),
        source=box.needed("source", text),
        certainty=box.needed("certainty", one_of(CERTAINTIES)),
        verified=box.needed("verified", flag),
        minus_days=box.given("minus_days", whole(0, 31)) or 0,
    )


def _fee(value: object, path: str) -> Fee:
    box = Box(value, path, {"from_age", "to_age", "amount", "currency", "source", "verified", "age_on"})
    from_age, to_age = _ages(box)
    return Fee(
        from_age,
        to_age,
        box.needed("amount", number(0)),
        box.needed("currency", text),
        box.needed("source", text),
        box.needed("verified", flag),
        box.given("age_on", one_of(FEE_AGE_ON)) or "opened",
    )


def _paper(value: object, path: str) -> Paper:
    box = Box(value, path, {"paper", "from_age", "to_age", "source", "verified"})
    from_age, to_age = _ages(box)
    return Paper(
        paper=box.needed("paper", one_of(vocabulary.PAPERS)),
        source=box.needed("source", text),
        verified=box.needed("verified", flag),
        from_age=from_age,
        to_age=to_age,
    )


def _promise(value: object, path: str) -> Promise:
    """Hours are counted as whole days of the calendar: nobody telephones about the minute."""
    box = Box(value, path, {"when", "hours", "from_weeks", "weeks", "source", "verified"})
    hours, weeks = box.given("hours", whole(1, 24 * 366)), box.given("weeks", whole(1, 104))
    if (hours is None) == (weeks is None):
        raise Refused(path, "A promise needs either hours or weeks. Write one of them.")
    days = -(-hours // 24) if hours is not None else (weeks or 0) * 7
    from_weeks = box.given("from_weeks", whole(1, 104))
    if from_weeks is not None and from_weeks * 7 > days:
        raise Refused(box.at("from_weeks"), f"The promise begins after {from_weeks} weeks and ends before them.")
    return Promise(
        when=box.needed("when", one_of(tuple(PROMISED_WHEN))),
        from_days=days if from_weeks is None else from_weeks * 7,
        days=days,
        source=box.needed("source", text),
        verified=box.needed("verified", flag),
    )


def _reference(value: object, path: str) -> Reference:
    box = Box(value, path, {"name", "needed", "pattern", "hard", "source", "verified"})
    return Reference(
        name=box.needed("name", _any_text),
        needed=box.needed("needed", flag),
        pattern=box.needed("pattern", _pattern),
        hard=box.needed("hard", flag),
        source=box.needed("source", text),
        verified=box.needed("verified", flag),
    )


def _pattern(value: object, path: str) -> str:
    written = _any_text(value, path)
    try:
        re.compile(written)
    except re.error as fault:
        raise Refused(path, f"{shown(value)} is no regular expression: {fault}.") from None
    return written


def _practice(value: object, path: str) -> Practice:
    box = Box(value, path, Practice.__dataclass_fields__.keys())
    return Practice(
        us_classes=box.needed("us_classes", flag),
        film_in_pregnancy=box.needed("film_in_pregnancy", one_of(("choice", "choice_any_trimester", "partner"))),
        molecular_on_first=box.needed("molecular_on_first", flag),
        live_vaccine_wait=box.needed("live_vaccine_wait", flag),
        earlier_positive_counts=box.needed("earlier_positive_counts", flag),
        syphilis=box.needed("syphilis", one_of(("two_tests", "any_result"))),
        vaccination=box.needed("vaccination", one_of(("required", "offered", "recorded"))),
        presumptive_treatment=box.needed("presumptive_treatment", flag),
        presumptive_tb_remark=box.needed("presumptive_tb_remark", flag),
        grade=box.needed("grade", flag),
    )
