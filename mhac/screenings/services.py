"""Opening a family's case and each person's screening, guardians, papers, consents, travel plans, and giving up."""

import re

from django.db import IntegrityError, transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.clinics import numbers
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.protocols.programme import Edition
from mhac.protocols.reading import Refused as NoEdition
from mhac.screenings import status, texts
from mhac.screenings.models import Case, Consent, Guardian, PaperSeen, ProgrammeState, Screening, TravelPlan
from mhac.screenings.programmes import programmes

CHILD_UNTIL = 18  # completed years; before, a guardian consents


class Refused(Exception):
    """It was not done. The text says what was wrong and what to do next."""


def edition_on(programme, day) -> Edition:
    """The edition in force on `day`, whether or not the programme takes people; raises Refused when there is none."""
    try:
        return programmes().edition(programme, day)
    except NoEdition as fault:
        raise Refused(_("No edition of this programme is in force. Choose another programme.")) from fault


def edition_for(programme, clinic, day) -> Edition:
    """The edition that somebody new at `clinic` follows on `day`; raises Refused when nobody new is taken then."""
    edition = edition_on(programme, day)
    if why := status.on(programme, clinic, day).refusal:
        raise Refused(why)
    return edition


def clean_reference(typed) -> str:
    """A partner's reference as it is stored: capitals, Latin digits, no spaces; its dashes stay."""
    return re.sub(r"\s", "", "-".join(numbers.clean(part) for part in re.split("[-‐-―]", typed)))


def doubt_about(reference, edition) -> str:
    """A sentence when a reference looks unusual for its programme, else "". Raises Refused for one that is needed and
    missing, or that cannot be right."""
    asked = edition.reference
    if not reference:
        if asked.needed:
            raise Refused(
                _("The %(reference)s is missing, and nobody is screened without it. Ask for the partner's letter.")
                % {"reference": asked.name}
            )
        return ""
    if asked.pattern and not re.fullmatch(asked.pattern, reference):
        if asked.hard:
            raise Refused(
                _("%(typed)s is no %(reference)s. Compare it with the partner's letter.")
                % {"typed": reference, "reference": asked.name}
            )
        return _("%(typed)s is unusual for the %(reference)s: compare it with the partner's letter.") % {
            "typed": reference,
            "reference": asked.name,
        }
    return ""


@transaction.atomic
def open_case(*, clinic, programme, contact_name, by, phone="", address="", key=None) -> Case:
    """A new family's case. The same `key` (UUID) again answers with the case it made. Raises Refused."""
    if key is not None and (done := Case.objects.visible_to(by).filter(pk=key).first()):
        return done
    status.keep(programme)
    edition_for(programme, clinic, clinic.today())
    case = Case(
        clinic=clinic,
        number=clinic.next_number("C", clinic.today().year),
        programme=programme,
        contact_name=contact_name,
        phone=phone,
        address=address,
        created_by=by,
        **({"id": key} if key else {}),
    )
    case._history_user = by
    try:
        with transaction.atomic():
            case.save(force_insert=True)
    except IntegrityError:
        # The same form came twice at once, and the other one was first.
        return Case.objects.visible_to(by).get(pk=key)
    return case


@transaction.atomic
def open_screening(
    case, *, patient, by, relation=Screening.Relation.HEAD, reference="", on=None, key=None
) -> Screening:
    """One person's way through the case's programme, under the edition of that day. Raises Refused."""
    on = on or case.clinic.today()
    status.keep(case.programme)
    edition = edition_for(case.programme, case.clinic, on)
    reference = clean_reference(reference)
    doubt_about(reference, edition)
    # The lock of the person makes two openings of the same one wait for each other.
    Patient.objects.select_for_update().get(pk=patient.pk)
    _refuse_second(patient, case.programme)
    _refuse_shared(reference, case, edition)
    screening = Screening(
        case=case,
        patient=patient,
        clinic=case.clinic,
        programme=case.programme,
        edition=edition.key,
        reference=reference,
        relation=relation,
        opened_on=on,
        **({"id": key} if key else {}),
    )
    screening._history_user = by
    screening.save(force_insert=True)
    return screening


def _refuse_second(patient, programme):
    standing = Screening.objects.of(patient).open().filter(programme=programme).select_related("case").first()
    if standing:
        raise Refused(
            _("%(name)s already has an open screening for this programme in case %(case)s. Open that case instead.")
            % {"name": patient.name, "case": standing.case.number}
        )


def _refuse_shared(reference, case, edition):
    if not reference:
        return
    holders = Screening.objects.filter(programme=case.programme, reference=reference).exclude(state="withdrawn")
    if not edition.reference.needed:
        # A number that everybody must bring is each person's own (Canada's IME number); others may be the family's.
        holders = holders.exclude(case=case)
    if holder := holders.select_related("case").first():
        raise Refused(
            _("The %(reference)s %(typed)s already belongs to case %(case)s. Compare both with the partner's letters.")
            % {"reference": edition.reference.name, "typed": reference, "case": holder.case.number}
        )


@transaction.atomic
def register_family(case, people, *, by) -> list[Screening]:
    """Register everybody and open their screenings, or nobody. `people` are mappings: `key` (UUID of the screening, so
    that the same form sent twice makes one family), `patient` (who is known) or `person` (see
    `patients.services.register`), `documents`, `relation`, `reference`. Raises RefusedPerson naming the row."""
    status.keep(case.programme)
    Case.objects.select_for_update().get(pk=case.pk)
    opened = []
    for row, each in enumerate(people):
        if done := Screening.objects.filter(pk=each["key"], case=case).first():
            opened.append(done)
            continue
        try:
            patient = _patient_of(each, case, by)
            opened.append(
                open_screening(
                    case,
                    patient=patient,
                    relation=each["relation"],
                    reference=each["reference"],
                    key=each["key"],
                    by=by,
                )
            )
        except patients.Refused as refusal:
            raise RefusedPerson(row, "number", str(refusal)) from refusal
        except Refused as refusal:
            raise RefusedPerson(row, "reference", str(refusal)) from refusal
    return opened


def _patient_of(each, case, by):
    """Who is known keeps her record and may bring a new document; everybody else gets one."""
    known = each.get("patient")
    if known is None:
        return patients.register(clinic=case.clinic, by=by, documents=each["documents"], **each["person"])
    known = known.survivor
    for document in each["documents"]:
        if patients.owner_of(**patients.identity(document)) != known:
            patients.add_document(known, by=by, **document)
    return known


class RefusedPerson(Refused):
    """One person of a family was refused: which row, beside which field, and why."""

    def __init__(self, row, field, sentence):
        super().__init__(sentence)
        self.row, self.field = row, field


def proposed(
    programme, *, state, reason, by, from_day, clinic=None, until=None, daily_cap=None, risk_note="", key=None
):
    """The row of such a decision, not yet saved. `clinic` None means all sites; `daily_cap` (people a day) goes with
    `limited`. Raises Refused for somebody who may not decide there, and for days or numbers that make no sense."""
    if programme not in programmes().keys():  # noqa: SIM118 - it is no dictionary
        raise Refused(_("There is no such programme. Choose one of the list."))
    _may_decide(clinic, by)
    if from_day < (clinic.today() if clinic else timezone.localdate()):
        raise Refused(_("What has been cannot be changed. Choose today or a later day."))
    if until and until < from_day:
        raise Refused(_("The last day lies before the first. Change one of them."))
    limited = state == ProgrammeState.State.LIMITED
    if limited and not daily_cap:
        raise Refused(_("Write how many people a day are taken."))
    if daily_cap and not limited:
        raise Refused(_("A number of people a day belongs to the state limited. Choose it, or leave the number out."))
    if state == ProgrammeState.State.SHARED and clinic is None:
        raise Refused(_("All sites cannot follow themselves. Choose a site, or another state."))
    if not reason.strip():
        raise Refused(_("Write why, so that whoever is refused at the desk can be told."))
    return ProgrammeState(
        programme=programme,
        clinic=clinic,
        state=state,
        daily_cap=daily_cap,
        from_day=from_day,
        until=until,
        reason=reason.strip(),
        risk_note=risk_note.strip(),
        decided_by=by,
        **({"id": key} if key else {}),
    )


def _may_decide(clinic, by):
    needed = "screenings.add_programmestate"
    if clinic is None and needed not in by.rights.get(None, ()):
        raise Refused(_("You manage some sites only. Choose the site for which you decide."))
    if clinic is not None and not by.sites(needed).filter(pk=clinic.pk).exists():
        raise Refused(_("You do not manage %(clinic)s. Ask its site manager.") % {"clinic": clinic})


@transaction.atomic
def decide_state(programme, **decision) -> ProgrammeState:
    """Write down the state of a programme (see `proposed`); it holds from its day on, before older rows, and nobody is
    booked or opened meanwhile under the old one. The same `key` (UUID) again answers with the row it made."""
    row = proposed(programme, **decision)
    status.change(programme)
    if done := ProgrammeState.objects.filter(pk=row.pk).first():
        return done
    row.save(force_insert=True)
    return row


@transaction.atomic
def give_consent(
    screening,
    *,
    purpose,
    given_by,
    by,
    language="fa-af",
    method=Consent.Method.SIGNATURE,
    witness="",
    on=None,
    version=None,
    guardian_relation="",
    guardian_document="",
) -> Consent:
    """Write down a consent to the text `version` (None: that of the day). One that stands already is answered as it is.

    Raises Refused for a thumbprint without a witness, a language without a text and without an interpreter, a text that
    is no longer read to people, and a child that consents alone.
    """
    on = on or screening.clinic.today()
    current = texts.current(on).version
    if version not in (None, current):
        raise Refused(_("The text has changed since this page was opened. Read the new text to the person."))
    if method == Consent.Method.THUMBPRINT and not witness.strip():
        raise Refused(_("A thumbprint needs a witness. Write the name of who was present."))
    if language not in texts.LANGUAGES and not witness.strip():
        raise Refused(_("There is no text in this language. Write who interpreted it, as the witness."))
    patient = screening.person
    is_child = patient.age_on(on) < CHILD_UNTIL
    if is_child and given_by.strip().casefold() in {"", patient.name.casefold(), patient.native_name.casefold()}:
        raise Refused(_("%(name)s is a child. Write the name of the guardian who consents.") % {"name": patient.name})
    if not given_by.strip():
        raise Refused(_("Write who gave the consent."))
    Screening.objects.select_for_update().get(pk=screening.pk)
    standing = Consent.objects.standing().filter(screening=screening, purpose=purpose).first()
    if standing:
        return standing
    consent = Consent(
        screening=screening,
        purpose=purpose,
        version=current,
        language=language,
        given_by=given_by.strip(),
        method=method,
        witness=witness.strip(),
        guardian_relation=guardian_relation if is_child else "",
        guardian_document=guardian_document.strip()[:80] if is_child else "",
        given_on=on,
        recorded_by=by,
    )
    consent._history_user = by
    consent.save()
    return consent


@transaction.atomic
def withdraw_consent(consent, *, by, because="", on=None) -> Consent:
    """From now on it does not hold; what was done under it stays written. Nobody has to say why."""
    Screening.objects.select_for_update().get(pk=consent.screening_id)
    consent = Consent.objects.select_for_update().get(pk=consent.pk)
    if consent.withdrawn_on:
        return consent
    consent.withdrawn_on = on or consent.screening.clinic.today()
    consent._history_user, consent._change_reason = by, because.strip()[:100]
    consent.save(update_fields=["withdrawn_on"])
    return consent


@transaction.atomic
def set_guardian(screening, *, by, adult=None, name="", relation="", document="", alone=False) -> Guardian:
    """Who answers for a child: `adult` (the screening of a grown-up of the same case), or somebody with a name; or,
    with `alone`, that nobody has come with it. Raises Refused for who is no child and for who cannot be a guardian."""
    today = screening.clinic.today()
    child = Screening.objects.select_for_update(of=("self",)).select_related("patient").get(pk=screening.pk)
    if child.person.age_on(today) >= CHILD_UNTIL:
        raise Refused(_("%(name)s is grown up and needs no guardian.") % {"name": child.patient.name})
    if adult and (adult.case_id != child.case_id or adult.person.age_on(today) < CHILD_UNTIL):
        raise Refused(_("A guardian is an adult of the same family. Choose another person, or write the name."))
    name = adult.patient.name if adult else name.strip()
    if not alone and (not name or name.casefold() == child.patient.name.casefold()):
        raise Refused(_("Write the guardian's name."))
    if not alone and not relation:
        raise Refused(_("Choose what the guardian is to the child."))
    guardian = Guardian.objects.filter(screening=child).first() or Guardian(screening=child)
    guardian.adult, guardian.name = (None, "") if alone else (adult, name[:120])
    guardian.relation, guardian.document = ("", "") if alone else (relation, document.strip()[:80])
    guardian.alone, guardian.recorded_by, guardian._history_user = alone, by, by
    guardian.save()
    return guardian


@transaction.atomic
def tick_papers(screening, *, papers, by) -> None:
    """Make `papers` (words of the edition's list) those that somebody saw of this person; each keeps who saw it."""
    Screening.objects.select_for_update().get(pk=screening.pk)
    standing = {row.paper: row for row in PaperSeen.objects.standing().filter(screening=screening)}
    for paper in sorted(set(papers) - standing.keys()):
        seen = PaperSeen(screening=screening, paper=paper, seen_by=by)
        seen._history_user = by
        seen.save(force_insert=True)
    for paper in standing.keys() - set(papers):
        seen = standing[paper]
        seen.taken_back_by, seen.taken_back_at, seen._history_user = by, timezone.now(), by
        seen.save(update_fields=["taken_back_by", "taken_back_at"])


@transaction.atomic
def plan_travel(screening, *, departure, by, arrival_on=None, mode=TravelPlan.Mode.AIR, from_country="AFG", needs=()):
    """Write down or change when and how somebody travels. Raises Refused for an arrival before the departure."""
    if arrival_on and arrival_on < departure.date():
        raise Refused(_("The arrival is before the departure. Check both days."))
    Screening.objects.select_for_update().get(pk=screening.pk)
    plan = TravelPlan.objects.filter(screening=screening).first() or TravelPlan(screening=screening)
    plan.departure, plan.arrival_on, plan.mode = departure, arrival_on, mode
    plan.from_country, plan.needs, plan.recorded_by = from_country, sorted(needs), by
    plan._history_user = by
    plan.save()
    return plan


@transaction.atomic
def move_to_edition(screening, edition, *, because, by) -> Screening:
    """An open screening follows a newer edition of its programme from now on; the reason stands in its history."""
    screening = Screening.objects.select_for_update().get(pk=screening.pk)
    if not screening.is_open:
        raise Refused(
            _("This screening is %(state)s and keeps its edition. Withdraw the signature first.")
            % {"state": screening.get_state_display()}
        )
    current = programmes().by_key(screening.edition)
    if edition.programme != screening.programme or edition.in_force <= current.in_force:
        raise Refused(
            _("%(edition)s is no newer edition of this programme. Look again which one is in force.")
            % {"edition": edition.key}
        )
    screening.edition = edition.key
    screening._history_user, screening._change_reason = by, because.strip()[:100]
    screening.save(update_fields=["edition"])
    return screening


@transaction.atomic
def withdraw(screening, *, because, by) -> Screening:
    """The person (or the partner) gives up an open screening; the reason stands in its history."""
    screening = Screening.objects.select_for_update().get(pk=screening.pk)
    if not screening.is_open:
        raise Refused(
            _("This screening is %(state)s and cannot be withdrawn.") % {"state": screening.get_state_display()}
        )
    if not because.strip():
        raise Refused(_("Write why the screening is given up."))
    screening.state = Screening.State.WITHDRAWN
    screening._history_user, screening._change_reason = by, because.strip()[:100]
    screening.save(update_fields=["state"])
    return screening
