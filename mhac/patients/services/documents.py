"""Papers and numbers of a person: whose they are, and who lets two people carry the same one."""

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from mhac.patients import papers
from mhac.patients.models import IdentityDocument, Patient
from mhac.patients.refusals import Refused

IDENTITY = ("kind", "number", "issuer", "volume", "page")


@transaction.atomic
def add_document(patient, *, by, kind, number, issuer="AFG", shared_because="", **details) -> IdentityDocument:
    """One more paper of a person; `details` are further fields of IdentityDocument. Raises Refused when there is no
    number, or when it already belongs to somebody: of a tazkira, whoever may share it gives the reason
    `shared_because`."""
    paper = papers.PAPERS[kind]
    number, issuer = paper.number_of(number), paper.issuer or issuer
    if not number:
        raise Refused(_("Write the number of the document."))
    same = {"kind": kind, "number": number, "issuer": issuer, **_parts(details)}
    _refuse_again(patient, same)
    shared = _shared(same, shared_because.strip(), by)
    if not shared:
        refuse_double(by=by, **same)
    document = IdentityDocument(patient=patient, kind=kind, number=number, issuer=issuer, **details, **shared)
    document._history_user = by
    try:
        with transaction.atomic():
            document.save()
    except IntegrityError:
        # Somebody else registered it since the question above.
        refuse_double(by=by, **same)
        raise
    return document


def owner_of(*, kind, number, issuer="AFG", volume="", page=""):
    """The person to whom a document belongs, by the record that stands for her, or None. Family numbers, visas and
    "other" papers are nobody's for certain."""
    same = IdentityDocument.objects.same_as(kind=kind, number=number, issuer=issuer, volume=volume, page=page)
    document = same.select_related("patient__canonical").first()
    return document and document.patient.survivor


def refuse_double(*, by, **same):
    """Raises Refused when the document belongs to somebody; names her only to who may see her."""
    owner = owner_of(**same)
    if owner is None:
        return
    paper = papers.PAPERS[same["kind"]]
    if Patient.objects.visible_to(by).filter(pk=owner.pk).exists():
        said = _("This %(document)s belongs to patient %(number)s. Choose the same person instead of a new one.")
        said %= {"document": paper.label, "number": owner.number}
    else:
        said = _(
            "This %(document)s is already registered at another site."
            " Ask your site manager to have the person referred."
        )
        said %= {"document": paper.label}
    if paper.may_be_shared:
        said += " " + _("If these are two people, the site manager adds it on the page of the second one and says why.")
    raise Refused(said)


def identity(document) -> dict:
    """What makes a document one of its kind."""
    return {name: document[name] for name in IDENTITY if name in document}


def _parts(details):
    return {name: details[name] for name in ("volume", "page") if name in details}


def _refuse_again(patient, same):
    number = papers.PAPERS[same["kind"]].number_of(same["number"])
    again = patient.documents.filter(kind=same["kind"], issuer=same["issuer"], number__iexact=number)
    parts = {name: papers.key_of(part) for name, part in _parts(same).items()}
    if again.filter(**parts).exists():
        raise Refused(_("This document is already written down for the person. Nothing has to be added."))


def _shared(same, because, by):
    """The columns of a number that two people carry: only where somebody carries it already, its kind allows it and
    the user may say so."""
    if not because or owner_of(**same) is None:
        return {}
    if not papers.PAPERS[same["kind"]].may_be_shared:
        raise Refused(_("Only the number of a tazkira may be carried by two people. Compare both documents."))
    if not by.has_perm("patients.share_document"):
        raise Refused(_("Only the site manager may let two people carry the same number. Ask her to add it."))
    return {"shared_because": because, "shared_by": by}
