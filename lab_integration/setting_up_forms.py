"""What is typed when an analyzer is set up: its connection, how it writes, what its codes are, who agrees."""

import json

from allauth.core import ratelimit
from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from lab_integration import families, mapping
from lab_integration.mapping import BESIDE, FAILURE, RESULT, Choice
from lab_integration.models import Analyzer

ROWS_A_PAGE = 40
LTR = {"dir": "ltr", "spellcheck": "false"}


class Afresh(forms.Form):
    """Whoever decides types her own password: an open browser decides nothing."""

    password = forms.CharField(
        label=gettext_lazy("Your own password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args, request, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self):
        user, typed = self.request.user, self.cleaned_data["password"]
        if not ratelimit.consume(self.request, action="reauthenticate", user=user):
            raise ValidationError(_("Too many wrong passwords. Wait a minute, then try once more."))
        if not user.check_password(typed):
            raise ValidationError(_("This is not your password. Nothing was changed; type it again."))
        ratelimit.clear(self.request, action="reauthenticate", user=user)
        return typed


class ConnectionForm(Afresh, forms.ModelForm):
    """Where an analyzer speaks from, what it speaks, where it takes orders. What its codes are is no part of it."""

    class Meta:
        model = Analyzer
        fields = ["clinic", "name", "family", "dialect", "addresses", "link", "outbound_host", "outbound_port"]
        fields += ["takes_orders", "must_use_tls", "certificate_name", "silent_after", "active"]
        help_texts = {
            "addresses": gettext_lazy("One or several, separated by commas: 10.0.4.17, 10.0.4.0/24"),
            "family": gettext_lazy("Its habits are the beginning of the profile."),
        }

    def __init__(self, *args, request, **kwargs):
        super().__init__(*args, request=request, **kwargs)
        self.before = {name: getattr(self.instance, name, None) for name in self._meta.fields}
        self.fields["clinic"].queryset = request.user.sites()
        known = [(key, one.name) for key, one in families.families().items()]
        self.fields["family"] = forms.ChoiceField(
            label=self.fields["family"].label,
            choices=[("", gettext_lazy("another one")), *known],
            required=False,
            help_text=self.fields["family"].help_text,
        )
        if not self.instance._state.adding:
            del self.fields["family"]

    def clean(self):
        given = super().clean()
        family = families.families().get(given.get("family", ""))
        if family is not None and family.dialect != given.get("dialect"):
            text = _("%(family)s speaks %(dialect)s. Choose that, or another family.")
            said = dict(Analyzer.Dialect.choices)[family.dialect]
            raise ValidationError({"dialect": text % {"family": family.name, "dialect": said}})
        return given

    @property
    def changes(self):
        """The fields of the analyzer that are not what they were."""
        given = self.cleaned_data
        return [name for name, value in self.before.items() if name in given and given[name] != value]


class HabitsForm(forms.Form):
    """How an analyzer writes. Positions are written OBX-3.4; lists are separated by commas."""

    specimen_fields = forms.CharField(label=gettext_lazy("The specimen id stands in"), required=False)
    code_fields = forms.CharField(label=gettext_lazy("The code stands in"), required=False)
    sender = forms.CharField(label=gettext_lazy("The sender must be"), required=False, max_length=100)
    cut_at = forms.CharField(label=gettext_lazy("The id ends before the sign"), required=False, max_length=5)
    upper = forms.BooleanField(label=gettext_lazy("Small letters of the id are meant as capitals"), required=False)
    strip_zeros = forms.BooleanField(label=gettext_lazy("Zeros before the id are no part of it"), required=False)
    pad_to = forms.IntegerField(label=gettext_lazy("Fill the id with zeros up to"), required=False, max_value=64)
    second_identifier = forms.CharField(label=gettext_lazy("Compared beside the id"), required=False)
    require_second_identifier = forms.BooleanField(label=gettext_lazy("One of these must be sent"), required=False)
    qual_quant = forms.BooleanField(label=gettext_lazy("A word and a number come in one value"), required=False)
    decimal_comma = forms.BooleanField(label=gettext_lazy("The comma is the decimal mark"), required=False)
    off_scale_from_range = forms.BooleanField(
        label=gettext_lazy("A flag < or > without number means the end of the range"), required=False
    )
    run_failure_values = forms.CharField(label=gettext_lazy("Words for a failed run"), required=False)
    qc_specimen_pattern = forms.CharField(
        label=gettext_lazy("Ids of controls (regular expression)"), required=False, max_length=200
    )
    qc_ignore_spm11 = forms.BooleanField(label=gettext_lazy("SPM-11 says nothing about controls"), required=False)
    msh16 = forms.ChoiceField(
        label=gettext_lazy("MSH-16 is"),
        choices=[("standard", gettext_lazy("as in the standard")), ("sample_type", gettext_lazy("the kind of sample"))],
    )
    ack = forms.ChoiceField(
        label=gettext_lazy("It is answered"),
        choices=[
            ("auto", gettext_lazy("as it asks")),
            ("original", gettext_lazy("AA always")),
            ("accept", gettext_lazy("CA always")),
        ],
    )
    law = forms.NullBooleanField(label=gettext_lazy("OBX-4 is the run number"), required=False)
    charset = forms.CharField(label=gettext_lazy("Character set"), required=False, max_length=40)
    timezone = forms.CharField(label=gettext_lazy("Time zone of its clock"), required=False, max_length=64)

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        for field in self.fields.values():
            if isinstance(field, forms.CharField):
                field.widget.attrs |= LTR


class JsonForm(forms.Form):
    """The whole profile as JSON, for who knows its keys."""

    profile = forms.JSONField(
        label=gettext_lazy("Profile"),
        widget=forms.Textarea(attrs={"rows": 24, "class": "code", **LTR}),
        error_messages={"invalid": gettext_lazy("This is no JSON. Look for a comma or a quotation mark too many.")},
    )

    def clean_profile(self):
        found = self.cleaned_data["profile"]
        if not isinstance(found, dict):
            raise ValidationError(_("A profile is an object with keys, in curly brackets."))
        return found

    @staticmethod
    def written(profile):
        return {"profile": json.loads(json.dumps(profile))}


class CodeForm(forms.Form):
    """What one code is: a result of a test, a row that only accompanies, or undecided."""

    code = forms.CharField(widget=forms.HiddenInput, strip=False)
    system = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)
    unit = forms.CharField(widget=forms.HiddenInput, required=False, strip=False)
    what = forms.ChoiceField(
        label=gettext_lazy("It is"),
        required=False,
        choices=[
            ("", gettext_lazy("not decided")),
            (RESULT, gettext_lazy("a result")),
            (BESIDE, gettext_lazy("no result, kept beside")),
        ],
    )
    test = forms.CharField(label=gettext_lazy("Test"), required=False, max_length=64)
    factor = forms.CharField(label=gettext_lazy("Factor"), required=False, max_length=20)

    def __init__(self, *args, tests, lines, **kwargs):
        super().__init__(*args, **kwargs)
        self.tests = tests
        self.fields["test"].widget.attrs |= {"list": "tests", "autocomplete": "off", **LTR}
        self.fields["factor"].widget.attrs |= {"inputmode": "decimal", "autocomplete": "off", **LTR}
        for name in ("what", "test", "factor"):
            self.fields[name].widget.attrs["aria-label"] = self.fields[name].label
            self.fields[name].widget.attrs["class"] = "form-select" if name == "what" else "form-control"
        self.line = lines.get(self._key())
        self._words()

    def _key(self):
        def given(name):
            return (self.data.get(self.add_prefix(name)) if self.is_bound else self.initial.get(name)) or ""

        return given("code"), given("system"), given("unit")

    def _words(self):
        """One choice for each value that came, once the code is a test of words."""
        chosen = self.tests.get(self.line.choice.test) if self.line else None
        self.said = list(self.line.seen.values) if chosen is not None and chosen.kind == "coded" else []
        for number, said in enumerate(self.said):
            known = {word.casefold(): word for word in chosen.allowed}
            meaning = self.line.choice.words.get(said, known.get(said.casefold(), ""))
            options = [
                ("", "–"),
                *((word, word) for word in chosen.allowed),
                (FAILURE, _("a failed run")),
            ]
            field = forms.ChoiceField(label=said, required=False, choices=options, initial=meaning)
            field.widget.attrs |= {"class": "form-select form-select-sm", "aria-label": said}
            self.fields[f"word{number}"] = field

    @property
    def words(self):
        return [self[f"word{number}"] for number in range(len(self.said))]

    def clean_factor(self):
        try:
            return mapping.factor(self.cleaned_data["factor"])
        except ValueError as error:
            raise ValidationError(str(error)) from None

    def clean(self):
        given = super().clean()
        typed = (given.get("test") or "").strip()
        named = next((key for key, test in self.tests.items() if typed.casefold() == test.name.casefold()), typed)
        given["test"] = named
        if given.get("what") == "" and typed:
            given["what"] = RESULT
        if "factor" in given and (fault := mapping.fault(self.choice, self.tests)):
            self.add_error("test", fault)
        return given

    @property
    def choice(self):
        """What was chosen, as `mapping` takes it."""
        given = self.cleaned_data
        words = {said: given.get(f"word{number}") for number, said in enumerate(self.said)}
        if self.line is not None and given["test"] == self.line.choice.test:
            # Words that did not come lately keep their meaning.
            words = {**self.line.choice.words, **words}
        words = {said: word for said, word in words.items() if word and word.casefold() != said.casefold()}
        about = {key: given.get(key, "") for key in ("code", "system", "unit", "what", "test")}
        return Choice(**about, factor=given.get("factor"), words=words if given["what"] == RESULT else {})


class CodeForms(forms.BaseFormSet):
    """The codes of one page."""

    @classmethod
    def of(cls, data, *, lines, tests):
        """`lines` of `mapping`, those of one page; `tests` of the catalogue by key."""
        made = forms.formset_factory(CodeForm, formset=cls, extra=0, max_num=ROWS_A_PAGE, absolute_max=ROWS_A_PAGE)
        by_key = {(one.seen.code, one.seen.system, one.seen.unit): one for one in lines}
        initial = [_begun(one, tests) for one in lines]
        return made(data, initial=initial, prefix="codes", form_kwargs={"tests": tests, "lines": by_key})

    @property
    def choices(self):
        return [form.choice for form in self if form.has_changed()]


def _begun(line, tests):
    choice = line.choice
    test = tests.get(choice.test)
    rule = mapping.units.factor(choice.unit, test.unit) if test is not None else None
    factor = "" if choice.factor in (None, rule) or choice.what != RESULT else format(choice.factor, "f")
    return {
        "code": choice.code,
        "system": choice.system,
        "unit": choice.unit,
        "what": choice.what,
        "test": choice.test,
        "factor": factor,
    }


class ActivateForm(Afresh):
    """Why a version is put in force, by somebody who did not write it."""

    revision = forms.IntegerField(widget=forms.HiddenInput)
    because = forms.CharField(
        label=gettext_lazy("Why it is put in force"),
        min_length=5,
        max_length=200,
        error_messages={"required": gettext_lazy("Write why; whoever asks later reads it here.")},
    )
    despite = forms.BooleanField(label=gettext_lazy("In spite of the open questions"), required=False)
    field_order = ["revision", "because", "despite", "password"]


class DoorForm(forms.Form):
    """At which site somebody listens for strangers."""

    clinic = forms.ModelChoiceField(queryset=None, label=gettext_lazy("Site"), empty_label="–")

    def __init__(self, *args, user, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["clinic"].queryset = user.sites()
