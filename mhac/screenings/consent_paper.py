"""The consent on paper: the whole text, what each person of a family agrees to, and lines to sign."""

from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from mhac.clinics import paper
from mhac.screenings import texts
from mhac.screenings.models import Consent, Guardian
from mhac.screenings.services import CHILD_UNTIL

STYLE = Path(__file__).with_name("consent.css")


def pdf(people, *, language) -> bytes:
    """The form for these screenings of one case (with patient, case and clinic loaded), in `language`: A4."""
    with translation.override(language):
        return paper.pdf(render_to_string("screenings/consent_form.html", values(people, language)), style=STYLE)


def values(people, language) -> dict:
    """What the template shows."""
    first = people[0] if people else None
    today = first.clinic.today() if first else None
    text = texts.current(today) if first else texts.all_texts()[-1]
    guardians = {row.screening_id: row for row in Guardian.objects.filter(screening__in=people, alone=False)}
    return {
        "people": [(each, each.person.age_on(today) < CHILD_UNTIL, guardians.get(each.pk)) for each in people],
        "case": first.case if first else None,
        "clinic": first.clinic if first else None,
        "day": today,
        "text": text,
        "said": text.of(language),
        "purposes": list(Consent.Purpose),
        "language": language,
        "direction": texts.direction(language),
        "training": settings.TRAINING,
    }
