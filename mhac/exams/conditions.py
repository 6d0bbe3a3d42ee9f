"""The conditions an examination may find, each with the details that the rules need (contract, section 2.3)."""

from dataclasses import dataclass

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.exams import words
from mhac.exams.forms import OneOf, PageForm, WholeNumber, YesNo, not_after
from mhac.patients.forms import DayField

SURGERY = {"date": "day"}
# code -> detail -> kind of answer
DETAILS = {
    "genital_ulcer": {},
    "urethral_discharge": {},
    "extrapulmonary_tb": {"site": "text"},
    "hansens": {"type": words.HANSENS_TYPES, "days_on_treatment": "number"},
    "substance_use": {
        "substance": "text",
        "controlled": "yes_no",
        "enough_information": "yes_no",
        "dsm_criteria": "number",
        "harmful_behaviour": words.HARMFUL_BEHAVIOUR,
        "class_a_before": "yes_no",
        "last_criterion": "day",
    },
    "mental_disorder": {
        "enough_information": "yes_no",
        "dsm_diagnosis": "yes_no",
        "harmful_behaviour": words.HARMFUL_BEHAVIOUR,
        "class_a_before": "yes_no",
        "last_harm": "day",
    },
    "infectious_disease": {"disease": "text", "infectious": "yes_no"},
    "myocardial_infarction": {"date": "day", "risk": words.INFARCTION_RISKS},
    "heart_failure": {"controlled": "yes_no"},
    "unstable_angina": {},
    "pneumothorax": {"resolved": "yes_no"},
    "abdominal_surgery": SURGERY,
    "thoracic_surgery": SURGERY,
    "psychosis": {"controlled": "yes_no"},
    "other": {"text": "text", "significant": "yes_no"},
}
LABELS = {
    "site": gettext_lazy("Where"),
    "type": gettext_lazy("Type"),
    "days_on_treatment": gettext_lazy("Days on treatment"),
    "substance": gettext_lazy("Substance"),
    "enough_information": gettext_lazy("Is there enough information to decide?"),
    "dsm_criteria": gettext_lazy("Criteria met (DSM), 0 to 11"),
    "dsm_diagnosis": gettext_lazy("A diagnosis by DSM?"),
    "harmful_behaviour": gettext_lazy("Harmful behaviour"),
    "class_a_before": gettext_lazy("Class A at an earlier examination?"),
    "last_criterion": gettext_lazy("Last day a criterion was met"),
    "last_harm": gettext_lazy("Last day of harmful behaviour"),
    "disease": gettext_lazy("Disease"),
    "infectious": gettext_lazy("Infectious now?"),
    "date": gettext_lazy("Day"),
    "risk": gettext_lazy("Risk"),
    "resolved": gettext_lazy("Resolved?"),
    "text": gettext_lazy("Which"),
    "significant": gettext_lazy("Significant for travel or settlement?"),
}
# What one and the same word asks in another condition.
LABELS_IN = {
    ("substance_use", "controlled"): gettext_lazy("Is the substance controlled by law?"),
    ("heart_failure", "controlled"): gettext_lazy("Controlled by treatment?"),
    ("psychosis", "controlled"): gettext_lazy("Controlled by treatment?"),
}
# Asked only after another answer: detail -> (question, sentence when it is missing).
AFTER = {
    "dsm_criteria": ("enough_information", gettext_lazy("There is enough information, so count the criteria.")),
    "dsm_diagnosis": ("enough_information", gettext_lazy("There is enough information, so say yes or no.")),
    "harmful_behaviour": ("enough_information", gettext_lazy("There is enough information, so choose one.")),
    "last_criterion": ("class_a_before", gettext_lazy("After an earlier Class A this day is needed.")),
    "last_harm": ("class_a_before", gettext_lazy("After an earlier Class A this day is needed.")),
}
MAY_BE_EMPTY = {*AFTER, "class_a_before"}
LARGEST = {"dsm_criteria": 11, "days_on_treatment": 20000}


def field_of(code, detail, kind):
    label = LABELS_IN.get((code, detail)) or LABELS[detail]
    if isinstance(kind, dict):
        return OneOf(kind, label=label, required=False)
    if kind == "yes_no":
        return YesNo(label=label, required=False)
    if kind == "day":
        return DayField(label=label, required=False)
    if kind == "number":
        return WholeNumber(label=label, required=False)
    return forms.CharField(label=label, required=False, max_length=200, widget=forms.TextInput(attrs={"dir": "auto"}))


class ConditionForm(PageForm, forms.Form):
    """One condition: a tick, and the details that go with it. Details without the tick are refused, not dropped."""

    present = forms.BooleanField(required=False)

    def __init__(self, *args, code, is_another=False, **kwargs):
        self.code, self.label, self.is_another = code, words.CONDITIONS[code], is_another
        super().__init__(*args, **kwargs)
        for detail, kind in DETAILS[code].items():
            self.fields[detail] = field_of(code, detail, kind)
            self.fields[detail].disabled = not self.screening.is_open
        self.fields["present"].label = self.label

    @property
    def details(self):
        return [self[name] for name in DETAILS[self.code]]

    def clean(self):
        given = super().clean()
        stated = {name for name in DETAILS[self.code] if given.get(name) not in (None, "")}
        if not given.get("present"):
            if stated:
                self.add_error("present", _("Tick the condition too, or clear its details."))
            return given
        for name in DETAILS[self.code]:
            if name in self.errors or name in stated:
                continue
            if name not in MAY_BE_EMPTY:
                self.add_error(name, _("This is needed for the condition you ticked."))
            elif name in AFTER and given.get(AFTER[name][0]):
                self.add_error(name, AFTER[name][1])
        for name, largest in LARGEST.items():
            if (value := given.get(name)) is not None and not 0 <= value <= largest:
                self.add_error(name, _("Enter a whole number from 0 to %(largest)d.") % {"largest": largest})
        self._days_in_order(given)
        return given

    def _days_in_order(self, given):
        for name, kind in DETAILS[self.code].items():
            if kind == "day" and given.get(name):
                try:
                    not_after(given[name], self.today)
                except ValidationError as refusal:
                    self.add_error(name, refusal)

    @property
    def condition(self):
        """The condition as the contract writes it, after is_valid(); None when it was not ticked."""
        if not self.cleaned_data.get("present"):
            return None
        stated = {name: self.cleaned_data[name] for name in DETAILS[self.code]}
        written = {name: value.isoformat() if hasattr(value, "isoformat") else value for name, value in stated.items()}
        return {"code": self.code} | {name: value for name, value in written.items() if value not in (None, "")}


@dataclass
class ConditionForms:
    """For every condition one form for each time it was found, and one more."""

    forms: list

    @classmethod
    def of(cls, data, conditions, screening):
        made = []
        for code in words.CONDITIONS:
            found = [condition | {"present": True} for condition in conditions if condition["code"] == code]
            for place, initial in enumerate([*found, {}]):
                given = {"code": code, "prefix": f"{code}-{place}", "initial": initial, "is_another": place > 0}
                made.append(ConditionForm(data, screening=screening, **given))
        return cls(made)

    def is_valid(self):
        return all([form.is_valid() for form in self.forms])

    @property
    def conditions(self):
        return [condition for form in self.forms if (condition := form.condition)]

    def __iter__(self):
        return iter(self.forms)
