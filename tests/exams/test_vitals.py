"""What is measured at which age, and what no instrument can show."""

import pytest
from django.urls import reverse

from mhac.exams.forms import VitalsForm
from mhac.exams.models import Vitals

from .conftest import make_screening, say_pregnant, sign, years_before

ADULT = {"weight_kg": "70", "height_cm": "172", "systolic_mmhg": "120", "diastolic_mmhg": "80"}


def form_for(screening, **typed):
    return VitalsForm(typed, screening=screening)


@pytest.mark.parametrize(
    ("years", "young", "fields"),
    [
        (2, 1, {"head_cm", "muac_mm"}),
        (2, 0, {"muac_mm"}),
        (5, 1, {"muac_mm"}),
        (5, 0, set()),
    ],
)
def test_head_and_arm_are_measured_in_small_children(kabul, cast, years, young, fields):
    """On the day before the birthday, and on it."""
    born = years_before(kabul.today(), years, extra_days=-young)
    child = make_screening(kabul, cast.rec, born=born)
    assert {"head_cm", "muac_mm"} & set(VitalsForm(screening=child).fields) == fields


def test_the_arm_is_measured_in_pregnancy(woman, cast):
    assert "muac_mm" not in VitalsForm(screening=woman).fields
    say_pregnant(woman, cast.cli, pregnant=True)
    assert "muac_mm" in VitalsForm(screening=woman).fields


@pytest.mark.parametrize(
    ("name", "value", "possible"),
    [
        ("weight_kg", "0.29", False),
        ("weight_kg", "0.3", True),
        ("weight_kg", "350", True),
        ("weight_kg", "350.1", False),
        ("height_cm", "19.9", False),
        ("height_cm", "20", True),
        ("height_cm", "250", True),
        ("height_cm", "251", False),
        ("pulse_per_min", "19", False),
        ("pulse_per_min", "20", True),
        ("pulse_per_min", "300", True),
        ("pulse_per_min", "301", False),
        ("respirations_per_min", "3", False),
        ("respirations_per_min", "4", True),
        ("respirations_per_min", "120", True),
        ("respirations_per_min", "121", False),
        ("temperature_c", "29.9", False),
        ("temperature_c", "30", True),
        ("temperature_c", "44", True),
        ("temperature_c", "44.1", False),
        ("spo2_percent", "49", False),
        ("spo2_percent", "50", True),
        ("spo2_percent", "100", True),
        ("spo2_percent", "101", False),
    ],
)
def test_what_an_instrument_can_show(man, name, value, possible):
    form = form_for(man, **{name: value})
    assert form.is_valid() is possible
    if not possible:
        assert "cannot be right for" in form.errors[name][0]
        assert "or measure again" in form.errors[name][0]


@pytest.mark.parametrize("typed", ["۷۰٫۵", "70,5", "70.5", "٧٠.٥"])
def test_numbers_are_typed_in_any_digits(man, typed):
    form = form_for(man, weight_kg=typed)
    assert form.is_valid(), form.errors
    assert str(form.cleaned_data["weight_kg"]) == "70.5"


@pytest.mark.parametrize(
    ("typed", "name", "sentence"),
    [
        ({}, "__all__", "Nothing was measured"),
        ({"systolic_mmhg": "120"}, "systolic_mmhg", "Enter both, or neither"),
        ({"systolic_mmhg": "80", "diastolic_mmhg": "80"}, "systolic_mmhg", "must be larger"),
        ({"weight_kg": "140", "height_cm": "60"}, "weight_kg", "cannot belong to one person"),
        ({"weight_kg": "1", "height_cm": "150"}, "weight_kg", "cannot belong to one person"),
        ({"pulse_per_min": "quick"}, "pulse_per_min", "Enter a number"),
        ({"pulse_per_min": "70.5"}, "pulse_per_min", "decimal place"),
    ],
)
def test_what_does_not_fit_together_is_refused(man, typed, name, sentence):
    form = form_for(man, **typed)
    assert not form.is_valid()
    assert sentence in form.errors[name][0]


def test_measurements_are_kept_with_who_took_them(man, cast, as_user):
    page = reverse("exams:vitals", args=[man.pk])
    answer = as_user(cast.cli).post(page, ADULT, follow=True)
    assert answer.content.decode().count("The measurements are saved.") == 1
    row = Vitals.objects.get()
    assert (row.screening, row.by, str(row.weight_kg), row.systolic_mmhg) == (man, cast.cli, "70.00", 120)
    assert row.history.get().history_user == cast.cli
    man.refresh_from_db()
    assert man.facts_changed_at is not None


def test_measuring_again_keeps_both(man, cast, as_user):
    nurse, page = as_user(cast.cli), reverse("exams:vitals", args=[man.pk])
    nurse.post(page, ADULT)
    nurse.post(page, {"systolic_mmhg": "130", "diastolic_mmhg": "85"})
    assert Vitals.objects.count() == 2
    assert "70.00" in nurse.get(page).content.decode()


def test_after_the_signature_nothing_is_measured(man, cast, as_user):
    sign(man)
    answer = as_user(cast.cli).post(reverse("exams:vitals", args=[man.pk]), ADULT)
    assert answer.status_code == 409
    assert "This screening is signed, so nothing on this page can change." in answer.content.decode()
    assert not Vitals.objects.exists()


def test_a_second_click_measures_nobody_twice(man, cast, as_user):
    nurse, page = as_user(cast.cli), reverse("exams:vitals", args=[man.pk])
    key = nurse.get(page).context["form"]["key"].value()
    for _click in range(2):
        nurse.post(page, ADULT | {"key": str(key)})
    assert str(Vitals.objects.get().pk) == key
