"""Films: who may be filmed, who may read, and what a reading says."""

import pytest
from django.urls import reverse

from mhac.exams import services
from mhac.exams.forms import ReadingForm
from mhac.exams.models import ChestXray
from mhac.exams.services import Refused

from .conftest import compare_face, make_screening, say_pregnant, sign


def take(screening, by, **details):
    return services.take_film(screening, image_reference="DX-1", by=by, **details)


@pytest.fixture
def film(man, cast):
    compare_face(man, cast.rad)
    return take(man, cast.rad)


def test_a_man_is_filmed_once_his_face_was_compared(man, cast):
    with pytest.raises(Refused, match=r"Nobody has compared Sample Namuna .* with the photo in radiology today"):
        take(man, cast.rad)
    compare_face(man, cast.rad, station="reception")
    with pytest.raises(Refused, match="Compare the face first"):
        take(man, cast.rad)
    compare_face(man, cast.rad)
    film = take(man, cast.rad)
    assert (film.taken_on, film.taken_by, film.findings, film.shielded) == (man.clinic.today(), cast.rad, None, None)
    assert film.history.get().history_user == cast.rad


def test_a_face_that_was_not_the_right_one_stops_the_film(man, cast):
    compare_face(man, cast.rad)
    compare_face(man, cast.rad, confirmed=False)
    with pytest.raises(Refused, match="Compare the face first"):
        take(man, cast.rad)


def test_no_film_before_the_pregnancy_question(woman, cast):
    compare_face(woman, cast.rad)
    with pytest.raises(Refused, match=r"Pregnancy was not asked today\. Send her to the nurse"):
        take(woman, cast.rad)
    answer = say_pregnant(woman, cast.cli, days_ago=1)
    with pytest.raises(Refused, match="Pregnancy was not asked today"):
        take(woman, cast.rad)
    answer.asked_on = woman.clinic.today()
    answer.save()
    assert take(woman, cast.rad).shielded is None


@pytest.mark.parametrize(
    ("programme", "details", "allowed"),
    [
        ("ca", {"film_choice": "shielded_film", "weeks": 20}, True),
        ("ca", {"film_choice": "shielded_film", "weeks": 13, "days": 0}, True),
        ("ca", {"film_choice": "shielded_film", "weeks": 12, "days": 6}, False),
        ("ca", {"film_choice": "shielded_film"}, False),
        ("ca", {"film_choice": "defer", "weeks": 20}, False),
        ("ca", {"film_choice": "", "weeks": 20}, False),
        ("us-iv", {"film_choice": "shielded_film", "weeks": 8}, True),
        ("nz-residence", {"film_choice": "shielded_film", "weeks": 20}, False),
    ],
)
def test_a_pregnancy_puts_the_film_off_as_the_programme_says(kabul, cast, programme, details, allowed):
    screening = make_screening(kabul, cast.rec, programme=programme, sex="female", years=28)
    compare_face(screening, cast.rad)
    say_pregnant(screening, cast.cli, pregnant=True, **details)
    if allowed:
        film = take(screening, cast.rad, shielded=True, consent=True)
        assert (film.shielded, film.consent) == (True, True)
    else:
        with pytest.raises(Refused, match="She is pregnant"):
            take(screening, cast.rad, shielded=True, consent=True)


def test_a_film_in_pregnancy_needs_consent_and_an_answer_about_shielding(woman, cast):
    compare_face(woman, cast.rad)
    say_pregnant(woman, cast.cli, pregnant=True, weeks=20, film_choice="shielded_film")
    with pytest.raises(Refused, match="Without her written consent"):
        take(woman, cast.rad, shielded=True, consent=False)
    with pytest.raises(Refused, match="Say whether the abdomen was shielded"):
        take(woman, cast.rad, consent=True)


def test_no_film_after_the_signature(man, cast, film):
    sign(man)
    with pytest.raises(Refused, match="This screening is signed"):
        take(man, cast.rad)
    with pytest.raises(Refused, match="This screening is signed"):
        services.read_film(film, findings=[], by=cast.rad)


def test_a_reading_needs_a_licence(film, cast):
    cast.rad.licence = ""
    with pytest.raises(Refused, match="A reading is signed only with a reader's licence"):
        services.read_film(film, findings=[], by=cast.rad)
    film.refresh_from_db()
    assert film.read_at is None


def test_a_normal_film_is_said_to_be_normal(film, cast):
    read = services.read_film(film, findings=[], by=cast.rad)
    assert (read.findings, read.read_by) == ([], cast.rad)
    assert read.read_at is not None


def test_findings_are_kept_sorted_and_once(film, cast):
    read = services.read_film(film, findings=["miliary", "cavity", "miliary"], by=cast.rad)
    assert read.findings == ["cavity", "miliary"]
    assert [str(label) for label in read.finding_labels] == ["cavity", "miliary pattern"]


@pytest.mark.parametrize(
    ("typed", "name", "sentence"),
    [
        ({}, "normal", "Say whether the film is normal"),
        ({"normal": "yes", "findings": ["cavity"]}, "normal", "Correct one of the two"),
        ({"normal": "no"}, "normal", "Tick what you see"),
        ({"normal": "no", "findings": ["ghost"]}, "findings", "ghost"),
        ({"normal": "yes", "effusion_excluded_by": "ultrasound"}, "effusion_excluded_by", "only for smooth thickening"),
    ],
)
def test_a_reading_that_contradicts_itself_is_refused(film, man, typed, name, sentence):
    form = ReadingForm(typed, screening=man, instance=film)
    assert not form.is_valid()
    assert sentence in form.errors[name][0]


def test_the_excluded_effusion_is_kept_with_its_finding(film, man):
    typed = {
        "normal": "no",
        "findings": ["pleural_smooth_thickening_at_angle"],
        "effusion_excluded_by": "lateral_film",
    }
    form = ReadingForm(typed, screening=man, instance=film)
    assert form.is_valid(), form.errors
    assert form.reading()["effusion_excluded_by"] == "lateral_film"


def test_taking_and_reading_through_the_pages(man, cast, as_user):
    compare_face(man, cast.rad)
    radiographer, page = as_user(cast.rad), reverse("exams:film", args=[man.pk])
    assert "Face compared today" in radiographer.get(page).content.decode()
    taken = radiographer.post(reverse("exams:take_film", args=[man.pk]), {"image_reference": "DX-77"}, follow=True)
    assert "It waits for its reading." in taken.content.decode()
    film = ChestXray.objects.get()
    assert "DX-77" in radiographer.get(reverse("exams:films")).content.decode()
    reading = reverse("exams:read", args=[film.pk])
    assert "checked" not in radiographer.get(reading).content.decode()
    signed = radiographer.post(reading, {"normal": "no", "findings": ["cavity"]}, follow=True)
    assert "The reading is signed." in signed.content.decode()
    film.refresh_from_db()
    assert (film.findings, film.read_by) == (["cavity"], cast.rad)


def test_the_page_refuses_a_film_before_the_pregnancy_question(woman, cast, as_user):
    compare_face(woman, cast.rad)
    answer = as_user(cast.rad).post(reverse("exams:take_film", args=[woman.pk]), {"image_reference": "DX-1"})
    assert answer.status_code == 409
    assert "Pregnancy was not asked today" in answer.content.decode()
    assert not ChestXray.objects.exists()


def test_the_page_refuses_a_reading_without_a_licence(film, cast, as_user):
    cast.rad.licence = ""
    cast.rad.save()
    answer = as_user(cast.rad).post(reverse("exams:read", args=[film.pk]), {"normal": "yes"})
    assert "Ask the administrator to enter your licence number" in answer.content.decode()
    film.refresh_from_db()
    assert film.findings is None


def test_a_physician_sees_films_and_reads_none(film, man, cast, as_user):
    physician = as_user(cast.phy)
    shown = physician.get(reverse("exams:film", args=[man.pk])).content.decode()
    assert "to read" in shown
    assert "Film taken" not in shown
    assert physician.post(reverse("exams:take_film", args=[man.pk]), {"image_reference": "X"}).status_code == 403
    assert physician.get(reverse("exams:read", args=[film.pk])).status_code == 403


def test_an_unread_film_of_a_signed_screening_waits_for_nobody(film, man, cast, as_user):
    sign(man)
    assert "Every film is read" in as_user(cast.rad).get(reverse("exams:films")).content.decode()


def test_a_second_click_takes_no_second_film(man, cast, as_user):
    compare_face(man, cast.rad)
    radiographer = as_user(cast.rad)
    key = radiographer.get(reverse("exams:film", args=[man.pk])).context["form"]["key"].value()
    for _click in range(2):
        radiographer.post(reverse("exams:take_film", args=[man.pk]), {"image_reference": "DX-1", "key": str(key)})
    assert str(ChestXray.objects.get().pk) == key


@pytest.mark.parametrize(
    ("state", "advice"),
    [("signed", "withdraw the signature first"), ("closed", "Open a new"), ("withdrawn", "Open a new screening")],
)
def test_what_to_do_next_depends_on_why_it_is_closed(man, cast, state, advice):
    compare_face(man, cast.rad)
    man.state = state
    man.save()
    with pytest.raises(Refused, match=f"is {state}.*{advice}"):
        take(man, cast.rad)
