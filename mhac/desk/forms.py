"""What the front desk types: a family's case, and the zones of passports. The cards of people stand in `cards`."""

from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.clinics import numbers
from mhac.clinics.numbers import uuid7
from mhac.desk import intake
from mhac.screenings.models import Case
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
        # Where the keys begin: the first programme that takes people.
        self.first = next((choice for choice in self.choices if choice.is_open), None)
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

    def __init__(self, *args, first=False, **kwargs):
        super().__init__(*args, **kwargs)
        if first:
            # The scanner stands beside the keyboard: what it reads next belongs here.
            self.fields["paste"].widget.attrs["autofocus"] = True
