"""Issuing, handing out and revoking documents, and whether one still counts.

Locks are taken in the house's order: patient, screening, then the rows of this room.
"""

import hashlib
import re
import unicodedata

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.certificates import content, keys, seal, states
from mhac.certificates.models import Certificate, Download, Release, SigningKey
from mhac.clinics import numbers
from mhac.clinics.models import Clinic
from mhac.decisions import services as decisions
from mhac.decisions.models import SignOff
from mhac.partners.models import Agreement
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.screenings.models import Consent, Screening
from mhac.screenings.programmes import programmes, title

VALID, SUSPENDED = Certificate.State.VALID, Certificate.State.SUSPENDED


class NotReady(Exception):
    """It was not done. The text says what was wrong and what to do next."""


# --- Issuing --------------------------------------------------------------------------------------------------------


@transaction.atomic
def issue(screening, *, by) -> Certificate:
    """The document of a signed screening, with its bytes; the one that stands already when there is one.

    A document of an earlier signature, or one that was suspended, is superseded. Organisations with an agreement
    receive it when the person consented to the sharing. Raises NotReady; then nothing was issued.
    """
    patient = Patient.objects.select_for_update().get(pk=screening.patient_id)
    screening = Screening.objects.select_for_update(of=("self",)).whole().get(pk=screening.pk)
    signoff = SignOff.objects.select_related("signed_by").filter(screening=screening)
    signoff = signoff.filter(withdrawn_at__isnull=True).first()
    kind = _kind_of(screening)
    _refuse_unless_decided(screening, signoff, kind)
    standing = Certificate.objects.select_for_update(of=("self",)).filter(screening=screening, kind=kind)
    standing = standing.filter(state__in=[VALID, SUSPENDED]).order_by("-id").first()
    if not (standing and standing.signoff_id == signoff.pk and state_now(standing) == VALID):
        standing = _make(patient, screening, signoff, kind, replacing=standing, by=by)
    _release(standing, by)
    return standing


def _kind_of(screening):
    edition = programmes().by_key(screening.edition)
    if edition.document == "none":
        raise NotReady(
            _("%(programme)s: results travel by the partner's own portal or forms. Enter them there.")
            % {"programme": title(edition)}
        )
    return Certificate.Kind(edition.document)


def _refuse_unless_decided(screening, signoff, kind):
    if stopped := patients.held(screening.patient):
        raise NotReady(stopped)
    if screening.patient.is_provisional:
        raise NotReady(
            _(
                "Nobody knows yet who this person is."
                " Join the record with a registered person, or correct name and birth."
            )
        )
    if signoff is None:
        raise NotReady(_("Nobody has signed this screening. A panel physician signs the decision first."))
    if signoff.outcome != "cleared":
        raise NotReady(_("The signed outcome is not “cleared”, so no document is issued. Tell the person in private."))
    if not _standing_consent(screening, Consent.Purpose.EXAMINATION):
        raise NotReady(_("There is no consent to the examination. Record it, or the reason why it was withdrawn."))
    if not decisions.recheck(screening):
        raise NotReady(
            _("Something changed after the signature. Withdraw the signature, look at the ledger and sign again.")
        )
    if kind == Certificate.Kind.FIT_TO_TRAVEL:
        _refuse_unless_fit(signoff)


def _refuse_unless_fit(signoff):
    fitness = signoff.answer.get("fit_to_travel")
    if fitness is None:
        raise NotReady(_("No departure was known at the signature. Record the travel plan, then sign again."))
    if fitness["category"] == content.UNFIT:
        raise NotReady(_("Not fit to travel on the day of departure (F4). Plan a later day, then decide again."))


def _standing_consent(screening, purpose):
    return Consent.objects.filter(screening=screening, purpose=purpose, withdrawn_on__isnull=True).exists()


def _make(patient, screening, signoff, kind, *, replacing, by):
    today = screening.clinic.today()
    photo = patient.photos.first()
    if photo is None:
        raise NotReady(_("There is no photo of this person. Take one at the reception, then issue the document."))
    number = numbers.certificate_number(screening.clinic.code)
    facts = content.freeze(screening, signoff, kind=kind, number=number, photo=bytes(photo.image), on=today)
    made = Certificate(
        number=number,
        clinic=screening.clinic,
        screening=screening,
        signoff=signoff,
        kind=kind,
        facts=facts,
        facts_hash=content.fingerprint(facts),
        issued_by=by,
        issued_on=today,
        issued_at=timezone.now(),
        valid_until=content.valid_until(signoff, kind, screening.clinic),
        checked_at=timezone.now(),
        training=settings.TRAINING,
        supersedes=replacing,
    )
    if content.is_over(made):
        raise NotReady(_("The validity of this examination is over. Examine again and sign a new decision."))
    _seal_and_print(made, bytes(photo.image))
    if replacing:
        _change(replacing, Certificate.State.SUPERSEDED, by, _("Replaced by a newer document."))
    # A gap in this count, which nobody is shown, tells after a restore which documents are missing.
    Clinic.objects.select_for_update(no_key=True).get(pk=screening.clinic_id)
    made.count = (Certificate.objects.filter(clinic=screening.clinic).aggregate(last=Max("count"))["last"] or 0) + 1
    made._history_user = by
    made.save(force_insert=True)
    return made


def _seal_and_print(certificate, photo):
    try:
        key = keys.current()
        # WeasyPrint takes seconds to load and needs Pango: the rest of the house works without it.
        from mhac.certificates import pdf
    except seal.NoKey as why:
        raise NotReady(str(why)) from why
    except OSError as why:
        raise NotReady(
            _("This machine cannot make PDF files: %(why)s. Install libpango-1.0-0, libpangoft2-1.0-0.") % {"why": why}
        ) from why
    certificate.seal, certificate.key_id = seal.seal(content.claims(certificate.facts), key), key.key_id
    try:
        printed = pdf.render(
            certificate.facts,
            photo=photo,
            seal_text=certificate.seal,
            verify_url=settings.PUBLIC_URL + reverse("certificates:verify"),
        )
    except pdf.Unprintable as why:
        raise NotReady(
            _("The document could not be printed: %(why)s Correct the record, then try again.") % {"why": why}
        ) from why
    certificate.pdf, certificate.pdf_sha256 = printed, hashlib.sha256(printed).hexdigest()


def _release(certificate, by):
    """One row for each organisation that may see the document; nothing without the person's consent."""
    if not _standing_consent(certificate.screening, Consent.Purpose.SHARING):
        return
    agreements = Agreement.objects.in_force(certificate.screening.programme, certificate.clinic.today())
    for organisation in {agreement.organisation for agreement in agreements}:
        Release.objects.get_or_create(certificate=certificate, organisation=organisation, defaults={"released_by": by})


# --- Whether it still counts ----------------------------------------------------------------------------------------


def state_now(certificate) -> str:
    """valid, expired, suspended, superseded or revoked, as it is at this moment.

    A valid document whose screening or person changed since it was last looked at counts only if a fresh look finds
    the same outcome. Its screening, patient and sign-off should be fetched with it: then nothing is asked in the
    ordinary case. Nothing is written; the looping command does that.
    """
    if certificate.state != VALID:
        return certificate.state
    if content.is_over(certificate):
        return states.EXPIRED
    if certificate.signoff.withdrawn_at:
        return SUSPENDED
    screening = certificate.screening
    marks = (screening.facts_changed_at, screening.patient.facts_changed_at)
    changed = any(mark and mark > certificate.checked_at for mark in marks)
    return SUSPENDED if changed and not decisions.recheck(screening) else VALID


def check_marked(limit=50) -> int:
    """Look again at valid documents whose facts changed: a note of the look, or a suspension. How many were seen."""
    return sum(map(_look_again, Certificate.objects.marked().order_by("id").without_file()[:limit]))


@transaction.atomic
def _look_again(certificate):
    # Who marks a fact holds these two locks until its commit: no mark of before our look can appear after it.
    Patient.objects.select_for_update().get(pk=certificate.screening.patient_id)
    Screening.objects.select_for_update().get(pk=certificate.screening_id)
    marked = Certificate.objects.marked().without_file().select_for_update(of=("self",), skip_locked=True)
    certificate = marked.filter(pk=certificate.pk).first()
    if certificate is None:
        return False
    looked_at = timezone.now()
    if state_now(certificate) == SUSPENDED:
        _change(
            certificate, SUSPENDED, None, _("The facts changed, and the signed outcome no longer follows from them.")
        )
    certificate.checked_at = looked_at
    certificate.save_without_historical_record(update_fields=["checked_at"])
    return True


@transaction.atomic
def revoke(certificate, *, by, because) -> Certificate:
    """A document that no longer counts, for ever. Raises NotReady for its own issuer and without a reason."""
    certificate = Certificate.objects.select_for_update(of=("self",)).get(pk=certificate.pk)
    if certificate.state == Certificate.State.REVOKED:
        return certificate
    if certificate.issued_by_id == by.pk:
        raise NotReady(_("You issued this document yourself. Ask another physician or the site manager to revoke it."))
    if not because.strip():
        raise NotReady(_("Write why the document is revoked; whoever holds the paper will ask."))
    certificate.revoked_by = by
    _change(certificate, Certificate.State.REVOKED, by, because.strip(), "revoked_by")
    return certificate


@transaction.atomic
def mark_compromised(key_id, *, because, by=None) -> int:
    """From now on nothing that this key signed counts. How many documents were suspended. Raises NotReady."""
    key = SigningKey.objects.select_for_update().filter(key_id=key_id).first()
    if key is None:
        raise NotReady(_("No document was ever signed with the key %(key)s. Check its id.") % {"key": key_id})
    if not because.strip():
        raise NotReady(_("Write what happened to the key, for whoever asks later."))
    key.compromised_at, key.compromised_because = timezone.now(), because.strip()
    key.save(update_fields=["compromised_at", "compromised_because"])
    signed = Certificate.objects.select_for_update(of=("self",)).without_file().filter(key_id=key_id, state=VALID)
    for certificate in signed:
        _change(certificate, SUSPENDED, by, _("The key that signed it may be in strange hands. Issue it again."))
    return len(signed)


def _change(certificate, state, by, because, *fields):
    certificate.state, certificate.state_because = state, because
    certificate._history_user, certificate._change_reason = by, because[:100]
    certificate.save(update_fields=["state", "state_because", *fields])


# --- Handing out ----------------------------------------------------------------------------------------------------


@transaction.atomic
def hand_out(certificate, *, by, organisation=None) -> bytes:
    """The exact bytes that were issued, with a note of who took them. Raises NotReady when the file was changed.

    A partner (`organisation`) gets a document only while it counts; staff may always see what was issued.
    """
    if organisation is not None and (state := state_now(certificate)) not in {VALID, states.EXPIRED}:
        raise NotReady(states.TO_PARTNERS[state])
    issued = bytes(certificate.pdf)
    if hashlib.sha256(issued).hexdigest() != certificate.pdf_sha256:
        raise NotReady(
            _("The stored file is not the one that was issued. Do not use it; tell the administrator at once.")
        )
    Download.objects.create(certificate=certificate, organisation=organisation, by=by, sha256=certificate.pdf_sha256)
    return issued


def file_name(certificate) -> str:
    """CA_IME12345678_AHMADI_2026-11-21.pdf: programme, the partner's reference, name, day of issue; ASCII only."""
    screening, patient = certificate.screening, certificate.screening.person
    # A fit-to-travel letter is shown to airlines: its name must not say why somebody travels.
    what = "FTT" if certificate.kind == Certificate.Kind.FIT_TO_TRAVEL else screening.programme
    parts = [what, screening.reference or certificate.number, patient.family_name or patient.given_name]
    return "_".join(filter(None, [*map(_plain, parts), certificate.issued_on.isoformat()])) + ".pdf"


def _plain(text):
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode().upper()
    return re.sub(r"[^A-Z0-9]+", "-", letters).strip("-")
