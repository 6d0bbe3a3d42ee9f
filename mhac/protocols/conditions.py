"""The named conditions that an edition's rows may use (rules, section 2). One name, one function, no expressions."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from . import polio, resistance

if TYPE_CHECKING:
    from .situation import Situation

INCIDENCE_FROM_PER_100K = 20
AUSTRALIAN_STAY_FROM_DAYS = 28
HBA1C_ABOVE_MMOL_MOL = 80
EGFR_BELOW = 30
AFGHANISTAN = "AFG"

Condition = Callable[["Situation"], bool]


def always(_: Situation) -> bool:
    """Everyone of these ages."""
    return True


def incidence_from_20(s: Situation) -> bool:
    """Examined in a country with at least 20 cases of tuberculosis per 100 000 (below: `US-TB-LOW`)."""
    incidence = s.facts.tb_incidence_per_100k
    return incidence is not None and incidence >= INCIDENCE_FROM_PER_100K


def contact(s: Situation) -> bool:
    """Any contact with tuberculosis."""
    return s.contact


def suggestive(s: Situation) -> bool:
    """A film with a finding that suggests tuberculosis."""
    return s.suggestive


def tb_positive(s: Situation) -> bool:
    """A positive test for tuberculosis infection."""
    return s.tb_positive


def tb_twice_indeterminate(s: Situation) -> bool:
    """The test for tuberculosis infection was indeterminate twice."""
    return s.tb_test.twice_indeterminate


def mtb(s: Situation) -> bool:
    """A culture grew MTB complex."""
    return s.mtb


def mtb_rifampicin_resistant(s: Situation) -> bool:
    """MTB complex with the resistance pattern rr, mdr, pre_xdr or xdr."""
    return s.mtb and s.resistance in resistance.RIFAMPICIN_RESISTANT


def signs_or_hiv(s: Situation) -> bool:
    """Signs of tuberculosis or known HIV infection."""
    return s.signs or s.hiv


def signs_hiv_or_past_tb(s: Situation) -> bool:
    """Signs of tuberculosis, known HIV infection or an earlier episode of tuberculosis."""
    return s.signs or s.hiv or s.past_tb


def suggestive_signs_or_hiv(s: Situation) -> bool:
    """A suggestive film, signs of tuberculosis or known HIV infection."""
    return s.suggestive or s.signs or s.hiv


def suggestive_or_signs(s: Situation) -> bool:
    """A suggestive film or signs of tuberculosis."""
    return s.suggestive or s.signs


def signs_contact_or_past_tb(s: Situation) -> bool:
    """Signs of, contact with, or an earlier episode of tuberculosis."""
    return s.signs or s.contact or s.past_tb


def contact_hiv_or_weakened(s: Situation) -> bool:
    """Contact, known HIV infection, transplant, dialysis, or cancer of head or neck."""
    return s.contact or s.hiv or s.facts.history.has_risk("transplant", "dialysis", "head_neck_cancer")


def sti_suspected(s: Situation) -> bool:
    """A genital ulcer or urethral discharge."""
    return s.facts.findings.exam.has("genital_ulcer", "urethral_discharge")


def substance_unclear(s: Situation) -> bool:
    """Substance use about which there is not enough information."""
    return any(not use.enough_information for use in s.facts.findings.exam.of("substance_use"))


def hiv_exposed(s: Situation) -> bool:
    """The mother has HIV, blood products were received, or the person is adopted."""
    return s.facts.history.has_risk("mother_hiv", "blood_products") or s.facts.person.adopted is True


def unaccompanied_or_adopted(s: Situation) -> bool:
    """An unaccompanied minor, or adopted."""
    return s.facts.person.unaccompanied_minor is True or s.facts.person.adopted is True


def birth_in_destination(s: Situation) -> bool:
    """Pregnant and to give birth in the country of destination."""
    pregnancy = s.facts.person.pregnancy
    return s.pregnant and pregnancy is not None and pregnancy.birth_in_destination is True


def health_care_work(s: Situation) -> bool:
    """Intends to work in health care."""
    return s.facts.history.has_risk("health_care_work")


def polio_stay_from_28_days(s: Situation) -> bool:
    """At least 28 days in a polio area."""
    stay = s.facts.history.polio_area_stay_days
    return stay is not None and stay >= AUSTRALIAN_STAY_FROM_DAYS


def leaving_after_polio_stay(s: Situation) -> bool:
    """Leaving Afghanistan after a stay of more than 28 days."""
    stay = s.facts.history.polio_area_stay_days
    return leaving_afghanistan(s) and stay is not None and stay > polio.STAY_DAYS


def leaving_afghanistan(s: Situation) -> bool:
    """A departure from Afghanistan is planned."""
    return s.facts.travel.departure is not None and s.facts.travel.leaves_from == AFGHANISTAN


def hba1c_above_80(s: Situation) -> bool:
    """HbA1c above 80 mmol/mol after rounding."""
    return s.hba1c is not None and s.hba1c > HBA1C_ABOVE_MMOL_MOL


def egfr_below_30(s: Situation) -> bool:
    """eGFR below 30 after rounding; in pregnancy it is incomplete and asks for nothing (`NZ-07`)."""
    return isinstance(s.egfr, int) and s.egfr < EGFR_BELOW


def not_pregnant(s: Situation) -> bool:
    """Not known to be pregnant."""
    return not s.pregnant


def pregnant_no_sputum_choice(s: Situation) -> bool:
    """Pregnant, and sputum was not chosen instead of the film."""
    return s.pregnant and not pregnant_sputum_choice(s)


def pregnant_sputum_choice(s: Situation) -> bool:
    """Pregnant, and sputum was chosen instead of the film."""
    pregnancy = s.facts.person.pregnancy
    return s.pregnant and pregnancy is not None and pregnancy.film_choice == "sputum"


CONDITIONS: dict[str, Condition] = {
    condition.__name__: condition
    for condition in (
        always,
        incidence_from_20,
        contact,
        suggestive,
        tb_positive,
        tb_twice_indeterminate,
        mtb,
        mtb_rifampicin_resistant,
        signs_or_hiv,
        signs_hiv_or_past_tb,
        suggestive_signs_or_hiv,
        suggestive_or_signs,
        signs_contact_or_past_tb,
        contact_hiv_or_weakened,
        sti_suspected,
        substance_unclear,
        hiv_exposed,
        unaccompanied_or_adopted,
        birth_in_destination,
        health_care_work,
        polio_stay_from_28_days,
        leaving_after_polio_stay,
        hba1c_above_80,
        egfr_below_30,
        not_pregnant,
        pregnant_no_sputum_choice,
        pregnant_sputum_choice,
    )
}
