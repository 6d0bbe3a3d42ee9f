"""The cards of a family: one person each, her document, and what the partner calls her."""

from functools import cached_property

from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.clinics.numbers import uuid7
from mhac.patients import births, comparing, mrz, papers, resemblance
from mhac.patients import services as patients
from mhac.patients.fields import BirthForm, DayField, NameField, YearField, birth_fields
from mhac.patients.forms import WHY_DIFFERENT, WHY_TYPED
from mhac.patients.models import IdentityDocument, Patient
from mhac.screenings import services as screenings
from mhac.screenings.forms import LANGUAGES
from mhac.screenings.models import Screening


class MemberForm(BirthForm):
    """One card: a person, her document, and what the partner calls her. Nothing is required of somebody we know."""

    NEEDED = {
        "given_name": _("Write the name. A single name goes here."),
        "sex": _("Choose the sex as the document says it."),
        "born": _("Write the birth date or year."),
    }

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    zone = forms.CharField(widget=forms.HiddenInput, required=False, max_length=200)
    same_as = forms.UUIDField(required=False)
    given_name = NameField(label=_("Given name"), max_length=60, required=False)
    family_name = NameField(label=_("Family name"), max_length=60, required=False)
    native_name = NameField(label=_("In Dari or Pashto"), max_length=120, required=False)
    father_name = NameField(label=_("Father's name"), max_length=60, required=False)
    grandfather_name = NameField(label=_("Grandfather's name"), max_length=60, required=False)
    sex = forms.ChoiceField(label=_("Sex"), choices=[("", "–"), *Patient.Sex.choices], required=False)
    birth_source = forms.ChoiceField(label=_("Birth date from"), choices=Patient.BirthSource.choices, required=False)
    language = forms.ChoiceField(label=_("Language"), choices=LANGUAGES, required=False)
    nationality = forms.RegexField("^[A-Za-z]{1,3}$", label=_("Nationality"), required=False)
    kind = forms.ChoiceField(label=_("Document"), choices=[("", _("none")), *papers.choices()], required=False)
    number = forms.CharField(label=_("Document number"), max_length=40, required=False)
    volume = forms.CharField(label=_("Volume (jild)"), max_length=20, required=False)
    page = forms.CharField(label=_("Page (safha)"), max_length=20, required=False)
    issuer = forms.RegexField("^[A-Za-z]{1,3}$", label=_("Issued by"), required=False)
    place = forms.CharField(label=_("Place of issue"), max_length=100, required=False)
    issued_year = YearField(label=_("Year of issue (Solar Hijri)"), required=False)
    issued_on = DayField(label=_("Issued"), required=False)
    expires_on = DayField(label=_("Expires"), required=False)
    entries = forms.ChoiceField(
        label=_("Entries"), choices=[("", "–"), *IdentityDocument.Entries.choices], required=False
    )
    override_reason = forms.CharField(label=_("Why typed by hand"), max_length=200, required=False)
    relation = forms.ChoiceField(label=_("Relation"), choices=Screening.Relation.choices, required=False)
    reference = forms.CharField(label=_("Partner's reference"), max_length=40, required=False)

    def __init__(self, *args, edition, user, today, **kwargs):
        super().__init__(*args, **kwargs)
        self.edition, self.user, self.today = edition, user, today
        # A card that was not ticked off is a person, even when every field still says what it said at first.
        self.empty_permitted = False
        self.use_required_attribute = False
        for name in ("override_reason", "place"):
            self.fields[name].widget.attrs.update({"dir": "auto", "autocomplete": "off"})
        for name in ("number", "volume", "page", "issuer", "nationality", "reference"):
            self.fields[name].widget.attrs.update({"dir": "ltr", "autocomplete": "off", "spellcheck": "false"})
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
        found = [*self._document_doubts, *(self.document.doubts if self.document else [])]
        return list(dict.fromkeys([*found, *filter(None, [self.birth_doubt, self._known_otherwise])]))

    @property
    def _document_doubts(self):
        kind, number = self["kind"].value(), self["number"].value() or ""
        if kind not in papers.PAPERS or not number:
            return []
        written = {name: self[name].value() or "" for name in ("volume", "page")}
        try:
            expires = self.fields["expires_on"].clean(self["expires_on"].value())
        except forms.ValidationError:
            expires = None
        paper = IdentityDocument(kind=kind, expires_on=expires, issuer=self._issuer, **written)
        paper.number = paper.paper.number_of(number)
        return paper.doubts_on(self.today)

    @property
    def _known_otherwise(self):
        """A sentence when the person who was chosen is written down otherwise than the zone says."""
        chosen = str(self["same_as"].value() or "")
        known = next((each for each in self.candidates if str(each.pk) == chosen), None) if chosen else None
        if known is None or self.document is None:
            return ""
        differing = comparing.differences_of_person(self.document, **comparing.of_patient(known))
        return comparing.SAID % {"fields": ", ".join(differing)} if differing else ""

    @property
    def has_rare_errors(self):
        """Whether something is wrong with a field that is folded away."""
        rare = ("grandfather_name", "language", "nationality", "birth_source")
        return self.is_bound and any(name in self.errors for name in rare)

    @property
    def is_paper_open(self):
        """Whether the further fields of the document are wanted: a paper tazkira has its number in three parts."""
        names = ("volume", "page", "place", "issued_year", "issued_on", "entries")
        wrong = self.is_bound and any(name in self.errors for name in (*names, "issuer"))
        return wrong or self["kind"].value() == "tazkira" or any(self[name].value() for name in names)

    @cached_property
    def candidates(self):
        """At most three people we know who may be this one, each with the `reasons`: by a paper first, then by name and
        birth."""
        known = Patient.objects.visible_to(self.user).prefetch_related("screenings", "documents")
        found = resemblance.find(self._sought, among=known)
        for each in found:
            each.patient.reasons = each.reasons
        return [each.patient for each in found]

    @property
    def _sought(self):
        names = ("given_name", "family_name", "native_name", "father_name", "grandfather_name", "sex")
        said = {name: self[name].value() or "" for name in names}
        paper = {name: self[name].value() or "" for name in ("kind", "number", "volume", "page")}
        documents = (paper | {"issuer": self._issuer},) if paper["kind"] in papers.PAPERS else ()
        try:
            birth = self.read_birth()
        except births.Unreadable:
            birth = None
        if birth is not None:
            said |= {"born_earliest": birth.earliest, "born_latest": birth.latest}
        return resemblance.Sought(documents=documents, **said)

    def _missing_reference(self):
        try:
            return screenings.doubt_about("", self.edition)
        except screenings.Refused as refusal:
            return str(refusal)

    @cached_property
    def _owner(self):
        """To whom the document of this card belongs, at any site."""
        kind, *same = (self[name].value() or "" for name in ("kind", "number", "volume", "page"))
        if kind not in papers.PAPERS or not same[0]:
            return None
        number, volume, page = same
        return patients.owner_of(kind=kind, number=number, issuer=self._issuer, volume=volume, page=page)

    @property
    def _issuer(self):
        return (self["issuer"].value() or "AFG").upper()

    @property
    def reference_doubt(self):
        """A sentence about an unusual reference, for a person to compare; a missing one is said beside its field."""
        try:
            return screenings.doubt_about(screenings.clean_reference(self["reference"].value() or ""), self.edition)
        except screenings.Refused:
            return ""

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
        kind, number = data.get("kind"), papers.key_of(data.get("number") or "")
        if bool(kind) != bool(number):
            missing = "number" if kind else "kind"
            self.add_error(missing, _("Give the kind and the number of the document, or neither."))
        elif kind:
            number = papers.PAPERS[kind].number_of(number)
            self._clean_days(data)
            self._clean_owner(data, kind, number)
            self._clean_typed(data, kind, number)

    def _clean_days(self, data):
        issued, expires = data.get("issued_on"), data.get("expires_on")
        if issued and issued > self.today:
            self.add_error("issued_on", _("This day is still to come. Compare it with the document."))
        elif issued and expires and expires < issued:
            self.add_error("expires_on", _("The document ends before it was issued. Compare both days."))

    def _clean_owner(self, data, kind, number):
        same = {"kind": kind, "number": number, "issuer": data.get("issuer") or "AFG"}
        same |= {name: data.get(name, "") for name in ("volume", "page")}
        owner = patients.owner_of(**same)
        if owner is None or owner == data.get("same_as"):
            return
        try:
            patients.refuse_double(by=self.user, **same)
        except patients.Refused as refusal:
            self.add_error("number", str(refusal))

    def _clean_typed(self, data, kind, number):
        """What is typed instead of read, or otherwise than it was read, needs a reason."""
        if data.get("override_reason"):
            return
        if self.document is None:
            if self.unreadable or kind == IdentityDocument.Kind.PASSPORT:
                self.add_error("override_reason", WHY_TYPED)
        elif differing := self.differences(data, kind, number):
            self.add_error("override_reason", WHY_DIFFERENT % {"fields": ", ".join(differing)})

    def differences(self, data, kind, number):
        """What was typed otherwise than a zone whose check digits are right, in words. Of somebody we know already,
        nothing about the person was typed."""
        read, birth = self.document, data.get("born")
        found = comparing.differences(read, kind=kind, number=number, expires_on=data.get("expires_on"))
        if data.get("same_as"):
            return found
        earliest, latest = (birth.earliest, birth.latest) if birth else (None, None)
        person = {name: data.get(name) or "" for name in ("given_name", "family_name", "sex")}
        return [*found, *comparing.differences_of_person(read, earliest=earliest, latest=latest, **person)]

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
        copied = ("kind", "number", "volume", "page", "issuer", "place", "issued_year", "issued_on", "expires_on")
        data = {name: self.cleaned_data[name] for name in (*copied, "entries", "override_reason")}
        read, number = self.document, papers.PAPERS[data["kind"]].number_of(data["number"])
        return data | {"mrz": read.zone if read is not None and read.number == number else ""}


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
        if index == 0:
            # What no document says is typed first.
            form.fields["relation" if form["zone"].value() else "given_name"].widget.attrs["autofocus"] = True


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


# A visa repeats what the partner was told.
BIRTH_FROM = {"passport": Patient.BirthSource.PASSPORT, "e_tazkira": Patient.BirthSource.TAZKIRA}


def card_of(piece, *, today, relation):
    """What a card shows of one zone; of a zone that cannot be trusted only the zone, so that its fault is shown."""
    empty = {"zone": piece, "relation": relation, "language": "fa-af", "birth_source": Patient.BirthSource.PASSPORT}
    try:
        read = mrz.read(piece, today=today)
    except mrz.Unreadable:
        return empty | {"kind": {"P": "passport", "V": "visa"}.get(piece[:1], "")}
    return empty | {
        "given_name": read.given_name.title(),
        "family_name": read.family_name.title(),
        "sex": read.sex,
        **birth_fields(read.born_earliest, read.born_latest, read.birth_precision),
        "birth_source": BIRTH_FROM.get(read.kind, Patient.BirthSource.CASE_FILE),
        "nationality": read.nationality,
        "kind": read.kind,
        "number": read.number,
        "issuer": read.issuer,
        "expires_on": read.expires,
    }
