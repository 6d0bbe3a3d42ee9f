"""Two records are one person's: proposed by one, agreed by another, taken back by two. Only links are written, so that
results in flight arrive where they were ordered and an un-merge loses nothing."""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.clinics.models import Clinic
from mhac.patients.models import Merge, Patient, TwoPeople
from mhac.patients.refusals import Refused


@transaction.atomic
def propose_merge(kept, other, *, because, by) -> Merge:
    """Say that two records are one person's, `kept` standing for both; a registered person stands for a provisional one
    whatever was said. The same proposal twice is one. Raises Refused for one person, two sites, or no reason."""
    _lock(kept.clinic_id)
    kept, other = _survivor(kept), _survivor(other)
    if kept == other:
        raise Refused(_("These two are one person already. Nothing has to be done."))
    if kept.clinic_id != other.clinic_id:
        raise Refused(
            _("%(number)s is registered at %(clinic)s. Two sites' records are not joined; have the person referred.")
            % {"number": other.number, "clinic": other.clinic}
        )
    _must_say(because, _("Say why they are one person: the second person reads it."))
    if kept.provisional_because and not other.provisional_because:
        kept, other = other, kept
    pair = {kept.pk, other.pk}
    waiting = Merge.objects.filter(state=Merge.State.PROPOSED, kept__in=pair, other__in=pair).first()
    if waiting:
        return waiting
    made = Merge(kept=kept, other=other, clinic=kept.clinic, because=because.strip()[:300], proposed_by=by)
    made._history_user = by
    made.save(force_insert=True)
    return made


@transaction.atomic
def merge(proposal, *, by) -> Merge:
    """The second person agrees: from now on `kept` stands for every record of both. Raises Refused for the first one,
    or when one of the two was joined with somebody since."""
    link = _locked(proposal, Merge.State.PROPOSED)
    _must_be_second(link.proposed_by_id, by)
    if link.kept.canonical_id or link.other.canonical_id:
        raise Refused(
            _("One of the two was joined with another record since. Refuse this, and compare the records as they are.")
        )
    link.state, link.decided_by, link.decided_at = Merge.State.STANDING, by, timezone.now()
    _save(link, by, "state", "decided_by", "decided_at")
    _point(_records(link.other), link.kept, because=link.because, by=by)
    return link


@transaction.atomic
def refuse_merge(proposal, *, because, by) -> Merge:
    """The second person does not agree; it is kept that these are two people, so that they are not suggested again."""
    link = _locked(proposal, Merge.State.PROPOSED)
    _must_say(because, _("Say why not: whoever proposed it reads it."))
    link.state, link.answer = Merge.State.REFUSED, because.strip()[:300]
    link.decided_by, link.decided_at = (None if by.pk == link.proposed_by_id else by), timezone.now()
    _save(link, by, "state", "answer", "decided_by", "decided_at")
    say_two_people(link.kept, link.other, because=because, by=by)
    return link


@transaction.atomic
def propose_parting(link, *, because, by) -> Merge:
    """Say that two joined records are two people's after all. Raises Refused without a reason."""
    link = _locked(link, Merge.State.STANDING)
    _must_say(because, _("Say why they are two people: the second person reads it."))
    link.state, link.parting_because, link.parting_by = Merge.State.PARTING, because.strip()[:300], by
    return _save(link, by, "state", "parting_because", "parting_by")


@transaction.atomic
def part(link, *, by) -> Merge:
    """The second person agrees that they are two: each keeps what was written for her record, before and since."""
    link = _locked(link, Merge.State.PARTING)
    _must_be_second(link.parting_by_id, by)
    link.state, link.parted_by, link.parted_at = Merge.State.PARTED, by, timezone.now()
    _save(link, by, "state", "parted_by", "parted_at")
    _point(_below(link.other), link.other, because=link.parting_because, by=by, left=link.kept.survivor)
    say_two_people(link.kept, link.other, because=link.parting_because, by=by)
    return link


@transaction.atomic
def keep_merged(link, *, because, by) -> Merge:
    """The second person does not agree that they are two; they stay one."""
    link = _locked(link, Merge.State.PARTING)
    _must_say(because, _("Say why not: whoever proposed it reads it."))
    link.state, link._change_reason = Merge.State.STANDING, because.strip()[:100]
    return _save(link, by, "state")


@transaction.atomic
def say_two_people(one, other, *, because, by) -> TwoPeople:
    """Somebody compared two records: they are two people's, and are not suggested to be one again."""
    _must_say(because, _("Say why they are two people."))
    first, second = sorted((one, other), key=lambda patient: patient.pk)
    if first == second:
        raise Refused(_("This is one record. Choose two."))
    said = TwoPeople.objects.filter(one=first, other=second).first()
    if said is None:
        said = TwoPeople(one=first, other=second, because=because.strip()[:300], by=by)
        said._history_user = by
        said.save(force_insert=True)
    return said


def _lock(clinic):
    # The site's row makes two merges of a site wait for each other, so that neither sees half of the other.
    Clinic.objects.select_for_update(no_key=True).get(pk=clinic)


def _locked(link, state):
    _lock(link.clinic_id)
    pair = {link.kept_id, link.other_id}
    list(Patient.objects.select_for_update(of=["self"]).filter(person__in=_persons(pair)).order_by("pk"))
    rows = Merge.objects.select_for_update(of=["self"]).select_related("kept__canonical", "other__canonical", "clinic")
    link = rows.get(pk=link.pk)
    if link.state != state:
        raise Refused(
            _("This is %(state)s already. Look at the two records again.") % {"state": link.get_state_display()}
        )
    return link


def _persons(keys):
    return Patient.objects.filter(pk__in=keys).values("person")


def _survivor(patient):
    return Patient.objects.select_related("canonical", "clinic").get(pk=patient.pk).survivor


def _records(patient):
    return list(Patient.objects.records_of(patient).order_by("pk"))


def _below(top):
    """The records that standing merges tie to `top` and to what hangs on it."""
    found, fresh = {top.pk}, {top.pk}
    while fresh:
        fresh = set(Merge.objects.standing().filter(kept__in=fresh).values_list("other", flat=True)) - found
        found |= fresh
    return list(Patient.objects.filter(pk__in=found).order_by("pk"))


def _point(records, to, *, because, by, left=None):
    """Let `to` stand for `records`. All of them are marked, so that papers are checked again; `left` stood for them
    before and is found by their names no more."""
    now = timezone.now()
    for record in records:
        record.canonical = None if record == to else to
        _mark(record, now, because, by, "canonical")
    for stands in filter(None, (to, left)):
        for record in _records(Patient.objects.get(pk=stands.pk)):
            if record not in records or record == to:
                _mark(record, now, because, by)


def _mark(record, now, because, by, *fields):
    record.facts_changed_at, record._history_user, record._change_reason = now, by, because[:100]
    record.save(update_fields=[*fields, "facts_changed_at"])


def _must_say(because, sentence):
    if not because.strip():
        raise Refused(sentence)


def _must_be_second(first, by):
    if first == by.pk:
        raise Refused(_("You proposed this yourself. A second person has to decide."))


def _save(link, by, *fields):
    link._history_user = by
    link.save(update_fields=fields)
    return link
