"""What is found in the examination rooms, kept while the screening is open and refused after."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.exams import words
from mhac.exams.models import ChestXray, Pregnancy
from mhac.patients.models import IdentityCheck
from mhac.protocols import chest_film
from mhac.screenings.models import Screening
from mhac.screenings.programmes import programmes


class Refused(Exception):
    """It was not kept. The text says what was wrong and what to do next."""


@transaction.atomic
def record(row, *, by):
    """Keep vitals, a history, a pregnancy answer or an examination, signed with `by`.

    The same key again is the same row: a second click changes nothing. Raises Refused when the screening is no longer
    open, or when somebody else answered the same page first.
    """
    _open(row.screening)
    if row._state.adding and (kept := type(row).objects.filter(pk=row.pk, screening=row.screening_id).first()):
        return kept
    only_one = any(constraint.fields == ("screening",) for constraint in row._meta.constraints)
    if only_one and row._state.adding and type(row).objects.filter(screening=row.screening_id).exists():
        raise Refused(
            _("Somebody else has just saved this page for the same person. Reload it, look, and add what is missing.")
        )
    row.by = row._history_user = by
    row.save()
    return row


@transaction.atomic
def take_film(screening, *, image_reference, by, shielded=None, consent=None, key=None):
    """Note that a chest film was taken today. `shielded` and `consent` are asked only in pregnancy.

    The same `key` (UUID) again is the same film. Raises Refused when nobody compared the face in radiology today, when
    pregnancy was not asked that day, or when it puts the film off.
    """
    _open(screening)
    if key and (kept := ChestXray.objects.filter(pk=key, screening=screening).first()):
        return kept
    today = screening.clinic.today()
    _compared_in_radiology(screening, today)
    pregnant = _pregnancy_allows(screening, today)
    if pregnant and not consent:
        raise Refused(_("Without her written consent no film is taken in pregnancy. Record her choice with the nurse."))
    if pregnant and shielded is None:
        raise Refused(_("Say whether the abdomen was shielded: she is pregnant."))
    film = ChestXray(
        **({"id": key} if key else {}),
        screening=screening,
        taken_on=today,
        taken_by=by,
        image_reference=image_reference,
        shielded=shielded if pregnant else None,
        consent=consent if pregnant else None,
    )
    film._history_user = by
    film.save()
    return film


@transaction.atomic
def read_film(film, *, findings, by, effusion_excluded_by="", remarks=""):
    """Sign the reading of a film: `findings` are codes of the contract, none at all is a normal film.

    Raises Refused when `by` has no reader's licence on record, or the screening is no longer open.
    """
    if not by.licence:
        raise Refused(
            _(
                "A reading is signed only with a reader's licence, and yours is not on record. Ask the administrator "
                "to enter your licence number, or let a licensed reader sign."
            )
        )
    _open(film.screening)
    film = ChestXray.objects.select_for_update(of=["self"]).select_related("screening").get(pk=film.pk)
    film.findings = sorted(set(findings))
    film.effusion_excluded_by = effusion_excluded_by
    film.remarks = remarks
    film.read_by, film.read_at = by, timezone.now()
    film._history_user = by
    film.save(update_fields=["findings", "effusion_excluded_by", "remarks", "read_by", "read_at"])
    return film


def why_closed(screening):
    """Why nothing about this screening can change, as a sentence."""
    if screening.state == Screening.State.SIGNED:
        return _(
            "This screening is signed, so nothing on this page can change. If a finding is wrong, ask the panel "
            "physician to withdraw the signature first."
        )
    return _(
        "This screening is %(state)s, so nothing on this page can change. Open a new screening if the person is to be "
        "examined again."
    ) % {"state": screening.get_state_display()}


def is_compared_in_radiology(screening, day):
    """Whether somebody compared the person with the photo in radiology that day, and found her to be the right one."""
    station = IdentityCheck.Station.RADIOLOGY
    checks = IdentityCheck.objects.of(screening.patient).filter(clinic=screening.clinic_id, day=day)
    last = checks.filter(station=station).order_by("at").last()
    return last is not None and last.confirmed


def film_put_off(screening, day):
    """Why no film may be taken that day, as a sentence, or "". By the rules of section 3.4, before any film."""
    answer = Pregnancy.objects.filter(screening=screening).first()
    if answer is not None and not answer.pregnant and answer.asked_on != day:
        # "Not pregnant" holds for the day it was said.
        answer = None
    state = chest_film.state_of(
        (),
        pregnancy=answer and answer.stated_on(day),
        pregnancy_asked=Pregnancy.is_asked_of(screening.patient, day),
        examined=day,
        practice=programmes().by_key(screening.edition).practice.film_in_pregnancy,
        partner_asked=False,
    )
    return words.FILM_PUT_OFF.get(state.reason, "") if state.name == "deferred" else ""


def _open(screening):
    locked = Screening.objects.select_for_update().get(pk=screening.pk)
    if not locked.is_open:
        raise Refused(why_closed(locked))


def _compared_in_radiology(screening, day):
    if not is_compared_in_radiology(screening, day):
        raise Refused(
            _("Nobody has compared %(person)s with the photo in radiology today. Compare the face first.")
            % {"person": screening.patient}
        )


def _pregnancy_allows(screening, day):
    """Whether she is pregnant; raises Refused when the answer is missing or puts the film off."""
    if because := film_put_off(screening, day):
        raise Refused(str(because))
    return Pregnancy.objects.filter(screening=screening, pregnant=True).exists()
