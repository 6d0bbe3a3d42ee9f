from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from mhac.accounts.models import Access
from mhac.accounts.permissions import needs, record_access
from mhac.decisions import editions, ledger, services, words
from mhac.decisions.forms import BecauseForm, EditionForm, JudgementForm, SignForm
from mhac.decisions.models import EditionChoice, Judgement, SignOff
from mhac.screenings.models import Screening


def _about(screening):
    """What every page of this room shows: the person, and the ledger as it was signed or stands today."""
    today = screening.clinic.today()
    found = ledger.standing(screening, on=today)
    offer = editions.offer(screening, on=today)
    return {"screening": screening, "age": screening.person.age_on(today), "ledger": found, "offer": offer}


def _is_open_before_her(request, screening):
    """Whether today's opening of this ledger is written already, so that its refreshing is no second one."""
    same = {"label": screening._meta.label_lower, "key": str(screening.pk), "page": "decisions:ledger"}
    opened = Access.objects.filter(user=request.user, **same)
    return opened.filter(at__date=timezone.localdate()).exists()


def _back(request, screening, otherwise="decisions:ledger"):
    """To the page of this site that sent the form, else to the named page about the screening."""
    asked = request.POST.get("next", "")
    if url_has_allowed_host_and_scheme(asked, {request.get_host()}, require_https=request.is_secure()):
        return redirect(asked)
    return redirect(otherwise, screening.pk)


@needs("decisions.view_ledger")
def show_ledger(request, pk):
    """The ledger as a page, and as the panel that other pages hold (htmx)."""
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    if not (request.htmx and "seen" in request.GET and _is_open_before_her(request, screening)):
        record_access(request, screening, clinic=screening.clinic)
    about = _about(screening)
    about["changed"] = about["ledger"].changed_since(request.GET.get("seen", ""))
    about["places"] = {place for place, needed in words.PLACE_PERMISSIONS.items() if request.user.has_perm(needed)}
    return render(request, "decisions/ledger.html#panel" if request.htmx else "decisions/ledger.html", about)


@needs("labs.add_laborder")
@require_POST
def order(request, pk):
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    try:
        made = services.order_due(screening, by=request.user)
    except services.NotReady as refusal:
        messages.error(request, str(refusal))
    else:
        ordered = ngettext("%(count)s test ordered.", "%(count)s tests ordered.", len(made)) % {"count": len(made)}
        messages.success(request, ordered if made else _("Nothing more has to be ordered."))
    return _back(request, screening)


@needs("decisions.add_judgement")
def judge(request, pk):
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    about = _about(screening)
    form = JudgementForm(request.POST or None, initial=request.GET.dict(), ledger=about["ledger"])
    if request.method == "POST" and form.is_valid():
        try:
            services.judge(screening, by=request.user, **form.said())
        except services.NotReady as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Your decision is recorded."))
            return _back(request, screening, otherwise="desk:review")
    record_access(request, screening, clinic=screening.clinic)
    return render(request, "decisions/judge.html", about | {"form": form})


@needs("decisions.add_judgement")
def take_back(request, pk):
    judgement = get_object_or_404(Judgement.objects.visible_to(request.user), pk=pk)
    form = BecauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.take_back(judgement, by=request.user, **form.cleaned_data)
        except services.NotReady as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The decision is taken back."))
            return redirect("desk:review", judgement.screening_id)
    record_access(request, judgement.screening, clinic=judgement.screening.clinic)
    return render(request, "decisions/take_back.html", _about(judgement.screening) | {"form": form, "it": judgement})


def _editions(screening):
    """What a newer edition would change for this person, and what physicians said about newer ones so far."""
    about = _about(screening)
    on, offer = screening.clinic.today(), about["offer"]
    said = EditionChoice.objects.filter(screening=screening).select_related("by")
    return about | {"said": said, "difference": offer and editions.difference(screening, offer.newer, on=on)}


@needs("decisions.view_ledger")
def edition(request, pk):
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening, clinic=screening.clinic)
    about = _editions(screening)
    form = EditionForm(initial={"to": about["offer"].newer.key}) if about["offer"] else None
    return render(request, "decisions/edition.html", about | {"form": form})


@needs("decisions.add_judgement")
@require_POST
def choose_edition(request, pk):
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    form = EditionForm(request.POST)
    if form.is_valid():
        try:
            services.choose_edition(screening, by=request.user, **form.said())
        except services.NotReady as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Your decision is recorded."))
            return redirect("decisions:ledger", screening.pk)
    record_access(request, screening, clinic=screening.clinic)
    return render(request, "decisions/edition.html", _editions(screening) | {"form": form})


@needs("decisions.sign")
def sign(request, pk):
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    form = SignForm(request.POST or None, request=request)
    if request.method == "POST" and form.is_valid():
        try:
            comment = form.cleaned_data["comment"]
            services.sign(screening, by=request.user, on=screening.clinic.today(), comment=comment)
        except services.NotReady as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("Signed."))
            return redirect("desk:review", screening.pk)
    record_access(request, screening, clinic=screening.clinic)
    about = _about(screening)
    about |= {"form": form, "refusal": services.why_not(about["ledger"]) if screening.is_open else ""}
    return render(request, "decisions/sign.html", about)


@needs("decisions.sign")
def withdraw(request, pk):
    signoff = get_object_or_404(SignOff.objects.visible_to(request.user), pk=pk)
    form = BecauseForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            services.withdraw(signoff, by=request.user, **form.cleaned_data)
        except services.NotReady as refusal:
            form.add_error(None, str(refusal))
        else:
            messages.success(request, _("The signature is withdrawn and the screening is open again."))
            return redirect("desk:review", signoff.screening_id)
    record_access(request, signoff.screening, clinic=signoff.screening.clinic)
    return render(request, "decisions/withdraw.html", _about(signoff.screening) | {"form": form, "it": signoff})
