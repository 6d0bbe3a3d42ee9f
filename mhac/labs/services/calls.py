"""Critical values: who was told and read them back, who took note, and what was written when nobody did."""

import datetime

from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, transaction
from django.db.models import Prefetch
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.labs import calls, ordering, readback
from mhac.labs.critical import LOOK_BACK, with_end
from mhac.labs.models import CriticalAcknowledgement, CriticalCall, CriticalEscalation, LabResult
from mhac.labs.services.locked import Refused
from mhac.labs.services.results import STANDING, held_for


class Misread(Refused):
    """It was not recorded. `fields`: name of the field -> what is wrong with it and what to do."""

    def __init__(self, fields):
        super().__init__(" ".join(fields.values()))
        self.fields = fields


def _lock(result, by, *permissions):
    """The result as it is now, locked for nobody's facts: a call changes no decision."""
    rows = LabResult.objects.select_for_update(of=("self",))
    found = rows.select_related("order__test", "order__specimen", "screening__patient").get(pk=result.pk)
    if not held_for(by, found) & set(permissions):
        raise PermissionDenied(
            _("Your role does not allow this (%(permission)s). Ask your site manager who can do it.")
            % {"permission": permissions[0]}
        )
    if not found.critical:
        raise Refused(_("%(test)s is not critical: nobody has to be called.") % {"test": found.order.test})
    return found


@transaction.atomic
def call(result, *, how, reached, told="", name="", number="", value="", note="", by, at=None):
    """Record one attempt to tell a critical value, or that a told one no longer holds.

    `told`: name and post; `name`, `number`, `value`: what was read back. Raises Misread, by field, when what was read
    back is not what stands in the record, and for a telephone where the test is told in person; PermissionDenied.
    """
    result = _lock(result, by, "labs.add_criticalcall", "labs.verify_infectious")
    wrong = _wrong(result, how, told, name, number, value) if reached else _by_telephone(result, how)
    if wrong:
        raise Misread(wrong)
    made = CriticalCall(result=result, made_by=by, made_at=at or timezone.now(), how=how, reached=reached)
    made.told, made.note = told.strip(), note.strip()
    if reached:
        made.read_back_name, made.read_back_number, made.read_back_value = name.strip(), number.strip(), value.strip()
    ordering.save(made, by)
    return made


def _by_telephone(result, how):
    if how == CriticalCall.How.TELEPHONE and result.order.test.told_in_person:
        return {"how": _("%(test)s is told in person, never by telephone.") % {"test": result.order.test}}
    return {}


def _wrong(result, how, told, name, number, value):
    wrong = _by_telephone(result, how)
    if len(told.split()) < 2:
        wrong["told"] = _("Write the name and the post of who was told.")
    patient, tube = result.screening.patient, result.order.specimen
    right = {
        "name": readback.is_name(name, patient.name, patient.native_name),
        "number": readback.is_number(number, tube.accession, *tube.tubes.values_list("number", flat=True)),
        "value": readback.is_value(value, result),
    }
    sentence = _("This is not what stands in the record. Read it out again and let it be read back once more.")
    return wrong | {field: sentence for field, is_right in right.items() if not is_right}


@transaction.atomic
def acknowledge(result, *, follows, by, at=None):
    """Somebody who treats or decides takes note of a critical value and says what follows.

    Raises Refused for a value that no longer stands or that somebody has taken note of, PermissionDenied.
    """
    result = _lock(result, by, "labs.add_criticalacknowledgement")
    if result.state not in STANDING:
        raise Refused(
            _("This result of %(test)s no longer counts (%(state)s). Open the specimen to see the one that does.")
            % {"test": result.order.test, "state": result.get_state_display()}
        )
    before = CriticalAcknowledgement.objects.filter(result=result).select_related("by").first()
    if before is not None:
        raise Refused(_("%(who)s has taken note of it already.") % {"who": before.by})
    if len(follows.split()) < 2:
        raise Refused(_("Say what follows, in a few words."))
    last = result.calls.filter(reached=True).last()
    made = CriticalAcknowledgement(result=result, call=last, by=by, at=at or timezone.now(), follows=follows.strip())
    ordering.save(made, by)
    return made


def escalate(now):
    """Write for every critical value each limit that passed by `now` without anybody taking note; how many were new.

    Safe twice at once and after any time of standing still: what was missed is written with the moment it was written.
    """
    written = Prefetch("escalations", to_attr="written")
    rows = LabResult.objects.filter(critical=True, filed_at__lte=now - datetime.timedelta(minutes=calls.LIMITS[0]))
    unsettled = rows.filter(state__in=STANDING, acknowledgement=None) | rows.filter(filed_at__gte=now - LOOK_BACK)
    made = 0
    for result in with_end(unsettled).select_related("acknowledgement").prefetch_related(written):
        missing = calls.escalations(value_of(result), now, [each.minutes for each in result.written])
        made += sum(_write(result, minutes, now) for minutes in missing)
    return made


def value_of(result):
    """A row read by `with_end` as the rules see it."""
    taken = getattr(result, "acknowledgement", None)
    return calls.Value(result.filed_at, result.ended_at, taken.at if taken else None)


def _write(result, minutes, now):
    try:
        with transaction.atomic():
            CriticalEscalation.objects.create(result=result, minutes=minutes, at=now)
    except IntegrityError:
        return 0  # somebody else wrote it in the meantime
    return 1
