import datetime
import random
import threading
from dataclasses import replace
from decimal import Decimal

import pytest
from django.db import InternalError, ProgrammingError, connection, transaction

from mhac.clinics import numbers
from mhac.clinics.numbers import uuid7
from mhac.payments import balance, cash, prices, services
from mhac.payments.models import Due, Payment, Receipt, Tariff, Void, Waiver
from mhac.payments.prices import Prices
from mhac.screenings.models import Screening
from mhac.screenings.programmes import programmes

from .conftest import born

ONE_DAY = datetime.timedelta(days=1)
LETTER = "Letter of the embassy, page 2"


def people(case):
    return list(Screening.objects.whole().filter(case=case))


def taken(case, by, **changes):
    given = {"screenings": people(case), "payer": "Testi Payer", "key": uuid7()} | changes
    return services.take(case, by=by, **given)


@pytest.mark.parametrize(("age", "amount"), [(0, 119), (10, 119), (11, 332), (40, 332)])
def test_the_price_goes_by_completed_years(family, kabul, age, amount):
    quote = Prices(["ca"]).quote(people(family([age]))[0], kabul.today())
    assert (quote.amount, quote.currency, quote.age) == (amount, "USD", age)
    assert "afghanistan.iom.int/canada" in quote.source


def test_the_age_is_that_of_the_day_of_opening_on_both_sides_of_a_birthday(family, kabul):
    today = kabul.today()
    before, on_it = people(family([born(today, 11, days_until_birthday=1), born(today, 11)]))
    quote = Prices(["ca"]).quote
    assert [quote(each, today + ONE_DAY * 400).amount for each in (before, on_it)] == [119, 332]


@pytest.mark.parametrize(("age_on", "amount"), [("opened", 119), ("asked", 332)])
def test_an_edition_names_the_day_on_which_the_age_counts(family, kabul, age_on, amount):
    tomorrow = kabul.today() + ONE_DAY
    screening = people(family([born(kabul.today(), 11, days_until_birthday=1)]))[0]
    edition = programmes().by_key(screening.edition)
    edition = replace(edition, fees=tuple(replace(fee, age_on=age_on) for fee in edition.fees))
    quote = prices.of_edition(screening, edition, tomorrow)
    assert (quote.amount, quote.age_on) == (amount, tomorrow if age_on == "asked" else screening.opened_on)


def test_an_inexact_birth_counts_at_the_youngest_and_says_what_it_could_be(family, kabul):
    screening = people(family([10]))[0]
    patient = screening.patient
    patient.born_earliest = patient.born_earliest.replace(year=patient.born_earliest.year - 1)
    quote = Prices(["ca"]).quote(screening, kabul.today())
    assert (quote.price, quote.price_of_oldest) == ("USD 119", "USD 332")


def test_fees_are_asked_for_once_and_keep_their_amount(family, cast, kabul):
    case = family([40, 10])
    first = services.ask_fees(people(case), by=cast.rec)
    assert [due.amount for due in first] == [332, 119]
    set_price(cast.adm, kabul.today(), [(0, Decimal(500))])
    assert services.ask_fees(people(case), by=cast.mgr) == first
    assert Due.objects.count() == Due.history.count() == 2
    assert Due.history.first().history_user == cast.rec
    assert people(family([40]))[0] and balance.of(people(family([40])), kabul.today()).total == ["USD 500"]


def set_price(by, day, prices, **changes):
    given = {"currency": "USD", "source": LETTER, "read_on": day} | changes
    return services.add_tariff("ca", prices=prices, from_day=day, by=by, **given)


def test_a_newer_price_holds_from_its_day_and_a_site_goes_before_all_sites(family, cast, kabul, herat):
    today = kabul.today()
    set_price(cast.adm, today + ONE_DAY, [(0, Decimal("120.50")), (12, Decimal(340))])
    tariff = set_price(cast.adm, today + ONE_DAY, [(0, Decimal(7))], clinic=herat, currency="AFN")
    known = Prices(["ca"])
    assert known.in_force("ca", kabul, today) is None
    assert known.in_force("ca", herat, today + ONE_DAY) == tariff
    child, older = people(family([11, 12]))
    for each in (child, older):
        each.opened_on = today + ONE_DAY
    found = [known.quote(each, today) for each in (child, older)]
    assert [each.price for each in found] == ["USD 120.50", "USD 340"]
    with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
        Tariff.objects.update(currency="EUR")


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"prices": [(1, Decimal(5))]}, "age 0"),
        ({"prices": []}, "age 0"),
        ({"prices": [(0, Decimal(5)), (0, Decimal(6))]}, "greater"),
        ({"prices": [(0, Decimal("-1"))]}, "no price"),
        ({"prices": [(0, Decimal("1.005"))]}, "no price"),
        ({"currency": "usd"}, "three letters"),
        ({"source": " "}, "where the price stands"),
        ({"from_day": -1}, "cannot be changed"),
        ({"programme": "nowhere"}, "no such programme"),
    ],
)
def test_prices_that_are_refused(cast, kabul, changes, sentence):
    changes = dict(changes)
    day = kabul.today() + ONE_DAY * changes.pop("from_day", 0)
    programme = changes.pop("programme", "ca")
    given = {"prices": [(0, Decimal(5))], "currency": "USD", "source": LETTER, "read_on": day} | changes
    with pytest.raises(services.Refused, match=sentence):
        services.add_tariff(programme, from_day=day, by=cast.adm, **given)


def test_prices_are_set_by_administrators_of_the_site_only(cast, kabul, herat):
    from tests.conftest import make_user

    local = make_user("herat_admin", "ADM", herat)
    for where, sentence in ((None, "some sites only"), (kabul, "do not administer")):
        with pytest.raises(services.Refused, match=sentence):
            set_price(local, kabul.today(), [(0, Decimal(5))], clinic=where)
    key = uuid7()
    made = [set_price(local, herat.today(), [(0, Decimal(0))], clinic=herat, key=key) for _ in range(2)]
    assert made[0] == made[1] and Tariff.objects.count() == 1


def test_one_receipt_for_a_family_and_the_same_form_makes_no_second_one(family, cast):
    case, key = family([40, 38, 10]), uuid7()
    receipt = taken(case, cast.rec, key=key)
    assert taken(case, cast.rec, key=key) == receipt
    assert (receipt.amount, receipt.currency, receipt.lines.count()) == (Decimal(783), "USD", 3)
    assert receipt.number.startswith("KBLR") and numbers.is_checked(receipt.number)
    with pytest.raises(services.Refused, match=receipt.number):
        taken(case, cast.rec)
    with pytest.raises(services.Refused, match="another case"):
        taken(family([40]), cast.rec, key=key)
    with pytest.raises(services.Refused, match="who pays"):
        taken(family([40]), cast.rec, payer=" ")
    with pytest.raises(services.Refused, match="Nothing is open"):
        taken(family([40], programme="uk-tb"), cast.rec)
    assert Receipt.objects.count() == 1


def test_nobody_of_another_case_is_paid_for(family, cast):
    mine, other = family([40]), family([40])
    with pytest.raises(services.Refused, match="Nothing is open"):
        taken(mine, cast.rec, screenings=people(other))
    assert not Payment.objects.exists()


def test_a_waiver_needs_two_persons(family, cast):
    case = family([40])
    screening = people(case)[0]
    with pytest.raises(services.Refused, match="in words"):
        services.ask_waiver(screening, reason="other", note=" ", by=cast.rec)
    asked = services.ask_waiver(screening, reason="hardship", note="", by=cast.rec)
    assert services.ask_waiver(screening, reason="hardship", note="", by=cast.rec) == asked
    with pytest.raises(services.Refused, match="yourself"):
        services.decide_waiver(asked, accept=True, by=cast.rec)
    with pytest.raises(services.Refused, match="why it is refused"):
        services.decide_waiver(asked, accept=False, by=cast.mgr)
    services.decide_waiver(asked, accept=True, by=cast.mgr)
    with pytest.raises(services.Refused, match="already decided"):
        services.decide_waiver(asked, accept=False, answer="no", by=cast.mgr)
    with pytest.raises(services.Refused, match="waived already"):
        services.ask_waiver(screening, reason="hardship", note="", by=cast.rec)
    with pytest.raises(services.Refused, match="Nothing is open"):
        taken(case, cast.rec)
    assert [row.history_user for row in asked.history.all()] == [cast.mgr, cast.rec]


def test_who_paid_meanwhile_is_not_waived(family, cast):
    case = family([40])
    asked = services.ask_waiver(people(case)[0], reason="partner", note="", by=cast.rec)
    receipt = taken(case, cast.rec)
    for act in (
        lambda: services.decide_waiver(asked, accept=True, by=cast.mgr),
        lambda: services.decide_waiver(asked, accept=True, by=cast.mgr),
    ):
        with pytest.raises(services.Refused, match=receipt.number):
            act()
    services.decide_waiver(asked, accept=False, answer="Paid", by=cast.mgr)
    with pytest.raises(services.Refused, match="void"):
        services.ask_waiver(people(case)[0], reason="partner", note="", by=cast.rec)


def test_a_void_is_confirmed_by_somebody_who_did_not_take_the_money(family, cast, kabul):
    case = family([40, 10])
    receipt = taken(case, cast.mgr)
    with pytest.raises(services.Refused, match="in words"):
        services.ask_void(receipt, reason="back", note="", by=cast.rec)
    asked = services.ask_void(receipt, reason="back", note="Does not travel", by=cast.rec)
    assert services.ask_void(receipt, reason="back", note="Again", by=cast.rec) == asked
    with pytest.raises(services.Refused, match="took this money yourself"):
        services.decide_void(asked, accept=True, by=cast.mgr)
    with pytest.raises(services.Refused, match="asked for this yourself"):
        services.decide_void(asked, accept=True, by=cast.rec)
    from tests.conftest import make_user

    second = make_user("mgr2", "MGR", kabul)
    services.decide_void(asked, accept=False, answer="Not yet", by=second)
    receipt.refresh_from_db()
    assert receipt.voided_on is None
    again = services.ask_void(receipt, reason="back", note="Does not travel", by=cast.rec)
    services.decide_void(again, accept=True, by=second)
    receipt.refresh_from_db()
    assert receipt.voided_on == kabul.today()
    assert "Does not travel" in receipt.history.first().history_change_reason
    with pytest.raises(services.Refused, match="void already"):
        services.ask_void(receipt, reason="back", note="x", by=cast.rec)
    new = taken(case, cast.rec)
    assert new.number != receipt.number and new.amount == receipt.amount
    for change in ({"amount": 1}, {"number": "X"}, {"voided_on": None}):
        with pytest.raises((InternalError, ProgrammingError), match="neither changed"), transaction.atomic():
            Receipt.objects.filter(pk=receipt.pk).update(**change)
    with pytest.raises((InternalError, ProgrammingError)), transaction.atomic():
        Payment.objects.filter(receipt=new).delete()
        Receipt.objects.filter(pk=new.pk).delete()


def test_receipts_less_voids_are_fees_less_waived_less_open(family, cast, kabul):
    """A walk of many random acts; after each the three ways of counting the money agree."""
    chance = random.Random(1405)
    cases = [family([40, 10]) for _ in range(3)]
    everybody = [screening for case in cases for screening in people(case)]

    def act():
        case = chance.choice(cases)
        what = chance.choice(["take", "take", "ask_waiver", "decide_waiver", "ask_void", "decide_void"])
        one, by = chance.choice(people(case)), chance.choice([cast.rec, cast.mgr])
        match what:
            case "take":
                taken(case_of(one), by, screenings=chance.sample(people(case_of(one)), chance.randint(1, 2)))
            case "ask_waiver":
                services.ask_waiver(one, reason="partner", note="", by=by)
            case "ask_void" if receipt := Receipt.objects.filter(case=case_of(one)).first():
                services.ask_void(receipt, reason="twice", note="Testi", by=by)
            case "decide_waiver" if row := Waiver.objects.waiting().first():
                services.decide_waiver(row, accept=chance.random() < 0.7, answer="Testi", by=by)
            case "decide_void" if row := Void.objects.waiting().first():
                services.decide_void(row, accept=chance.random() < 0.7, answer="Testi", by=by)

    def case_of(screening):
        return next(each for each in cases if each.pk == screening.case_id)

    done = 0
    for _ in range(70):
        try:
            act()
            done += 1
        except services.Refused:
            pass
        services.ask_fees(everybody, by=cast.rec)
        lines = balance.of(everybody, kabul.today()).lines
        due = sum(line.fee.amount for line in lines)
        waived = sum(line.fee.amount for line in lines if line.waived)
        open_ = sum(line.fee.amount for line in lines if line.is_open)
        receipts = sum(each.amount for each in Receipt.objects.filter(voided_on=None))
        [total] = cash.totals(kabul, kabul.today()) or [cash.Total("USD", 0, Decimal(0), Decimal(0))]
        assert receipts == total.left == due - waived - open_
    assert done > 30 and Receipt.objects.exclude(voided_on=None).exists() and Waiver.objects.filter(accepted=True)


def test_two_hands_make_one_receipt(transactional_db, family, cast):
    """The same form twice at once, and two forms for the same people at once."""
    for keys in ([uuid7()] * 2, [uuid7(), uuid7()]):
        case, said = family([40, 10]), []
        everybody, user, together = people(case), cast.rec, threading.Barrier(2)

        def pay(key, case=case, said=said, everybody=everybody, user=user, together=together):
            try:
                together.wait()
                said.append(services.take(case, screenings=everybody, payer="Testi", key=key, by=user).number)
            except services.Refused as refusal:
                said.append(str(refusal))
            finally:
                connection.close()

        hands = [threading.Thread(target=pay, args=[key]) for key in keys]
        for hand in hands:
            hand.start()
        for hand in hands:
            hand.join()
        number = Receipt.objects.get(case=case).number
        assert len(said) == 2 and all(number in each for each in said)
        assert Payment.objects.filter(receipt__case=case).count() == 2
