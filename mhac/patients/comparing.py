"""What a person typed, or what we know of somebody, beside what a machine readable zone says."""

from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.patients.names import latin

SAID = gettext_lazy("The machine readable zone says otherwise: %(fields)s.")


def differences(read, *, kind, number, expires_on) -> list[str]:
    """Which facts of a document differ from its zone `read` (a `mrz.Document`), in words."""
    found = []
    # The zone of a card does not say which card it is.
    if kind != read.kind and read.kind != "other":
        found.append(_("kind of document"))
    if number != read.number:
        found.append(_("document number"))
    if expires_on != read.expires:
        found.append(_("expiry date"))
    return found


def differences_of_person(read, *, given_name, family_name, sex, earliest, latest) -> list[str]:
    """Which facts about a person differ from the zone `read`, in words. A name in the other script is not compared."""
    found = []
    if not _same_name(read, given_name, family_name):
        found.append(_("name"))
    if (earliest, latest) != (read.born_earliest, read.born_latest):
        found.append(_("birth date"))
    if sex != read.sex:
        found.append(_("sex"))
    return found


def of_patient(person) -> dict:
    """What `differences_of_person` takes of a Patient."""
    return {
        "given_name": person.given_name,
        "family_name": person.family_name,
        "sex": person.sex,
        "earliest": person.born_earliest,
        "latest": person.born_latest,
    }


def _same_name(read, given, family):
    typed = latin(given) + latin(family)
    if not typed:
        return True
    if read.is_cut:
        return latin(family) == latin(read.family_name) and latin(given).startswith(latin(read.given_name))
    return typed == latin(read.given_name) + latin(read.family_name)
