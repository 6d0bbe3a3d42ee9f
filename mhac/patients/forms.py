import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.clinics import numbers
from mhac.patients import births
from mhac.patients.models import IdentityCheck, IdentityDocument, Patient


class DayField(forms.Field):
    """A day, written so that nobody can mistake day and month: year first or with the month's name, in either calendar.

    A browser's own date field would show 03/04/2026 in the order of its country.
    """

    widget = forms.TextInput({"dir": "ltr", "autocomplete": "off", "placeholder": "2026-03-21", "size": 12})

    def prepare_value(self, value):
        return value.isoformat() if isinstance(value, datetime.date) else value

    def to_python(self, value):
        if value in self.empty_values:
            return None
        try:
            return births.read_day(value)
        except births.Unreadable as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class ClockField(forms.TimeField):
    """A time of day, 06:30, in the digits of any of our languages."""

    widget = forms.TimeInput({"dir": "ltr", "autocomplete": "off", "placeholder": "06:30", "size": 6}, format="%H:%M")

    def to_python(self, value):
        return super().to_python(numbers.clean(value) if isinstance(value, str) else value)


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
    """One more paper of a person."""

    expires_on = DayField(label=_("Expires"), required=False)

    class Meta:
        model = IdentityDocument
        fields = ["kind", "number", "issuer", "expires_on", "override_reason"]
        widgets = {
            "number": forms.TextInput({"dir": "ltr", "autocomplete": "off", "class": "code"}),
            "issuer": forms.TextInput({"dir": "ltr"}),
            "override_reason": forms.TextInput({"dir": "auto"}),
        }
        # Whose a document is, `services.add_document` says in a sentence.
        error_messages = {"number": {"required": _("Write the number of the document.")}}

    def validate_constraints(self):
        pass

    def clean(self):
        data = super().clean()
        if data.get("kind") == IdentityDocument.Kind.PASSPORT and not data.get("override_reason"):
            self.add_error(
                "override_reason", _("Say why the passport was typed and not read: damaged, handwritten ...")
            )
        return data


class CorrectionForm(forms.ModelForm):
    """What is written about a person, corrected; why stands in her history."""

    born = forms.CharField(
        label=_("Born"),
        max_length=40,
        widget=forms.TextInput({"dir": "ltr", "autocomplete": "off"}),
        help_text=_("2002-03-21, 2002, 1381-01-01, 1381, or an age: 25 in 1398"),
    )
    because = forms.CharField(
        label=_("Why"),
        max_length=100,
        widget=forms.TextInput({"dir": "auto"}),
        error_messages={"required": _("Say why the data change: it stands in the history of the person.")},
    )

    class Meta:
        model = Patient
        fields = [
            "given_name", "family_name", "native_name", "father_name", "grandfather_name", "sex", "born",
            "birth_source", "nationality", "language", "phone", "address",
        ]  # fmt: skip
        widgets = {
            name: forms.TextInput({"dir": "auto", "autocomplete": "off"})
            for name in ("given_name", "family_name", "native_name", "father_name", "grandfather_name", "address")
        }

    def __init__(self, *args, today, **kwargs):
        super().__init__(*args, **kwargs)
        self.today = today
        person = self.instance
        self.initial["born"] = births.written(person.born_earliest, person.born_latest, person.birth_precision)

    def clean_born(self):
        text = self.cleaned_data["born"]
        if text == self.initial["born"]:
            return births.Birth(self.instance.born_earliest, self.instance.born_latest, self.instance.birth_precision)
        try:
            return births.read(text, today=self.today)
        except births.Unreadable as refusal:
            raise forms.ValidationError(str(refusal)) from refusal

    def changes(self):
        """The changed columns of Patient."""
        data = dict(self.cleaned_data)
        birth, because = data.pop("born"), data.pop("because")
        data |= {"born_earliest": birth.earliest, "born_latest": birth.latest, "birth_precision": birth.precision}
        return {"because": because, **data}
