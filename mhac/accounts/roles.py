"""Who may do what: one table, in the words of the permission matrix, made true in the database after every migrate.

Letters: r read, c create, u update, s sign or verify, x export or print; 2 a second person, ! signs in afresh.
A cell that narrows its right ("released", "own", "counts", ...) gives only what NARROWED names for it.
"""

import re

from django.utils.translation import gettext_lazy as _

from mhac.accounts.matrix import TABLE

ROLES = {
    "REC": _("receptionist"),
    "CLI": _("nurse or clinician"),
    "PHY": _("panel physician"),
    "RAD": _("radiographer or radiologist"),
    "LAB": _("laboratory technician"),
    "LSU": _("laboratory supervisor"),
    "QCO": _("quality officer"),
    "PAR": _("partner"),
    "MGR": _("site manager"),
    "DAT": _("data officer"),
    "PRO": _("protection focal point"),
    "AUD": _("auditor"),
    "ADM": _("administrator"),
}

# Identities of machines and of visitors; they are no groups, and their cells are held by the wire and the verify page.
WITHOUT_GROUP = {"ANON", "MACH"}

# object -> letter -> Django permissions
PERMISSIONS = {
    "Person identity, documents, photo": {
        "r": ["patients.view_patient"],
        "c": ["patients.add_patient"],
        "u": ["patients.change_patient"],
    },
    "Person search (by name/doc)": {"r": ["patients.search_patient"]},
    "Identity check at a station": {"r": ["patients.view_identitycheck"], "c": ["patients.add_identitycheck"]},
    "Duplicate merge / un-merge": {"c": ["patients.add_merge"], "s": ["patients.decide_merge"]},
    "Identity incident": {
        "r": ["patients.view_identityincident"],
        "c": ["patients.add_identityincident"],
        "u": ["patients.change_identityincident"],
        "s": ["patients.resolve_identityincident"],
    },
    "Appointment, slot, queue": {
        "r": ["appointments.view_booking"],
        "c": ["appointments.add_booking"],
        "u": ["appointments.change_booking"],
        "x": ["appointments.print_daylist"],
    },
    "Waiting-room board (ticket numbers)": {"r": ["appointments.view_waitingroom"]},
    "Roster, slot templates, caps": {
        "r": ["appointments.view_timetable"],
        # A station, a member of staff or an exception is part of the one roster, which is changed.
        "c": ["appointments.change_timetable"],
        "u": ["appointments.change_timetable"],
    },
    "Programme state, daily cap": {
        "r": ["screenings.view_programmestate"],
        "c": ["screenings.add_programmestate"],
        # A row is never changed: a newer one goes before it.
        "u": ["screenings.add_programmestate"],
    },
    "Fee, receipt": {
        "r": ["payments.view_receipt"],
        "c": ["payments.add_receipt"],
        # Asks for a waiver or a void; the second person is the manager's "s".
        "u": ["payments.change_receipt"],
        "s": ["payments.void_receipt", "payments.decide_waiver"],
        "x": ["payments.export_receipt"],
    },
    "Consent": {"r": ["screenings.view_consent"], "c": ["screenings.add_consent"]},
    "Case (programme, destination)": {
        "r": ["screenings.view_case"],
        "c": ["screenings.add_case"],
        "u": ["screenings.change_case"],
    },
    "History & vitals": {
        "r": ["exams.view_medicalhistory"],
        "c": ["exams.add_medicalhistory"],
        "u": ["exams.change_medicalhistory"],
    },
    "Physical exam": {
        "r": ["exams.view_physicalexam"],
        "c": ["exams.add_physicalexam"],
        "u": ["exams.change_physicalexam"],
    },
    "Radiology image & reading": {
        "r": ["exams.view_chestxray"],
        "c": ["exams.add_chestxray"],
        "u": ["exams.change_chestxray"],
        "s": ["exams.read_chestxray"],
    },
    "Lab order": {
        "r": ["labs.view_laborder"],
        "c": ["labs.add_laborder"],
        "u": ["labs.change_laborder"],
    },
    "Specimen, accession, labels": {
        "r": ["labs.view_specimen", "labs.view_label"],
        "c": ["labs.add_specimen"],
        "u": ["labs.change_specimen"],
    },
    "Result: instrument": {"r": ["labs.view_labresult"], "s": ["labs.verify_labresult"]},
    "Result: manual entry": {
        "c": ["labs.add_labresult"],
        "s": ["labs.verify_labresult", "labs.verify_typed", "labs.use_late_specimen"],
    },
    "Infectious/critical (HIV, TB+)": {"s": ["labs.verify_infectious"]},
    "Critical acknowledgement": {
        "r": ["labs.view_criticalcall"],
        "c": ["labs.view_criticalcall", "labs.add_criticalcall"],
        "s": ["labs.view_criticalcall", "labs.add_criticalacknowledgement"],
    },
    "Unmatched / error messages": {
        "r": ["lab_integration.view_inbox"],
        "c": ["lab_integration.propose_match", "lab_integration.acknowledge_alarm"],
        "u": [
            "lab_integration.replay_message",
            "lab_integration.propose_match",
            "lab_integration.acknowledge_alarm",
        ],
        "s": ["lab_integration.dismiss_message", "lab_integration.confirm_match"],
    },
    "HL7 raw message": {"r": ["lab_integration.view_payload"]},
    "QC runs, lots, assay lock": {
        "r": ["labs.view_controlrun"],
        "c": ["labs.add_controlrun", "labs.add_controllot", "labs.add_controltarget"],
        # A target is never edited: a newer one goes before it.
        "u": ["labs.change_controltarget", "labs.change_controllot"],
        "s": ["labs.open_lock"],
    },
    "Reference data (tests, limits, programmes)": {
        "r": ["labs.view_test", "payments.view_tariff"],
        "c": ["labs.view_test", "labs.add_limitchange"],
        # A change that was decided is never edited: a newer one goes before it.
        "u": ["labs.add_limitchange"],
        "s": ["labs.change_limitchange"],
    },
    "Analyser/peer configuration": {
        "r": ["lab_integration.view_analyzer"],
        "u": ["lab_integration.change_profileversion"],
        "s": ["lab_integration.activate_profileversion"],
    },
    "Medical decision / class": {
        "r": ["decisions.view_signoff"],
        "c": ["decisions.add_judgement"],
        "s": ["decisions.sign"],
    },
    "Certificate: draft, issue": {"r": ["certificates.view_certificate"], "s": ["certificates.issue_certificate"]},
    "Certificate: download/print": {"r": ["certificates.view_certificate"], "x": ["certificates.print_certificate"]},
    "Certificate: revoke / re-issue": {"s": ["certificates.revoke_certificate"]},
    "Users & roles": {
        "r": ["accounts.view_user"],
        "c": ["accounts.add_user"],
        # Who changes users has to find them first.
        "u": ["accounts.view_user", "accounts.change_user"],
    },
    "Audit log": {"r": ["accounts.view_access"]},
    "Ledger: what is asked and why": {"r": ["decisions.view_ledger"]},
    "Notice: a family's results end soon": {
        "r": ["decisions.view_expirynotice"],
        "u": ["decisions.change_expirynotice"],
    },
}

_NARROWING = re.compile(
    r"released|own|counts|meta|list|by accession|orders only|after sign|final|bench|state only|payload"
)

# What a narrowed cell gives all the same, because the view that needs it shows no more than the cell allows.
NARROWED = {
    ("Users & roles", "MGR"): [],
    # Two people may carry the same tazkira number; that they are two is for the manager to say.
    ("Person identity, documents, photo", "MGR"): [
        "patients.view_patient",
        "patients.change_patient",
        "patients.share_document",
    ],
    ("Person search (by name/doc)", "LAB"): [],
    # The partner reads the states of its own programmes on its page of documents.
    ("Programme state, daily cap", "PAR"): [],
    ("Case (programme, destination)", "RAD"): ["screenings.view_case"],
    # How many labels were given out and what became of them, without a tube or a name.
    ("Specimen, accession, labels", "MGR"): ["labs.view_label"],
    ("Result: instrument", "CLI"): ["labs.view_labresult"],
    ("Result: manual entry", "CLI"): ["labs.view_labresult"],
    ("Critical acknowledgement", "MGR"): ["labs.view_criticalescalation"],
    ("HL7 raw message", "LAB"): ["lab_integration.view_payload"],
    ("Unmatched / error messages", "ADM"): ["lab_integration.view_inbox", "lab_integration.acknowledge_alarm"],
    ("Analyser/peer configuration", "ADM"): ["lab_integration.view_analyzer", "lab_integration.change_analyzer"],
    ("Medical decision / class", "CLI"): ["decisions.view_signoff"],
    # The limits of tests are clinical; what a programme costs is not.
    ("Reference data (tests, limits, programmes)", "ADM"): ["payments.view_tariff", "payments.add_tariff"],
    ("Certificate: draft, issue", "MGR"): ["certificates.view_certificate"],
    ("Certificate: download/print", "REC"): ["certificates.view_certificate", "certificates.print_certificate"],
    ("Certificate: download/print", "PAR"): ["certificates.view_release", "certificates.download_release"],
}


def letters(cell: str) -> set[str]:
    """The letters of a cell without its remarks: "r s(verify)" -> {"r", "s"}."""
    words = re.sub(r"\([^)]*\)", " ", cell).split()
    return {letter for word in words if re.fullmatch(r"[rcusx]+2?!?", word) for letter in re.sub("[2!]", "", word)}


def permissions_of(role: str) -> set[str]:
    """Every Django permission ("app.codename") that `role` holds at the sites it is granted for."""
    held = {"accounts.enter"}
    for thing, cells in TABLE.items():
        cell = cells.get(role, "")
        if (thing, role) in NARROWED:
            held.update(NARROWED[thing, role])
        elif cell and not _NARROWING.search(cell):
            for letter in letters(cell):
                held.update(PERMISSIONS.get(thing, {}).get(letter, []))
    return held


def sync_roles(app_config=None, **kwargs):
    """Make one group a role, holding exactly what the table says. Runs after the last application of a migrate."""
    from django.apps import apps
    from django.contrib.auth.models import Group, Permission

    last = [config for config in apps.get_app_configs() if config.models_module is not None][-1]
    if app_config is not None and app_config is not last:
        return
    known = {f"{p.content_type.app_label}.{p.codename}": p for p in Permission.objects.select_related("content_type")}
    for role in ROLES:
        group, _created = Group.objects.get_or_create(name=role)
        wanted = permissions_of(role)
        if missing := wanted - known.keys():
            raise LookupError(f"accounts/roles.py gives {role} permissions that no model declares: {sorted(missing)}")
        group.permissions.set([known[name] for name in sorted(wanted)])
