import re

from django import forms
from django.utils.translation import gettext_lazy as _

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


class ProposeForm(forms.Form):
    """Whose tube it was: the number on its label, what the proposer knows of the person, how this was found out."""

    accession = forms.CharField(label=_("Number on the tube's label"), max_length=40)
    birth_date = forms.DateField(label=_("Birth date of the person"), required=False)
    initials = forms.CharField(label=_("Initials in Latin letters (given name, family name)"), required=False)
    because = forms.CharField(label=_("How this was found out"), min_length=5, max_length=200)

    def clean_accession(self):
        number = clean(self.cleaned_data["accession"])
        if len(number) > 20:
            raise forms.ValidationError(_("That is no number of a tube. Scan the label."))
        return number

    def clean_initials(self):
        initials = clean(self.cleaned_data["initials"]).replace(".", "")
        if initials and not re.fullmatch("[A-Z]{2}", initials):
            raise forms.ValidationError(_("Write two Latin letters: ZA for Zahra Ahmadi."))
        return initials

    def clean(self):
        given = super().clean()
        if not given.get("birth_date") and not given.get("initials") and not self.errors:
            raise forms.ValidationError(_("Give the birth date of the person, or the initials."))
        return given
