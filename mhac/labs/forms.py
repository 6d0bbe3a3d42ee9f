from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.accounts.forms import OwnPassword, OwnPasswordForm
from mhac.clinics.models import Clinic
from mhac.clinics.numbers import clean, is_checked
from mhac.labs import services, typed, words
from mhac.labs.catalogue import RANGE
from mhac.labs.models import ReferenceLaboratory, Specimen, Test


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


class BoxForm(forms.Form):
    """A new box: where it goes, and from which of the user's sites."""

    clinic = forms.ModelChoiceField(label=_("From"), queryset=Clinic.objects.none(), empty_label=None)
    to = forms.ModelChoiceField(label=_("Sent to"), queryset=ReferenceLaboratory.objects.filter(active=True))

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        sites = user.sites("labs.change_specimen")
        self.fields["clinic"].queryset = Clinic.objects.filter(pk__in=[each.pk for each in sites]).order_by("name")


class LaboratoryForm(forms.ModelForm):
    """One more laboratory to which boxes can be sent; of our own sites it is the site."""

    class Meta:
        model = ReferenceLaboratory
        fields = ["name", "address", "clinic", "transit_hours"]
        labels = {"clinic": _("Our own site, if it is one")}


def _celsius(label):
    attrs = {"inputmode": "decimal", "dir": "ltr"}
    return forms.DecimalField(
        label=label,
        required=False,
        min_value=-90,
        max_value=60,
        max_digits=4,
        decimal_places=1,
        localize=False,
        widget=forms.TextInput(attrs=attrs),
    )


class SendForm(forms.Form):
    """What is written down when a box is closed."""

    seal = forms.CharField(label=_("Seal number"), max_length=30)
    courier = forms.CharField(label=_("Courier"), max_length=80)
    celsius = _celsius(_("Temperature now (°C)"))


class CountForm(forms.Form):
    """What is written down when a box was counted out at the other end."""

    name = forms.CharField(label=_("Who counted there"), max_length=80, required=False)
    celsius = _celsius(_("Temperature on arrival (°C)"))


class DecideLimitsForm(OwnPasswordForm):
    """Confirming or refusing other limits: what is said to who asked, and the password again."""

    answer = forms.CharField(label=_("Answer (needed for a refusal)"), required=False, max_length=200)
    field_order = ["answer", "password"]


EMPTY_RANGES = 2


class LimitsForm(OwnPassword, forms.Form):
    """Every limit of one test: critical and possible values, usual and critical words, ranges by sex and age."""

    because = forms.CharField(label=_("Reason"), min_length=5, max_length=200)
    password = forms.CharField(
        label=_("Your own password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args, test, request, **kwargs):
        self.test, self.request, stand = test, request, services.limits_of(test)
        super().__init__(*args, **kwargs)
        before = list(self.fields)
        if test.kind == Test.Kind.CODED:
            self._words(stand)
        else:
            self._numbers(stand)
        self.order_fields([*(name for name in self.fields if name not in before), *before])

    def _words(self, stand):
        choices = [(word, words.label(word)) for word in self.test.allowed]
        for name, label in (("normal", _("Usual values")), ("critical_values", _("Critical values"))):
            self.fields[name] = forms.MultipleChoiceField(
                label=label,
                choices=choices,
                required=False,
                initial=stand[name],
                widget=forms.CheckboxSelectMultiple,
            )
        self.rows = 0

    def _numbers(self, stand):
        for name, label in (
            ("critical_low", _("Critical at or below")),
            ("critical_high", _("Critical at or above")),
            ("possible_low", _("Lowest possible")),
            ("possible_high", _("Highest possible")),
        ):
            self.fields[name] = _limit(label, stand[name])
        blank = {"sex": "", "from_days": None, "to_days": None, "low": None, "high": None, "pregnant": False}
        rows = [*stand["ranges"], *([blank] * EMPTY_RANGES)]
        self.rows = len(rows)
        for place, row in enumerate(rows):
            self.fields[f"sex_{place}"] = forms.ChoiceField(
                label=_("Sex"),
                choices=[("", _("everybody")), ("male", _("men")), ("female", _("women"))],
                required=False,
                initial=row["sex"],
            )
            for name, label in (("from_days", _("From (days)")), ("to_days", _("To (days)"))):
                self.fields[f"{name}_{place}"] = forms.IntegerField(
                    label=label, required=False, min_value=0, max_value=54787, initial=row[name]
                )
            self.fields[f"low_{place}"] = _limit(_("Lowest"), row["low"])
            self.fields[f"high_{place}"] = _limit(_("Highest"), row["high"])
            self.fields[f"pregnant_{place}"] = forms.BooleanField(
                label=_("in pregnancy"), required=False, initial=row["pregnant"]
            )

    def ranges(self):
        """The boxes of each range, for the page."""
        return [[self[f"{name}_{place}"] for name in RANGE] for place in range(self.rows)]

    def plain(self):
        """The boxes that stand alone, before the reason."""
        names = ("critical_low", "critical_high", "possible_low", "possible_high", "normal", "critical_values")
        return [self[name] for name in names if name in self.fields]

    def limits(self):
        """What was typed, in the shape of `services.limits_of`. An empty row is no range."""
        typed, found = self.cleaned_data, services.limits_of(self.test)
        found["ranges"] = []
        for name in set(found) & set(typed):
            value = typed[name]
            found[name] = value if isinstance(value, list) else _said(value)
        for place in range(self.rows):
            row = {name: typed[f"{name}_{place}"] for name in RANGE}
            row |= {"low": _said(row["low"]), "high": _said(row["high"]), "from_days": row["from_days"] or 0}
            row["to_days"] = 54787 if row["to_days"] is None else row["to_days"]
            if row["low"] is not None or row["high"] is not None:
                found["ranges"].append(row)
        return found


def _limit(label, initial):
    return forms.DecimalField(
        label=label,
        required=False,
        max_digits=12,
        decimal_places=4,
        initial=initial,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "dir": "ltr"}),
    )


def _said(number):
    return None if number is None else f"{number.normalize():f}"
