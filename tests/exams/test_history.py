"""The screening questions: explicit answers, details that fit them, and the one button that says no for somebody."""

import datetime

import pytest
from django.urls import reverse

from mhac.exams.history import HistoryForm
from mhac.exams.models import MedicalHistory
from mhac.protocols.history import read_history
from mhac.screenings.models import TravelPlan

from .conftest import make_screening, sign

ROWS = {
    f"{prefix}-{name}": value
    for prefix in ("episodes", "contacts", "doses")
    for name, value in (("TOTAL_FORMS", "2"), ("INITIAL_FORMS", "0"))
}
ALL_FIVE = ["known_hiv", "tb_signs", "tb_history", "tb_contacts", "risks"]


def answered(screening, **typed):
    form = HistoryForm(ROWS | typed, screening=screening)
    assert form.is_valid(), (form.errors, form.episodes.errors, form.contacts.errors)
    return form.save()


def refused(screening, **typed):
    form = HistoryForm(ROWS | typed, screening=screening)
    assert not form.is_valid()
    return form


def stated(row):
    return {name: getattr(row, name) for name in ALL_FIVE}


@pytest.mark.parametrize(
    ("programme", "questions"),
    [("ca", ALL_FIVE), ("us-iv", ALL_FIVE), ("uk-tb", ALL_FIVE[1:4]), ("border-arrival", ALL_FIVE[1:4])],
)
def test_the_questions_are_those_of_the_programme(kabul, cast, programme, questions):
    form = HistoryForm(screening=make_screening(kabul, cast.rec, programme=programme))
    assert [name for name, _field in form.asked] == questions


def test_nothing_is_answered_beforehand(man):
    form = HistoryForm(screening=man)
    assert [field.value() for _name, field in form.asked] == [None] * 5


def test_all_no_answers_every_question_with_no(man):
    assert stated(answered(man, all_no="yes")) == {
        "known_hiv": False,
        "tb_signs": [],
        "tb_history": [],
        "tb_contacts": [],
        "risks": [],
    }


def test_all_no_leaves_the_questions_of_other_programmes_unasked(kabul, cast):
    row = answered(make_screening(kabul, cast.rec, programme="uk-tb"), all_no="yes")
    assert (row.known_hiv, row.risks, row.tb_signs) == (None, None, [])


def test_all_no_keeps_what_was_answered(man):
    row = answered(man, all_no="yes", signs=["fever"], known_hiv_asked="yes")
    assert stated(row) == {
        "known_hiv": True,
        "tb_signs": [{"code": "fever"}],
        "tb_history": [],
        "tb_contacts": [],
        "risks": [],
    }


def test_an_unasked_question_stays_unasked(man):
    assert stated(answered(man, tb_signs_asked="no")) == dict.fromkeys(ALL_FIVE) | {"tb_signs": []}


def test_full_answers_are_written_as_the_rules_read_them(man):
    row = answered(
        man,
        known_hiv_asked="no",
        tb_signs_asked="yes",
        signs=["cough", "night_sweats"],
        cough_days="۲۱",
        tb_history_asked="yes",
        **{"episodes-0-year": "1398", "episodes-0-treated_by": "elsewhere", "episodes-0-completed": "yes"},
        tb_contacts_asked="yes",
        **{"contacts-0-source_name": "گل آغا", "contacts-0-last_contact": "2025-01-31"},
        risks_asked="yes",
        risks=["dialysis", "blood_products"],
        medicines="none",
    )
    assert row.tb_signs == [{"code": "cough", "days": 21}, {"code": "night_sweats"}]
    assert row.tb_history == [{"year": 2019, "treated_by": "elsewhere", "completed": True}]
    assert row.tb_contacts == [{"source_name": "گل آغا", "last_contact": "2025-01-31"}]
    assert row.risks == ["blood_products", "dialysis"]
    read = read_history(stated(row), "history")
    assert read.tb_signs[0].days == 21
    assert read.tb_contacts[0].last_contact == datetime.date(2025, 1, 31)


def test_a_contact_of_whom_nothing_is_known_is_a_contact(man):
    assert answered(man, tb_contacts_asked="yes").tb_contacts == [{}]


@pytest.mark.parametrize(
    ("typed", "name", "sentence"),
    [
        ({"tb_signs_asked": "yes"}, "tb_signs_asked", "Tick at least one sign"),
        ({"tb_signs_asked": "no", "signs": ["fever"]}, "tb_signs_asked", "You answered no and entered something"),
        ({"tb_signs_asked": "yes", "signs": ["cough"]}, "cough_days", "For how many days"),
        ({"cough_days": "14"}, "cough_days", "Tick cough as well"),
        ({"tb_history_asked": "yes"}, "tb_history_asked", "at least the year and the treatment"),
        ({"risks_asked": "yes"}, "risks_asked", "Tick at least one risk"),
        (
            {"tb_contacts_asked": "no", "contacts-0-source_name": "Gul"},
            "tb_contacts_asked",
            "You answered no and entered something",
        ),
        ({"episodes-1-year": "2015"}, "__all__", "is not complete"),
        ({"signs": ["sneezing"]}, "signs", "sneezing"),
    ],
)
def test_what_does_not_fit_is_refused(man, typed, name, sentence):
    assert sentence in refused(man, **typed).errors[name][0]


@pytest.mark.parametrize(("days", "fits"), [("0", True), ("3650", True), ("3651", False), ("-1", False)])
def test_days_of_cough(man, days, fits):
    form = HistoryForm(ROWS | {"signs": ["cough"], "cough_days": days}, screening=man)
    assert form.is_valid() is fits


@pytest.mark.parametrize(("offset", "fits"), [(-1, False), (0, True)])
def test_no_tuberculosis_before_the_birth(man, offset, fits):
    year = man.patient.born_earliest.year + offset
    form = HistoryForm(ROWS | {"episodes-0-year": str(year), "episodes-0-treated_by": "untreated"}, screening=man)
    assert form.is_valid() is fits


@pytest.mark.parametrize(("offset", "fits"), [(0, True), (1, False)])
def test_no_tuberculosis_in_the_future(man, offset, fits):
    year = man.clinic.today().year + offset
    form = HistoryForm(ROWS | {"episodes-0-year": str(year), "episodes-0-treated_by": "untreated"}, screening=man)
    assert form.is_valid() is fits


@pytest.mark.parametrize(("offset", "fits"), [(0, True), (1, False)])
def test_the_last_contact_was_not_in_the_future(man, offset, fits):
    day = man.clinic.today() + datetime.timedelta(days=offset)
    form = HistoryForm(ROWS | {"contacts-0-last_contact": day.isoformat()}, screening=man)
    assert form.is_valid() is fits


@pytest.mark.parametrize(
    ("programme", "years", "asked"),
    [("ca", 30, False), ("au-permanent", 30, True), ("us-iv", 17, False), ("us-iv", 18, True)],
)
def test_days_in_afghanistan_are_asked_where_the_programme_needs_them(kabul, cast, programme, years, asked):
    screening = make_screening(kabul, cast.rec, programme=programme, years=years)
    assert ("polio_area_stay_days" in HistoryForm(screening=screening).fields) is asked


def test_days_in_afghanistan_are_asked_of_who_leaves_from_there(man, cast):
    TravelPlan.objects.create(
        screening=man,
        departure=datetime.datetime(2027, 1, 10, 9, tzinfo=datetime.UTC),
        from_country="AFG",
        recorded_by=cast.rec,
    )
    assert answered(man, polio_area_stay_days="10000").polio_area_stay_days == 10000


def leaving(screening, cast):
    TravelPlan.objects.create(
        screening=screening,
        departure=datetime.datetime(2027, 1, 10, 9, tzinfo=datetime.UTC),
        from_country="AFG",
        recorded_by=cast.rec,
    )


def dose(day, **more):
    return {"doses-0-vaccine": "opv", "doses-0-date": day.isoformat(), "doses-0-written": "yes"} | more


def test_a_polio_dose_is_written_down_for_who_leaves(man, cast):
    assert HistoryForm(screening=man).doses is None
    leaving(man, cast)
    day = man.clinic.today() - datetime.timedelta(days=40)
    row = answered(man, all_no="yes", polio_area_stay_days="400", **dose(day))
    assert row.vaccinations == [{"vaccine": "opv", "date": day.isoformat(), "written": True}]
    row.by = cast.cli
    row.save()
    again = HistoryForm(screening=man)
    assert [form["vaccine"].value() for form in again.doses][:1] == ["opv"]
    assert len(read_history({"vaccinations": row.vaccinations}, "history").vaccinations) == 1


@pytest.mark.parametrize(("offset", "fits"), [(0, True), (1, False), (-60000, False)])
def test_a_polio_dose_lies_between_birth_and_today(man, cast, offset, fits):
    leaving(man, cast)
    day = man.clinic.today() + datetime.timedelta(days=offset)
    assert HistoryForm(ROWS | dose(day), screening=man).is_valid() is fits


def test_half_a_polio_dose_is_not_taken(man, cast):
    leaving(man, cast)
    form = refused(man, **{"doses-0-vaccine": "opv"})
    assert "polio dose" in str(form.non_field_errors())


def test_a_row_that_is_emptied_is_taken_away(man, cast):
    row = answered(man, **{"episodes-0-year": "2015", "episodes-0-treated_by": "elsewhere"})
    row.by = cast.cli
    row.save()
    shown = HistoryForm(screening=man)
    assert [form["year"].value() for form in shown.episodes] == [2015, None, None]
    assert answered(man, tb_history_asked="no").tb_history == []


def test_one_click_on_all_no(man, cast, as_user):
    page = reverse("exams:history", args=[man.pk])
    nurse = as_user(cast.cli)
    assert 'name="all_no"' in nurse.get(page).content.decode()
    answer = nurse.post(page, ROWS | {"all_no": "yes"}, follow=True)
    assert "The medical history is saved." in answer.content.decode()
    assert 'name="all_no"' not in answer.content.decode()
    row = MedicalHistory.objects.get()
    assert (row.by, row.taken_on, stated(row)["tb_signs"]) == (cast.cli, man.clinic.today(), [])


def test_htmx_gets_the_form_and_learns_that_facts_changed(man, cast, as_user):
    page = reverse("exams:history", args=[man.pk])
    answer = as_user(cast.cli).post(page, ROWS | {"all_no": "yes"}, headers={"HX-Request": "true"})
    assert "facts-changed" in answer.headers["HX-Trigger"]
    text = answer.content.decode()
    assert text.strip().startswith('<div id="work">')
    assert "The medical history is saved." in text


def test_after_the_signature_no_answer_changes(man, cast, as_user):
    answered(man, all_no="yes")
    sign(man)
    page = reverse("exams:history", args=[man.pk])
    nurse = as_user(cast.cli)
    assert "can be read, not changed" in nurse.get(page).content.decode()
    answer = nurse.post(page, ROWS | {"tb_signs_asked": "yes", "signs": ["fever"]})
    assert answer.status_code == 409
    assert "ask the panel physician to withdraw the signature first" in answer.content.decode()
    assert not MedicalHistory.objects.exists()
