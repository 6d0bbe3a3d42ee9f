"""The scan box: what was read says what it is, and the user's role says where that leads."""

import re
import uuid

from django.http import QueryDict
from django.urls import reverse
from django.utils.translation import gettext as _

from mhac.appointments.models import Booking
from mhac.certificates.listing import dashed
from mhac.certificates.models import Certificate
from mhac.certificates.seal import is_seal
from mhac.clinics import numbers
from mhac.clinics.models import Clinic
from mhac.desk import layouts
from mhac.labs.models import Manifest, Specimen
from mhac.patients import mrz
from mhac.patients import services as patients
from mhac.patients.models import IdentityDocument, Patient
from mhac.payments.models import Receipt
from mhac.screenings.models import Case, Screening
from mhac.screenings.services import clean_reference

# Site, kind letter or none, two digits of the year, five of the count, check character: see `clinics.numbers`.
_OURS = re.compile("[A-Z]{3}[A-Z]?[0-9]{7}[0-9A-Z]")


class Unknown(Exception):
    """Nothing of ours was read. The text says what was understood; `search` are words to look for among people."""

    def __init__(self, sentence, search=""):
        super().__init__(sentence)
        self.search = search


def is_key(text: str) -> bool:
    """Whether `text` is a key as it stands in an address or a form."""
    try:
        return bool(uuid.UUID(text))
    except ValueError:
        return False


def address_of(text, *, user, today) -> str:
    """The page of what was scanned or typed; raises Unknown. Rows and pages this user may not see are nowhere.

    What leads nowhere is read once more as the keys of a scanner under another keyboard layout.
    """
    try:
        return _address_of(text, user, today)
    except Unknown as refusal:
        for meant in layouts.readings(text):
            try:
                return _address_of(meant, user, today)
            except Unknown as other:
                # The sentence about a number or a passport says more than that nothing has these letters.
                if _OURS.fullmatch(numbers.clean(meant)) or mrz.looks_like(meant) or mrz.is_one_line(meant):
                    raise other from refusal
        raise


def _address_of(text, user, today):
    code = numbers.clean(text)
    if is_seal(text) and text.islower():
        # Caps Lock turns the letters of a scanner round; a seal has capitals only.
        text = text.upper()
    if is_seal(text):
        return reverse("certificates:verify") + _query(typed=text)
    if numbers.is_certificate_number(code):
        return _of_certificate(code, user)
    if mrz.looks_like(text):
        return _of_passport(text, user, today)
    if mrz.is_one_line(text):
        raise Unknown(
            _("Only one line of the passport arrived. Scan it into the box of a family's case, where lines may end."),
            " ".join(re.findall("[A-Z]+", mrz.clean(text)[5:])),
        )
    if found := _of_number(code, user) or _of_ticket(code, user) or _of_paper(text, code, user):
        return found
    if _OURS.fullmatch(code) and not numbers.is_checked(code):
        raise Unknown(
            _("The check character of %(number)s is wrong. Scan it again, or compare each sign.") % {"number": code}
        )
    raise Unknown(_("Nothing has the number %(number)s.") % {"number": text.strip()[:60]}, text.strip())


def _query(**parameters):
    query = QueryDict(mutable=True)
    query.update(parameters)
    return "?" + query.urlencode()


def _sites(user, permission):
    return user.sites(permission) if user.has_perm(permission) else Clinic.objects.none()


def _of_number(code, user):
    """Patient, case and accession numbers are one person's, one family's, one tube's."""
    if not code:
        return None
    if patient := Patient.objects.filter(number=code, clinic__in=_sites(user, "patients.view_patient")).first():
        return reverse("desk:patient", args=[patient.pk])
    if case := Case.objects.filter(number=code, clinic__in=_sites(user, "screenings.view_case")).first():
        return reverse("desk:case", args=[case.pk])
    # What another site sent is here, or on its way here.
    if specimen := Specimen.objects.of_sites(_sites(user, "labs.view_specimen")).numbered(code).first():
        return reverse("labs:specimen", args=[specimen.pk])
    if box := Manifest.objects.of_sites(_sites(user, "labs.change_specimen")).filter(number=code).first():
        return reverse("labs:manifest", args=[box.pk])
    if receipt := Receipt.objects.filter(number=code, clinic__in=_sites(user, "payments.view_receipt")).first():
        return reverse("payments:receipt", args=[receipt.pk])
    return None


def _of_ticket(code, user):
    """The person who holds this ticket of today, for who works at one site."""
    if not re.fullmatch("[0-9]{1,3}", code) or not user.has_perm("patients.view_patient"):
        return None
    sites = list(user.sites("patients.view_patient")[:2])
    if len(sites) != 1:
        return None
    held = Booking.objects.on(sites[0], sites[0].today()).filter(ticket=int(code)).select_related("screening").first()
    return reverse("desk:patient", args=[held.screening.patient_id]) if held else None


def _of_certificate(code, user):
    """Our own papers to who may see them; anybody else learns what a stranger would."""
    number = dashed(code)
    if (
        found := Certificate.objects.filter(number=number, clinic__in=_sites(user, "certificates.view_certificate"))
        .only("pk")
        .first()
    ):
        return reverse("certificates:document", args=[found.pk])
    return reverse("certificates:verify") + _query(typed=number)


def _of_paper(text, code, user):
    """A document or a partner's reference leads somewhere when it is one person's, or one family's, only."""
    if not user.has_perm("patients.search_patient"):
        return None
    mine = user.sites("patients.search_patient")
    holders = IdentityDocument.objects.numbered(text).filter(patient__clinic__in=mine)
    people = set(holders.values_list("patient__person", flat=True)[:2])
    if len(people) == 1:
        return reverse("desk:patient", args=[people.pop()])
    cases = Screening.objects.filter(reference=clean_reference(text) or "-", clinic__in=mine)
    families = set(cases.values_list("case", flat=True)[:2])
    return reverse("desk:case", args=[families.pop()]) if len(families) == 1 else None


def _of_passport(text, user, today):
    if not user.has_perm("patients.search_patient"):
        raise Unknown(_("This is a passport. Scan the number on the label or on the case slip instead."))
    pieces = mrz.split(text)
    try:
        read = mrz.read(pieces[0], today=today)
    except mrz.Unreadable as refusal:
        raise Unknown(str(refusal)) from refusal
    owner = patients.owner_of(kind=read.kind, number=read.number, issuer=read.issuer)
    if owner and owner.clinic in user.sites("patients.search_patient"):
        return reverse("desk:patient", args=[owner.pk])
    name = f"{read.given_name} {read.family_name}".strip()
    raise Unknown(
        _("Nobody is registered with the passport %(number)s. Add the person to a family's case, or look for the name.")
        % {"number": read.number},
        name,
    )
