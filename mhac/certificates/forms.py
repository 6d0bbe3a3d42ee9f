from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.certificates.seal import LONGEST


class VerifyForm(forms.Form):
    """What is printed on a paper: the number or the text of its code, and one fact more for the details."""

    # Spaces are signs of a Base45 text; numbers are cleaned where they are looked up.
    typed = forms.CharField(
        label=_("Number, or the text of the code"),
        max_length=LONGEST,
        strip=False,
        widget=forms.TextInput(
            attrs={"autocomplete": "off", "spellcheck": "false", "class": "code", "autofocus": True}
        ),
    )
    fact = forms.CharField(
        label=_("One printed fact (optional)"),
        max_length=20,
        required=False,
        help_text=_(
            "The birth date as 2002-03-21, or the last three signs of the document number. With it you also see "
            "what the document says."
        ),
        widget=forms.TextInput(attrs={"autocomplete": "off", "spellcheck": "false", "class": "code"}),
    )


class RevokeForm(forms.Form):
    because = forms.CharField(label=_("Why is it revoked?"), max_length=500, widget=forms.Textarea(attrs={"rows": 3}))
