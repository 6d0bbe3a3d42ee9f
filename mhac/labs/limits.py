"""What a value means beside its limits: critical, above, below, unlike the normal words. Limits are the catalogue's."""

import datetime
from dataclasses import dataclass

from mhac.labs.catalogue import catalogue
from mhac.labs.matching import TestRules, Value
from mhac.labs.models import LabResult

ANY_SEX = ""


@dataclass(frozen=True)
class Judged:
    """The range by which a value is judged (None: there is none), and the critical limits of the person."""

    range: object
    critical: tuple

    def flag(self, test, *, number=None, coded="") -> str:
        return flag(test, self.range, number=number, coded=coded, critical=self.critical)


def critical_limits(test, *, patient, day):
    """The critical limits (low, high) of `test` for this person: those of her age go before the test's own, when she
    has that age for certain (where the birth date is not exact: at her oldest)."""
    age = (day - patient.born_earliest).days
    for each in catalogue().at_age(test.key):
        if each.from_days <= age <= each.to_days:
            return each.low, each.high
    return test.critical_low, test.critical_high


def rules_for(test, critical) -> TestRules:
    """What makes a value of `test` critical beside these limits (low, high), as the wire and the bench both take it."""
    together = catalogue().together_with(test.key)
    return TestRules(test.key, *critical, frozenset(test.critical_values), test.computed_from, together)


def is_critical(order, value: Value, *, beside=None) -> bool:
    """Whether `value` is critical for this order, by itself or together with what stands on its tube (`beside`: values
    of the tube that are filed with it, test -> coded)."""
    test = order.test
    limits = test.critical_low, test.critical_high
    if catalogue().at_age(test.key):  # of few tests; for the others nobody has to look up the person
        limits = critical_limits(test, patient=order.screening.person, day=order.specimen.collected_on)
    rules = rules_for(test, limits)
    if rules.is_critical(value) or not rules.together:
        return rules.is_critical(value)
    rows = LabResult.objects.standing().filter(order__specimen=order.specimen_id).exclude(order=order)
    words = dict(rows.values_list("order__test__key", "coded"))
    return rules.is_critical_beside(value, words | (beside or {}))


def judged(order, screening, day) -> Judged:
    """By what a result of `order` is judged in the person of `screening` (with patient). Who is pregnant is judged as
    such, and no page of the laboratory says why."""
    patient, pregnant = screening.person, bool(screening.pregnant)
    found = range_for(order.test, sex=patient.sex, born=patient.born_latest, day=day, pregnant=pregnant)
    return Judged(found, critical_limits(order.test, patient=patient, day=day))


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


def flag(test, limits, *, number=None, coded="", critical=None) -> str:
    """LL, L, H or HH for a number beside `limits` (a range or None) and the critical limits (low, high; the test's own
    unless others are given); A for an unusual word."""
    if number is None:
        return "A" if coded and test.normal and coded not in test.normal else ""
    lowest, highest = critical or (test.critical_low, test.critical_high)
    if lowest is not None and number <= lowest:
        return "LL"
    if highest is not None and number >= highest:
        return "HH"
    if limits is not None and limits.low is not None and number < limits.low:
        return "L"
    if limits is not None and limits.high is not None and number > limits.high:
        return "H"
    return ""
