"""What a value means beside its limits: critical, above, below, unlike the normal words. Limits are the catalogue's."""

import datetime

from mhac.labs.matching import TestRules, Value

ANY_SEX = ""


def is_critical(test, value: Value) -> bool:
    """At or beyond a critical limit of `test`, or one of its critical words."""
    limits = test.critical_low, test.critical_high, frozenset(test.critical_values)
    return TestRules(test.key, *limits).is_critical(value)


def range_for(test, *, sex: str, born: datetime.date, day: datetime.date, pregnant=False):
    """The narrowest range of `test` that fits this sex and age on `day` (days, both ends included), or None.

    A range of pregnancy is used where `pregnant` is said, and goes before every other.
    """
    age = (day - born).days
    fitting = [
        each
        for each in test.ranges.all()
        if each.sex in {ANY_SEX, sex} and each.from_days <= age <= each.to_days and each.pregnant <= pregnant
    ]

    def narrow(each):
        return not each.pregnant, each.to_days - each.from_days, each.sex == ANY_SEX

    return min(fitting, key=narrow, default=None)


def flag(test, limits, *, number=None, coded="") -> str:
    """LL, L, H or HH for a number beside `limits` (a range or None) and the critical limits; A for an unusual word."""
    if number is None:
        return "A" if coded and test.normal and coded not in test.normal else ""
    if test.critical_low is not None and number <= test.critical_low:
        return "LL"
    if test.critical_high is not None and number >= test.critical_high:
        return "HH"
    if limits is not None and limits.low is not None and number < limits.low:
        return "L"
    if limits is not None and limits.high is not None and number > limits.high:
        return "H"
    return ""
