"""Today: the list from which every room works, and the radiographer's part of it."""

import datetime

from django.shortcuts import render

from mhac.accounts.permissions import needs
from mhac.appointments.forms import DayForm
from mhac.desk import board, clock, intake


@needs("appointments.view_booking")
def today(request):
    sites = list(request.user.sites())
    clinic = next((site for site in sites if site.code == request.GET.get("site")), sites[0])
    day = DayForm(request.GET).chosen(clinic.today())
    context = {"sites": sites, "clinic": clinic, "day": day, "station": board.station_of(request.user)}
    context |= {"board": board.of(clinic, day, request.user), "is_open": clinic.is_open_on(day)}
    context["standings"] = intake.other_than_open(clinic, day)
    context |= _beside(day, clinic.today())
    if request.htmx:
        return render(request, "desk/today.html#board", context)
    return render(request, "desk/today.html", context | {"soon": clock.ends_soon(request.user)})


@needs("exams.view_chestxray")
def waiting_for_film(request):
    found = [(site, board.waiting_for_film(site, request.user)) for site in request.user.sites()]
    part = "desk/waiting_for_film.html#panel" if request.htmx else "desk/waiting_for_film.html"
    return render(request, part, {"found": found})


def _beside(day, today):
    one = datetime.timedelta(days=1)
    return {"before": day - one, "after": day + one, "is_today": day == today, "is_past": day < today}
