"""Who comes in at the door: a slip is scanned, the family is marked as arrived, and each of them gets a ticket."""

import datetime
from zoneinfo import ZoneInfo

from django import forms
from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext
from django.views.decorators.http import require_GET

from mhac.accounts.permissions import needs, record_access
from mhac.appointments import loads, services
from mhac.appointments.models import Booking, Precedence, Visit
from mhac.clinics import numbers
from mhac.desk import layouts, stations, tickets
from mhac.patients.forms import ClockField
from mhac.screenings.models import Case


class ArrivalForm(forms.Form):
    """Who of a family has come, and when, where it was kept on paper first."""

    came = forms.ModelMultipleChoiceField(
        queryset=None, error_messages={"required": gettext_lazy("Tick at least one person.")}
    )
    clock = ClockField(label=gettext_lazy("Came at (empty: now)"), required=False)
    clock.widget.attrs["class"] = "form-control"

    def __init__(self, *args, bookings, clinic, **kwargs):
        super().__init__(*args, **kwargs)
        self.clinic = clinic
        self.fields["came"].queryset = bookings

    @property
    def at(self):
        """The moment that was typed, today by the clock of the site; None for now."""
        if (clock := self.cleaned_data["clock"]) is None:
            return None
        return datetime.datetime.combine(self.clinic.today(), clock, ZoneInfo(self.clinic.timezone))


class PrecedenceForm(forms.Form):
    reason = forms.ChoiceField(
        label=gettext_lazy("Goes before others, because"),
        choices=[("", gettext_lazy("no: waits as everybody does")), *Precedence.Reason.choices],
        required=False,
        help_text=gettext_lazy("The reason is kept with the booking. No list and no board shows it."),
    )


@require_GET
@needs("appointments.change_booking")
def scan(request):
    """The family of a slip: number of the case, of a person, or of nobody; then the sentence says what to do."""
    asked = request.GET.get("q", "").strip()[:60]
    case = _case_of(asked, request.user)
    if case is not None:
        return redirect("desk:arrival", case.pk)
    if asked:
        messages.error(
            request, _("No family here has the number %(number)s. Scan it again, or type it.") % {"number": asked}
        )
    return render(request, "desk/arrival_scan.html", {"asked": asked})


@needs("appointments.change_booking")
@transaction.atomic
def arrival(request, case):
    """The family of one case: who of them comes today, who has a ticket, and what to do about the others."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=case)
    today = Booking.objects.visible_to(request.user).on(case.clinic, case.clinic.today()).filter(screening__case=case)
    form = ArrivalForm(
        request.POST if request.method == "POST" else None,
        bookings=today.exclude(state="cancelled"),
        clinic=case.clinic,
    )
    if request.method == "POST" and form.is_valid() and _arrived(request, form):
        return redirect("desk:arrival", case.pk)
    if request.method == "GET":
        record_access(request, case, clinic=case.clinic)
    return render(request, "desk/arrival.html", _shown(case, today, form), status=409 if form.errors else 200)


@require_GET
@needs("appointments.change_booking")
def slip(request, case):
    """The tickets of a family for an 80 mm printer, in the language of each person."""
    case = get_object_or_404(Case.objects.visible_to(request.user).select_related("clinic"), pk=case)
    here = Booking.objects.visible_to(request.user).on(case.clinic, case.clinic.today()).filter(screening__case=case)
    found = list(here.filter(state=Booking.State.ARRIVED).whole().order_by("ticket"))
    if not found:
        messages.error(request, _("Nobody of this family has a ticket yet. Mark the arrival first."))
        return redirect("desk:arrival", case.pk)
    return HttpResponse(tickets.pdf(found), content_type="application/pdf")


@needs("appointments.change_booking")
def precedence(request, booking):
    booking = get_object_or_404(Booking.objects.visible_to(request.user).whole(), pk=booking)
    form = PrecedenceForm(request.POST or None, initial={"reason": _reason(booking)})
    if request.method == "POST" and form.is_valid():
        _set_precedence(booking, form.cleaned_data["reason"], request.user)
        messages.success(request, _("Ticket %(ticket)s: saved.") % {"ticket": booking.ticket or "–"})
        return redirect("desk:today")
    return render(request, "desk/precedence.html", {"form": form, "booking": booking})


def _reason(booking):
    standing = Precedence.objects.filter(booking=booking).first()
    return standing.reason if standing else ""


def _set_precedence(booking, reason, by):
    if reason:
        services.give_precedence(booking, reason=reason, by=by)
    else:
        services.end_precedence(booking, by=by)


def _case_of(asked, user):
    """The case with this number, or of the person with this number, at a site of the user."""
    for text in [asked, *layouts.readings(asked)]:
        if not (code := numbers.clean(text)):
            continue
        cases = Case.objects.visible_to(user)
        person = cases.filter(screenings__patient__number=code).order_by("-pk")
        if found := cases.filter(number=code).first() or _coming(person, user) or person.first():
            return found
    return None


def _coming(cases, user):
    """Of several cases of one person that which is booked for today."""
    day = Booking.objects.visible_to(user)
    rows = cases.select_related("clinic").distinct()[:5]
    return next(
        (case for case in rows if day.on(case.clinic, case.clinic.today()).filter(screening__case=case).exists()), None
    )


def _arrived(request, form):
    """Whether everybody who was ticked has a ticket; where one is refused, none has and the form says why."""
    people = list(form.cleaned_data["came"].whole().order_by("seat"))
    day, now = form.clinic.today(), timezone.now()
    known = stations.known([booking.screening for booking in people], day)
    busy = loads.of(form.clinic, day, now)
    try:
        with transaction.atomic():
            for booking in people:
                person = known[booking.screening_id]
                to = stations.propose(person.needed, busy) or stations.Station.RECEPTION.value
                services.arrive(booking, by=request.user, at=form.at, station=to, first=person.goes_first)
                busy[to].expect()
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    said = ngettext("%(count)s person has a ticket.", "%(count)s people have tickets.", len(people))
    messages.success(request, said % {"count": len(people)})
    return True


def _shown(case, today, form):
    rows = list(today.whole().order_by("seat"))
    visits = {visit.booking_id: visit for visit in Visit.objects.open().filter(booking__in=rows)}
    ticked = {str(key) for key in form["came"].value() or ()} if form.is_bound else None
    other = Booking.objects.coming(case).exclude(pk__in=[row.pk for row in rows]).whole().order_by("slot__starts_at")
    return {
        "case": case,
        "form": form,
        "day": case.clinic.today(),
        "to_come": [
            (row, ticked is None or str(row.pk) in ticked)
            for row in rows
            if row.state in {Booking.State.BOOKED, Booking.State.NO_SHOW}
        ],
        "here": [(row, visits.get(row.pk)) for row in rows if row.state == Booking.State.ARRIVED],
        "other_days": list(other[:20]),
        "not_booked": _not_booked(case, rows, other),
        "today_address": reverse("desk:today"),
    }


def _not_booked(case, rows, other):
    """Open screenings of the case that have no time at all, today or later."""
    booked = [row.screening_id for row in rows if row.state != Booking.State.CANCELLED]
    people = case.screenings.open().select_related("patient").exclude(pk__in=booked)
    return list(people.exclude(pk__in=other.values("screening")))
