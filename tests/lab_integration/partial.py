"""Whether a partial expectation holds for an answer: named keys only, lists as sets, a few operators."""

from decimal import Decimal

IN_ORDER = {"link", "segments"}
BY_PLACE = {"replies", "messages"}


def holds(want, have, key=""):
    """True when `have` is what `want` describes (rules of the rehearsal's contract, section 7)."""
    if isinstance(want, dict) and want and all(name.startswith("$") for name in want):
        return all(OPERATORS[name](value, have) for name, value in want.items())
    if want is None:
        return have is None
    if isinstance(want, dict):
        return isinstance(have, dict) and all(holds(value, have.get(name), name) for name, value in want.items())
    if isinstance(want, list):
        if not isinstance(have, list) or len(want) != len(have):
            return False
        if key in BY_PLACE | IN_ORDER:
            return all(holds(one, other) for one, other in zip(want, have, strict=True))
        return assigned(want, have)
    if isinstance(want, bool) or isinstance(have, bool):
        return want is have
    if isinstance(want, (int, float, Decimal)):
        return isinstance(have, (int, float, Decimal)) and Decimal(str(want)) == Decimal(str(have))
    return want == have


def assigned(want, have, taken=()):
    """Whether every wanted member finds a member of its own."""
    if not want:
        return True
    fits = (place for place, other in enumerate(have) if place not in taken and holds(want[0], other))
    return any(assigned(want[1:], have, (*taken, place)) for place in fits)


OPERATORS = {
    "$any_of": lambda wanted, have: any(holds(one, have) for one in wanted),
    "$nonempty": lambda wanted, have: bool(have) is wanted,
    "$count": lambda wanted, have: len(have) == wanted,
    "$has": lambda wanted, have: assigned(wanted, have),
    "$lacks": lambda wanted, have: not any(holds(one, other) for one in wanted for other in have or ()),
}
