"""It is another person than the papers say: written down at any station, seen by few, resolved by two managers."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.patients.models import IdentityIncident, Patient
from mhac.patients.refusals import Refused


@transaction.atomic
def report_mismatch(patient, *, station, by, clinic, note) -> IdentityIncident:
    """Somebody at `station` (a word of IdentityCheck.Station) stands there as `patient` and is not; `note` says what
    does not match. The incident, or the one that is open for this person already. Raises Refused without a note."""
    if not note.strip():
        raise Refused(_("Write what does not match: the face, the document, or the answers."))
    Patient.objects.select_for_update(of=["self"]).get(pk=patient.pk)
    standing = IdentityIncident.objects.open().of(patient).first()
    if standing:
        return standing
    made = IdentityIncident(patient=patient, clinic=clinic, station=station, note=note.strip()[:200], opened_by=by)
    made._history_user = by
    made.save(force_insert=True)
    return made


def held(patient) -> str:
    """The sentence that stops whoever wants to go on with this person, or "" when nothing does. It says where to ask
    and nothing of what happened."""
    if not IdentityIncident.objects.open().of(patient).exists():
        return ""
    return _("Ask the site manager before you go on with %(number)s.") % {"number": patient.number}


@transaction.atomic
def propose_outcome(incident, *, outcome, because, by) -> IdentityIncident:
    """A manager says what it was (`outcome`: a word of IdentityIncident.Outcome) and why; a second one agrees or not.
    Raises Refused."""
    incident = _locked(incident)
    if incident.state == IdentityIncident.State.RESOLVED:
        raise Refused(_("This incident is resolved already."))
    if outcome not in IdentityIncident.Outcome.values:
        raise Refused(_("Choose what it was."))
    if not because.strip():
        raise Refused(_("Write why; the second manager and the auditor read it."))
    incident.outcome, incident.because = outcome, because.strip()[:300]
    incident.proposed_by, incident.proposed_at = by, timezone.now()
    incident.state = IdentityIncident.State.PROPOSED
    return _save(incident, by, "outcome", "because", "proposed_by", "proposed_at", "state")


@transaction.atomic
def agree(incident, *, by) -> IdentityIncident:
    """The second manager agrees: whoever stands there may go on. Raises Refused for the first one."""
    incident = _proposed(incident)
    if incident.proposed_by_id == by.pk:
        raise Refused(_("You proposed this yourself. A second manager has to agree."))
    incident.resolved_by, incident.resolved_at = by, timezone.now()
    incident.state = IdentityIncident.State.RESOLVED
    return _save(incident, by, "resolved_by", "resolved_at", "state")


@transaction.atomic
def disagree(incident, *, because, by) -> IdentityIncident:
    """The second manager does not agree: it stays open, with the reason in its history. Raises Refused without one."""
    incident = _proposed(incident)
    if not because.strip():
        raise Refused(_("Write why not; whoever proposed it reads it."))
    incident.state = IdentityIncident.State.OPEN
    incident._change_reason = because.strip()[:100]
    return _save(incident, by, "state")


def _locked(incident):
    """Locked from the person on, as every writer does it."""
    Patient.objects.select_for_update(of=["self"]).get(pk=incident.patient_id)
    return IdentityIncident.objects.select_for_update(of=["self"]).select_related("patient").get(pk=incident.pk)


def _proposed(incident):
    incident = _locked(incident)
    if incident.state != IdentityIncident.State.PROPOSED:
        raise Refused(_("Nothing waits for a second manager here. Look at the incident again."))
    return incident


def _save(incident, by, *fields):
    incident._history_user = by
    incident.save(update_fields=fields)
    return incident
