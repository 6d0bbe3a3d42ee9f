"""Westgard's rules: whether the newest measurement of a control says that an assay measures as it should.

Source: Westgard JO, Barry PL, Hunt MR, Groth T. A multi-rule Shewhart chart for quality control in clinical chemistry.
Clinical Chemistry 1981;27:493-501; the wording of the limits as in Westgard's lesson "Westgard rules and multirules".

z is how many standard deviations a value lies from its mean. A limit is exceeded by what lies *beyond* it: 2.00 does
not exceed 2, 2.01 does. "One side" means the same limit: +2.1 and -2.1 do not add up to 2-2s.

1-2s  one beyond 2: a warning. In 1981 it was what made a person look at the other rules; a machine looks at all of
      them every time, as later editions of the lesson advise, so 4-1s and 10x do not wait for a warning.
1-3s  one beyond 3: rejected.
2-2s  two in a row beyond 2 on one side, of one level, or of two levels of the same run: rejected.
R-4s  two levels of one run, one beyond +2 and the other beyond -2: rejected. Only within a run, because it looks for
      scatter: between two runs the same difference may be a shift. Some books reject any difference of more than 4,
      such as +2.5 and -1.6; here, as in the lesson, both must be beyond their limit.
4-1s  four in a row beyond 1 on one side: rejected. Of one level, or of all levels in the order of measuring.
10x   ten in a row on one side of the mean: rejected. Of one level, or of all levels. The mean itself is no side.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise

# Levels measured within this time, each once, are one run: nobody numbers runs at the bench. A setting of ours.
RUN = timedelta(hours=2)

WARNING = "1-2s"


@dataclass(frozen=True)
class Point:
    """One measurement of a control: its level, how many standard deviations from the mean, and when."""

    level: str
    z: Decimal
    at: datetime


def z_value(value: Decimal, mean: Decimal, sd: Decimal) -> Decimal:
    """How many standard deviations `value` lies from `mean`. Raises ValueError unless `sd` is positive."""
    if sd <= 0:
        raise ValueError("a standard deviation is positive")
    return (value - mean) / sd


def _beyond(points: Sequence[Point], count: int, limit: int) -> bool:
    """Whether there are `count` points, the last ones, all beyond +limit or all beyond -limit."""
    last = points[-count:]
    return len(last) == count and (all(one.z > limit for one in last) or all(one.z < -limit for one in last))


def run_of(series: Sequence[Point]) -> list[Point]:
    """The newest point and the other levels that were measured in the same run, the newest first."""
    newest = series[-1]
    found = [newest]
    for one in reversed(series[:-1]):
        if newest.at - one.at > RUN or one.level in {each.level for each in found}:
            break
        found.append(one)
    return found


def _same_level(series: Sequence[Point]) -> list[Point]:
    return [one for one in series if one.level == series[-1].level]


def _one_three(series: Sequence[Point]) -> bool:
    return abs(series[-1].z) > 3


def _two_two(series: Sequence[Point]) -> bool:
    newest, *others = run_of(series)
    return _beyond(_same_level(series), 2, 2) or any(_beyond([one, newest], 2, 2) for one in others)


def _range_four(series: Sequence[Point]) -> bool:
    newest, *others = run_of(series)
    return any((newest.z > 2 and one.z < -2) or (newest.z < -2 and one.z > 2) for one in others)


def _four_one(series: Sequence[Point]) -> bool:
    return _beyond(_same_level(series), 4, 1) or _beyond(series, 4, 1)


def _ten(series: Sequence[Point]) -> bool:
    return _beyond(_same_level(series), 10, 0) or _beyond(series, 10, 0)


REJECTING: dict[str, Callable[[Sequence[Point]], bool]] = {
    "1-3s": _one_three,
    "2-2s": _two_two,
    "R-4s": _range_four,
    "4-1s": _four_one,
    "10x": _ten,
}


def broken(series: Sequence[Point]) -> tuple[str, ...]:
    """The rules that the newest point of `series` (all levels of one assay, the newest last) breaks.

    () when it is in control, ("1-2s",) for a warning, else the rules that reject it, in the order above. The series
    begins after the last rejected point: what was rejected led to a repair, and is not counted against the run that
    shows whether the repair helped. Raises ValueError for an empty series, or one that is not in the order of time.
    """
    if not series:
        raise ValueError("there is no measurement to judge")
    if any(one.at > other.at for one, other in pairwise(series)):
        raise ValueError("the measurements are not in the order of time")
    found = tuple(name for name, breaks in REJECTING.items() if breaks(series))
    return found or ((WARNING,) if abs(series[-1].z) > 2 else ())
