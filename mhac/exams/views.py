from django.contrib import messages
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST
from django_htmx.http import trigger_client_event

from mhac.accounts import once
from mhac.accounts.permissions import needs, record_access
from mhac.exams import services
from mhac.exams.forms import FilmForm, PregnancyForm, ReadingForm, VitalsForm
from mhac.exams.history import HistoryForm
from mhac.exams.models import ChestXray
from mhac.exams.physical import PhysicalExamForm
from mhac.screenings.models import Screening

READ_LATELY = 15


@needs("exams.change_medicalhistory")
def vitals(request, screening):
    return _page(request, _screening(request, screening), VitalsForm, "exams/vitals.html")


@needs("exams.change_medicalhistory")
def history(request, screening):
    return _page(request, _screening(request, screening), HistoryForm, "exams/history.html")


@needs("exams.change_medicalhistory")
def pregnancy(request, screening):
    return _page(request, _screening(request, screening), PregnancyForm, "exams/pregnancy.html")


@needs("exams.change_physicalexam")
def exam(request, screening):
    return _page(request, _screening(request, screening), PhysicalExamForm, "exams/exam.html")


@needs("exams.view_chestxray")
def films(request):
    """What waits to be read, the longest first, and what was read lately. Who waits for a film is the desk's panel."""
    found = ChestXray.objects.visible_to(request.user).whole()
    unread, read = found.unread().order_by("id"), found.exclude(read_at=None).order_by("-read_at")
    return render(request, "exams/films.html", {"unread": unread, "read": read[:READ_LATELY]})


@needs("exams.view_chestxray")
def film(request, screening):
    screening = _screening(request, screening)
    record_access(request, screening, clinic=screening.clinic)
    return _film_page(request, screening, FilmForm(screening=screening))


@require_POST
@needs("exams.add_chestxray")
def take_film(request, screening):
    screening = _screening(request, screening)
    form = FilmForm(request.POST, screening=screening)
    if form.is_valid() and _done(form, services.take_film, screening, by=request.user, **form.cleaned_data):
        messages.success(request, _("The film is noted. It waits for its reading."))
        return redirect("exams:film", screening.pk)
    return _film_page(request, screening, form, status=409)


@needs("exams.read_chestxray")
def read(request, film):
    film = get_object_or_404(ChestXray.objects.visible_to(request.user).whole(), pk=film)
    screening = film.screening
    form = ReadingForm(request.POST or None, screening=screening, instance=film)
    if form.is_valid() and _done(form, services.read_film, film, **form.reading(), by=request.user):
        messages.success(request, _("The reading is signed."))
        return redirect("exams:films")
    if request.method == "GET":
        record_access(request, film, clinic=screening.clinic)
    return render(request, "exams/read.html", _about(screening) | {"form": form, "film": film})


def _screening(request, key):
    return get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=key)


def _about(screening):
    """What every page about one person shows."""
    return {"screening": screening, "age": screening.person.age_on(screening.clinic.today())}


def _page(request, screening, form_class, template):
    """A page with one form: shown, saved, or refused with a sentence. htmx gets the form alone."""
    if request.method == "POST" and screening.is_open:
        form = form_class(request.POST, screening=screening)
        if not (form.is_valid() and _done(form, services.record, form.save(), by=request.user)):
            return _shown(request, template, screening, form)
        messages.success(request, form.said)
        if not request.htmx:
            return redirect(request.path)
        fresh = _shown(request, template, screening, form_class(screening=screening))
        return once.done(trigger_client_event(fresh, "facts-changed"), request.path)
    form = form_class(screening=screening)
    if request.method == "POST":
        messages.error(request, services.why_closed(screening))
        return _shown(request, template, screening, form, status=200 if request.htmx else 409)
    record_access(request, screening, clinic=screening.clinic)
    return _shown(request, template, screening, form)


def _done(form, service, *subjects, **details):
    """Whether the service did it; where it refused, its sentence stands in the form."""
    try:
        service(*subjects, **details)
    except services.Refused as refusal:
        form.add_error(None, str(refusal))
        return False
    return True


def _shown(request, template, screening, form, status=200):
    part = f"{template}#work" if request.htmx else template
    return render(request, part, _about(screening) | {"form": form}, status=status)


def _film_page(request, screening, form, status=200):
    today = screening.clinic.today()
    context = {
        "form": form,
        "films": ChestXray.objects.filter(screening=screening).select_related("taken_by", "read_by"),
        "put_off": services.film_put_off(screening, today),
        "is_compared": services.is_compared_in_radiology(screening, today),
    }
    return render(request, "exams/film.html", _about(screening) | context, status=status)
