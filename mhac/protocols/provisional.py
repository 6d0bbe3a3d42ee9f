"""The last valid day of an examination that is still open: what the edition's term gives if nothing more is found."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

from . import tuberculosis
from .validity import COUNTED_FROM, VALID_WHEN, last_valid_day

if TYPE_CHECKING:
    from .programme import Term
    from .situation import Situation


@dataclass(frozen=True, slots=True)
class Provisional:
    """`until` None: not known yet; `waits_for` then names the item whose day it is counted from, or is empty."""

    until: date | None
    term: Term
    waits_for: str = ""


def provisional(s: Situation, *, open_items: Set[str], examined: bool) -> Provisional | None:
    """None where the programme's results have no end. `examined`: the day of the examination is recorded.

    The class is the one that follows if what is still open turns out normal, so a later finding may change the term.
    """
    tb = tuberculosis.us_class(s, all_done=True) if s.edition.practice.us_classes else tuberculosis.TbClass()
    for term in s.edition.validity:
        if VALID_WHEN[term.when](s, tb):
            if waits_for := _waits_for(s, term, open_items, examined):
                return Provisional(None, term, waits_for)
            start = COUNTED_FROM[term.counted_from](s)
            return Provisional(None if start is None else last_valid_day(start, term.months, term.minus_days), term)
    return None


def _waits_for(s: Situation, term: Term, open_items: Set[str], examined: bool) -> str:
    """The item whose day the term is counted from, while that day is not known."""
    if term.counted_from == "last_culture_report":
        return "sputum" if "sputum" in open_items else ""
    if term.counted_from == "film_or_review":
        if s.facts.findings.chest_xray:
            return ""
        film = next((item for item in ("chest_xray", "tb_investigation") if item in open_items), "")
        return film or ("" if s.facts.findings.clinician_review else "clinician_review")
    if term.counted_from == "end_evaluation":
        return ""
    return "" if examined else "physical_exam"
