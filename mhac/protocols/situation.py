"""What the facts amount to, worked out once: the conditions, the items and the outcome all read it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from . import chest_film, hba1c, kidney, resistance, sputum, syphilis, tb_infection
from .ages import Ages, ages_of, pregnancy_is_asked
from .facts import Facts
from .history import History
from .tb_infection import Reading, TbTest

if TYPE_CHECKING:
    from .programme import Edition

COUGH_DAYS = 14


@dataclass(frozen=True, slots=True)
class Situation:
    facts: Facts
    edition: Edition
    ages: Ages
    tb_test: TbTest
    tb_test_accepts: frozenset[str]
    syphilis: syphilis.Verdict
    resistance: str | None
    egfr: int | str | None
    hba1c: int | None
    signs: bool
    hiv: bool
    past_tb: bool
    contact: bool
    suggestive: bool
    mtb: bool
    pregnant: bool
    pregnancy_asked: bool

    @property
    def tb_positive(self) -> bool:
        return self.tb_test.result == "positive"

    @property
    def pregnancy_unknown(self) -> bool:
        """To be asked, and nobody stated it."""
        return self.pregnancy_asked and self.facts.person.pregnancy is None

    @property
    def items_unknown(self) -> str:
        """The edition's sentence while nobody has said that the list of items is complete (`LIST-1`)."""
        return "" if self.facts.decided("list_complete") else self.edition.items_unknown

    @property
    def tb_disease(self) -> bool:
        """Grown, or decided by a physician."""
        return self.mtb or bool(self.facts.decided("tb_disease"))

    @property
    def tb_decided(self) -> bool:
        """A physician has said whether this is tuberculosis."""
        return bool(self.facts.decided("tb_disease") or self.facts.decided("no_tb_disease"))


def has_signs(history: History, extrapulmonary: bool) -> bool:
    """`SIGN-1`: a cough from 14 days, any other sign at once; extrapulmonary tuberculosis is a sign too."""
    signs = history.tb_signs or ()
    return extrapulmonary or any(
        sign.code != "cough" or (sign.days is not None and sign.days >= COUGH_DAYS) for sign in signs
    )


def weigh(facts: Facts, edition: Edition) -> Situation:
    history, findings, practice = facts.history, facts.findings, edition.practice
    ages = ages_of(facts)
    contact, hiv = bool(history.tb_contacts), history.known_hiv is True
    accepts = frozenset.intersection(*(edition.accepts("tb_test", age) for age in ages.ends))
    pregnant = facts.person.pregnant
    return Situation(
        facts=facts,
        edition=edition,
        ages=ages,
        tb_test=tb_infection.judge(
            _readings(facts, at_risk=contact or hiv),
            accepts=accepts,
            earlier=history.prior_tb_test if practice.earlier_positive_counts else None,
            doses=(history.vaccinations or ()) if practice.live_vaccine_wait else (),
            examined=facts.examined,
        ),
        tb_test_accepts=accepts,
        syphilis=syphilis.judge(findings.syphilis, facts.examined)
        if practice.syphilis == "two_tests"
        else syphilis.Verdict(syphilis.any_result_state(findings.syphilis)),
        resistance=resistance.pattern(findings.sputum),
        egfr=kidney.egfr(
            findings.creatinine,
            age=ages.youngest,
            sex=facts.person.sex,
            height_cm=findings.vitals.height_cm,
            pregnant=pregnant,
        ),
        hba1c=None
        if findings.hba1c is None or findings.hba1c.ngsp_percent is None
        else hba1c.mmol_mol(findings.hba1c.ngsp_percent),
        signs=has_signs(history, findings.exam.has("extrapulmonary_tb")),
        hiv=hiv,
        past_tb=bool(history.tb_history),
        contact=contact,
        suggestive=chest_film.suggestive(findings.chest_xray),
        mtb=sputum.grew_mtb(findings.sputum),
        pregnant=pregnant,
        pregnancy_asked=pregnancy_is_asked(facts, ages),
    )


def _readings(facts: Facts, *, at_risk: bool) -> tuple[Reading, ...]:
    skin_tests = (
        Reading(test.date, "tst", tb_infection.read_tst(test.mm, at_risk=at_risk)) for test in facts.findings.tst
    )
    igras = (Reading(test.date, "igra", tb_infection.read_igra(test)) for test in facts.findings.igra)
    return (*skin_tests, *igras)
