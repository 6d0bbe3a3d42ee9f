"""The chest film: what it shows (`CXR-CAT`) and how far it has come (rules, 3.4)."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from .findings import Film
from .months import add_months
from .person import Pregnancy
from .state import DONE, DUE, State
from .vocabulary import FILM_FINDINGS_FOLLOW_UP, FILM_FINDINGS_SUGGESTIVE, SMOOTH_THICKENING_AT_ANGLE

REPEAT_MONTHS = 3
FIRST_TRIMESTER_DAYS = 13 * 7
TERM_DAYS = 40 * 7
UNREAD = State("pending", "unread")


def suggestive(films: Sequence[Film]) -> bool:
    """Any film with a finding that suggests tuberculosis."""
    return any(film.findings is not None and film.findings & FILM_FINDINGS_SUGGESTIVE for film in films)


def follow_up(films: Sequence[Film]) -> frozenset[str]:
    """Findings of any film that need follow-up for another reason than tuberculosis."""
    return frozenset(code for film in films for code in (film.findings or ()) if code in FILM_FINDINGS_FOLLOW_UP)


def first(films: Sequence[Film]) -> Film:
    return min(films, key=lambda film: film.date)


def reading_state(film: Film) -> State:
    if film.findings is None:
        return UNREAD
    if SMOOTH_THICKENING_AT_ANGLE in film.findings and film.effusion_excluded_by is None:
        return State("pending", "effusion_not_excluded")
    return DONE


def state_of(
    films: Sequence[Film],
    *,
    pregnancy: Pregnancy | None,
    pregnancy_asked: bool,
    examined: date,
    practice: str,
    partner_asked: bool,
) -> State:
    """The item `chest_xray`, judged on the first film by date.

    `practice` is the edition's `film_in_pregnancy`; `partner_asked`: by letter or portal.
    """
    if films:
        return reading_state(first(films))
    if pregnancy is None:
        return State("deferred", "pregnancy_unknown") if pregnancy_asked else DUE
    if not pregnancy.pregnant:
        return DUE
    if pregnancy.film_choice != "shielded_film" or (practice == "partner" and not partner_asked):
        return State("deferred", "pregnancy", pregnancy.due)
    if practice != "choice_any_trimester" and _first_trimester(pregnancy, examined):
        return State("deferred", "first_trimester")
    return DUE


def _first_trimester(pregnancy: Pregnancy, examined: date) -> bool:
    """Up to 13 weeks 0 days exclusive on the day of examination; neither weeks nor due date stated counts as first."""
    gestation = gestation_days(pregnancy, examined, examined)
    return gestation is None or gestation < FIRST_TRIMESTER_DAYS


def gestation_days(pregnancy: Pregnancy, examined: date, on: date) -> int | None:
    """Completed days of gestation on a day: by weeks and days on `examined`, else by the due date, else unknown."""
    if pregnancy.weeks is not None:
        return pregnancy.weeks * 7 + (pregnancy.days or 0) + (on - examined).days
    if pregnancy.due is not None:
        return TERM_DAYS - (pregnancy.due - on).days
    return None


def repeat_state(films: Sequence[Film]) -> State:
    """The item `chest_xray_repeat`: a later film at least three calendar months after the first."""
    if not films:
        return State("deferred", "interval")
    from_day = add_months(first(films).date, REPEAT_MONTHS)
    later = [film for film in films if film.date >= from_day]
    if not later:
        return State("not_before", "interval", from_day)
    return DONE if any(film.findings is not None for film in later) else UNREAD
