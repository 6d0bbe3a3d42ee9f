"""The pregnancy question: of whom it is asked, and answers that fit together."""

import datetime

import pytest
from django.urls import reverse

from mhac.exams.forms import PregnancyForm
from mhac.exams.models import Pregnancy

from .conftest import make_screening, say_pregnant, years_before


def in_days(screening, days):
    return (screening.clinic.today() + datetime.timedelta(days=days)).isoformat()


@pytest.mark.parametrize(
    ("sex", "years", "days", "asked"),
    [
        ("female", 11, -1, False),
        ("female", 11, 0, True),
        ("unknown", 11, 0, True),
        ("male", 30, 0, False),
        ("female", 51, -1, True),
        ("female", 51, 0, False),
    ],
)
def test_it_is_asked_from_11_to_50(kabul, cast, sex, years, days, asked):
    born = years_before(kabul.today(), years, extra_days=days)
    screening = make_screening(kabul, cast.rec, sex=sex, born=born)
    assert Pregnancy.is_asked_of(screening.patient, kabul.today()) is asked


def test_it_is_asked_when_any_possible_age_is_11(kabul, cast):
    born = years_before(kabul.today(), 9)
    screening = make_screening(kabul, cast.rec, sex="female", born=born, born_earliest=years_before(kabul.today(), 11))
    assert Pregnancy.is_asked_of(screening.patient, kabul.today())


@pytest.mark.parametrize(
    ("typed", "name", "sentence"),
    [
        ({}, "pregnant", "required"),
        ({"pregnant": "no", "weeks": "12"}, "pregnant", "You answered no"),
        ({"pregnant": "no", "film_choice": "defer"}, "pregnant", "You answered no"),
        ({"pregnant": "yes", "weeks": "45"}, "weeks", "0 to 44 weeks"),
        ({"pregnant": "yes", "weeks": "20", "days": "7"}, "days", "0 to 6"),
        ({"pregnant": "yes", "days": "3"}, "weeks", "Enter the weeks too"),
    ],
)
def test_what_does_not_fit_is_refused(woman, typed, name, sentence):
    form = PregnancyForm(typed, screening=woman)
    assert not form.is_valid()
    assert sentence in form.errors[name][0]


@pytest.mark.parametrize("typed", [{"pregnant": "no"}, {"pregnant": "yes"}, {"pregnant": "yes", "weeks": "44"}])
def test_what_fits_is_taken(woman, typed):
    assert PregnancyForm(typed, screening=woman).is_valid()


@pytest.mark.parametrize(("days", "fits"), [(-29, False), (-28, True), (280, True), (281, False)])
def test_the_expected_date_lies_within_a_pregnancy(woman, days, fits):
    form = PregnancyForm({"pregnant": "yes", "due_on": in_days(woman, days)}, screening=woman)
    assert form.is_valid() is fits


@pytest.mark.parametrize(("days", "fits"), [(154, True), (126, True), (155, False), (125, False)])
def test_weeks_and_date_may_differ_by_a_fortnight(woman, days, fits):
    """20 weeks 0 days today mean a delivery in 140 days."""
    form = PregnancyForm({"pregnant": "yes", "weeks": "20", "due_on": in_days(woman, days)}, screening=woman)
    assert form.is_valid() is fits


def test_a_man_is_not_pregnant(man):
    form = PregnancyForm({"pregnant": "yes"}, screening=man)
    assert not form.is_valid()
    assert "registered as male" in form.errors["pregnant"][0]


def test_weeks_are_shown_as_of_today(woman, cast):
    say_pregnant(woman, cast.cli, pregnant=True, days_ago=10, weeks=20, days=5)
    form = PregnancyForm(screening=woman)
    assert (form["weeks"].value(), form["days"].value()) == (22, 1)


def test_the_answer_is_kept_with_its_day(woman, cast, as_user):
    page = reverse("exams:pregnancy", args=[woman.pk])
    typed = {"pregnant": "yes", "weeks": "۲۰", "days": "3", "film_choice": "shielded_film"}
    assert "The answer about pregnancy is saved." in as_user(cast.cli).post(page, typed, follow=True).content.decode()
    row = Pregnancy.objects.get()
    assert (row.weeks, row.days, row.film_choice, row.asked_on, row.by) == (
        20,
        3,
        "shielded_film",
        woman.clinic.today(),
        cast.cli,
    )


def test_nothing_is_chosen_beforehand(woman, cast, as_user):
    assert "checked" not in as_user(cast.cli).get(reverse("exams:pregnancy", args=[woman.pk])).content.decode()
