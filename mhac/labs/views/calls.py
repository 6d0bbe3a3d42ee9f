"""Critical values: the list, the call, the note somebody takes, and the log of a day."""

import datetime

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.dateparse import parse_date
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from mhac.accounts.permissions import needs, record_access
from mhac.labs import critical as lists
from mhac.labs import services
from mhac.labs.call_forms import AcknowledgeForm, CallForm
from mhac.labs.views import fetched


@needs("labs.view_criticalcall")
def critical(request):
    user, now = request.user, timezone.now()
    values = {"open": lists.open_values(user, now), "withdrawn": lists.withdrawn_values(user, now)}
    values["closed"] = lists.closed_values(user, now)
    return render(request, "labs/critical.html", values)


@needs("labs.add_criticalcall", "labs.add_criticalacknowledgement")
@transaction.atomic
def call(request, result):
    found = get_object_or_404(lists.one(request.user, result))
    form = CallForm(fetched.posted(request), in_person=found.order.test.told_in_person)
    if form.is_valid() and _record(request, found, form):
        return redirect("labs:critical")
    return _page(request, found, form, AcknowledgeForm())


def _record(request, result, form):
    try:
        with transaction.atomic():
            services.call(result, by=request.user, **form.cleaned_data)
    except services.Misread as wrong:
        for field, sentence in wrong.fields.items():
            form.add_error(field, sentence)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
    else:
        messages.success(request, _("The call is recorded."))
    return not form.errors


@needs("labs.add_criticalacknowledgement")
@require_POST
@transaction.atomic
def acknowledge(request, result):
    found = get_object_or_404(lists.one(request.user, result))
    form = AcknowledgeForm(request.POST)
    if form.is_valid():
        try:
            services.acknowledge(found, by=request.user, **form.cleaned_data)
            messages.success(request, _("It is noted who takes care of it."))
            return redirect("labs:critical")
        except services.Refused as refusal:
            form.add_error(None, str(refusal))
    return _page(request, found, CallForm(None, in_person=found.order.test.told_in_person), form)


def _page(request, result, form, note):
    record_access(request, result.order.specimen, clinic=result.screening.clinic)
    held = services.held_for(request.user, result)
    values = {"result": lists.ready(result, request.user, timezone.now()), "form": form, "note": note}
    values |= {"screening": result.screening, "may_call": bool(held & lists.CALLERS)}
    values["may_note"] = "labs.add_criticalacknowledgement" in held
    values["withdrawn"] = lists.is_withdrawn(request.user, result, timezone.now())
    return render(request, "labs/critical_value.html", values)


@needs("labs.view_criticalcall")
def critical_log(request):
    day = _day(request.GET.get("day", "")) or timezone.localdate()
    start = timezone.make_aware(datetime.datetime.combine(day, datetime.time()))
    rows = lists.of_day(request.user, (start, start + datetime.timedelta(days=1)), timezone.now())
    return render(request, "labs/critical_log.html", {"day": day, "rows": rows})


def _day(text):
    try:
        return parse_date(text)
    except ValueError:
        return None
