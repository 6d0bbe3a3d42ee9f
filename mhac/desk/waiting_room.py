"""The board in the waiting room: tickets and where they are called to, in three languages, and nothing about anybody.

It opens by a site's display key on a screen where nobody signs in, or for staff. The manager makes and revokes keys and
sets how long people may wait.
"""

import time
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.contrib import messages
from django.core.cache import cache
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone, translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from django.views.decorators.http import require_GET, require_POST

from mhac.accounts import once
from mhac.accounts.permissions import needs, open_to_all
from mhac.accounts.sitting import quiet
from mhac.appointments import services
from mhac.appointments.models import DisplayKey, Visit, WaitingLimit
from mhac.patients.models import IdentityCheck

REFRESH_SECONDS = 8
# Wrong keys that one address may try in a minute before it is told to go away.
TRIES_A_MINUTE = 20
CALLED_SHOWN, WAITING_SHOWN = 8, 60
TICKET, ROOM, CALLED, WAITING, NOBODY = (
    gettext_lazy("Ticket"),
    gettext_lazy("Room"),
    gettext_lazy("Called now"),
    gettext_lazy("Waiting"),
    gettext_lazy("Please wait until your number is shown."),
)


class LimitForm(forms.ModelForm):
    """The waiting times of one station."""

    class Meta:
        model = WaitingLimit
        fields = ["amber", "red", "usual", "back_after"]
        widgets = {name: forms.NumberInput({"class": "form-control form-control-sm"}) for name in fields}

    def clean(self):
        values = super().clean()
        if values.get("amber") and values.get("red") and values["red"] <= values["amber"]:
            self.add_error("red", _("Red comes after amber: write more minutes here."))
        return values


class ScreenForm(forms.Form):
    place = forms.CharField(
        label=gettext_lazy("Where the screen hangs"), max_length=60, widget=forms.TextInput({"dir": "auto"})
    )


@quiet
@require_GET
@open_to_all
def screen(request, key):
    """The board for a screen with this display key. Any other key is nowhere, and who tries many is sent away."""
    if (opened := _opened(key)) is None:
        return HttpResponse(status=429 if _tries_too_often(request) else 404)
    return _board(request, opened.clinic)


@quiet
@require_GET
@needs("appointments.view_waitingroom")
def board(request):
    """The same board for who is signed in; it keeps nobody signed in."""
    sites = request.user.sites()
    return _board(request, sites.filter(code=request.GET.get("site", "")).first() or sites[0])


@needs("appointments.view_timetable")
def waiting_times(request):
    """How long people may wait at each station, and the screens of the waiting room."""
    clinic = _site(request)
    rows = _limit_forms(clinic, request.POST if request.method == "POST" else None)
    if request.method == "POST" and _may_change(request) and all(form.is_valid() for form in rows):
        limits = {form.instance.station: form.instance for form in rows}
        services.set_waiting_limits(clinic, limits, by=request.user)
        messages.success(request, _("The waiting times are saved."))
        return redirect(_address(clinic))
    return _settings(request, clinic, rows)


@require_POST
@needs("appointments.change_timetable")
def make_key(request):
    clinic, form = _site(request), ScreenForm(request.POST)
    if not form.is_valid():
        return _settings(request, clinic, _limit_forms(clinic), form=form)
    key, secret = services.make_display_key(clinic, place=form.cleaned_data["place"], by=request.user)
    address = request.build_absolute_uri(reverse("desk:waiting_room", args=[secret]))
    shown = _settings(request, clinic, _limit_forms(clinic), made=(key, address))
    return once.done(shown, _address(clinic))


@require_POST
@needs("appointments.change_timetable")
def revoke_key(request, key):
    key = get_object_or_404(DisplayKey.objects.visible_to(request.user).select_related("clinic"), pk=key)
    services.revoke_display_key(key, by=request.user)
    messages.success(request, _("The screen shows nothing from now on."))
    return redirect(_address(key.clinic))


def _opened(key):
    """What the key opens: who brings the right one is nobody in particular, so there is no user to ask about."""
    return DisplayKey.objects.opened_by(key)


def _board(request, clinic):
    called, waiting = _tickets(clinic)
    context = {
        "words": {"called": _in_three(CALLED), "waiting": _in_three(WAITING), "nobody": _in_three(NOBODY)},
        "room": _in_three(ROOM),
        "ticket": _in_three(TICKET),
        "called": called,
        "waiting": waiting,
        "clock": f"{timezone.localtime(timezone=ZoneInfo(clinic.timezone)):%H:%M}",
        "refresh": REFRESH_SECONDS,
    }
    return render(request, "desk/waiting_room.html", context)


def _tickets(clinic):
    """What the board shows of today: who is called (the last one first) and who waits, by station, as numbers."""
    rows = Visit.objects.on(clinic, clinic.today()).filter(state__in=[Visit.State.CALLED, Visit.State.WAITING])
    shown = ("state", "station", "room", "booking__ticket", "called_at")
    rows = list(rows.order_by("booking__ticket").values_list(*shown))
    names = {station: _in_three(label) for station, label in IdentityCheck.Station.choices}
    calls = sorted((row for row in rows if row[0] == Visit.State.CALLED), key=lambda row: row[4], reverse=True)
    called = [(ticket, names[station], room) for _state, station, room, ticket, _at in calls[:CALLED_SHOWN]]
    # In the order of the numbers: the order in which people are called would tell who goes before others.
    waiting = {}
    for state, station, _room, ticket, _at in rows:
        if state == Visit.State.WAITING:
            waiting.setdefault(station, []).append(ticket)
    return called, [(names[station], tickets[:WAITING_SHOWN]) for station, tickets in waiting.items()]


def _in_three(words):
    """The same words in every language of the house: [(code, words)]; what two languages say alike is said once."""
    found = {}
    for code, _name in settings.LANGUAGES:
        with translation.override(code):
            found.setdefault(str(words), code)
    return [(code, said) for said, code in found.items()]


def _tries_too_often(request):
    key = f"display:{request.META['REMOTE_ADDR']}:{int(time.time() // 60)}"
    cache.add(key, 0, 120)
    return cache.incr(key) > TRIES_A_MINUTE


def _site(request):
    sites = request.user.sites()
    return sites.filter(code=request.GET.get("site", "")).first() or get_object_or_404(sites[:1])


def _address(clinic):
    return f"{reverse('desk:waiting_times')}?site={clinic.code}"


def _may_change(request):
    return request.user.has_perm("appointments.change_timetable")


def _limit_forms(clinic, data=None):
    limits = WaitingLimit.of(clinic)
    return [LimitForm(data, prefix=station, instance=limit) for station, limit in limits.items()]


def _settings(request, clinic, limits, form=None, made=None):
    refused = any(each.errors for each in limits) or (form is not None and form.errors)
    context = {
        "clinic": clinic,
        "sites": request.user.sites(),
        "limits": limits,
        "form": form or ScreenForm(),
        "made": made,
        "keys": DisplayKey.objects.standing().filter(clinic=clinic).select_related("made_by"),
    }
    return render(request, "desk/waiting_times.html", context, status=409 if refused else 200)
