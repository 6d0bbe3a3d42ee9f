"""What somebody needs at an appointment, and who comes along."""

from django.db import transaction
from django.utils.translation import gettext as _

from mhac.appointments.models import Companion, Wish
from mhac.appointments.services.locked import Refused
from mhac.screenings.models import Screening

MOST = 20  # companions of one case


@transaction.atomic
def set_needs(case, *, needs, by):
    """Record for people of `case` what each is not examined without. `needs`: screening key -> words of Wish.Need.

    Bookings already made stay; those that no longer fit are found by `stranded`.
    """
    # The lock of a booking's members: who books counts these needs or waits for them.
    members = Screening.objects.select_for_update().filter(case=case, pk__in=needs).order_by("pk")
    known = {wish.screening_id: wish for wish in Wish.objects.filter(screening__in=members)}
    for member in members:
        wanted = [need for need in Wish.Need.values if need in needs[member.pk]]
        wish = known.get(member.pk) or Wish(screening=member, needs=[])
        if wish.needs != wanted:
            wish.needs, wish.recorded_by, wish._history_user = wanted, by, by
            wish.save()


@transaction.atomic
def add_companion(case, *, name, relation, by):
    """Somebody who comes along and takes no seat. Raises Refused beyond so many."""
    if case.companions.count() >= MOST:
        raise Refused(_("%(count)d people come along already. Take somebody off the list first.") % {"count": MOST})
    companion = Companion(case=case, name=name.strip(), relation=relation, added_by=by)
    companion._history_user = by
    companion.save()
    return companion


@transaction.atomic
def remove_companion(companion, *, by):
    companion._history_user = by
    companion.delete()
