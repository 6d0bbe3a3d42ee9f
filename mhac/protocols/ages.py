"""The ages for which the rules are asked (`AGE-1` to `AGE-4`; rules, 3.1)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from .facts import Facts
from .months import age_on, youngest_birth_at

PREGNANCY_ASKED_FROM, PREGNANCY_ASKED_TO = 11, 50


@dataclass(frozen=True, slots=True)
class Ages:
    """`youngest` and `oldest` hold for every rule; `stated` is what is printed; `latest_birth` counts months."""

    youngest: int
    oldest: int
    stated: tuple[int, int]
    latest_birth: date
    decided: bool

    @property
    def ends(self) -> tuple[int, ...]:
        return (self.youngest,) if self.youngest == self.oldest else (self.youngest, self.oldest)


def ages_of(facts: Facts) -> Ages:
    """A physician's `use_age` replaces both ends; the printed age stays what is known."""
    person, examined = facts.person, facts.examined
    stated = (age_on(person.latest, examined), age_on(person.earliest, examined))
    decisions = facts.decided("use_age")
    if not decisions or decisions[-1].age is None:
        return Ages(*stated, stated, person.latest, decided=False)
    age = decisions[-1].age
    return Ages(age, age, stated, _latest_birth(facts, age), decided=True)


def _latest_birth(facts: Facts, age: int) -> date:
    """The latest birth that fits the decided age: inside the interval if one does, else the youngest of that age."""
    person, examined = facts.person, facts.examined
    youngest = youngest_birth_at(age, examined)
    inside = min(person.latest, youngest)
    return inside if inside >= person.earliest and age_on(inside, examined) == age else youngest


def limit_crossed(facts: Facts, ages: Ages, limits: frozenset[int]) -> bool:
    """Whether an age limit of the edition lies between the examination and the signature."""
    if facts.signed_off is None or ages.decided:
        return False
    ends = ((facts.person.latest, ages.youngest), (facts.person.earliest, ages.oldest))
    return any(age < limit <= age_on(born, facts.signed_off) for born, age in ends for limit in limits)


def pregnancy_is_asked(facts: Facts, ages: Ages) -> bool:
    """`LAB-HCG`: everyone whose sex is not male, when any possible age is 11 to 50."""
    return facts.person.sex != "male" and ages.oldest >= PREGNANCY_ASKED_FROM and ages.youngest <= PREGNANCY_ASKED_TO
