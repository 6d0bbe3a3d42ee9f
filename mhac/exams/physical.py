"""The physical examination by systems as a form. A system is normal because somebody said so, never by default."""

from django import forms
from django.core.exceptions import ValidationError
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.exams import words
from mhac.exams.conditions import ConditionForms
from mhac.exams.forms import PageForm, not_after
from mhac.exams.models import PhysicalExam
from mhac.patients.forms import DayField

FOUND = {
    "normal": gettext_lazy("normal"),
    "abnormal": gettext_lazy("not normal"),
    "not_examined": gettext_lazy("not examined"),
}
TEXT = {"dir": "auto", "class": "form-control form-control-sm"}
# As the row keeps it.
NORMAL = {"normal": True, "abnormal": False, "not_examined": None}


class PhysicalExamForm(PageForm, forms.Form):
    """Each system with what was found; "All normal" answers for those that were left open."""

    said = gettext_lazy("The examination is saved.")

    held_on = DayField(label=gettext_lazy("Examined on"))
    chaperone = forms.CharField(
        label=gettext_lazy("Chaperone"),
        max_length=120,
        required=False,
        widget=forms.TextInput(attrs={"dir": "auto"}),
        help_text=gettext_lazy("Name of whoever was present."),
    )
    remarks = forms.CharField(
        label=gettext_lazy("Remarks"), required=False, widget=forms.Textarea(attrs={"rows": 2, "dir": "auto"})
    )

    def __init__(self, data=None, *, screening):
        self.row = PhysicalExam.objects.filter(screening=screening).first() or PhysicalExam(
            screening=screening, held_on=screening.clinic.today()
        )
        self.conditions = ConditionForms.of(data, self.row.conditions, screening)
        initial = {name: getattr(self.row, name) for name in ("held_on", "chaperone", "remarks")}
        super().__init__(data, screening=screening, initial=initial | self._kept())
        for code, label in words.SYSTEMS.items():
            found = forms.ChoiceField(
                label=label, choices=list(FOUND.items()), widget=forms.RadioSelect, required=False
            )
            text = forms.CharField(label=label, required=False, max_length=1000, widget=forms.TextInput(attrs=TEXT))
            self.fields |= {f"{code}_found": found, f"{code}_text": text}
            found.disabled = text.disabled = not screening.is_open

    def _kept(self):
        codes = {value: word for word, value in NORMAL.items()}
        kept = {}
        for code, system in self.row.systems.items():
            kept |= {f"{code}_found": codes[system["normal"]], f"{code}_text": system["text"]}
        return kept

    @property
    def systems(self):
        """(label, what was found, text) of each system, as bound fields."""
        return [(label, self[f"{code}_found"], self[f"{code}_text"]) for code, label in words.SYSTEMS.items()]

    def clean_held_on(self):
        day = self.cleaned_data["held_on"]
        not_after(day, self.today)
        if day < self.screening.patient.born_latest:
            raise ValidationError(_("This day lies before the birth. Check the day."))
        return day

    def clean(self):
        given = super().clean()
        for code in words.SYSTEMS:
            found, text = given.get(f"{code}_found"), given.get(f"{code}_text")
            if not found and text:
                self.add_error(f"{code}_found", _("You described something here. Say whether it is normal."))
            elif not found and "all_normal" not in self.data:
                self.add_error(f"{code}_found", _("Not answered yet. Choose one, or press All normal."))
            elif found == "abnormal" and not text:
                self.add_error(f"{code}_text", _("Describe what is not normal."))
            elif found == "not_examined" and not text:
                self.add_error(f"{code}_text", _("Say why it was not examined."))
        if not self.conditions.is_valid():
            raise ValidationError(_("A condition below is not complete."))
        return given

    def save(self):
        """The row, with "normal" for the systems left open when "All normal" was pressed."""
        given, row = self.cleaned_data, self.row
        row.systems = {
            code: {"normal": NORMAL[given[f"{code}_found"] or "normal"], "text": given[f"{code}_text"]}
            for code in words.SYSTEMS
        }
        row.conditions = self.conditions.conditions
        row.held_on, row.chaperone, row.remarks = given["held_on"], given["chaperone"], given["remarks"]
        return row
