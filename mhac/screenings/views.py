from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _

from mhac.accounts.permissions import needs, record_access
from mhac.screenings import services
from mhac.screenings.forms import FamilyConsentForm, PersonConsentForm, TravelForm, WithdrawForm
from mhac.screenings.models import Consent, Screening


@needs("screenings.add_consent")
def consent(request, pk):
    """The consents of a whole family on one page, with one submit; the person asked for stands first."""
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening.case, clinic=screening.clinic)
    shared = FamilyConsentForm(request.POST or None, initial={"language": screening.patient.language})
    people = _people(request, screening)
    if all([shared.is_valid(), *(person.is_valid() for person in people)]) and _given(request, shared, people):
        return redirect("desk:case", screening.case_id)
    context = {"screening": screening, "shared": shared, "people": people}
    return render(request, "screenings/consent.html", context)


def _people(request, screening):
    """One form for each open screening of the case."""
    family = Screening.objects.visible_to(request.user).open().filter(case=screening.case_id).whole()
    standing = Consent.objects.standing().filter(screening__in=family)
    of = {each.pk: [consent for consent in standing if consent.screening_id == each.pk] for each in family}
    return [
        PersonConsentForm(
            request.POST or None, screening=each, standing=of[each.pk], guardian=screening.case.contact_name
        )
        for each in sorted(family, key=lambda each: (each != screening, each.pk))
    ]


def _given(request, shared, people):
    """Whether every ticked consent was written down; all of them or none."""
    try:
        with transaction.atomic():
            given = [
                services.give_consent(
                    person.screening,
                    purpose=purpose,
                    given_by=person.cleaned_data["given_by"],
                    by=request.user,
                    **shared.manner(),
                )
                for person in people
                for purpose in person.cleaned_data["purposes"]
            ]
    except services.Refused as refusal:
        shared.add_error(None, str(refusal))
        return False
    if not given:
        shared.add_error(None, _("Tick at least one consent, or go back without a change."))
        return False
    messages.success(request, _("The consents are written down."))
    return True


@needs("screenings.add_consent")
def withdraw_consent(request, pk):
    found = Consent.objects.visible_to(request.user)
    given = get_object_or_404(found.select_related("screening__patient", "screening__case", "screening__clinic"), pk=pk)
    record_access(request, given.screening.case, clinic=given.screening.clinic)
    form = WithdrawForm(request.POST or None)
    if form.is_valid():
        services.withdraw_consent(given, by=request.user, **form.cleaned_data)
        messages.success(request, _("The consent no longer holds."))
        return redirect("desk:case", given.screening.case_id)
    context = {"form": form, "screening": given.screening, "consent": given}
    return render(request, "screenings/withdraw_consent.html", context)


@needs("screenings.change_case")
def travel(request, pk):
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening, clinic=screening.clinic)
    form = TravelForm(request.POST or None, instance=screening.travelplan_set.first(), clinic=screening.clinic)
    if form.is_valid():
        try:
            services.plan_travel(screening, by=request.user, **form.plan())
            return redirect("desk:case", screening.case_id)
        except services.Refused as refusal:
            form.add_error("arrival_on", str(refusal))
    return render(request, "screenings/travel.html", {"form": form, "screening": screening})


@needs("screenings.change_case")
def withdraw(request, pk):
    """The person gives up, or the partner calls it off."""
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    record_access(request, screening, clinic=screening.clinic)
    form = WithdrawForm(request.POST or None)
    if form.is_valid():
        try:
            services.withdraw(screening, by=request.user, **form.cleaned_data)
            return redirect("desk:case", screening.case_id)
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return render(request, "screenings/withdraw.html", {"form": form, "screening": screening})
