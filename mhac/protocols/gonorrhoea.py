"""Gonorrhoea by NAAT (rules, 3.6, `US-GC-03`)."""

from __future__ import annotations

from .laboratory import Gonorrhoea
from .state import AWAITED, DONE, DUE, REPEAT, State


def state_of(found: Gonorrhoea | None) -> State:
    if found is None:
        return DUE
    if found.naat is None:
        return AWAITED
    return REPEAT if found.naat == "invalid" else DONE


def us_class(found: Gonorrhoea | None) -> str | None:
    """gonorrhoea_a when detected and not treated, gonorrhoea_b when treated."""
    if found is None or found.naat != "detected":
        return None
    return "gonorrhoea_b" if found.treated else "gonorrhoea_a"
