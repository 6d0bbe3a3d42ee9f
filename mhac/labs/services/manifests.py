"""Boxes to another laboratory: packed by scanning, sealed, sent, and counted out at the other end."""

import datetime

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.labs import ordering
from mhac.labs.models import LabOrder, Manifest, ManifestLine, Specimen
from mhac.labs.services import custody, labels, specimens
from mhac.labs.services.locked import Refused, lock_specimen

State, Line = Manifest.State, ManifestLine.State


@transaction.atomic
def open_box(clinic, *, to, by):
    """A new box of `clinic` for a reference laboratory. Raises Refused when that is the clinic's own."""
    if to.clinic_id == clinic.pk:
        raise Refused(_("This is your own laboratory. Scan the tubes on the page “Receive” instead."))
    new = Manifest(number=clinic.next_number("M", clinic.today().year), clinic=clinic, to=to, packed_by=by)
    ordering.save(new, by)
    return new


def _lock(manifest, state):
    locked = Manifest.objects.select_for_update(of=("self",)).select_related("to", "clinic").get(pk=manifest.pk)
    if locked.state not in state:
        raise Refused(
            _("The box %(number)s is %(state)s. Reload the page to see what can be done.")
            % {"number": locked, "state": locked.get_state_display()}
        )
    return locked


@transaction.atomic
def pack(manifest, *, specimen, by):
    """Put a tube of the site into the box. Raises Refused when it is elsewhere or in another box."""
    specimen, manifest = lock_specimen(specimen), _lock(manifest, {State.PACKING})
    if specimen.clinic_id != manifest.clinic_id:
        raise Refused(_("%(accession)s belongs to another site.") % {"accession": specimen})
    if not custody.can("send", specimen.state):
        raise Refused(
            _("%(accession)s is %(state)s: it cannot be packed. Put it aside.")
            % {"accession": specimen, "state": specimen.get_state_display()}
        )
    if line := ManifestLine.objects.filter(specimen=specimen, state=Line.PACKED).select_related("manifest").first():
        raise Refused(
            _("%(accession)s is in the box %(number)s already.") % {"accession": specimen, "number": line.manifest}
        )
    line = ManifestLine(manifest=manifest, specimen=specimen)
    ordering.save(line, by)
    return line


@transaction.atomic
def unpack(manifest, *, specimen, by):
    """Take a tube out of a box that was not sent."""
    manifest = _lock(manifest, {State.PACKING})
    for line in manifest.lines.select_for_update().filter(specimen=specimen):
        line._history_user = by
        line.delete()


@transaction.atomic
def send(manifest, *, seal, courier, celsius, by, at=None):
    """Close and hand over the box. `celsius`: its temperature, a Decimal or None. Raises Refused without tubes."""
    # Screenings and tubes are locked before the box, in one order everywhere; only then is it certain what is in it.
    packed = [lock_specimen(each) for each in _tubes(manifest)]
    manifest, now = _lock(manifest, {State.PACKING}), at or timezone.now()
    if {each.pk for each in packed} != {each.pk for each in _tubes(manifest)}:
        raise Refused(_("Somebody packed at the same moment. Count the tubes and send again."))
    if not packed:
        raise Refused(_("The box is empty. Scan the tubes into it first."))
    if gone := next((each for each in packed if not custody.can("send", each.state)), None):
        raise Refused(
            _("%(accession)s is %(state)s by now: take it out of the box, then send.")
            % {"accession": gone, "state": gone.get_state_display()}
        )
    manifest.state, manifest.seal, manifest.courier, manifest.celsius_out = State.SENT, seal, courier, celsius
    manifest.sent_by, manifest.sent_at = by, now
    manifest.expected_at = now + datetime.timedelta(hours=manifest.to.transit_hours)
    ordering.save(manifest, by, "state", "seal", "courier", "celsius_out", "sent_by", "sent_at", "expected_at")
    for each in packed:
        custody.step(each, "send", by=by, at=now, place=courier or str(manifest.to), manifest=manifest)
        labels.used(each, by=by)
    return manifest


def _tubes(manifest):
    rows = Specimen.objects.filter(manifest_lines__manifest=manifest).select_related("clinic", "screening")
    return list(rows.order_by("screening_id", "pk"))


@transaction.atomic
def arrive(manifest, *, specimen, by, damaged="", at=None):
    """One tube was counted out at the other end; `damaged` (a Specimen.Reject) when it cannot be used.

    A tube that was missing and turns up later arrives all the same. A damaged one is rejected: its tests are
    ordered again where it came from.
    """
    specimen, manifest = lock_specimen(specimen), _lock(manifest, {State.SENT, State.ARRIVED})
    line = manifest.lines.select_for_update().filter(specimen=specimen).first()
    if damaged and damaged not in Specimen.Reject.values:
        raise Refused(_("Choose why the specimen cannot be used."))
    if line is None:
        raise Refused(
            _("%(accession)s is not on the list of this box. Put it aside and call the laboratory that sent it.")
            % {"accession": specimen}
        )
    if line.state not in {Line.PACKED, Line.MISSING}:
        raise Refused(_("%(accession)s was counted already.") % {"accession": specimen})
    if damaged and specimen.orders.filter(state=LabOrder.State.VERIFIED).exists():
        # What was verified before the journey stands; what the tube still owed is made on another one.
        custody.lose(specimen, because=str(Specimen.Reject(damaged).label), by=by)
    elif damaged:
        specimens.reject(specimen, because=damaged, by=by)
    else:
        specimen.laboratory_id = manifest.to.clinic_id
        place, fields = str(manifest.to), ("laboratory",)
        custody.step(specimen, "arrive", by=by, at=at, place=place, manifest=manifest, fields=fields)
    _settle(line, Line.DAMAGED if damaged else Line.ARRIVED, by)
    return line


@transaction.atomic
def count(manifest, *, celsius, name, by, at=None):
    """Everything was counted out: what was not scanned is missing. `name`: who counted, elsewhere. The missing lines.

    A box of which nothing was scanned must be counted first: Refused.
    """
    manifest = _lock(manifest, {State.SENT})
    lines = list(manifest.lines.select_for_update(of=("self",)).select_related("specimen").order_by("pk"))
    if all(each.state == Line.PACKED for each in lines):
        raise Refused(_("Nothing was scanned yet. Scan the tubes that arrived; what is left over is missing then."))
    manifest.state, manifest.arrived_at, manifest.arrived_by = State.ARRIVED, at or timezone.now(), by
    manifest.celsius_in, manifest.received_by_name = celsius, name
    ordering.save(manifest, by, "state", "arrived_at", "arrived_by", "celsius_in", "received_by_name")
    missing = [each for each in lines if each.state == Line.PACKED]
    for each in missing:
        _settle(each, Line.MISSING, by)
    return missing


def _settle(line, state, by):
    line.state, line.settled_by, line.settled_at = state, by, timezone.now()
    ordering.save(line, by, "state", "settled_by", "settled_at")
