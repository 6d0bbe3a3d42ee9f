"""The examination by systems and the conditions it finds."""

import datetime

import pytest
from django.urls import reverse

from mhac.exams import words
from mhac.exams.conditions import DETAILS, ConditionForm
from mhac.exams.models import PhysicalExam
from mhac.exams.physical import PhysicalExamForm
from mhac.protocols.examination import read_physical_exam

from .conftest import sign

# Details with which each condition is complete.
COMPLETE = {
    "genital_ulcer": {},
    "urethral_discharge": {},
    "extrapulmonary_tb": {"site": "spine"},
    "hansens": {"type": "paucibacillary", "days_on_treatment": "7"},
    "substance_use": {"substance": "opium", "controlled": "yes", "enough_information": "no"},
    "mental_disorder": {"enough_information": "yes", "dsm_diagnosis": "no", "harmful_behaviour": "none"},
    "infectious_disease": {"disease": "scabies", "infectious": "yes"},
    "myocardial_infarction": {"date": "2026-01-05", "risk": "low"},
    "heart_failure": {"controlled": "yes"},
    "unstable_angina": {},
    "pneumothorax": {"resolved": "no"},
    "abdominal_surgery": {"date": "2025-12-01"},
    "thoracic_surgery": {"date": "2025-12-01"},
    "psychosis": {"controlled": "no"},
    "other": {"text": "old fracture", "significant": "no"},
}


def typed(screening, **changes):
    return {"held_on": screening.clinic.today().isoformat()} | changes


def condition(code, place=0, **details):
    named = {f"{code}-{place}-{name}": value for name, value in details.items()}
    return {f"{code}-{place}-present": "on"} | named


def examined(screening, **changes):
    form = PhysicalExamForm(typed(screening, **changes), screening=screening)
    assert form.is_valid(), (form.errors, [each.errors for each in form.conditions if each.errors])
    return form.save()


def test_all_normal_answers_for_every_system(man):
    row = examined(man, all_normal="yes")
    assert row.systems == {code: {"normal": True, "text": ""} for code in words.SYSTEMS}
    assert row.conditions == []


def test_all_normal_keeps_the_exceptions(man):
    row = examined(
        man,
        all_normal="yes",
        skin_found="abnormal",
        skin_text="scar on the left arm",
        genitalia_found="not_examined",
        genitalia_text="declined",
    )
    assert row.systems["skin"] == {"normal": False, "text": "scar on the left arm"}
    assert row.systems["genitalia"] == {"normal": None, "text": "declined"}
    assert row.systems["lungs"] == {"normal": True, "text": ""}


@pytest.mark.parametrize(
    ("changes", "name", "sentence"),
    [
        ({}, "lungs_found", "Not answered yet"),
        ({"all_normal": "yes", "skin_found": "abnormal"}, "skin_text", "Describe what is not normal"),
        ({"all_normal": "yes", "skin_found": "not_examined"}, "skin_text", "Say why"),
        ({"all_normal": "yes", "skin_text": "scar"}, "skin_found", "Say whether it is normal"),
        ({"all_normal": "yes", "other-0-present": "on"}, "__all__", "A condition below is not complete"),
    ],
)
def test_what_is_missing_is_said(man, changes, name, sentence):
    form = PhysicalExamForm(typed(man, **changes), screening=man)
    assert not form.is_valid()
    assert sentence in form.errors[name][0]


@pytest.mark.parametrize(("offset", "fits"), [(0, True), (1, False)])
def test_it_was_not_held_in_the_future(man, offset, fits):
    day = man.clinic.today() + datetime.timedelta(days=offset)
    form = PhysicalExamForm({"held_on": day.isoformat(), "all_normal": "yes"}, screening=man)
    assert form.is_valid() is fits


@pytest.mark.parametrize(("offset", "fits"), [(-1, False), (0, True)])
def test_it_was_not_held_before_the_birth(baby, offset, fits):
    day = baby.patient.born_latest + datetime.timedelta(days=offset)
    form = PhysicalExamForm({"held_on": day.isoformat(), "all_normal": "yes"}, screening=baby)
    assert form.is_valid() is fits


@pytest.mark.parametrize("code", words.CONDITIONS)
def test_every_condition_is_written_as_the_rules_read_it(man, code):
    row = examined(man, all_normal="yes", **condition(code, **COMPLETE[code]))
    assert [found["code"] for found in row.conditions] == [code]
    read = read_physical_exam({"conditions": row.conditions}, "findings.physical_exam")
    assert read.has(code)


@pytest.mark.parametrize(
    ("code", "detail"), [(code, detail) for code, details in COMPLETE.items() for detail in details]
)
def test_a_missing_detail_is_asked_for(man, code, detail):
    details = {name: value for name, value in COMPLETE[code].items() if name != detail}
    form = ConditionForm(
        {"x-present": "on"} | {f"x-{n}": v for n, v in details.items()}, screening=man, code=code, prefix="x"
    )
    assert not form.is_valid()
    assert detail in form.errors


@pytest.mark.parametrize(
    ("code", "details", "wrong"),
    [
        ("substance_use", {"enough_information": "yes"}, {"dsm_criteria", "harmful_behaviour"}),
        ("substance_use", {"enough_information": "yes", "dsm_criteria": "11", "harmful_behaviour": "none"}, set()),
        (
            "substance_use",
            {"enough_information": "yes", "dsm_criteria": "12", "harmful_behaviour": "none"},
            {"dsm_criteria"},
        ),
        ("substance_use", {"class_a_before": "yes"}, {"last_criterion"}),
        ("substance_use", {"class_a_before": "yes", "last_criterion": "2025-01-01"}, set()),
        ("substance_use", {"class_a_before": "yes", "last_criterion": "2999-01-01"}, {"last_criterion"}),
        ("mental_disorder", {"class_a_before": "yes"}, {"last_harm"}),
        ("mental_disorder", {"harmful_behaviour": "sometimes"}, {"harmful_behaviour"}),
    ],
)
def test_what_follows_from_another_answer_is_asked(man, code, details, wrong):
    given = COMPLETE[code] | details
    form = ConditionForm(
        {"x-present": "on"} | {f"x-{n}": v for n, v in given.items()}, screening=man, code=code, prefix="x"
    )
    form.is_valid()
    assert set(form.errors) == wrong
    if not wrong:
        assert read_physical_exam({"conditions": [form.condition]}, "findings.physical_exam").has(code)


def test_details_without_the_tick_are_refused_not_dropped(man):
    form = ConditionForm({"x-text": "hernia"}, screening=man, code="other", prefix="x")
    assert not form.is_valid()
    assert "Tick the condition too" in form.errors["present"][0]


def test_a_condition_can_be_found_twice_and_taken_away(man, cast):
    row = examined(man, all_normal="yes", **condition("other", text="goitre", significant="no"))
    row.by = cast.cli
    row.save()
    again = {"all_normal": "yes"} | condition("other", text="goitre", significant="no")
    two = examined(man, **again, **condition("other", 1, text="hernia", significant="yes"))
    assert [found["text"] for found in two.conditions] == ["goitre", "hernia"]
    assert examined(man, all_normal="yes").conditions == []


def test_one_click_on_all_normal(man, cast, as_user):
    page = reverse("exams:exam", args=[man.pk])
    physician = as_user(cast.phy)
    assert 'name="all_normal"' in physician.get(page).content.decode()
    answer = physician.post(page, typed(man, all_normal="yes"), follow=True)
    assert "The examination is saved." in answer.content.decode()
    row = PhysicalExam.objects.get()
    assert (row.by, row.held_on, len(row.systems)) == (cast.phy, man.clinic.today(), 12)


def test_a_saved_examination_is_shown_as_it_was_saved(man, cast, as_user):
    page = reverse("exams:exam", args=[man.pk])
    physician = as_user(cast.phy)
    changes = {"skin_found": "abnormal", "skin_text": "scar"} | condition("heart_failure", controlled="yes")
    physician.post(page, typed(man, all_normal="yes", **changes))
    form = physician.get(page).context["form"]
    assert (form["skin_found"].value(), form["skin_text"].value(), form["eyes_found"].value()) == (
        "abnormal",
        "scar",
        "normal",
    )
    ticked = [each.code for each in form.conditions if each["present"].value()]
    assert ticked == ["heart_failure"]


def test_after_the_signature_the_examination_is_read_only(man, cast, as_user):
    sign(man)
    answer = as_user(cast.phy).post(reverse("exams:exam", args=[man.pk]), typed(man, all_normal="yes"))
    assert answer.status_code == 409
    assert "is signed, so nothing on this page can change" in answer.content.decode()
    assert not PhysicalExam.objects.exists()


def test_two_who_examine_at_once_do_not_overwrite_each_other(man, cast):
    from mhac.exams import services

    first, second = examined(man, all_normal="yes"), examined(man, all_normal="yes")
    services.record(first, by=cast.cli)
    with pytest.raises(services.Refused, match="Somebody else has just saved this page"):
        services.record(second, by=cast.phy)


def test_details_are_those_of_the_contract(man):
    assert set(COMPLETE) == set(DETAILS)
