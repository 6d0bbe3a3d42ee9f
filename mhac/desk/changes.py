"""The history of one person's records, as people read it: who changed what, from what to what, when and why.

Each kind of record is shown to who may see that kind. One question per kind, and one per sort of row that is named in
it, however much has happened.
"""

import datetime
from dataclasses import dataclass, field
from decimal import Decimal

from django.core.paginator import Paginator
from django.db import models
from django.db.models import Q
from django.utils import dateformat, timezone
from django.utils.functional import Promise
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.accounts.models import User
from mhac.appointments.models import Booking, Slot
from mhac.certificates.models import Certificate
from mhac.clinics.models import Clinic
from mhac.decisions.models import Judgement, SignOff
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam, Pregnancy, Vitals
from mhac.labs.models import LabOrder, LabResult, Specimen, Test
from mhac.patients.models import IdentityCheck, IdentityDocument, Patient
from mhac.screenings.forms import LANGUAGES
from mhac.screenings.models import Case, Consent, Guardian, PaperSeen, Screening, TravelPlan
from mhac.screenings.programmes import programmes

PER_PAGE = 25

# (kind, permission, where its rows name the person); Patient by its own key, the rest of the house by screening.
KINDS = [
    (Patient, "patients.view_patient", "id"),
    (IdentityDocument, "patients.view_patient", "patient"),
    (IdentityCheck, "patients.view_identitycheck", "patient"),
    (Screening, "screenings.view_case", "patient"),
    (Consent, "screenings.view_consent", "screening"),
    (Guardian, "screenings.view_case", "screening"),
    (PaperSeen, "screenings.view_case", "screening"),
    (TravelPlan, "screenings.view_case", "screening"),
    (Booking, "appointments.view_booking", "screening"),
    (Vitals, "exams.view_medicalhistory", "screening"),
    (MedicalHistory, "exams.view_medicalhistory", "screening"),
    (Pregnancy, "exams.view_medicalhistory", "screening"),
    (PhysicalExam, "exams.view_physicalexam", "screening"),
    (ChestXray, "exams.view_chestxray", "screening"),
    (Specimen, "labs.view_specimen", "screening"),
    (LabOrder, "labs.view_laborder", "screening"),
    (LabResult, "labs.view_labresult", "screening"),
    (Judgement, "decisions.view_signoff", "screening"),
    (SignOff, "decisions.view_signoff", "screening"),
    (Certificate, "certificates.view_certificate", "screening"),
]

# What a machine needs and a person does not read; a certificate's running count is shown to nobody.
UNSHOWN = {
    "id", "patient", "screening", "found_as", "person", "facts", "facts_hash", "answer", "seal", "count", "pdf_sha256",
    "key_id", "facts_changed_at", "recorded_at", "labels_printed", "seat",
}  # fmt: skip

# How rows that are named in a change are called, by one column of theirs.
CALLED = {
    User: "full_name",
    Clinic: "name",
    Case: "number",
    Slot: "starts_at",
    Patient: "number",
    Screening: "patient__number",
    Specimen: "accession",
    Test: "name",
    LabOrder: "test__name",
    SignOff: "signed_on",
    Certificate: "number",
}


# Columns that their models name only for programmers.
NAMES = {
    "adult": gettext_lazy("Guardian"),
    "by": gettext_lazy("by"),
    "case": gettext_lazy("case"),
    "clinic": gettext_lazy("site"),
    "slot": gettext_lazy("time"),
    "day": gettext_lazy("day"),
    "station": gettext_lazy("station"),
    "confirmed": gettext_lazy("face confirmed"),
    "note": gettext_lazy("note"),
    "test": gettext_lazy("test"),
    "specimen": gettext_lazy("specimen"),
    "item": gettext_lazy("item"),
    "nth": gettext_lazy("number in a series"),
    "order": gettext_lazy("test"),
    "kind": gettext_lazy("kind"),
    "operator": gettext_lazy("sign before the number"),
    "number": gettext_lazy("number"),
    "text": gettext_lazy("text"),
    "coded": gettext_lazy("coded value"),
    "titre": gettext_lazy("titre"),
    "flags": gettext_lazy("flags"),
    "source": gettext_lazy("entered through"),
    "recorded_by": gettext_lazy("recorded by"),
    "booked_by": gettext_lazy("booked by"),
    "taken_by": gettext_lazy("taken by"),
    "read_by": gettext_lazy("read by"),
    "collected_by": gettext_lazy("collected by"),
    "received_by": gettext_lazy("received by"),
    "ordered_by": gettext_lazy("ordered by"),
    "entered_by": gettext_lazy("entered by"),
    "verified_by": gettext_lazy("verified by"),
    "rejected_because": gettext_lazy("rejected because"),
    "signed_by": gettext_lazy("signed by"),
    "withdrawn_at": gettext_lazy("withdrawn"),
    "withdrawn_by": gettext_lazy("withdrawn by"),
    "taken_back_at": gettext_lazy("withdrawn"),
    "taken_back_by": gettext_lazy("withdrawn by"),
    "edition": gettext_lazy("edition"),
    "withdrawn_because": gettext_lazy("withdrawn because"),
    "classes": gettext_lazy("classes"),
    "signoff": gettext_lazy("decision signed"),
    "issued_by": gettext_lazy("issued by"),
    "revoked_by": gettext_lazy("revoked by"),
    "supersedes": gettext_lazy("replaces"),
    "checked_at": gettext_lazy("checked"),
    "training": gettext_lazy("training"),
}


@dataclass(frozen=True)
class Field:
    """One value that changed, in words."""

    name: str
    before: str
    after: str


@dataclass
class Entry:
    """One saving of one record."""

    at: datetime.datetime
    who: str
    what: str
    kind: str
    because: str
    fields: list[Field] = field(default_factory=list)
    record: models.Model = None
    previous: models.Model = None

    @property
    def is_new(self):
        return self.record.history_type == "+"


def page(patient, user, *, number=None):
    """One page of the history of `patient` that `user` may see, the newest first (a Django `Page` of entries)."""
    entries = sorted(_entries(patient, user), key=lambda entry: (entry.at, str(entry.record.history_id)), reverse=True)
    found = Paginator(entries, PER_PAGE).get_page(number)
    names = _Names(found.object_list)
    for entry in found.object_list:
        entry.fields = [change for change in _changes(entry, names) if change.before != change.after]
    return found


def _entries(patient, user):
    for model, permission, where in KINDS:
        if not user.has_perm(permission):
            continue
        keys = Patient.objects.records_of(patient).values("pk")
        if where == "screening":
            # Where she holds the right to this kind: a laboratory sees orders of a case that it may not open.
            keys = Screening.objects.of(patient).filter(clinic__in=user.sites(permission)).values("pk")
        rows = model.history.filter(**{f"{where}__in": keys}).select_related("history_user")
        rows = _narrowed(model, rows, user).order_by("history_date", "history_id")
        yield from _in_pairs(model, _without_payload(model, rows))


def _without_payload(model, rows):
    heavy = {"facts", "answer", "seal"} & {each.name for each in model._meta.fields}
    return rows.defer(*heavy) if heavy else rows


def _narrowed(model, rows, user):
    """Who may not know of incidents sees no check that failed. Who sees only final results sees no result before it is
    verified, and no infectious one that is another's."""
    if model is IdentityCheck and not user.has_perm("patients.view_identityincident"):
        return rows.filter(confirmed=True)
    if model is Judgement and not user.has_perm("decisions.add_judgement"):
        return rows.filter(screening__in=SignOff.objects.values("screening"))
    if model is not LabResult or user.has_perm("decisions.sign") or user.has_perm("labs.verify_infectious"):
        return rows
    if user.has_perm("labs.add_labresult"):
        infectious = LabResult.objects.filter(order__test__verifier=Test.Verifier.SUPERVISOR)
        return rows.exclude(Q(id__in=infectious.values("pk")) & ~Q(entered_by=user))
    return rows.filter(id__in=LabResult.objects.filter(verified_by__isnull=False).values("pk"))


def _in_pairs(model, rows):
    """Each saving with the one before it of the same record."""
    latest = {}
    words = {"+": _("new"), "~": _("changed"), "-": _("removed")}
    for row in rows:
        yield Entry(
            at=row.history_date,
            who=row.history_user.full_name if row.history_user else _("the system"),
            what=words[row.history_type],
            kind=str(model._meta.verbose_name),
            because=row.history_change_reason or "",
            record=row,
            previous=latest.get(row.id),
        )
        latest[row.id] = row


def _changes(entry, names):
    """The fields that differ from the saving before, by simple_history; of a new record those that say something."""
    tracked = [each for each in entry.record.tracked_fields if each.editable and each.name not in UNSHOWN]
    if entry.previous is None:
        for each in tracked:
            if said := _said(each, getattr(entry.record, each.attname), names):
                yield Field(_name(each), "", said)
        return
    shown = {each.name: each for each in tracked}
    delta = entry.record.diff_against(entry.previous, included_fields=list(shown))
    for change in delta.changes:
        tracked_field = shown[change.field]
        yield Field(
            _name(tracked_field),
            _said(tracked_field, change.old, names) or "–",
            _said(tracked_field, change.new, names) or "–",
        )


def _name(each):
    """The column in the reader's language: its own name when the model gives one, else ours."""
    named = isinstance(each.verbose_name, Promise) or each.name not in NAMES
    return str(each.verbose_name if named else NAMES[each.name])


def _said(each, value, names):
    """One value in words: labels for codes, names for keys, days with the month's name."""
    if value is None or value == "":
        return ""
    if value in ([], {}):
        return _("none")  # asked, and nothing: that is an answer
    if each.is_relation:
        return names.of(each.related_model, value)
    if each.name == "programme":
        return programmes().editions(value)[-1].name
    if choices := dict(each.flatchoices or LANGUAGES if each.name == "language" else each.flatchoices or ()):
        return str(choices.get(value, value))
    return _plain(value)


def _plain(value):
    match value:
        case bool():
            return _("yes") if value else _("no")
        case datetime.datetime():
            return dateformat.format(timezone.localtime(value), "d M Y, H:i")
        case datetime.date():
            return dateformat.format(value, "d M Y")
        case Decimal():
            return f"{value.normalize():f}"
        case dict():
            return ", ".join(f"{_words(key)}: {_plain(inner)}" for key, inner in value.items())
        case list() | tuple():
            return "; ".join(_plain(inner) for inner in value)
        case _:
            return _words(value)


def _words(code):
    """A code of the rules without its underscores; anything else as it is."""
    text = str(code)
    return text.replace("_", " ") if text.isidentifier() else text


class _Names:
    """What the rows are called that a page of entries names by key: one question for each sort of row."""

    def __init__(self, entries):
        wanted = {}
        for entry in entries:
            for row in (entry.record, entry.previous):
                for each in row.tracked_fields if row is not None else ():
                    if each.is_relation and each.name not in UNSHOWN:
                        wanted.setdefault(each.related_model, set()).add(getattr(row, each.attname))
        self.called = {
            model: dict(model._base_manager.filter(pk__in=keys - {None}).values_list("pk", CALLED[model]))
            for model, keys in wanted.items()
        }

    def of(self, model, key):
        found = self.called.get(model, {}).get(key)
        return _plain(found) if isinstance(found, datetime.date) else str(found or _("removed"))
