"""Why a time does not take a family, in words."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy, ngettext

from mhac.appointments.choosing import DAY, MET_BY, SEATS
from mhac.appointments.models import Wish, Workplace


def words(shortage) -> str:
    """A few words for a button or a list: "no female radiographer", "2 seats free, 6 needed"."""
    said = {"left": shortage.left, "wanted": shortage.wanted, "what": name_of(shortage.ask)}
    if shortage.ask == SEATS:
        if not shortage.left:
            return _("full")
        text = ngettext("%(left)d seat free, %(wanted)d needed", "%(left)d seats free, %(wanted)d needed", said["left"])
        return text % said
    if shortage.ask == DAY:
        return _("the programme takes %(left)d more, %(wanted)d needed") % said
    if shortage.ask in MET_BY and not shortage.left:
        return str(NOBODY[shortage.ask])
    return _("%(what)s: %(left)d places free, %(wanted)d needed") % said


def name_of(ask):
    if ask in Wish.Need:
        return Wish.Need(ask).label
    return Workplace.Kind(ask).label if ask in Workplace.Kind else ask


# Nobody on the roster, or nobody left for one more person: for the family it is the same.
NOBODY = {
    "female_clinician": gettext_lazy("no female clinician free"),
    "female_radiographer": gettext_lazy("no female radiographer free"),
    "chaperone": gettext_lazy("no chaperone free"),
}
