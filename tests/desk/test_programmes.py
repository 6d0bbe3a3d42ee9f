"""The pages of the programmes: who sees which, what a change would mean, and who may make it."""

import datetime
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mhac.appointments.models import Booking
from mhac.screenings import services
from mhac.screenings.models import ProgrammeState
from tests.appointments.conftest import make_family, slot_on
from tests.conftest import PASSWORD, make_user

from . import made

LIST = "/desk/programmes/"
CANADA = "/desk/programmes/ca/"
CHANGE = "/desk/programmes/ca/change/"
DAY = datetime.timedelta(days=1)
READERS = ["rec", "cli", "phy", "mgr", "dat", "pro", "aud"]


def decided(by, clinic, state="paused", programme="ca", **more):
    fields = {"from_day": clinic.today(), "reason": "Snow on the road"} | more
    return services.decide_state(programme, clinic=clinic, state=state, by=by, **fields)


def form(clinic, state="paused", **more):
    sent = {"key": uuid.uuid4(), "clinic": clinic.pk, "state": state, "from_day": clinic.today().isoformat()}
    return sent | {"reason": "Snow on the road"} | more


def booked(clinic, by, days=1, size=2):
    """A family booked some days from now, by the models' own hand."""
    case = make_family(clinic, by, size=size)
    slot = slot_on(clinic, clinic.today() + days * DAY, by, capacity=20, hour=8 + days)
    for seat, screening in enumerate(case.screenings.all(), 1):
        Booking.objects.create(slot=slot, seat=seat, screening=screening, booked_by=by)
    return case


def text(answer):
    return answer.content.decode()


@pytest.mark.parametrize("who", READERS)
def test_who_reads_the_states(who, cast, kabul, as_user):
    decided(cast.mgr, kabul, "limited", daily_cap=12)
    browser = as_user(getattr(cast, who))
    listed = text(browser.get(f"{LIST}?site=KBL"))
    assert "0 of 12" in listed and "Snow on the road" in listed and "us-refugee-2021-09-03" in listed
    assert "Snow on the road" in text(browser.get(f"{CANADA}?site=KBL"))
    assert 'href="/desk/programmes/"' in listed


@pytest.mark.parametrize("who", ["rad", "lab", "lsu", "qco", "adm"])
def test_who_does_not(who, cast, as_user):
    browser = as_user(getattr(cast, who))
    assert [browser.get(page).status_code for page in (LIST, CANADA, CHANGE)] == [403] * 3


def test_a_partner_reads_none_of_these_pages(partners, as_user):
    browser = as_user(partners.canada_user)
    assert [browser.get(page).status_code for page in (LIST, CANADA, CHANGE)] == [403] * 3


@pytest.mark.parametrize("who", [who for who in READERS if who != "mgr"])
def test_only_the_manager_changes_a_state(who, cast, kabul, as_user):
    browser = as_user(getattr(cast, who))
    assert browser.get(CHANGE).status_code == 403
    assert browser.post(CHANGE, form(kabul, password=PASSWORD)).status_code == 403
    assert "/change/" not in text(browser.get(CANADA))
    assert not ProgrammeState.objects.exists()


def test_nobody_comes_in_without_signing_in(client, db):
    assert {client.get(page).status_code for page in (LIST, CANADA, CHANGE)} == {302}


def test_no_such_programme(cast, as_user):
    browser = as_user(cast.mgr)
    assert browser.get("/desk/programmes/xx/").status_code == 404
    assert browser.get("/desk/programmes/xx/change/").status_code == 404


def test_one_in_preparation_is_the_manager_s_alone(cast, kabul, as_user):
    decided(cast.mgr, kabul, "draft")
    for who, found in ((cast.rec, False), (cast.aud, False), (cast.mgr, True)):
        browser = as_user(who)
        assert ("Canada" in text(browser.get(f"{LIST}?site=KBL"))) is found
        assert browser.get(f"{CANADA}?site=KBL").status_code == (200 if found else 404)
    assert "Canada" not in text(as_user(cast.rec).get("/desk/cases/new/"))


def test_another_site_s_state_is_seen_by_who_works_there(cast, kabul, herat, as_user):
    decided(cast.mgr, kabul)
    assert "Snow on the road" not in text(as_user(cast.herat_rec).get(f"{LIST}?site=KBL"))
    assert "Snow on the road" in text(as_user(cast.aud).get(f"{LIST}?site=KBL"))
    assert "Snow on the road" not in text(as_user(cast.aud).get(f"{LIST}?site=HRT"))


def test_first_the_meaning_then_the_password(cast, kabul, as_user):
    booked(kabul, cast.rec, days=1)
    booked(kabul, cast.rec, days=2, size=3)
    browser, sent = as_user(cast.mgr), form(kabul)
    meant = browser.post(CHANGE, sent)
    effects = meant.context["effects"]
    assert (effects.cases, len(effects.stranded), effects.families) == (2, 5, 2)
    assert "in 2 families" in text(meant) and not ProgrammeState.objects.exists()
    wrong = browser.post(CHANGE, sent | {"password": "not-mine"})
    assert "This is not your password" in text(wrong) and not ProgrammeState.objects.exists()
    assert browser.post(CHANGE, sent | {"password": PASSWORD, "back": "1"}).status_code == 200
    assert not ProgrammeState.objects.exists()
    for _twice in range(2):
        assert browser.post(CHANGE, sent | {"password": PASSWORD}).status_code == 302
    row = ProgrammeState.objects.get()
    assert (row.state, row.clinic, row.decided_by, row.reason) == ("paused", kabul, cast.mgr, "Snow on the road")


def test_a_pause_that_ends_strands_only_its_days(cast, kabul, as_user):
    booked(kabul, cast.rec, days=1)
    booked(kabul, cast.rec, days=4)
    meant = as_user(cast.mgr).post(CHANGE, form(kabul, until=(kabul.today() + 2 * DAY).isoformat()))
    assert len(meant.context["effects"].stranded) == 2


def test_a_number_below_what_is_booked_is_shown(cast, kabul, as_user):
    booked(kabul, cast.rec, days=1, size=3)
    booked(kabul, cast.rec, days=2, size=1)
    meant = as_user(cast.mgr).post(CHANGE, form(kabul, "limited", daily_cap=2))
    (crowd,) = meant.context["effects"].crowded
    assert (crowd.day, crowd.booked, crowd.cap) == (kabul.today() + DAY, 3, 2)
    assert "3 of 2" in text(meant)


def test_sites_that_decided_for_themselves_are_named(cast, kabul, herat, as_user):
    decided(cast.mgr, kabul, "open")
    network = make_user("network", "MGR")
    sent = form(kabul) | {"clinic": ""}
    assert "Kabul decided for itself and stays as it is: open" in text(as_user(network).post(CHANGE, sent))
    assert as_user(network).post(CHANGE, sent | {"password": PASSWORD}).status_code == 302
    assert ProgrammeState.objects.first().clinic is None


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"clinic": ""}, "required"),
        ({"state": ""}, "required"),
        ({"state": "limited"}, "Write how many people a day"),
        ({"daily_cap": "5"}, "belongs to the state limited"),
        ({"until": "2020-01-01"}, "The last day lies before the first"),
        ({"from_day": "2020-01-01"}, "What has been cannot be changed"),
        ({"reason": ""}, "required"),
    ],
)
def test_what_is_wrong_is_said_before_anything_else(cast, kabul, as_user, change, said):
    answer = as_user(cast.mgr).post(CHANGE, form(kabul) | change | {"password": PASSWORD})
    assert said in text(answer) and not ProgrammeState.objects.exists()


def test_a_site_of_others_cannot_be_chosen(cast, kabul, herat, as_user):
    answer = as_user(cast.mgr).post(CHANGE, form(herat, password=PASSWORD))
    assert answer.status_code == 200 and not ProgrammeState.objects.exists()


def test_the_page_lists_who_is_booked_in_a_pause_with_the_ways_out(cast, kabul, as_user):
    case = booked(kabul, cast.rec, size=1)
    decided(cast.mgr, kabul)
    (booking,) = case.screenings.get().bookings.all()
    page = text(as_user(cast.rec).get(CANADA))
    name = case.screenings.get().patient.name
    assert name in page
    for way in ("reschedule", "cancel"):
        assert reverse(f"appointments:{way}", args=[booking.pk]) in page
    # The auditor and the data officer know how many; names are for who may read bookings.
    assert name not in text(as_user(cast.aud).get(CANADA))
    assert len(as_user(cast.aud).get(f"{CANADA}?site=KBL").context["effects"].stranded) == 1


def test_the_new_case_form_names_the_reason(cast, kabul, as_user):
    decided(cast.mgr, kabul)
    page = text(as_user(cast.rec).get("/desk/cases/new/"))
    assert "Snow on the road" in page and "paused" in page
    row = page[page.index('value="ca"') : page.index('value="ca"') + 60]
    assert "disabled" in row


def test_case_and_board_carry_the_state(cast, kabul, as_user):
    screening = made.screening_of(made.person(kabul, cast.rec), cast.rec, "ca", "12345678")
    slot = slot_on(kabul, kabul.today(), cast.rec)
    Booking.objects.create(slot=slot, seat=1, screening=screening, booked_by=cast.rec)
    decided(cast.mgr, kabul)
    chip = '<span class="status status-purple">paused</span>'
    assert chip in text(as_user(cast.rec).get(reverse("desk:today")))
    assert chip in text(as_user(cast.rec).get(reverse("desk:case", args=[screening.case_id])))


@pytest.mark.parametrize("page", [LIST, CANADA])
def test_pages_cost_the_same_however_much_there_is(cast, kabul, as_user, page):
    def cost():
        with CaptureQueriesContext(connection) as asked:
            as_user(cast.mgr).get(page)
        return len(asked)

    booked(kabul, cast.rec, days=1)
    decided(cast.mgr, kabul, "limited", daily_cap=1)
    few = cost()
    for days in range(2, 6):
        booked(kabul, cast.rec, days=days)
    for programme in ("uk-tb", "nz-residence", "us-iv"):
        decided(cast.mgr, kabul, "limited", programme, daily_cap=3)
    decided(cast.mgr, kabul, "limited", daily_cap=1)
    assert cost() == few
