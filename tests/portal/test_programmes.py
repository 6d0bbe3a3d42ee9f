"""What a partner reads of the states of its own programmes."""

import datetime

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from mhac.screenings import services
from tests.conftest import make_user

pytestmark = pytest.mark.django_db
LIST = "/partner/"


@pytest.fixture
def canada(partners, as_user):
    return as_user(partners.canada_user)


def decided(by, clinic, state="paused", programme="ca", **more):
    fields = {"from_day": datetime.date.today(), "reason": "Snow on the road", "risk_note": "CANARY-RISK"} | more
    return services.decide_state(programme, clinic=clinic, state=state, by=by, **fields)


def text(answer):
    return answer.content.decode()


def test_an_open_programme_is_said_to_be_open(canada):
    page = text(canada.get(LIST))
    assert "Canada: immigration medical examination" in page and "no new bookings" not in page


def test_a_pause_is_told_without_the_risk_note_and_the_name(canada, cast, kabul):
    decided(make_user("network", "MGR", full_name="Nobody Nominated"), None)
    page = text(canada.get(LIST))
    assert "paused" in page and "Snow on the road" in page and f"{datetime.date.today():%d %b %Y}" in page
    assert "No new people are taken and no new bookings are made; open cases go on." in page
    assert "CANARY-RISK" not in page and "Nobody Nominated" not in page


def test_a_pause_at_one_site_is_told_with_the_site(canada, cast, kabul, herat):
    decided(cast.mgr, kabul)
    page = text(canada.get(LIST))
    assert "Kabul" in page and "Sites named here take no new people" in page and "Herat" not in page


def test_nothing_is_told_of_the_programmes_of_others(partners, as_user, cast, kabul):
    decided(cast.mgr, kabul)
    page = text(as_user(partners.uk_user).get(LIST))
    assert "Canada" not in page and "Snow on the road" not in page and "United Kingdom: tuberculosis" in page


def test_one_in_preparation_is_not_told(canada, cast, kabul):
    decided(make_user("network", "MGR"), None, "draft")
    assert "immigration medical examination" not in text(canada.get(LIST))


def test_an_ended_agreement_tells_nothing(canada, partners):
    partners.canada.agreements.update(valid_to=datetime.date.today() - datetime.timedelta(days=1))
    assert "immigration medical examination" not in text(canada.get(LIST))


def test_the_states_cost_the_same_however_many(canada, cast, kabul, herat, partners):
    def cost():
        with CaptureQueriesContext(connection) as asked:
            canada.get(LIST)
        return len(asked)

    decided(cast.mgr, kabul)
    few = cost()
    agreement = partners.canada.agreements.get()
    for programme in ("uk-tb", "nz-residence"):
        agreement.pk, agreement._state.adding, agreement.programme = None, True, programme
        agreement.save()
        decided(cast.mgr, kabul, programme=programme)
    assert cost() == few
