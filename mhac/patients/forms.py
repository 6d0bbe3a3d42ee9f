from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.patients import births, comparing, mrz, papers
from mhac.patients.fields import BirthForm, ClockField, DayField, NameField, YearField, birth_fields
from mhac.patients.models import IdentityCheck, IdentityDocument, Patient

__all__ = [
    "WHY_DIFFERENT",
    "WHY_TYPED",
    "CheckForm",
    "ClockField",
    "CorrectionForm",
    "DayField",
    "DocumentForm",
    "PhotoForm",
]

WHY_TYPED = _("Say why the passport was typed and not read: damaged, handwritten ...")
WHY_DIFFERENT = _("This differs from the machine readable zone: %(fields)s. Say why.")


class PhotoForm(forms.Form):
    """A picture of the face; the camera of a telephone or tablet opens by itself."""

    image = forms.FileField(
        label=_("Photo"),
        widget=forms.FileInput({"accept": "image/jpeg,image/png,image/webp", "capture": "user"}),
        error_messages={"required": _("Choose a photo first.")},
    )


class CheckForm(forms.Form):
    """Whether the person is who the photo and the document show."""

    station = forms.ChoiceField(choices=IdentityCheck.Station.choices)
    mismatch = forms.BooleanField(required=False)
    note = forms.CharField(max_length=200, required=False)


class DocumentForm(forms.ModelForm):
    """One more paper of a person: typed, or read from the lines at its foot and filled into the fields."""

    zone = forms.CharField(
        label=_("Machine readable zone"),
        required=False,
        max_length=400,
        widget=forms.Textarea(
            {"rows": 3, "class": "mrz", "spellcheck": "false", "autocomplete": "off", "dir": "ltr", "data-zone": ""}
        ),
        help_text=_("Paste or scan the two or three lowest lines of a passport, card or visa, then press Read."),
    )
    issuer = forms.RegexField(
        "^[A-Za-z]{1,3}$",
        label=_("Issued by"),
        required=False,
        widget=forms.TextInput({"dir": "ltr", "size": 3}),
        error_messages={"invalid": _("Write the letters of the country, as in passports: AFG, PAK, IRN.")},
    )
    issued_on = DayField(label=_("Issued"), required=False)
    expires_on = DayField(label=_("Expires"), required=False)
    issued_year = YearField(label=_("Year of issue (Solar Hijri)"), required=False)

    class Meta:
        model = IdentityDocument
        fields = [
            "kind", "number", "volume", "page", "issuer", "place", "issued_year", "issued_on", "expires_on", "entries",
            "override_reason", "shared_because",
        ]  # fmt: skip
        widgets = {
            **{name: forms.TextInput({"dir": "ltr", "autocomplete": "off"}) for name in ("number", "volume", "page")},
            **{name: forms.TextInput({"dir": "auto"}) for name in ("place", "override_reason", "shared_because")},
        }
        error_messages = {"number": {"required": _("Write the number of the document.")}}

    def __init__(self, *args, person, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.person, self.today = person, person.clinic.today()
        self.fields["kind"].choices = [("", "–"), *papers.choices()]
        self.use_required_attribute = False
        if not user.has_perm("patients.share_document"):
            del self.fields["shared_because"]

    @classmethod
    def filled(cls, data, **shared):
        """What was typed, with what the zone says written over it."""
        initial = {name: data.get(name, "") for name in cls.base_fields}
        form = cls(initial=initial, **shared)
        if (read := form.document) is not None:
            form.initial |= {
                "kind": read.kind,
                "number": read.number,
                "issuer": read.issuer,
                "expires_on": read.expires,
            }
        return form

    @property
    def _read(self):
        return mrz.first(self["zone"].value() or "", today=self.today)

    @property
    def document(self):
        """The value of the zone, or None; then `unreadable` says why, when there is one."""
        return self._read[0]

    @property
    def unreadable(self):
        return self._read[1]

    @property
    def doubts(self):
        """What a person should compare before she saves."""
        if (read := self.document) is None:
            return []
        differing = comparing.differences_of_person(read, **comparing.of_patient(self.person))
        return [*read.doubts, *([comparing.SAID % {"fields": ", ".join(differing)}] if differing else [])]

    @property
    def is_paper_open(self):
        """Whether the fields that few papers need are wanted."""
        names = ("volume", "page", "place", "issued_year", "entries")
        return self["kind"].value() == "tazkira" or any(
            self[n].value() or (self.is_bound and self[n].errors) for n in names
        )

    def _get_validation_exclusions(self):
        # Without the number, no constraint is asked: whose a document is, `services.add_document` says in a sentence.
        return super()._get_validation_exclusions() | {"number"}

    def clean_issuer(self):
        return self.cleaned_data["issuer"].upper() or "AFG"

    def clean(self):
        data = super().clean()
        issued, expires = data.get("issued_on"), data.get("expires_on")
        if issued and issued > self.today:
            self.add_error("issued_on", _("This day is still to come. Compare it with the document."))
        elif issued and expires and expires < issued:
            self.add_error("expires_on", _("The document ends before it was issued. Compare both days."))
        if data.get("kind") and data.get("number") and not data.get("override_reason"):
            self._ask_why(data)
        return data

    def _ask_why(self, data):
        if self.unreadable:
            self.add_error("override_reason", _("The zone cannot be used. Scan it again, or say why you type."))
        elif (read := self.document) is None:
            if data["kind"] == IdentityDocument.Kind.PASSPORT:
                self.add_error("override_reason", WHY_TYPED)
        elif differing := [
            *comparing.differences(read, number=self._number(data), **{n: data.get(n) for n in ("kind", "expires_on")}),
            *comparing.differences_of_person(read, **comparing.of_patient(self.person)),
        ]:
            self.add_error("override_reason", WHY_DIFFERENT % {"fields": ", ".join(differing)})

    @staticmethod
    def _number(data):
        return papers.PAPERS[data["kind"]].number_of(data["number"])

    def details(self):
        """What `services.add_document` takes."""
        data = dict(self.cleaned_data)
        data.pop("zone")
        read = self.document
        # Of a zone only what was trusted is kept.
        data["mrz"] = read.zone if read is not None and read.number == self._number(data) else ""
        return data


class CorrectionForm(BirthForm, forms.ModelForm):
    """What is written about a person, corrected; why stands in her history."""

    given_name = NameField(label=_("Given name"), max_length=60)
    family_name = NameField(label=_("Family name"), max_length=60, required=False)
    native_name = NameField(label=_("In Dari or Pashto"), max_length=120, required=False)
    father_name = NameField(label=_("Father's name"), max_length=60, required=False)
    grandfather_name = NameField(label=_("Grandfather's name"), max_length=60, required=False)
    because = forms.CharField(
        label=_("Why"),
        max_length=100,
        widget=forms.TextInput({"dir": "auto"}),
        error_messages={"required": _("Say why the data change: it stands in the history of the person.")},
    )

    class Meta:
        model = Patient
        fields = [
            "given_name", "family_name", "native_name", "father_name", "grandfather_name", "sex", "birth_source",
            "nationality", "language", "phone", "address",
        ]  # fmt: skip
        widgets = {
            "address": forms.TextInput({"dir": "auto", "autocomplete": "off"}),
            **{name: forms.TextInput({"dir": "ltr", "autocomplete": "off"}) for name in ("nationality", "phone")},
        }

    def __init__(self, *args, today, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = today
        person = self.instance
        self.known = births.Birth(person.born_earliest, person.born_latest, person.birth_precision)
        self.written = birth_fields(person.born_earliest, person.born_latest, person.birth_precision)
        self.initial |= self.written

    def read_birth(self):
        # An interval that no words of ours name stays what it is until somebody writes another one.
        if all(str(self[name].value() or "") == written for name, written in self.written.items()):
            return self.known
        return super().read_birth()

    def clean(self):
        data = super().clean()
        if data.get("born") is None and "born" not in self.errors:
            self.add_error("born", _("Write the birth date or year."))
        return data

    def changes(self):
        """The changed columns of Patient."""
        data = {name: self.cleaned_data[name] for name in self.Meta.fields}
        birth = self.cleaned_data["born"]
        data |= {"born_earliest": birth.earliest, "born_latest": birth.latest, "birth_precision": birth.precision}
        return {"because": self.cleaned_data["because"], **data}
