"""Stations, staff, the usual week, exceptions, special hours, expected holidays."""

from django import forms
from django.utils.dates import WEEKDAYS
from django.utils.translation import gettext_lazy as _

from mhac.accounts.models import User
from mhac.appointments.forms import ClosureForm, TimetableForm
from mhac.appointments.models import Half, StaffLine, Timetable, Workplace
from mhac.patients.forms import DayField


class WorkplaceForm(forms.ModelForm):
    class Meta:
        model = Workplace
        fields = ("kind", "name", "capacity")
        widgets = {"name": forms.TextInput(attrs={"dir": "auto"})}


class StaffForm(forms.ModelForm):
    """One line of the roster; the users on offer are those with a role at the site."""

    languages = forms.MultipleChoiceField(
        label=_("Languages"),
        choices=StaffLine.Language.choices,
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = StaffLine
        fields = ("name", "sex", "languages", "user", "left")
        widgets = {"name": forms.TextInput(attrs={"dir": "auto"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        here = User.objects.filter(grants__clinic=self.instance.clinic, is_active=True).distinct()
        self.fields["user"].queryset = here.order_by("full_name")
        if self.instance._state.adding:
            del self.fields["left"]


class WeekForm(forms.Form):
    """A station, or nothing, for each half of each day on which the site is open."""

    def __init__(self, data=None, *, staff):
        super().__init__(data)
        there = {(shift.weekday, shift.half): shift.workplace_id for shift in staff.shifts.all()}
        places = list(staff.clinic.workplaces.all())
        self._by_key = {str(place.pk): place for place in places}
        choices = [("", "–"), *((str(place.pk), str(place)) for place in places)]
        days = [day for day in ((6 + n) % 7 for n in range(7)) if day not in staff.clinic.weekend]
        self._halves = {f"{day}-{half}": (day, half) for day in days for half in Half.values}
        for name, key in self._halves.items():
            self.fields[name] = forms.ChoiceField(
                label=f"{WEEKDAYS[key[0]]}, {Half(key[1]).label}",
                choices=choices,
                required=False,
                initial=str(there.get(key) or ""),
                widget=forms.Select(attrs={"class": "form-select"}),
            )

    @property
    def rows(self):
        """[(weekday, morning, afternoon)] as bound fields."""
        names = list(self._halves)
        pairs = zip(names[::2], names[1::2], strict=True)
        return [(WEEKDAYS[self._halves[first][0]], self[first], self[second]) for first, second in pairs]

    def places(self):
        """(weekday, half) -> Workplace or None."""
        return {key: self._by_key.get(self.cleaned_data[name]) for name, key in self._halves.items()}


class ExceptionForm(forms.Form):
    """What goes otherwise than every week: somebody is away, or works at another station."""

    staff = forms.ModelChoiceField(label=_("Who"), queryset=None)
    first_day = DayField(label=_("First day"))
    last_day = DayField(label=_("Last day"))
    halves = forms.MultipleChoiceField(
        label=_("Half of the day"),
        choices=Half.choices,
        initial=Half.values,
        widget=forms.CheckboxSelectMultiple,
        error_messages={"required": _("Tick the morning, the afternoon or both.")},
    )
    workplace = forms.ModelChoiceField(label=_("Works at"), queryset=None, required=False, empty_label=_("away"))
    reason = forms.CharField(label=_("Why"), max_length=120, widget=forms.TextInput(attrs={"dir": "auto"}))

    def __init__(self, data=None, *, clinic):
        super().__init__(data)
        self.fields["staff"].queryset = clinic.staff_lines.filter(left=False)
        self.fields["workplace"].queryset = clinic.workplaces.all()


class HoursForm(ClosureForm, TimetableForm):
    """Other times than on an ordinary day, from one day to another."""

    field_order = ("first_day", "last_day", "reason", "starts", "capacity")

    def __init__(self, data=None, *, clinic):
        super().__init__(data, usual=Timetable.of(clinic), auto_id="hours_%s")
