"""The pages on which an analyzer is set up: who speaks, what it says, what its codes are, who agrees to it."""

from django.contrib import messages
from django.core.paginator import Paginator
from django.http import Http404
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lab_integration import activation, coverage, drafts, dry_run, hearing, mapping, setting_up, words
from lab_integration.alarms import Alarm
from lab_integration.models import Analyzer, Opening, ProfileVersion
from lab_integration.setting_up_forms import (
    ROWS_A_PAGE,
    ActivateForm,
    CodeForms,
    ConnectionForm,
    DoorForm,
    HabitsForm,
    JsonForm,
)
from lab_integration.versions import differences
from mhac.accounts.permissions import needs, record_access
from mhac.labs import services as labs

PAYLOAD = "lab_integration.view_payload"


def _analyzer(request, pk):
    return get_object_or_404(Analyzer.objects.visible_to(request.user).select_related("clinic", "in_force"), pk=pk)


def _version(request, pk):
    rows = ProfileVersion.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("analyzer__clinic", "analyzer__in_force", "changed_by"), pk=pk)


@needs("lab_integration.view_analyzer")
def analyzers(request):
    """The analyzers of the sites, and who speaks here and is none of them."""
    user, now = request.user, timezone.now()
    context = {"analyzers": setting_up.rows(user), "strangers": setting_up.strangers(user, now)}
    context |= {"knocks": setting_up.knocks(now), "opening": Opening.objects.visible_to(user).standing(now).first()}
    context |= {"door": DoorForm(user=user), "may_set_up": user.has_perm("lab_integration.change_analyzer")}
    return render(request, "lab_integration/analyzers.html", context)


@needs("lab_integration.view_analyzer")
def tests_measured(request):
    """What the analyzers of each site measure; a fragment for the page on what is wrong with the tests."""
    return render(request, "lab_integration/coverage.html", {"sites": coverage.of_sites(request.user.sites())})


@needs("lab_integration.change_analyzer")
@require_POST
def listen_for_strangers(request):
    """For an hour whoever connects may speak: what comes is kept and answered, and filed nowhere."""
    form = DoorForm(request.POST, user=request.user)
    if form.is_valid():
        setting_up.listen_for_strangers(form.cleaned_data["clinic"], by=request.user, now=timezone.now())
        messages.success(request, _("Listening for one hour. Whoever connects now is shown here as soon as it speaks."))
    else:
        messages.error(request, _("Choose the site at which the analyzer stands."))
    return redirect("lab_integration:analyzers")


def _stranger(request):
    asked = request.GET.get("peer", ""), request.GET.get("transport", "")
    for one in setting_up.strangers(request.user, timezone.now()):
        if (one.peer, one.transport) == asked:
            return one
    raise Http404


@needs("lab_integration.view_analyzer")
def stranger(request):
    """What somebody says whom we do not know."""
    one = _stranger(request)
    heard = hearing.of_peer(setting_up.of_strangers(request.user, timezone.now()), one.peer, one.transport)
    return _listen(request, None, heard, {"stranger": one, "guess": hearing.guess_family(heard)})


@needs("lab_integration.view_analyzer")
def listen(request, pk):
    """What an analyzer says, as it comes. Ids and values only for who may see payloads."""
    analyzer = _analyzer(request, pk)
    return _listen(request, analyzer, hearing.of_analyzer(analyzer), {})


def _listen(request, analyzer, heard, context):
    payload = request.user.has_perm(PAYLOAD)
    profile = analyzer.settings if analyzer else hearing.NO_PROFILE
    context |= {"analyzer": analyzer, "heard": heard, "payload": payload, "codes": hearing.codes_seen(heard)}
    context |= {"place": hearing.specimen_place(heard, profile), "address": request.get_full_path()}
    if payload and heard and not request.htmx:
        record_access(request, analyzer or heard[0].stored, clinic=heard[0].stored.clinic, action="listen")
    part = "lab_integration/_heard.html" if request.htmx else "lab_integration/listen.html"
    return render(request, part, context)


@needs("lab_integration.change_analyzer")
def new_analyzer(request):
    """Set up a connection; with a peer in the address, that of a stranger who spoke."""
    peer = _stranger(request) if request.GET.get("peer") else None
    form = ConnectionForm(request.POST or None, request=request, initial=_beginning(request, peer))
    if request.method == "POST" and form.is_valid():
        try:
            made = setting_up.add(form.save(commit=False), by=request.user, stranger=peer)
            messages.success(request, _("%(name)s is listened to. Nothing is filed yet.") % {"name": made})
            return redirect("lab_integration:analyzer", made.pk)
        except drafts.Refused as why:
            form.add_error(None, str(why))
    context = {"form": form, "stranger": peer}
    return render(request, "lab_integration/analyzer_connection.html", context, status=422 if form.errors else 200)


def _beginning(request, peer):
    if peer is None:
        return {"family": request.GET.get("family", "")}
    heard = hearing.of_peer(setting_up.of_strangers(request.user, timezone.now()), peer.peer, peer.transport)
    guess = hearing.guess_family(heard)
    family = guess.family.key if guess else ""
    return {"clinic": peer.clinic, "addresses": [peer.peer], "dialect": peer.dialect, "family": family}


@needs("lab_integration.view_analyzer")
def analyzer(request, pk):
    """One analyzer: what is in force, what waits, and the steps of setting it up."""
    context = setting_up.overview(_analyzer(request, pk))
    return render(request, "lab_integration/analyzer.html", context)


@needs("lab_integration.change_analyzer")
def connection(request, pk):
    """Change where an analyzer speaks from; who may speak is looked at by a supervisor before anything is filed."""
    analyzer = _analyzer(request, pk)
    form = ConnectionForm(request.POST or None, request=request, instance=analyzer)
    if request.method == "POST" and form.is_valid():
        again = setting_up.change(form.save(commit=False), form.changes)
        text = _("%(name)s is saved. It is only listened to until a supervisor puts its profile in force again.")
        messages.success(request, (text if again else _("%(name)s is saved.")) % {"name": analyzer})
        return redirect("lab_integration:analyzer", analyzer.pk)
    context = {"form": form, "analyzer": analyzer}
    return render(request, "lab_integration/analyzer_connection.html", context, status=422 if form.errors else 200)


def _draft(analyzer):
    """The draft, its profile (or the one in force) and its revision."""
    draft = drafts.of(analyzer)
    return draft, (draft.profile if draft else analyzer.profile), (draft.revision if draft else 0)


@needs("lab_integration.change_profileversion")
def codes(request, pk):
    """What came and what it is: a table to decide, code by code."""
    analyzer, tests = _analyzer(request, pk), labs.tests_by_key()
    draft, profile, revision = _draft(analyzer)
    asked = request.GET.get("code", "")
    found = Paginator(mapping.lines(analyzer, drafts.settings(analyzer, profile), asked), ROWS_A_PAGE)
    page = found.get_page(request.GET.get("page"))
    form = CodeForms.of(request.POST or None, lines=list(page), tests=tests)
    if request.method == "POST" and form.is_valid():
        return _save_codes(request, analyzer, form)
    if request.method == "GET":
        record_access(request, analyzer, clinic=analyzer.clinic, action="codes")
    context = {"analyzer": analyzer, "draft": draft, "revision": revision, "form": form, "page": page, "tests": tests}
    context |= {"reasons": words.REASONS, "state_words": words.LINE_STATES}
    return render(request, "lab_integration/mapping.html", context, status=422 if form.is_bound else 200)


def _save_codes(request, analyzer, form):
    choices = form.choices
    if not choices:
        messages.info(request, _("Nothing was changed."))
    return _save(request, analyzer, lambda profile: mapping.changed(profile, choices, labs.tests_by_key()), "codes")


def _save(request, analyzer, change, page):
    """Write a change of the profile into the draft and say what became of it."""
    asked = request.POST.get("revision", "")
    try:
        kept = drafts.save(
            analyzer, change(_draft(analyzer)[1]), by=request.user, revision=int(asked) if asked.isdigit() else 0
        )
        messages.success(request, _("Version %(number)s is saved as a draft.") % {"number": kept.number})
    except drafts.Refused as why:
        messages.error(request, str(why))
    return redirect(f"lab_integration:{page}", analyzer.pk)


@needs("lab_integration.change_profileversion")
def habits(request, pk):
    """How it writes: where the id and the code stand, marks, words."""
    analyzer = _analyzer(request, pk)
    draft, profile, revision = _draft(analyzer)
    form = HabitsForm(request.POST or None, initial=setting_up.habits(profile))
    if request.method == "POST" and form.is_valid():
        return _save(request, analyzer, lambda old: setting_up.with_habits(old, form.cleaned_data), "habits")
    heard = hearing.of_analyzer(analyzer, drafts.settings(analyzer, profile))
    context = {"analyzer": analyzer, "draft": draft, "revision": revision, "form": form}
    context |= {"place": hearing.specimen_place(heard, drafts.settings(analyzer, profile))}
    return render(request, "lab_integration/analyzer_habits.html", context, status=422 if form.errors else 200)


@needs("lab_integration.change_profileversion")
def profile(request, pk):
    """The whole profile as JSON, for who knows its keys."""
    analyzer = _analyzer(request, pk)
    draft, kept, revision = _draft(analyzer)
    form = JsonForm(request.POST or None, initial={"profile": kept})
    if request.method == "POST" and form.is_valid():
        return _save(request, analyzer, lambda _old: form.cleaned_data["profile"], "profile")
    context = {"analyzer": analyzer, "draft": draft, "revision": revision, "form": form}
    return render(request, "lab_integration/analyzer_profile.html", context, status=422 if form.errors else 200)


@needs("lab_integration.view_analyzer")
def versions(request, pk):
    """Every version of a profile: who wrote it, who put it in force and why."""
    analyzer = _analyzer(request, pk)
    kept = analyzer.versions.select_related("changed_by", "activated_by", "based_on")
    page = Paginator(kept, ROWS_A_PAGE).get_page(request.GET.get("page"))
    for one in page:
        one.changes = differences(one.based_on.profile if one.based_on else {}, one.profile)
    return render(request, "lab_integration/analyzer_versions.html", {"analyzer": analyzer, "page": page})


@needs("lab_integration.activate_profileversion")
def activate(request, pk):
    """Look at what a version changes and put it in force: a person who wrote no part of it."""
    version = _version(request, pk)
    form = ActivateForm(request.POST or None, request=request, initial={"revision": version.revision})
    questions = mapping.open_questions(version.analyzer, drafts.settings(version.analyzer, version.profile))
    if request.method == "POST" and form.is_valid():
        given = {key: form.cleaned_data[key] for key in ("because", "revision")}
        try:
            count = len(questions) if form.cleaned_data["despite"] else 0
            activation.activate(version, by=request.user, despite=count, **given)
            return _in_force(request, version)
        except drafts.Refused as why:
            form.add_error(None, str(why))
    return _activate_page(request, version, form, questions)


def _in_force(request, version):
    messages.success(request, _("Version %(number)s is in force.") % {"number": version.number})
    return redirect("lab_integration:analyzer", version.analyzer_id)


def _activate_page(request, version, form, questions):
    before = version.analyzer.in_force
    changes = differences(before.profile if before else {}, version.profile)
    context = {"version": version, "analyzer": version.analyzer, "form": form, "questions": questions}
    context |= {"changes": changes, "own": request.user.pk in version.authors}
    return render(request, "lab_integration/analyzer_activate.html", context, status=422 if form.errors else 200)


@needs("lab_integration.change_profileversion")
@require_POST
def discard(request, pk):
    """Put a draft aside."""
    version = _version(request, pk)
    try:
        drafts.discard(version, by=request.user)
        messages.success(request, _("The draft was put aside; it stays on the list."))
    except drafts.Refused as why:
        messages.error(request, str(why))
    return redirect("lab_integration:analyzer", version.analyzer_id)


@needs("lab_integration.change_profileversion")
def dry(request, pk):
    """What would happen to the stored messages with this version; nothing is kept of it."""
    version = _version(request, pk)
    record_access(request, version.analyzer, clinic=version.analyzer.clinic, action="dry run")
    found = dry_run.run(version, timezone.now())
    context = {"version": version, "analyzer": version.analyzer, "run": found, "words": words}
    return render(request, "lab_integration/dry_run.html", context)


@needs("lab_integration.replay_message")
@require_POST
def replay_waiting(request, pk):
    """Read what was heard or held with the version in force."""
    analyzer = _analyzer(request, pk)
    try:
        found = activation.replay(analyzer, by=request.user)
        record_access(request, analyzer, clinic=analyzer.clinic, action="replay")
        messages.success(request, activation.told(found))
    except drafts.Refused as why:
        messages.error(request, str(why))
    return redirect("lab_integration:analyzer", analyzer.pk)


@needs("lab_integration.view_inbox")
def alarms(request):
    """What is wrong with the wire now: a page, and a part of other pages."""
    rows = Alarm.objects.visible_to(request.user).standing().select_related("analyzer", "acknowledged_by")
    shown = request.GET.get("wire") == "shown"  # the page says so itself
    rows = rows.exclude(kind=Alarm.Kind.WIRE) if shown else rows
    part = "lab_integration/_alarm_rows.html" if request.htmx else "lab_integration/alarms.html"
    return render(request, part, {"alarms": rows, "wire_shown": shown})


@needs("lab_integration.acknowledge_alarm")
@require_POST
def acknowledge(request, pk):
    """Say that an alarm was seen; it stands until its cause ends."""
    alarm = get_object_or_404(Alarm.objects.visible_to(request.user).standing(), pk=pk)
    Alarm.objects.visible_to(request.user).filter(pk=alarm.pk, acknowledged_by__isnull=True).update(
        acknowledged_by=request.user, acknowledged_at=timezone.now()
    )
    return redirect("lab_integration:alarms")
