"""What a person decides about messages and lines: that nothing more is to be done, or that another value counts."""

from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from lab_integration import receive
from lab_integration.models import ReceivedLine, ReceivedMessage
from lab_integration.reading import map_rows
from mhac.labs import services as labs


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""


@transaction.atomic
def dismiss(message: ReceivedMessage, *, by: Any, because: str) -> ReceivedMessage:
    """Take a message that waits off the list; its bytes and lines stay. Raises Refused when it does not wait."""
    row = ReceivedMessage.objects.select_for_update().get(pk=message.pk)
    if row.state not in ReceivedMessage.WAITING:
        raise Refused(_("This message does not wait any more. Open it to see what became of it."))
    row.state, row.dismissed_by, row.dismissed_because = ReceivedMessage.State.DISMISSED, by, because
    row.save(update_fields=["state", "dismissed_by", "dismissed_because"])
    return row


@transaction.atomic
def choose(line: ReceivedLine, *, by: Any, because: str) -> ReceivedLine:
    """Let the value of a conflicting line, or of a second run, count: it becomes the next version, to be verified by
    somebody else. Raises Refused when the line does not stand for a choice."""
    row = (
        ReceivedMessage.objects.select_for_update(of=("self",))
        .select_related("analyzer__clinic")
        .get(pk=line.message_id)
    )
    line = row.lines.select_for_update(of=("self",)).get(pk=line.pk)
    if line.state not in {"CONFLICT", "CANDIDATE"} or line.reason == "withdrawn":
        raise Refused(_("There is nothing to choose here any more. Look at the line again."))
    profile = row.analyzer.settings
    message = receive.parse("astm" if row.transport == "lis1" else "hl7", bytes(row.body), profile)
    found = receive.rows_of(message, profile, row.received_at)
    mapped = next(one for one in map_rows(found.rows, profile) if one.row.place == line.place)
    rules = labs.Rules(labs.Numbers(), profile.second_identifier, profile.require_second_identifier)
    outcomes = labs.record_results([mapped.line(chosen=True)], instrument=row.analyzer.name, rules=rules, by=by)
    if outcomes[0].state != "FILED":
        raise Refused(_("This value cannot be filed any more. Read the message again to see why."))
    receive.keep_line(row, mapped, outcomes[0], line)
    line.chosen_by, line.chosen_because = by, because
    line.save(update_fields=["chosen_by", "chosen_because"])
    row.state = receive.state_of(row, found)
    row.save(update_fields=["state"])
    return line
