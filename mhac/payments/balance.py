"""What a family owes: one line for each person, and the sums; reads only, in five questions however large it is."""

from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property

from mhac.payments.models import Due, Payment, Waiver
from mhac.payments.money import number, sums, written
from mhac.payments.prices import Prices, Quote
from mhac.screenings.models import Screening

NOTHING = Decimal(0)


@dataclass(frozen=True)
class Line:
    """One person: what it costs (`due` once it was asked for, `quote` before), and what became of it."""

    screening: Screening
    due: Due | None
    quote: Quote | None
    waiver: Waiver | None
    payment: Payment | None

    @property
    def fee(self):
        """The due or the quote; None when no price is known, or nothing will be asked of a closed screening."""
        return self.due or self.quote

    @property
    def waived(self):
        return self.waiver is not None and self.waiver.accepted is True

    @property
    def state(self):
        """One of: unknown, free, paid, waived, asked (a waiver waits), open, given_up."""
        if self.fee is None:
            return "unknown"
        if not self.fee.amount:
            return "free"
        if self.payment:
            return "paid"
        if self.waived:
            return "waived"
        if not self.screening.is_open and self.due is None:
            return "given_up"
        return "asked" if self.waiver else "open"

    @property
    def is_open(self):
        return self.state in {"open", "asked"}

    @property
    def is_known(self):
        return self.state not in {"unknown", "given_up"}


@dataclass(frozen=True)
class Balance:
    """The lines of a case and their sums, each as text by currency."""

    lines: list[Line]

    @cached_property
    def known(self):
        return [line for line in self.lines if line.is_known]

    def _sum(self, lines):
        by_currency = sums((each.fee.currency, each.fee.amount) for each in lines)
        return [written(amount, currency) for currency, amount in by_currency.items()]

    @property
    def total(self):
        return self._sum(self.known)

    @property
    def sum(self):
        """As it is said at the desk: 332 + 332 + 119 = USD 783; the sums alone for one person or two currencies."""
        if len(self.known) < 2 or len(self.total) != 1:
            return " + ".join(self.total)
        parts = " + ".join(number(line.fee.amount) for line in self.known)
        return f"{parts} = {self.total[0]}"

    @property
    def open(self):
        return self._sum(self.to_pay)

    @cached_property
    def to_pay(self):
        return [line for line in self.lines if line.is_open]

    @property
    def is_settled(self):
        return bool(self.known) and not self.to_pay

    @property
    def by_screening(self):
        return {line.screening.pk: line for line in self.lines}


def of(screenings, today) -> Balance:
    """The balance of these screenings (with patient and clinic loaded), in their order."""
    dues = {due.screening_id: due for due in Due.objects.filter(screening__in=screenings)}
    keys = [due.pk for due in dues.values()]
    waivers = Waiver.objects.filter(due__in=keys).exclude(accepted=False).select_related("asked_by", "decided_by")
    waived = {waiver.due_id: waiver for waiver in waivers}
    rows = Payment.objects.filter(due__in=keys, voided=False).select_related("receipt")
    paid = {payment.due_id: payment for payment in rows}
    prices = Prices(each.programme for each in screenings)
    return Balance([_line(each, dues.get(each.pk), waived, paid, prices, today) for each in screenings])


def _line(screening, due, waived, paid, prices, today):
    if due is None:
        return Line(screening, None, prices.quote(screening, today), None, None)
    return Line(screening, due, None, waived.get(due.pk), paid.get(due.pk))
