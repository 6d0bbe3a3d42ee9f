"""A second person puts a version of a profile in force, and what waited for it is read again."""

from copy import deepcopy
from typing import Any

from django.db import transaction
from django.db.models import Q
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from lab_integration import drafts, mapping, receive
from lab_integration.drafts import Refused
from lab_integration.models import Analyzer, ProfileVersion, ReceivedMessage

MOST_REPLAYED = 200  # messages read again at one press of the button
REPLAYED = (ReceivedMessage.State.HEARD, ReceivedMessage.State.HELD, ReceivedMessage.State.PARTLY_HELD)


@transaction.atomic
def activate(version: ProfileVersion, *, by: Any, because: str, revision: int, despite: int = 0) -> ProfileVersion:
    """Put a version in force (again): from now on messages are read with it, and what comes is filed.

    `despite` is how many open questions `by` has seen and accepts. Raises Refused for an author of the version, a
    version that changed since it was looked at, open questions that were not accepted, a discarded draft.
    """
    row = Analyzer.objects.select_for_update(of=("self",)).select_related("clinic").get(pk=version.analyzer_id)
    chosen = ProfileVersion.objects.select_for_update().get(pk=version.pk)
    if chosen.state == ProfileVersion.State.DISCARDED:
        raise Refused(_("This draft was discarded. Begin a new one from it."))
    if by.pk in chosen.authors:
        raise Refused(_("You wrote part of this version. Somebody else has to look at it and put it in force."))
    if chosen.revision != revision:
        raise Refused(_("This version was changed since you looked at it. Look at the difference again."))
    if row.in_force_id == chosen.pk and not row.listening:
        raise Refused(_("This version is in force already."))
    if (questions := len(mapping.open_questions(row, drafts.settings(row, chosen.profile)))) > despite:
        raise Refused(
            _("%(number)s questions are open. Settle them, or tick that you put it in force in spite of them.")
            % {"number": questions}
        )
    chosen.state, chosen.because = ProfileVersion.State.USED, because
    chosen.activated_by, chosen.activated_at = by, timezone.now()
    chosen.save(update_fields=["state", "activated_by", "activated_at", "because"])
    row.profile, row.in_force, row.listening = deepcopy(chosen.profile), chosen, False
    row.save(update_fields=["profile", "in_force", "listening"])
    return chosen


def waiting(analyzer: Analyzer) -> Any:
    """Messages that were heard or held before the version in force was, and may be filed with it; oldest first."""
    rows = ReceivedMessage.objects.filter(analyzer=analyzer, complete=True, state__in=REPLAYED)
    if not analyzer.listening and analyzer.in_force and analyzer.in_force.activated_at:
        rows = rows.filter(Q(processed_at__isnull=True) | Q(processed_at__lt=analyzer.in_force.activated_at))
    return rows.order_by("received_at", "pk")


def replay(analyzer: Analyzer, *, by: Any) -> dict[str, int]:
    """Read what waits again with the version in force, up to 200 messages; how many are in which state now.

    Raises Refused while the analyzer is only listened to.
    """
    if analyzer.listening:
        raise Refused(_("This analyzer is only listened to. Put a version in force first, then read again what waits."))
    found: dict[str, int] = {}
    for key in list(waiting(analyzer).values_list("pk", flat=True)[:MOST_REPLAYED]):
        state = receive.process(key, by=by).state
        found[state] = found.get(state, 0) + 1
    return found


def told(found: dict[str, int]) -> str:
    """What `replay` did, in a sentence."""
    labels = dict(ReceivedMessage.State.choices)
    states = ", ".join(f"{number} {labels[state]}" for state, number in sorted(found.items()))
    if not states:
        return _("Nothing waits to be read again.")
    number = sum(found.values())
    text = ngettext(
        "%(number)s message was read again: %(states)s.", "%(number)s messages were read again: %(states)s.", number
    )
    return text % {"number": number, "states": states}
