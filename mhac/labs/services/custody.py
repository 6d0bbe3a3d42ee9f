"""The chain of custody: which moves a tube can make, and the one link that each of them writes.

A tube from before there were links gets its first ones from what its row says, in the transaction of its next move:
the row knows who took and received it and when, so nothing has to be rewritten while the laboratory works.
"""

from dataclasses import dataclass

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.labs import ordering
from mhac.labs.models import CustodyStep, LabOrder, Specimen
from mhac.labs.services import labels
from mhac.labs.services.locked import Refused, lock_specimen

State = Specimen.State


@dataclass(frozen=True)
class Move:
    """From which states a tube can make this move ("" before it was taken), and the state after it."""

    before: frozenset
    after: str


MOVES = {
    "collect": Move(frozenset({""}), State.COLLECTED),
    "receive": Move(frozenset({State.COLLECTED}), State.RECEIVED),
    "reject": Move(frozenset({State.COLLECTED, State.RECEIVED, State.SENT, State.ARRIVED}), State.REJECTED),
    "send": Move(frozenset({State.COLLECTED, State.RECEIVED}), State.SENT),
    "arrive": Move(frozenset({State.SENT}), State.ARRIVED),
    "come_back": Move(frozenset({State.ARRIVED}), State.RECEIVED),
    "lose": Move(frozenset({State.COLLECTED, State.RECEIVED, State.SENT, State.ARRIVED}), State.LOST),
    "find": Move(frozenset({State.LOST}), State.RECEIVED),
}

# A tube in one of these states can have no result any more.
GONE = {State.REJECTED, State.LOST}


def can(move, before):
    """Whether a tube in the state `before` can make this move."""
    return before in MOVES[move].before


def step(specimen, move, *, by, at=None, place="", because="", manifest=None, fields=()):
    """The locked `specimen` makes a move: its state (and `fields`) are saved, one link is written.

    Raises Refused when a tube in its state cannot.
    """
    if not can(move, specimen.state):
        raise Refused(
            _("%(accession)s is %(state)s: that cannot be done with it now. Open the tube to see where it is.")
            % {"accession": specimen, "state": specimen.get_state_display()}
        )
    at = at or timezone.now()
    before, nth = specimen.state, _last(specimen) + 1
    specimen.state = MOVES[move].after
    ordering.save(specimen, by, "state", *fields, because=because)
    _write(specimen, nth, before, at=at, by=by, place=place, because=because, manifest=manifest)


def begin(specimen, *, by):
    """The first link of a tube that was taken just now."""
    _write(specimen, 1, "", at=specimen.collected_at, by=by)


def _write(specimen, nth, before, *, at, by, place="", because="", manifest=None):
    link = CustodyStep(specimen=specimen, nth=nth, before=before, after=specimen.state, at=at, by=by)
    link.place, link.because, link.manifest = (place or str(specimen.clinic))[:80], because[:120], manifest
    ordering.save(link, by)


def _last(specimen):
    """The number of the last link; a tube without links gets those its row tells of."""
    last = CustodyStep.objects.filter(specimen=specimen).order_by("-nth").values_list("nth", flat=True).first()
    if last is not None:
        return last
    links = told(specimen)
    for each in links:
        ordering.save(each, each.by)
    return len(links)


def told(specimen):
    """The links of a tube that has none yet, from its row; not saved."""
    steps = [(State.COLLECTED, specimen.collected_at, specimen.collected_by)]
    if specimen.received_at and specimen.state != State.COLLECTED:
        steps.append((State.RECEIVED, specimen.received_at, specimen.received_by))
    if specimen.state not in {state for state, _at, _by in steps}:
        change = specimen.history.filter(state=specimen.state).order_by("history_date").first()
        steps.append((specimen.state, *((change.history_date, change.history_user) if change else steps[-1][1:])))
    place, before, links = str(specimen.clinic)[:80], "", []
    for nth, (state, at, by) in enumerate(steps, 1):
        links.append(CustodyStep(specimen=specimen, nth=nth, before=before, after=state, at=at, by=by, place=place))
        before = state
    return links


def chain(specimen):
    """Every link, the first one first."""
    found = CustodyStep.objects.filter(specimen=specimen).select_related("by", "manifest").order_by("nth")
    return list(found) or told(specimen)


@transaction.atomic
def lose(specimen, *, because, by):
    """The tube cannot be found: its tests without a result are ordered again. The new orders."""
    if len(because.strip()) < 3:
        raise Refused(_("Say where the tube was last seen, and who has looked for it."))
    specimen = lock_specimen(specimen)
    step(specimen, "lose", by=by, because=because.strip())
    labels.gone(specimen, by=by)
    rows = LabOrder.objects.select_for_update(of=("self",)).filter(specimen=specimen, state=LabOrder.State.COLLECTED)
    rows = list(rows.select_related("test").order_by("pk"))
    why = _("specimen lost")
    for row in rows:
        row.state = LabOrder.State.CANCELLED
        ordering.save(row, by, "state", because=why)
    return [ordering.again(row, by=by) for row in rows] if specimen.screening.is_open else []


@transaction.atomic
def find(specimen, *, by, at=None):
    """A lost tube is in the laboratory again. Tests that were not yet collected anew are made on it after all."""
    specimen = lock_specimen(specimen)
    specimen.received_at, specimen.received_by = at or timezone.now(), by
    why = _("found again")
    step(specimen, "find", by=by, at=specimen.received_at, because=why, fields=("received_at", "received_by"))
    labels.used(specimen, by=by)
    rows = LabOrder.objects.select_for_update(of=("self",)).select_related("test").order_by("pk")
    waiting = rows.filter(screening=specimen.screening_id, state=LabOrder.State.ORDERED)
    new = {(each.test_id, each.item, each.nth): each for each in waiting}
    for old in rows.filter(specimen=specimen, state=LabOrder.State.CANCELLED):
        again = new.get((old.test_id, old.item, old.nth))
        if again is not None:
            again.state = LabOrder.State.CANCELLED
            ordering.save(again, by, "state", because=why)
            old.state = LabOrder.State.COLLECTED
            ordering.save(old, by, "state", because=why)
    return specimen
