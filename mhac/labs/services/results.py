"""Results: typed by one person, looked at by another, corrected with a reason."""

from django.core.exceptions import PermissionDenied
from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.labs import computed, ordering, typed
from mhac.labs.limits import is_critical
from mhac.labs.models import LabOrder, LabResult, Specimen, Test
from mhac.labs.services import late, quality
from mhac.labs.services.locked import Refused, lock_order, lock_result

STANDING = {LabResult.State.FILED, LabResult.State.VERIFIED}


@transaction.atomic
def enter(order, *, text, by, at=None):
    """File what somebody typed as the result of an order. It waits for a second person.

    Raises Refused when the text is no result of this test, or the order is not waiting for one.
    """
    order = lock_order(order)
    must_wait_for_result(order)
    return _file(order, text=text, by=by, at=at, status=LabResult.Status.FINAL)


def must_wait_for_result(order):
    """Raises Refused unless this order is in the laboratory and has no result yet; it was locked before."""
    if order.specimen is not None and order.specimen.state == Specimen.State.REJECTED:
        raise Refused(
            _("%(accession)s was rejected (%(reason)s): it can have no result. Wait for the new specimen.")
            % {"accession": order.specimen, "reason": order.specimen.get_rejected_because_display()}
        )
    if order.state != LabOrder.State.COLLECTED:
        raise Refused(
            _("%(test)s is not waiting for a result (%(state)s). To change a result that is there, correct it.")
            % {"test": order.test, "state": order.get_state_display()}
        )
    if order.specimen.state not in {Specimen.State.RECEIVED, Specimen.State.ARRIVED}:
        raise Refused(
            _("%(accession)s has not been received in the laboratory. Scan it on the page “Receive” first.")
            % {"accession": order.specimen}
        )


def read(order, *, text, version, by, at=None, status=LabResult.Status.FINAL, beside=None):
    """What somebody typed as a result of this order, not saved. Raises Refused when it is no result of the test.

    `beside`: what is filed with it on the same tube, test -> coded value.
    """
    late.must_be_in_time(order)
    try:
        value = typed.read(text, order.test)
    except typed.Unreadable as refusal:
        raise Refused(str(refusal)) from refusal
    if why := computed.why_not(order, value.coded):
        raise Refused(why)
    late.must_have_grown_long_enough(order, value.coded)
    result = LabResult(order=order, screening_id=order.screening_id, version=version, status=status)
    result.as_sent, result.unit, result.operator = text.strip(), order.test.unit, value.operator
    result.number, result.text, result.coded, result.titre = value.number, value.text, value.coded, value.titre
    result.critical = is_critical(order, value, beside=beside)
    result.source, result.entered_by, result.observed_at = LabResult.Source.TYPED, by, at or timezone.now()
    return result


def _file(order, *, text, by, at, status):
    versions = order.results.order_by("version").values_list("version", flat=True)
    result = read(order, text=text, version=(versions.last() or 0) + 1, by=by, at=at, status=status)
    ordering.save(result, by)
    order.state, order.run_failed = LabOrder.State.RESULTED, False
    ordering.save(order, by, "state", "run_failed")
    return result


def rights_to_verify(result):
    """The permissions that together allow verifying this result (section "Who may verify" of the catalogue)."""
    needed = {"labs.verify_labresult"}
    if result.source == LabResult.Source.TYPED:
        needed.add("labs.verify_typed")
    if result.critical or result.order.test.verifier == Test.Verifier.SUPERVISOR:
        needed.add("labs.verify_infectious")
    return needed


def held_by(user, clinic_id):
    """The permissions that `user` holds at a site."""
    return set().union(*(held for site, held in user.rights.items() if site in {None, clinic_id}))


def held_for(user, result):
    """The permissions that `user` holds for a result: at the site that asked, or in the laboratory it came from."""
    tube = result.order.specimen
    sites = {result.screening.clinic_id, *([tube.examined_at_id] if tube else [])}
    return set().union(*(held_by(user, site) for site in sites))


def why_not_verify(result, by):
    """Why `by` cannot verify this result, in a sentence; "" when she can."""
    held, names = held_for(by, result), {"test": result.order.test}
    if "labs.verify_labresult" not in held:
        return _("%(test)s is verified by another technician or a supervisor of this site; you may not verify.") % names
    if rights_to_verify(result) - held:
        return _("%(test)s needs a laboratory supervisor.") % names
    if result.entered_by_id == by.pk:
        return _("You entered %(test)s yourself: it needs another person.") % names
    if result.status == LabResult.Status.PRELIMINARY:
        return _("%(test)s is preliminary. Wait for the final value, or file it as a correction.") % names
    return ""


@transaction.atomic
def verify(result, *, by, at=None):
    """A second pair of eyes agrees: the result counts from now on.

    Raises PermissionDenied without the right for this kind of result, and Refused for one's own, for one that is not
    waiting, for a number that cannot be, or while its assay is locked.
    """
    result = lock_result(result)
    _must_wait(result)
    if why := why_not_verify(result, by):
        lacking = rights_to_verify(result) - held_for(by, result)
        raise PermissionDenied(why) if lacking and result.entered_by_id != by.pk else Refused(why)
    if result.number is not None and (wrong := typed.impossible(result.number, result.order.test)):
        raise Refused(wrong + " " + _("Reject this result and have the test repeated."))
    # Its values may have been corrected since it was filed.
    if why := computed.why_not(result.order, result.coded):
        raise Refused(why)
    late.lets_through(result)
    quality.hold_still(result)
    for _lock, locked in quality.why_locked([result]).values():
        raise Refused(locked)
    result.state, result.verified_by, result.verified_at = LabResult.State.VERIFIED, by, at or timezone.now()
    ordering.save(result, by, "state", "verified_by", "verified_at")
    result.order.state = LabOrder.State.VERIFIED
    ordering.save(result.order, by, "state")
    ordering.follow(result, by=by)
    return result


def _must_wait(result):
    if result.state == LabResult.State.VERIFIED:
        raise Refused(
            _("%(test)s of %(accession)s was already verified, by %(who)s.")
            % {"test": result.order.test, "accession": result.order.specimen, "who": result.verified_by}
        )
    if result.state != LabResult.State.FILED:
        raise Refused(
            _("This result of %(test)s no longer counts (%(state)s). Open the specimen to see the one that does.")
            % {"test": result.order.test, "state": result.get_state_display()}
        )


def _supersede(result, because, by):
    if not because.strip():
        raise Refused(_("Say why: the reason stands in the history of the result."))
    result.rejected_because = because.strip()[:200]


@transaction.atomic
def reject_result(result, *, because, by):
    """This answer does not count; the test waits for another run. Raises Refused without a reason.

    One that is already verified needs who may verify infectious results (PermissionDenied for anybody else).
    """
    result = lock_result(result)
    held = held_for(by, result)
    if result.state == LabResult.State.VERIFIED and "labs.verify_infectious" not in held:
        raise PermissionDenied(_("This result is verified. Only a laboratory supervisor can take it back."))
    if result.state not in STANDING:
        _must_wait(result)
    _supersede(result, because, by)
    result.state = LabResult.State.REJECTED
    ordering.save(result, by, "state", "rejected_because", because=result.rejected_because)
    result.order.state = LabOrder.State.COLLECTED
    ordering.save(result.order, by, "state", because=result.rejected_because)
    return result


@transaction.atomic
def correct(result, *, text, because, by, at=None):
    """File a new version in place of the one that stands; it must be verified again. Raises Refused without a reason,
    or when the text is no result of this test."""
    result = lock_result(result)
    if result.state not in STANDING:
        _must_wait(result)
    _supersede(result, because, by)
    result.state = LabResult.State.SUPERSEDED
    ordering.save(result, by, "state", "rejected_because", because=result.rejected_because)
    return _file(result.order, text=text, by=by, at=at, status=LabResult.Status.CORRECTED)
