"""What a person decides: that nothing more is to be done, that another value counts, whose tube it was."""

from dataclasses import replace
from typing import Any

from django.db import transaction
from django.utils.translation import gettext as _

from lab_integration import receive
from lab_integration.models import ReceivedLine, ReceivedMessage
from lab_integration.reading import map_rows
from mhac.labs import services as labs

UNMATCHED = "UNMATCHED_SPECIMEN"


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


@transaction.atomic
def match(line: ReceivedLine, accession: str, *, birth_date: Any, by: Any, because: str) -> list[ReceivedLine]:
    """Give the rows of one unmatched specimen of a message to `accession`, whose birth date the person must know.

    The rows are read and weighed as if the analyzer had sent that number and that birth date; somebody else verifies
    what is filed. Raises Refused when the rows do not wait for a specimen, or the identifiers do not belong together.
    """
    rows = ReceivedMessage.objects.select_for_update(of=("self",)).select_related("analyzer__clinic")
    row = rows.get(pk=line.message_id)
    waiting = list(row.lines.select_for_update(of=("self",)).filter(specimen_id=line.specimen_id, state=UNMATCHED))
    if not waiting:
        raise Refused(_("These rows do not wait for a specimen any more. Look at the message again."))
    profile = row.analyzer.settings
    message = receive.parse("astm" if row.transport == "lis1" else "hl7", bytes(row.body), profile)
    found = receive.rows_of(message, profile, row.received_at)
    mapped = {one.row.place: one for one in map_rows(found.rows, profile)}
    lines = [
        replace(mapped[one.place].line(), specimen_id=accession, stated=labs.Person(birth_date=birth_date))
        for one in waiting
    ]
    rules = labs.Rules(labs.Numbers(), ("birth_date",), require_second_identifier=True)
    outcomes = labs.record_results(lines, instrument=row.analyzer.name, rules=rules, by=by)
    if outcomes[0].state == UNMATCHED:
        raise Refused(_("No specimen has the number %(number)s. Scan the tube's label.") % {"number": accession})
    if outcomes[0].state == "IDENTITY_MISMATCH":
        raise Refused(_("That number and that birth date do not belong together. Make sure whose tube this is."))
    for outcome, one in zip(outcomes, waiting, strict=True):
        sent = one.specimen_id
        receive.keep_line(row, mapped[one.place], outcome, one)
        one.specimen_id, one.chosen_by, one.chosen_because = sent, by, because
        one.save(update_fields=["specimen_id", "chosen_by", "chosen_because"])
    row.state = receive.state_of(row, found)
    row.save(update_fields=["state"])
    return waiting
