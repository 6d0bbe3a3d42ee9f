from allauth.core import ratelimit
from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.decisions import words
from mhac.decisions.models import Judgement


class SignForm(forms.Form):
    """A comment for the partner, and the password again: who holds the pen is asked at the moment of signing."""

    comment = forms.CharField(
        label=_("Comment for the partner"),
        required=False,
        max_length=2000,
        strip=True,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )
    password = forms.CharField(
        label=_("Your password"),
        strip=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "current-password"}),
    )

    def __init__(self, *args, request, **kwargs):
        super().__init__(*args, **kwargs)
        self.request = request

    def clean_password(self):
        user, typed = self.request.user, self.cleaned_data["password"]
        if not ratelimit.consume(self.request, action="reauthenticate", user=user):
            raise forms.ValidationError(_("Too many wrong passwords. Wait a minute, then try once more."))
        if not user.check_password(typed):
            raise forms.ValidationError(_("This is not your password. Nothing was signed; type it again."))
        ratelimit.clear(self.request, action="reauthenticate", user=user)
        return typed


class JudgementForm(forms.Form):
    """What a physician decides where the rules leave room; only what can be decided about this person is offered."""

    CHOICES = {
        Judgement.Code.ORDER: _("Order an item"),
        Judgement.Code.WAIVE: _("Waive an item that is missing"),
        Judgement.Code.TB_DISEASE: _("This is active tuberculosis"),
        Judgement.Code.NO_TB_DISEASE: _("This is not active tuberculosis"),
        Judgement.Code.USE_AGE: _("Decide which age counts"),
        Judgement.Code.GRADE: _("Raise the grade to B"),
        Judgement.Code.LIST_COMPLETE: _("The list of items is complete"),
    }

    code = forms.ChoiceField(label=_("Decision"), widget=forms.RadioSelect)
    item = forms.ChoiceField(
        label=_("Item"),
        required=False,
        help_text=_("Only to order or to waive an item."),
        choices=[("", "–"), *words.ITEMS.items()],
    )
    age = forms.IntegerField(
        label=_("Age"), required=False, min_value=0, max_value=120, help_text=_("Only to decide the age to be used.")
    )
    reason = forms.CharField(
        label=_("Reason"), max_length=2000, strip=True, widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"})
    )

    def __init__(self, *args, ledger, **kwargs):
        super().__init__(*args, **kwargs)
        if self.initial.get("item"):
            # Decision and item are chosen by the button that led here; what is left to write is the reason.
            self.fields["reason"].widget.attrs["autofocus"] = True
        left_out = set() if ledger.edition.practice.grade else {Judgement.Code.GRADE}
        if not ledger.answer.get("items_unknown"):
            left_out.add(Judgement.Code.LIST_COMPLETE)
        if not isinstance(ledger.answer.get("age"), list):
            left_out.add(Judgement.Code.USE_AGE)
            del self.fields["age"]
        self.fields["code"].choices = [(code, label) for code, label in self.CHOICES.items() if code not in left_out]

    def said(self):
        """The arguments of `services.judge`; what belongs to another decision is left out."""
        code, given = self.cleaned_data["code"], self.cleaned_data
        item = {"item": given["item"]}
        own = {"order": item, "waive": item, "use_age": {"age": given.get("age")}, "grade": {"grade": "B"}}
        return {"code": code, "reason": given["reason"], **own.get(code, {})}


class EditionForm(forms.Form):
    """Whether a screening moves to the edition that was looked at (`to`); each answer is a button."""

    to = forms.CharField(max_length=60, widget=forms.HiddenInput)
    choice = forms.ChoiceField(choices=[("accept", ""), ("decline", "")])
    reason = forms.CharField(
        label=_("Reason"), max_length=2000, strip=True, widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"})
    )

    def said(self):
        """The arguments of `services.choose_edition`."""
        given = self.cleaned_data
        return {"to": given["to"], "accepted": given["choice"] == "accept", "reason": given["reason"]}


class BecauseForm(forms.Form):
    because = forms.CharField(
        label=_("Reason"), max_length=2000, strip=True, widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"})
    )
