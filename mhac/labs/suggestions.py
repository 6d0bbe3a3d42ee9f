"""Whose tube a number that is none of ours may have been. A machine only suggests: nothing is filed by likeness.

A suggestion needs all of this: the number is one slip away from that of a tube with an open order at the site, no
stated identifier contradicts, a test that came is ordered, and the tube was collected before the analyzer observed it.
"""

import datetime
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from mhac.clinics.numbers import clean
from mhac.labs.filing import person_of
from mhac.labs.matching import Person
from mhac.labs.models import LabOrder, Specimen, SpecimenTube

MOST = 3
LOOK_BACK = datetime.timedelta(days=60)
LONGEST = 40  # signs of a number that can be a slip of ours
RANKS = ("written", "no_check", "zeros", "no_site", "added", "differs", "swapped", "missing", "extra")


@dataclass(frozen=True)
class Likeness:
    """How what was sent comes from our number: `kind` of RANKS, the signs that were sent and those that stand here.

    `written`: of case, digits, spaces, unseen: what else about the writing is not ours.
    """

    kind: str
    sent: str = ""
    ours: str = ""
    written: tuple[str, ...] = ()


@dataclass(frozen=True)
class Stranger:
    """Rows of one number that no tube has. `tests`: keys they are mapped to; `observed_at` None: not comparable."""

    specimen_id: str
    stated: Person = field(default_factory=Person)
    age: int | None = None
    tests: frozenset[str] = frozenset()
    observed_at: datetime.datetime | None = None


@dataclass(frozen=True)
class Suggestion:
    """A tube that it may have been, and what speaks for it. `agrees` names identifiers that both sides state."""

    accession: str
    likeness: Likeness
    agrees: tuple[str, ...] = ()
    ordered: tuple[str, ...] = ()
    before: datetime.timedelta | None = None


def like(sent: str, ours: str) -> Likeness | None:
    """How `sent` may have come from our number; None when more than one slip lies between them."""
    if len(sent) > LONGEST:
        return None
    seen = "".join(sign for sign in sent if unicodedata.category(sign) not in {"Cc", "Cf"})
    text = clean(seen)
    written = tuple(
        name
        for name, odd in (
            ("unseen", seen != sent),
            ("case", any(sign.islower() for sign in seen)),
            ("digits", bool(re.search("[۰-۹٠-٩]", seen))),
            ("spaces", bool(re.search(r"[\s\-‐-―]", seen))),
        )
        if odd
    )
    found = ("written", "", "") if text == ours else _slip(text, ours)
    return Likeness(*found, written) if found and (text != ours or written) else None


def _slip(text: str, ours: str) -> tuple[str, str, str] | None:
    if len(text) < 6:
        return None
    if text == ours[:-1]:
        return "no_check", "", ours[-1]
    if text.replace("0", "") == ours.replace("0", "") and len(text) < len(ours):
        return "zeros", "", "0" * (len(ours) - len(text))
    if text == ours[3:]:
        return "no_site", "", ours[:3]
    if ours in text and 1 < len(text) - len(ours) <= 6:
        return "added", text.replace(ours, "…"), ""
    return _one_slip(text, ours)


def _one_slip(text: str, ours: str) -> tuple[str, str, str] | None:
    """One sign exchanged, missing or too many, or two neighbours swapped."""
    if abs(len(text) - len(ours)) > 1:
        return None
    start = next((at for at, (one, two) in enumerate(zip(text, ours, strict=False)) if one != two), None)
    start = min(len(text), len(ours)) if start is None else start
    if len(text) == len(ours):
        if text[start + 1 :] == ours[start + 1 :]:
            return "differs", text[start], ours[start]
        swapped = text[start : start + 2]
        if swapped == ours[start : start + 2][::-1] and text[start + 2 :] == ours[start + 2 :]:
            return "swapped", swapped, swapped[::-1]
    elif len(text) < len(ours):
        return ("missing", "", ours[start]) if text[start:] == ours[start + 1 :] else None
    elif text[start + 1 :] == ours[start:]:
        return "extra", text[start], ""
    return None


def likely(strangers: Iterable[Stranger], *, clinic, now) -> dict[Stranger, list[Suggestion]]:
    """At most three tubes of the site for each, the likeliest first. Three queries however many ask."""
    strangers = [one for one in strangers if one.specimen_id]
    orders = open_orders(clinic, now) if strangers else {}
    close = defaultdict(list)
    for one in strangers:
        for number, (specimen, tests) in orders.items():
            if found := like(one.specimen_id, number):
                close[one].append((number, specimen, tests, found))
    keys = {specimen for found in close.values() for _number, specimen, *_rest in found}
    tubes = Specimen.objects.filter(pk__in=keys).select_related("screening__patient").in_bulk() if keys else {}
    answer = {}
    for one, found in close.items():
        weighed = [_weigh(one, number, tubes[key], tests, how) for number, key, tests, how in found]
        answer[one] = sorted(filter(None, weighed), key=_rank)[:MOST]
    return answer


def open_orders(clinic, now) -> Mapping[str, tuple]:
    """Every number of a tube of the site that waits for a result: its specimen and the tests ordered on it."""
    rows = LabOrder.objects.awaiting_result().filter(
        specimen__clinic=clinic, specimen__collected_at__gte=now - LOOK_BACK
    )
    rows = rows.exclude(specimen__state=Specimen.State.REJECTED)
    tests, numbers = defaultdict(set), {}
    for number, specimen, test in rows.values_list("specimen__accession", "specimen_id", "test__key"):
        tests[specimen].add(test)
        numbers[number] = specimen
    tubes = SpecimenTube.objects.filter(specimen__in=tests).values_list("number", "specimen_id")
    return {number: (key, frozenset(tests[key])) for number, key in (*numbers.items(), *tubes)}


def _weigh(one, number, specimen, tests, how):
    """The suggestion, or None when something speaks against it."""
    known = person_of(specimen.screening.patient)
    agrees = []
    for name in ("birth_date", "sex", "initials"):
        ours, theirs = getattr(known, name), getattr(one.stated, name)
        if ours and theirs:
            if ours != theirs:
                return None
            agrees.append(name)
    if one.age is not None:
        age = specimen.screening.patient.age_on(specimen.collected_on)
        if abs(age - one.age) > 1:
            return None
        agrees.append("age")
    ordered = tuple(sorted(one.tests & tests))
    before = one.observed_at - specimen.collected_at if one.observed_at else None
    if (one.tests and not ordered) or (before is not None and before < datetime.timedelta(0)):
        return None
    return Suggestion(number, how, tuple(agrees), ordered, before)


def _rank(suggestion):
    surer = sum(2 if name == "birth_date" else 1 for name in suggestion.agrees)
    return -surer, RANKS.index(suggestion.likeness.kind), -len(suggestion.ordered), suggestion.accession


def whose(number: str) -> Person | None:
    """What is known of the person behind a number on a label; None when no tube that can be used has it."""
    tubes = Specimen.objects.numbered(number).exclude(state=Specimen.State.REJECTED)
    found = tubes.select_related("screening__patient").first()
    return person_of(found.screening.patient) if found else None
