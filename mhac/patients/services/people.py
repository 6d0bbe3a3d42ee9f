"""Writing down who somebody is: registration, corrections, the face, and the check of the face."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.patients import photos
from mhac.patients.models import IdentityCheck, Patient, Photo
from mhac.patients.refusals import Refused
from mhac.patients.services.documents import add_document, identity, refuse_double
from mhac.patients.services.incidents import report_mismatch


@transaction.atomic
def register(*, clinic, by, documents=(), **person) -> Patient:
    """A new patient of `clinic` with a new number. `person` holds fields of Patient, `born_latest` defaulting to
    `born_earliest`; `documents` are mappings of fields of IdentityDocument. Raises Refused for a document that already
    belongs to somebody."""
    person.setdefault("born_latest", person["born_earliest"])
    _in_order(person["born_earliest"], person["born_latest"], clinic.today())
    for document in documents:
        refuse_double(by=by, **identity(document))
    patient = Patient(clinic=clinic, number=clinic.next_number("P", clinic.today().year), **person)
    patient._history_user = by
    patient.save()
    for document in documents:
        add_document(patient, by=by, **document)
    return patient


@transaction.atomic
def correct(patient, *, by, because, **changes) -> Patient:
    """Change what is written about a person; the reason stands in her history."""
    if not because.strip():
        raise Refused(_("Say why the data change: it stands in the history of the person."))
    patient = Patient.objects.select_for_update().get(pk=patient.pk)
    if patient.provisional_because and changes.get("given_name", patient.given_name) != patient.given_name:
        # Who has a name is somebody.
        changes["provisional_because"] = ""
    for field, value in changes.items():
        setattr(patient, field, value)
    _in_order(patient.born_earliest, patient.born_latest, patient.clinic.today())
    # A certificate that was checked before this moment has to be checked again.
    patient.facts_changed_at = timezone.now()
    patient._history_user, patient._change_reason = by, because.strip()[:100]
    patient.save(update_fields=[*changes, "facts_changed_at"])
    return patient


@transaction.atomic
def confirm_identity(patient, *, station, by, clinic=None, confirmed=True, note="") -> IdentityCheck:
    """Somebody compared the person with photo and document today. The same answer given twice is one row; that it is
    not the right person needs a note, and opens an incident."""
    if not confirmed and not note.strip():
        raise Refused(_("Write what does not match: the face, the document, or the answers."))
    clinic = clinic or patient.clinic
    day = clinic.today()
    Patient.objects.select_for_update().get(pk=patient.pk)
    same = {"patient": patient, "clinic": clinic, "station": station, "day": day, "confirmed": confirmed, "by": by}
    check = IdentityCheck.objects.filter(**same, note=note.strip()).first()
    if check is None:
        check = IdentityCheck(**same, note=note.strip())
        check._history_user = by
        check.save()
    if not confirmed:
        report_mismatch(patient, station=station, by=by, clinic=clinic, note=note)
    return check


def take_photo(patient, *, data: bytes, by) -> Photo:
    """Keep a new face of a person. Raises Refused for what is no photograph."""
    try:
        return Photo.objects.create(patient=patient, image=photos.re_encode(data), taken_by=by)
    except photos.Unusable as refusal:
        raise Refused(str(refusal)) from refusal


def _in_order(earliest, latest, today):
    if latest < earliest:
        raise Refused(_("The birth interval ends before it begins. Check both dates."))
    if earliest > today:
        raise Refused(_("The birth date is in the future. Check the year."))
    if today.year - latest.year > 120:
        raise Refused(_("The birth date is more than 120 years ago. Check the year."))
