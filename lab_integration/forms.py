from django import forms
from django.utils.translation import gettext_lazy as _

from lab_integration.models import Analyzer
from mhac.clinics.numbers import clean


class DismissForm(forms.Form):
    """Why a message needs nothing more."""

    because = forms.CharField(
        label=_("Why nothing more is to be done"),
        min_length=5,
        max_length=200,
        error_messages={
            "required": _("Write why; whoever asks later reads it here."),
            "min_length": _("Write a few words more; whoever asks later reads them here."),
        },
    )


class ChooseForm(forms.Form):
    """Why this value counts instead of the one that stands."""

    because = forms.CharField(
        label=_("Why this value counts"),
        min_length=5,
        max_length=200,
        error_messages={"required": _("Write why this value counts and not the one that stands.")},
    )


class MatchForm(forms.Form):
    """Whose tube it was: the number on its label and the birth date of the person, and how this was found out."""

    accession = forms.CharField(label=_("Number on the tube's label"), max_length=20)
    birth_date = forms.DateField(label=_("Birth date of the person"))
    because = forms.CharField(label=_("How this was found out"), min_length=5, max_length=200)

    def clean_accession(self):
        return clean(self.cleaned_data["accession"])


class AnalyzerForm(forms.ModelForm):
    """An analyzer: where it speaks from, where it takes orders, how it writes."""

    class Meta:
        model = Analyzer
        fields = [
            "clinic",
            "name",
            "dialect",
            "addresses",
            "link",
            "outbound_host",
            "outbound_port",
            "takes_orders",
            "must_use_tls",
            "certificate_name",
            "silent_after",
            "active",
            "profile",
        ]
        widgets = {"profile": forms.Textarea(attrs={"rows": 24, "dir": "ltr", "spellcheck": "false", "class": "code"})}
        help_texts = {
            "addresses": _("One or several, separated by commas: 10.0.4.17, 10.0.4.0/24"),
            "profile": _("Code map and reading rules as JSON; docs/wire.md names every key."),
        }

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["clinic"].queryset = user.sites()
        self.fields["link"].required = False  # without a word, the analyzer connects to us
