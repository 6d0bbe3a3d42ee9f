"""The programmes this clinic works with: the package's editions and those of its own folders."""

from functools import cache

from django.conf import settings
from django.utils.translation import gettext, gettext_noop

from mhac.protocols.programme import Programmes, read_programmes


@cache
def programmes() -> Programmes:
    return read_programmes(settings.PROGRAMME_FOLDERS)


def title(edition) -> str:
    """The programme's name in the reader's language; a clinic's own programme is called as its edition says."""
    return gettext(edition.name)


# The names in the package's editions are data; named here so that the translators find them.
NAMES = [
    gettext_noop("Arrivals at the border"),
    gettext_noop("Australia: humanitarian"),
    gettext_noop("Australia: permanent"),
    gettext_noop("Canada: immigration medical examination"),
    gettext_noop("Germany: fit to travel"),
    gettext_noop("Labour migration"),
    gettext_noop("Malaysia: student visa (EMGS)"),
    gettext_noop("New Zealand: residence"),
    gettext_noop("Return of Qualified Afghans"),
    gettext_noop("Returnees: assisted voluntary return"),
    gettext_noop("United Kingdom: resettlement"),
    gettext_noop("United Kingdom: tuberculosis clearance"),
    gettext_noop("United States: immigrant visa"),
    gettext_noop("United States: refugee"),
]

# So is the sentence of editions whose list of items is not known.
SENTENCES = [
    gettext_noop(
        "Which tests this partner asks for is not known here. "
        "Order what the partner's letter asks for, then decide that the list is complete."
    ),
]
