"""The machine readable zone of passports, identity cards and visas (ICAO Doc 9303: TD1, TD2, TD3, MRV-A and MRV-B).

`split` cuts what was pasted or scanned into one text per document, `read` makes a frozen value of one of them. Every
check digit is verified: one that fails raises `Unreadable`, and nothing of that document is used.

What check digits cannot see (they count modulo 10, with A, K, U and the filler worth the same as 0): a sign of a
document number mistaken for another of the same worth; a visa has no check digit over its optional data, and none over
the whole. `Document.doubts` says what looks unusual, for a person to compare.
"""

import datetime
import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mhac.patients import births, papers

_DIGITS = {ord(sign): str(value) for row in ("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩") for value, sign in enumerate(row)}
_FILLERS = {ord(sign): "<" for sign in "«‹〈＜"}
_VALUES = {sign: value for value, sign in enumerate("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")} | {"<": 0}
# Signs one document has in all, by format.
LENGTHS = {"TD1": 90, "TD2": 72, "TD3": 88, "MRV-A": 88, "MRV-B": 72}
_WIDTH = {"TD1": 30, "TD2": 36, "TD3": 44, "MRV-A": 44, "MRV-B": 36}
_SEX = {"M": "male", "F": "female", "<": "unknown"}


class Unreadable(ValueError):
    """The zone cannot be used. The text says which part is wrong and what to do."""


@dataclass(frozen=True)
class Document:
    """What one machine readable zone says. Names are in the capital letters of the zone, fillers as spaces."""

    format: str
    code: str
    issuer: str
    number: str
    nationality: str
    sex: str
    born_earliest: datetime.date
    born_latest: datetime.date
    birth_precision: str
    expires: datetime.date | None
    family_name: str
    given_name: str
    optional: str
    is_cut: bool
    zone: str

    @property
    def kind(self) -> str:
        """The word of `IdentityDocument.Kind` for this document."""
        if self.code.startswith("P"):
            return "passport"
        if self.code.startswith("V"):
            return "visa"
        return "e_tazkira" if self.issuer == "AFG" else "other"

    @property
    def doubts(self) -> list[str]:
        """Sentences about what no check digit can catch, for a person to compare with the document."""
        found = [papers.PAPERS[self.kind].doubt(self.number, self.issuer), self._birth.doubt]
        if self.kind == "visa":
            found.append(_("Some countries write the passport's number in this place: compare it with the visa."))
        if self.is_cut:
            found.append(_("The name fills its line and may be cut off: compare it with the document."))
        return [doubt for doubt in found if doubt]

    @property
    def _birth(self):
        return births.Birth(self.born_earliest, self.born_latest, self.birth_precision)


def check_digit(field: str) -> int:
    """The check digit of `field`: weights 7, 3, 1, modulo 10."""
    return sum(_VALUES[sign] * (7, 3, 1)[place % 3] for place, sign in enumerate(field)) % 10


def clean(text: str) -> str:
    """`text` in the signs of a zone: capital letters, Latin digits, `<`; line ends are kept, other spaces dropped."""
    plain = text.translate(_DIGITS).translate(_FILLERS).upper()
    return "\n".join(re.sub(r"[\s\u200b-\u200f\u202a-\u202e\ufeff]", "", line) for line in plain.splitlines())


def looks_like(text: str) -> bool:
    """Whether `text` is meant as a machine readable zone rather than a name or a number."""
    joined = clean(text).replace("\n", "")
    return len(joined) >= 60 and "<" in joined and re.match(r"[PACIV][A-Z<][A-Z<]{3}", joined) is not None


def is_one_line(text: str) -> bool:
    """Whether only the first line of a passport was read, as by a scanner that ends every line with Enter."""
    line = clean(text).replace("\n", "")
    return 36 <= len(line) <= 44 and "<<" in line and _begins(line)


def _format_of(start: str) -> str:
    # Only the first line of a passport or visa names people from the sixth sign on; a card of format TD1 has its number
    # there. Names have no digits, so a digit says where the second line of a visa begins.
    if start.startswith("P"):
        return "TD3"
    if start.startswith("V"):
        return "MRV-B" if len(start) == LENGTHS["MRV-B"] or re.search("[0-9]", start[:44]) else "MRV-A"
    return "TD2" if not re.search("[0-9]", start[:36]) and len(start) >= 31 else "TD1"


def _begins(line: str) -> bool:
    """Whether a line can only be the first one of a passport or visa: letters and fillers, no digit."""
    return re.match("[PV][A-Z<][A-Z<]{3}[A-Z]", line) is not None and not re.search("[0-9]", line[:44])


def split(text: str) -> list[str]:
    """The documents in `text`, one string without spaces for each, however the lines were broken or joined.

    A piece of the wrong length is still returned, so that `read` can say what is wrong with it; an empty line, or the
    first line of another passport, ends a piece that stayed too short.
    """
    pieces: list[str] = []
    current = ""
    for line in clean(text).split("\n"):
        if not line or (current.startswith(("P", "V")) and len(current) >= 30 and _begins(line)):
            if current:
                pieces.append(current)
            current = ""
        current += line
        while current and len(current) >= (whole := LENGTHS[_format_of(current)]):
            pieces.append(current[:whole])
            current = current[whole:]
    return [*pieces, current] if current else pieces


def read(piece: str, *, today: datetime.date) -> Document:
    """The value of one zone (72, 88 or 90 signs, see `split`); raises Unreadable. `today` settles the birth century."""
    zone = clean(piece).replace("\n", "")
    if strange := sorted(set(re.sub("[A-Z0-9<]", "", zone))):
        raise Unreadable(
            _("The sign %(sign)s cannot stand in the lines at the foot of a passport. Scan them again.")
            % {"sign": "".join(strange)[:10]}
        )
    if not re.match("[PACIV]", zone):
        raise Unreadable(
            _("This is no machine readable zone of a passport, card or visa. Scan its two or three lowest lines.")
        )
    format_ = _format_of(zone)
    if len(zone) != LENGTHS[format_]:
        raise Unreadable(
            _("The zone has %(found)d signs instead of %(whole)d: part of a line is missing or doubled. Scan it again.")
            % {"found": len(zone), "whole": LENGTHS[format_]}
        )
    if format_ == "TD1":
        return _card(zone, today)
    return _visa(zone, format_, today) if format_.startswith("MRV") else _book(zone, format_, today)


def _book(zone, format_, today):
    width = _WIDTH[format_]
    first, second = zone[:width], zone[width:]
    optional = second[28:-2] if format_ == "TD3" else second[28:-1]
    if format_ == "TD2" and second[9] == "<":
        number, optional = _long_number(second[:9], optional)
    else:
        number = _checked(second[:9], second[9], _("document number"))
    if format_ == "TD3" and (second[42] != "<" or optional.strip("<")):
        _checked(optional, second[42], _("optional data"))
    whole = (second[0:10] + second[13:20] + second[21:-1], second[-1], _("whole second line"))
    return _document(
        zone, format_, today, whole, number=number, optional=optional, nationality=second[10:13], names=first[5:],
        birth=second[13:20], sex=second[20], expiry=second[21:28],
    )  # fmt: skip


def first(text: str, *, today: datetime.date) -> tuple[Document | None, str]:
    """The first document in `text` and "", or None and the sentence that says what is wrong; None and "" of nothing."""
    pieces = split(text)
    if not pieces:
        return None, ""
    try:
        return read(pieces[0], today=today), ""
    except Unreadable as refusal:
        return None, str(refusal)


def _visa(zone, format_, today):
    first, second = zone[: _WIDTH[format_]], zone[_WIDTH[format_] :]
    number = _checked(second[:9], second[9], _("document number"))
    return _document(
        zone, format_, today, None, number=number, optional=second[28:], nationality=second[10:13], names=first[5:],
        birth=second[13:20], sex=second[20], expiry=second[21:28],
    )  # fmt: skip


def _card(zone, today):
    first, second, third = zone[:30], zone[30:60], zone[60:]
    optional = first[15:]
    if first[14] == "<":
        number, optional = _long_number(first[5:14], optional)
    else:
        number = _checked(first[5:14], first[14], _("document number"))
    whole = (first[5:] + second[0:7] + second[8:15] + second[18:29], second[29], _("first two lines"))
    return _document(
        zone, "TD1", today, whole, number=number, optional=optional + second[18:29], nationality=second[15:18],
        names=third, birth=second[:7], sex=second[7], expiry=second[8:15],
    )  # fmt: skip


def _document(zone, format_, today, whole, *, number, optional, nationality, names, birth, sex, expiry):
    number = number.rstrip("<")
    if not number or "<" in number:
        raise Unreadable(_("The document number is missing or broken. Scan again, or type it from the document."))
    for part, label in ((zone[2:5], _("issuing country")), (nationality, _("nationality"))):
        if not re.fullmatch("[A-Z]{3}|[A-Z]{2}<|[A-Z]<<", part):
            raise Unreadable(_("The %(field)s is not a country code. Scan again.") % {"field": label})
    if sex not in _SEX:
        raise Unreadable(_("The sex must be M, F or < in the machine readable zone. Scan again."))
    _checked(birth[:6], birth[6], _("birth date"))
    _checked(expiry[:6], expiry[6], _("expiry date"))
    if whole:
        _checked(*whole)
    earliest, latest, precision = _born(birth[:6], today)
    family, given = _names(names)
    return Document(
        format=format_, code=zone[:2].rstrip("<"), issuer=zone[2:5].rstrip("<"), number=number,
        nationality=nationality.rstrip("<"), sex=_SEX[sex], born_earliest=earliest, born_latest=latest,
        birth_precision=precision, expires=_expiry(expiry[:6]), family_name=family, given_name=given,
        optional=optional.strip("<"), is_cut=not names.endswith("<"), zone=zone,
    )  # fmt: skip


def _checked(field, digit, label):
    if not digit.isdigit() or check_digit(field) != int(digit):
        raise Unreadable(
            _("The check digit of the %(field)s is wrong. Scan again, or type the data by hand and say why.")
            % {"field": label}
        )
    return field


def _long_number(start, optional):
    """A number of more than nine signs goes on in the optional data: the rest, its check digit, a filler."""
    rest = optional.split("<", 1)[0]
    _checked(start + rest[:-1], rest[-1:], _("document number"))
    return start + rest[:-1], optional[len(rest) :]


def _born(digits, today):
    year, month, day = digits[:2], digits[2:4], digits[4:]
    if not year.isdigit() or not (month.isdigit() or month == "<<") or not (day.isdigit() or day == "<<"):
        raise Unreadable(_("The birth date is no date. Scan again, or type it from the document."))
    for century in (2000, 1900):
        try:
            earliest, latest, precision = _span(century + int(year), month, day)
        except ValueError:
            continue
        if earliest <= today and today.year - latest.year <= 120:
            return earliest, min(latest, today), precision
    raise Unreadable(_("The birth date is no date. Scan again, or type it from the document."))


def _span(year, month, day):
    if month == "<<":
        if day != "<<":
            raise ValueError("a day of no month")
        return datetime.date(year, 1, 1), datetime.date(year, 12, 31), "year"
    first = datetime.date(year, int(month), 1)
    if day == "<<":
        following = datetime.date(year + first.month // 12, first.month % 12 + 1, 1)
        return first, following - datetime.timedelta(days=1), "month"
    found = datetime.date(year, int(month), int(day))
    return found, found, "day"


def _expiry(digits):
    if digits == "<<<<<<":
        return None
    try:
        return datetime.date(2000 + int(digits[:2]), int(digits[2:4]), int(digits[4:]))
    except ValueError:
        raise Unreadable(_("The expiry date is no date. Scan again, or type it from the document.")) from None


def _names(field):
    if re.search("[0-9]", field):
        raise Unreadable(_("There is a digit in the name. Scan again, or type the name from the document."))
    family, _separator, given = field.rstrip("<").partition("<<")
    family, given = (re.sub("<+", " ", part).strip() for part in (family, given))
    # Somebody with one name has no family name; the zone puts the only name first.
    return (family, given) if given else ("", family)
