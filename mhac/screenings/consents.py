"""The consents of a family: the text in the language it is read in, who agreed to what, and the paper to sign."""

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from mhac.accounts.permissions import needs, record_access
from mhac.screenings import consent_paper, guardians, services, texts
from mhac.screenings.forms import ConsentWithdrawForm, FamilyConsentForm, PersonConsentForm
from mhac.screenings.models import Consent, Guardian, Screening


@needs("screenings.add_consent")
def consent(request, pk):
    """The consents of a whole family on one page, with one submit; the person asked for stands first."""
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening.case, clinic=screening.clinic)
    data = request.POST if request.method == "POST" and "show" not in request.POST else None
    text = texts.current(screening.clinic.today())
    shared, people = _shared(request, data, screening, text), _people(request, data, screening)
    if all([shared.is_valid(), *(person.is_valid() for person in people)]) and _given(request, shared, people):
        return redirect("desk:case", screening.case_id)
    context = {"screening": screening, "shared": shared, "people": people, "text": text}
    return render(request, "screenings/consent.html", context | _read_out(text, shared))


def _shared(request, data, screening, text):
    """The part for everybody; what was typed stays when only another language is asked for."""
    initial = {"language": screening.patient.language}
    if data is None and request.method == "POST":
        initial = {name: request.POST.get(name, "") for name in FamilyConsentForm.base_fields}
    return FamilyConsentForm(data, initial=initial | {"version": text.version})


def _read_out(text, shared):
    """The text in the language that is chosen, and its direction."""
    language = shared["language"].value()
    written = language if language in texts.LANGUAGES else "en"
    return {
        "said": text.of(language),
        "language": written,
        "direction": texts.direction(written),
        "interpreted": language not in texts.LANGUAGES,
    }


def _people(request, data, screening):
    """One form for each open screening of the case."""
    family = list(Screening.objects.visible_to(request.user).open().filter(case=screening.case_id).whole())
    standing = Consent.objects.standing().filter(screening__in=family)
    of = {each.pk: [consent for consent in standing if consent.screening_id == each.pk] for each in family}
    rows = {row.screening_id: row for row in Guardian.objects.filter(screening__in=family, alone=False)}
    guesses = guardians.likely(family, screening.clinic.today())
    typed = request.POST if data is None and request.method == "POST" else None
    return [
        PersonConsentForm(
            data,
            screening=each,
            standing=of[each.pk],
            guardian=rows.get(each.pk),
            likely=guesses.get(each.pk),
            typed=typed,
        )
        for each in sorted(family, key=lambda each: (each != screening, each.pk))
    ]


def _given(request, shared, people):
    """Whether every ticked consent was written down; all of them or none."""
    try:
        with transaction.atomic():
            given = [
                services.give_consent(
                    person.screening, purpose=purpose, by=request.user, **person.giver(), **shared.manner()
                )
                for person in people
                for purpose in person.cleaned_data["purposes"]
            ]
            for person in people:
                if guardian := person.guardian_to_write():
                    services.set_guardian(person.screening, by=request.user, **guardian)
    except services.Refused as refusal:
        shared.add_error(None, str(refusal))
        return False
    if not given:
        shared.add_error(None, _("Tick at least one consent, or go back without a change."))
        return False
    messages.success(request, _("The consents are written down."))
    return True


@needs("screenings.add_consent")
@transaction.atomic
def consent_form(request, pk):
    """The text and the lines to sign, on paper, in the language that the address names."""
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening.case, clinic=screening.clinic, action="print")
    people = Screening.objects.visible_to(request.user).open().filter(case=screening.case_id).whole()
    language = request.GET.get("language", screening.patient.language)
    paper = consent_paper.pdf(list(people), language=language if language in texts.LANGUAGES else "en")
    answer = HttpResponse(paper, content_type="application/pdf")
    answer["Content-Disposition"] = f'inline; filename="consent-{screening.case.number}.pdf"'
    return answer


@needs("screenings.add_consent")
def withdraw_consent(request, pk):
    found = Consent.objects.visible_to(request.user)
    given = get_object_or_404(found.select_related("screening__patient", "screening__case", "screening__clinic"), pk=pk)
    record_access(request, given.screening.case, clinic=given.screening.clinic)
    form = ConsentWithdrawForm(request.POST if request.method == "POST" else None)
    if form.is_valid():
        services.withdraw_consent(given, by=request.user, **form.cleaned_data)
        messages.success(request, _("The consent no longer holds."))
        return redirect("desk:case", given.screening.case_id)
    context = {"form": form, "screening": given.screening, "consent": given}
    return render(request, "screenings/withdraw_consent.html", context)
