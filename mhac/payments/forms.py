from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.accounts.forms import OwnPassword
from mhac.clinics import numbers
from mhac.clinics.numbers import uuid7
from mhac.patients.forms import DayField
from mhac.payments.models import Void, Waiver

BANDS = 4


def words(**attributes):
    return forms.TextInput({"dir": "auto", "autocomplete": "off", **attributes})


class PayForm(forms.Form):
    """Whose fees are paid now, and by whom. The key is made with the empty form: one form, one receipt."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    people = forms.MultipleChoiceField(
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick at least one person, or go back without a change.")},
    )
    payer = forms.CharField(
        label=_("Paid by"),
        max_length=120,
        widget=words(),
        error_messages={"required": _("Write who pays: the name stands on the receipt.")},
    )

    def __init__(self, *args, case, balance, **kwargs):
        super().__init__(*args, initial={"payer": case.contact_name}, **kwargs)
        self.lines = balance.to_pay
        # A form that is sent once more names people who are paid by now: the receipt that it made is the answer.
        choices = [(str(line.screening.pk), line.screening.patient.name) for line in balance.lines]
        self.fields["people"].choices = choices
        self.fields["people"].initial = [str(line.screening.pk) for line in self.lines if line.state == "open"]
        self._screenings = {str(line.screening.pk): line.screening for line in balance.lines}

    @property
    def ticked(self):
        return set(self["people"].value() or [])

    def paid(self):
        """What `services.take` takes."""
        chosen = [self._screenings[key] for key in self.cleaned_data["people"]]
        return {"screenings": chosen, "payer": self.cleaned_data["payer"], "key": self.cleaned_data["key"]}


class WaiverForm(forms.Form):
    """Why somebody need not pay."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", "–"), *Waiver.Reason.choices])
    note = forms.CharField(
        label=_("In words"),
        max_length=200,
        required=False,
        widget=words(),
        help_text=_("Nothing about health: the auditor reads it."),
    )


class VoidForm(forms.Form):
    """Why a receipt should not count."""

    reason = forms.ChoiceField(label=_("Reason"), choices=[("", "–"), *Void.Reason.choices])
    note = forms.CharField(
        label=_("In words"),
        max_length=200,
        widget=words(),
        help_text=_("Nothing about health: the auditor reads it."),
        error_messages={"required": _("Write in words what happened: the receipt stays in the list with it.")},
    )


class DecideForm(forms.Form):
    """The second person's answer; a refusal needs words."""

    answer = forms.CharField(label=_("Answer"), max_length=200, required=False, widget=words())


class AmountField(forms.DecimalField):
    """An amount of money, in the digits of any of our languages; never a float."""

    widget = forms.TextInput({"inputmode": "decimal", "dir": "ltr", "autocomplete": "off", "size": 10})

    def to_python(self, value):
        if isinstance(value, str):
            value = numbers.clean(value.replace("٫", ".").replace("٬", "").replace(",", ""))
        return super().to_python(value)


class AgeField(forms.IntegerField):
    """Completed years, in the digits of any of our languages."""

    widget = forms.TextInput({"inputmode": "numeric", "dir": "ltr", "autocomplete": "off", "size": 4})

    def to_python(self, value):
        return super().to_python(numbers.clean(value) if isinstance(value, str) else value)


class TariffForm(OwnPassword, forms.Form):
    """What a programme costs from a day on, and the administrator's own password."""

    key = forms.UUIDField(widget=forms.HiddenInput, initial=uuid7)
    clinic = forms.ModelChoiceField(None, label=_("Where"), required=False, empty_label=_("all sites"))
    from_day = DayField(label=_("From"))
    currency = forms.RegexField(
        "^[A-Za-z]{3}$",
        label=_("Currency"),
        initial="USD",
        widget=forms.TextInput({"dir": "ltr", "autocomplete": "off", "size": 4, "maxlength": 3}),
        error_messages={"invalid": _("Write the currency with its three letters: USD, AFN.")},
    )
    source = forms.CharField(
        label=_("Source"),
        max_length=200,
        widget=words(),
        help_text=_("Where the price stands: the letter, the page and its date."),
    )
    read_on = DayField(label=_("Read on"))
    password = forms.CharField(
        label=_("Your own password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
        help_text=_("To confirm that it is you who sets this price."),
    )

    def __init__(self, *args, request, clinic, **kwargs):
        today = clinic.today()
        super().__init__(*args, initial={"read_on": today, "from_day": today}, **kwargs)
        self.request = request
        needed = "payments.add_tariff"
        where = self.fields["clinic"]
        where.queryset = request.user.sites(needed)
        if needed not in request.user.rights.get(None, ()):
            where.required, where.empty_label = True, None
        for nth in range(BANDS):
            self.fields[f"age_{nth}"] = AgeField(
                label=_("From age"), min_value=0, max_value=120, required=False, initial=0 if nth == 0 else None
            )
            self.fields[f"amount_{nth}"] = AmountField(
                label=_("Amount"), min_value=0, max_digits=9, decimal_places=2, required=False
            )

    @property
    def bands(self):
        return [(self[f"age_{nth}"], self[f"amount_{nth}"]) for nth in range(BANDS)]

    def clean_currency(self):
        return self.cleaned_data["currency"].upper()

    def clean(self):
        data = super().clean()
        for nth in range(BANDS):
            age, amount = (data.get(f"{name}_{nth}") for name in ("age", "amount"))
            if (age is None) != (amount is None) and not (self.errors.keys() & {f"age_{nth}", f"amount_{nth}"}):
                missing = "amount" if amount is None else "age"
                self.add_error(f"{missing}_{nth}", _("Give the age and the amount, or neither."))
        return data

    def tariff(self):
        """What `services.add_tariff` takes."""
        data = self.cleaned_data
        prices = [(data[f"age_{nth}"], data[f"amount_{nth}"]) for nth in range(BANDS)]
        named = ("key", "clinic", "from_day", "currency", "source", "read_on")
        return {name: data[name] for name in named} | {"prices": [pair for pair in prices if None not in pair]}


class DayForm(forms.Form):
    """Which day's cash is shown; what is no day shows today."""

    day = DayField(label=_("Day"), required=False)


class AfterForm(forms.Form):
    """The last row of the page before; what is no key shows the newest."""

    after = forms.UUIDField(required=False)

    @property
    def key(self):
        return self.cleaned_data["after"] if self.is_valid() else None
