from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.clinics.numbers import clean, is_checked
from mhac.labs import typed, words
from mhac.labs.models import Specimen, Test


class ScanForm(forms.Form):
    """One number, scanned or typed, of a tube this person may see."""

    number = forms.CharField(
        label=_("Accession number"),
        max_length=40,
        widget=forms.TextInput(
            attrs={"autofocus": True, "autocomplete": "off", "spellcheck": "false", "class": "code"}
        ),
    )

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.user = user

    def clean_number(self):
        number = self.cleaned_data["number"]
        specimen = Specimen.objects.visible_to(self.user).numbered(number).first()
        if specimen is not None:
            return specimen
        if is_checked(clean(number)):
            raise forms.ValidationError(
                _("No tube has the number %(number)s at your site. Ask where it was collected."),
                params={"number": clean(number)},
            )
        raise forms.ValidationError(
            _("“%(number)s” is no accession number: its check character does not fit. Scan the label again."),
            params={"number": clean(number)},
        )


class RejectForm(forms.Form):
    because = forms.ChoiceField(label=_("Why it cannot be used"))

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["because"].choices = [("", _("Choose a reason")), *Specimen.Reject.choices]


class ReasonForm(forms.Form):
    because = forms.CharField(label=_("Reason"), max_length=200)


class ResultField(forms.CharField):
    """The result of one test, as it is typed: chosen from its words, or written."""

    def __init__(self, test, **kwargs):
        self.test = test
        attrs = {"autocomplete": "off", "class": "result"}
        if test.kind == Test.Kind.CODED:
            widget = forms.Select(choices=[("", "–"), *_choices(test)], attrs=attrs)
        elif test.kind == Test.Kind.TEXT:
            widget = forms.TextInput(attrs=attrs | {"dir": "auto"})
        else:
            hint = "1:16" if test.kind == Test.Kind.TITRE else ""
            widget = forms.TextInput(attrs=attrs | {"dir": "ltr", "inputmode": "decimal", "placeholder": hint})
        super().__init__(label=test.name, max_length=200, required=False, widget=widget, **kwargs)

    def clean(self, value):
        text = super().clean(value)
        if text:
            try:
                typed.read(text, self.test)
            except typed.Unreadable as refusal:
                raise forms.ValidationError(str(refusal)) from refusal
        return text


def _choices(test):
    for word in test.allowed:
        yield word, words.label(word)
        if word == "scanty":
            yield from ((f"scanty {count}", f"{words.label(word)} {count}") for count in range(1, 10))


class ResultsForm(forms.Form):
    """One row for each order of a specimen that waits for a result; an empty row is left for later."""

    def __init__(self, *args, orders, **kwargs):
        super().__init__(*args, **kwargs)
        self.orders = {str(order.pk): order for order in orders}
        for key, order in self.orders.items():
            self.fields[key] = ResultField(order.test)

    def typed(self):
        """(order, text) of every row that was filled."""
        return [(self.orders[key], text) for key, text in self.cleaned_data.items() if text]

    def clean(self):
        if not self.errors and not any(self.cleaned_data.values()):
            raise forms.ValidationError(_("Nothing was typed. Type at least one result."))
        return super().clean()


class CorrectionForm(ReasonForm):
    def __init__(self, *args, test, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["text"] = ResultField(test)
        self.fields["text"].required = True
        self.order_fields(["text", "because"])


class AddTestForm(forms.Form):
    """One more test on a tube that was taken, and why."""

    test = forms.ModelChoiceField(label=_("Test"), queryset=Test.objects.none())
    because = forms.CharField(label=_("Why it is asked for"), min_length=5, max_length=100)

    def __init__(self, *args, tube, **kwargs):
        super().__init__(*args, **kwargs)
        rows = Test.objects.filter(active=True, tube=tube.tube)
        self.fields["test"].queryset = rows.exclude(orders__specimen=tube).order_by("position", "key")
