import datetime

import pytest

from mhac.decisions import ledger, words
from mhac.exams.models import Pregnancy
from mhac.protocols import vocabulary

from . import made

DAY = made.DAY


def by_item(found):
    return {entry.item: entry for entry in found.entries}


def test_a_new_screening_says_what_is_asked_and_why(kabul, cast):
    found = ledger.of(made.screening(kabul, cast.rec), on=DAY)
    entries = by_item(found)
    assert set(entries) == {
        "history",
        "physical_exam",
        "chest_xray",
        "urinalysis",
        "syphilis",
        "hiv",
        "creatinine",
    }
    film = entries["chest_xray"]
    assert (film.state, film.rules, film.place) == ("due", ("CA-03",), "exams:film")
    assert film.source and film.satisfied_by == "A film taken and its reading signed."
    assert entries["history"].reason == "A screening question is not answered yet."
    assert found.state == "incomplete"
    assert found.progress == "0 of 7 items done"
    assert found.waiting_for.startswith("Waiting for: Medical history, Physical examination, Chest x-ray")
    assert not found.can_be_signed


def test_a_finished_screening_is_ready(kabul, cast):
    found = ledger.of(made.ready(kabul, cast), on=DAY)
    assert found.state == "cleared"
    assert found.can_be_signed
    assert found.grade == "A"
    assert found.valid_until == datetime.date(2027, 11, 21)
    assert found.missing == []
    assert {entry.state for entry in found.entries} == {"done"}


def test_a_taken_specimen_is_awaited_and_names_itself(kabul, cast):
    screening = made.ready(kabul, cast)
    later = made.NOON + datetime.timedelta(days=1)
    made.order(screening, "hiv_combo", "hiv", made.tube(screening, cast.lab, at=later), nth=2)
    found = ledger.of(screening, on=DAY)
    entry = by_item(found)["hiv"]
    assert (entry.state, entry.reason) == ("pending", "Taken; the verified result is awaited.")
    assert found.missing == ["HIV"]
    assert found.waiting_for == "Waiting for: HIV."


def test_unanswered_facts_are_told_in_words(kabul, cast):
    screening = made.ready(kabul, cast, patient=made.person(kabul, sex="female"))
    found = ledger.of(screening, on=DAY)
    assert found.state == "cleared"  # the film is taken; the question before it no longer matters
    other = made.screening(kabul, cast.rec, patient=made.person(kabul, sex="female"))
    made.history(other, cast.cli, risks=None)
    found = ledger.of(other, on=DAY)
    assert dict(found.unknown)["person.pregnancy"] == "Nobody asked about pregnancy."
    assert dict(found.unknown)["history.risks"] == "Nobody asked about risks."
    assert by_item(found)["chest_xray"].reason == "The pregnancy question comes first."
    assert "the pregnancy question" in found.missing
    assert "the question about risks" not in found.missing  # the open history says it already


def test_a_film_put_off_names_the_day(kabul, cast):
    screening = made.screening(kabul, cast.rec, patient=made.person(kabul, sex="female"))
    due = datetime.date(2027, 3, 1)
    Pregnancy.objects.create(
        screening=screening, asked_on=DAY, pregnant=True, due_on=due, film_choice="defer", by=cast.cli
    )
    film = by_item(ledger.of(screening, on=DAY))["chest_xray"]
    assert (film.state, film.colour, film.not_before) == ("deferred", "purple", due)


def test_a_suggestive_film_proposes_sputum(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.history(screening, cast.cli)
    made.exam(screening, cast.cli)
    made.film(screening, cast.rad, ["infiltrate"])
    made.laboratory(screening, cast)
    found = ledger.of(screening, on=DAY)
    assert [(entry.item, entry.group) for entry in found.to_settle] == [
        ("chest_xray_repeat", "proposed"),
        ("sputum", "proposed"),
    ]
    assert found.state == "physician_decision"
    assert not found.can_be_signed


def test_records_that_contradict_each_other_are_a_sentence(kabul, cast):
    screening = made.screening(kabul, cast.rec, patient=made.person(kabul, born=datetime.date(2026, 1, 1)))
    made.film(screening, cast.rad, day=datetime.date(2025, 12, 31))
    found = ledger.of(screening, on=DAY)
    assert found.state == "contradiction"
    assert found.contradiction == "2025-12-31 is before the birth 2026-01-01. Correct one of them."
    assert not found.can_be_signed
    assert found.entries == () and found.warnings == () and found.grade == ""


def test_a_result_that_waits_for_verification_stops_the_signature(kabul, cast):
    screening = made.ready(kabul, cast)
    extra = made.order(screening, "glu", "", made.tube(screening, cast.lab, "fluoride"))
    made.result(extra, number=95)
    found = ledger.of(screening, on=DAY)
    assert found.state == "cleared"
    assert found.unverified_results == ("Glucose",)
    assert found.missing == ["verification of Glucose"]
    assert not found.can_be_signed


def test_unverified_rules_are_marked(kabul, cast):
    found = ledger.of(made.screening(kabul, cast.rec, "returnee-avrr"), on=DAY)
    assert by_item(found)["history"].verified is False
    assert not found.verified


def test_a_mark_changes_with_its_state_and_with_nothing_else(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    before = by_item(ledger.of(screening, on=DAY))
    made.exam(screening, cast.cli)
    after = by_item(ledger.of(screening, on=DAY))
    assert {item for item in after if after[item].mark != before[item].mark} == {"physical_exam"}


def test_fitness_to_travel_in_words(kabul, cast):
    from mhac.screenings.models import TravelPlan

    screening = made.ready(kabul, cast, "returnee-avrr")
    TravelPlan.objects.create(
        screening=screening,
        departure=made.NOON + datetime.timedelta(days=1),
        from_country="DEU",
        needs=["wheelchair"],
        recorded_by=cast.cli,
    )
    found = ledger.of(screening, on=DAY)
    assert found.fitness == "F2: fit to travel under conditions"
    assert found.travel_conditions == ("wheelchair",)
    assert found.valid_until is None


@pytest.mark.parametrize(
    ("said", "codes"),
    [
        (words.ITEMS, vocabulary.ITEMS),
        (words.SATISFIED_BY, vocabulary.ITEMS),
        (words.CONDITIONS_OF_TRAVEL, vocabulary.TRAVEL_NEEDS),
        (words.METHODS, {method for methods in vocabulary.ACCEPTS.values() for method in methods}),
        (words.UNKNOWN, {f"history.{question}" for question in vocabulary.SCREENING_QUESTIONS}),
    ],
)
def test_every_code_has_a_word(said, codes):
    assert set(codes) <= set(said)


def test_fifty_ledgers_cost_the_queries_of_one(kabul, cast, django_assert_num_queries):
    from django.db import connection
    from django.test.utils import CaptureQueriesContext

    def counted(screenings):
        with CaptureQueriesContext(connection) as queries:
            ledger.of_many(screenings, on=DAY)
        return len(queries)

    first = made.ready(kabul, cast)
    one = counted([first])
    assert counted([first, *(made.ready(kabul, cast) for _ in range(3))]) == one
