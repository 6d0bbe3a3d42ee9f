"""What the front desk types: a family's case, one card per person, a search."""

from functools import cached_property

from django import forms
from django.utils import dateformat
from django.utils.translation import gettext_lazy as _

from mhac.clinics import numbers
from mhac.clinics.numbers import uuid7
from mhac.desk import intake
from mhac.patients import births, mrz
from mhac.patients import services as patients
from mhac.patients.forms import DayField
from mhac.patients.models import IdentityDocument, Patient
from mhac.screenings import services as screenings
from mhac.screenings.forms import LANGUAGES
from mhac.screenings.models import Case, Screening
from mhac.screenings.programmes import title


def auto(**attributes):
    """Names may stand in either script, so the browser finds their direction; it must not suggest other people's."""
    return {"dir": "auto", "autocomplete": "off", **attributes}


class CaseForm(forms.ModelForm):
    """A family's case. The key is made with the empty form, so that one form makes one case."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)

    class Meta:
        model = Case
        fields = ["clinic", "programme", "contact_name", "phone", "address"]
        widgets = {
            "programme": forms.RadioSelect,
            "contact_name": forms.TextInput(auto()),
            "phone": forms.TextInput({"inputmode": "tel", "autocomplete": "off", "dir": "ltr"}),
            "address": forms.TextInput(auto()),
        }
        help_texts = {
            "contact_name": _("Whom we telephone, as the family says the name."),
            "phone": _("A woman may not own the telephone: ask her alone whether it is safe to call."),
        }

    def __init__(self, *args, user, day, **kwargs):
        super().__init__(*args, **kwargs)
        sites = user.sites()
        self.choices = intake.choices(list(sites), day)
        self.fields["clinic"] = forms.ModelChoiceField(sites, label=_("Site"), empty_label=None)
        if len(sites) == 1:
            self.fields["clinic"].widget = forms.HiddenInput()
        if sites:
            self.fields["clinic"].initial = sites[0].pk
        self.fields["programme"] = forms.ChoiceField(
            label=_("Programme"),
            choices=[(choice.edition.programme, title(choice.edition)) for choice in self.choices],
            error_messages={"required": _("Choose the programme the family comes for.")},
        )

    def clean_phone(self):
        return numbers.clean(self.cleaned_data["phone"])


class PasteForm(forms.Form):
    """Machine readable zones, one after the other."""

    paste = forms.CharField(
        label=_("Paste or scan passports, one after another"),
        required=False,
        max_length=20_000,
        widget=forms.Textarea({"rows": 4, "class": "mrz", "spellcheck": "false", "autocomplete": "off", "dir": "ltr"}),
        help_text=_("The two lines at the foot of a passport, or the three on the back of an e-tazkira."),
    )


class MemberForm(forms.Form):
    """One card: a person, her document, and what the partner calls her. Nothing is required of somebody we know."""

    NEEDED = {
        "given_name": _("Write the name. A single name goes here."),
        "sex": _("Choose the sex as the document says it."),
        "born": _("Write the birth date or year."),
    }

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    zone = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)
    same_as = forms.UUIDField(required=False)
    given_name = forms.CharField(label=_("Given name"), max_length=60, required=False)
    family_name = forms.CharField(label=_("Family name"), max_length=60, required=False)
    native_name = forms.CharField(label=_("In Dari or Pashto"), max_length=120, required=False)
    father_name = forms.CharField(label=_("Father's name"), max_length=60, required=False)
    grandfather_name = forms.CharField(label=_("Grandfather's name"), max_length=60, required=False)
    sex = forms.ChoiceField(label=_("Sex"), choices=[("", "–"), *Patient.Sex.choices], required=False)
    born = forms.CharField(
        label=_("Born"),
        max_length=40,
        required=False,
        help_text=_("2002-03-21, 2002, 1381-01-01, 1381, or an age: 25 in 1398"),
    )
    birth_source = forms.ChoiceField(label=_("Birth date from"), choices=Patient.BirthSource.choices, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, required=False)
    nationality = forms.RegexField("^[A-Za-z]{1,3}$", label=_("Nationality"), required=False)
    kind = forms.ChoiceField(
        label=_("Document"), choices=[("", _("none")), *IdentityDocument.Kind.choices], required=False
    )
    number = forms.CharField(label=_("Document number"), max_length=40, required=False)
    issuer = forms.RegexField("^[A-Za-z]{1,3}$", label=_("Issued by"), required=False)
    expires_on = DayField(label=_("Expires"), required=False)
    override_reason = forms.CharField(label=_("Why typed by hand"), max_length=200, required=False)
    relation = forms.ChoiceField(label=_("Relation"), choices=Screening.Relation.choices, required=False)
    reference = forms.CharField(label=_("Partner's reference"), max_length=40, required=False)

    def __init__(self, *args, edition, user, today, **kwargs):
        super().__init__(*args, **kwargs)
        self.edition, self.user, self.today = edition, user, today
        # A card that was not ticked off is a person, even when every field still says what it said at first.
        self.empty_permitted = False
        self.use_required_attribute = False
        for name in ("given_name", "family_name", "native_name", "father_name", "grandfather_name", "override_reason"):
            self.fields[name].widget.attrs.update(auto())
        for name in ("born", "number", "issuer", "nationality", "reference"):
            self.fields[name].widget.attrs.update({"dir": "ltr", "autocomplete": "off", "spellcheck": "false"})
        if self.document is not None:
            self.fields["born"].help_text = ""
        asked = edition.reference
        if asked.name:
            self.fields["reference"].label = asked.name
        if asked.needed:
            self.fields["reference"].required = True
            self.fields["reference"].error_messages["required"] = self._missing_reference()
        if not self.is_bound and "same_as" not in self.initial and self._owner in self.candidates:
            # Whose passport this is, is the same person until somebody says otherwise.
            self.initial["same_as"] = self._owner.pk

    @cached_property
    def _read(self):
        """The value of the zone and the sentence that says why there is none."""
        if not (zone := self["zone"].value()):
            return None, ""
        try:
            return mrz.read(zone, today=self.today), ""
        except mrz.Unreadable as refusal:
            return None, str(refusal)

    @property
    def document(self):
        """The value of the zone, or None when there is none or it cannot be trusted (then `unreadable` says why)."""
        return self._read[0]

    @property
    def unreadable(self):
        return self._read[1]

    @property
    def doubts(self):
        """What a person should compare, in sentences: warnings, never blocks."""
        read = self.document
        if read is None:
            return []
        if read.expires and read.expires < self.today:
            ended = dateformat.format(read.expires, "d M Y")
            return [
                _("This document expired on %(day)s. Ask the family for a newer one.") % {"day": ended},
                *read.doubts,
            ]
        return read.doubts

    @property
    def has_rare_errors(self):
        """Whether something is wrong with a field that is folded away."""
        rare = ("grandfather_name", "language", "nationality", "issuer", "birth_source")
        return self.is_bound and any(name in self.errors for name in rare)

    @cached_property
    def candidates(self):
        """People we know who may be this one: the owner of the document first, then names and births that fit."""
        known = Patient.objects.visible_to(self.user).prefetch_related("screenings", "documents")
        found = list(known.filter(pk=self._owner.pk)) if self._owner else []
        try:
            birth = births.read(self["born"].value() or "", today=self.today)
        except births.Unreadable:
            return found
        name = " ".join(self[part].value() or "" for part in ("given_name", "family_name"))
        others = known.exclude(pk__in=[each.pk for each in found])
        return [*found, *others.resembling(name, birth.earliest, birth.latest)]

    def _missing_reference(self):
        try:
            return screenings.doubt_about("", self.edition)
        except screenings.Refused as refusal:
            return str(refusal)

    @cached_property
    def _owner(self):
        """To whom the document of this card belongs, at any site."""
        kind, number, issuer = (self[name].value() for name in ("kind", "number", "issuer"))
        if not (kind and number):
            return None
        return patients.owner_of(kind=kind, number=number, issuer=(issuer or "AFG").upper())

    @property
    def reference_doubt(self):
        """A sentence about an unusual reference, for a person to compare; a missing one is said beside its field."""
        try:
            return screenings.doubt_about(screenings.clean_reference(self["reference"].value() or ""), self.edition)
        except screenings.Refused:
            return ""

    def clean_given_name(self):
        return " ".join(self.cleaned_data["given_name"].split())

    def clean_family_name(self):
        return " ".join(self.cleaned_data["family_name"].split())

    def clean_nationality(self):
        return self.cleaned_data["nationality"].upper() or "AFG"

    def clean_issuer(self):
        return self.cleaned_data["issuer"].upper() or "AFG"

    def clean_same_as(self):
        if not (key := self.cleaned_data["same_as"]):
            return None
        known = Patient.objects.visible_to(self.user).filter(pk=key).first()
        if known is None:
            raise forms.ValidationError(_("This person cannot be chosen. Choose another one, or a new person."))
        return known

    def clean_born(self):
        if not (text := self.cleaned_data["born"]):
            return None
        try:
            return births.read(text, today=self.today)
        except births.Unreadable as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def clean_reference(self):
        reference = screenings.clean_reference(self.cleaned_data["reference"])
        try:
            screenings.doubt_about(reference, self.edition)
        except screenings.Refused as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        return reference

    def clean(self):
        data = super().clean()
        if not data.get("same_as"):
            for name, sentence in self.NEEDED.items():
                if not data.get(name) and name not in self.errors:
                    self.add_error(name, sentence)
        self._clean_document(data)
        return data

    def _clean_document(self, data):
        kind, number = data.get("kind"), numbers.clean(data.get("number") or "")
        if bool(kind) != bool(number):
            missing = "number" if kind else "kind"
            self.add_error(missing, _("Give the kind and the number of the document, or neither."))
        elif kind:
            self._clean_owner(data, kind, number)
            self._clean_typed(data, kind, number)

    def _clean_owner(self, data, kind, number):
        owner = patients.owner_of(kind=kind, number=number, issuer=data.get("issuer") or "AFG")
        if owner is None or owner == data.get("same_as"):
            return
        try:
            patients.refuse_double(by=self.user, kind=kind, number=number, issuer=data.get("issuer") or "AFG")
        except patients.Refused as refusal:
            self.add_error("number", str(refusal))

    def _clean_typed(self, data, kind, number):
        """What is typed instead of read, or otherwise than it was read, needs a reason."""
        if self.agrees_with_zone(data, kind, number) or data.get("override_reason"):
            return
        if self.document is not None:
            self.add_error("override_reason", _("This differs from the machine readable zone. Say why."))
        elif kind == IdentityDocument.Kind.PASSPORT:
            self.add_error(
                "override_reason", _("Say why the passport was typed and not read: damaged, handwritten ...")
            )

    def agrees_with_zone(self, data, kind, number):
        """Whether number, birth, sex and expiry are those of a zone whose check digits are right."""
        read, birth = self.document, data.get("born")
        if read is None or (kind, number) != (read.kind, read.number) or data.get("expires_on") != read.expires:
            return False
        if data.get("same_as"):
            return True
        born = birth and (birth.earliest, birth.latest)
        return data.get("sex") == read.sex and born == (read.born_earliest, read.born_latest)

    def member(self, case):
        """What `screenings.services.register_family` takes of this card."""
        data = self.cleaned_data
        return {
            "key": data["key"],
            "patient": data["same_as"],
            "person": None if data["same_as"] else self._person(case),
            "documents": [self._document()] if data["kind"] else [],
            "relation": data["relation"] or Screening.Relation.OTHER,
            "reference": data["reference"],
        }

    def _person(self, case):
        data, birth = self.cleaned_data, self.cleaned_data["born"]
        copied = ("given_name", "family_name", "native_name", "father_name", "grandfather_name", "sex", "nationality")
        return {name: data[name] for name in copied} | {
            "born_earliest": birth.earliest,
            "born_latest": birth.latest,
            "birth_precision": birth.precision,
            "birth_source": data["birth_source"] or Patient.BirthSource.STATED,
            "language": data["language"] or "fa-af",
            "phone": case.phone,
            "address": case.address,
        }

    def _document(self):
        data = self.cleaned_data
        read = self.document
        return {
            "kind": data["kind"],
            "number": data["number"],
            "issuer": data["issuer"],
            "expires_on": data["expires_on"],
            "mrz": read.zone if read is not None and read.number == numbers.clean(data["number"]) else "",
            "override_reason": data["override_reason"],
        }


class Cards(forms.BaseFormSet):
    """The cards of a page; one that is ticked to be left out is nobody."""

    default_error_messages = {
        "missing_management_form": _("The page came back incomplete. Go back to the case and read the passports anew."),
        "too_many_forms": _("At most twenty people at once. Register these first, then add the others."),
        "too_few_forms": _("There is nobody to register. Read a passport, or add a person without one."),
    }

    def add_fields(self, form, index):
        super().add_fields(form, index)
        form.fields["DELETE"].widget.attrs["class"] = "form-check-input"


FamilyFormSet = forms.formset_factory(
    MemberForm,
    formset=Cards,
    extra=0,
    can_delete=True,
    min_num=1,
    max_num=20,
    absolute_max=21,
    validate_min=True,
    validate_max=True,
)


def card_of(piece, *, today, relation):
    """What a card shows of one zone; of a zone that cannot be trusted only the zone, so that its fault is shown."""
    empty = {"zone": piece, "relation": relation, "language": "fa-af", "birth_source": Patient.BirthSource.PASSPORT}
    try:
        read = mrz.read(piece, today=today)
    except mrz.Unreadable:
        return empty | {"kind": IdentityDocument.Kind.PASSPORT if piece.startswith("P") else ""}
    return empty | {
        "given_name": read.given_name.title(),
        "family_name": read.family_name.title(),
        "sex": read.sex,
        "born": births.written(read.born_earliest, read.born_latest, read.birth_precision),
        "birth_source": "passport" if read.kind == "passport" else "tazkira",
        "nationality": read.nationality,
        "kind": read.kind,
        "number": read.number,
        "issuer": read.issuer,
        "expires_on": read.expires,
    }
