"""Time limits of a tube: what came too late for a test, who lets it be examined all the same, and cultures that are not
negative yet."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import dateformat
from django.utils.translation import gettext as _

from mhac.labs import ageing, ordering
from mhac.labs.models import CustodyStep, LabOrder, LabResult, Specimen
from mhac.labs.services.custody import told
from mhac.labs.services.locked import Refused, lock_order

HERE = {Specimen.State.RECEIVED, Specimen.State.ARRIVED}


def why_late(orders):
    """Order key -> why its tube is too old for the test, in a sentence; without those that are in time or let through.

    The time runs from the collection to the laboratory in which the tube is now. One query, none without a limit.
    """
    limited = [each for each in orders if each.test.in_laboratory_hours and each.specimen_id and not each.late_by_id]
    arrived = {}
    steps = CustodyStep.objects.filter(specimen__in={each.specimen_id for each in limited}, after__in=HERE)
    for specimen, at in steps.order_by("nth").values_list("specimen", "at") if limited else ():
        arrived[specimen] = at
    found = {}
    for each in limited:
        hours = _hours(each.specimen, arrived.get(each.specimen_id))
        if hours > each.test.in_laboratory_hours:
            found[each.pk] = _(
                "%(test)s: the tube was in the laboratory after %(hours)s hours, the limit is %(limit)s. Take another "
                "tube, or have a supervisor say on the page of the tube why this one is used."
            ) % {"test": each.test, "hours": f"{hours:.0f}", "limit": each.test.in_laboratory_hours}
    return found


def _hours(specimen, arrived):
    """Hours from the collection to the laboratory; of a tube from before there were links, as its row tells."""
    if arrived is None:
        arrived = max((each.at for each in told(specimen) if each.after in HERE), default=specimen.collected_at)
    return (arrived - specimen.collected_at).total_seconds() / 3600


def must_be_in_time(order):
    """Raises Refused for an order whose tube came too late."""
    if order.test.in_laboratory_hours:
        for sentence in why_late([order]).values():
            raise Refused(sentence)


@transaction.atomic
def use_late(order, *, because, by):
    """A supervisor lets a test be made on a tube that came too late.

    Raises PermissionDenied for anybody else, Refused without a reason or when the tube is in time.
    """
    order = lock_order(order)
    held = set().union(*(held for site, held in by.rights.items() if site in {None, order.specimen.examined_at_id}))
    if "labs.use_late_specimen" not in held:
        raise PermissionDenied(_("Only a laboratory supervisor may use a tube that came too late."))
    if not why_late([order]):
        raise Refused(_("This tube is not too old for %(test)s.") % {"test": order.test})
    if len(because.strip()) < 3:
        raise Refused(_("Say why this tube is used: the reason stands beside the result."))
    order.late_because, order.late_by = because.strip()[:200], by
    ordering.save(order, by, "late_because", "late_by", because=order.late_because)
    return order


@transaction.atomic
def choose_medium(order, *, medium, by):
    """What a culture grows in, which decides on which day it is negative. Raises Refused for what is no culture, for
    one that is verified, and for no medium."""
    order = lock_order(order)
    if order.test.key not in ageing.growing_tests() or order.state not in ageing.OPEN:
        raise Refused(_("%(test)s does not wait for growth any more. Reload the page.") % {"test": order.test})
    if medium not in LabOrder.Medium.values:
        raise Refused(_("Choose the medium: liquid or solid."))
    order.medium = medium
    ordering.save(order, by, "medium")
    return order


def must_have_grown_long_enough(order, coded):
    """Raises Refused for a negative culture before its last day (rules 3.3)."""
    last = ageing.negative_from(order) if coded == "negative" else None
    if last is not None and order.specimen.clinic.today() < last:
        raise Refused(
            _(
                "%(test)s is negative only from %(day)s on (liquid medium: 6 weeks, solid: 8 weeks). Wait, or choose "
                "the medium on the page “Cultures”."
            )
            % {"test": order.test, "day": dateformat.format(last, "j F Y")}
        )


def standing_late(results):
    """Result key -> why the age of its tube, or the day of its culture, holds it back; without those that may pass."""
    found = {}
    late = why_late([each.order for each in results])
    for each in results:
        try:
            must_have_grown_long_enough(each.order, each.coded)
        except Refused as refusal:
            found[each.pk] = str(refusal)
        if each.order_id in late:
            found[each.pk] = late[each.order_id]
    return found


def lets_through(result: LabResult):
    """Raises Refused for a result that its tube's age or its culture's day holds back."""
    for sentence in standing_late([result]).values():
        raise Refused(sentence)
