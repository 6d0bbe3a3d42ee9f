"""Fields of forms about people: names in either script, days and births in either calendar."""

import datetime

from django import forms
from django.utils.dates import MONTHS as GREGORIAN
from django.utils.translation import get_language
from django.utils.translation import gettext_lazy as _

from mhac.clinics import numbers
from mhac.clinics.calendar import MONTHS
from mhac.patients import births, names


class NameField(forms.CharField):
    """A name, right to left or left to right; what no eye sees is taken out of it."""

    def __init__(self, **kwargs):
        kwargs.setdefault("widget", forms.TextInput({"dir": "auto", "autocomplete": "off", "spellcheck": "false"}))
        super().__init__(**kwargs)

    def to_python(self, value):
        return names.cleaned(super().to_python(value))


class DayField(forms.Field):
    """A day, written so that nobody can mistake day and month: year first or with the month's name, in either calendar.

    A browser's own date field would show 03/04/2026 in the order of its country.
    """

    widget = forms.TextInput({"dir": "ltr", "autocomplete": "off", "placeholder": "2026-03-21", "size": 12})

    def prepare_value(self, value):
        return value.isoformat() if isinstance(value, datetime.date) else value

    def to_python(self, value):
        if value in self.empty_values:
            return None
        try:
            return births.read_day(value)
        except births.Unreadable as refusal:
            raise forms.ValidationError(str(refusal)) from refusal


class YearField(forms.Field):
    """A Solar Hijri year, as it stands on a paper tazkira, in the digits of any of our languages."""

    widget = forms.TextInput({"dir": "ltr", "autocomplete": "off", "placeholder": "1371", "size": 6})

    def to_python(self, value):
        if value in self.empty_values:
            return None
        year = numbers.clean(str(value))
        if not (year.isdecimal() and 1250 <= int(year) <= 1499):
            raise forms.ValidationError(_("Write the Solar Hijri year in four digits: 1371."))
        return int(year)


class ClockField(forms.TimeField):
    """A time of day, 06:30, in the digits of any of our languages."""

    widget = forms.TimeInput({"dir": "ltr", "autocomplete": "off", "placeholder": "06:30", "size": 6}, format="%H:%M")

    def to_python(self, value):
        return super().to_python(numbers.clean(value) if isinstance(value, str) else value)


def hijri_months():
    """The twelve months of Afghanistan, in the reader's language first, then in the others."""
    ours = get_language() if get_language() in MONTHS else "en"
    order = [ours, *(language for language in MONTHS if language != ours)]
    return [
        ("", "–"),
        *((str(n), " · ".join([str(n), *(MONTHS[each][n - 1] for each in order)])) for n in range(1, 13)),
    ]


def gregorian_months():
    return [("", "–"), *((str(n), f"{n} · {GREGORIAN[n]}") for n in range(1, 13))]


def _first(calendar, placeholder):
    attributes = {"dir": "ltr", "autocomplete": "off", "spellcheck": "false", "placeholder": placeholder}
    return forms.CharField(
        label=_("Year or whole date"), max_length=40, required=False,
        widget=forms.TextInput(attributes | {"data-calendar": calendar}),
    )  # fmt: skip


def _day_of(calendar):
    attributes = {"dir": "ltr", "autocomplete": "off", "inputmode": "numeric", "size": 2, "data-calendar": calendar}
    return forms.CharField(label=_("Day"), max_length=2, required=False, widget=forms.TextInput(attributes))


def _month_of(calendar, choices):
    return forms.ChoiceField(
        label=_("Month"), choices=choices, required=False, widget=forms.Select({"data-calendar": calendar})
    )


class BirthForm(forms.Form):
    """The birth in two calendars side by side. The first field of each takes a whole date, a year, or an age in a year;
    `cleaned_data["born"]` is a `births.Birth`, or None when nothing is written. Needs `self.today`."""

    GROUPS = (("born", "born_month", "born_day"), ("born_hijri", "born_hijri_month", "born_hijri_day"))

    born = _first("gregorian", "2002-03-21, 2002")
    born_month = _month_of("gregorian", gregorian_months)
    born_day = _day_of("gregorian")
    born_hijri = _first("hijri", "1381-01-01, 1371, 25 in 1398")
    born_hijri_month = _month_of("hijri", hijri_months)
    born_hijri_day = _day_of("hijri")

    def clean(self):
        data = super().clean()
        data["born"] = None
        if any(name in self.errors for group in self.GROUPS for name in group):
            return data
        try:
            data["born"] = self.read_birth()
        except births.Unreadable as refusal:
            self.add_error("born", str(refusal))
        return data

    def read_birth(self):
        """What the six fields say now, bound or not. Raises births.Unreadable."""
        gregorian, hijri = (
            births.joined(*(str(self[name].value() or "") for name in group), is_hijri=group is self.GROUPS[1])
            for group in self.GROUPS
        )
        return births.read_both(gregorian, hijri, today=self.today)

    @property
    def birth_groups(self):
        """The fields by calendar, for the page."""
        return [[self[name] for name in group] for group in self.GROUPS]

    @property
    def birth_doubt(self):
        """A sentence about a day that perhaps nobody knows, or ""."""
        try:
            birth = self.read_birth()
        except births.Unreadable:
            return ""
        return birth.doubt if birth else ""


def answered(data, *, today) -> dict:
    """What the fields of both calendars say when those of one, `data`'s calendar, year, month and day, were written."""
    typed = (data.get(name, "")[:40] for name in ("year", "month", "day"))
    try:
        birth = births.read(births.joined(*typed, is_hijri=data.get("calendar") == "hijri"), today=today)
    except births.Unreadable as refusal:
        return {"error": str(refusal)}
    gregorian, hijri = births.parts(birth.earliest, birth.latest, birth.precision)
    return {"gregorian": gregorian, "hijri": hijri, "said": births.said(birth), "doubt": birth.doubt}


def birth_fields(earliest, latest, precision) -> dict:
    """The fields of BirthForm for a stored birth."""
    sides = births.parts(earliest, latest, precision)
    return {
        name: part
        for group, fields in zip(BirthForm.GROUPS, sides, strict=True)
        for name, part in zip(group, fields, strict=True)
    }
