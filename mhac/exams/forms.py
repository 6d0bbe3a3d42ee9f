"""What may be typed in the examination rooms. Numbers may be typed with Dari, Pashto or Latin digits."""

import datetime
from decimal import Decimal

from django import forms
from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.clinics.numbers import uuid7
from mhac.exams import words
from mhac.exams.models import ChestXray, Pregnancy, Vitals
from mhac.patients.forms import DayField
from mhac.protocols.chest_film import TERM_DAYS

HEAD_UNTIL_YEARS = 2
MUAC_UNTIL_YEARS = 5
BMI_POSSIBLE = range(5, 91)
WEEKS_AND_DATE_MAY_DIFFER_DAYS = 14
POST_TERM_DAYS = 4 * 7


class Number(forms.DecimalField):
    """A number as a nurse types it: any digits, comma or point."""

    widget = forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"})

    def to_python(self, value):
        return super().to_python(str(value).replace("٫", ".").replace(",", ".") if value is not None else value)


class WholeNumber(forms.IntegerField):
    widget = forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"})


class YesNo(forms.TypedChoiceField):
    """Yes, no, or not asked (None). Nothing is chosen beforehand."""

    def __init__(self, **kwargs):
        super().__init__(
            choices=[("no", gettext_lazy("no")), ("yes", gettext_lazy("yes"))],
            coerce=lambda word: word == "yes",
            empty_value=None,
            widget=forms.RadioSelect,
            **kwargs,
        )

    def prepare_value(self, value):
        return {True: "yes", False: "no"}.get(value, value)


class OneOf(forms.ChoiceField):
    """One code of a dictionary of labels."""

    def __init__(self, labels, *, empty="–", **kwargs):
        super().__init__(choices=[("", empty), *labels.items()], **kwargs)


def not_after(day, today):
    """Raises ValidationError for a day to come."""
    if day and day > today:
        raise ValidationError(_("This day is still to come. Enter today or an earlier day."))


class Key(forms.UUIDField):
    """The key of the row that this form will make, so that a second click or a repeated request makes no second one."""

    widget = forms.HiddenInput

    def __init__(self):
        super().__init__(required=False, initial=uuid7)


def is_pregnant(screening):
    return Pregnancy.objects.filter(screening=screening, pregnant=True).exists()


class PageForm:
    """What the forms of the rooms share: whose page it is, the day it is there, and whether it can still change."""

    def __init__(self, *args, screening, **kwargs):
        self.screening, self.today = screening, screening.clinic.today()
        super().__init__(*args, **kwargs)
        if not screening.is_open:
            for field in self.fields.values():
                field.disabled = True


class VitalsForm(PageForm, forms.ModelForm):
    """The measurements that are taken at this age; at least one of them."""

    class Meta:
        model = Vitals
        fields = [
            "weight_kg",
            "height_cm",
            "systolic_mmhg",
            "diastolic_mmhg",
            "pulse_per_min",
            "respirations_per_min",
            "temperature_c",
            "spo2_percent",
            "muac_mm",
            "head_cm",
        ]

    said = gettext_lazy("The measurements are saved.")

    def __init__(self, data=None, *, screening):
        super().__init__(data, screening=screening, instance=Vitals(screening=screening))
        age = screening.patient.age_on(self.today)
        if age >= HEAD_UNTIL_YEARS:
            del self.fields["head_cm"]
        if age >= MUAC_UNTIL_YEARS and not is_pregnant(screening):
            del self.fields["muac_mm"]
        self.measures = list(self.fields)
        for name in self.measures:
            self.fields[name] = self._measure(name)
        self.fields["key"] = Key()

    def _measure(self, name):
        column = Vitals._meta.get_field(name)
        limits = {type(each): each for each in column.validators}
        low, high = (Decimal(str(limits[kind].limit_value)) for kind in (MinValueValidator, MaxValueValidator))
        places = getattr(column, "decimal_places", 0)

        def possible(value):
            if not low <= value <= high:
                raise ValidationError(
                    _("%(value)s cannot be right for %(measure)s. Enter %(low)s to %(high)s, or measure again.")
                    % {"value": value, "measure": column.verbose_name, "low": low, "high": high}
                )

        field = Number(label=column.verbose_name, required=False, decimal_places=places, validators=[possible])
        field.disabled = not self.screening.is_open
        return field

    def clean(self):
        cleaned = super().clean()
        given = {name: cleaned[name] for name in self.measures if cleaned.get(name) is not None}
        if not given and not self.errors:
            raise ValidationError(_("Nothing was measured. Enter at least one measurement, then save."))
        upper, lower = given.get("systolic_mmhg"), given.get("diastolic_mmhg")
        if not self.errors and (upper is None) != (lower is None):
            self.add_error("systolic_mmhg", _("A blood pressure has two numbers. Enter both, or neither."))
        if upper is not None and lower is not None and upper <= lower:
            self.add_error("systolic_mmhg", _("The upper number must be larger than the lower one. Measure again."))
        weight, height = given.get("weight_kg"), given.get("height_cm")
        if weight and height and int(weight * 10000 / height**2) not in BMI_POSSIBLE:
            self.add_error("weight_kg", _("This weight and this height cannot belong to one person. Measure again."))
        return self.cleaned_data

    @property
    def earlier(self):
        """What was measured before, the newest first: (when, [(measure, value)], by whom)."""
        rows = Vitals.objects.filter(screening=self.screening).select_related("by").order_by("-measured_at")
        return [(row.measured_at, list(self._measured(row)), row.by) for row in rows]

    def _measured(self, row):
        for name in self.Meta.fields:
            if (value := getattr(row, name)) is not None:
                yield Vitals._meta.get_field(name).verbose_name, value

    def save(self, commit=False):
        row = super().save(commit=False)
        row.pk = self.cleaned_data["key"] or row.pk
        row.measured_at = timezone.now()
        return row


class PregnancyForm(PageForm, forms.ModelForm):
    """Asked of women and girls of 11 to 50 before any film. Weeks are those of today."""

    said = gettext_lazy("The answer about pregnancy is saved.")

    pregnant = YesNo(label=gettext_lazy("Is she pregnant, or could she be?"))
    weeks = WholeNumber(label=gettext_lazy("Weeks"), required=False)
    days = WholeNumber(label=gettext_lazy("and days"), required=False)
    due_on = DayField(label=gettext_lazy("Expected date of delivery"), required=False)

    class Meta:
        model = Pregnancy
        fields = ["pregnant", "weeks", "days", "due_on", "film_choice"]
        widgets = {"film_choice": forms.RadioSelect}

    def __init__(self, data=None, *, screening):
        row = Pregnancy.objects.filter(screening=screening).first() or Pregnancy(screening=screening)
        stated = row.gestation_on(screening.clinic.today()) if row.asked_on else None
        initial = dict(zip(("weeks", "days"), stated, strict=True)) if stated else {}
        super().__init__(data, screening=screening, instance=row, initial=initial)
        self.is_asked = Pregnancy.is_asked_of(screening.patient, self.today)
        self.fields["film_choice"].choices = Pregnancy.FilmChoice.choices
        if row._state.adding:
            self.initial.pop("pregnant", None)

    def clean_weeks(self):
        return self._within("weeks", 0, 44, _("A pregnancy lasts 0 to 44 weeks. Ask again, or leave the weeks empty."))

    def clean_days(self):
        return self._within("days", 0, 6, _("The days beside the weeks are 0 to 6."))

    def clean_due_on(self):
        due = self.cleaned_data["due_on"]
        if due:
            earliest = self.today - datetime.timedelta(days=POST_TERM_DAYS)
            latest = self.today + datetime.timedelta(days=TERM_DAYS)
            if not earliest <= due <= latest:
                raise ValidationError(_("A delivery is expected within 40 weeks from today. Check the day and year."))
        return due

    def clean(self):
        given = super().clean()
        details = [name for name in ("weeks", "days", "due_on", "film_choice") if given.get(name) not in (None, "")]
        if given.get("pregnant") is False and details:
            self.add_error("pregnant", _("You answered no and gave details of a pregnancy. Clear one of the two."))
        if given.get("pregnant") and self.screening.patient.sex == "male":
            self.add_error("pregnant", _("This person is registered as male. Have the sex corrected first."))
        if given.get("days") is not None and given.get("weeks") is None and "weeks" not in self.errors:
            self.add_error("weeks", _("Enter the weeks too, or leave both empty."))
        if given.get("weeks") is not None and given.get("due_on"):
            by_date = TERM_DAYS - (given["due_on"] - self.today).days
            by_weeks = given["weeks"] * 7 + (given.get("days") or 0)
            if abs(by_date - by_weeks) > WEEKS_AND_DATE_MAY_DIFFER_DAYS:
                self.add_error(
                    "due_on",
                    _("By this date she is in week %(weeks)d. Correct the weeks or the date, or leave one empty.")
                    % {"weeks": max(by_date, 0) // 7},
                )
        return given

    def save(self, commit=False):
        row = super().save(commit=False)
        row.asked_on = self.today
        return row

    def _within(self, name, low, high, sentence):
        value = self.cleaned_data[name]
        if value is not None and not low <= value <= high:
            raise ValidationError(sentence)
        return value


class FilmForm(PageForm, forms.Form):
    """A film that was taken today."""

    image_reference = forms.CharField(
        label=gettext_lazy("Image number"),
        max_length=60,
        help_text=gettext_lazy("As it stands on the film or in the archive."),
        error_messages={"required": gettext_lazy("Type the number of the image, so that the reader finds it.")},
    )
    shielded = YesNo(label=gettext_lazy("Was the abdomen shielded?"), required=False)
    consent = YesNo(label=gettext_lazy("Did she consent in writing to a film in pregnancy?"), required=False)
    key = Key()

    def __init__(self, data=None, *, screening):
        super().__init__(data, screening=screening)
        if not is_pregnant(screening):
            del self.fields["shielded"], self.fields["consent"]


class ReadingForm(PageForm, forms.ModelForm):
    """The reading of one film: normal, or the findings of the catalogue. Nothing is chosen beforehand."""

    normal = forms.TypedChoiceField(
        label=gettext_lazy("The film is"),
        choices=[("yes", gettext_lazy("normal")), ("no", gettext_lazy("not normal"))],
        coerce=lambda word: word == "yes",
        widget=forms.RadioSelect,
        error_messages={"required": gettext_lazy("Say whether the film is normal.")},
    )
    findings = forms.MultipleChoiceField(
        label=gettext_lazy("Findings"),
        choices=list(words.FILM_FINDINGS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )

    class Meta:
        model = ChestXray
        fields = ["findings", "effusion_excluded_by", "remarks"]
        widgets = {"remarks": forms.Textarea(attrs={"rows": 2, "dir": "auto"})}

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        excluded = self.fields["effusion_excluded_by"]
        excluded.help_text = _("Asked only for smooth thickening at the costophrenic angle.")
        excluded.choices = [("", "–"), *ChestXray.EffusionExcluded.choices]
        if self.instance.findings is not None:
            self.fields["normal"].initial = "no" if self.instance.findings else "yes"

    def groups(self):
        """The catalogue in its three groups: (code of the group, its name, [(code, label, ticked)])."""
        ticked = set(self["findings"].value() or [])
        for code, name, findings in words.FILM_GROUPS:
            yield code, name, [(finding, label, finding in ticked) for finding, label in findings.items()]

    def clean(self):
        given = super().clean()
        findings = given.get("findings") or []
        if given.get("normal") and findings:
            self.add_error("normal", _("You ticked findings and called the film normal. Correct one of the two."))
        if given.get("normal") is False and not findings and "findings" not in self.errors:
            self.add_error("normal", _("Tick what you see, or call the film normal."))
        if given.get("effusion_excluded_by") and "pleural_smooth_thickening_at_angle" not in findings:
            self.add_error(
                "effusion_excluded_by", _("This is asked only for smooth thickening at the costophrenic angle.")
            )
        return given

    def reading(self):
        """What was read, as the service takes it."""
        return {name: self.cleaned_data[name] for name in ("findings", "effusion_excluded_by", "remarks")}
