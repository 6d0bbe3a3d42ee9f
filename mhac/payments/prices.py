"""What a screening costs: the newest price that is in force, a row of the clinic's own or the edition's; reads only."""

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from mhac.payments.models import Tariff
from mhac.payments.money import written
from mhac.protocols.months import age_on
from mhac.screenings.programmes import programmes


@dataclass(frozen=True)
class Quote:
    """The fee of one person as it would be asked for now: why so much, and on which day the age counted."""

    amount: Decimal
    currency: str
    age: int
    age_on: date
    source: str
    edition: str = ""
    tariff: Tariff | None = None
    # What it would be for the oldest that an inexact birth date allows; None where that is the same.
    oldest: Decimal | None = None

    @property
    def price(self):
        return written(self.amount, self.currency)

    @property
    def price_of_oldest(self):
        return written(self.oldest, self.currency) if self.oldest is not None else ""


class Prices:
    """The prices of some programmes, read once (two questions)."""

    def __init__(self, programme_keys):
        rows = Tariff.objects.filter(programme__in=set(programme_keys)).prefetch_related("prices")
        self._tariffs = defaultdict(list)
        for row in rows:
            self._tariffs[row.programme].append(row)

    def in_force(self, programme, clinic, day):
        """The row for `clinic` on `day`: its own before one for all sites, then the latest; None when there is none."""
        fitting = [
            row
            for row in self._tariffs[programme]
            if row.from_day <= day and (row.clinic_id is None or row.clinic_id == clinic.pk)
        ]
        return max(fitting, key=lambda row: (row.clinic_id is not None, row.from_day, row.pk), default=None)

    def quote(self, screening, today) -> Quote | None:
        """What `screening` costs; None when no price is known for this programme and age."""
        edition = programmes().by_key(screening.edition)
        tariff = self.in_force(screening.programme, screening.clinic, screening.opened_on)
        if tariff and (tariff.from_day >= edition.in_force or not edition.fees):
            return _of_tariff(screening, tariff)
        return of_edition(screening, edition, today)

    def rows_of(self, programme):
        """Every row of the programme, the latest first."""
        return sorted(self._tariffs[programme], key=lambda row: (row.from_day, row.pk), reverse=True)


def _ages(screening, day):
    patient = screening.person
    return patient.age_on(day), age_on(patient.born_earliest, day)


def _of_tariff(screening, tariff):
    day = screening.opened_on
    age, oldest = _ages(screening, day)
    amount, most = _at(tariff, age), _at(tariff, oldest)
    if amount is None:
        return None
    return Quote(
        amount,
        tariff.currency,
        age,
        day,
        tariff.source,
        tariff=tariff,
        oldest=most if most != amount else None,
    )


def _at(tariff, age):
    fitting = [price for price in tariff.prices.all() if price.from_age <= age]
    return max(fitting, key=lambda price: price.from_age).amount if fitting else None


def of_edition(screening, edition, today) -> Quote | None:
    """What `edition` asks of this person; `today` is when it is first asked for."""
    for fee in edition.fees:
        day = screening.opened_on if fee.age_on == "opened" else today
        age, oldest = _ages(screening, day)
        if fee.fits(age):
            same = (each for each in edition.fees if each.fits(oldest) and each.currency == fee.currency)
            most = next((each.amount for each in same), fee.amount)
            return Quote(
                fee.amount,
                fee.currency,
                age,
                day,
                fee.source,
                edition=edition.key,
                oldest=most if most != fee.amount else None,
            )
    return None
