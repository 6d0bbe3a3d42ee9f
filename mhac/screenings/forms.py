import datetime
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.clinics.numbers import uuid7
from mhac.patients.forms import ClockField, DayField
from mhac.protocols.vocabulary import TRAVEL_NEEDS
from mhac.screenings import services, texts
from mhac.screenings.models import Consent, Kinship, ProgrammeState, TravelPlan
from mhac.screenings.services import CHILD_UNTIL

NEEDS = {
    "wheelchair": _("wheelchair"),
    "extra_seat": _("extra seat"),
    "medicines_in_hand": _("medicines in the hand luggage"),
    "oxygen": _("oxygen"),
    "escort_operational": _("operational escort"),
    "escort_nurse": _("nurse as escort"),
    "escort_doctor": _("doctor as escort"),
    "stretcher": _("stretcher"),
}
LANGUAGES = [("fa-af", _("Dari")), ("ps", _("Pashto")), ("en", _("English")), ("uz", _("Uzbek")), ("ar", _("Arabic"))]


# What is asked of everybody; the other purposes are asked for where they come up.
ALWAYS_ASKED = (Consent.Purpose.EXAMINATION, Consent.Purpose.SHARING)


class FamilyConsentForm(forms.Form):
    """What holds for everybody who consents now. `version` is the text that stood on the page."""

    version = forms.CharField(widget=forms.HiddenInput, required=False, max_length=20)
    everybody = forms.BooleanField(
        label=_("Everybody agreed to the examination and to sending the result; the guardian for the children"),
        required=False,
        widget=forms.CheckboxInput({"autofocus": True}),
    )
    language = forms.ChoiceField(label=_("The text was read in"), choices=LANGUAGES)
    method = forms.ChoiceField(label=_("Given with"), choices=Consent.Method.choices)
    witness = forms.CharField(
        label=_("Witness of a thumbprint, or interpreter"),
        max_length=120,
        required=False,
        widget=forms.TextInput({"dir": "auto"}),
    )

    def clean(self):
        data = super().clean()
        written = data.get("witness", "").strip()
        if data.get("method") == Consent.Method.THUMBPRINT and not written:
            self.add_error("witness", _("A thumbprint needs a witness. Write the name of who was present."))
        elif data.get("language") and data["language"] not in texts.LANGUAGES and not written:
            self.add_error("witness", _("There is no text in this language. Write who interpreted it, as the witness."))
        return data

    def manner(self):
        """How it was given, as `services.give_consent` takes it."""
        manner = {name: self.cleaned_data[name] for name in ("language", "method", "witness")}
        return manner | {"version": self.cleaned_data["version"] or None}


class PersonConsentForm(forms.Form):
    """To what one person, or the guardian of a child, agrees: nothing is ticked for them beforehand."""

    purposes = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)
    given_by = forms.CharField(max_length=120, required=False, widget=forms.TextInput({"dir": "auto"}))
    relation = forms.ChoiceField(label=_("Is to the child"), choices=[("", "–"), *Kinship.choices], required=False)
    document = forms.CharField(
        label=_("Document of the guardian"),
        max_length=80,
        required=False,
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off"}),
    )

    def __init__(self, *args, screening, standing, guardian, likely, typed=None, **kwargs):
        """`guardian` is the row of this child or None, `likely` who it may be; `typed` is what stood on the page."""
        super().__init__(*args, prefix=str(screening.pk), **kwargs)
        self.screening, self.standing, self.guardian, self.likely = screening, standing, guardian, likely
        self.age = screening.person.age_on(screening.clinic.today())
        self.is_child = self.age < CHILD_UNTIL
        given = {consent.purpose for consent in standing}
        open_ = [(purpose.value, purpose.label) for purpose in Consent.Purpose if purpose.value not in given]
        self.fields["purposes"].choices = open_
        self.fields["given_by"].label = _("Guardian") if self.is_child else _("Given by")
        self.fields["given_by"].initial = screening.patient.name
        if not self.is_child:
            del self.fields["relation"], self.fields["document"]
        elif known := guardian or likely:
            self.initial = {"given_by": known.name, "relation": known.relation, "document": known.document}
        else:
            self.fields["given_by"].initial = screening.case.contact_name
        if typed is not None:
            self.initial = {name: typed.get(self.add_prefix(name), "") for name in self.fields}
            self.initial["purposes"] = typed.getlist(self.add_prefix("purposes"))

    def clean(self):
        data = super().clean()
        if self.data.get("everybody"):
            asked = {*data.get("purposes", []), *ALWAYS_ASKED}
            data["purposes"] = [value for value, _label in self.fields["purposes"].choices if value in asked]
        if data.get("purposes") and not data.get("given_by", "").strip():
            self.add_error("given_by", _("Write the guardian's name.") if self.is_child else _("Write who consents."))
        if data.get("purposes") and self.is_child and not data.get("relation"):
            self.add_error("relation", _("Choose what the guardian is to the child."))
        return data

    def giver(self):
        """Who gives it, as `services.give_consent` takes it."""
        data = self.cleaned_data
        given = {"given_by": data["given_by"]}
        if self.is_child:
            given |= {"guardian_relation": data["relation"], "guardian_document": data["document"]}
        return given

    def guardian_to_write(self):
        """What `services.set_guardian` takes of who consented for a child that has no guardian yet; None otherwise."""
        data = self.cleaned_data
        if not self.is_child or self.guardian or not data["purposes"]:
            return None
        name = data["given_by"].strip()
        adult = self.likely.adult if self.likely and self.likely.name == name else None
        return {"adult": adult, "name": name, "relation": data["relation"], "document": data["document"]}


class ConsentWithdrawForm(forms.Form):
    """Nobody has to say why she takes a consent back."""

    because = forms.CharField(
        label=_("Why, if the person says it"), max_length=100, required=False, widget=forms.TextInput({"dir": "auto"})
    )


class GuardianForm(forms.Form):
    """Who answers for one child of a case."""

    ALONE, NAMED = "alone", "named"

    who = forms.ChoiceField(label=_("Guardian"), required=False)
    name = forms.CharField(
        label=_("Name of another guardian"),
        max_length=120,
        required=False,
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off"}),
    )
    relation = forms.ChoiceField(label=_("Is to the child"), choices=[("", "–"), *Kinship.choices], required=False)
    document = forms.CharField(
        label=_("Document of the guardian"),
        max_length=80,
        required=False,
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off"}),
    )

    def __init__(self, *args, screening, guardian, likely, adults, **kwargs):
        super().__init__(*args, prefix=str(screening.pk), **kwargs)
        self.screening, self.guardian = screening, guardian
        self.age = screening.person.age_on(screening.clinic.today())
        self._adults = {str(adult.pk): adult for adult in adults}
        grown_up = [(key, adult.patient.name) for key, adult in self._adults.items()]
        others = [(self.NAMED, _("somebody else")), (self.ALONE, _("no adult has come with the child"))]
        self.fields["who"].choices = [("", "–"), *grown_up, *others]
        if guardian:
            who = str(guardian.adult_id) if guardian.adult_id else self.ALONE if guardian.alone else self.NAMED
            self.initial = {"who": who, "relation": guardian.relation, "document": guardian.document}
            self.initial["name"] = "" if guardian.adult_id else guardian.name
        elif likely:
            who = str(likely.adult.pk)
            self.initial = {"who": who, "relation": likely.relation, "document": likely.document}

    def clean(self):
        data = super().clean()
        who = data.get("who")
        if who == self.NAMED and not data.get("name", "").strip():
            self.add_error("name", _("Write the guardian's name."))
        if who and who != self.ALONE and not data.get("relation"):
            self.add_error("relation", _("Choose what the guardian is to the child."))
        return data

    @property
    def said(self):
        """Whether anything was chosen that differs from what is written down."""
        return bool(self.cleaned_data["who"]) and (self.guardian is None or self.has_changed())

    def guardian_given(self):
        """What `services.set_guardian` takes."""
        data = self.cleaned_data
        who = data["who"]
        return {
            "adult": self._adults.get(who),
            "alone": who == self.ALONE,
            "name": data["name"] if who == self.NAMED else "",
            "relation": data["relation"],
            "document": data["document"],
        }


class PapersForm(forms.Form):
    """Which papers of one person somebody saw."""

    papers = forms.MultipleChoiceField(required=False, widget=forms.CheckboxSelectMultiple)

    def __init__(self, *args, screening, asked, seen, **kwargs):
        super().__init__(*args, prefix=str(screening.pk), **kwargs)
        self.screening, self.seen = screening, seen
        self.fields["papers"].choices = [(each.paper, each.name) for each in asked]
        self.fields["papers"].initial = list(seen)


class WithdrawForm(forms.Form):
    """Why something is taken back."""

    because = forms.CharField(
        label=_("Why"),
        max_length=100,
        widget=forms.TextInput({"dir": "auto"}),
        error_messages={"required": _("Write why, so that the partner can be answered.")},
    )


class TravelForm(forms.ModelForm):
    """When and how somebody travels; the fit-to-travel decision is made for that day."""

    needs = forms.MultipleChoiceField(
        label=_("Needs on the way"),
        choices=[(code, NEEDS[code]) for code in TRAVEL_NEEDS],
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    departure_on = DayField(label=_("Departure"))
    departs_at = ClockField(label=_("Time of departure"))
    arrival_on = DayField(label=_("Arrival"), required=False)

    class Meta:
        model = TravelPlan
        fields = ["departure_on", "departs_at", "arrival_on", "mode", "from_country", "needs"]
        widgets = {
            "from_country": forms.TextInput({"dir": "ltr", "class": "code"}),
        }
        help_texts = {"from_country": _("Three letters, as in passports: AFG, DEU, IRN, PAK.")}

    def __init__(self, *args, clinic, **kwargs):
        super().__init__(*args, **kwargs)
        self.zone = ZoneInfo(clinic.timezone)
        if leaves := self.instance.departure:
            local = leaves.astimezone(self.zone)
            self.initial |= {"departure_on": local.date(), "departs_at": local.time()}

    def plan(self):
        """What `services.plan_travel` takes."""
        data = dict(self.cleaned_data)
        day, clock = data.pop("departure_on"), data.pop("departs_at")
        return data | {"departure": datetime.datetime.combine(day, clock, self.zone)}

    def clean_from_country(self):
        code = self.cleaned_data["from_country"].upper()
        if len(code) != 3 or not code.isalpha():
            raise forms.ValidationError(_("Write the three letters of the country, as in passports: AFG, DEU, IRN."))
        return code


class StateForm(forms.Form):
    """Who is taken by a programme, where, from when. The key is made with the empty form: one form, one decision."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    clinic = forms.ModelChoiceField(None, label=_("Where"), required=False, empty_label=_("all sites"))
    state = forms.ChoiceField(label=_("State"), choices=[("", "–"), *ProgrammeState.State.choices])
    daily_cap = forms.IntegerField(
        label=_("People a day"), required=False, min_value=1, max_value=1000, help_text=_("Only when limited.")
    )
    from_day = DayField(label=_("From"))
    until = DayField(label=_("Until"), required=False, help_text=_("The last day. Empty: no end set."))
    reason = forms.CharField(
        label=_("Reason"),
        max_length=200,
        widget=forms.TextInput({"dir": "auto", "autocomplete": "off"}),
        help_text=_("Read at the desk, and by the partner: no names, no dangers."),
    )
    risk_note = forms.CharField(
        label=_("Risk note"),
        max_length=2000,
        required=False,
        widget=forms.Textarea({"rows": 3, "dir": "auto"}),
        help_text=_("What the analysis of protection risks said. No partner reads it."),
    )

    def __init__(self, *args, user, programme, clinic, **kwargs):
        super().__init__(*args, initial={"clinic": clinic, "from_day": clinic.today()}, **kwargs)
        self.user, self.programme, self.row = user, programme, None
        needed = "screenings.add_programmestate"
        where = self.fields["clinic"]
        where.queryset = user.sites(needed)
        if needed not in user.rights.get(None, ()):
            where.required, where.empty_label = True, None

    def decision(self):
        """What `services.decide_state` takes."""
        return self.cleaned_data | {"by": self.user}

    def clean(self):
        data = super().clean()
        if not self.errors:
            try:
                self.row = services.proposed(self.programme, **self.decision())
            except services.Refused as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return data
