import datetime

import pytest
from django.urls import reverse

from mhac.patients import services as patients
from mhac.screenings import services
from mhac.screenings.models import Consent, Guardian, Screening, TravelPlan


@pytest.fixture
def family(kabul, cast):
    """A mother and her child of three years."""
    case = services.open_case(clinic=kabul, programme="returnee-avrr", contact_name="Testi Mother", by=cast.rec)
    today = kabul.today()
    return [
        services.open_screening(
            case,
            patient=patients.register(clinic=kabul, by=cast.rec, given_name=name, sex="female", born_earliest=born),
            relation=relation,
            by=cast.rec,
        )
        for name, born, relation in (
            ("Mother", datetime.date(1990, 5, 1), "head"),
            ("Child", today.replace(year=today.year - 3, day=1), "child"),
        )
    ]


def given(family, **shared):
    data = {"language": "fa-af", "method": "signature"} | shared
    for screening in family:
        data[f"{screening.pk}-given_by"] = "Testi Mother"
        data[f"{screening.pk}-relation"] = "mother"
    return data


def test_one_tick_gives_every_consent_of_a_family(cast, family, as_user):
    browser, address = as_user(cast.rec), reverse("screenings:consent", args=[family[0].pk])
    page = browser.get(address)
    assert " checked" not in page.content.decode()
    assert [person.is_child for person in page.context["people"]] == [False, True]
    child = page.context["people"][1]
    assert [child[name].value() for name in ("given_by", "relation")] == ["Mother", "mother"]
    sent = given(family, everybody="on")
    for _ in range(2):
        assert browser.post(address, sent).status_code in (200, 302)
    assert Consent.objects.count() == 4
    child = Consent.objects.filter(screening=family[1]).first()
    assert (child.given_by, child.recorded_by, child.guardian_relation) == ("Testi Mother", cast.rec, "mother")
    assert Guardian.objects.get().name == "Testi Mother"


def test_single_consents_and_what_is_missing(cast, family, as_user):
    browser, address = as_user(cast.cli), reverse("screenings:consent", args=[family[1].pk])
    assert browser.get(address).context["people"][0].screening == family[1]
    assert "Tick at least one" in browser.post(address, given(family)).content.decode()
    thumb = given(family, everybody="on", method="thumbprint")
    assert browser.post(address, thumb).context["shared"].errors["witness"]
    alone = given(family, everybody="on") | {f"{family[1].pk}-given_by": "Child"}
    assert "is a child" in browser.post(address, alone).content.decode()
    empty = given(family, everybody="on") | {f"{family[1].pk}-given_by": ""}
    assert "guardian" in browser.post(address, empty).content.decode()
    assert not Consent.objects.exists()
    one = given(family) | {f"{family[1].pk}-purposes": ["sharing"]}
    assert browser.post(address, one).status_code == 302
    assert Consent.objects.get().purpose == "sharing"


def test_a_consent_is_withdrawn_without_having_to_say_why(cast, family, as_user):
    consent = services.give_consent(family[0], purpose="sharing", given_by="Mother", by=cast.rec)
    browser, address = as_user(cast.rec), reverse("screenings:withdraw_consent", args=[consent.pk])
    assert browser.get(address).status_code == 200
    assert browser.post(address, {"because": " "}).status_code == 302
    consent.refresh_from_db()
    assert consent.withdrawn_on is not None


def plan(**changes):
    return {
        "departure_on": "2027-02-03", "departs_at": "۰۶:۳۰", "arrival_on": "3 Feb 2027", "mode": "air",
        "from_country": "deu", "needs": ["wheelchair", "oxygen"],
    } | changes  # fmt: skip


def test_a_travel_plan_in_the_clinics_clock(cast, family, as_user):
    browser, address = as_user(cast.rec), reverse("screenings:travel", args=[family[0].pk])
    for bad, field in [
        ({"departure_on": "03/02/2027"}, "departure_on"),
        ({"departs_at": "25:00"}, "departs_at"),
        ({"arrival_on": "2027-02-02"}, "arrival_on"),
        ({"from_country": "D"}, "from_country"),
        ({"needs": ["camel"]}, "needs"),
    ]:
        assert field in browser.post(address, plan(**bad)).context["form"].errors
    assert browser.post(address, plan()).url == reverse("desk:case", args=[family[0].case_id])
    kept = TravelPlan.objects.get()
    assert kept.departure == datetime.datetime(2027, 2, 3, 2, 0, tzinfo=datetime.UTC)
    assert (kept.needs, kept.from_country) == (["oxygen", "wheelchair"], "DEU")
    page = browser.get(address).content.decode()
    assert 'value="2027-02-03"' in page
    assert 'value="06:30"' in page


def test_giving_up(cast, family, as_user):
    browser, address = as_user(cast.rec), reverse("screenings:withdraw", args=[family[0].pk])
    assert browser.post(address, {"because": ""}).status_code == 200
    assert browser.post(address, {"because": "Moved away"}).status_code == 302
    assert Screening.objects.get(pk=family[0].pk).state == "withdrawn"
    assert "cannot be withdrawn" in browser.post(address, {"because": "Again"}).content.decode()


@pytest.mark.parametrize("page", ["consent", "travel", "withdraw"])
def test_other_sites_and_other_roles(cast, family, as_user, page):
    address = reverse(f"screenings:{page}", args=[family[0].pk])
    assert as_user(cast.herat_rec).get(address).status_code == 404
    for who in (cast.lab, cast.rad, cast.adm):
        assert as_user(who).get(address).status_code == 403


def test_another_sites_consent_is_nowhere(cast, family, as_user):
    consent = services.give_consent(family[0], purpose="sharing", given_by="Mother", by=cast.rec)
    address = reverse("screenings:withdraw_consent", args=[consent.pk])
    assert as_user(cast.herat_rec).post(address, {"because": "x"}).status_code == 404
    assert as_user(cast.phy).post(address, {"because": "x"}).status_code == 403
