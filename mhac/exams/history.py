"""The screening questions as a form. A question without an answer stays unasked; only "All no" answers for somebody."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.clinics.calendar import year_between
from mhac.exams import words
from mhac.exams.forms import OneOf, PageForm, WholeNumber, YesNo, not_after
from mhac.exams.models import MedicalHistory
from mhac.patients.forms import DayField
from mhac.screenings.models import TravelPlan
from mhac.screenings.programmes import programmes

SOLAR_HIJRI_BEFORE = 1500
POLIO_STAY = "history.polio_area_stay_days"


class EpisodeForm(forms.Form):
    """One earlier episode of tuberculosis."""

    year = WholeNumber(label=gettext_lazy("Year"), help_text=gettext_lazy("Gregorian, or Solar Hijri such as 1398."))
    treated_by = OneOf(words.TREATED_BY, label=gettext_lazy("Treatment"))
    completed = YesNo(label=gettext_lazy("Completed"), required=False)

    def __init__(self, *args, screening, **kwargs):
        self.screening = screening
        super().__init__(*args, **kwargs)

    def clean_year(self):
        typed = self.cleaned_data["year"]
        # A year of the Afghan calendar spans two Gregorian ones; the one it begins in is kept.
        year = year_between(typed)[0].year if 1 <= typed < SOLAR_HIJRI_BEFORE else typed
        born, now = self.screening.patient.born_earliest.year, self.screening.clinic.today().year
        if not born <= year <= now:
            raise ValidationError(
                _("%(typed)s lies before the birth (%(born)s) or in the future. Check the year.")
                % {"typed": typed, "born": born}
            )
        return year


class ContactForm(forms.Form):
    """Somebody with tuberculosis whom the person met; what is not known stays empty."""

    source_name = forms.CharField(label=gettext_lazy("Name"), max_length=120, required=False)
    relationship = forms.CharField(label=gettext_lazy("Relationship"), max_length=60, required=False)
    tb_type = forms.CharField(
        label=gettext_lazy("Kind of tuberculosis"),
        max_length=60,
        required=False,
        help_text=gettext_lazy("For example: lung, smear positive; resistant."),
    )
    last_contact = DayField(label=gettext_lazy("Last contact"), required=False)

    def __init__(self, *args, screening, **kwargs):
        self.screening = screening
        super().__init__(*args, **kwargs)
        for name in ("source_name", "relationship", "tb_type"):
            self.fields[name].widget.attrs["dir"] = "auto"

    def clean_last_contact(self):
        day = self.cleaned_data["last_contact"]
        not_after(day, self.screening.clinic.today())
        return day.isoformat() if day else None


class DoseForm(forms.Form):
    """One polio dose; only a written one counts before leaving (rule POL-EXIT)."""

    vaccine = OneOf(words.POLIO_VACCINES, label=gettext_lazy("Vaccine"))
    date = DayField(label=gettext_lazy("Given on"))
    written = YesNo(label=gettext_lazy("Written on a card"))

    def __init__(self, *args, screening, **kwargs):
        self.screening = screening
        super().__init__(*args, **kwargs)

    def clean_date(self):
        day = self.cleaned_data["date"]
        not_after(day, self.screening.clinic.today())
        if day < self.screening.patient.born_earliest:
            raise ValidationError(_("This day lies before the birth. Check the card."))
        return day.isoformat()


class Rows(forms.BaseFormSet):
    """Rows that are there and two empty ones; a row that was emptied is taken away."""

    def __init__(self, data=None, *, rows, **kwargs):
        super().__init__(data, initial=None if data is not None else rows, **kwargs)
        self.extra = len(rows) + 2

    def initial_form_count(self):
        return 0

    @property
    def entered(self):
        """What each row that is not empty holds, after is_valid()."""
        return [form.cleaned_data for form in self if form.cleaned_data]


EpisodeRows = forms.formset_factory(EpisodeForm, formset=Rows, max_num=20)
ContactRows = forms.formset_factory(ContactForm, formset=Rows, max_num=40)
DoseRows = forms.formset_factory(DoseForm, formset=Rows, max_num=20)


class HistoryForm(PageForm, forms.Form):
    """The questions of the screening's programme, with medicines and remarks."""

    said = gettext_lazy("The medical history is saved.")

    risks = forms.MultipleChoiceField(
        label=gettext_lazy("Risks"),
        choices=list(words.RISKS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    signs = forms.MultipleChoiceField(
        label=gettext_lazy("Signs"),
        choices=list(words.TB_SIGNS.items()),
        required=False,
        widget=forms.CheckboxSelectMultiple,
    )
    cough_days = WholeNumber(label=gettext_lazy("Days of cough"), required=False)
    polio_area_stay_days = WholeNumber(label=gettext_lazy("Days spent in Afghanistan"), required=False)
    medicines = forms.CharField(
        label=gettext_lazy("Medicines taken now"),
        required=False,
        widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"}),
    )
    remarks = forms.CharField(
        label=gettext_lazy("Remarks"), required=False, widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"})
    )

    def __init__(self, data=None, *, screening):
        self.row = MedicalHistory.objects.filter(screening=screening).first() or MedicalHistory(screening=screening)
        self.edition = programmes().by_key(screening.edition)
        self.questions = self.edition.questions
        super().__init__(data, screening=screening, initial=self._stated())
        for question in self.questions:
            self.fields[f"{question}_asked"] = YesNo(
                label=words.QUESTIONS[question], required=False, disabled=not screening.is_open
            )
        known = {"form_kwargs": {"screening": screening}}
        self.doses = None
        if self._asks_for_stay():
            self.doses = DoseRows(data, prefix="doses", rows=self.row.vaccinations or [], **known)
        else:
            del self.fields["polio_area_stay_days"]
        self.episodes = EpisodeRows(data, prefix="episodes", rows=self.row.tb_history or [], **known)
        self.contacts = ContactRows(data, prefix="contacts", rows=self.row.tb_contacts or [], **known)
        if not screening.is_open:
            for form in [*self.episodes, *self.contacts, *(self.doses or [])]:
                for field in form.fields.values():
                    field.disabled = True

    def _stated(self):
        row = self.row
        stored = {name: getattr(row, name) for name in words.QUESTIONS}
        answers = {f"{name}_asked": None if value is None else bool(value) for name, value in stored.items()}
        cough = next((sign for sign in row.tb_signs or [] if sign["code"] == "cough"), {})
        return answers | {
            "signs": [sign["code"] for sign in row.tb_signs or []],
            "cough_days": cough.get("days"),
            "risks": row.risks or [],
            "polio_area_stay_days": row.polio_area_stay_days,
            "medicines": row.medicines,
            "remarks": row.remarks,
        }

    def _asks_for_stay(self):
        """Where the edition needs the days, or somebody leaves from Afghanistan (rule POL-EXIT)."""
        age = self.screening.patient.age_on(self.today)
        needed = any(need.fact == POLIO_STAY and need.from_age <= age for need in self.edition.needs)
        leaving = TravelPlan.objects.filter(screening=self.screening, from_country="AFG")
        return needed or self.row.polio_area_stay_days is not None or leaving.exists()

    @property
    def asked(self):
        """The questions of this programme, each with its yes and no."""
        return [(question, self[f"{question}_asked"]) for question in self.questions]

    @property
    def unanswered(self):
        return [question for question in self.questions if getattr(self.row, question) is None]

    def clean_cough_days(self):
        days = self.cleaned_data["cough_days"]
        if days is not None and not 0 <= days <= 3650:
            raise ValidationError(_("Enter how many days the cough has lasted."))
        return days

    def clean_polio_area_stay_days(self):
        days = self.cleaned_data["polio_area_stay_days"]
        if days is not None and not 0 <= days <= 45000:
            raise ValidationError(_("Enter the days as a whole number, 0 or more."))
        return days

    def clean(self):
        given = super().clean()
        signs = given.get("signs") or []
        if "cough" in signs and given.get("cough_days") is None and "cough_days" not in self.errors:
            self.add_error("cough_days", _("For how many days has the cough lasted? Enter the number."))
        if "cough" not in signs and given.get("cough_days") is not None:
            self.add_error("cough_days", _("Tick cough as well, or clear the days."))
        # Both are looked at, so that every sentence is shown at once.
        if not all([self.episodes.is_valid(), self.contacts.is_valid()]):
            raise ValidationError(_("A row about earlier tuberculosis or a contact is not complete. See below."))
        if self.doses is not None and not self.doses.is_valid():
            raise ValidationError(_("A row about a polio dose is not complete. See below."))
        self._compare(given)
        return given

    def _entered(self):
        """What stands beneath each question; something there answers the question itself."""
        given = self.cleaned_data
        cough = {"cough": {"days": given.get("cough_days")}}
        return {
            "known_hiv": None,
            "tb_signs": [{"code": sign} | cough.get(sign, {}) for sign in given.get("signs") or []],
            "tb_history": [_stated(row) for row in self.episodes.entered],
            "tb_contacts": [_stated(row) for row in self.contacts.entered],
            "risks": sorted(given.get("risks") or []),
        }

    def _compare(self, given):
        needed = {
            "tb_signs": _("You answered yes. Tick at least one sign."),
            "tb_history": _("You answered yes. Enter at least the year and the treatment."),
            "risks": _("You answered yes. Tick at least one risk."),
        }
        entered = self._entered()
        for question in self.questions:
            name = f"{question}_asked"
            if given.get(name) is False and entered[question]:
                self.add_error(name, _("You answered no and entered something below. Clear it, or answer yes."))
            if given.get(name) and question in needed and not entered[question]:
                self.add_error(name, needed[question])

    def save(self):
        """The row with every answer that was given; with "All no" the questions left open are no."""
        given, row, entered = self.cleaned_data, self.row, self._entered()
        for question in self.questions:
            answer = given[f"{question}_asked"]
            if question == "known_hiv":
                answer = False if answer is None and "all_no" in self.data else answer
                row.known_hiv = answer
            elif answer or entered[question]:
                # A contact of whom nothing is known is still a contact.
                setattr(row, question, entered[question] or [{}])
            elif answer is False or "all_no" in self.data:
                setattr(row, question, [])
        row.medicines, row.remarks = given["medicines"], given["remarks"]
        row.polio_area_stay_days = given.get("polio_area_stay_days")
        if self.doses is not None:
            row.vaccinations = self.doses.entered or None
        row.taken_on = row.taken_on or self.today
        return row


def _stated(row):
    """A row without what nobody knew."""
    return {name: value for name, value in row.items() if value not in (None, "")}
