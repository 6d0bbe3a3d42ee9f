"""Waiving on the pages: who may, what is refused, where it shows, and what a signature keeps of it."""

import contextlib
import re

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from mhac.accounts.models import Access
from mhac.certificates import content
from mhac.decisions import ledger, services
from mhac.decisions.models import Judgement, SignOff
from mhac.labs.catalogue import load
from mhac.labs.models import LabOrder
from tests.conftest import PASSWORD

from . import made

DAY = made.DAY
NotReady = services.NotReady
MISSING = {item: tests for item, tests in made.CLEAN.items() if item != "creatinine"}


def at(name, row):
    return reverse(f"decisions:{name}", args=[row.pk])


def nearly_ready(kabul, cast, **fields):
    """A healthy adult for Canada of whom only the creatinine is missing."""
    screening = made.screening(kabul, cast.rec, **fields)
    made.history(screening, cast.cli)
    made.film(screening, cast.rad)
    made.exam(screening, cast.cli)
    made.vitals(screening, cast.cli)
    made.laboratory(screening, cast, MISSING)
    return screening


def waive(screening, by, item="creatinine", reason="The arm of a child with burns; no blood"):
    return services.judge(screening, code="waive", item=item, reason=reason, by=by)


def entry(screening, item="creatinine"):
    return next(entry for entry in ledger.of(screening, on=DAY).entries if entry.item == item)


# --- The decision ---------------------------------------------------------------------------------------------------


def test_a_waived_item_stays_in_the_ledger_with_who_when_and_why(kabul, cast):
    screening = nearly_ready(kabul, cast)
    assert ledger.of(screening, on=DAY).waiting_for == "Waiting for: Creatinine."
    assert entry(screening).can_be_waived
    judgement = waive(screening, cast.phy)
    found = ledger.of(screening, on=DAY)
    assert (found.state, found.missing, found.progress) == ("cleared", [], "6 of 7 items done")
    row = entry(screening)
    assert (row.state, row.is_open, row.rules, row.can_be_waived) == ("waived", False, ("CA-06",), False)
    (judged,) = row.judged
    assert (judged.by, judged.at, judged.reason) == (str(cast.phy), judgement.at, judgement.reason)
    assert "A physician waived" in str(found.warnings)


def test_a_waiver_is_taken_back(kabul, cast):
    screening = nearly_ready(kabul, cast)
    judgement = waive(screening, cast.phy)
    services.take_back(judgement, because="She came again and gave blood", by=cast.phy)
    found = ledger.of(screening, on=DAY)
    assert (found.state, found.missing) == ("incomplete", ["Creatinine"])
    assert entry(screening).judged == ()


def test_what_is_done_after_the_waiver_is_done(kabul, cast):
    screening = nearly_ready(kabul, cast)
    waive(screening, cast.phy)
    made.laboratory(screening, cast, {"creatinine": made.CLEAN["creatinine"]}, verified=False)
    assert entry(screening).state == "pending"
    assert "A waiver no longer counts" in str(ledger.of(screening, on=DAY).warnings)
    with pytest.raises(NotReady, match="Still open: Creatinine"):
        services.sign(screening, by=cast.phy, on=DAY)
    order = LabOrder.objects.get(screening=screening, item="creatinine")
    result = order.results.get()
    result.state, result.verified_by, result.verified_at = "verified", cast.lsu, made.NOON
    result.save()
    order.state = "verified"
    order.save()
    assert entry(screening).state == "done"
    assert "waive" not in str(ledger.of(screening, on=DAY).answer["warnings"])


@pytest.mark.parametrize(
    ("item", "sentence"),
    [
        ("", "Choose the item that is waived"),
        ("tea", "Choose the item that is waived"),
        ("hba1c", "This programme does not ask for it: HbA1c"),
        ("hiv", "This is done and its result stands: HIV"),
    ],
)
def test_waivers_that_are_refused(kabul, cast, item, sentence):
    with pytest.raises(NotReady, match=sentence):
        waive(nearly_ready(kabul, cast), cast.phy, item=item)
    assert not Judgement.objects.exists()


@pytest.mark.parametrize(
    ("programme", "item", "sentence"),
    [
        ("uk-tb", "identity", "Identity check is never waived: everything else rests on it. Have it done"),
        ("uk-tb", "consent", "Consent is never waived"),
        ("uk-tb", "chest_xray", "states that tuberculosis was looked for, so this is not waived: Chest x-ray"),
        ("us-refugee", "chest_xray", "The class of this programme states the result"),
        ("us-iv", "syphilis", "The class of this programme states the result"),
        ("ca", "history", "Medical history is never waived"),
        ("ca", "physical_exam", "Physical examination is never waived"),
    ],
)
def test_what_everything_rests_on_and_what_a_paper_states_is_done(kabul, cast, programme, item, sentence):
    screening = made.screening(kabul, cast.rec, programme)
    assert not entry(screening, item).can_be_waived
    with pytest.raises(NotReady, match=sentence):
        waive(screening, cast.phy, item=item)


def test_a_result_on_record_is_not_waived_away(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.laboratory(screening, cast, {"hiv": {"hiv_combo": "indeterminate"}})
    with pytest.raises(NotReady, match="not clearly negative is on record for this and stands: HIV"):
        waive(screening, cast.phy, item="hiv")
    made.film(screening, cast.rad, findings=None)
    with pytest.raises(NotReady, match="its result is on the way: Chest x-ray"):
        waive(screening, cast.phy, item="chest_xray")


def test_a_result_that_comes_after_the_waiver_stands(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    waive(screening, cast.phy, item="hiv")
    assert entry(screening, "hiv").state == "waived"
    made.laboratory(screening, cast, {"hiv": {"hiv_combo": "indeterminate"}})
    assert entry(screening, "hiv").state == "due"
    assert "A waiver no longer counts" in str(ledger.of(screening, on=DAY).warnings)


def test_order_and_waiver_exclude_each_other(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    waive(screening, cast.phy)
    with pytest.raises(NotReady, match="waived already"):
        waive(screening, cast.phy)
    with pytest.raises(NotReady, match=r"This item is waived\. Take the waiver back first"):
        services.judge(screening, code="order", item="creatinine", reason="After all", by=cast.phy)
    services.judge(screening, code="order", item="urinalysis", reason="Oedema", by=cast.phy)
    with pytest.raises(NotReady, match=r"This item is ordered\. Take the order back first"):
        waive(screening, cast.phy, item="urinalysis")


def test_a_waived_item_is_not_ordered_from_the_laboratory(kabul, cast):
    load()
    screening = made.screening(kabul, cast.rec)
    waive(screening, cast.phy)
    assert "creatinine" not in {order.item for order in services.order_due(screening, by=cast.phy)}


def test_what_was_ordered_and_is_waived_is_not_collected(kabul, cast):
    load()
    screening = made.screening(kabul, cast.rec)
    services.order_due(screening, by=cast.phy)
    assert LabOrder.objects.to_collect().filter(screening=screening, item="creatinine").exists()
    waive(screening, cast.phy)
    order = LabOrder.objects.get(screening=screening, item="creatinine")
    assert (order.state, order.history.first().history_user) == ("cancelled", cast.phy)
    assert LabOrder.objects.to_collect().filter(screening=screening, item="hiv").exists()
    services.take_back(Judgement.objects.get(code="waive"), because="The partner insists", by=cast.phy)
    assert {order.item for order in services.order_due(screening, by=cast.phy)} == {"creatinine"}


def test_a_proposed_item_is_let_go(kabul, cast):
    screening = made.ready(kabul, cast)
    film = screening.chestxray_set.get()
    film.findings = ["fibrosis"]
    film.save()
    found = ledger.of(screening, on=DAY)
    assert {entry.item for entry in found.to_settle} == {"sputum", "chest_xray_repeat"}
    waive(screening, cast.phy, item="sputum", reason="The same scar as on the film of 2019")
    assert services.why_not(ledger.of(screening, on=DAY)).endswith(
        "Decide about: Second chest x-ray. Order what has to be done and waive the rest."
    )
    waive(screening, cast.phy, item="chest_xray_repeat", reason="The same scar as on the film of 2019")
    found = ledger.of(screening, on=DAY)
    assert (found.state, found.grade, found.to_settle) == ("cleared", "B", ())


def test_reason_licence_and_an_open_screening_are_needed(kabul, cast):
    screening = nearly_ready(kabul, cast)
    with pytest.raises(NotReady, match="Write the reason"):
        waive(screening, cast.phy, reason=" ")
    cast.phy.licence = ""
    with pytest.raises(NotReady, match="Only a licensed physician decides"):
        waive(screening, cast.phy)
    cast.phy.licence = "AFG-TEST-1"
    waive(screening, cast.phy)
    services.sign(screening, by=cast.phy, on=DAY)
    with pytest.raises(NotReady, match="This screening is signed"):
        waive(screening, cast.phy, item="hiv")


MOVES = st.lists(st.sampled_from(["creatinine", "hiv", "urinalysis", "identity", "history", "back"]), max_size=6)


@settings(max_examples=10, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(moves=MOVES)
def test_nobody_is_cleared_while_an_item_is_open_and_not_waived(kabul, cast, moves):
    screening = made.screening(kabul, cast.rec)
    made.history(screening, cast.cli)
    made.film(screening, cast.rad)
    made.exam(screening, cast.cli)
    made.laboratory(screening, cast, {"syphilis": made.CLEAN["syphilis"]})
    for move in moves:
        with contextlib.suppress(NotReady):
            if move == "back":
                standing = screening.judgements.filter(withdrawn_at=None).last()
                if standing:
                    services.take_back(standing, because="No", by=cast.phy)
            else:
                waive(screening, cast.phy, item=move)
    found = ledger.of(screening, on=DAY)
    waived = set(screening.judgements.filter(withdrawn_at=None).values_list("item", flat=True))
    missing = {"creatinine", "hiv", "urinalysis"} - waived
    assert (found.state == "cleared") == (not missing)
    assert {entry.item for entry in found.open_entries} == missing


# --- What is signed -------------------------------------------------------------------------------------------------


def test_a_signature_keeps_the_waiver_and_the_rules_behind_it(kabul, cast):
    screening = nearly_ready(kabul, cast)
    waive(screening, cast.phy)
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    assert signoff.facts["decisions"][0]["code"] == "waive"
    assert services.recheck(screening)
    made.vitals(screening, cast.cli)
    assert services.recheck(screening)
    signed = ledger.of_signoff(SignOff.objects.get())
    (row,) = signed.waived
    assert row.judged[0].by == str(cast.phy)
    assert row.judged[0].reason.startswith("The arm of a child")
    assert not row.can_be_waived
    assert [rule["rule"] for rule in signed.grounds["valid_until"]] == ["CA-VAL"]
    assert [rule["rule"] for rule in signed.grounds["grade"]] == ["CA-GRADE"]
    assert [rule["rule"] for rule in signed.grounds["state"]] == ["STATE-1", "WAIVE-1"]


def test_the_summary_says_what_was_waived_and_not_why(kabul, cast):
    screening = nearly_ready(kabul, cast)
    waive(screening, cast.phy)
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    told = {"kind": "ime_summary", "number": "T-1", "photo": b"nobody", "on": DAY}
    frozen = content.freeze(screening, signoff, **told)
    assert frozen["examinations"][-1] == {
        "item": "creatinine",
        "on": [],
        "said": "not done: waived by the physician",
        "to_authority": False,
    }
    assert "burns" not in str(frozen["examinations"])
    other = content.freeze(screening, signoff, **told | {"kind": "fit_to_travel"})
    assert other["examinations"] == []


# --- The rules behind the outcome -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("prepare", "state", "rules"),
    [
        (lambda kabul, cast: made.screening(kabul, cast.rec), "incomplete", ["STATE-1"]),
        (lambda kabul, cast: made.ready(kabul, cast), "cleared", ["STATE-1"]),
        (lambda kabul, cast: with_disease(kabul, cast, "ca"), "not_cleared", ["TB-BAR"]),
        (lambda kabul, cast: with_disease(kabul, cast, "us-refugee"), "not_cleared", ["US-CLS-A"]),
        (lambda kabul, cast: with_scar(kabul, cast), "physician_decision", ["PHYS-1"]),
    ],
)
def test_every_outcome_names_its_rules_with_source_and_mark(kabul, cast, prepare, state, rules):
    found = ledger.of(prepare(kabul, cast), on=DAY)
    assert found.state == state
    assert [rule["rule"] for rule in found.grounds["state"]] == rules
    for named in found.grounds.values():
        for rule in named:
            assert rule["source"]
            assert rule["says"]
            assert rule["verified"] in {True, False}


def with_disease(kabul, cast, programme):
    screening = made.screening(kabul, cast.rec, programme)
    services.judge(screening, code="tb_disease", reason="Cavity", by=cast.phy)
    return screening


def with_scar(kabul, cast):
    screening = made.ready(kabul, cast)
    film = screening.chestxray_set.get()
    film.findings = ["fibrosis"]
    film.save()
    return screening


@pytest.mark.parametrize("programme", ["us-refugee", "us-iv"])
def test_a_class_names_the_line_that_gave_it(kabul, cast, programme):
    found = ledger.of(with_disease(kabul, cast, programme), on=DAY)
    assert [rule["rule"] for rule in found.grounds["classes"]] == ["US-CLS-A"]
    assert "valid_until" not in found.grounds


# --- The pages ------------------------------------------------------------------------------------------------------


def test_each_row_leads_to_its_decision_without_javascript(kabul, cast, as_user):
    screening = nearly_ready(kabul, cast)
    browser = as_user(cast.phy)
    page = browser.get(at("ledger", screening)).text
    (address,) = re.findall(r'href="([^"]*code=waive[^"]*)"', page)
    form = browser.get(address.replace("&amp;", "&")).text
    assert re.search(r'value="waive"[^>]*checked', form)
    assert '<option value="creatinine" selected>' in form
    assert re.search(r"<textarea[^>]*autofocus", form)
    typed = {"code": "waive", "item": "creatinine", "reason": "No blood", "next": at("ledger", screening)}
    answer = browser.post(at("judge", screening), typed, follow=True)
    assert answer.redirect_chain[-1][0] == at("ledger", screening)
    assert "No blood" in answer.text
    assert str(cast.phy) in answer.text
    assert "code=waive" not in answer.text


def test_a_refused_waiver_is_a_sentence_beside_what_was_typed(kabul, cast, as_user):
    screening = made.screening(kabul, cast.rec, "uk-tb")
    typed = {"code": "waive", "item": "chest_xray", "reason": "She is in a hurry"}
    answer = as_user(cast.phy).post(at("judge", screening), typed)
    assert "so this is not waived: Chest x-ray. Have it done, or give the screening up." in answer.text
    assert "She is in a hurry" in answer.text


@pytest.mark.parametrize("who", ["rec", "cli", "rad", "lab", "lsu", "mgr", "adm"])
def test_only_a_physician_waives(kabul, cast, as_user, who):
    screening = nearly_ready(kabul, cast)
    typed = {"code": "waive", "item": "creatinine", "reason": "No"}
    assert as_user(getattr(cast, who)).post(at("judge", screening), typed).status_code == 403
    assert not Judgement.objects.exists()


def test_another_site_waives_nothing(kabul, cast, as_user):
    typed = {"code": "waive", "item": "creatinine", "reason": "No"}
    assert as_user(cast.herat_phy).post(at("judge", nearly_ready(kabul, cast)), typed).status_code == 404


def test_a_nurse_sees_the_waiver_and_no_buttons(kabul, cast, as_user):
    screening = nearly_ready(kabul, cast)
    assert "code=waive" not in as_user(cast.cli).get(at("ledger", screening)).text
    waive(screening, cast.phy)
    page = as_user(cast.cli).get(at("ledger", screening)).text
    assert "The arm of a child with burns" in page
    assert "Valid until" not in page  # the outcome is not hers to see before the signature


def test_the_waiver_shows_where_she_decides_and_signs(kabul, cast, as_user):
    screening = nearly_ready(kabul, cast)
    waive(screening, cast.phy)
    browser = as_user(cast.phy)
    for address in (at("sign", screening), reverse("desk:review", args=[screening.pk])):
        page = browser.get(address).text
        assert re.search(r"<dt>Waived</dt><dd><span class=\"waived\">Creatinine<small>", page)
        assert "CA-VAL" in page
        assert "CA-GRADE" in page
    browser.post(at("sign", screening), {"password": PASSWORD, "comment": ""})
    page = browser.get(reverse("desk:review", args=[screening.pk])).text
    assert "The arm of a child with burns" in page
    assert "code=waive" not in page


# --- One row of the log for one opening -----------------------------------------------------------------------------


def openings(user, screening):
    return Access.objects.filter(user=user, key=str(screening.pk), page="decisions:ledger").count()


def test_a_refresh_is_no_second_opening(kabul, cast, as_user):
    screening = nearly_ready(kabul, cast)
    browser = as_user(cast.cli)
    page = browser.get(at("ledger", screening)).text
    refresh = re.search(r'hx-get="([^"]+)"', page)[1]
    for _ in range(3):
        assert browser.get(refresh, headers={"HX-Request": "true"}).status_code == 200
    assert openings(cast.cli, screening) == 1
    browser.get(at("ledger", screening))
    assert openings(cast.cli, screening) == 2


@pytest.mark.parametrize("headers", [{}, {"HX-Request": "true"}])
def test_nobody_reads_unseen_by_calling_it_a_refresh(kabul, cast, as_user, headers):
    screening = nearly_ready(kabul, cast)
    as_user(cast.cli).get(at("ledger", screening))
    as_user(cast.phy).get(at("ledger", screening) + "?seen=abc", headers=headers)
    assert openings(cast.phy, screening) == 1
