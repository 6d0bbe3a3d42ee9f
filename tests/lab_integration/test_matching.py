"""Matching without a database: never a wrong person, whatever is mutated; each rule on both sides."""

import datetime
import random
from decimal import Decimal

import pytest

from mhac.clinics.numbers import check_character
from mhac.labs.matching import Line, Matcher, Numbers, Person, Reading, Rules, Specimen, TestRules, Value, is_luhn

FIRST = Person(datetime.date(1994, 3, 2), "F", "ZA")
SECOND = Person(datetime.date(1987, 11, 20), "M", "MR")


def number(count):
    body = f"KBL26{count:05d}"
    return body + check_character(body)


def specimen(count=1, person=FIRST, tests=("alt",), **limits):
    return Specimen(number(count), person, {key: TestRules(key, **limits) for key in tests})


def line(value="31", count=1, *, place=0, test="alt", stated=None, **given):
    reading = Reading(test, Value(number=Decimal(value)), "U/L")
    given.setdefault("specimen_id", number(count))
    return Line(place, stated=stated or Person(), readings={"": reading}, as_sent=value, **given)


def decide(*lines, rules=None, specimens=None, seen=()):
    return Matcher(specimens or [specimen()], rules or Rules(), "A", seen).decide(lines)


def states(*lines, **given):
    return [(one.state, one.reason) for one in decide(*lines, **given)]


@pytest.mark.parametrize(
    "sent, reason",
    [
        ("", "no_id"),
        ("AHMADI", "not_our_pattern"),
        (number(1)[:-1] + "0", "check_character"),
        (number(2), "unknown_specimen"),
        (number(1).lower(), "not_our_pattern"),
        (number(1) + " ", "not_our_pattern"),
    ],
)
def test_a_number_that_is_not_exactly_ours_matches_nothing(sent, reason):
    assert states(line(specimen_id=sent)) == [("UNMATCHED_SPECIMEN", reason)]


@pytest.mark.parametrize(
    "digits, right", [("0042000315", True), ("0042000316", False), ("79927398713", True), ("7", False), ("7x", False)]
)
def test_luhn(digits, right):
    assert is_luhn(digits) is right


def test_numbers_of_another_form():
    luhn = Rules(Numbers("^[0-9]{10}$", "luhn"))
    known = Specimen("0042000315", FIRST, {"alt": TestRules("alt")})
    assert states(line(specimen_id="0042000315"), rules=luhn, specimens=[known]) == [("FILED", "")]
    free = Rules(Numbers("^X", "none"))
    assert states(line(specimen_id="X1"), rules=free)[0][1] == "unknown_specimen"


@pytest.mark.parametrize(
    "stated, rules, outcome",
    [
        (Person(), Rules(), ("FILED", "")),
        (FIRST, Rules(), ("FILED", "")),
        (Person(sex="M"), Rules(), ("IDENTITY_MISMATCH", "sex")),
        (Person(birth_date=SECOND.birth_date), Rules(), ("IDENTITY_MISMATCH", "birth_date")),
        (Person(initials="XX"), Rules(), ("FILED", "")),
        (Person(initials="XX"), Rules(second_identifier=("initials",)), ("IDENTITY_MISMATCH", "initials")),
        (Person(), Rules(require_second_identifier=True), ("IDENTITY_MISMATCH", "second_identifier_missing")),
        (Person(sex="F"), Rules(require_second_identifier=True), ("FILED", "")),
    ],
)
def test_second_identifiers(stated, rules, outcome):
    assert states(line(stated=stated), rules=rules) == [outcome]


def test_one_row_that_names_somebody_else_holds_all_rows_of_that_specimen_and_no_others():
    rows = [line(place=0), line(place=1, stated=SECOND, test="alt"), line(count=2, place=2)]
    found = states(*rows, specimens=[specimen(), specimen(2)])
    assert found == [("IDENTITY_MISMATCH", "birth_date")] * 2 + [("FILED", "")]


def test_rows_that_are_no_result_are_settled_first():
    rows = [line(place=0, settled="QC"), line(place=1, settled="SUPPLEMENTAL"), line(place=2, settled="ATTACHMENT")]
    found = decide(*rows)
    assert [one.state for one in found] == ["QC", "SUPPLEMENTAL", "ATTACHMENT"]
    assert [one.accession for one in found] == ["", number(1), number(1)]


@pytest.mark.parametrize("number_, critical", [("6.2", True), ("6.1", False), ("2.8", True), ("2.9", False)])
def test_critical_is_at_or_beyond_the_limit(number_, critical):
    known = specimen(critical_low=Decimal("2.8"), critical_high=Decimal("6.2"))
    assert decide(line(number_), specimens=[known])[0].critical is critical


def test_another_run_waits_beside_the_first():
    found = decide(line("210"), line("198", place=1, run="2"), line("198", place=2, run="2"))
    assert [one.state for one in found] == ["FILED", "CANDIDATE", "DUPLICATE"]


def test_a_typed_value_that_stands_is_not_replaced_by_an_analyzer():
    from mhac.labs.matching import Standing

    typed = Standing(Value(number=Decimal(5)), "U/L", "F", "1", None, "", None)
    known = Specimen(number(1), FIRST, {"alt": TestRules("alt")}, {"alt": typed}, {"alt": 1})
    assert states(line("9"), specimens=[known]) == [("CANDIDATE", "")]


def test_versions_go_on_after_a_rejected_one():
    known = Specimen(number(1), FIRST, {"alt": TestRules("alt")}, {}, {"alt": 3})
    assert decide(line(), specimens=[known])[0].version == 4


CONCLUSION = TestRules("qft", inputs={"nil": "nil", "tb1": "tb1", "tb2": "tb2", "mitogen": "mitogen"})


@pytest.mark.parametrize(
    "nil, tb1, tb2, mitogen, said, outcome",
    [
        ("0.10", "0.45", "0.10", "5", "positive", ("FILED", "")),
        ("0.10", "0.44", "0.10", "5", "positive", ("CONFLICT", "recomputation_disagrees")),
        ("0.10", "0.44", "0.10", "5", "Negative", ("FILED", "")),
        ("8.01", "9", "9", "10", "indeterminate", ("FILED", "")),
        ("0.10", "0.20", "0.20", "0.59", "indeterminate", ("FILED", "")),
        ("0.10", "0.20", "0.20", "0.60", "negative", ("FILED", "")),
        ("4", "4.9", "4.9", "10", "negative", ("FILED", "")),
        ("4", "5", "4.9", "10", "positive", ("FILED", "")),
    ],
)
def test_a_conclusion_is_checked_against_its_values(nil, tb1, tb2, mitogen, said, outcome):
    names = ("nil", "tb1", "tb2", "mitogen")
    known = Specimen(number(1), FIRST, {**{name: TestRules(name) for name in names}, "qft": CONCLUSION})
    word = Line(9, number(1), Person(), {"": Reading("qft", Value(coded=said))})
    values = [
        line(value, place=at, test=name)
        for at, (name, value) in enumerate(zip(names, (nil, tb1, tb2, mitogen), strict=True))
    ]
    # The conclusion comes first: it is decided when its values are there.
    assert states(word, *values, specimens=[known])[0] == outcome


def test_a_conclusion_without_its_values_waits():
    known = Specimen(number(1), FIRST, {"qft": CONCLUSION})
    word = Line(9, number(1), Person(), {"": Reading("qft", Value(coded="negative"))})
    assert states(word, specimens=[known]) == [("CONFLICT", "inputs_missing")]


def test_a_tube_of_a_set_reads_as_its_own_test():
    tubes = {number(2): "nil", number(3): "tb1"}
    known = Specimen(number(1), FIRST, {"nil": TestRules("nil"), "tb1": TestRules("tb1")}, tubes=tubes)
    readings = {tube: Reading(tube or "nil", Value(number=Decimal(1)), "U/L") for tube in ("", "nil", "tb1")}
    rows = [Line(at, number(at + 2), Person(), readings) for at in range(2)]
    found = decide(*rows, specimens=[known])
    assert [(one.state, one.reading.test, one.accession) for one in found] == [
        ("FILED", "nil", number(1)),
        ("FILED", "tb1", number(1)),
    ]


def test_mutated_identifiers_never_reach_another_person():
    """20,000 rows of 500 specimens; one in a hundred has a sign of its number, sex or birth date changed."""
    chance = random.Random(20260915)
    people = [FIRST, SECOND, Person(datetime.date(2001, 1, 1), "F", "XY"), Person()]
    known = [specimen(count, people[count % 4]) for count in range(500)]
    owner = {one.accession: one for one in known}
    wrong = held_without_reason = 0
    for place in range(20_000):
        true = chance.choice(known)
        sent, stated, mutated = true.accession, true.person, chance.random() < 0.01
        if mutated:
            kind = chance.randrange(3)
            if kind == 0:
                at = chance.randrange(len(sent))
                sent = sent[:at] + chance.choice("0123456789ABKLQ") + sent[at + 1 :]
            elif kind == 1:
                stated = Person(stated.birth_date, "M" if stated.sex == "F" else "F", stated.initials)
            else:
                stated = Person(datetime.date(1970, 1, 1), stated.sex, stated.initials)
        outcome = Matcher(known, Rules(), "A").decide([line(str(place), specimen_id=sent, stated=stated)])[0]
        if outcome.state == "FILED":
            wrong += outcome.accession != true.accession
            wrong += any(
                getattr(stated, name)
                and getattr(owner[outcome.accession].person, name)
                and getattr(stated, name) != getattr(owner[outcome.accession].person, name)
                for name in ("birth_date", "sex")
            )
        elif not mutated:
            held_without_reason += 1
    assert (wrong, held_without_reason) == (0, 0)
