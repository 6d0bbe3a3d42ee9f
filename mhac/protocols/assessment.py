"""One person under one edition: what is asked, how far it has come, what follows. Everything is a proposal.

`assess(facts, edition)` gives frozen values; `Assessment.answer()` gives the contract's output (section 3).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

from . import (
    fit_to_travel,
    grading,
    items,
    nutrition,
    presumptive,
    quarantine,
    sputum,
    tuberculosis,
    vaccination,
    waivers,
)
from .ages import limit_crossed
from .conditions import leaving_afghanistan
from .facts import Facts
from .fit_to_travel import Fitness
from .months import is_placeholder, months_on
from .nutrition import Category
from .outcome import Outcome, decide
from .presumptive import Doses
from .programme import Edition, Row, Term
from .requirements import Asked, collect
from .rules import Rule, rules
from .situation import Situation, weigh
from .state import WAIVED, State
from .tuberculosis import TbClass
from .vaccination import Plan
from .validity import Validity, valid_until
from .vocabulary import ACCEPTS, FILMS, MOLECULAR_POSITIVE

Json = dict[str, object]


@dataclass(frozen=True, slots=True)
class Item:
    """One item that is asked for, proposed or withheld: how far it is, and which rows ask for it."""

    code: str
    state: State
    rows: tuple[Row, ...]
    accepts: tuple[str, ...] = ()

    @property
    def rules(self) -> tuple[str, ...]:
        return tuple(sorted({row.rule for row in self.rows}))

    @property
    def source(self) -> str:
        return "; ".join(dict.fromkeys(row.source for row in self.rows))

    @property
    def verified(self) -> bool:
        return all(row.verified for row in self.rows)

    def answer(self) -> Json:
        given: Json = {
            "state": self.state.name,
            "rules": list(self.rules),
            "source": self.source,
            "verified": self.verified,
        }
        if self.state.reason is not None:
            given["reason"] = self.state.reason
        if self.state.not_before is not None:
            given["not_before"] = self.state.not_before.isoformat()
        if self.accepts:
            given["accepts"] = list(self.accepts)
        if self.state.accepted is not None:
            given["accepted"] = self.state.accepted
        if self.state.product is not None:
            given["product"] = self.state.product
        return given


@dataclass(frozen=True, slots=True)
class Assessment:
    """`open_items` are the required items that are not done nor waived; `decided_by` the rules behind class, grade and
    dates; `not_waived` says of each item that is not settled which code of `waivers.why_not` stands against waiving it,
    None where it may be waived.

    `items_unknown`: the edition's sentence, until a physician has said that the list of this person is complete.
    """

    id: str
    edition: str
    age: tuple[int, int]
    required: tuple[str, ...]
    proposed: tuple[str, ...]
    withheld: tuple[str, ...]
    items: dict[str, Item]
    unknown: tuple[str, ...]
    outcome: Outcome
    valid_until: date | None
    warnings: tuple[str, ...]
    computed: Json
    vaccination: Plan | None = None
    presumptive: Doses | None = None
    fit_to_travel: Fitness | None = None
    nutrition: Category | None = None
    items_unknown: str = ""
    open_items: tuple[str, ...] = ()
    decided_by: tuple[Rule, ...] = ()
    not_waived: dict[str, str | None] = field(default_factory=dict)

    def answer(self) -> Json:
        """The output of the contract, section 3: JSON values, sets sorted."""
        youngest, oldest = self.age
        given: Json = {
            "id": self.id,
            "age": youngest if youngest == oldest else [youngest, oldest],
            "required": list(self.required),
            "proposed": list(self.proposed),
            "withheld": list(self.withheld),
            "items": {code: item.answer() for code, item in self.items.items()},
            "unknown": list(self.unknown),
            "outcome": {
                "state": self.outcome.state,
                "classes": sorted(self.outcome.classes),
                "options": sorted(self.outcome.options),
                "grade": self.outcome.grade,
                "remarks": sorted(self.outcome.remarks),
            },
            "valid_until": None if self.valid_until is None else self.valid_until.isoformat(),
            "warnings": list(self.warnings),
            "computed": dict(self.computed),
        }
        if self.vaccination is not None:
            given["vaccination"] = {
                "basis": self.vaccination.basis,
                "due": sorted(self.vaccination.due),
                "done": sorted(self.vaccination.done),
                "waived": dict(sorted(self.vaccination.waived.items())),
                "refused": sorted(self.vaccination.refused),
            }
        if self.presumptive is not None:
            given["presumptive"] = {
                "albendazole_mg": self.presumptive.albendazole_mg,
                "ivermectin_mg": _json_number(self.presumptive.ivermectin_mg),
            }
        if self.fit_to_travel is not None:
            given["fit_to_travel"] = {
                "category": self.fit_to_travel.category,
                "conditions": sorted(self.fit_to_travel.conditions),
                "rules": sorted(self.fit_to_travel.rules),
            }
        if self.nutrition is not None:
            given["nutrition"] = {"category": self.nutrition.name, "rules": [self.nutrition.rule]}
        if self.items_unknown:
            given["items_unknown"] = self.items_unknown
        return given


def _json_number(value: Decimal | None) -> int | float | None:
    if value is None:
        return None
    return int(value) if value == value.to_integral_value() else float(value)


def assess(facts: Facts, edition: Edition) -> Assessment:
    """Everything the rules of this edition say about these facts."""
    s = weigh(facts, edition)
    asked = collect(s)
    vaccines = _vaccines(s)
    states = {code: _state(code, s, asked, vaccines) for code in asked.rows()}
    not_waived = {
        code: "age_open" if code in asked.withheld else waivers.why_not(code, state, s, vaccines)
        for code, state in states.items()
        if not state.done
    }
    states |= {code: WAIVED for code in waivers.waived(s) if code in not_waived and not_waived[code] is None}
    found = {code: Item(code, states[code], rows, _accepts(code, s)) for code, rows in sorted(asked.rows().items())}
    open_items = tuple(code for code in sorted(asked.required) if not states[code].settled)
    unknown = _unknown(s, asked)
    tb = tuberculosis.us_class(s, all_done=not open_items) if edition.practice.us_classes else TbClass()
    outcome = decide(
        s,
        tb,
        vaccines,
        all_done=not open_items,
        all_known=not unknown,
        waiting=bool(asked.withheld or s.items_unknown)
        or any(states[code].name != "waived" for code in asked.proposed),
    )
    grade = grading.grade(s) if edition.practice.grade else None
    if grade is not None and outcome.cleared:
        outcome = Outcome(outcome.state, outcome.classes, outcome.options, grade.value, outcome.remarks)
    validity = valid_until(s, tb) if outcome.cleared else None
    until = None if validity is None else validity.until
    fitness, category = fit_to_travel.judge(facts), _nutrition(s)
    return Assessment(
        id=facts.id,
        edition=edition.key,
        age=s.ages.stated,
        required=tuple(sorted(asked.required)),
        proposed=tuple(sorted(asked.proposed)),
        withheld=tuple(sorted(asked.withheld)),
        items=found,
        unknown=unknown,
        outcome=outcome,
        valid_until=until,
        warnings=_warnings(s, asked, states, outcome, grade, until),
        computed=_computed(s),
        vaccination=vaccines,
        presumptive=_presumptive(s),
        fit_to_travel=fitness,
        nutrition=category,
        items_unknown=s.items_unknown,
        open_items=open_items,
        decided_by=_decided_by(s, tb, validity, grade, fitness, category),
        not_waived={code: why for code, why in not_waived.items() if not states[code].settled},
    )


def _state(code: str, s: Situation, asked: Asked, vaccines: Plan | None) -> State:
    if code in asked.withheld and code in FILMS and not s.facts.findings.chest_xray:
        return State("deferred", "age_ambiguous")
    return items.state_of(code, s, vaccines)


def _accepts(code: str, s: Situation) -> tuple[str, ...]:
    if code == "tb_test":
        return tuple(method for method in ACCEPTS[code] if method in s.tb_test_accepts)
    return ACCEPTS.get(code, ())


def _unknown(s: Situation, asked: Asked) -> tuple[str, ...]:
    """The facts of rules, section 1, that this programme needs and nobody stated."""
    facts = s.facts
    stated = {
        "tb_incidence_per_100k": facts.tb_incidence_per_100k is not None,
        "history.polio_area_stay_days": facts.history.polio_area_stay_days is not None,
    }
    needed = {need.fact for need in s.edition.needs if s.ages.oldest >= need.from_age}
    if leaving_afghanistan(s):
        needed.add("history.polio_area_stay_days")
    unknown = {f"history.{question}" for question in items.unanswered(s)}
    unknown |= {fact for fact in needed if not stated[fact]}
    if s.pregnancy_unknown and "chest_xray" in asked.rows() and not facts.findings.chest_xray:
        unknown.add("person.pregnancy")
    return tuple(sorted(unknown))


def _decided_by(
    s: Situation,
    tb: TbClass,
    validity: Validity | None,
    grade: grading.Grade | None,
    fitness: Fitness | None,
    category: Category | None,
) -> tuple[Rule, ...]:
    """What a screen or print names, with its mark, beside a class, a grade, a last day, a category."""
    practice, named = s.edition.practice, {tb.rule, s.syphilis.rule}
    named |= {
        rule
        for rule, holds in (
            ("US-PREG", practice.us_classes and s.pregnant),
            ("US-VAX-01", practice.vaccination == "required"),
            ("US-VAX-REF", practice.vaccination == "offered"),
            ("US-PRES", practice.presumptive_treatment),
            ("US-GC-03", practice.us_classes and s.facts.findings.gonorrhoea is not None),
            ("US-HD-01", practice.us_classes and s.facts.findings.exam.has("hansens")),
            ("US-MH-01", practice.us_classes and s.facts.findings.exam.has("substance_use", "mental_disorder")),
            ("CXR-CAT", bool(s.facts.findings.chest_xray)),
            ("CA-GRADE", grade is not None),
            ("LAB-EGFR", s.egfr is not None),
            ("LAB-DR", s.resistance is not None),
            ("AGE-4", len(s.ages.ends) > 1),
            ("WAIVE-1", bool(s.facts.decided("waive"))),
            ("TB-BAR", s.tb_disease and not practice.us_classes),
            ("LIST-1", bool(s.edition.items_unknown)),
            ("US-PHEIC", quarantine.suspected(s.edition.quarantinable, s.facts.findings.exam.conditions)),
        )
        if holds
    }
    named |= fitness.rules if fitness is not None else frozenset()
    named |= {category.rule} if category is not None else frozenset()
    known = [rule for key, rule in rules().items() if key in named]
    return (*known, *((_as_rule(validity.term),) if validity is not None else ()))


def _as_rule(term: Term) -> Rule:
    says = f"Valid for {term.months} months."
    return Rule(term.rule, says, term.certainty, term.verified, term.source)


def _vaccines(s: Situation) -> Plan | None:
    basis = s.edition.practice.vaccination
    if basis == "recorded":
        return None
    if basis == "offered":
        return vaccination.OFFERED
    recipient = vaccination.Recipient(
        born=s.ages.latest_birth,
        years=s.ages.youngest,
        examined=s.facts.examined,
        pregnant=s.pregnant,
        polio_stay_days=s.facts.history.polio_area_stay_days,
        polio_dose_on_record=bool(s.facts.history.written_polio_doses),
    )
    return vaccination.plan(recipient, s.facts.findings.vaccination)


def _presumptive(s: Situation) -> Doses | None:
    if not s.edition.practice.presumptive_treatment:
        return None
    return presumptive.doses(
        months_on(s.ages.latest_birth, s.facts.examined),
        s.facts.findings.vitals.weight_kg,
        may_be_pregnant=s.pregnant or s.pregnancy_unknown,
    )


def _nutrition(s: Situation) -> Category | None:
    found = s.facts.findings.nutrition
    if found is None:
        return None
    months = months_on(s.ages.latest_birth, s.facts.examined)
    return nutrition.category(found, months=months, years=s.ages.youngest, pregnant=s.pregnant)


def _computed(s: Situation) -> Json:
    values: Json = {
        "tb_test": s.tb_test.result,
        "drug_resistance": s.resistance,
        "egfr_ml_min_173m2": s.egfr,
        "hba1c_mmol_mol": s.hba1c,
    }
    return {key: value for key, value in values.items() if value is not None}


def _warnings(
    s: Situation,
    asked: Asked,
    states: dict[str, State],
    outcome: Outcome,
    grade: grading.Grade | None,
    until: date | None,
) -> tuple[str, ...]:
    facts, findings, travel = s.facts, s.facts.findings, s.facts.travel
    counted = sputum.count(findings.sputum)
    read_films = [film for film in findings.chest_xray if film.findings is not None and s.pregnant]
    xpert = findings.xpert
    waived = {states[code].name for code in waivers.waived(s) if code in states and not states[code].done}
    holds = {
        "age_ambiguous": asked.ambiguous,
        "age_limit_crossed": limit_crossed(facts, s.ages, s.edition.age_limits),
        "birth_date_placeholder": facts.person.exact and is_placeholder(facts.person.latest),
        "contact_details_missing": s.edition.practice.us_classes and tuberculosis.contact_details_missing(s),
        "critical_result": sputum.critical(findings.sputum)
        or (xpert is not None and xpert.result in MOLECULAR_POSITIVE),
        "sputum_same_day": counted.same_day,
        "sputum_contaminated": counted.contaminated,
        "test_method_not_accepted": s.tb_test.method_not_accepted,
        "film_without_consent": any(film.consent is not True for film in read_films),
        "film_without_shielding": any(film.shielded is not True for film in read_films),
        "expires_before_arrival": until is not None and travel.arrival is not None and travel.arrival > until,
        "passport_expires_before_departure": _passport_expires(facts),
        "fit_to_travel_expired": fit_to_travel.check_expired(travel.pec_signed, travel.departure),
        "item_waived": "waived" in waived,
        "waiver_without_effect": bool(waived - {"waived"}),
        "polio_dose_under_4_weeks": "polio_dose" in asked.rows() and items.exit_dose(s).under_four_weeks,
    }
    if s.syphilis.warning is not None:
        holds[s.syphilis.warning] = True
    if grade is not None:
        holds["comment_required"] = grade.comment_required and outcome.cleared
        holds["comment_forbidden"] = grade.comment_forbidden
        holds["grade_lowering_refused"] = grade.lowering_refused
    return tuple(sorted(code for code, true in holds.items() if true))


def _passport_expires(facts: Facts) -> bool:
    departure = facts.travel.departure_day
    expires = facts.person.passport_expires
    return departure is not None and expires is not None and expires < departure
