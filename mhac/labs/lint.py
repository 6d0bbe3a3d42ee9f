"""Why a test of the catalogue could not be resulted, or would be judged by limits that contradict themselves: each in a
sentence that says what to do."""

from collections import defaultdict
from dataclasses import dataclass

from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.accounts.models import RoleGrant
from mhac.labs.catalogue import catalogue
from mhac.labs.models import Test
from mhac.protocols.programme import Refused
from mhac.screenings.programmes import programmes, title

OLDEST = 54787  # days, 150 years


@dataclass(frozen=True)
class Finding:
    """`stops`: no result can be filed or verified; otherwise it is only judged badly. `test` None: the site."""

    text: str
    stops: bool = False
    test: Test | None = None


def of_tests(tests, *, keys):
    """What is wrong with these tests; `keys` are those of all tests there are."""
    return [found for test in tests for found in (*_shape(test, keys), *_limits(test))]


def _shape(test, keys):
    def stops(sentence, **more):
        return Finding(sentence % {"test": test.name, **more}, True, test)

    if test.kind == Test.Kind.NUMERIC and not test.unit:
        yield stops(_("%(test)s is a number without a unit: no analyzer's value can be filed. Give it a UCUM unit."))
    if test.kind == Test.Kind.CODED and not test.allowed:
        yield stops(_("%(test)s is one of a list, and the list is empty. Give it its allowed values."))
    if not test.tube:
        yield stops(_("%(test)s has no tube: it cannot be collected. Choose one."))
    if strange := sorted({*test.normal, *test.critical_values} - set(test.allowed)):
        yield stops(
            _("%(test)s: %(words)s is normal or critical and is no allowed value. Mend the list."),
            words=", ".join(strange),
        )
    if missing := sorted(set(test.computed_from.values()) - keys):
        yield stops(
            _("%(test)s is concluded from %(missing)s, which is no test. Name the right one."),
            missing=", ".join(missing),
        )


def _limits(test):
    def says(sentence, **more):
        return Finding(sentence % {"test": test.name, **more}, test=test)

    ranges = [Limits.of(each) for each in test.ranges.all()]
    yield from (says(text) for text in contradictions(test.critical_low, test.critical_high, ranges))
    for sex, first, last in gaps(ranges) if ranges else ():
        yield says(
            _("%(test)s has no limits for %(sex)s aged %(first)s to %(last)s days: such results get no H or L."),
            sex=SEXES()[sex],
            first=first,
            last=last,
        )
    if not test.limits_verified and (ranges or test.normal or test.critical_low is not None):
        yield says(_("%(test)s: the limits are not confirmed. Two supervisors confirm them on the page of the test."))
    if test.loinc and not test.verified:
        yield says(_("%(test)s: the LOINC code was not seen in a source. Look it up at loinc.org."))


def SEXES():
    return {"male": _("men"), "female": _("women"), "": _("everybody")}


@dataclass(frozen=True)
class Limits:
    """One range without its row: days, both ends included."""

    sex: str
    from_days: int
    to_days: int
    low: object
    high: object
    pregnant: bool = False

    @classmethod
    def of(cls, row):
        return cls(row.sex, row.from_days, row.to_days, row.low, row.high, row.pregnant)

    @property
    def shown(self):
        return f"{SEXES()[self.sex]} {self.from_days}–{self.to_days}"


def contradictions(critical_low, critical_high, ranges):
    """What cannot be true of these limits together, in sentences that name no test."""
    if None not in (critical_low, critical_high) and critical_low >= critical_high:
        yield _("The lower critical limit is not below the upper one. Correct one of them.")
    for place, one in enumerate(ranges):
        if one.from_days > one.to_days or (None not in (one.low, one.high) and one.low > one.high):
            yield _("The range for %(range)s ends before it begins. Turn it round.") % {"range": one.shown}
        if (critical_low is not None and one.low is not None and critical_low >= one.low) or (
            critical_high is not None and one.high is not None and critical_high <= one.high
        ):
            yield _("A critical limit lies inside the range for %(range)s: what is usual would be called.") % {
                "range": one.shown
            }
        for other in ranges[place + 1 :]:
            if _cross(one, other):
                yield _("The ranges for %(one)s and %(other)s overlap. Let one end where the other begins.") % {
                    "one": one.shown,
                    "other": other.shown,
                }


def _cross(one, other):
    """Same people twice; a narrower range wholly inside a wider one is a rule and its exception."""
    if (one.sex, one.pregnant) != (other.sex, other.pregnant):
        return False
    if one.to_days < other.from_days or other.to_days < one.from_days:
        return False
    a, b = (one.from_days, one.to_days), (other.from_days, other.to_days)
    return a == b or not ((a[0] <= b[0] and b[1] <= a[1]) or (b[0] <= a[0] and a[1] <= b[1]))


def gaps(ranges):
    """(sex, first day, last day) of the ages without limits; "" where it is the same for both."""
    found = {sex: _free([each for each in ranges if each.sex in {"", sex} and not each.pregnant]) for sex in SEX}
    both = [each for each in found["male"] if each in found["female"]]
    yield from (("", *each) for each in both)
    yield from ((sex, *each) for sex in SEX for each in found[sex] if each not in both)


SEX = ("male", "female")


def _free(ranges):
    free, next_day = [], 0
    for each in sorted(ranges, key=lambda one: one.from_days):
        if each.from_days > next_day:
            free.append((next_day, each.from_days - 1))
        next_day = max(next_day, each.to_days + 1)
    return [*free, (next_day, OLDEST)] if next_day <= OLDEST else free


def of_site(clinic, tests):
    """What this site lacks: somebody who types, somebody else who verifies, a test for what a programme asks."""
    held = defaultdict(set)
    rows = RoleGrant.objects.filter(user__is_active=True, group__permissions__content_type__app_label="labs")
    for user, site, codename in rows.values_list("user_id", "clinic_id", "group__permissions__codename"):
        if site in {None, clinic.pk}:
            held[user].add(codename)
    if not any("add_labresult" in rights for rights in held.values()):
        yield Finding(
            _("Nobody at %(site)s may type a result. An administrator gives the role.") % {"site": clinic}, True
        )
    typed = {"verify_labresult", "verify_typed", "verify_infectious"}
    if not any(typed <= rights for rights in held.values()):
        yield Finding(
            _("Nobody at %(site)s may verify what was typed: it needs a laboratory supervisor.") % {"site": clinic},
            True,
        )
    if not any("open_lock" in rights for rights in held.values()):
        yield Finding(
            _("Nobody at %(site)s may open a locked assay: an administrator makes somebody quality officer.")
            % {"site": clinic}
        )
    yield from _unanswered(clinic, tests)


def _unanswered(clinic, tests):
    answered = {item for test in tests if test.active for item in test.items}
    ours = {item for row in catalogue().tests.values() for item in row.get("items", ())}
    ours |= {item for test in tests for item in test.items}
    today = clinic.today() if clinic else timezone.localdate()
    for key in programmes():
        try:
            edition = programmes().edition(key, today)
        except Refused:
            continue
        for item in sorted({row.item for row in edition.requires} & ours - answered):
            yield Finding(
                _("%(programme)s asks for %(item)s, and no active test answers it.")
                % {"programme": title(edition), "item": item},
                True,
            )
