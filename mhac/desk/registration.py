"""The front desk: a family's case, its members, and what has happened to each of them."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.desk import checklist, clock, family
from mhac.desk.cards import FamilyFormSet, MemberForm, card_of
from mhac.desk.forms import CaseForm, PasteForm
from mhac.desk.scanned import is_key
from mhac.patients import mrz
from mhac.payments import balance as fees
from mhac.payments import services as cash
from mhac.screenings import services, status
from mhac.screenings.models import Case, Screening


@needs("screenings.add_case")
def new_case(request):
    form = CaseForm(request.POST or None, user=request.user, day=timezone.localdate())
    if form.is_valid():
        try:
            return redirect("desk:case", services.open_case(by=request.user, **form.cleaned_data).pk)
        except services.Refused as refusal:
            form.add_error("programme", str(refusal))
    return render(request, "desk/new_case.html", {"form": form})


@needs("screenings.view_case")
@transaction.atomic
def case(request, pk):
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    record_access(request, case, clinic=case.clinic)
    people = family.members(case, request.user)
    context = {
        "case": case,
        "programme": family.programme_of(case),
        "standing": status.on(case.programme, case.clinic, case.clinic.today()),
        "members": people,
        "ending": clock.warning(case),
        "booked": [member.booking for member in people if member.is_expected_today],
        "unbooked": [member for member in people if member.screening.is_open and not member.booking],
        "paste": PasteForm(first=not people),
    }
    return render(request, "desk/case.html", context | _to_settle(request, case, people))


def _to_settle(request, case, people):
    """What is owed, for those who may read it; what has to be brought; and the children, who need a guardian."""
    may_read = request.user.has_perm("payments.view_receipt")
    owed = fees.of([member.screening for member in people], case.clinic.today()) if may_read else None
    children = [member for member in people if member.is_child and member.screening.is_open]
    return {"balance": owed, "checklist": checklist.of(case, people, owed), "children": children}


@needs("patients.add_patient")
def members(request, pk):
    """Cards for new people of a case: read from passports, or empty, until all of them are saved at once."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    today = case.clinic.today()
    try:
        edition = services.edition_for(case.programme, case.clinic, today)
    except services.Refused as refusal:
        messages.error(request, str(refusal))
        return redirect("desk:case", case.pk)
    shared = {"edition": edition, "user": request.user, "today": today}
    if "save" not in request.POST:
        cards = FamilyFormSet(initial=_cards(request.POST, case, today), form_kwargs=shared)
    elif (cards := _refused(request, case, shared)) is None:
        return redirect("desk:case", case.pk)
    context = {"case": case, "cards": cards, "edition": edition, "paste": PasteForm()}
    return render(request, "desk/members.html", context)


@require_POST
@needs("patients.add_patient")
def alike(request, pk):
    """Who may be the person of one card, while it is being filled."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    today, prefix = case.clinic.today(), request.GET.get("card", "")[:20]
    try:
        edition = services.edition_for(case.programme, case.clinic, today)
    except services.Refused:
        return HttpResponse(status=204)
    typed = {name: request.POST.get(f"{prefix}-{name}", "") for name in MemberForm.base_fields}
    card = MemberForm(initial=typed, prefix=prefix, edition=edition, user=request.user, today=today)
    return render(request, "desk/members.html#alike", {"case": case, "card": card})


def _cards(data, case, today):
    """What was on the page already, and one card for each document that was pasted now, or an empty one."""
    cards = _typed(data)
    seen = {card["zone"] for card in cards} | {""}
    for piece in mrz.split(data.get("paste", "")):
        if piece not in seen:
            cards.append(card_of(piece, today=today, relation=_relation(cards, case)))
            seen.add(piece)
    if "empty" in data or not cards:
        cards.append({"relation": _relation(cards, case), "birth_source": "tazkira"})
    return cards


def _typed(data):
    """The cards as they were sent, whether right or wrong: nothing typed is lost."""
    total = data.get("form-TOTAL_FORMS", "")
    rows = range(min(int(total), FamilyFormSet.max_num)) if total.isdecimal() and len(total) < 4 else ()
    names = list(MemberForm.base_fields)
    return [
        {name: data.get(f"form-{row}-{name}", "") for name in names} for row in rows if f"form-{row}-DELETE" not in data
    ]


def _relation(cards, case):
    first = not cards and not case.screenings.exists()
    return Screening.Relation.HEAD if first else Screening.Relation.OTHER


@transaction.atomic
def _refused(request, case, shared):
    """The cards with what is wrong beside its field; None when all are registered, now or by the same form before."""
    status.keep(case.programme)
    Case.objects.select_for_update().get(pk=case.pk)
    keys = [card["key"] for card in _typed(request.POST)]
    if keys and Screening.objects.filter(case=case, pk__in=filter(is_key, keys)).count() == len(keys):
        return None
    cards = FamilyFormSet(request.POST, form_kwargs=shared)
    if not cards.is_valid():
        return cards
    people = [card for card in cards if card not in cards.deleted_forms]
    try:
        opened = services.register_family(case, [card.member(case) for card in people], by=request.user)
    except services.RefusedPerson as refusal:
        people[refusal.row].add_error(refusal.field, str(refusal))
        return cards
    cash.ask_fees(opened, by=request.user)
    said = ngettext("%(count)d person is registered.", "%(count)d people are registered.", len(opened))
    messages.success(request, said % {"count": len(opened)})
    for card in people:
        # Doubts about what was read stood on the card; those about what was typed are new to the clerk.
        for doubt in () if card.document else card.doubts:
            messages.warning(request, f"{card.cleaned_data['given_name'] or card.cleaned_data['same_as']}: {doubt}")
    return None
