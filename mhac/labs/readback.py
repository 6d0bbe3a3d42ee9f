"""Whether what somebody read back is what stands in the record: whose, which number, what value.

Case, digits of either script, order of the names, and digits said as words make no difference; anything else does.
"""

from mhac.clinics.numbers import clean
from mhac.labs import typed
from mhac.patients.matching import fold

_WORDS = (
    "zero one two three four five six seven eight nine",
    "صفر یک دو سه چهار پنج شش هفت هشت نه",
    "صفر یو دوه درې څلور پنځه شپږ اووه اته نهه",
)
SAID = {fold(word): str(digit) for row in _WORDS for digit, word in enumerate(row.split())}
SAID |= dict.fromkeys(map(fold, ("point", "dot", "اعشاریه", "ممیز", "ټکی")), ".")


def written(text: str) -> str:
    """Digits said as words as digits, one word a digit: "six point two" is 6.2. Anything else is left as it is."""
    parts = text.split()
    said = [SAID.get(fold(part)) for part in parts]
    if not any(said) or not all(known or part.isdecimal() for known, part in zip(said, parts, strict=True)):
        return text.strip()
    return "".join(known or part for known, part in zip(said, parts, strict=True))


def is_name(text: str, *names: str) -> bool:
    """Whether `text` has exactly the words of one of `names`, in any order."""
    heard = sorted(fold(text).split())
    return bool(heard) and any(heard == sorted(fold(name).split()) for name in names)


def is_number(text: str, *numbers: str) -> bool:
    """Whether `text` is one of `numbers`, as it stands on the tube."""
    heard = "".join(SAID.get(fold(part), part) for part in text.split())
    return clean(heard) in numbers


def is_value(text: str, result) -> bool:
    """Whether `text` is the value of `result`, with its unit or without."""
    plain, test = written(text), result.order.test
    if result.unit and plain.casefold().endswith(result.unit.casefold()):
        plain = plain[: -len(result.unit)].strip()
    if result.coded and fold(plain) == fold(result.shown):
        return True
    try:
        heard = typed.read(plain, test)
    except typed.Unreadable:
        return False
    if test.kind == test.Kind.TEXT:
        return fold(plain) == fold(result.shown)
    value = (result.operator, result.number, result.coded, result.titre)
    same = (heard.operator, heard.number, heard.coded, heard.titre) == value
    # The count of bacilli is said with the word: scanty 4.
    return same and (not result.coded or heard.text == result.text or not result.text.isdigit())
