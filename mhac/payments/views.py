"""The cash desk: paying for a family, receipts, waivers and voids by two persons, and the cash of a day."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from mhac.accounts.permissions import needs, record_access
from mhac.payments import balance, cash, services, slip
from mhac.payments.forms import AfterForm, DayForm, DecideForm, PayForm, VoidForm, WaiverForm
from mhac.payments.models import Receipt, Void, Waiver
from mhac.screenings.models import Case, Screening


@needs("payments.add_receipt")
def pay(request, pk):
    """What a family owes, and one receipt for those who are ticked."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    record_access(request, case, clinic=case.clinic)
    people = Screening.objects.visible_to(request.user).whole().filter(case=case)
    owed = balance.of(list(people), case.clinic.today())
    form = PayForm(request.POST or None, case=case, balance=owed)
    if form.is_valid():
        try:
            made = services.take(case, by=request.user, **form.paid())
            return redirect("payments:receipt", made.pk)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "payments/pay.html", {"case": case, "balance": owed, "form": form})


@needs("payments.view_receipt")
def receipt(request, pk):
    found = _receipt(request, pk)
    voids = found.voids.select_related("asked_by", "decided_by")
    context = {"receipt": found, "lines": found.lines.all(), "voids": voids}
    return render(request, "payments/receipt.html", context)


def _receipt(request, pk, action="open"):
    found = get_object_or_404(Receipt.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, found, clinic=found.clinic, action=action)
    return found


@needs("payments.view_receipt")
@transaction.atomic
def receipt_slip(request, pk):
    """The receipt as the family takes it along, in English and its own language."""
    found = _receipt(request, pk, action="print")
    answer = HttpResponse(slip.pdf(found), content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="{found.number}.pdf"'
    return answer


@needs("payments.change_receipt")
def waive(request, pk):
    """Ask that one person need not pay."""
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening.case, clinic=screening.clinic)
    form = WaiverForm(request.POST or None)
    if form.is_valid():
        try:
            services.ask_waiver(screening, by=request.user, **form.cleaned_data)
            messages.success(request, _("Asked for. Another person must confirm it before it holds."))
            return redirect("desk:case", screening.case_id)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    line = balance.of([screening], screening.clinic.today()).lines[0]
    return render(request, "payments/waive.html", {"screening": screening, "line": line, "form": form})


@needs("payments.change_receipt")
def void(request, pk):
    """Ask that a receipt be void."""
    found = _receipt(request, pk)
    form = VoidForm(request.POST or None)
    if form.is_valid():
        try:
            services.ask_void(found, by=request.user, **form.cleaned_data)
            messages.success(request, _("Asked for. Another person must confirm it before it holds."))
            return redirect("payments:receipt", found.pk)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "payments/void.html", {"receipt": found, "lines": found.lines.all(), "form": form})


@needs("payments.void_receipt")
def decide_void(request, pk):
    rows = Void.objects.visible_to(request.user).select_related("receipt__case", "receipt__clinic", "receipt__taken_by")
    asked = get_object_or_404(rows.select_related("asked_by", "decided_by"), pk=pk)
    record_access(request, asked.receipt, clinic=asked.receipt.clinic)
    context = {"asked": asked, "receipt": asked.receipt, "lines": asked.receipt.lines.all()}
    return _decide(request, asked, services.decide_void, context | {"case": asked.receipt.case})


@needs("payments.decide_waiver")
def decide_waiver(request, pk):
    rows = Waiver.objects.visible_to(request.user).select_related("asked_by", "decided_by")
    asked = get_object_or_404(rows.select_related("due__screening__patient", "due__screening__case__clinic"), pk=pk)
    case = asked.due.screening.case
    record_access(request, case, clinic=case.clinic)
    return _decide(request, asked, services.decide_waiver, {"asked": asked, "due": asked.due, "case": case})


def _decide(request, asked, decide, context):
    form = DecideForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            decide(asked, accept="accept" in request.POST, by=request.user, **form.cleaned_data)
            messages.success(request, _("It is decided."))
            return redirect("payments:cash")
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "payments/decide.html", context | {"form": form})


@needs("payments.view_receipt")
def day(request):
    """The cash of one day at one site, and what waits for a second person."""
    clinic = site_of(request)
    on = _day(request, clinic)
    found = Receipt.objects.visible_to(request.user).filter(clinic=clinic, day=on)
    after = AfterForm(request.GET).key
    receipts, more = cash.page(found, after)
    voids, waivers = cash.waiting(request.user)
    shown = {"receipts": receipts, "more": more, "after": after, "voids": voids, "waivers": waivers}
    context = {"clinic": clinic, "day": on, "today": clinic.today(), "sites": request.user.sites()}
    sums = {"totals": cash.totals(clinic, on), "given_back": cash.given_back(clinic, on)}
    return render(request, "payments/cash.html", context | shown | sums)


@needs("payments.export_receipt")
@transaction.atomic
def sheet(request):
    """The cash of one day as CSV."""
    clinic = site_of(request)
    on = _day(request, clinic)
    record_access(request, clinic, clinic=clinic, action="export", note=f"cash {on.isoformat()}")
    found = Receipt.objects.visible_to(request.user).filter(clinic=clinic, day=on)
    answer = HttpResponse(cash.sheet(found, clinic), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="cash-{clinic.code}-{on.isoformat()}.csv"'
    return answer


def site_of(request):
    """The site that the address names, among those of the user; her first one otherwise."""
    sites = request.user.sites()
    return sites.filter(code=request.GET.get("site", "")).first() or get_object_or_404(sites[:1])


def _day(request, clinic):
    form = DayForm(request.GET)
    return (form.cleaned_data["day"] if form.is_valid() else None) or clinic.today()
