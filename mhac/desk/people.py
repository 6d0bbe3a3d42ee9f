"""Finding people: by any number, by name in either script, by what a scanner reads; and the page of one person."""

from django.contrib import messages
from django.db import transaction
from django.db.models import F, Q
from django.http import JsonResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.http import urlencode

from mhac.accounts.models import Access
from mhac.accounts.permissions import needs, record_access
from mhac.clinics import numbers
from mhac.desk import changes, scanned
from mhac.patients import resemblance
from mhac.patients.forms import PhotoForm
from mhac.patients.models import IdentityDocument, IdentityIncident, Merge, Patient
from mhac.screenings.models import Case, Screening
from mhac.screenings.services import clean_reference

PER_PAGE = 25


@needs("patients.search_patient")
@transaction.atomic
def search(request):
    """People of this user's sites, the newest first; a page goes on after the last key, so that none is slow."""
    asked = request.GET.get("q", "").strip()[:120]
    found = Patient.objects.visible_to(request.user)
    if asked:
        found = found.found_by(asked) | found.standing().filter(pk__in=_in_cases(asked, request.user))
        _log(request, asked)
    if scanned.is_key(after := request.GET.get("after", "")):
        found = found.filter(pk__lt=after)
    people = _with_records(found.standing().order_by("-pk")[: PER_PAGE + 1])
    context = {"asked": asked, "people": people[:PER_PAGE], "more": len(people) > PER_PAGE, "after": after}
    return render(request, "desk/people.html", context)


def _with_records(people):
    """Each person with the papers and screenings of all her records: three questions however many."""
    people = list(people.select_related("clinic"))
    held = {"patient__person__in": [each.pk for each in people]}
    papers = IdentityDocument.objects.filter(**held).annotate(person=F("patient__person"))
    rows = Screening.objects.filter(**held).annotate(whose=F("patient__person")).select_related("case")
    for each in people:
        each.papers = [paper for paper in papers if paper.person == each.pk]
        each.visits = [row for row in rows if row.whose == each.pk]
    return people


def _in_cases(asked, user):
    """The people of a case number, a partner's reference or a family's telephone."""
    if not (code := numbers.clean(asked)) or not any(sign.isdigit() for sign in code):
        return []
    # One index each: together in one question the database would read every row.
    called = Case.objects.filter(~Q(phone=""), phone=code).values_list("pk", flat=True)[:50]
    cases = [*called, *Case.objects.filter(number=code).values_list("pk", flat=True)]
    rows = Screening.objects.visible_to(user).order_by()
    found = rows.filter(case__in=cases) | rows.filter(pk__in=_referred(asked))
    return list(found.values_list("patient__person", flat=True)[:200])


def _referred(asked):
    if not (reference := clean_reference(asked)):
        return []
    # Said as the index says it, or it is not used.
    rows = Screening.objects.filter(~Q(reference=""), reference=reference)
    return list(rows.order_by().values_list("pk", flat=True)[:50])


def _log(request, asked):
    """A list logs what was asked for, not everybody it shows."""
    Access.objects.create(
        user=request.user, page="desk:people", action="search", label=Patient._meta.label_lower, note=asked
    )


@needs("accounts.enter")
def find(request):
    """Where the scan box leads: to the page of what was read, or to a search with a sentence.

    A page that caught a scan by itself is told the address or the sentence, and stays where it is.
    """
    asked, by_page = request.GET.get("q", ""), request.headers.get("Accept") == "application/json"
    if not asked.strip():
        return redirect("home")
    try:
        address = scanned.address_of(asked, user=request.user, today=timezone.localdate())
    except scanned.Unknown as unknown:
        return _told(request, unknown) if by_page else _searched(request, unknown, asked)
    return JsonResponse({"address": address}) if by_page else redirect(address)


def _told(request, unknown):
    may_search = unknown.search and request.user.has_perm("patients.search_patient")
    search = reverse("desk:people") + "?" + urlencode({"q": unknown.search}) if may_search else ""
    return JsonResponse({"said": str(unknown), "search": search})


def _searched(request, unknown, asked):
    messages.warning(request, str(unknown))
    if request.user.has_perm("patients.search_patient"):
        return redirect(reverse("desk:people") + "?" + urlencode({"q": unknown.search}))
    return render(request, "desk/not_found.html", {"asked": asked}, status=404)


@needs("patients.view_patient")
@transaction.atomic
def patient(request, pk):
    """One person, with what was written for each of her records."""
    person = get_object_or_404(Patient.objects.visible_to(request.user).select_related("clinic"), pk=pk)
    if person.canonical_id:
        return redirect("desk:patient", person.canonical_id)
    record_access(request, person, clinic=person.clinic)
    context = {
        "patient": person,
        "age": person.age_on(person.clinic.today()),
        "screenings": _screenings_of(person, request.user),
        **_others(person, request.user),
        "changes": changes.page(person, request.user, number=request.GET.get("page")),
        "photo": PhotoForm(),
    }
    return render(request, "desk/patient.html", context)


def _others(person, user):
    """Her other records, who else may be she, and what few may know: an incident that is open."""
    found = {"documents": IdentityDocument.objects.of(person).select_related("patient__clinic")}
    if user.has_perm("patients.add_merge") or user.has_perm("patients.decide_merge"):
        people = Patient.objects.visible_to(user).prefetch_related("documents")
        found["links"] = Merge.objects.standing().filter(kept__person=person.person).select_related("other")
        found["alike"] = resemblance.beside(person, among=people)
    if user.has_perm("patients.view_identityincident"):
        rows = IdentityIncident.objects.open().of(person)
        found["incident"] = rows.filter(clinic__in=user.sites("patients.view_identityincident")).first()
    return found


def _screenings_of(person, user):
    """Those whose case this user may open: a right of its own, beside that to the person."""
    return Screening.objects.of(person).filter(clinic__in=user.sites("screenings.view_case")).select_related("case")
