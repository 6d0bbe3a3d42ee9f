"""The prices of the programmes: what holds at a site, where it stands, and the form for a newer row."""

from dataclasses import dataclass

from django.contrib import messages
from django.http import Http404
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _

from mhac.accounts.permissions import needs
from mhac.payments import services
from mhac.payments.forms import TariffForm
from mhac.payments.models import Tariff
from mhac.payments.money import written
from mhac.payments.prices import Prices
from mhac.payments.views import site_of
from mhac.protocols.programme import Edition
from mhac.screenings.programmes import programmes as known
from mhac.screenings.programmes import title


@dataclass(frozen=True)
class Line:
    """One programme at one site: the edition of the day, the row that holds, those that come, and the amounts."""

    key: str
    edition: Edition | None
    holds: Tariff | None
    coming: list[Tariff]

    @property
    def name(self):
        return title(self.edition or known().editions(self.key)[-1])

    @property
    def amounts(self):
        """Pairs of (from age, amount in words), the youngest first."""
        if self.holds:
            return amounts_of(self.holds)
        fees = self.edition.fees if self.edition else ()
        return [(fee.from_age, written(fee.amount, fee.currency)) for fee in fees]

    @property
    def source(self):
        if self.holds:
            return self.holds.source
        return self.edition.fees[0].source if self.edition and self.edition.fees else ""

    @property
    def read_on(self):
        if self.holds:
            return self.holds.read_on
        return self.edition.read_on if self.edition and self.edition.fees else None


def amounts_of(tariff):
    """Pairs of (from age, amount in words) of one row."""
    return [(price.from_age, written(price.amount, tariff.currency)) for price in tariff.prices.all()]


def lines(clinic, day) -> list[Line]:
    """Every programme at `clinic` on `day`; two questions, however many."""
    prices = Prices(known())
    return [_line(key, prices, clinic, day) for key in known()]


def _line(key, prices, clinic, day):
    edition = next((each for each in reversed(known().editions(key)) if each.in_force <= day), None)
    holds = prices.in_force(key, clinic, day)
    if holds and edition and edition.fees and edition.in_force > holds.from_day:
        holds = None
    coming = [row for row in prices.rows_of(key) if row.from_day > day and row.clinic_id in (None, clinic.pk)]
    return Line(key, edition, holds, coming)


@needs("payments.view_tariff")
def tariffs(request):
    clinic = site_of(request)
    context = {"lines": lines(clinic, clinic.today()), "clinic": clinic, "sites": request.user.sites()}
    return render(request, "payments/tariffs.html", context)


@needs("payments.view_tariff")
def tariff(request, key):
    """Every price that a programme ever had, the latest first."""
    clinic = site_of(request)
    line = _known_line(key, clinic)
    rows = Tariff.objects.visible_to(request.user).filter(programme=key).select_related("clinic", "added_by")
    rows = rows.prefetch_related("prices").order_by("-from_day", "-pk")
    context = {"line": line, "clinic": clinic, "rows": [(row, amounts_of(row)) for row in rows]}
    return render(request, "payments/tariff.html", context)


@needs("payments.add_tariff")
def add_tariff(request, key):
    clinic = site_of(request)
    line = _known_line(key, clinic)
    form = TariffForm(request.POST or None, request=request, clinic=clinic)
    if form.is_valid():
        try:
            services.add_tariff(key, by=request.user, **form.tariff())
            messages.success(request, _("%(programme)s: the price is written down.") % {"programme": line.name})
            return redirect("payments:tariff", key)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "payments/tariff_add.html", {"line": line, "clinic": clinic, "form": form})


def _known_line(key, clinic):
    if key not in known().keys():  # noqa: SIM118 - it is no dictionary
        raise Http404
    return _line(key, Prices([key]), clinic, clinic.today())
