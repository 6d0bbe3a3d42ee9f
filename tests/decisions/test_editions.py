"""A screening keeps its edition: what a newer one would change, who moves it, and what never moves."""

import datetime
import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from mhac.accounts.models import Access
from mhac.decisions import editions, ledger, services
from mhac.decisions.models import EditionChoice, SignOff
from mhac.labs import services as labs
from mhac.labs.catalogue import load
from mhac.labs.models import LabOrder
from mhac.protocols.programme import EDITIONS
from mhac.screenings import services as screenings
from mhac.screenings.models import Screening
from mhac.screenings.programmes import programmes

from . import made
from .test_services import at_once

DAY = made.DAY
NotReady = services.NotReady
HBA1C = """
[[requires]]
item = "hba1c"
rule = "CA-OWN"
from_age = 15
when = "always"
verified = false
source = "Invented letter"
certainty = "L"
"""


def at(name, row):
    return reverse(f"decisions:{name}", args=[row.pk])


@pytest.fixture
def newer_canada(settings, tmp_path):
    """newer_canada(): a clinic's own folder from now on holds a newer edition for Canada, which asks for HbA1c."""

    def add(key="ca-2026-05-01", in_force=datetime.date(2026, 5, 1), name="Canada: immigration medical examination"):
        text = (EDITIONS / "ca-2020.toml").read_text(encoding="utf-8")
        text = text.replace('edition = "ca-2020"', f'edition = "{key}"')
        text = text.replace("in_force = 2020-01-01", f"in_force = {in_force}")
        text = text.replace('name = "Canada: immigration medical examination"', f'name = "{name}"')
        text = text.replace("amount = 332", "amount = 350").replace("months = 12", "months = 6")
        (tmp_path / f"{key}.toml").write_text(text.replace("[[fees]]", HBA1C + "\n[[fees]]", 1), encoding="utf-8")
        settings.PROGRAMME_FOLDERS = [tmp_path]
        programmes.cache_clear()

    yield add
    settings.PROGRAMME_FOLDERS = []
    programmes.cache_clear()


def under(screening, edition):
    """The same screening as if it had been opened in the days of an older edition."""
    screening.edition = edition
    screening.save()
    return screening


def choose(screening, by, to="ca-2026-05-01", accepted=True, reason="The partner asked for the newer list"):
    return services.choose_edition(screening, to=to, accepted=accepted, reason=reason, by=by)


def again(screening):
    return Screening.objects.whole().get(pk=screening.pk)


def changed(screening, edition):
    found = editions.difference(screening, programmes().by_key(edition), on=DAY)
    return found, {change.label: change.word for change in found.items}


# --- What would change ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("programme", "old", "new", "born", "items"),
    [
        (
            "us-refugee",
            "us-refugee-first",
            "us-refugee-2021-09-03",
            2009,
            {"Syphilis": "dropped", "Gonorrhoea": "dropped"},
        ),
        ("us-refugee", "us-refugee-first", "us-refugee-2021-09-03", 2003, {"Syphilis": "changed"}),
        (
            "us-refugee",
            "us-refugee-first",
            "us-refugee-2021-09-03",
            1970,
            {"Syphilis": "dropped", "Gonorrhoea": "dropped"},
        ),
        ("us-refugee", "us-refugee-first", "us-refugee-2021-09-03", 2016, {}),
        ("us-refugee", "us-refugee-2021-09-01", "us-refugee-2021-09-03", 1990, {"Gonorrhoea": "dropped"}),
        ("au-permanent", "au-permanent-first", "au-permanent-2024-07-01", 1990, {"Hepatitis B": "added"}),
        ("au-permanent", "au-permanent-first", "au-permanent-2024-07-01", 2016, {}),
        ("ca", "ca-first", "ca-2020", 1990, {"Creatinine": "added"}),
        ("ca", "ca-first", "ca-2020", 2016, {}),
        ("uk-resettlement", "uk-resettlement-first", "uk-resettlement-2025-03-27", 1990, {"Urine": "dropped"}),
    ],
)
def test_the_real_pairs_of_editions(kabul, cast, programme, old, new, born, items):
    patient = made.person(kabul, born=datetime.date(born, 5, 10))
    screening = under(made.screening(kabul, cast.rec, programme, patient=patient), old)
    found, words = changed(screening, new)
    assert words == items
    before, after = set(found.before.answer["required"]), set(found.after.answer["required"])
    assert {change.label for change in found.items if change.word == "added"} == {
        entry.label for entry in found.after.entries if entry.item in after - before
    }
    for change in found.items:
        for entry in filter(None, (change.before, change.after)):
            assert entry.rules
            assert entry.source


def test_a_fee_that_only_the_newer_edition_names(kabul, cast):
    screening = under(made.screening(kabul, cast.rec), "ca-first")
    found, _words = changed(screening, "ca-2020")
    fee = next(line for line in found.programme if line.label == "Fee")
    assert (fee.before, fee.after) == ("", "USD 332 (afghanistan.iom.int/canada; revised yearly)")
    child = made.screening(kabul, cast.rec, patient=made.person(kabul, born=datetime.date(2018, 5, 10)))
    found, _words = changed(under(child, "ca-first"), "ca-2020")
    assert next(line for line in found.programme if line.label == "Fee").after.startswith("USD 119")


def test_rows_of_the_table_are_those_of_her_age(kabul, cast):
    screening = under(made.screening(kabul, cast.rec, "us-refugee"), "us-refugee-first")
    found, _words = changed(screening, "us-refugee-2021-09-03")
    told = {(row.is_new, row.rule, row.ages, row.when) for row in found.rows}
    assert (True, "US-SYP-01", "18–44", "always") in told
    assert (True, "US-GC-02", "25–", "sti_suspected") in told
    assert not any(ages.startswith("45") or ages.endswith("–17") for _new, _rule, ages, _when in told)


def test_the_outcome_changes_with_the_same_facts(kabul, cast, newer_canada):
    screening = made.ready(kabul, cast)
    newer_canada()
    found, words = changed(screening, "ca-2026-05-01")
    assert words == {"HbA1c": "added"}
    lines = {line.label: (line.before, line.after) for line in found.outcome}
    assert lines["Outcome"] == ("ready to sign", "waiting")
    assert lines["Valid until"] == ("2027-11-21", "")
    assert {line.label for line in found.programme} == {"Fee", "Validity"}


def test_an_uncertain_age_is_looked_at_from_both_ends(kabul, cast, newer_canada):
    earliest, latest = datetime.date(2011, 1, 1), datetime.date(2012, 12, 31)
    patient = made.person(kabul, born_earliest=earliest, born_latest=latest, birth_precision="year")
    screening = made.screening(kabul, cast.rec, patient=patient)
    newer_canada()
    found, words = changed(screening, "ca-2026-05-01")
    assert words == {"HbA1c": "added"}
    assert found.items[0].after.group == "proposed"


def test_the_same_edition_changes_nothing(kabul, cast):
    found, _words = changed(made.ready(kabul, cast), "ca-2020")
    assert found.is_empty


# --- The offer ------------------------------------------------------------------------------------------------------


def test_an_edition_of_tomorrow_is_no_offer_yet(kabul, cast, newer_canada):
    screening, today = made.screening(kabul, cast.rec), kabul.today()
    assert editions.offer(screening, on=today) is None
    newer_canada(in_force=today + datetime.timedelta(days=1))
    assert editions.offer(screening, on=today) is None
    offer = editions.offer(screening, on=today + datetime.timedelta(days=1))
    assert (offer.now.key, offer.newer.key, offer.declined) == ("ca-2020", "ca-2026-05-01", None)


def test_the_edition_stays_until_somebody_accepts(kabul, cast, newer_canada):
    screening = made.ready(kabul, cast)
    before = ledger.of(screening, on=DAY)
    newer_canada()
    after = ledger.of(again(screening), on=DAY)
    assert (after.answer, after.edition.key) == (before.answer, "ca-2020")
    assert made.screening(kabul, cast.rec).edition == "ca-2026-05-01"


def test_a_physician_moves_it_and_what_follows_follows(kabul, cast, newer_canada):
    screening = made.ready(kabul, cast)
    newer_canada()
    choice = choose(screening, cast.phy)
    moved = again(screening)
    assert moved.edition == "ca-2026-05-01"
    assert (choice.from_edition, choice.to_edition, choice.accepted, choice.by) == (
        "ca-2020",
        "ca-2026-05-01",
        True,
        cast.phy,
    )
    change = Screening.history.filter(id=screening.pk).first()
    assert (change.history_user, change.history_change_reason) == (cast.phy, choice.reason)
    assert ledger.of(moved, on=DAY).missing == ["HbA1c"]
    assert {order.item for order in services.order_due(moved, by=cast.phy)} == {"hba1c"}
    assert LabOrder.objects.get(item="hba1c").because == "CA-OWN"
    assert editions.offer(moved, on=kabul.today()) is None


def test_what_the_newer_edition_does_not_ask_for_is_not_collected(kabul, cast, newer_canada):
    screening = made.ready(kabul, cast)
    newer_canada()
    labs.order(screening, items={"hepatitis_c": ["CA-OLD"], "hba1c": ["CA-OWN"]}, by=cast.phy)
    choose(screening, cast.phy)
    assert LabOrder.objects.get(screening=screening, item="hepatitis_c").state == "cancelled"
    assert LabOrder.objects.get(screening=screening, item="hba1c").state == "ordered"


def test_a_physician_declines_and_may_still_accept(kabul, cast, newer_canada):
    screening = made.ready(kabul, cast)
    newer_canada()
    choose(screening, cast.phy, accepted=False, reason="Examined under the older list")
    assert again(screening).edition == "ca-2020"
    offer = editions.offer(again(screening), on=kabul.today())
    assert (offer.declined.by, offer.declined.reason) == (cast.phy, "Examined under the older list")
    with pytest.raises(NotReady, match="Phy has declined this edition already"):
        choose(screening, cast.phy, accepted=False)
    choose(screening, cast.phy)
    assert again(screening).edition == "ca-2026-05-01"
    assert [choice.accepted for choice in EditionChoice.objects.all()] == [False, True]


def test_an_even_newer_edition_is_a_new_offer(kabul, cast, newer_canada):
    screening = made.screening(kabul, cast.rec)
    newer_canada()
    choose(screening, cast.phy, accepted=False)
    newer_canada(key="ca-2026-06-01", in_force=datetime.date(2026, 6, 1))
    offer = editions.offer(again(screening), on=kabul.today())
    assert (offer.newer.key, offer.declined) == ("ca-2026-06-01", None)
    with pytest.raises(NotReady, match="Another edition is in force than the one you looked at"):
        choose(screening, cast.phy)


def test_choices_that_are_refused(kabul, cast, newer_canada):
    screening = made.ready(kabul, cast)
    with pytest.raises(NotReady, match="follows the edition in force already"):
        choose(screening, cast.phy)
    newer_canada()
    with pytest.raises(NotReady, match="Write the reason"):
        choose(screening, cast.phy, reason=" ")
    cast.phy.licence = ""
    with pytest.raises(NotReady, match="Only a licensed physician decides"):
        choose(screening, cast.phy)
    cast.phy.licence = "AFG-TEST-1"
    services.sign(screening, by=cast.phy, on=DAY)
    with pytest.raises(NotReady, match="This screening is signed"):
        choose(screening, cast.phy)
    assert not EditionChoice.objects.exists()
    assert again(screening).edition == "ca-2020"


@pytest.mark.parametrize(
    ("state", "edition", "sentence"),
    [
        ("open", "ca-first", "no newer edition of this programme"),
        ("open", "ca-2020", "no newer edition of this programme"),
        ("open", "au-permanent-2024-07-01", "no newer edition of this programme"),
        ("signed", "ca-2026-05-01", "keeps its edition"),
        ("closed", "ca-2026-05-01", "keeps its edition"),
        ("withdrawn", "ca-2026-05-01", "keeps its edition"),
    ],
)
def test_a_screening_moves_only_forward_and_only_open(kabul, cast, newer_canada, state, edition, sentence):
    screening = made.screening(kabul, cast.rec)
    newer_canada()
    screening.state = state
    screening.save()
    with pytest.raises(screenings.Refused, match=sentence):
        screenings.move_to_edition(screening, programmes().by_key(edition), because="No", by=cast.phy)
    assert again(screening).edition == "ca-2020"


@pytest.mark.django_db(transaction=True)
def test_signing_and_moving_at_once_leaves_one_of_them_first(kabul, cast, newer_canada):
    physician = cast.phy
    for _ in range(3):
        screening = made.ready(kabul, cast)
        under(screening, "ca-2020")
        newer_canada()
        signed, moved = at_once(
            lambda screening=screening: services.sign(screening, by=physician, on=DAY),
            lambda screening=screening: choose(screening, physician),
        )
        if isinstance(signed, SignOff):
            assert "This screening is signed" in str(moved)
            assert (signed.edition, again(screening).edition) == ("ca-2020", "ca-2020")
        else:
            assert "Still open: HbA1c" in str(signed)
            assert again(screening).edition == "ca-2026-05-01"


# --- What is signed stays -------------------------------------------------------------------------------------------


def text_of(page):
    """What a reader sees, without what differs between any two requests."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.text))


def test_a_signed_screening_reads_the_same_after_any_edition(kabul, cast, as_user, newer_canada):
    load()
    screening = made.ready(kabul, cast)
    signoff = services.sign(screening, by=cast.phy, on=DAY)
    browser, nurse = as_user(cast.phy), as_user(cast.cli)
    pages = [(browser, reverse("desk:review", args=[screening.pk])), (nurse, at("ledger", screening))]
    before = [text_of(reader.get(address)) for reader, address in pages]
    newer_canada(name="Canada: another name")
    assert [text_of(reader.get(address)) for reader, address in pages] == before
    assert ledger.of_signoff(SignOff.objects.get()).answer == signoff.answer
    assert services.holds(signoff, editions.facts.records_of([again(screening)])[screening.pk])
    assert "keeps its edition" in browser.get(at("edition", screening)).text


# --- The pages ------------------------------------------------------------------------------------------------------


def test_the_offer_stands_on_every_page_of_the_person(kabul, cast, as_user, newer_canada):
    screening = made.ready(kabul, cast)
    newer_canada()
    browser = as_user(cast.phy)
    places = [at("ledger", screening), reverse("desk:review", args=[screening.pk]), reverse("desk:to_decide")]
    for place in (*places, reverse("desk:case", args=[screening.case.pk])):
        assert at("edition", screening) in browser.get(place).text
    page = browser.get(at("edition", screening)).text
    for told in ("ca-2020", "ca-2026-05-01", "HbA1c", "CA-OWN", "Invented letter", "USD 350", "not verified"):
        assert told in page
    assert Access.objects.filter(user=cast.phy, page="decisions:edition", key=str(screening.pk)).count() == 1


def test_without_a_newer_edition_nothing_is_offered(kabul, cast, as_user):
    screening = made.ready(kabul, cast)
    browser = as_user(cast.phy)
    for place in (at("ledger", screening), reverse("desk:review", args=[screening.pk]), reverse("desk:to_decide")):
        assert "newer edition" not in browser.get(place).text
    assert "This screening follows the edition in force." in browser.get(at("edition", screening)).text


def test_she_accepts_and_declines_on_the_page(kabul, cast, as_user, newer_canada):
    screening = made.ready(kabul, cast)
    newer_canada()
    browser = as_user(cast.phy)
    typed = {"to": "ca-2026-05-01", "choice": "decline", "reason": "Examined already"}
    empty = browser.post(at("choose_edition", screening), typed | {"reason": ""})
    assert "This field is required" in empty.text
    answer = browser.post(at("choose_edition", screening), typed, follow=True)
    assert "declined by Phy" in answer.text
    assert "Examined already" in answer.text
    page = browser.get(at("edition", screening)).text
    assert 'value="accept"' in page
    assert 'value="decline"' not in page
    again_declined = browser.post(at("choose_edition", screening), typed)
    assert "has declined this edition already" in again_declined.text
    answer = browser.post(at("choose_edition", screening), typed | {"choice": "accept"}, follow=True)
    assert "Waiting for: HbA1c" in answer.text
    page = browser.get(at("edition", screening)).text
    assert "This screening follows the edition in force." in page
    assert "Examined already" in page


def test_a_nurse_reads_and_does_not_choose(kabul, cast, as_user, newer_canada):
    screening = made.ready(kabul, cast)
    newer_canada()
    nurse = as_user(cast.cli)
    page = nurse.get(at("edition", screening))
    assert "HbA1c" in page.text
    assert 'value="accept"' not in page.text
    typed = {"to": "ca-2026-05-01", "choice": "accept", "reason": "I think so"}
    assert nurse.post(at("choose_edition", screening), typed).status_code == 403
    assert as_user(cast.phy).get(at("choose_edition", screening)).status_code == 405
    assert again(screening).edition == "ca-2020"


@pytest.mark.parametrize("who", ["rec", "lab", "mgr", "adm"])
def test_the_difference_is_not_for_everybody(kabul, cast, as_user, who):
    assert as_user(getattr(cast, who)).get(at("edition", made.screening(kabul, cast.rec))).status_code == 403


def test_another_site_sees_and_moves_nothing(kabul, cast, as_user, newer_canada):
    screening = made.screening(kabul, cast.rec)
    newer_canada()
    stranger = as_user(cast.herat_phy)
    typed = {"to": "ca-2026-05-01", "choice": "accept", "reason": "No"}
    assert stranger.get(at("edition", screening)).status_code == 404
    assert stranger.post(at("choose_edition", screening), typed).status_code == 404
    assert at("edition", screening) not in stranger.get(reverse("desk:to_decide")).text


def test_many_offers_cost_the_queries_of_one(kabul, cast, newer_canada):
    screening_list = [made.screening(kabul, cast.rec) for _ in range(4)]
    newer_canada()
    choose(screening_list[0], cast.phy, accepted=False)
    for count in (1, 4):
        with CaptureQueriesContext(connection) as queries:
            found = editions.offers(screening_list[:count], on=kabul.today())
        assert len(queries) == 1
        assert len(found) == count
    assert set(editions.outdated(kabul.today())) >= {"ca-first", "ca-2020", "us-refugee-first"}
    assert "ca-2026-05-01" not in set(editions.outdated(kabul.today()))
