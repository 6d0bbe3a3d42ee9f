"""The cash of a day at a site: what was taken, what was given back, and the sums; reads only."""

from dataclasses import dataclass
from decimal import Decimal
from zoneinfo import ZoneInfo

from django.db.models import Count, Sum
from django.utils.translation import gettext as _

from mhac.clinics.sheets import csv_of
from mhac.payments.models import Receipt, Void, Waiver
from mhac.payments.money import written

PER_PAGE = 50


@dataclass(frozen=True)
class Total:
    """One currency: taken on the day, given back on the day (of whatever day the receipt was), and the difference."""

    currency: str
    receipts: int
    taken: Decimal
    given_back: Decimal

    @property
    def left(self):
        return self.taken - self.given_back

    @property
    def words(self):
        """The three amounts as text."""
        return [written(amount, self.currency) for amount in (self.taken, self.given_back, self.left)]


def totals(clinic, day) -> list[Total]:
    """The sums of `day` at `clinic`, one for each currency. Two questions."""
    taken = _by_currency(Receipt.objects.filter(clinic=clinic, day=day))
    back = _by_currency(Receipt.objects.filter(clinic=clinic, voided_on=day))
    nothing = (0, Decimal(0))
    return [
        Total(currency, *taken.get(currency, nothing), back.get(currency, nothing)[1])
        for currency in sorted(taken.keys() | back.keys())
    ]


def _by_currency(receipts):
    rows = receipts.order_by().values_list("currency").annotate(count=Count("pk"), sum=Sum("amount"))
    return {currency: (count, amount) for currency, count, amount in rows}


def page(receipts, after=None):
    """(the rows of one page, whether there are older ones); `after` is the key of the last row of the page before."""
    found = receipts.whole().order_by("-pk")
    rows = list((found.filter(pk__lt=after) if after else found)[: PER_PAGE + 1])
    return rows[:PER_PAGE], len(rows) > PER_PAGE


def given_back(clinic, day):
    """The voids that were confirmed for receipts void since `day`, whenever the money was taken."""
    found = Void.objects.filter(accepted=True, receipt__clinic=clinic, receipt__voided_on=day)
    return list(found.select_related("receipt", "asked_by", "decided_by")[:PER_PAGE])


def waiting(user):
    """What a second person has to decide, the oldest first, each kind at most a page: (voids, waivers)."""
    voids = Void.objects.visible_to(user).waiting().select_related("receipt__case", "asked_by")
    waivers = Waiver.objects.visible_to(user).waiting()
    waivers = waivers.select_related("due__screening__patient", "due__screening__case", "asked_by")
    return list(voids[:PER_PAGE]), list(waivers[:PER_PAGE])


def sheet(receipts, clinic) -> bytes:
    """The receipts as CSV, the oldest first; a void one says so in its own column, and its amount stays."""
    zone = ZoneInfo(clinic.timezone)
    head = [_("Receipt"), _("Day"), _("Time"), _("Case"), _("Paid by"), _("Currency"), _("Amount")]
    head += [_("Taken by"), _("Void since")]
    rows = [
        [
            each.number,
            each.day.isoformat(),
            f"{each.taken_at.astimezone(zone):%H:%M}",
            each.case.number,
            each.payer,
            each.currency,
            f"{each.amount:.2f}",
            each.taken_by,
            each.voided_on.isoformat() if each.voided_on else "",
        ]
        for each in receipts.whole().order_by("pk").iterator(chunk_size=500)
    ]
    return csv_of(head, rows)
