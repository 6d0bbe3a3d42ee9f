"""Labels: a number is given out when a tube is taken, printed, and accounted for.

Given out = printed + withdrawn before printing; printed = used + void + missing.
"""

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.labs import ordering
from mhac.labs.models import Label, Specimen
from mhac.labs.services.locked import Refused

State = Label.State
OPEN = {State.ISSUED, State.PRINTED}


def issue(specimen, *, by):
    """One label for each tube of a specimen; what was printed before labels were rows counts as printed."""
    parts = [(each.number, each.tube) for each in specimen.tubes.all()] or [(specimen.accession, "")]
    made = []
    for number, part in parts:
        new = Label(number=number, part=part, specimen=specimen, clinic_id=specimen.clinic_id)
        new.day, new.prints = specimen.collected_on, specimen.labels_printed
        new.state = State.PRINTED if new.prints else State.ISSUED
        ordering.save(new, by)
        made.append(new)
    return made


def _locked(specimens):
    rows = Label.objects.select_for_update(of=("self",)).filter(specimen__in=specimens).order_by("number")
    return list(rows)


@transaction.atomic
def print_labels(specimens, *, by, because=""):
    """Count a print of every label of these specimens (each with `clinic` and `tubes`).

    Raises Refused without a reason when one of them was printed before, and for a number that is void.
    """
    # Two people who print at once wait for each other here, so that the second one is asked for her reason.
    list(Specimen.objects.select_for_update().filter(pk__in=[each.pk for each in specimens]).order_by("pk"))
    found = _locked(specimens)
    known = {each.specimen_id for each in found}
    for each in specimens:
        if each.pk not in known:
            found += issue(each, by=by)
    if void := next((each for each in found if each.state == State.VOID), None):
        raise Refused(_("The number %(number)s is void: it gets no label any more.") % {"number": void})
    if len(because.strip()) < 3 and any(each.prints for each in found):
        raise Refused(
            _("This label was printed before. Two labels with one number are a risk: say why another one is needed.")
        )
    now = timezone.now()
    for each in found:
        each.prints, each.printed_by, each.printed_at = each.prints + 1, by, now
        each.because = because.strip()[:120] or each.because
        each.state = each.state if each.state == State.USED else State.PRINTED
        ordering.save(each, by, "prints", "printed_by", "printed_at", "because", "state", because=because.strip())
    for each in specimens:
        # Paper is no clinical fact: the count has no history and must not disturb a certificate.
        Specimen.objects.filter(pk=each.pk).update(
            labels_printed=max(x.prints for x in found if x.specimen_id == each.pk)
        )
    return found


def used(specimen, *, by):
    """The tube is in somebody's hands, with its labels on it. A set travels together and is scanned by any one."""
    found = _locked([specimen]) or issue(specimen, by=by)
    for each in found:
        if each.state in {State.ISSUED, State.PRINTED, State.MISSING}:
            if not each.prints:
                each.prints, each.because = 1, _("came with a label that was not printed here")
            _settle(each, State.USED, by)


def void(specimen, *, because, by):
    """The tube was thrown away before anybody received it."""
    for each in _locked([specimen]):
        if each.state in OPEN:
            each.because = because[:120]
            _settle(each, State.VOID, by)


def gone(specimen, *, by):
    """The tube is lost, and its labels with it, unless they were seen in the laboratory."""
    for each in _locked([specimen]):
        if each.state in OPEN:
            _settle(each, State.MISSING if each.prints else State.VOID, by)


def _settle(label, state, by):
    label.state, label.settled_by, label.settled_at = state, by, timezone.now()
    ordering.save(label, by, "state", "prints", "because", "settled_by", "settled_at", because=label.because)


# What a person may say became of a label -> from which states.
ANSWERS = {
    State.VOID: {State.ISSUED, State.PRINTED, State.MISSING},
    State.MISSING: {State.PRINTED},
    State.PRINTED: {State.MISSING},
}


@transaction.atomic
def settle(label, *, state, because="", by):
    """Say what became of one label: void (with a reason), missing, or found again (printed).

    Raises Refused when it is settled otherwise already, or is void without a reason.
    """
    label = Label.objects.select_for_update(of=("self",)).get(pk=label.pk)
    if label.state not in ANSWERS.get(state, ()):
        raise Refused(
            _("The label %(number)s is %(state)s. Reload the page to see what is left.")
            % {"number": label, "state": label.get_state_display()}
        )
    if state == State.VOID and len(because.strip()) < 3:
        raise Refused(_("Say why the label is void: spoilt, torn, or no tube was taken."))
    label.because = because.strip()[:120]
    _settle(label, state, by)
    return label
