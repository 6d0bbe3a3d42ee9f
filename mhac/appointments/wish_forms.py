"""What a family needs, who comes along, and on which days it can come."""

import datetime
from dataclasses import dataclass

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from mhac.appointments.models import Call, Companion, Half, Waiting, Wish
from mhac.patients.forms import DayField


@dataclass(frozen=True)
class NeedsRow:
    name: str
    boxes: list


class NeedsForm(forms.Form):
    """A row of ticks for each person of a case."""

    labels = Wish.Need.labels

    def __init__(self, data=None, *, members):
        super().__init__(data)
        wishes = dict(Wish.objects.filter(screening__in=members).values_list("screening", "needs"))
        self._members = {f"needs-{member.pk}": member for member in members}
        for name, member in self._members.items():
            self.fields[name] = forms.MultipleChoiceField(
                choices=Wish.Need.choices,
                required=False,
                initial=wishes.get(member.pk, []),
                widget=forms.CheckboxSelectMultiple,
            )

    @property
    def rows(self):
        return [NeedsRow(member.patient.name, list(self[name])) for name, member in self._members.items()]

    def needs(self):
        """Screening key -> what was ticked."""
        return {member.pk: self.cleaned_data[name] for name, member in self._members.items()}


class CompanionForm(forms.Form):
    name = forms.CharField(label=_("Name"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))
    relation = forms.ChoiceField(label=_("Comes as"), choices=Companion.Relation.choices)


class WaitForm(forms.ModelForm):
    """On which days a family can come; no weekday ticked means any."""

    weekdays = forms.TypedMultipleChoiceField(
        label=_("Can come on"),
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text=_("No day ticked means any day."),
    )
    half = forms.ChoiceField(label=_("Half of the day"), required=False, choices=[("", _("either")), *Half.choices])
    from_day = DayField(label=_("From"))
    until = DayField(label=_("Until"), required=False)

    class Meta:
        model = Waiting
        fields = ("weekdays", "half", "from_day", "until", "note")
        labels = {"note": _("Note")}
        widgets = {"note": forms.TextInput(attrs={"dir": "auto"})}

    def __init__(self, *args, clinic, **kwargs):
        super().__init__(*args, **kwargs)
        days = [(6 + n) % 7 for n in range(7)]  # a week here begins on Sunday
        self.fields["weekdays"].choices = [(day, WEEKDAYS[day]) for day in days if day not in clinic.weekend]
        self.fields["from_day"].initial = clinic.today()

    def clean(self):
        cleaned = super().clean()
        first, last = cleaned.get("from_day"), cleaned.get("until")
        if first and last and last < first:
            self.add_error("until", _("The last day lies before the first. Change one of them."))
        return cleaned


class CallForm(forms.Form):
    """What came of a telephone call, for each of its reasons. A time is offered on the page of the waiting list."""

    why = forms.MultipleChoiceField(choices=[each for each in Call.Why.choices if each[0] != Call.Why.WAITING])
    outcome = forms.ChoiceField(choices=[each for each in Call.Outcome.choices if each[0] != Call.Outcome.ACCEPTED])
    next_on = DayField(label=_("Call again on"), required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)


class AnswerForm(forms.Form):
    """What a family said to the time or times it was offered on the telephone."""

    time = forms.CharField(required=False, max_length=200)
    outcome = forms.ChoiceField(choices=Call.Outcome.choices)
    next_on = DayField(label=_("Call again on"), required=False)
    note = forms.CharField(label=_("Note"), required=False, max_length=200)

    def clean_time(self):
        """The moments of the offered time or times."""
        try:
            moments = [datetime.datetime.fromisoformat(each) for each in self.cleaned_data["time"].split()]
        except ValueError:
            moments = None
        if moments is None or any(moment.tzinfo is None for moment in moments):
            raise forms.ValidationError(_("This time is no longer offered. Choose one of the times shown."))
        return moments

    def clean(self):
        cleaned = super().clean()
        if cleaned.get("outcome") == Call.Outcome.ACCEPTED and not cleaned.get("time") and "time" not in self.errors:
            self.add_error("time", _("Choose a time."))
        return cleaned
