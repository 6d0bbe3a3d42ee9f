"""Comparing an answer of `assess` with what a case expects. `expect` is partial: only what it names is compared."""

from decimal import Decimal

MISSING = object()
OPERATORS = frozenset({"$has", "$lacks", "$any_of", "$nonempty"})
ORDERED = "age"


def same(expected, got, ordered=False):
    """Whole equality: objects key by key, lists as sets unless ordered, true is not 1, and 1 is 1.0."""
    if isinstance(expected, dict):
        return isinstance(got, dict) and set(expected) == set(got) and all(same(expected[key], got[key]) for key in got)
    if isinstance(expected, list):
        if not isinstance(got, list):
            return False
        if ordered:
            return len(expected) == len(got) and all(map(same, expected, got))
        return all(_among(one, got) for one in expected) and all(_among(one, expected) for one in got)
    if isinstance(expected, bool) or isinstance(got, bool):
        return expected is got
    if isinstance(expected, int | float | Decimal) and isinstance(got, int | float | Decimal):
        return Decimal(str(expected)) == Decimal(str(got))
    return type(expected) is type(got) and expected == got


def _among(one, many):
    return any(same(one, other) for other in many)


def failures(expected, got, path=""):
    """The paths at which the answer does not hold, each with what was expected and what came."""
    if expected is None:
        return [] if got is None or got is MISSING else [(path, None, got)]
    if isinstance(expected, dict) and expected and set(expected) <= OPERATORS:
        return [] if _holds(expected, got) else [(path, expected, got)]
    if got is MISSING:
        return [(path, expected, "nothing")]
    if isinstance(expected, dict):
        if not isinstance(got, dict):
            return [(path, expected, got)]
        found = []
        for key, wanted in expected.items():
            found += failures(wanted, got.get(key, MISSING), f"{path}.{key}".lstrip("."))
        return found
    ordered = path.rpartition(".")[2] == ORDERED
    return [] if same(expected, got, ordered) else [(path, expected, got)]


def _holds(operators, got):
    if "$any_of" in operators and (got is MISSING or not any(same(one, got) for one in operators["$any_of"])):
        return False
    if "$nonempty" in operators and not (isinstance(got, str | list | dict) and bool(got) is operators["$nonempty"]):
        return False
    if "$has" in operators or "$lacks" in operators:
        if not isinstance(got, list | dict):
            return False
        members = list(got)
        if not all(_among(one, members) for one in operators.get("$has", [])):
            return False
        return not any(_among(one, members) for one in operators.get("$lacks", []))
    return True


def compare(expected, answer):
    if "error" in answer and "error" not in expected:
        return [("error", "an assessment", answer["error"])]
    return failures(expected, answer)
