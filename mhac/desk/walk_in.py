"""Somebody stands at the door without a booking: case, person, a seat now and the arrival, in one form."""

from django import forms
from django.contrib import messages
from django.db import transaction
from django.shortcuts import redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.accounts.permissions import needs
from mhac.appointments import services as appointments
from mhac.appointments.models import Slot
from mhac.clinics.numbers import uuid7
from mhac.desk.forms import CaseForm
from mhac.patients import births, provisional, resemblance
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.screenings import services as screenings
from mhac.screenings.models import Screening

KNOWN, NEW, UNKNOWN = "known", "new", "unknown"


class WalkInForm(CaseForm):
    """One person at the door: somebody registered, a new person, or somebody of whom nothing is known."""

    member = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    who = forms.ChoiceField(
        label=gettext_lazy("Who is it?"),
        widget=forms.RadioSelect,
        choices=[
            (NEW, gettext_lazy("Somebody new, who says her name")),
            (UNKNOWN, gettext_lazy("Nobody knows: no name and no paper")),
        ],
        initial=NEW,
        required=False,
    )
    same_as = forms.UUIDField(required=False)
    given_name = forms.CharField(label=gettext_lazy("Given name"), max_length=60, required=False)
    family_name = forms.CharField(label=gettext_lazy("Family name"), max_length=60, required=False)
    father_name = forms.CharField(label=gettext_lazy("Father's name"), max_length=60, required=False)
    sex = forms.ChoiceField(label=gettext_lazy("Sex"), choices=[("", "–"), *Patient.Sex.choices], required=False)
    born = forms.CharField(
        label=gettext_lazy("Born"),
        max_length=40,
        required=False,
        help_text=gettext_lazy("2002-03-21, 2002, 1381-01-01, 1381, or an age: 25 in 1398"),
    )
    age = forms.IntegerField(
        label=gettext_lazy("About how old, in years"), min_value=0, max_value=provisional.OLDEST, required=False
    )
    unknown_because = forms.CharField(
        label=gettext_lazy("Why name and papers are not known"), max_length=200, required=False
    )
    reference = forms.CharField(label=gettext_lazy("Partner's reference"), max_length=40, required=False)

    def __init__(self, *args, user, day, **kwargs):
        super().__init__(*args, user=user, day=day, **kwargs)
        self.user, self.day = user, day
        self.fields["contact_name"].required = False
        for name in ("given_name", "family_name", "father_name", "unknown_because"):
            self.fields[name].widget.attrs.update({"dir": "auto", "autocomplete": "off"})
        for name in ("born", "reference"):
            self.fields[name].widget.attrs.update({"dir": "ltr", "autocomplete": "off"})

    @property
    def known(self):
        """The registered person who was chosen, by the record that stands for her; or None."""
        key = str(self["same_as"].value() or "")
        rows = Patient.objects.visible_to(self.user).select_related("canonical", "clinic")
        found = rows.filter(pk=key).first() if _is_key(key) else None
        return found and found.survivor

    @property
    def candidates(self):
        """At most three registered people who may be the one that was typed, with reasons."""
        names = ("given_name", "family_name", "father_name", "sex", "phone")
        try:
            birth = births.read(self["born"].value() or "", today=self.day)
        except births.Unreadable:
            return []
        said = {name: self[name].value() or "" for name in names}
        sought = resemblance.Sought(**said, born_earliest=birth.earliest, born_latest=birth.latest)
        return resemblance.find(sought, among=Patient.objects.visible_to(self.user))

    def clean(self):
        data = super().clean()
        if data.get("same_as"):
            if self.known is None:
                self.add_error("same_as", _("This person cannot be chosen. Choose another one, or a new person."))
        elif data.get("who") == UNKNOWN:
            self._clean_unknown(data)
        else:
            self._clean_new(data)
        return data

    def _clean_unknown(self, data):
        reason, age, sex = data.get("unknown_because", ""), data.get("age"), data.get("sex")
        try:
            self.person = provisional.described(sex=sex, age=age, because=reason, today=self.day)
        except patients.Refused as refusal:
            field = "sex" if not sex else "age" if age is None else "unknown_because"
            if field not in self.errors:
                self.add_error(field, str(refusal))

    def _clean_new(self, data):
        if not data.get("given_name", "").strip():
            self.add_error("given_name", _("Write the name. A single name goes here."))
        if not data.get("sex"):
            self.add_error("sex", _("Choose the sex as the document says it."))
        try:
            birth = births.read(data.get("born", ""), today=self.day)
        except births.Unreadable as refusal:
            self.add_error("born", str(refusal))
            return
        copied = ("given_name", "family_name", "father_name", "sex", "phone", "address")
        self.person = {name: data.get(name, "") for name in copied} | {
            "born_earliest": birth.earliest,
            "born_latest": birth.latest,
            "birth_precision": birth.precision,
            "birth_source": "stated",
        }


def _is_key(text):
    try:
        return bool(forms.UUIDField().clean(text))
    except forms.ValidationError:
        return False


@needs("screenings.add_case")
def walk_in(request):
    """Who came without a booking: looked for first, written down second, and on the list of today at once."""
    asked = request.GET.get("q", "").strip()[:120]
    day = timezone.localdate()
    initial = {"same_as": request.GET.get("known", "")}
    form = WalkInForm(request.POST or None, initial=initial, user=request.user, day=day)
    context = {"form": form, "asked": asked}
    if asked:
        context["people"] = Patient.objects.visible_to(request.user).found_by(asked).order_by("-pk")[:8]
    if form.is_valid():
        context["alike"] = _unseen(request, form)
        if not context["alike"] and (case := _taken(request, form)):
            return redirect("desk:arrival", case.pk)
    return render(request, "desk/walk_in.html", context)


def _unseen(request, form):
    """Who may be the same person, when the clerk was not asked yet: shown once, never in the way twice."""
    is_new = not form.cleaned_data.get("same_as") and form.cleaned_data.get("who") != UNKNOWN
    return form.candidates if is_new and "seen" not in request.POST else []


def _taken(request, form):
    """The case, with everybody's rows or none; None with what was refused on the form."""
    try:
        with transaction.atomic():
            case = _open(form, request.user)
    except screenings.RefusedPerson as refusal:
        form.add_error("reference" if refusal.field == "reference" else None, str(refusal))
    except (screenings.Refused, patients.Refused, appointments.Refused) as refusal:
        form.add_error(None, str(refusal))
    else:
        messages.success(request, _("On the list of today, and arrived."))
        return case
    return None


def _open(form, by):
    data, known = form.cleaned_data, form.known
    name = known.name if known else form.person["given_name"]
    opening = {part: data[part] for part in ("clinic", "programme", "phone", "address", "key")}
    case = screenings.open_case(by=by, contact_name=data["contact_name"] or name, **opening)
    member = {"key": data["member"], "patient": known, "person": None if known else form.person}
    member |= {"documents": [], "relation": Screening.Relation.HEAD, "reference": data["reference"]}
    opened = screenings.register_family(case, [member], by=by)
    for booking in appointments.book(case, _slot_now(case.clinic, by), screenings=opened, by=by):
        appointments.arrive(booking, by=by)
    return case


def _slot_now(clinic, by):
    """The time that is running now, or the next one, that has a seat; the last one of the day when all are over."""
    appointments.open_day(clinic, clinic.today(), by=by)
    slots = Slot.objects.on(clinic, clinic.today()).with_room().select_related("clinic").order_by("starts_at")
    free = [slot for slot in slots if slot.taken < slot.capacity]
    if not free:
        raise appointments.Refused(
            _("Every seat of today is taken. Ask the site manager to open another time, or book a later day.")
        )
    now = timezone.now()
    begun = [slot for slot in free if slot.starts_at <= now]
    return begun[-1] if begun else free[0]
