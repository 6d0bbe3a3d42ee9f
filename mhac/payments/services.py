"""The cash desk: fees are asked for, paid on one receipt, waived or made void by two persons; prices begin on a day."""

from decimal import Decimal

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.payments.models import Due, Payment, Price, Receipt, Tariff, Void, Waiver
from mhac.payments.money import written
from mhac.payments.prices import Prices
from mhac.screenings.models import Screening
from mhac.screenings.programmes import programmes

LARGEST = Decimal("9999999.99")


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""


@transaction.atomic
def ask_fees(screenings, *, by) -> list[Due]:
    """The fee of each of these screenings, made now where there is none yet; where no price is known there stays none.

    The amount is that of today's price and does not follow a later one.
    """
    keys = [each.pk for each in screenings]
    rows = Screening.objects.select_for_update(of=("self",)).whole().filter(pk__in=keys).order_by("pk")
    locked = list(rows)
    known = {due.screening_id: due for due in Due.objects.filter(screening__in=locked)}
    prices = Prices(each.programme for each in locked)
    for screening in locked:
        if screening.pk in known or not screening.is_open:
            continue
        if quote := prices.quote(screening, screening.clinic.today()):
            known[screening.pk] = _due(screening, quote, by)
    return [known[key] for key in keys if key in known]


def _due(screening, quote, by):
    due = Due(
        screening=screening,
        amount=quote.amount,
        currency=quote.currency,
        age=quote.age,
        age_on=quote.age_on,
        edition=quote.edition,
        tariff=quote.tariff,
        source=quote.source,
        made_by=by,
    )
    due._history_user = by
    due.save(force_insert=True)
    return due


@transaction.atomic
def take(case, *, screenings, payer, key, by) -> Receipt:
    """Take the open fees of these people of `case` in cash, on one receipt. The same `key` (UUID) again answers with
    the receipt it made. Raises Refused when nothing is open, for two currencies, and without the payer's name."""
    if not payer.strip():
        raise Refused(_("Write who pays: the name stands on the receipt."))
    screenings = [each for each in screenings if each.case_id == case.pk]
    dues = ask_fees(screenings, by=by)
    locked = list(_locked(Due.objects.filter(pk__in=[due.pk for due in dues])))
    if done := Receipt.objects.filter(pk=key).first():
        if done.case_id != case.pk:
            raise Refused(_("The page came back from another case. Open this case again."))
        return done
    to_pay = _unpaid(locked)
    receipt = _receipt(case, to_pay, payer.strip(), key, by)
    for due in to_pay:
        line = Payment(receipt=receipt, due=due, name=due.screening.patient.name, amount=due.amount)
        line._history_user = by
        line.save(force_insert=True)
    return receipt


def _locked(dues):
    """In one order, so that two receipts for the same people wait for each other and never block each other."""
    return dues.select_for_update(of=("self",)).select_related("screening__patient").order_by("pk")


def _unpaid(dues):
    """Those that nobody has paid and that are not waived; raises Refused when there are none, or two currencies."""
    paid = dict(Payment.objects.filter(due__in=dues, voided=False).values_list("due", "receipt__number"))
    waived = set(Waiver.objects.filter(due__in=dues, accepted=True).values_list("due", flat=True))
    found = [due for due in dues if due.pk not in paid and due.pk not in waived and due.amount > 0]
    if not found and paid:
        numbers = ", ".join(sorted(set(paid.values())))
        raise Refused(_("This is paid already, with receipt %(number)s. Print that one again.") % {"number": numbers})
    if not found:
        raise Refused(_("Nothing is open here. Tick somebody whose fee is not paid yet."))
    if len({due.currency for due in found}) > 1:
        raise Refused(_("These fees are in two currencies. Write one receipt for each."))
    return found


def _receipt(case, dues, payer, key, by):
    today = case.clinic.today()
    receipt = Receipt(
        id=key,
        number=case.clinic.next_number("R", today.year),
        case=case,
        clinic=case.clinic,
        payer=payer[:120],
        currency=dues[0].currency,
        amount=sum(due.amount for due in dues),
        day=today,
        taken_by=by,
    )
    receipt._history_user = by
    try:
        with transaction.atomic():
            receipt.save(force_insert=True)
    except IntegrityError as fault:
        # The same form, sent at once for other people of the case.
        raise Refused(_("This page made a receipt already. Open the case again.")) from fault
    return receipt


@transaction.atomic
def ask_waiver(screening, *, reason, note, by) -> Waiver:
    """Ask that one person need not pay; a second person confirms it. One that waits already is answered as it is.

    Raises Refused when there is no fee, when it is paid or waived, and for another reason without words.
    """
    if reason == Waiver.Reason.OTHER and not note.strip():
        raise Refused(_("Write the reason in words."))
    found = ask_fees([screening], by=by)
    if not found or not found[0].amount:
        raise Refused(_("There is no fee that could be waived."))
    due = _locked(Due.objects.filter(pk=found[0].pk)).get()
    standing = due.waivers.exclude(accepted=False).first()
    if standing and standing.accepted:
        raise Refused(_("This fee is waived already."))
    if standing:
        return standing
    _refuse_paid(due)
    waiver = Waiver(due=due, reason=reason, note=note.strip()[:200], asked_by=by)
    waiver._history_user = by
    waiver.save(force_insert=True)
    return waiver


def _refuse_paid(due):
    if paid := due.payments.filter(voided=False).select_related("receipt").first():
        raise Refused(
            _("This is paid, with receipt %(number)s. Ask first that the receipt be made void.")
            % {"number": paid.receipt.number}
        )


@transaction.atomic
def decide_waiver(waiver, *, accept, by, answer="") -> Waiver:
    """Confirm or refuse a waiver. Raises Refused for one's own, for one that was decided, for a fee that was paid
    meanwhile, and for a refusal without a reason."""
    due = _locked(Due.objects.filter(pk=waiver.due_id)).get()
    waiver = Waiver.objects.select_for_update(of=("self",)).select_related("decided_by").get(pk=waiver.pk)
    if accept:
        _refuse_paid(due)
    return _decided(waiver, accept, answer, by)


def _decided(asked, accept, answer, by, *others):
    """Write the answer of a second person; `others` are those who may not be this person either."""
    if asked.accepted is not None:
        raise Refused(_("This was already decided, by %(who)s.") % {"who": asked.decided_by})
    if by.pk == asked.asked_by_id:
        raise Refused(_("You asked for this yourself: another person must confirm it."))
    if by.pk in others:
        raise Refused(_("You took this money yourself: another person must confirm it."))
    if not accept and not answer.strip():
        raise Refused(_("Say why it is refused: who asked reads it."))
    asked.accepted, asked.decided_by, asked.decided_at = accept, by, timezone.now()
    asked.answer, asked._history_user = answer.strip()[:200], by
    asked.save(update_fields=["accepted", "decided_by", "decided_at", "answer"])
    return asked


@transaction.atomic
def ask_void(receipt, *, reason, note, by) -> Void:
    """Ask that a receipt be void; somebody who did not take the money confirms it. The one that waits already is
    answered as it is. Raises Refused for a void receipt and without words."""
    if not note.strip():
        raise Refused(_("Write in words what happened: the receipt stays in the list with it."))
    receipt = Receipt.objects.select_for_update().get(pk=receipt.pk)
    standing = receipt.voids.exclude(accepted=False).first()
    if standing and standing.accepted:
        raise Refused(_("This receipt is void already."))
    if standing:
        return standing
    void = Void(receipt=receipt, reason=reason, note=note.strip()[:200], asked_by=by)
    void._history_user = by
    void.save(force_insert=True)
    return void


@transaction.atomic
def decide_void(void, *, accept, by, answer="") -> Void:
    """Confirm or refuse a void; confirmed, the fees of the receipt are open again. Raises Refused for one's own, for
    one's own money, for one that was decided, and for a refusal without a reason."""
    dues = Due.objects.filter(payments__receipt=void.receipt_id)
    list(_locked(Due.objects.filter(pk__in=dues.values("pk"))))
    receipt = Receipt.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=void.receipt_id)
    void = Void.objects.select_for_update(of=("self",)).select_related("decided_by").get(pk=void.pk)
    _decided(void, accept, answer, by, receipt.taken_by_id)
    if accept:
        receipt.voided_on, receipt._history_user = receipt.clinic.today(), by
        receipt._change_reason = f"{void.get_reason_display()}: {void.note}"[:100]
        receipt.save(update_fields=["voided_on"])
        for line in receipt.lines.all():
            line.voided, line._history_user = True, by
            line.save(update_fields=["voided"])
    return void


@transaction.atomic
def add_tariff(programme, *, prices, currency, from_day, source, read_on, by, clinic=None, key=None) -> Tariff:
    """What a programme costs from a day on. `prices` are pairs (from age, amount), the first from age 0; `clinic` None
    means all sites. The same `key` (UUID) again answers with the row it made. Raises Refused with a sentence."""
    _may_set(clinic, by)
    if programme not in programmes().keys():  # noqa: SIM118 - it is no dictionary
        raise Refused(_("There is no such programme. Choose one of the list."))
    if from_day < (clinic.today() if clinic else timezone.localdate()):
        raise Refused(_("What has been cannot be changed. Choose today or a later day."))
    if not source.strip():
        raise Refused(_("Write where the price stands: the letter, the page and its date."))
    _refuse_prices(prices, currency)
    if key and (done := Tariff.objects.filter(pk=key).first()):
        return done
    tariff = Tariff(
        programme=programme,
        clinic=clinic,
        from_day=from_day,
        currency=currency,
        source=source.strip()[:200],
        read_on=read_on,
        added_by=by,
        **({"id": key} if key else {}),
    )
    tariff._history_user = by
    tariff.save(force_insert=True)
    for from_age, amount in prices:
        price = Price(tariff=tariff, from_age=from_age, amount=amount)
        price._history_user = by
        price.save(force_insert=True)
    return tariff


def _refuse_prices(prices, currency):
    ages = [age for age, _amount in prices]
    if not ages or ages[0] != 0:
        raise Refused(_("The first price must begin at age 0, so that nobody is left out."))
    if ages != sorted(set(ages)):
        raise Refused(_("Each age must be greater than the one before it."))
    if len(currency) != 3 or not (currency.isascii() and currency.isalpha() and currency.isupper()):
        raise Refused(_("Write the currency with its three letters: USD, AFN."))
    for _age, amount in prices:
        if not 0 <= amount <= LARGEST or amount != round(amount, 2):
            said = {"amount": written(amount, currency)}
            raise Refused(_("%(amount)s is no price. Use at most two decimals.") % said)


def _may_set(clinic, by):
    needed = "payments.add_tariff"
    if clinic is None and needed not in by.rights.get(None, ()):
        raise Refused(_("You administer some sites only. Choose the site for which the price holds."))
    if clinic is not None and not by.sites(needed).filter(pk=clinic.pk).exists():
        raise Refused(_("You do not administer %(clinic)s. Ask its administrator.") % {"clinic": clinic})
