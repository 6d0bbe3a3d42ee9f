"""The inbox of the wire: what waits, what a message said, and the analyzers."""

from django.contrib import messages
from django.db import transaction
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.http import require_POST

from lab_integration import by_hand, families, receive, words
from lab_integration import inbox as shown
from lab_integration.forms import AnalyzerForm, ChooseForm, DismissForm, MatchForm
from lab_integration.models import Analyzer, ReceivedLine, ReceivedMessage
from mhac.accounts.permissions import needs, record_access

TABS = ("messages", "lines", "orders")


@needs("lab_integration.view_inbox")
def inbox(request):
    """Messages, lines and orders that wait for a person. Values only for who may see payloads."""
    user, after = request.user, shown.key_of(request.GET.get("after", ""))
    tab = request.GET.get("tab") if request.GET.get("tab") in TABS else "messages"
    state = request.GET.get("state") if request.GET.get("state") in ReceivedMessage.State.values else ""
    rows = {
        "messages": lambda: shown.messages(user, state, after),
        "lines": lambda: shown.lines(user, after),
        "orders": lambda: shown.orders(user, after),
    }[tab]()
    context = {"page": rows, "tab": tab, "state": state, "after": after, "counts": shown.counts(user)}
    context |= {"wire": shown.wire(user, timezone.now()), "words": words, "states": ReceivedMessage.State.choices}
    return render(request, "lab_integration/inbox.html", context)


@needs("lab_integration.view_payload")
@transaction.atomic
def message(request, pk):
    """One message: its bytes, its segments, and what became of every row. Opening it is written down."""
    row = get_object_or_404(ReceivedMessage.objects.visible_to(request.user).select_related("analyzer"), pk=pk)
    record_access(request, row, clinic=row.clinic)
    return _message_page(request, row, DismissForm(), 200)


def _message_page(request, row, form, status):
    lines = shown.shown_lines(row)
    context = {"message": row, "lines": lines, "balance": shown.by_state(lines), "form": form, "choose": ChooseForm()}
    context |= {"segments": shown.segments(row), "raw": shown.raw(row), "reply": _reply(row)}
    context |= {"sentence": words.message_reason(row), "colour": words.colour(row.state, waits=True)}
    context["strangers"] = {line.specimen_id: line for line in lines if line.state == by_hand.UNMATCHED}.values()
    context["match"] = MatchForm(auto_id=False)
    context["waits"] = row.state in ReceivedMessage.WAITING
    return render(request, "lab_integration/message.html", context, status=status)


def _reply(row):
    said = bytes(row.reply or b"").decode("utf-8", "backslashreplace")
    return [shown.visible(line) for line in said.split("\r") if line]


@needs("lab_integration.replay_message")
@require_POST
def replay(request, pk):
    """Read a message again, with the profile and the orders of now."""
    row = get_object_or_404(ReceivedMessage.objects.visible_to(request.user), pk=pk)
    row = receive.process(row.pk, timezone.now(), by=request.user)
    record_access(request, row, clinic=row.clinic, action="replay")
    messages.info(request, _("Read again. It is now: %(state)s.") % {"state": row.get_state_display()})
    return redirect("lab_integration:message", row.pk)


@needs("lab_integration.dismiss_message")
@require_POST
def dismiss(request, pk):
    """Take a message off the list, with a reason."""
    row = get_object_or_404(ReceivedMessage.objects.visible_to(request.user), pk=pk)
    form = DismissForm(request.POST)
    if not form.is_valid():
        return _message_page(request, row, form, 422)
    try:
        by_hand.dismiss(row, by=request.user, because=form.cleaned_data["because"])
    except by_hand.Refused as why:
        messages.error(request, str(why))
    return redirect("lab_integration:inbox")


@needs("lab_integration.replay_message")
@require_POST
def choose(request, pk):
    """Let a value that conflicts, or a second run, count instead of the one that stands."""
    lines = ReceivedLine.objects.visible_to(request.user).select_related("message")
    line, form = get_object_or_404(lines, pk=pk), ChooseForm(request.POST)
    try:
        if not form.is_valid():
            raise by_hand.Refused(form.errors["because"][0])
        by_hand.choose(line, by=request.user, because=form.cleaned_data["because"])
        messages.success(request, _("This value counts now. It waits for somebody else to verify it."))
    except by_hand.Refused as why:
        messages.error(request, str(why))
    return redirect("lab_integration:message", line.message_id)


@needs("lab_integration.replay_message")
@require_POST
def match(request, pk):
    """Give the rows of an unmatched specimen to the tube it was, with a second identifier and a reason."""
    lines = ReceivedLine.objects.visible_to(request.user).select_related("message")
    line, form = get_object_or_404(lines, pk=pk), MatchForm(request.POST)
    try:
        if not form.is_valid():
            raise by_hand.Refused(_("Give the number on the label, the birth date, and how this was found out."))
        given = form.cleaned_data
        by_hand.match(
            line, given["accession"], birth_date=given["birth_date"], by=request.user, because=given["because"]
        )
        messages.success(request, _("The rows belong to that specimen now. Somebody else verifies what was filed."))
    except by_hand.Refused as why:
        messages.error(request, str(why))
    return redirect("lab_integration:message", line.message_id)


@needs("lab_integration.view_analyzer")
def analyzers(request):
    """The analyzers of the sites, with the last sign of life of each."""
    context = {
        "analyzers": shown.analyzers(request.user, timezone.now()),
        "wire": shown.wire(request.user, timezone.now()),
    }
    return render(request, "lab_integration/analyzers.html", context)


@needs("lab_integration.change_analyzer")
def analyzer(request, pk=None):
    """Set up an analyzer, or change one. A profile that cannot be read is refused with the place of the fault."""
    known = Analyzer.objects.visible_to(request.user)
    instance = get_object_or_404(known, pk=pk) if pk else None
    start = {} if pk else families.beginning(request.GET.get("family", ""))
    form = AnalyzerForm(request.POST or None, user=request.user, instance=instance, initial=start)
    if request.method == "POST" and form.is_valid():
        saved = form.save()
        messages.success(request, _("%(name)s is saved.") % {"name": saved})
        return redirect("lab_integration:analyzers")
    context = {"form": form, "families": families.families(), "family": request.GET.get("family", "")}
    return render(request, "lab_integration/analyzer.html", context, status=422 if form.errors else 200)
