"""What the case page says of each person, and that two clerks at once make no family twice."""

import datetime
import io
import uuid
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection
from django.urls import reverse
from django.utils import timezone
from PIL import Image

from mhac.appointments.models import Booking, Slot
from mhac.certificates.models import Certificate
from mhac.desk import family
from mhac.exams.models import ChestXray
from mhac.labs.models import LabOrder
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.screenings import services
from mhac.screenings.models import Case, Screening
from tests.desk.made import a_test, one_of_each, person, screening_of


def said(screening, user):
    """The chips of one person: text -> colour."""
    (member,) = [each for each in family.members(screening.case, user) if each.screening == screening]
    return {chip.text: chip.colour for chip in member.chips}


def test_nothing_has_happened_yet(kabul, cast):
    screening = screening_of(person(kabul, cast.rec), cast.rec)
    assert said(screening, cast.rec) == {
        "face not compared today": "grey", "no consent": "amber", "not booked": "grey", "vitals": "grey",
        "history": "grey", "film": "grey", "no tests ordered": "grey", "signed": "grey",
    }  # fmt: skip


def test_everything_has_happened(kabul, cast):
    screening = screening_of(person(kabul, cast.rec), cast.rec)
    one_of_each(screening, cast)
    services.give_consent(screening, purpose="examination", given_by="Testi", by=cast.rec)
    Booking.objects.update(state="arrived", ticket=7)
    LabOrder.objects.update(state="verified")
    chips = said(screening, cast.phy)
    for text in ("face compared today", "consents", "arrived, ticket 7", "vitals", "history", "examination", "film read",
                 "laboratory 1 of 1", "signed", "document valid"):  # fmt: skip
        assert chips[text] == "green", chips
    Certificate.objects.update(state="suspended")
    assert said(screening, cast.phy)["document suspended"] == "purple"


def test_a_face_is_asked_for_until_there_is_one(kabul, cast, as_user):
    screening = screening_of(person(kabul, cast.rec), cast.rec)
    address, words = reverse("desk:case", args=[screening.case_id]), "Add a photo"
    assert words in as_user(cast.rec).get(address).content.decode()
    assert words not in as_user(cast.phy).get(address).content.decode()
    out = io.BytesIO()
    Image.new("RGB", (60, 80), "teal").save(out, "PNG")
    patients.take_photo(screening.patient, data=out.getvalue(), by=cast.rec)
    assert words not in as_user(cast.rec).get(address).content.decode()


def test_what_is_on_the_way(kabul, cast):
    screening = screening_of(person(kabul, cast.rec), cast.rec)
    services.give_consent(screening, purpose="sharing", given_by="Testi", by=cast.rec)
    ChestXray.objects.create(screening=screening, taken_on=kabul.today(), taken_by=cast.rad)
    for key, state in (("glucose", "verified"), ("hiv", "collected"), ("urine", "cancelled")):
        LabOrder.objects.create(screening=screening, test=a_test(key=key, name=key), item="hiv", state=state)
    yesterday = timezone.now() - datetime.timedelta(days=1)
    slot = Slot.objects.create(clinic=kabul, starts_at=yesterday, capacity=1, opened_by=cast.mgr)
    Booking.objects.create(slot=slot, seat=1, screening=screening, booked_by=cast.rec)
    chips = said(screening, cast.rec)
    assert chips["film to read"] == chips["laboratory 1 of 2"] == "blue"
    assert chips["consent: sending the result to the partner"] == "blue"
    assert [colour for text, colour in chips.items() if text.startswith("did not come")] == ["amber"]


def test_a_returnee_needs_a_travel_plan(kabul, cast):
    screening = screening_of(person(kabul, cast.rec), cast.rec, "returnee-avrr")
    assert said(screening, cast.rec)["no travel plan"] == "amber"
    leaves = datetime.datetime(2027, 2, 3, 6, tzinfo=datetime.UTC)
    services.plan_travel(screening, departure=leaves, by=cast.rec)
    assert said(screening, cast.rec)["travels 03 Feb 2027"] == "green"


@pytest.mark.parametrize(
    ("who", "pages"),
    [
        ("rec", {"Consent", "Travel plan"}),
        (
            "cli",
            {"Consent", "Vitals", "History", "Examination", "X-ray", "Specimens", "Travel plan", "What is missing"},
        ),
        ("phy", {"Vitals", "History", "Examination", "X-ray", "Specimens", "Travel plan", "What is missing", "Decide"}),
        ("mgr", {"Travel plan"}),
        ("pro", {"Consent"}),
        ("dat", {"Consent", "Travel plan"}),
    ],
)
def test_each_role_is_led_only_where_it_may_go(kabul, cast, as_user, who, pages):
    screening = screening_of(person(kabul, cast.rec), cast.rec)
    user = getattr(cast, who)
    (member,) = family.members(screening.case, user)
    assert {str(words) for words, _address in member.links} == pages
    browser = as_user(user)
    for _words, address in member.links:
        assert browser.get(address).status_code == 200, address


def test_the_pregnancy_question_is_for_women_and_girls_of_an_age(kabul, cast):
    today = kabul.today()
    for sex, age, asked in [
        ("female", 10, False), ("female", 11, True), ("female", 50, True), ("female", 51, False), ("male", 30, False),
        ("unknown", 30, True),
    ]:  # fmt: skip
        born = today.replace(year=today.year - age, day=1)
        screening = screening_of(person(kabul, cast.rec, sex=sex, born_earliest=born), cast.rec)
        (member,) = family.members(screening.case, cast.cli)
        assert ("Pregnancy question" in {str(words) for words, _address in member.links}) is asked, (sex, age)


def test_the_head_of_the_family_comes_first_and_children_by_age(kabul, cast):
    case = screening_of(person(kabul, cast.rec, given_name="Head"), cast.rec).case
    for name, relation, year in (("Small", "child", 2020), ("Wife", "spouse", 1999), ("Big", "child", 2010)):
        child = person(kabul, cast.rec, given_name=name, born_earliest=datetime.date(year, 1, 2))
        services.open_screening(case, patient=child, relation=relation, by=cast.rec)
    names = [member.screening.patient.given_name for member in family.members(case, cast.rec)]
    assert names == ["Head", "Wife", "Big", "Small"]


def at_once(*requests):
    """The answers of several requests that are sent at the same moment."""

    def send(request):
        try:
            return request()
        finally:
            connection.close()

    with ThreadPoolExecutor(len(requests)) as pool:
        return list(pool.map(send, requests))


def a_card(key, **fields):
    filled = {
        "key": str(key), "given_name": "Testi", "sex": "female", "born": "1371", "relation": "head",
        "kind": "passport", "number": "P01234567", "override_reason": "Torn",
    } | fields  # fmt: skip
    return {f"form-0-{name}": value for name, value in filled.items()} | {
        "form-TOTAL_FORMS": "1",
        "form-INITIAL_FORMS": "0",
        "save": "1",
    }


@pytest.mark.django_db(transaction=True)
def test_one_form_sent_twice_at_once_makes_one_family(kabul, cast, as_user):
    browser = as_user(cast.rec)
    form = {"key": str(uuid.uuid4()), "clinic": kabul.pk, "programme": "uk-tb", "contact_name": "Testi"}
    opened = at_once(*[lambda: as_user(cast.rec).post(reverse("desk:new_case"), form)] * 4)
    assert len({response.url for response in opened}) == 1
    case, card = Case.objects.get(), a_card(uuid.uuid4())
    address = reverse("desk:members", args=[case.pk])
    saved = at_once(*[lambda: as_user(cast.rec).post(address, card)] * 4)
    assert {response.status_code for response in saved} == {302}
    assert Screening.objects.count() == Patient.objects.count() == 1
    assert browser.get(reverse("desk:case", args=[case.pk])).status_code == 200


@pytest.mark.django_db(transaction=True)
def test_two_clerks_with_one_passport_register_one_person(kabul, cast, as_user):
    cases = [
        services.open_case(clinic=kabul, programme="uk-tb", contact_name=f"Testi {n}", by=cast.rec) for n in range(4)
    ]
    answers = at_once(
        *[
            lambda case=case: as_user(cast.rec).post(
                reverse("desk:members", args=[case.pk]), a_card(uuid.uuid4()), follow=False
            )
            for case in cases
        ]
    )
    assert sorted(response.status_code for response in answers) == [200, 200, 200, 302]
    refused = next(response for response in answers if response.status_code == 200)
    assert "belongs to patient" in refused.content.decode()
    assert Patient.objects.count() == 1
