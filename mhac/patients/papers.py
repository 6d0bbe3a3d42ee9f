"""What papers and numbers a person may bring: one row of data per kind, with the source of its format.

A format only doubts: numbers change, and what nobody of this clinic has compared with a sheet of the issuer is not
verified. Whose number it is, is held by the database: see `IdentityDocument`.
"""

import re
from dataclasses import dataclass
from itertools import pairwise

from django.utils.functional import Promise
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from mhac.clinics import numbers

PERSON, FAMILY, NOBODY = "person", "family", "nobody"


@dataclass(frozen=True)
class Paper:
    """One kind. `holder`: whose the number is; a number of one person is a key to her, a family's is shared by one
    case, and nobody's (a visa) only lies beside the person. `pattern` fits the number as it is stored, without
    `prefix`; `says` is how the usual number looks. `issuer` is the one that issues it, "" when it has to be asked."""

    kind: str
    label: Promise
    holder: str = PERSON
    issuer: str = ""
    pattern: str = ""
    says: Promise | str = ""
    only_of: str = ""
    prefix: str = ""
    groups: tuple[int, ...] = ()
    has_dates: bool = True
    may_be_shared: bool = False
    source: str = ""
    verified: bool = False

    @property
    def is_key(self) -> bool:
        """Whether the number leads to one person."""
        return self.holder == PERSON

    def is_unusual(self, number: str, issuer: str = "") -> bool:
        """Whether a stored number looks otherwise than the usual ones; a reason to compare, never to refuse."""
        if not self.pattern or (self.only_of and issuer != self.only_of):
            return False
        return re.fullmatch(self.pattern, number) is None

    def doubt(self, number: str, issuer: str = "") -> str:
        """A sentence about an unusual number, for a person to compare, or ""."""
        if not self.is_unusual(number, issuer):
            return ""
        return gettext("%(number)s is unusual for this document (usual: %(usual)s). Compare it with the paper.") % {
            "number": number,
            "usual": self.says,
        }

    def number_of(self, typed: str) -> str:
        """`typed` as it is stored."""
        return key_of(typed).removeprefix(self.prefix)

    def shown(self, number: str) -> str:
        """A stored number as the paper writes it."""
        if self.groups and len(number) == sum(self.groups):
            ends = [sum(self.groups[:n]) for n in range(len(self.groups) + 1)]
            number = "-".join(number[start:end] for start, end in pairwise(ends))
        return self.prefix + number


MEMORY = "practice notes, from memory"

_ROWS = (
    Paper(
        "passport", _("passport"), only_of="AFG", pattern="[A-Z]{1,2}[0-9]{6,8}",
        says=_("one or two letters and six to eight digits"), source="Afghan passports as practice notes describe them",
    ),
    Paper(
        "e_tazkira", _("e-tazkira"), issuer="AFG", pattern="[0-9]{13}", groups=(4, 4, 5),
        says=_("13 digits, written 4-4-5"), may_be_shared=True, source="tazkira notes",
    ),
    Paper(
        "tazkira", _("paper tazkira"), issuer="AFG", pattern="[0-9]{1,9}", says=_("digits only"), has_dates=False,
        may_be_shared=True, source="tazkira notes",
    ),
    Paper(
        "unhcr", _("UNHCR individual number"), issuer="UNO", pattern="[0-9]{11}", groups=(3, 8),
        says=_("three and eight digits"), has_dates=False, source=MEMORY,
    ),
    Paper("por_card", _("PoR card"), issuer="PAK", source="no format known"),
    Paper("acc", _("Afghan Citizen Card"), issuer="PAK", source="no format known"),
    Paper(
        "ime", _("IME number"), issuer="CAN", prefix="IME", pattern="[0-9]{8,10}", says=_("eight to ten digits"),
        has_dates=False, source=MEMORY,
    ),
    Paper("umi", _("UMI (Canada)"), issuer="CAN", has_dates=False, source="no format known"),
    Paper(
        "uci", _("UCI (Canada)"), issuer="CAN", pattern="[0-9]{8}|[0-9]{10}", says=_("eight or ten digits"),
        has_dates=False, source=MEMORY,
    ),
    Paper(
        "hap", _("HAP ID"), issuer="AUS", prefix="HAP", pattern="[0-9]{8}", says=_("eight digits"), has_dates=False,
        source="sample HAP letter", verified=True,
    ),
    Paper(
        "a_number", _("A-number"), issuer="USA", prefix="A", pattern="[0-9]{8,9}", says=_("eight or nine digits"),
        has_dates=False, source=MEMORY,
    ),
    Paper(
        "gwf", _("GWF number"), issuer="GBR", prefix="GWF", pattern="[0-9]{9}", says=_("nine digits"),
        has_dates=False, source=MEMORY,
    ),
    Paper(
        "unhcr_case", _("UNHCR case number"), FAMILY, issuer="UNO", pattern="[0-9]{5}C[0-9]{5}", groups=(3, 8),
        says=_("five digits, C, five digits"), has_dates=False, source=MEMORY,
    ),
    Paper("vrf", _("voluntary repatriation form"), FAMILY, issuer="UNO", source="no format known"),
    Paper(
        "iv_case", _("IV case number"), FAMILY, issuer="USA", pattern="[A-Z]{3}[0-9]{10}",
        says=_("three letters and ten digits"), has_dates=False, source=MEMORY,
    ),
    Paper("iom_case", _("IOM case number"), FAMILY, issuer="IOM", has_dates=False, source="no format known"),
    Paper("visa", _("visa"), NOBODY, source="ICAO Doc 9303-7 for the zone; numbers differ by country"),
    Paper("other", _("other"), NOBODY),
)  # fmt: skip

PAPERS = {paper.kind: paper for paper in _ROWS}
# Numbers of which there is one owner however the issuer was written; a passport's belongs to its issuer, a paper
# tazkira's is one of three numbers.
ONE_OWNER = tuple(p.kind for p in _ROWS if p.is_key and p.kind not in {"passport", "tazkira"})
PREFIXES = tuple(p.prefix for p in _ROWS if p.prefix)


def key_of(typed: str) -> str:
    """What was typed or scanned, as numbers are compared: capitals, Latin digits, letters and digits only."""
    return re.sub(r"[\W_]", "", numbers.clean(typed))


def keys_of(typed: str) -> list[str]:
    """Every stored number that may be meant: with and without the letters some numbers begin with."""
    key = key_of(typed)
    return list(dict.fromkeys([key, *(key.removeprefix(prefix) for prefix in PREFIXES)])) if key else []


def choices():
    """Kinds to choose from, those of one person, those of a family and the rest apart."""
    names = {PERSON: _("one person's"), FAMILY: _("the family's"), NOBODY: _("document only")}
    return [(names[holder], [(p.kind, p.label) for p in _ROWS if p.holder == holder]) for holder in names]
