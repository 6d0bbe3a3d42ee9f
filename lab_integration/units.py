"""Units as analyzers write them: which of two measure the same kind of thing, and by what factor they differ. Pure.

Source: UCUM (https://ucum.org), the atoms and prefixes that laboratories use. Amount and mass are different kinds: no
rule turns mg into mmol, because that depends on the substance.
"""

import re
from decimal import Decimal
from fractions import Fraction

# atom -> (kind, factor to the first of its kind)
ATOMS: dict[str, tuple[str, Fraction]] = {
    "g": ("mass", Fraction(1)),
    "mol": ("amount", Fraction(1)),
    "L": ("volume", Fraction(1)),
    "l": ("volume", Fraction(1)),
    "U": ("catalysis", Fraction(1)),
    "IU": ("biological", Fraction(1)),
    "[IU]": ("biological", Fraction(1)),
    "m": ("length", Fraction(1)),
    "s": ("time", Fraction(1)),
    "h": ("time", Fraction(3600)),
    "min": ("time", Fraction(60)),
}
PREFIXES = {
    "d": Fraction(1, 10),
    "c": Fraction(1, 100),
    "m": Fraction(1, 10**3),
    "u": Fraction(1, 10**6),
    "n": Fraction(1, 10**9),
    "p": Fraction(1, 10**12),
    "f": Fraction(1, 10**15),
    "k": Fraction(10**3),
}
PURE = {"1": Fraction(1), "%": Fraction(1, 100), "[ppth]": Fraction(1, 1000)}
POWER = re.compile(r"10[*^]([0-9]{1,2})")
SPELLED_POWER = re.compile(r"[xX×]?10[*^E][0-9]")
Kind = tuple[tuple[str, int], ...]


def tidy(unit: str) -> str:
    """A unit as it was meant: first component, micro and powers in one spelling, no blanks."""
    text = unit.strip()
    if not SPELLED_POWER.match(text):
        text = text.split("^")[0].strip()
    text = text.replace("µ", "u").replace("μ", "u").replace(" ", "")
    text = re.sub(r"^[xX×]?10(?:\^|\*|E)([0-9]{1,2})", r"10*\1", text)
    return re.sub(r"^(?:mc)(?=[gLlm])", "u", text)


def measure(unit: str) -> tuple[Kind, Fraction] | None:
    """The kind of thing that `unit` measures, and its size in the first units of that kind; None: not known."""
    kinds: dict[str, int] = {}
    size = Fraction(1)
    for place, part in enumerate(tidy(unit).split("/")):
        for word in filter(None, part.split(".")):
            found = _atom(word)
            if found is None:
                return None
            kind, factor = found
            size = size / factor if place else size * factor
            if kind:
                kinds[kind] = kinds.get(kind, 0) + (-1 if place else 1)
    if not tidy(unit):
        return None
    return tuple(sorted((kind, power) for kind, power in kinds.items() if power)), size


def _atom(word: str) -> tuple[str, Fraction] | None:
    if word in PURE:
        return "", PURE[word]
    if power := POWER.fullmatch(word):
        return "", Fraction(10 ** int(power[1]))
    if word in ATOMS:
        return ATOMS[word]
    prefix, rest = word[:1], word[1:]
    if prefix in PREFIXES and rest in ATOMS:
        kind, factor = ATOMS[rest]
        return kind, factor * PREFIXES[prefix]
    return None


def factor(sent: str, wanted: str) -> Decimal | None:
    """By what a value in `sent` is multiplied to stand in `wanted`; None when no rule says it, or not exactly."""
    if sent.strip() == wanted or tidy(sent) == tidy(wanted):
        return Decimal(1)
    one, other = measure(sent), measure(wanted)
    if one is None or other is None or one[0] != other[0]:
        return None
    found = one[1] / other[1]
    rest = found.denominator
    for prime in (2, 5):
        while rest % prime == 0:
            rest //= prime
    return Decimal(found.numerator) / Decimal(found.denominator) if rest == 1 else None
