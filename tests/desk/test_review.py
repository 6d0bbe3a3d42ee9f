import datetime
import re
from decimal import Decimal

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from mhac.accounts.models import Access
from mhac.appointments.models import Booking, Slot
from mhac.decisions import services
from mhac.decisions.models import SignOff
from mhac.exams.models import ChestXray, Pregnancy
from mhac.screenings.models import TravelPlan
from tests.conftest import PASSWORD
from tests.decisions import made

DAY = made.DAY


def review(browser, screening):
    return browser.get(reverse("desk:review", args=[screening.pk]))


def to_decide(browser, query=""):
    return browser.get(reverse("desk:to_decide") + query)


def counted(page):
    """How many queries a page costs, its own transaction apart."""
    with CaptureQueriesContext(connection) as queries:
        assert page().status_code == 200
    return sum("SAVEPOINT" not in query["sql"] for query in queries)


def today(clinic, cast, programme="ca"):
    """A finished screening, signed on the day of the clock."""
    screening = made.ready(clinic, cast, programme)
    return screening, services.sign(screening, by=cast.phy, on=clinic.today())


# --- The list -------------------------------------------------------------------------------------------------------


def test_an_empty_list_says_who_will_appear(kabul, cast, as_user):
    made.screening(kabul, cast.rec)
    assert "Nobody waits for a decision. People appear here when they have arrived" in to_decide(as_user(cast.phy)).text


def test_who_came_is_listed_and_who_is_ready_stands_first(kabul, cast, as_user):
    coming = made.screening(kabul, cast.rec, patient=made.person(kabul, given_name="Coming"))
    waiting = made.screening(kabul, cast.rec, patient=made.person(kabul, given_name="Waiting"))
    made.history(waiting, cast.cli)
    ready = made.ready(kabul, cast, patient=made.person(kabul, given_name="Ready"))
    page = to_decide(as_user(cast.phy)).text
    assert page.index(str(ready.pk)) < page.index(str(waiting.pk))
    assert str(coming.pk) not in page
    assert "ready to sign" in page
    assert "Physical examination, Chest x-ray" in page
    slot = Slot.objects.create(clinic=kabul, starts_at=made.NOON, capacity=3, opened_by=cast.rec)
    Booking.objects.create(slot=slot, seat=1, screening=coming, state="arrived", ticket=1, booked_by=cast.rec)
    assert str(coming.pk) in to_decide(as_user(cast.phy)).text


def test_other_sites_and_signed_screenings_are_not_listed_as_waiting(kabul, herat, cast, as_user):
    there = made.ready(herat, cast)
    signed, _signoff = today(kabul, cast)
    page = to_decide(as_user(cast.phy)).text
    assert str(there.pk) not in page
    assert page.index("Signed today") < page.index(str(signed.pk))
    assert str(there.pk) in to_decide(as_user(cast.herat_phy)).text


def test_a_change_after_the_signature_is_a_task(kabul, cast, as_user):
    screening, signoff = today(kabul, cast)
    assert "Changed after the signature" not in to_decide(as_user(cast.phy)).text
    made.vitals(screening, cast.cli, weight_kg=Decimal("70.2"))
    assert "Changed after the signature" not in to_decide(as_user(cast.phy)).text
    film = ChestXray.objects.get(screening=screening)
    film.findings = ["cavity"]
    film.save()
    assert "The records no longer lead to what was signed. Look again." in to_decide(as_user(cast.phy)).text
    services.withdraw(signoff, by=cast.phy, because="The film was read anew")
    assert "Changed after the signature" not in to_decide(as_user(cast.phy)).text


def test_the_list_goes_on_after_fifty(kabul, cast, as_user):
    screenings = [made.screening(kabul, cast.rec) for _ in range(51)]
    for screening in screenings:
        made.exam(screening, cast.cli)
    first = to_decide(as_user(cast.phy)).text
    assert first.count("/desk/review/") == 50
    following = re.search(r'href="(\?after=[^"]+)"', first)[1]
    second = to_decide(as_user(cast.phy), following).text
    assert second.count("/desk/review/") == 1 and str(screenings[50].pk) in second
    assert to_decide(as_user(cast.phy), "?after=nonsense").text.count("/desk/review/") == 50


def test_one_row_and_fifty_cost_the_same(kabul, cast, as_user):
    first, browser = made.ready(kabul, cast), as_user(cast.phy)
    one = counted(lambda: to_decide(browser))
    for _ in range(49):
        made.exam(made.screening(kabul, cast.rec), cast.cli)
    assert counted(lambda: to_decide(browser)) == one
    assert first.is_open and one <= 21


@pytest.mark.parametrize("who", ["rec", "cli", "lab", "mgr", "adm", "aud", "qco"])
def test_the_physicians_pages_are_hers(kabul, cast, as_user, who):
    screening = made.ready(kabul, cast)
    browser = as_user(getattr(cast, who))
    assert to_decide(browser).status_code == 403
    assert review(browser, screening).status_code == 403


# --- One screening on one page --------------------------------------------------------------------------------------


def test_everything_about_one_screening_is_on_one_page(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec, patient=made.person(kabul, sex="female"))
    made.history(screening, cast.cli, tb_signs=[{"code": "cough", "days": 20}], medicines="none of note")
    made.exam(screening, cast.cli, [{"code": "other", "text": "old burn", "significant": False}])
    made.film(screening, cast.rad, ["infiltrate"], remarks="right upper lobe")
    made.vitals(screening, cast.cli, systolic_mmhg=150, diastolic_mmhg=95)
    made.face(screening, cast.rec)
    made.consent(screening, cast.rec)
    Pregnancy.objects.create(screening=screening, asked_on=DAY, pregnant=False, by=cast.cli)
    TravelPlan.objects.create(screening=screening, departure=made.NOON, recorded_by=cast.rec)
    orders = made.laboratory(screening, cast, made.CLEAN | {"hiv": {"hiv_combo": None}})
    made.result(orders["hiv_combo"], coded="reactive", critical=True, entered_by=cast.lab)
    page = review(as_user(cast.phy), screening).text
    for seen in [
        "cough for 20 days",
        "infiltrate or consolidation",
        "right upper lobe",
        "text: old burn, significant: no",
        "150/95 mmHg",
        "70.5 kg",
        "face confirmed",
        "Not pregnant",
        "critical",
        "not verified",
        "analyzer → Lsu",
        "Second chest x-ray",
        "CA-09",
    ]:
        assert seen in page, seen
    assert Access.objects.filter(user=cast.phy, page="desk:review", key=str(screening.pk), clinic=kabul).count() == 1


def test_an_untouched_screening_says_so_and_cannot_be_signed(kabul, cast, as_user):
    page = review(as_user(cast.phy), made.screening(kabul, cast.rec)).text
    for seen in ["Nobody has examined this person yet.", "No film is taken.", "Nothing is ordered yet."]:
        assert seen in page
    assert "Still open: Medical history" in page
    assert re.search(r"<button[^>]*data-main-action[^>]*disabled", page)


def test_what_is_new_since_the_last_look_is_marked(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    browser = as_user(cast.phy)
    assert 'class="changed"' not in review(browser, screening).text
    later = timezone.now() + datetime.timedelta(minutes=1)
    glucose = made.order(screening, "glu", "", made.tube(screening, cast.lab, "fluoride"))
    made.result(glucose, verified_by=cast.lsu, number=Decimal("95"), verified_at=later)
    marked = review(browser, screening).text
    assert re.findall(r'<tr class="changed">.*?<div>([^<]+?) <', marked, re.S) == ["Glucose"]


def test_a_corrected_result_shows_what_it_said_before(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    made.exam(screening, cast.cli)
    creatinine = made.order(screening, "crea", "creatinine", made.tube(screening, cast.lab))
    made.result(creatinine, verified_by=cast.lsu, number=Decimal("9.1"), state="superseded")
    made.result(creatinine, verified_by=cast.lsu, number=Decimal("0.91"), version=2, status="C")
    page = review(as_user(cast.phy), screening).text
    assert '<bdi class="value">0.91</bdi>' in page
    assert "before: <s><bdi>9.10 mg/dL</bdi></s>" in page


def test_a_clean_case_is_signed_from_its_page_and_then_issued(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    browser = as_user(cast.phy)
    page = review(browser, screening)
    assert reverse("desk:next", args=[screening.pk]) in page.text
    action = re.search(r'<form method="post" action="([^"]+/sign/)"', page.text)[1]
    signed = browser.post(action, {"password": PASSWORD, "comment": ""}, follow=True)
    assert "Signed outcome" in signed.text and "Signed." in signed.text
    assert reverse("certificates:issue", args=[screening.pk]) in signed.text
    assert "Still open" not in signed.text
    assert SignOff.objects.get().screening == screening


def test_a_programme_without_a_paper_says_where_results_go(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec, "us-refugee")
    services.judge(screening, code="tb_disease", reason="Cavity", by=cast.phy)
    services.sign(screening, by=cast.phy, on=kabul.today())
    page = review(as_user(cast.phy), screening).text
    assert "travel by the partner" in page
    assert reverse("certificates:issue", args=[screening.pk]) not in page


def test_a_bar_is_signed_and_no_paper_follows(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    services.judge(screening, code="tb_disease", reason="Cavity", by=cast.phy)
    assert "Sign as not cleared" in review(as_user(cast.phy), screening).text
    services.sign(screening, by=cast.phy, on=kabul.today())
    page = review(as_user(cast.phy), screening).text
    assert "so no document is issued. Tell the person in private." in page
    assert reverse("certificates:issue", args=[screening.pk]) not in page


def test_a_signed_page_says_when_the_records_moved_on(kabul, cast, as_user):
    screening, _signoff = today(kabul, cast)
    made.film(screening, cast.rad, ["cavity"])
    page = review(as_user(cast.phy), screening).text
    assert "The records no longer lead to this outcome." in page
    assert reverse("certificates:issue", args=[screening.pk]) not in page
    assert "changed after the signature" in page


def test_judgements_and_withdrawn_signatures_stay_readable(kabul, cast, as_user):
    screening, signoff = today(kabul, cast)
    services.withdraw(signoff, by=cast.phy, because="Two people were mixed up")
    judgement = services.judge(screening, code="order", item="sputum", reason="Old scars", by=cast.phy)
    services.take_back(judgement, because="Not needed", by=cast.phy)
    services.judge(screening, code="grade", grade="B", reason="Frail", by=cast.phy)
    page = review(as_user(cast.phy), screening).text
    assert "Two people were mixed up" in page and "signature withdrawn" in page
    assert "Old scars" in page and "taken back" in page
    assert page.count("Take back") == 0  # a raised grade is not taken back


def test_the_page_costs_the_same_however_much_was_recorded(kabul, cast, as_user):
    browser = as_user(cast.phy)
    little = made.screening(kabul, cast.rec)
    made.history(little, cast.cli)
    much = made.ready(kabul, cast)
    for nth in range(2, 8):
        made.film(much, cast.rad)
        made.face(much, cast.rec)
        made.vitals(much, cast.cli)
        glucose = made.order(much, "glu", "", made.tube(much, cast.lab, "fluoride"), nth=nth)
        made.result(glucose, verified_by=cast.lsu, number=Decimal("95"))
    bare, full = (counted(lambda one=one: review(browser, one)) for one in (little, much))
    assert full <= bare + 1  # results are one query more than none
    assert full <= 21
    services.sign(much, by=cast.phy, on=kabul.today())
    assert counted(lambda: review(browser, much)) <= 21


def test_the_next_person_follows(kabul, cast, as_user):
    first, second = made.ready(kabul, cast), made.ready(kabul, cast)
    browser = as_user(cast.phy)
    after = [browser.get(reverse("desk:next", args=[one.pk])).url for one in (first, second)]
    assert after == [reverse("desk:review", args=[second.pk]), reverse("desk:to_decide")]


def test_another_sites_case_is_not_there(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    assert review(as_user(cast.herat_phy), screening).status_code == 404
    assert not Access.objects.filter(key=str(screening.pk)).exists()
