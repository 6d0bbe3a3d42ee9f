"""The pattern of drug resistance (`LAB-DR`, WHO definitions of 2021)."""

from __future__ import annotations

from collections.abc import Sequence

from .findings import Specimen
from .vocabulary import FLUOROQUINOLONES

DEFINITION = "WHO 2021"
RIFAMPICIN_RESISTANT = frozenset({"rr", "mdr", "pre_xdr", "xdr"})


def pattern(specimens: Sequence[Specimen]) -> str | None:
    """susceptible, hr, rr, mdr, pre_xdr, xdr, or None when the reports show no pattern.

    R wins over S between isolates; rifampicin resistance seen by a molecular test counts as R.
    """
    rifampicin = _verdict(specimens, "rifampicin")
    if any(each.rifampicin == "detected" for each in specimens):
        rifampicin = "R"
    isoniazid = _verdict(specimens, "isoniazid")
    if rifampicin == "R":
        if any(_verdict(specimens, drug) == "R" for drug in FLUOROQUINOLONES):
            further = any(_verdict(specimens, drug) == "R" for drug in ("bedaquiline", "linezolid"))
            return "xdr" if further else "pre_xdr"
        return "mdr" if isoniazid == "R" else "rr"
    if rifampicin == "S":
        return {"R": "hr", "S": "susceptible"}.get(isoniazid or "")
    return None


def _verdict(specimens: Sequence[Specimen], drug: str) -> str | None:
    """R, else I, else S, over all isolates; None when the drug was not tested."""
    reported = {each.dst[drug] for each in specimens if drug in each.dst}
    return next((verdict for verdict in ("R", "I", "S") if verdict in reported), None)
