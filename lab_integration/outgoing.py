"""Orders as bytes in the analyzer's dialect. One that cannot be written is held by itself, is shown, and is tried again
later: the others leave."""

import datetime
import logging

from django.db import transaction

from lab_integration.models import Analyzer, SentMessage
from lab_integration.orders import CANCEL, NEW, SpecimenOrder, Step, fresh, oml_o33, records
from lab_integration.profile import Profile
from lab_integration.reading import visible
from mhac.labs import services as labs

log = logging.getLogger("lab")
AGAIN = (5, 15, 60, 300)  # seconds until the next try; the last one for ever
UNWRITTEN = "%(analyzer)s: this order cannot be written (%(error)s). Look at the codes of its tests, then try again."
MOST_SIGNS = 300  # of what the library says
MOST_HELD = 20  # that are written anew at once: each takes a moment in which no order leaves


def until_next_try(attempts: int) -> datetime.timedelta:
    """How long to wait after so many tries in vain."""
    return datetime.timedelta(seconds=AGAIN[min(max(attempts, 1), len(AGAIN)) - 1])


def make(analyzer: Analyzer, order: SpecimenOrder, now: datetime.datetime) -> SentMessage:
    """The message that asks for `order`, saved: waiting to be sent, or held when it cannot be written."""
    sent = SentMessage(analyzer=analyzer, control_id=fresh(now), accession=order.specimen_id[:20])
    sent.type = "LIS2 order" if analyzer.dialect == Analyzer.Dialect.ASTM else "OML^O33^OML_O33"
    write(sent, order, now)
    sent.save(force_insert=True)
    return sent


def write(sent: SentMessage, order: SpecimenOrder, now: datetime.datetime) -> None:
    """Give an unsent message its bytes and let it wait to be sent, or hold it with the reason; it is not saved."""
    try:
        sent.body = _bytes(sent, order, now)
    except Exception as error:
        # Whatever it was: it is about this one order, nothing was written anywhere, and the next order must leave.
        log.exception("the order for %s cannot be written", order.specimen_id)
        sent.attempts += 1
        sent.body, sent.state, sent.next_try_at = b"", SentMessage.State.HELD, now + until_next_try(sent.attempts)
        said = visible(f"{type(error).__name__}: {error}")
        said = said if len(said) <= MOST_SIGNS else said[: MOST_SIGNS // 2] + " … " + said[-MOST_SIGNS // 2 :]
        sent.reason = UNWRITTEN % {"analyzer": sent.analyzer, "error": said}
    else:
        sent.state, sent.reason, sent.next_try_at, sent.attempts = SentMessage.State.WAITING, "", None, 0


def _bytes(sent: SentMessage, order: SpecimenOrder, now: datetime.datetime) -> bytes:
    # The analyzer knows itself by the name it sends as MSH-3 (H-5); ours for it is what is left when it sends none.
    receiver = sent.analyzer.settings.sender.split("^")[0] or sent.analyzer.name
    if sent.analyzer.dialect == Analyzer.Dialect.ASTM:
        return records(order, number=sent.control_id, now=now, receiver=receiver)
    return oml_o33([order], number=sent.control_id, now=now, receiver=receiver)


def person_of(work: labs.Work, profile: Profile) -> dict[str, str | None]:
    """What the profile lets an analyzer know of a person: nothing, or sex and birth date as far as they are known."""
    born = work.person.birth_date if profile.send_patient else None
    known = {"sex": work.person.sex or None, "birth_date": born.isoformat() if born else None}
    return known if profile.send_patient and any(known.values()) else {}


def try_held(now: datetime.datetime) -> int:
    """Write what could not be written before, when it is due: a code or a birth date may have been mended since.
    How many can be sent now."""
    due = SentMessage.objects.filter(state=SentMessage.State.HELD, next_try_at__lte=now)
    return sum(
        write_again(key, now) is not None
        for key in due.order_by("next_try_at").values_list("pk", flat=True)[:MOST_HELD]
    )


@transaction.atomic
def write_again(key: object, now: datetime.datetime) -> SentMessage | None:
    """Write a held message anew with the same steps, which no analyzer has seen; None when it is held still."""
    held = SentMessage.objects.select_for_update(of=("self",)).select_related("analyzer__clinic")
    sent = held.filter(pk=key, state=SentMessage.State.HELD).first()
    if sent is None:
        return None
    work = next(iter(labs.work_for(ids=[sent.accession])), None)
    cancelled = list(sent.cancelled_steps.order_by("pk"))
    steps = cancelled or sent.steps.order_by("pk")
    asked = tuple(Step(one.code, one.step_id, work.priority if work else "R") for one in steps)
    person = person_of(work, sent.analyzer.settings) if work and not cancelled else {}
    write(sent, SpecimenOrder(sent.accession, CANCEL if cancelled else NEW, asked, person), now)
    sent.save()
    return sent if sent.state == SentMessage.State.WAITING else None
