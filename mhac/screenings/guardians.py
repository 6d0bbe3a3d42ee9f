"""Who answers for the children of a case, and which papers of its people were seen."""

from dataclasses import dataclass

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from mhac.accounts.permissions import needs, record_access
from mhac.screenings import papers as asked
from mhac.screenings import services
from mhac.screenings.forms import GuardianForm, PapersForm
from mhac.screenings.models import Case, Guardian, Kinship, PaperSeen, Screening
from mhac.screenings.services import CHILD_UNTIL


@dataclass(frozen=True)
class Likely:
    """Who a child's guardian probably is: a proposal that a person confirms or changes, never a record."""

    adult: Screening
    relation: str
    document: str

    @property
    def name(self):
        return self.adult.patient.name


def likely(family, today) -> dict:
    """Key of a child's screening -> `Likely`, for sons and daughters of a case whose head is grown up. One question."""
    grown_up = [each for each in family if each.person.age_on(today) >= CHILD_UNTIL]
    head = next((each for each in grown_up if each.relation == Screening.Relation.HEAD), None)
    if head is None:
        return {}
    parent = {"female": Kinship.MOTHER, "male": Kinship.FATHER}.get(head.patient.sex, "")
    paper = head.patient.documents.first()
    document = f"{paper.get_kind_display()} {paper.number}" if paper else ""
    sons = (each for each in family if each not in grown_up and each.relation == Screening.Relation.CHILD)
    return {each.pk: Likely(head, parent, document) for each in sons}


@needs("screenings.change_case")
def guardians(request, pk):
    """One line for each child, with one submit."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    record_access(request, case, clinic=case.clinic)
    forms = _of_children(request, case)
    if request.method == "POST" and all([form.is_valid() for form in forms]) and _written(request, forms):
        messages.success(request, _("The guardians are written down."))
        return redirect("desk:case", case.pk)
    return render(request, "screenings/guardians.html", {"case": case, "forms": forms})


def _of_children(request, case):
    today = case.clinic.today()
    family = list(Screening.objects.visible_to(request.user).open().filter(case=case).whole())
    children = [each for each in family if each.person.age_on(today) < CHILD_UNTIL]
    adults = [each for each in family if each not in children]
    rows = {row.screening_id: row for row in Guardian.objects.filter(screening__in=children)}
    data = request.POST if request.method == "POST" else None
    guesses = likely(family, today)
    return [
        GuardianForm(data, screening=each, guardian=rows.get(each.pk), likely=guesses.get(each.pk), adults=adults)
        for each in children
    ]


def _written(request, forms):
    """Whether every guardian was written down; all of them or none."""
    try:
        with transaction.atomic():
            for form in forms:
                if form.said:
                    services.set_guardian(form.screening, by=request.user, **form.guardian_given())
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


@needs("screenings.change_case")
def papers(request, pk):
    """Ticks for the papers that were seen: they warn, and stop nobody."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    record_access(request, case, clinic=case.clinic)
    forms = _of_everybody(request, case)
    if request.method == "POST" and all([form.is_valid() for form in forms]):
        with transaction.atomic():
            for form in forms:
                services.tick_papers(form.screening, papers=form.cleaned_data["papers"], by=request.user)
        messages.success(request, _("The papers are written down."))
        return redirect("desk:case", case.pk)
    return render(request, "screenings/papers.html", {"case": case, "forms": forms, "unknown": asked.UNKNOWN})


def _of_everybody(request, case):
    today = case.clinic.today()
    family = Screening.objects.visible_to(request.user).open().filter(case=case).whole()
    with_list = [(each, asked.asked_of(each, today)) for each in family]
    rows = PaperSeen.objects.standing().filter(screening__in=[each for each, _list in with_list])
    seen = {}
    for row in rows.select_related("seen_by"):
        seen.setdefault(row.screening_id, {})[row.paper] = row
    data = request.POST if request.method == "POST" else None
    shown = [(each, listed) for each, listed in with_list if listed]
    return [PapersForm(data, screening=each, asked=listed, seen=seen.get(each.pk, {})) for each, listed in shown]
