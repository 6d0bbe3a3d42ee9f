"""What people are asked to bring, as the edition of their programme says it; in any language, for any slip."""

from dataclasses import dataclass

from django.utils import translation
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.screenings.programmes import programmes
from mhac.screenings.services import CHILD_UNTIL

NAMES = {
    "passport": gettext_lazy("passport"),
    "passport_copy": gettext_lazy("copy of the passport"),
    "photo_35x45": gettext_lazy("one photograph, 3.5 × 4.5 cm, white ground"),
    "telephone": gettext_lazy("Afghan telephone number"),
    "email": gettext_lazy("e-mail address"),
    "address": gettext_lazy("address"),
    "polio_card": gettext_lazy("polio vaccination card"),
}
UNKNOWN = gettext_lazy("What this partner wants to see on paper is not known here. Ask for the partner's letter.")
# What the desk wants for a child whatever the programme: without a guardian nobody consents for it.
GUARDIAN = gettext_lazy("the guardian, with a document that shows the relation")


@dataclass(frozen=True)
class Asked:
    """One thing to bring: its word, how it is called, where it stands and whether that was confirmed."""

    paper: str
    name: str
    source: str
    verified: bool


def asked_of(screening, day) -> list[Asked]:
    """What the programme wants from this person at the age of `day`; empty when no list is known."""
    age = screening.person.age_on(day)
    rows = programmes().by_key(screening.edition).papers
    return [Asked(row.paper, NAMES[row.paper], row.source, row.verified) for row in rows if row.fits(age)]


def is_known(screening) -> bool:
    """Whether a document says what this programme wants to see."""
    return bool(programmes().by_key(screening.edition).papers)


def to_bring(screening, day, language) -> list[str]:
    """The lines of a slip in `language`: what to bring for this person. Fees are the cash desk's to say."""
    edition = programmes().by_key(screening.edition)
    with translation.override(language):
        lines = [str(each.name) for each in asked_of(screening, day)]
        if edition.reference.name and edition.reference.needed and not screening.reference:
            lines.insert(0, edition.reference.name)
        if screening.person.age_on(day) < CHILD_UNTIL:
            lines.append(str(GUARDIAN))
        return lines if edition.papers else [*lines, _("everything that the partner's letter asks for")]
