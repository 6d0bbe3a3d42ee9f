"""Westgard's rules: each with the example of its definition, and both sides of each limit."""

from datetime import datetime, timedelta
from decimal import Decimal

import pytest

from mhac.protocols.westgard import RUN, Point, broken, run_of, z_value

START = datetime(2026, 11, 1, 8, 0)


def days(*values, level="1"):
    """One measurement a day of one level, the oldest first."""
    return [Point(level, Decimal(value), START + timedelta(days=day)) for day, value in enumerate(values)]


def pairs(*values):
    """Two levels a day, five minutes apart: (level 1, level 2), the oldest first."""
    found = []
    for day, (one, two) in enumerate(values):
        at = START + timedelta(days=day)
        found += [Point("1", Decimal(one), at), Point("2", Decimal(two), at + timedelta(minutes=5))]
    return found


# The definitions and drawings of the lesson "Westgard rules and multirules" (westgard.com), which are those of Clinical
# Chemistry 1981;27:493-501: what each drawing shows is written as z values.
LESSON = [
    ("all within 2", days("0.4", "-1.2", "1.9"), ()),
    ("1-2s: the last one beyond +2", days("0.4", "-1.2", "2.3"), ("1-2s",)),
    ("1-3s: the last one beyond -3", days("0.4", "-1.2", "-3.4"), ("1-3s",)),
    ("2-2s: two days running beyond +2", days("0.1", "2.2", "2.4"), ("2-2s",)),
    ("2-2s: both levels of one run beyond +2", pairs(("0.2", "-0.4"), ("2.1", "2.6")), ("2-2s",)),
    ("R-4s: the levels of one run beyond +2 and -2", pairs(("0.2", "-0.4"), ("2.3", "-2.2")), ("R-4s",)),
    ("4-1s: four days running beyond +1", days("0.2", "1.3", "1.1", "1.6", "1.2"), ("4-1s",)),
    ("4-1s: both levels, two runs running", pairs(("0.3", "0.1"), ("-1.2", "-1.5"), ("-1.1", "-1.3")), ("4-1s",)),
    ("10x: ten days running above the mean", days("-0.2", *["0.4"] * 10), ("10x",)),
    ("10x: both levels, five runs running", pairs(("0.2", "0.3"), *[("-0.3", "-0.6")] * 5), ("10x",)),
]

# Both sides of each limit, and what does not add up.
LIMITS = [
    ("exactly +2 does not exceed it", days("2.00"), ()),
    ("just beyond +2", days("2.000001"), ("1-2s",)),
    ("exactly -2", days("-2.00"), ()),
    ("exactly +3 warns only", days("3.00"), ("1-2s",)),
    ("just beyond -3", days("-3.000001"), ("1-3s",)),
    ("2-2s: the second exactly 2", days("2.5", "2.00"), ()),
    ("2-2s: the first exactly 2", days("2.00", "2.5"), ("1-2s",)),
    ("2-2s: one on each side", days("2.5", "-2.5"), ("1-2s",)),
    ("2-2s: not in a row", days("2.5", "0.1", "2.5"), ("1-2s",)),
    ("2-2s: two levels on different days", [*days("2.5"), Point("2", Decimal("2.5"), START + RUN * 2)], ("1-2s",)),
    ("R-4s: one exactly -2", pairs(("2.3", "-2.00")), ()),
    ("R-4s: a difference of more than 4, one within 2", pairs(("2.7", "-1.9")), ()),
    ("R-4s: not between runs", days("2.7", "-2.4"), ("1-2s",)),
    ("4-1s: three", days("1.3", "1.1", "1.6"), ()),
    ("4-1s: one exactly 1", days("1.3", "1.00", "1.6", "1.2"), ()),
    ("4-1s: one on the other side", days("1.3", "-1.1", "1.6", "1.2"), ()),
    ("4-1s: three of one level, one of the other within 1", pairs(("1.2", "0.9"), ("1.2", "1.1")), ()),
    ("10x: nine", days(*["0.4"] * 9), ()),
    ("10x: the mean is no side", days(*["0.4"] * 9, "0", "0.4"), ()),
    ("10x: the sides change", days(*["0.4"] * 9, "-0.1"), ()),
    ("several at once, in their order", days(*["1.2"] * 9, "3.2"), ("1-3s", "4-1s", "10x")),
    ("one level's 10x is not hidden by the other", pairs(*[("0.4", "-0.4")] * 10), ("10x",)),
]


@pytest.mark.parametrize(("series", "found"), [row[1:] for row in LESSON + LIMITS], ids=[r[0] for r in LESSON + LIMITS])
def test_what_the_newest_breaks(series, found):
    assert broken(series) == found
    # A mirror changes no verdict.
    assert broken([Point(one.level, -one.z, one.at) for one in series]) == found


def test_a_run_is_each_level_once_within_two_hours():
    first, second = pairs(("0", "0"))
    again = Point("1", Decimal(0), first.at + timedelta(minutes=10))
    assert run_of([first, second]) == [second, first]
    assert run_of([first, second, again]) == [again, second]
    at_the_end = Point("2", Decimal(0), first.at + RUN)
    late = Point("2", Decimal(0), first.at + RUN + timedelta(seconds=1))
    assert (run_of([first, at_the_end]), run_of([first, late])) == ([at_the_end, first], [late])


def test_a_value_in_standard_deviations_is_exact():
    mean, sd = Decimal("98.4"), Decimal("3.3")
    assert z_value(Decimal("105.0"), mean, sd) == 2
    assert broken([Point("1", z_value(Decimal("105.000001"), mean, sd), START)]) == ("1-2s",)


@pytest.mark.parametrize("wrong", [lambda: broken([]), lambda: broken(days("0", "0")[::-1])])
def test_what_cannot_be_judged_is_refused(wrong):
    with pytest.raises(ValueError, match="measurement"):
        wrong()
    with pytest.raises(ValueError, match="positive"):
        z_value(Decimal(1), Decimal(1), Decimal(0))
