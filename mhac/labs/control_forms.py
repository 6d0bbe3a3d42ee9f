"""What is typed of controls: a lot, a target, a measurement, and why an assay is locked or opened."""

import datetime
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.accounts.forms import OwnPassword
from mhac.labs import typed
from mhac.labs.models import ControlLot, ControlTarget, Test
from mhac.patients.forms import ClockField, DayField

LATIN = {"dir": "ltr", "autocomplete": "off", "spellcheck": "false"}


class LotForm(forms.ModelForm):
    """A lot of control material at one of her sites."""

    expires_on = DayField(label=gettext_lazy("Expires"))
    opened_on = DayField(label=gettext_lazy("Opened"), required=False)

    class Meta:
        model = ControlLot
        fields = ["clinic", "material", "level", "lot", "expires_on", "opened_on"]
        widgets = {"lot": forms.TextInput(attrs=LATIN), "level": forms.TextInput(attrs=LATIN)}
        help_texts = {
            "lot": gettext_lazy("Exactly as the analyzer sends it, if it sends it."),
            "level": gettext_lazy("For example 1, 2, 3, or low, normal, high."),
        }

    def __init__(self, *args, sites, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["clinic"].queryset = sites
        if len(sites) == 1:
            self.fields["clinic"].initial = sites[0]


class TargetForm(forms.ModelForm):
    """Mean and standard deviation of one test in a lot."""

    class Meta:
        model = ControlTarget
        fields = ["test", "instrument", "mean", "sd", "source", "measurements"]
        numeric = {"dir": "ltr", "inputmode": "decimal"}
        widgets = {
            "instrument": forms.TextInput(attrs={"list": "instruments", "autocomplete": "off"}),
            "mean": forms.TextInput(attrs=numeric),
            "sd": forms.TextInput(attrs=numeric),
        }
        help_texts = {
            "instrument": gettext_lazy("Its name as it stands beside its results; empty for a test made by hand."),
            "measurements": gettext_lazy("Only for own measurements; 20 or more are best."),
        }

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        rows = Test.objects.filter(active=True, kind=Test.Kind.NUMERIC)
        self.fields["test"].queryset = rows.order_by("position", "key")

    def _post_clean(self):
        """The row is made by the service, which replaces the one in use: it must not be checked against that one."""


class RunForm(forms.Form):
    """The value of a control, as it was read, and when if not now."""

    value = forms.CharField(
        label=gettext_lazy("Value"), max_length=30, widget=forms.TextInput(attrs={"dir": "ltr", "inputmode": "decimal"})
    )
    day = DayField(label=gettext_lazy("Day (empty: today)"), required=False)
    clock = ClockField(label=gettext_lazy("Time (empty: now)"), required=False)

    def __init__(self, *args, test, clinic, **kwargs):
        super().__init__(*args, **kwargs)
        self.test, self.clinic = test, clinic

    def clean_value(self):
        try:
            read = typed.read(self.cleaned_data["value"], self.test)
        except typed.Unreadable as refusal:
            raise forms.ValidationError(str(refusal)) from refusal
        if read.operator:
            raise forms.ValidationError(_("A control has a number, without < or >. Type what was measured."))
        return read.number

    def clean(self):
        """`at`: when it was measured, by the clock of the site; None for now."""
        day, clock = self.cleaned_data.get("day"), self.cleaned_data.get("clock")
        if day and not clock:
            self.add_error("clock", _("Say at what time it was measured on that day."))
        zone = ZoneInfo(self.clinic.timezone)
        at = datetime.datetime.combine(day or self.clinic.today(), clock, zone) if clock else None
        return self.cleaned_data | {"at": at}


class LockForm(forms.Form):
    because = forms.CharField(
        label=gettext_lazy("Reason"), max_length=200, widget=forms.TextInput(attrs={"dir": "auto"})
    )


class OpenForm(OwnPassword, forms.Form):
    """What was found and done, and the password of who answers for it."""

    because = forms.CharField(
        label=gettext_lazy("What was found and what was done"),
        max_length=200,
        widget=forms.TextInput(attrs={"dir": "auto"}),
    )
    password = forms.CharField(
        label=gettext_lazy("Your own password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args, request, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request
