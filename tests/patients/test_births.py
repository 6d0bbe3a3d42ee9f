import datetime

import pytest

from mhac.patients import births

TODAY = datetime.date(2026, 11, 21)
D = datetime.date


@pytest.mark.parametrize(
    ("text", "earliest", "latest", "precision"),
    [
        ("2002-03-21", D(2002, 3, 21), D(2002, 3, 21), "day"),
        ("2002/3/21", D(2002, 3, 21), D(2002, 3, 21), "day"),
        ("21 Mar 2002", D(2002, 3, 21), D(2002, 3, 21), "day"),
        ("21 march 2002", D(2002, 3, 21), D(2002, 3, 21), "day"),
        ("2002-03", D(2002, 3, 1), D(2002, 3, 31), "month"),
        ("Dec 2002", D(2002, 12, 1), D(2002, 12, 31), "month"),
        ("2002", D(2002, 1, 1), D(2002, 12, 31), "year"),
        ("1381-01-01", D(2002, 3, 21), D(2002, 3, 21), "day"),
        ("1 Hamal 1381", D(2002, 3, 21), D(2002, 3, 21), "day"),
        ("۱ حمل ۱۳۸۱", D(2002, 3, 21), D(2002, 3, 21), "day"),
        ("۱ وری ۱۳۸۱", D(2002, 3, 21), D(2002, 3, 21), "day"),
        ("1371", D(1992, 3, 21), D(1993, 3, 20), "year"),
        ("۱۳۷۱", D(1992, 3, 21), D(1993, 3, 20), "year"),
        ("١٣٧١", D(1992, 3, 21), D(1993, 3, 20), "year"),
        ("1399-12-30", D(2021, 3, 20), D(2021, 3, 20), "day"),
        ("1399-12", D(2021, 2, 19), D(2021, 3, 20), "month"),
        ("25 in 1398", D(1993, 3, 21), D(1995, 3, 20), "age_stated"),
        ("۲۵ ساله در ۱۳۹۸", D(1993, 3, 21), D(1995, 3, 20), "age_stated"),
        ("25 years old in 2019", D(1993, 1, 1), D(1994, 12, 31), "age_stated"),
        ("1371/5/2", D(1992, 7, 24), D(1992, 7, 24), "day"),
        ("2 اسد 1371", D(1992, 7, 24), D(1992, 7, 24), "day"),
        ("۲ زمری ۱۳۷۱", D(1992, 7, 24), D(1992, 7, 24), "day"),
        ("1372 – 1373", D(1993, 3, 21), D(1995, 3, 20), "age_stated"),
        ("2026-11-21", TODAY, TODAY, "day"),
        ("2026", D(2026, 1, 1), TODAY, "year"),
        ("1906", D(1906, 1, 1), D(1906, 12, 31), "year"),
    ],
)
def test_births_as_families_say_them(text, earliest, latest, precision):
    assert births.read(text, today=TODAY) == births.Birth(earliest, latest, precision)


@pytest.mark.parametrize(
    "text",
    ["", "03/04/2002", "21.03.2002", "1398-12-30", "2002-13-01", "2002-02-30", "2002-00", "Hamal 2002", "Mar 1381",
     "Mohammad", "1500", "1249", "25", "25 1398", "1371 1373", "1373 1372", "121 in 1398", "2002-03-21-5", "99999999999999999999"],
)  # fmt: skip
def test_what_is_no_date_is_refused_with_examples(text):
    with pytest.raises(births.Unreadable, match="2002-03-21"):
        births.read(text, today=TODAY)


@pytest.mark.parametrize(("text", "words"), [("2026-11-22", "future"), ("1406", "future"), ("1905", "120 years")])
def test_births_that_cannot_be(text, words):
    with pytest.raises(births.Unreadable, match=words):
        births.read(text, today=TODAY)


@pytest.mark.parametrize(
    ("text", "placeholder"),
    [("1991-01-01", True), ("1370-01-01", True), ("1991-01-02", False), ("1370-01-02", False), ("1991", False)],
)
def test_first_days_of_a_year_are_placeholders(text, placeholder):
    assert births.read(text, today=TODAY).is_placeholder is placeholder


@pytest.mark.parametrize(
    "text", ["2002-03-21", "2002-03", "2002", "1381", "1381-05", "25 in 1398", "25 in 2019", "2026"]
)
def test_written_is_read_back(text):
    found = births.read(text, today=TODAY)
    again = births.written(found.earliest, found.latest, found.precision)
    assert births.read(again, today=TODAY) == found


@pytest.mark.parametrize(
    ("gregorian", "hijri", "found"),
    [
        ("", "", None),
        ("2002-03-21", "", "2002-03-21"),
        ("", "1371", "1371"),
        ("2002-03-21", "1381-01-01", "2002-03-21"),
        ("1992-07-24", "1371", "1992-07-24"),  # the day lies in the year
        ("1992", "1371/5/2", "1371/5/2"),
    ],
)
def test_either_calendar_or_both(gregorian, hijri, found):
    assert births.read_both(gregorian, hijri, today=TODAY) == (found and births.read(found, today=TODAY))


@pytest.mark.parametrize(
    ("gregorian", "hijri"), [("2002-03-20", "1381-01-01"), ("1992", "1371"), ("1993-03-21", "1371"), ("2002", "1371")]
)
def test_two_calendars_that_contradict_each_other_are_a_sentence(gregorian, hijri):
    with pytest.raises(births.Unreadable, match="two calendars"):
        births.read_both(gregorian, hijri, today=TODAY)


@pytest.mark.parametrize(
    ("typed", "is_hijri", "text"),
    [
        (("1371", "", ""), False, "1371"),
        ((" 2 اسد 1371 ", "", ""), True, "2 اسد 1371"),
        (("۱۳۷۱", "5", "۲"), True, "1371-5-2"),
        (("1371", "5", ""), True, "1371-5"),
        (("1992", "7", "24"), False, "1992-7-24"),
    ],
)
def test_the_fields_of_one_calendar_as_one_text(typed, is_hijri, text):
    assert births.joined(*typed, is_hijri=is_hijri) == text


@pytest.mark.parametrize(
    ("typed", "is_hijri", "words"),
    [
        (("1371", "", "2"), True, "year and month"),
        (("", "5", "2"), True, "year and month"),
        (("1371/5/2", "5", "2"), True, "whole date"),
        (("1371", "5", "2"), False, "other calendar"),
        (("1992", "7", "24"), True, "other calendar"),
        (("71", "5", "2"), True, "other calendar"),
    ],
)
def test_fields_that_are_no_date(typed, is_hijri, words):
    with pytest.raises(births.Unreadable, match=words):
        births.joined(*typed, is_hijri=is_hijri)


@pytest.mark.parametrize(
    ("text", "gregorian", "hijri"),
    [
        ("2002-03-21", ["2002", "3", "21"], ["1381", "1", "1"]),
        ("1371", ["", "", ""], ["1371", "", ""]),
        ("2002", ["2002", "", ""], ["", "", ""]),
        ("1381-05", ["", "", ""], ["1381", "5", ""]),
        ("2002-03", ["2002", "3", ""], ["", "", ""]),
        ("25 in 1398", ["", "", ""], ["1372 – 1373", "", ""]),
    ],
)
def test_a_birth_goes_into_the_fields_and_comes_back(text, gregorian, hijri):
    found = births.read(text, today=TODAY)
    sides = births.parts(found.earliest, found.latest, found.precision)
    assert sides == (gregorian, hijri)
    texts = [births.joined(*side, is_hijri=n == 1) for n, side in enumerate(sides)]
    assert births.read_both(*texts, today=TODAY) == found


@pytest.mark.parametrize(("text", "said"), [("1991-01-01", True), ("1 حمل 1370", True), ("1991-01-02", False)])
def test_a_placeholder_is_doubted(text, said):
    assert bool(births.read(text, today=TODAY).doubt) is said
