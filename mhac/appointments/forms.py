import datetime

from django import forms
from django.utils.translation import gettext_lazy as _

from mhac.clinics.numbers import clean
from mhac.patients.forms import DayField


class Members(forms.ModelMultipleChoiceField):
    """The people of one case, each with a tick."""

    widget = forms.CheckboxSelectMultiple

    def label_from_instance(self, row):
        return getattr(row, "screening", row).patient.name


class TimeForm(forms.Form):
    """Who, and which of the offered times; neighbouring times that take a family together are one choice."""

    members = Members(queryset=None, error_messages={"required": _("Tick at least one person.")})
    time = forms.ChoiceField(
        error_messages={
            "required": _("Choose a time."),
            "invalid_choice": _("This time is no longer offered. Choose one of the times shown."),
        }
    )

    def __init__(self, *args, members, days, asked=(), **kwargs):
        """`asked`: keys of members whom the address names; they are ticked, or everybody where it names none."""
        super().__init__(*args, **kwargs)
        self.fields["members"].queryset = members
        self.fields["members"].initial = [each for each in members if str(each.pk) in asked] or members
        keys = [offer.key for day in days for offer in day.offers]
        keys += [day.together.key for day in days if day.together]
        self.fields["time"].choices = [(key, key) for key in keys]
        # Where the keys begin: the first time that does for all of them.
        self.first = next((offer.key for day in days for offer in day.offers if offer.free and not offer.why), None)

    def clean_time(self):
        """The moments of the chosen time or times."""
        return [datetime.datetime.fromisoformat(each) for each in self.cleaned_data["time"].split()]


class TimetableForm(forms.Form):
    """The times of an ordinary day, typed as they are spoken: 8:00, 9:30, 13:00."""

    starts = forms.CharField(
        label=_("Times"),
        max_length=400,
        widget=forms.TextInput(attrs={"dir": "ltr", "autocomplete": "off"}),
        help_text=_("Times of the day with a comma between, for example 08:00, 09:30, 13:00."),
    )
    capacity = forms.IntegerField(label=_("Seats at each time"), min_value=1, max_value=500)

    def __init__(self, data=None, *, usual, **kwargs):
        starts = ", ".join(f"{time:%H:%M}" for time in usual.starts)
        super().__init__(data, initial={"starts": starts, "capacity": usual.capacity}, **kwargs)

    def clean_starts(self):
        typed = clean(self.cleaned_data["starts"].replace("،", ",").replace(",", " , "))
        try:
            times = [datetime.time.fromisoformat(each.zfill(5)) for each in typed.split(",") if each]
        except ValueError:
            times = []
        if not times:
            raise forms.ValidationError(_("Type times like 08:00, with a comma between."))
        return times


class ClosureForm(forms.Form):
    """Days on which the site is closed."""

    first_day = DayField(label=_("First day"))
    last_day = DayField(label=_("Last day"))
    reason = forms.CharField(label=_("Why"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))


class CancelForm(forms.Form):
    """Whose bookings are given back, and why."""

    members = Members(queryset=None, error_messages={"required": _("Tick at least one person.")})
    because = forms.CharField(
        label=_("Why"),
        max_length=120,
        error_messages={"required": _("Write why, so that whoever answers the telephone knows.")},
        help_text=_("For example: ill, travel put off, telephoned."),
    )

    def __init__(self, *args, members, chosen, **kwargs):
        super().__init__(*args, **kwargs)
        self.fields["members"].queryset = members
        self.fields["members"].initial = [chosen]


class DayForm(forms.Form):
    """A day in the address; anything that is no day counts as none."""

    day = DayField(required=False)

    def chosen(self, otherwise):
        return (self.cleaned_data.get("day") if self.is_valid() else None) or otherwise


class BeforeForm(forms.Form):
    """The key in the address at which a page of a list begins; anything that is no key counts as none."""

    before = forms.UUIDField(required=False)

    def key(self):
        return self.cleaned_data["before"] if self.is_valid() else None
