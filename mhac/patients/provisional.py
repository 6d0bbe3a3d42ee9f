"""Somebody whom nobody knows yet, without a name or a paper: taken at once under a label, named or joined later."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from mhac.patients import births
from mhac.patients.refusals import Refused

# Stored as they stand here, and said in the language of the reader.
LABELS = {
    "female": gettext_noop("Unknown woman"),
    "male": gettext_noop("Unknown man"),
    "unknown": gettext_noop("Unknown person"),
}
OLDEST = 110


def described(*, sex, age, because, today) -> dict:
    """What `services.register` takes of somebody who is only seen: sex, about how many years old, and why no more is
    known. Raises Refused without an age or a reason."""
    if sex not in LABELS:
        raise Refused(_("Choose the sex as far as it is seen, or “not stated”."))
    if age is None or not 0 <= age <= OLDEST:
        raise Refused(_("Write about how many years old the person is."))
    if not because.strip():
        raise Refused(_("Write why name and papers are not known."))
    birth = births.read(f"{age} in {today.year}", today=today)
    return {
        "given_name": LABELS[sex],
        "sex": sex,
        "born_earliest": birth.earliest,
        "born_latest": birth.latest,
        "birth_precision": "age_stated",
        "birth_source": "stated",
        "provisional_because": because.strip()[:200],
    }
