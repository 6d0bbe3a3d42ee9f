"""What is typed about a critical value: an attempt to tell it, and that somebody has taken note."""

from django import forms
from django.utils.text import capfirst
from django.utils.translation import gettext_lazy as _

from mhac.labs.models import CriticalAcknowledgement, CriticalCall

READ_BACK = {"name": "read_back_name", "number": "read_back_number", "value": "read_back_value"}


class CallForm(forms.Form):
    """One attempt. What was read back is compared with the record by the service."""

    reached = forms.ChoiceField(
        label=_("Was somebody reached?"),
        choices=[("yes", _("Yes, and it was read back")), ("no", _("No, not reached"))],
        widget=forms.RadioSelect,
    )
    how = forms.ChoiceField(label=capfirst(_("how")), choices=CriticalCall.How.choices, widget=forms.RadioSelect)
    told = forms.CharField(label=capfirst(_("who was told (name and post)")), max_length=120, required=False)
    name = forms.CharField(label=capfirst(_("name read back")), max_length=120, required=False)
    number = forms.CharField(label=capfirst(_("number read back")), max_length=30, required=False)
    value = forms.CharField(label=capfirst(_("value read back")), max_length=60, required=False)
    note = forms.CharField(label=capfirst(_("note")), max_length=200, required=False)

    def __init__(self, *args, in_person, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field.widget, forms.TextInput):
                field.widget.attrs |= {"autocomplete": "off", "spellcheck": "false", "dir": "auto"}
        # The telephone stays there to be refused in words: who reads the sentence learns the rule.
        self.fields["how"].initial = CriticalCall.How.IN_PERSON if in_person else CriticalCall.How.TELEPHONE

    def clean_reached(self):
        return self.cleaned_data["reached"] == "yes"


class AcknowledgeForm(forms.Form):
    follows = forms.CharField(
        label=_("What follows"),
        max_length=CriticalAcknowledgement._meta.get_field("follows").max_length,
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
