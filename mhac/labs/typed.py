"""Reading what a person typed as the result of a test. Nothing is guessed: what does not fit is refused in a sentence.

numeric  an optional < <= > >= and a number with a point: 5, 0.35, <0.05, 1.2e3; the test's own unit may follow
titre    1:16 or 1/16, an operator before it when it is beyond the series
coded    one of the test's words, in short or in full, or its number; a scanty smear with its bacilli: scanty 4
text     as typed
Digits of Dari and Pashto are the same digits.
"""

import re
from decimal import Decimal

from django.utils.translation import gettext as _

from mhac.labs import words
from mhac.labs.matching import Value
from mhac.labs.models import Test

_FOLDED = str.maketrans("۰۱۲۳۴۵۶۷۸۹٠١٢٣٤٥٦٧٨٩٫٬،", "01234567890123456789.,,")
_OPERATORS = {"≤": "<=", "≥": ">="}
_NUMBER = re.compile(r"(<=|>=|[<>≤≥])?\s*([0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]{1,2})?)")
_TITRE = re.compile(r"(<=|>=|[<>≤≥])?\s*1\s*[:/]\s*([0-9]{1,9})")
_SCANTY = re.compile(r"(scanty|sc)\s*([1-9])", re.IGNORECASE)


class Unreadable(ValueError):
    """What was typed is no result of this test; the text says what is."""


def read(text: str, test: Test) -> Value:
    """`text` as a value of `test`, exact, in the test's unit. Raises Unreadable."""
    plain = " ".join(text.split())
    if not plain:
        raise Unreadable(_("Nothing was typed for %(test)s. Type the result, or leave the row for later.") % _of(test))
    if test.kind == Test.Kind.TEXT:
        return Value(text=text.strip())
    return {"numeric": _number, "titre": _titre, "coded": _coded}[test.kind](plain, test)


def _of(test, **more):
    return {"test": test.name, **more}


def _number(text, test):
    folded = text.translate(_FOLDED)
    found = _NUMBER.fullmatch(_without_unit(folded, test))
    if found is None and "," in folded:
        raise Unreadable(
            _("%(test)s: write the decimal mark as a point, and no mark between thousands: 12.5, not 12,5.") % _of(test)
        )
    if found is None:
        raise Unreadable(
            _("%(test)s: “%(text)s” is not a number. Type a number such as 5.2 or <0.05.") % _of(test, text=text)
        )
    number = Decimal(found[2])
    if number.adjusted() > 12 or number.normalize().as_tuple().exponent < -10:
        raise Unreadable(
            _("%(test)s: “%(text)s” has more digits than any measurement. Check the decimal point.")
            % _of(test, text=text)
        )
    if outside := impossible(number, test):
        raise Unreadable(outside)
    return Value(operator=_OPERATORS.get(found[1], found[1] or ""), number=number)


def _without_unit(text, test):
    """The number alone. Raises Unreadable for a unit that is not the test's: nothing is converted here."""
    number = _NUMBER.match(text)
    unit = text[number.end() :].strip() if number else ""
    if not unit or unit[0] in "0123456789.,":
        return text
    if unit == test.unit:
        return text[: number.end()]
    if not test.unit:
        return text
    raise Unreadable(
        _("%(test)s is measured in %(unit)s, and “%(typed)s” was typed. Type the number alone, in %(unit)s.")
        % _of(test, unit=test.unit, typed=unit)
    )


def impossible(number, test) -> str:
    """Why `number` cannot be a result of `test`, in a sentence; "" when it can."""
    low, high = test.possible_low, test.possible_high
    if (low is None or number >= low) and (high is None or number <= high):
        return ""
    if low is not None and high is not None:
        limits = _("between %(low)s and %(high)s") % {"low": f"{low.normalize():f}", "high": f"{high.normalize():f}"}
    elif low is not None:
        limits = _("%(low)s or more") % {"low": f"{low.normalize():f}"}
    else:
        limits = _("%(high)s or less") % {"high": f"{high.normalize():f}"}
    return _("%(test)s is %(limits)s %(unit)s; %(number)s cannot be. Check the decimal point and the unit.") % _of(
        test, limits=limits, unit=test.unit, number=f"{number.normalize():f}"
    )


def _titre(text, test):
    found = _TITRE.fullmatch(text.translate(_FOLDED))
    if found is None or int(found[2]) == 0:
        raise Unreadable(_("%(test)s: “%(text)s” is not a titre. Type it as 1:16.") % _of(test, text=text))
    return Value(operator=_OPERATORS.get(found[1], found[1] or ""), titre=int(found[2]))


def _coded(text, test):
    folded = text.translate(_FOLDED)
    if "scanty" in test.allowed and (found := _SCANTY.fullmatch(folded)):
        return Value(coded="scanty", text=found[2])
    word = words.meaning(folded, test.allowed)
    if word is None:
        raise Unreadable(
            _("%(test)s: “%(text)s” is not one of its results. Choose one of: %(allowed)s.")
            % _of(test, text=text, allowed=", ".join(str(words.label(each)) for each in test.allowed))
        )
    return Value(coded=word)
