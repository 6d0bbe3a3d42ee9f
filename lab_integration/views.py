"""The inbox of the wire: what waits, what a message said, and what a person decides of it."""

from functools import partial

from django.contrib import messages
from django.db import transaction
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.http import require_POST

from lab_integration import by_hand, conformance, controls, receive, send, shown, words
from lab_integration import inbox as lists
from lab_integration.forms import ChooseForm, DismissForm, ProposeForm
from lab_integration.models import Proposal, ReceivedLine, ReceivedMessage, SentMessage
from mhac.accounts.permissions import needs, record_access
from mhac.labs import services as labs

# -- lists ------------------------------------------------------------------------------------------------------------


@needs("lab_integration.view_inbox")
def inbox(request):
    """Messages, rows, proposals and orders that wait for a person, and what was dismissed. Values only for who may
    see payloads."""
    user, choice = request.user, lists.Choice.of(request.GET)
    context = {"choice": choice, "page": lists.list_of(user, choice), "counts": lists.counts(user)}
    context |= {"bulk": lists.bulk(user, choice), "ages": lists.AGES, "words": words, "form": DismissForm()}
    context |= {"wire": lists.wire(user, timezone.now())} | lists.choices(user)
    return render(request, "lab_integration/inbox.html", context)


@needs("lab_integration.view_inbox")
def unmatched_controls(request):
    """Controls of the analyzers that fitted no target and became no run."""
    values = {"lines": controls.unmatched(request.user)}
    return render(request, "lab_integration/controls.html", values)


def _back(choice):
    return redirect(reverse("lab_integration:inbox") + "?" + choice.address)


@needs("lab_integration.replay_message")
@require_POST
def replay_all(request):
    """Read again every message that waits for the chosen reason, as far as the page showed them."""
    choice = lists.Choice.of(request.POST)
    rows = lists.chosen(request.user, choice, request.POST.get("until", ""))
    if choice.tab == "lines":
        rows = ReceivedMessage.objects.visible_to(request.user).filter(pk__in=rows.values("message"))
    _say(request, by_hand.in_bulk(rows, partial(_replay, request)), _("Read again: %(tried)s."))
    return _back(choice)


@needs("lab_integration.dismiss_message")
@require_POST
def dismiss_all(request):
    """Dismiss every message, or row, that waits for the chosen reason, as far as the page showed them."""
    choice, form = lists.Choice.of(request.POST), DismissForm(request.POST)
    rows = lists.chosen(request.user, choice, request.POST.get("until", ""))
    if not form.is_valid():
        messages.error(request, form.errors["because"][0])
        return _back(choice)
    act = _dismiss_line if choice.tab == "lines" else _dismiss
    summary = by_hand.in_bulk(rows, partial(act, request, form.cleaned_data["because"]))
    _say(request, summary, _("Dismissed: %(settled)s. They stand under “Dismissed” and can be taken back."))
    return _back(choice)


def _say(request, summary, text):
    said = [text % {"tried": summary.tried, "settled": summary.settled}]
    if summary.waiting:
        said.append(ngettext("%(n)s waits still.", "%(n)s wait still.", summary.waiting) % {"n": summary.waiting})
    if summary.left:
        said.append(_("%(n)s were not tried yet: press again.") % {"n": summary.left})
    messages.info(request, " ".join(said))


# -- one message ------------------------------------------------------------------------------------------------------


def _message(request, key):
    rows = ReceivedMessage.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("analyzer__clinic", "clinic", "dismissed_by"), pk=key)


@needs("lab_integration.view_payload")
@transaction.atomic
def message(request, pk):
    """One message: its bytes, its segments, and what became of every row. Opening it is written down."""
    row = _message(request, pk)
    record_access(request, row, clinic=row.clinic)
    return _message_page(request, row, DismissForm(), 200)


def _message_page(request, row, form, status):
    lines, read = shown.lines(row), shown.parsed(row)
    strangers = shown.strangers(row, lines)
    context = {"message": row, "lines": lines, "states": shown.by_state(lines), "form": form, "choose": ChooseForm()}
    context |= {"segments": shown.segments(read), "raw": shown.raw(row.body), "reply": shown.raw(row.reply)}
    context |= {"control": shown.visible(row.control_id), "type": shown.visible(row.type)}
    context |= {"sentence": words.message_reason(row), "colour": words.colour(row.state, waits=True)}
    context |= {"reason": shown.visible(row.reason), "unbalanced": words.OUT_OF_BALANCE}
    context |= {"balance": shown.balance_of(row, read, lines), "waits": row.state in ReceivedMessage.WAITING}
    context |= {"strangers": _with_suggestions(row, strangers, lines), "propose": ProposeForm(auto_id=False)}
    context["may"] = labs.held_by(request.user, row.clinic_id)
    return render(request, "lab_integration/message.html", context, status=status)


def _with_suggestions(row, strangers, lines):
    """Each strange number's first line with its suggestions and the proposal that waits for it."""
    likely = shown.suggest([row], lines, timezone.now()) if strangers else {}
    proposals = Proposal.objects.waiting().filter(line__message=row).select_related("proposed_by")
    waiting = {one.line_id: one for one in proposals} if strangers else {}
    return [(line, likely.get((row.pk, line.specimen_id), []), waiting.get(line.pk)) for line in strangers]


@needs("lab_integration.view_payload")
@transaction.atomic
def hexadecimal(request, pk):
    """The bytes of a message, sixteen a row, 4,096 a page. Each page that is opened is written down."""
    row = _message(request, pk)
    start = request.GET.get("from", "")
    page = shown.hexadecimal(bytes(row.body), int(start) if start.isdecimal() and len(start) < 12 else 0)
    record_access(request, row, clinic=row.clinic, note=f"bytes {page.start}-{page.end}")
    return render(request, "lab_integration/bytes.html", {"message": row, "page": page})


@needs("lab_integration.view_payload")
@transaction.atomic
def download(request, pk):
    """The exact bytes of a message as a file."""
    row = _message(request, pk)
    record_access(request, row, clinic=row.clinic, action="download")
    response = HttpResponse(bytes(row.body), content_type="application/octet-stream")
    response["Content-Disposition"] = f'attachment; filename="message-{row.pk}.bin"'
    return response


@needs("lab_integration.view_payload")
@transaction.atomic
def examine(request, pk):
    """What is not as HL7 says in a message that came, for its vendor; `?as=text` as a file."""
    row = _message(request, pk)
    record_access(request, row, clinic=row.clinic, note="conformance")
    charset = row.analyzer.settings.charset if row.analyzer else ""
    report = conformance.examine(bytes(row.body), row.transport, charset)
    return _report(request, row, report, reverse("lab_integration:message", args=[row.pk]))


@needs("lab_integration.view_payload")
@transaction.atomic
def examine_sent(request, pk):
    """What is not as HL7 says in a message that we sent."""
    row = _sent(request, pk)
    record_access(request, row, clinic=row.analyzer.clinic, note="conformance")
    report = conformance.examine(bytes(row.body), "mllp")
    return _report(request, row, report, reverse("lab_integration:sent", args=[row.pk]))


def _report(request, row, report, back):
    if request.GET.get("as") != "text":
        return render(request, "lab_integration/conformance.html", {"row": row, "report": report, "back": back})
    about = [f"Conformance report on message {row.pk}", f"Type: {shown.visible(row.type)}", f"Analyzer: {row.analyzer}"]
    response = HttpResponse(conformance.written(report, about), content_type="text/plain; charset=utf-8")
    response["Content-Disposition"] = f'attachment; filename="conformance-{row.pk}.txt"'
    return response


# -- orders that we sent ----------------------------------------------------------------------------------------------


def _sent(request, key):
    rows = SentMessage.objects.visible_to(request.user)
    return get_object_or_404(rows.select_related("analyzer__clinic"), pk=key)


@needs("lab_integration.view_payload")
@transaction.atomic
def sent(request, pk):
    """One order that we sent: what became of each test, its bytes and its answer. Opening it is written down."""
    row = _sent(request, pk)
    record_access(request, row, clinic=row.analyzer.clinic)
    context = {"message": row, "steps": row.steps.order_by("pk"), "reason": shown.visible(row.reason)}
    context |= {"raw": shown.raw(row.body), "reply": shown.raw(row.reply), "words": words}
    return render(request, "lab_integration/sent.html", context)


# -- what a person decides --------------------------------------------------------------------------------------------


def _replay(request, row):
    row = receive.process(row.pk, timezone.now(), by=request.user)
    record_access(request, row, clinic=row.clinic, action="replay")
    return row


def _dismiss(request, because, row):
    row = by_hand.dismiss(row, by=request.user, because=because)
    record_access(request, row, clinic=row.clinic, action="dismiss", note=because)
    return row


def _dismiss_line(request, because, line):
    line = by_hand.dismiss_line(line, by=request.user, because=because)
    record_access(request, line, clinic=line.message.clinic, action="dismiss", note=because)
    return line


@needs("lab_integration.replay_message")
@require_POST
def replay(request, pk):
    """Read a message again, with the profile and the orders of now."""
    row = _replay(request, _message(request, pk))
    messages.info(request, _("Read again. It is now: %(state)s.") % {"state": row.get_state_display()})
    return redirect("lab_integration:message", row.pk)


@needs("lab_integration.replay_message")
@require_POST
def send_again(request, pk):
    """Order anew, under new numbers, what an analyzer refused or never answered."""
    row = _sent(request, pk)
    again = send.send_again(row, timezone.now())
    record_access(request, row, clinic=row.analyzer.clinic, action="replay")
    if again and again.state == SentMessage.State.HELD:
        messages.warning(request, _("It still cannot be written. Read below what stops it."))
    else:
        messages.info(request, _("It is sent again.") if again else _("Nothing of it has to be sent again."))
    return redirect("lab_integration:sent", (again or row).pk)


@needs("lab_integration.dismiss_message")
@require_POST
def dismiss(request, pk):
    """Take a message off the list, with a reason."""
    row, form = _message(request, pk), DismissForm(request.POST)
    if not form.is_valid():
        return _message_page(request, row, form, 422)
    try:
        _dismiss(request, form.cleaned_data["because"], row)
        messages.success(request, _("Dismissed. It stands under “Dismissed” and can be taken back."))
    except by_hand.Refused as why:
        messages.error(request, str(why))
    return redirect("lab_integration:inbox")


@needs("lab_integration.dismiss_message")
@require_POST
def restore(request, pk):
    """Put a dismissed message back on the list."""
    row = _message(request, pk)
    return _act(request, row, partial(_restore, request, row), _("It is back on the list."))


def _restore(request, row):
    because = row.dismissed_because
    by_hand.restore(row, by=request.user)
    record_access(request, row, clinic=row.clinic, action="restore", note=because)


def _act(request, row, act, done):
    """Do it and say so, or say why not; then the message's page, for who may see it."""
    try:
        act()
        messages.success(request, done)
    except by_hand.Refused as why:
        messages.error(request, str(why))
    return redirect("lab_integration:message", row.pk)


def _line(request, key):
    lines = ReceivedLine.objects.visible_to(request.user)
    return get_object_or_404(lines.select_related("message__clinic"), pk=key)


def _form_act(request, line, form, act, done):
    if not form.is_valid():
        messages.error(request, next(iter(form.errors.values()))[0])
        return redirect("lab_integration:message", line.message_id)
    return _act(request, line.message, act, done)


@needs("lab_integration.dismiss_message")
@require_POST
def dismiss_line(request, pk):
    """Take one row off the list, with a reason; the others of its message stay."""
    line, form = _line(request, pk), DismissForm(request.POST)
    act = partial(_dismiss_line, request, form.data.get("because", ""), line)
    return _form_act(request, line, form, act, _("Dismissed. It stands under “Dismissed” and can be taken back."))


@needs("lab_integration.dismiss_message")
@require_POST
def restore_line(request, pk):
    """Let a dismissed row wait again."""
    line = _line(request, pk)
    return _act(request, line.message, partial(_restore_line, request, line), _("It is back on the list."))


def _restore_line(request, line):
    because = line.dismissed_because
    by_hand.restore_line(line, by=request.user)
    record_access(request, line, clinic=line.message.clinic, action="restore", note=because)


@needs("lab_integration.replay_message")
@require_POST
def choose(request, pk):
    """Let a value that conflicts, or a second run, count instead of the one that stands."""
    line, form = _line(request, pk), ChooseForm(request.POST)
    act = partial(by_hand.choose, line, by=request.user, because=form.data.get("because", ""))
    return _form_act(request, line, form, act, _("This value counts now. It waits for somebody else to verify it."))


@needs("lab_integration.propose_match")
@require_POST
def propose(request, pk):
    """Say whose tube the rows of a strange number were, with a second identifier and a reason."""
    line, form = _line(request, pk), ProposeForm(request.POST)
    given = form.cleaned_data if form.is_valid() else {}
    act = partial(by_hand.propose, line, by=request.user, **given)
    return _form_act(request, line, form, act, _("Proposed. Somebody else confirms it, and then the rows are filed."))


def _proposal(request, key):
    rows = Proposal.objects.visible_to(request.user)
    if request.user.acting == "lab_integration.propose_match":
        rows = rows.filter(proposed_by=request.user)
    return get_object_or_404(rows.select_related("line__message__clinic", "proposed_by"), pk=key)


@needs("lab_integration.confirm_match")
@require_POST
def confirm(request, pk):
    """Let the rows be that tube's, as somebody else proposed."""
    made = _proposal(request, pk)
    act = partial(by_hand.confirm, made, by=request.user)
    return _act(request, made.line.message, act, _("Confirmed: the rows are that tube's now. Verify what was filed."))


@needs("lab_integration.confirm_match", "lab_integration.propose_match")
@require_POST
def refuse(request, pk):
    """The rows were not that tube's: they wait on. A proposer may take back her own."""
    made, form = _proposal(request, pk), DismissForm(request.POST)
    act = partial(by_hand.refuse, made, by=request.user, because=form.data.get("because", ""))
    return _form_act(request, made.line, form, act, _("The proposal is refused. The rows wait on."))
