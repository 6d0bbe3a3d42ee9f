"""What a person decides: that nothing more is to be done, that another value counts, whose tube it was."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from typing import Any

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from lab_integration import lines, observations, receive
from lab_integration.models import Proposal, ReceivedLine, ReceivedMessage
from lab_integration.profile import Profile
from lab_integration.reading import Mapped, map_rows
from mhac.labs import services as labs

UNMATCHED = "UNMATCHED_SPECIMEN"
DISMISSED = "DISMISSED"
AT_ONCE = 200  # messages that one press reads again or dismisses; what is left is said


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""


# -- nothing more is to be done, and taking that back -----------------------------------------------------------------


@transaction.atomic
def dismiss(message: ReceivedMessage, *, by: Any, because: str) -> ReceivedMessage:
    """Take a message that waits off the list; its bytes and lines stay. Raises Refused when it does not wait."""
    row = ReceivedMessage.objects.select_for_update().get(pk=message.pk)
    if row.state not in ReceivedMessage.WAITING:
        raise Refused(_("This message does not wait any more. Open it to see what became of it."))
    row.dismissed_from, row.state = row.state, ReceivedMessage.State.DISMISSED
    row.dismissed_by, row.dismissed_because, row.dismissed_at = by, because, timezone.now()
    row.save(update_fields=["state", "dismissed_by", "dismissed_because", "dismissed_at", "dismissed_from"])
    return row


@transaction.atomic
def dismiss_line(line: ReceivedLine, *, by: Any, because: str) -> ReceivedLine:
    """Take one waiting row off the list; its message waits no more when it was the last. Raises Refused."""
    row = _message(line)
    line = row.lines.select_for_update(of=("self",)).get(pk=line.pk)
    if not line.waits or row.state not in ReceivedMessage.WAITING:
        raise Refused(_("This row does not wait any more. Open its message to see what became of it."))
    line.dismissed_from, line.state = line.state, DISMISSED
    line.dismissed_by, line.dismissed_because, line.dismissed_at = by, because, timezone.now()
    line.save(update_fields=["state", "dismissed_by", "dismissed_because", "dismissed_at", "dismissed_from"])
    _settle(row)
    return line


@transaction.atomic
def restore(message: ReceivedMessage, *, by: Any) -> ReceivedMessage:
    """Put a dismissed message back where it was. Raises Refused when it is not dismissed."""
    row = ReceivedMessage.objects.select_for_update().get(pk=message.pk)
    if row.state != DISMISSED:
        raise Refused(_("This is not dismissed any more. Open the message to see what became of it."))
    row.state = row.dismissed_from or ReceivedMessage.State.HELD
    row.dismissed_by, row.dismissed_because, row.dismissed_at, row.dismissed_from = None, "", None, ""
    row.save(update_fields=["state", "dismissed_by", "dismissed_because", "dismissed_at", "dismissed_from"])
    return row


@transaction.atomic
def restore_line(line: ReceivedLine, *, by: Any) -> ReceivedLine:
    """Let a dismissed row wait again. Raises Refused when it is not dismissed."""
    row = _message(line)
    line = row.lines.select_for_update(of=("self",)).get(pk=line.pk)
    if line.state != DISMISSED:
        raise Refused(_("This is not dismissed any more. Open the message to see what became of it."))
    line.state = line.dismissed_from
    line.dismissed_by, line.dismissed_because, line.dismissed_at, line.dismissed_from = None, "", None, ""
    line.save(update_fields=["state", "dismissed_by", "dismissed_because", "dismissed_at", "dismissed_from"])
    _settle(row)
    return line


def _message(line: ReceivedLine) -> ReceivedMessage:
    """The message of a line, locked; every writer of lines takes it first."""
    rows = ReceivedMessage.objects.select_for_update(of=("self",)).select_related("analyzer__clinic")
    return rows.get(pk=line.message_id)


def _settle(row: ReceivedMessage) -> None:
    """The state of a message by its lines; one that was dismissed as a whole stays so, and returns to this."""
    states = [state for state in row.lines.values_list("state", flat=True) if state not in lines.NOT_COUNTED]
    waiting = [state for state in states if state in labs.WAITING]
    found = ReceivedMessage.State.PROCESSED
    if waiting:
        whole = len(waiting) == len(states)
        found = ReceivedMessage.State.HELD if whole else ReceivedMessage.State.PARTLY_HELD
    if row.state == DISMISSED:
        row.dismissed_from = found
    else:
        row.state = found
    if "out_of_balance" in row.warnings and row.state == ReceivedMessage.State.PROCESSED:
        row.state = ReceivedMessage.State.HELD
    row.save(update_fields=["state", "dismissed_from"])


# -- many at once -----------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Summary:
    """What came of many at once: how many were tried, settled, are waiting still, and were not tried this time."""

    tried: int
    settled: int
    waiting: int
    left: int


def in_bulk(rows: Any, act: Callable[[Any], Any], most: int = AT_ONCE) -> Summary:
    """Do `act` to the oldest of `rows` (at most `most`), each in its own transaction; one that is refused waits."""
    number = rows.count()
    settled = waiting = 0
    for row in list(rows.order_by("pk")[:most]):
        try:
            after = act(row)
        except Refused:
            after = None
        if after is not None and after.state not in (*ReceivedMessage.WAITING, *labs.WAITING):
            settled += 1
        else:
            waiting += 1
    return Summary(settled + waiting, settled, waiting, number - settled - waiting)


# -- another value counts ---------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class _Read:
    """A message as it reads today: its rows, and each with its meaning, by place."""

    profile: Profile
    found: observations.Reading
    mapped: dict[int, Mapped]


def _read(row: ReceivedMessage) -> _Read:
    if row.analyzer is None:
        raise Refused(_("It is not certain which analyzer sent this. Correct the analyzers' settings, then replay."))
    profile = row.analyzer.settings
    message = receive.parse("astm" if row.transport == "lis1" else "hl7", bytes(row.body), profile)
    found = lines.rows_of(message, profile, row.received_at)
    return _Read(profile, found, {one.row.place: one for one in map_rows(found.rows, profile)})


def _row(read: _Read, line: ReceivedLine) -> Mapped:
    if line.place not in read.mapped:
        raise Refused(_("The message reads differently today. Read it again first."))
    return read.mapped[line.place]


@transaction.atomic
def choose(line: ReceivedLine, *, by: Any, because: str) -> ReceivedLine:
    """Let the value of a conflicting line, or of a second run, count: it becomes the next version, to be verified by
    somebody else. Raises Refused when the line does not stand for a choice."""
    row = _message(line)
    line = row.lines.select_for_update(of=("self",)).get(pk=line.pk)
    if line.state not in {"CONFLICT", "CANDIDATE"} or line.reason == "withdrawn":
        raise Refused(_("There is nothing to choose here any more. Look at the line again."))
    read = _read(row)
    mapped = _row(read, line)
    rules = labs.Rules(labs.Numbers(), read.profile.second_identifier, read.profile.require_second_identifier)
    outcomes = labs.record_results([mapped.line(chosen=True)], instrument=row.analyzer.name, rules=rules, by=by)
    if outcomes[0].state != "FILED":
        raise Refused(_("This value cannot be filed any more. Read the message again to see why."))
    lines.keep_line(row, mapped, outcomes[0], line)
    line.chosen_by, line.chosen_because = by, because
    line.save(update_fields=["chosen_by", "chosen_because"])
    _settle(row)
    return line


# -- whose tube it was ------------------------------------------------------------------------------------------------


class _OnlyTried(Exception):
    """Rolls a rehearsal back."""


def propose(
    line: ReceivedLine, accession: str, *, birth_date: date | None, initials: str = "", by: Any, because: str
) -> Proposal:
    """Say whose tube the rows of one unmatched number were; somebody else confirms it.

    The match is tried and rolled back, so that only what can be confirmed is proposed. Raises Refused when the rows do
    not wait for a specimen, a proposal waits already, or an identifier contradicts.
    """
    made = Proposal(accession=accession, birth_date=birth_date, initials=initials, because=because, proposed_by=by)
    try:
        with transaction.atomic():
            _match(line, made, by=by)
            raise _OnlyTried
    except _OnlyTried:
        pass
    with transaction.atomic():
        made.line = _waiting(_message(line), line)[0]
        if Proposal.objects.filter(line=made.line, state=Proposal.State.WAITING).exists():
            raise Refused(_("A proposal for these rows waits already. Confirm or refuse that one first."))
        made.save()
    return made


def confirm(proposal: Proposal, *, by: Any) -> list[ReceivedLine]:
    """File the rows to the tube that somebody else proposed. Raises Refused for one's own, or one already decided."""
    with transaction.atomic():
        row = _message(proposal.line)
        made = _undecided(proposal)
        if made.proposed_by_id == by.pk:
            raise Refused(_("You proposed this yourself: it needs another person."))
        filed = _match(made.line, made, by=made.proposed_by)
        for line in filed:
            line.chosen_by, line.chosen_because = by, made.because
            line.save(update_fields=["chosen_by", "chosen_because"])
        _settle(row)
        _decide(made, Proposal.State.CONFIRMED, by, "")
    return filed


@transaction.atomic
def refuse(proposal: Proposal, *, by: Any, because: str) -> Proposal:
    """The rows were not that tube's (or the proposer takes it back): they wait on. Raises Refused when decided."""
    _message(proposal.line)
    made = _undecided(proposal)
    _decide(made, Proposal.State.REFUSED, by, because)
    return made


def _undecided(proposal):
    made = Proposal.objects.select_for_update(of=("self",)).select_related("line", "proposed_by").get(pk=proposal.pk)
    if made.state != Proposal.State.WAITING:
        raise Refused(_("Somebody has decided this proposal already. Open the message to see what became of it."))
    return made


def _decide(proposal, state, by, because):
    proposal.state, proposal.decided_by, proposal.decided_at = state, by, timezone.now()
    proposal.decided_because = because
    proposal.save(update_fields=["state", "decided_by", "decided_at", "decided_because"])


def _waiting(row, line):
    """The rows of the same number that wait with this one, the first first. Raises Refused when there are none."""
    found = list(row.lines.select_for_update(of=("self",)).filter(specimen_id=line.specimen_id, state=UNMATCHED))
    if not found or row.state == DISMISSED:
        raise Refused(_("These rows do not wait for a specimen any more. Look at the message again."))
    return sorted(found, key=lambda one: one.place)


def _match(line, proposal, *, by):
    """Read and weigh the rows as if the analyzer had sent that number and what the proposer knew of the person.

    What the analyzer itself says of the person must agree too.
    """
    row = _message(line)
    waiting, read = _waiting(row, line), _read(row)
    known = labs.whose(proposal.accession)
    if known is None:
        raise Refused(
            _("No specimen has the number %(number)s. Scan the tube's label.") % {"number": proposal.accession}
        )
    given = labs.Person(birth_date=proposal.birth_date, initials=proposal.initials)
    names = [name for name in ("birth_date", "initials") if getattr(given, name)]
    if any(getattr(known, name) and getattr(known, name) != getattr(given, name) for name in names):
        raise Refused(_("That number and that person do not belong together. Make sure whose tube this is."))
    if not any(getattr(known, name) for name in names):
        raise Refused(
            _("Nobody wrote down that identifier of this person. Give another: the birth date, or the initials.")
        )
    rows = [_as_if(_row(read, one).line(), proposal.accession, given) for one in waiting]
    identifiers = tuple(dict.fromkeys([*read.profile.second_identifier, *names]))
    rules = labs.Rules(labs.Numbers(), identifiers, require_second_identifier=True)
    outcomes = labs.record_results(rows, instrument=row.analyzer.name, rules=rules, by=by)
    if outcomes[0].state == UNMATCHED:
        raise Refused(
            _("No specimen has the number %(number)s. Scan the tube's label.") % {"number": proposal.accession}
        )
    if outcomes[0].state == "IDENTITY_MISMATCH":
        raise Refused(_("The analyzer names another person than that tube's. Make sure whose tube this is."))
    for outcome, one in zip(outcomes, waiting, strict=True):
        sent = one.specimen_id
        lines.keep_line(row, _row(read, one), outcome, one)
        one.specimen_id = sent
        one.save(update_fields=["specimen_id"])
    return waiting


def _as_if(line, accession, given):
    """The row under that number. What the analyzer stated stands; what it did not is what the proposer knew."""
    stated = line.stated
    for name in ("birth_date", "initials"):
        said, knew = getattr(stated, name), getattr(given, name)
        if said and knew and said != knew:
            raise Refused(_("The analyzer names another person than you do. Make sure whose tube this is."))
        stated = replace(stated, **{name: said or knew})
    return replace(line, specimen_id=accession, stated=stated)
