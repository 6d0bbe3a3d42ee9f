import datetime
import re

import pytest
from django.urls import reverse

from mhac.accounts.models import Access
from mhac.decisions import services
from mhac.decisions.models import Judgement, SignOff
from mhac.labs.catalogue import load
from mhac.labs.models import LabOrder
from tests.conftest import PASSWORD

from . import made

DAY = made.DAY


def at(name, row):
    return reverse(f"decisions:{name}", args=[row.pk])


# --- The ledger -----------------------------------------------------------------------------------------------------


def test_the_ledger_is_a_page_and_a_panel(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    browser = as_user(cast.cli)
    page = browser.get(at("ledger", screening))
    assert "<html" in page.text and "Waiting for: Medical history" in page.text
    assert "CA-03" in page.text
    panel = browser.get(at("ledger", screening), headers={"HX-Request": "true"})
    assert "<html" not in panel.text and panel.text.strip().startswith("<section")
    assert Access.objects.filter(user=cast.cli, key=str(screening.pk), page="decisions:ledger").count() == 2


def test_the_panel_goes_back_to_the_page_that_holds_it(kabul, cast, as_user):
    load()
    screening = made.screening(kabul, cast.rec)
    holder = reverse("exams:exam", args=[screening.pk])
    headers = {"HX-Request": "true", "HX-Current-URL": f"http://testserver{holder}"}
    panel = as_user(cast.phy).get(at("ledger", screening), headers=headers).text
    assert f'name="next" value="{holder}"' in panel


def test_the_panel_marks_what_changed_since_it_was_seen(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    browser = as_user(cast.cli)
    first = browser.get(at("ledger", screening)).text
    assert "status-blue" not in first and 'class="changed"' not in first
    address = re.search(r'hx-get="([^"]+)"', first)[1]
    assert 'class="changed"' not in browser.get(address).text
    made.exam(screening, cast.cli)
    changed = browser.get(address, headers={"HX-Request": "true"}).text
    assert re.findall(r'<tr class="changed">.*?class="value"[^>]*>([^<]+)<', changed, re.S) == ["Physical examination"]


def test_unverified_rules_are_marked(kabul, cast, as_user):
    page = as_user(cast.cli).get(at("ledger", made.screening(kabul, cast.rec, "returnee-avrr")))
    assert '<span class="unverified">not verified</span>' in page.text


@pytest.mark.parametrize("who", ["rec", "lab", "mgr", "adm", "aud"])
def test_the_ledger_is_not_for_everybody(kabul, cast, as_user, who):
    page = as_user(getattr(cast, who)).get(at("ledger", made.screening(kabul, cast.rec)))
    assert page.status_code == 403
    assert "decisions.view_ledger" in page.text


@pytest.mark.parametrize("name", ["ledger", "judge", "sign"])
def test_another_sites_screening_is_not_there(kabul, cast, as_user, name):
    screening = made.screening(kabul, cast.rec)
    assert as_user(cast.herat_phy).get(at(name, screening)).status_code == 404
    assert as_user(cast.herat_phy).post(at("order", screening)).status_code == 404


# --- Orders ---------------------------------------------------------------------------------------------------------


def test_the_button_orders_once_and_goes_back(kabul, cast, as_user):
    load()
    screening = made.screening(kabul, cast.rec)
    browser = as_user(cast.phy)
    assert "Order what is due" in browser.get(at("ledger", screening)).text
    answer = browser.post(at("order", screening), {"next": at("ledger", screening)}, follow=True)
    assert "tests ordered." in answer.text
    assert "Ordered; to be collected." in answer.text
    assert "Order what is due" not in answer.text
    ordered = LabOrder.objects.count()
    assert "Nothing more has to be ordered." in browser.post(at("order", screening), follow=True).text
    assert LabOrder.objects.count() == ordered


def test_the_button_never_leads_out_of_the_house(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    load()
    answer = as_user(cast.phy).post(at("order", screening), {"next": "https://elsewhere.example/"})
    assert answer.url == at("ledger", screening)


def test_a_get_orders_nothing_and_a_receptionist_neither(kabul, cast, as_user):
    load()
    screening = made.screening(kabul, cast.rec)
    assert as_user(cast.phy).get(at("order", screening)).status_code == 405
    assert as_user(cast.rec).post(at("order", screening)).status_code == 403
    assert not LabOrder.objects.exists()


def test_an_order_that_cannot_be_is_a_sentence(kabul, cast, as_user):
    answer = as_user(cast.phy).post(at("order", made.screening(kabul, cast.rec)), follow=True)
    assert "The laboratory has no tests yet." in answer.text


# --- Judgements -----------------------------------------------------------------------------------------------------


def test_a_physician_decides_and_takes_back(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    browser = as_user(cast.phy)
    assert "Decide where the rules leave room" in browser.get(at("judge", screening)).text
    answer = browser.post(at("judge", screening), {"code": "order", "item": "sputum", "reason": "Fresh scars"})
    assert answer.url == reverse("desk:review", args=[screening.pk])
    judgement = Judgement.objects.get()
    assert (judgement.item, judgement.by) == ("sputum", cast.phy)
    empty = browser.post(at("take_back", judgement), {"because": ""})
    assert empty.status_code == 200 and "This field is required" in empty.text
    browser.post(at("take_back", judgement), {"because": "Old scars after all"})
    judgement.refresh_from_db()
    assert judgement.withdrawn_at


def test_only_what_can_be_decided_is_offered(kabul, cast, as_user):
    certain = made.screening(kabul, cast.rec, "uk-tb")
    page = as_user(cast.phy).get(at("judge", certain)).text
    assert "Order an item" in page
    assert "Decide which age counts" not in page and "Raise the grade" not in page
    earliest, latest = datetime.date(2015, 1, 1), datetime.date(2015, 12, 31)
    patient = made.person(kabul, born_earliest=earliest, born_latest=latest, birth_precision="year")
    page = as_user(cast.phy).get(at("judge", made.screening(kabul, cast.rec, patient=patient))).text
    assert "Decide which age counts" in page and "Raise the grade to B" in page


def test_a_proposed_item_is_chosen_already(kabul, cast, as_user):
    address = at("judge", made.screening(kabul, cast.rec)) + "?code=order&item=sputum"
    page = as_user(cast.phy).get(address).text
    assert re.search(r'value="order"[^>]*checked', page) and '<option value="sputum" selected>' in page


def test_a_refused_judgement_keeps_what_was_typed(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    answer = as_user(cast.phy).post(at("judge", screening), {"code": "order", "item": "", "reason": "Because of this"})
    assert "Choose the item that has to be done." in answer.text
    assert "Because of this" in answer.text
    assert not Judgement.objects.exists()


def test_a_nurse_judges_nothing(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    answer = as_user(cast.cli).post(at("judge", screening), {"code": "tb_disease", "reason": "I think so"})
    assert answer.status_code == 403
    judgement = services.judge(screening, code="tb_disease", reason="Cavity", by=cast.phy)
    assert as_user(cast.cli).post(at("take_back", judgement), {"because": "no"}).status_code == 403
    assert as_user(cast.herat_phy).post(at("take_back", judgement), {"because": "no"}).status_code == 404


# --- Signing --------------------------------------------------------------------------------------------------------


def sign(browser, screening, **typed):
    return browser.post(at("sign", screening), {"password": PASSWORD, "comment": ""} | typed, follow=True)


def test_a_physician_signs_with_her_password(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    assert "ready to sign" in as_user(cast.phy).get(at("sign", screening)).text
    answer = sign(as_user(cast.phy), screening)
    assert answer.redirect_chain[-1][0] == reverse("desk:review", args=[screening.pk])
    assert SignOff.objects.get().signed_by == cast.phy


def test_a_wrong_password_signs_nothing_and_loses_nothing(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    services.judge(screening, code="grade", grade="B", reason="Frail", by=cast.phy)
    answer = sign(as_user(cast.phy), screening, password="not this one", comment="Frail, see the letter")
    assert "This is not your password. Nothing was signed; type it again." in answer.text
    assert "Frail, see the letter" in answer.text
    assert "not this one" not in answer.text
    assert not SignOff.objects.exists()


def test_passwords_are_not_guessed_here(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    browser = as_user(cast.phy)
    for _ in range(10):
        sign(browser, screening, password="guess")
    answer = sign(browser, screening)
    assert "Too many wrong passwords. Wait a minute, then try once more." in answer.text
    assert not SignOff.objects.exists()


def test_right_passwords_are_not_counted(kabul, cast, as_user):
    browser = as_user(cast.phy)
    for _ in range(12):
        assert "Signed." in sign(browser, made.ready(kabul, cast, "uk-tb")).text


def test_an_open_item_is_named_and_the_button_is_off(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec)
    page = as_user(cast.phy).get(at("sign", screening))
    assert "Still open: Medical history" in page.text
    assert re.search(r"<button[^>]*data-main-action[^>]*disabled", page.text)
    assert "Still open: Medical history" in sign(as_user(cast.phy), screening).text
    assert not SignOff.objects.exists()


def test_a_second_signature_is_refused_by_name(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    sign(as_user(cast.phy), screening)
    answer = sign(as_user(cast.phy), screening)
    assert "Phy signed this screening on" in answer.text
    assert SignOff.objects.count() == 1


def test_without_a_licence_nobody_signs(kabul, cast, as_user):
    cast.phy.licence = ""
    cast.phy.save()
    assert "Only a licensed physician signs." in sign(as_user(cast.phy), made.ready(kabul, cast)).text
    assert not SignOff.objects.exists()


@pytest.mark.parametrize("who", ["rec", "cli", "lsu", "mgr", "adm"])
def test_only_physicians_sign_and_withdraw(kabul, cast, as_user, who):
    screening = made.ready(kabul, cast)
    assert sign(as_user(getattr(cast, who)), screening).status_code == 403
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    assert as_user(getattr(cast, who)).post(at("withdraw", signoff), {"because": "no"}).status_code == 403
    assert SignOff.objects.standing().count() == 1


def test_a_signature_is_withdrawn_with_a_reason(kabul, cast, as_user):
    signoff = services.sign(made.ready(kabul, cast), by=cast.phy, on=DAY)
    browser = as_user(cast.phy)
    assert "stop being valid" in browser.get(at("withdraw", signoff)).text
    browser.post(at("withdraw", signoff), {"because": "The film was of somebody else"})
    assert not SignOff.objects.standing().exists()
    assert as_user(cast.herat_phy).get(at("withdraw", signoff)).status_code == 404


def test_a_signed_ledger_reads_as_it_was_signed(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    services.sign(screening, by=cast.phy, on=DAY)
    later = made.NOON + datetime.timedelta(days=1)
    made.order(screening, "hiv_combo", "hiv", made.tube(screening, cast.lab, at=later), nth=2)
    page = as_user(cast.cli).get(at("ledger", screening))
    assert "Waiting for" not in page.text
    assert "7 of 7 items done" in page.text
