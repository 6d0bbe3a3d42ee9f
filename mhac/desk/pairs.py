"""Two people side by side: are they one? One says so with a reason, another decides; and the same way back."""

from dataclasses import dataclass

from django import forms
from django.contrib import messages
from django.db import transaction
from django.db.models import Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET

from mhac.accounts.forms import OwnPasswordForm
from mhac.accounts.permissions import needs, record_access
from mhac.clinics import numbers
from mhac.desk.scanned import is_key
from mhac.patients import matching, services
from mhac.patients.models import IdentityDocument, Merge, Patient, TwoPeople
from mhac.screenings.models import Screening

PER_PAGE = 25
PROPOSE, DECIDE = "patients.add_merge", "patients.decide_merge"


class SayForm(forms.Form):
    """What somebody says of two records, and why."""

    says = forms.ChoiceField(
        widget=forms.RadioSelect,
        choices=[("one", gettext_lazy("One person")), ("two", gettext_lazy("Two different people"))],
        error_messages={"required": gettext_lazy("Choose: one person, or two.")},
        label=gettext_lazy("These two are"),
    )
    because = forms.CharField(
        label=gettext_lazy("Why"),
        max_length=300,
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off"}),
        error_messages={"required": gettext_lazy("Write why; the second person reads it.")},
    )


class BecauseForm(forms.Form):
    """Why two joined records are two people's."""

    because = SayForm.base_fields["because"]


class DecideForm(OwnPasswordForm):
    """The second person's answer; no needs a reason."""

    answer = forms.ChoiceField(
        label=gettext_lazy("Your decision"),
        widget=forms.RadioSelect,
        choices=[("yes", gettext_lazy("I agree")), ("no", gettext_lazy("I do not agree"))],
        error_messages={"required": gettext_lazy("Choose whether you agree.")},
    )
    because = forms.CharField(
        label=gettext_lazy("Why not"),
        max_length=300,
        required=False,
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off"}),
    )
    field_order = ["answer", "because", "password"]

    def clean(self):
        data = super().clean()
        if data.get("answer") == "no" and not data.get("because", "").strip():
            self.add_error("because", _("Say why not: whoever proposed it reads it."))
        return data


@dataclass(frozen=True)
class Line:
    """One thing known of both; `differs` when both are known and not the same."""

    name: str
    one: str
    other: str
    differs: bool


@require_GET
@needs(DECIDE, PROPOSE)
def pairs(request):
    """What waits for a second person, the newest first; each page goes on after the last key."""
    rows = Merge.objects.visible_to(request.user)
    shown = "all" if request.GET.get("all") else ""
    rows = rows if shown else rows.waiting()
    if is_key(after := request.GET.get("after", "")):
        rows = rows.filter(pk__lt=after)
    found = list(rows.select_related("kept", "other", "proposed_by", "parting_by", "decided_by")[: PER_PAGE + 1])
    context = {"links": found[:PER_PAGE], "more": len(found) > PER_PAGE, "after": after, "shown": shown}
    return render(request, "desk/pairs.html", context)


@needs(PROPOSE, DECIDE)
@transaction.atomic
def pair(request, one, other):
    """Two people side by side; who may propose says whether they are one."""
    people = [_fetched(request, key) for key in (one, other)]
    if people[0] == people[1]:
        return redirect("desk:patient", people[0].pk)
    link = _between(*people)
    if link and link.state != Merge.State.REFUSED:
        return redirect("desk:merge", link.pk)
    form = SayForm(request.POST or None) if request.user.has_perm(PROPOSE) else None
    if form and form.is_valid() and (answer := _said(request, form, *people)):
        return answer
    return render(request, "desk/pair.html", _beside(request, *people) | {"form": form})


@require_GET
@needs(PROPOSE)
def compare(request, pk):
    """From the page of a person to the two side by side, by the number of the other one."""
    number = numbers.clean(request.GET.get("with", ""))
    other = Patient.objects.visible_to(request.user).filter(number=number).first()
    if other is None:
        said = _("Nobody of your sites has the number %(number)s. Compare it with the slip.") % {"number": number}
        messages.warning(request, said)
        return redirect("desk:patient", pk)
    return redirect("desk:pair", pk, other.pk)


def _fetched(request, key):
    rows = Patient.objects.visible_to(request.user).select_related("clinic", "canonical__clinic")
    person = get_object_or_404(rows, pk=key).survivor
    record_access(request, person, clinic=person.clinic)
    return person


def _between(one, other):
    pair = {one.pk, other.pk}
    return Merge.objects.filter(kept__in=pair, other__in=pair).exclude(state=Merge.State.PARTED).first()


def _said(request, form, one, other):
    """To the next page, or None with the refusal on the form."""
    data = form.cleaned_data
    try:
        if data["says"] == "one":
            link = services.propose_merge(one, other, because=data["because"], by=request.user)
            messages.success(request, _("Proposed. A second person, the site manager or the data officer, decides."))
            return redirect("desk:merge", link.pk)
        services.say_two_people(one, other, because=data["because"], by=request.user)
    except services.Refused as refusal:
        form.add_error("because", str(refusal))
        return None
    messages.success(request, _("Kept: two different people. They are not suggested again."))
    return redirect("desk:patient", one.pk)


@needs(PROPOSE, DECIDE)
@transaction.atomic
def merge(request, pk):
    """One proposal or standing link: who proposes may ask to part them, who decides decides."""
    rows = Merge.objects.visible_to(request.user).select_related("kept__clinic", "other__clinic")
    link = get_object_or_404(rows, pk=pk)
    for person in (link.kept, link.other):
        record_access(request, person, clinic=link.clinic)
    form = _form_for(request, link)
    if form and form.is_valid() and _done(request, form, link):
        return redirect("desk:merge", link.pk)
    return render(request, "desk/pair.html", _beside(request, link.kept, link.other) | {"form": form, "link": link})


def _form_for(request, link):
    """What this user may do with the link as it stands now, or None."""
    if link in Merge.objects.waiting():
        first = link.proposed_by_id if link.state == Merge.State.PROPOSED else link.parting_by_id
        may = request.user.has_perm(DECIDE) and request.user.pk != first
        return DecideForm(request.POST or None, request=request) if may else None
    may = link.state == Merge.State.STANDING and request.user.has_perm(PROPOSE)
    return BecauseForm(request.POST or None) if may else None


def _done(request, form, link):
    data = form.cleaned_data
    steps = {
        Merge.State.PROPOSED: (services.merge, services.refuse_merge),
        Merge.State.PARTING: (services.part, services.keep_merged),
    }
    try:
        if link.state == Merge.State.STANDING:
            services.propose_parting(link, because=data["because"], by=request.user)
        elif data["answer"] == "yes":
            steps[link.state][0](link, by=request.user)
        else:
            steps[link.state][1](link, because=data["because"], by=request.user)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    messages.success(request, _("Written down."))
    return True


def _beside(request, one, other):
    """What the page shows of two people, three questions whatever they have. Joined ones show each its own record."""
    two, together = [one, other], one.person == other.person
    records = [Patient.objects.filter(pk=each.pk) if together else Patient.objects.records_of(each) for each in two]
    papers = [list(IdentityDocument.objects.filter(patient__in=rows)) for rows in records]
    may_see = request.user.sites("screenings.view_case")
    screenings = [
        list(Screening.objects.filter(patient__in=r, clinic__in=may_see).select_related("case")) for r in records
    ]
    said = TwoPeople.objects.filter(Q(one=one, other=other) | Q(one=other, other=one)).select_related("by").first()
    return {
        "people": two,
        "lines": _lines(one, other),
        "papers": papers,
        "screenings": screenings,
        "conflicts": _conflicts(*screenings),
        "said": said,
        "together": together,
    }


def _lines(one, other):
    """The particulars of both, the differing ones marked; names are compared by sound and births by whether they can be
    the same day."""
    found = []
    for name in ("given_name", "family_name", "native_name", "father_name", "grandfather_name"):
        ours, theirs = getattr(one, name), getattr(other, name)
        alike = matching.likeness(ours, theirs) >= 0.95
        found.append(_line(name, ours, theirs, differs=bool(ours and theirs) and not alike))
    found.append(_line("sex", one.get_sex_display(), other.get_sex_display(), differs=one.sex != other.sex))
    apart = one.born_earliest > other.born_latest or other.born_earliest > one.born_latest
    found.append(Line(_("Born"), one, other, apart))
    for name in ("phone", "address", "number"):
        ours, theirs = getattr(one, name), getattr(other, name)
        found.append(_line(name, ours, theirs, differs=name != "number" and bool(ours and theirs) and ours != theirs))
    return found


def _line(name, one, other, *, differs):
    return Line(Patient._meta.get_field(name).verbose_name, one, other, differs)


def _conflicts(ours, theirs):
    """The open screenings of one programme that both have."""
    open_ones = {each.programme: each for each in ours if each.is_open}
    return [(open_ones[each.programme], each) for each in theirs if each.is_open and each.programme in open_ones]
