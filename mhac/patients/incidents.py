"""The incidents that few may see: the list, one of them, and what two managers say it was."""

import uuid

from django import forms
from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from mhac.accounts.forms import OwnPasswordForm
from mhac.accounts.permissions import needs, record_access
from mhac.patients import services
from mhac.patients.models import IdentityCheck, IdentityIncident

PER_PAGE = 25
VIEW, PROPOSE, RESOLVE = (f"patients.{verb}_identityincident" for verb in ("view", "change", "resolve"))


class OutcomeForm(forms.ModelForm):
    """What it was, as the first manager says it."""

    class Meta:
        model = IdentityIncident
        fields = ["outcome", "because"]
        widgets = {"outcome": forms.RadioSelect, "because": forms.TextInput({"dir": "auto", "autocomplete": "off"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["outcome"] = forms.ChoiceField(
            label=_("What it was"),
            choices=IdentityIncident.Outcome.choices,
            widget=forms.RadioSelect,
            error_messages={"required": _("Choose what it was.")},
        )
        self.fields["because"].required = True
        self.fields["because"].error_messages["required"] = _("Write why; the second manager and the auditor read it.")


class SecondForm(OwnPasswordForm):
    """The second manager's answer; no needs a reason."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Your decision"),
        widget=forms.RadioSelect,
        choices=[("yes", gettext_lazy("I agree")), ("no", gettext_lazy("I do not agree"))],
        error_messages={"required": gettext_lazy("Choose whether you agree.")},
    )
    because = forms.CharField(
        label=gettext_lazy("Why not"),
        max_length=100,
        required=False,
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off"}),
    )
    field_order = ["answer", "because", "password"]


@require_GET
@needs(VIEW)
def incidents(request):
    """Those that are open, or all, the newest first; each page goes on after the last key."""
    rows = IdentityIncident.objects.visible_to(request.user)
    shown = "all" if request.GET.get("all") else ""
    rows = rows if shown else rows.open()
    if after := _key(request.GET.get("after", "")):
        rows = rows.filter(pk__lt=after)
    found = list(rows.select_related("patient", "clinic", "opened_by")[: PER_PAGE + 1])
    context = {"incidents": found[:PER_PAGE], "more": len(found) > PER_PAGE, "after": after, "shown": shown}
    return render(request, "patients/incidents.html", context)


def _key(text):
    """The key that `text` writes, or None."""
    try:
        return uuid.UUID(text)
    except ValueError:
        return None


@needs(VIEW)
@transaction.atomic
def incident(request, pk):
    """One incident, with every check that failed; managers say what it was, one after the other."""
    rows = IdentityIncident.objects.visible_to(request.user).select_related("patient", "clinic")
    found = get_object_or_404(rows, pk=pk)
    record_access(request, found, clinic=found.clinic)
    form = _form_for(request, found)
    if form and form.is_valid() and _done(request, form, found):
        return redirect("patients:incident", found.pk)
    context = {"incident": found, "form": form, "checks": _failed(found)}
    return render(request, "patients/incident.html", context)


def _failed(found):
    """The checks of this person in which the face was not hers."""
    return IdentityCheck.objects.of(found.patient).filter(confirmed=False).select_related("by")


def _form_for(request, found):
    """What this user may do with it as it stands now, or None."""
    user, state = request.user, found.state
    if state == IdentityIncident.State.OPEN and user.has_perm(PROPOSE):
        return OutcomeForm(request.POST or None)
    second = state == IdentityIncident.State.PROPOSED and user.has_perm(RESOLVE) and user.pk != found.proposed_by_id
    return SecondForm(request.POST or None, request=request) if second else None


def _done(request, form, found):
    data = form.cleaned_data
    try:
        if found.state == IdentityIncident.State.OPEN:
            services.propose_outcome(found, by=request.user, outcome=data["outcome"], because=data["because"])
        elif data["answer"] == "yes":
            services.agree(found, by=request.user)
        else:
            services.disagree(found, because=data["because"], by=request.user)
    except services.Refused as refusal:
        form.add_error("because" if "because" in form.fields else None, str(refusal))
        return False
    messages.success(request, _("Written down."))
    return True
