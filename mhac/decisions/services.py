"""What follows from the ledger: orders, a physician's judgements, her signature, and whether it still holds.

Locks are taken in the house's order: patient, screening, then the rows of this room.
"""

import hashlib
import json

from django.db import transaction
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.decisions import editions, facts, ledger
from mhac.decisions.models import EditionChoice, Judgement, SignOff
from mhac.labs import services as labs
from mhac.labs.models import LabOrder, Test
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.protocols.facts import Refused as Contradiction
from mhac.protocols.vocabulary import ITEMS
from mhac.screenings import services as screenings
from mhac.screenings.models import Fact, Screening
from mhac.screenings.programmes import programmes

# These two are "awaited" as soon as a culture grows, before anybody ordered them.
ON_THE_ISOLATE = {"dst", "dst_second_line"}


class NotReady(Exception):
    """It was not done. The text says what was wrong and what to do next."""


def _locked(screening):
    """The screening as it is now; nobody adds a fact to it until this transaction ends."""
    Patient.objects.select_for_update().get(pk=screening.patient_id)
    return Screening.objects.select_for_update(of=("self",)).whole().get(pk=screening.pk)


def _refuse_unless_open(screening):
    if not screening.is_open:
        raise NotReady(
            _("This screening is %(state)s. Withdraw the signature first if something has to change.")
            % {"state": screening.get_state_display()}
        )


def _refuse_without_licence(by):
    if not by.licence:
        raise NotReady(_("Only a licensed physician decides. Ask the administrator to record your licence number."))


def facts_hash(stated):
    """SHA-256 over the one way of writing these facts down: keys sorted, no blanks, UTF-8."""
    text = json.dumps(stated, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()


# --- Orders ---------------------------------------------------------------------------------------------------------


@transaction.atomic
def order_due(screening, *, by):
    """Order what the ledger asks of the laboratory and nobody ordered yet; the new orders. Twice orders once.

    Raises NotReady.
    """
    screening = _locked(screening)
    _refuse_unless_open(screening)
    found = ledger.of(screening, on=screening.clinic.today())
    if found.contradiction:
        raise NotReady(found.contradiction)
    items = {entry.item: entry.rules for entry in found.open_entries if entry.state == "due"}
    items |= {entry.item: entry.rules for entry in found.open_entries if entry.item in ON_THE_ISOLATE}
    answered = {item for test in Test.objects.filter(active=True) for item in test.items}
    wanted = {item: list(rules) for item, rules in items.items() if item in answered}
    if items and not answered:
        raise NotReady(_("The laboratory has no tests yet. Ask the administrator to load its catalogue."))
    return labs.order(screening, items=wanted, by=by) if wanted else []


# --- Judgements -----------------------------------------------------------------------------------------------------


@transaction.atomic
def judge(screening, *, code, reason, by, item="", age=None, grade=""):
    """Write down what a physician decided where the rules leave room. Raises NotReady."""
    _refuse_without_licence(by)
    screening = _locked(screening)
    _refuse_unless_open(screening)
    if not reason.strip():
        raise NotReady(_("Write the reason; the partner and the next physician will ask for it."))
    standing = Judgement.objects.standing().filter(screening=screening)
    refusal = _REFUSALS[code](screening=screening, standing=standing, item=item, age=age, grade=grade)
    if refusal:
        raise NotReady(refusal)
    about = {"item": item}
    said = {"order": about, "waive": about, "use_age": {"age": age}, "grade": {"grade": grade}}.get(code, {})
    made = Judgement(screening=screening, code=code, reason=reason.strip(), by=by, **said)
    made._history_user = by
    made.save(force_insert=True)
    if code == Judgement.Code.WAIVE:
        labs.cancel(screening, items=[item], because=_("waived: %(reason)s") % {"reason": made.reason}, by=by)
    Fact.mark([screening])
    return made


def _against_order(*, standing, item, **_others):
    if item not in ITEMS:
        return _("Choose the item that has to be done.")
    if standing.filter(code=Judgement.Code.ORDER, item=item).exists():
        return _("This item is ordered already.")
    if standing.filter(code=Judgement.Code.WAIVE, item=item).exists():
        return _("This item is waived. Take the waiver back first.")
    return ""


def _against_waiver(*, screening, standing, item, **_others):
    """What stands against waiving is decided by the rules; an order of a physician goes first."""
    if item not in ITEMS:
        return _("Choose the item that is waived.")
    if standing.filter(code=Judgement.Code.ORDER, item=item).exists():
        return _("This item is ordered. Take the order back first.")
    if standing.filter(code=Judgement.Code.WAIVE, item=item).exists():
        return _("This item is waived already.")
    return ledger.of(screening, on=screening.clinic.today()).why_not_waived(item)


def _against_disease(other):
    def refusal(*, standing, **_others):
        if standing.filter(code=other).exists():
            return _("The opposite decision stands. Take it back first.")
        return ""

    return refusal


def _against_age(*, screening, standing, age, **_others):
    if standing.filter(code=Judgement.Code.USE_AGE).exists():
        return _("An age is decided already. Take that decision back first.")
    span = ledger.of(screening, on=screening.clinic.today()).answer.get("age")
    if not isinstance(span, list):
        return _("The age is known; nothing has to be decided. Correct the birth date if it is wrong.")
    youngest, oldest = span
    if age is None or not youngest <= age <= oldest:
        return _("Choose an age from %(youngest)s to %(oldest)s.") % {"youngest": youngest, "oldest": oldest}
    return ""


def _against_grade(*, screening, standing, grade, **_others):
    """A one-way ratchet: a finding or a physician makes the grade B, and nothing but other findings makes it A."""
    if not programmes().by_key(screening.edition).practice.grade:
        return _("This programme gives no grade.")
    if grade != "B":
        return _("A grade is raised from A to B and never lowered. Correct the finding itself if it is wrong.")
    if standing.filter(code=Judgement.Code.GRADE).exists():
        return _("The grade is raised already.")
    return ""


def _against_list(*, screening, standing, **_others):
    if not programmes().by_key(screening.edition).items_unknown:
        return _("The list of this programme is known; nothing has to be decided about it.")
    if standing.filter(code=Judgement.Code.LIST_COMPLETE).exists():
        return _("The list is said to be complete already. Take that decision back first.")
    return ""


_REFUSALS = {
    Judgement.Code.ORDER: _against_order,
    Judgement.Code.WAIVE: _against_waiver,
    Judgement.Code.TB_DISEASE: _against_disease(Judgement.Code.NO_TB_DISEASE),
    Judgement.Code.NO_TB_DISEASE: _against_disease(Judgement.Code.TB_DISEASE),
    Judgement.Code.USE_AGE: _against_age,
    Judgement.Code.GRADE: _against_grade,
    Judgement.Code.LIST_COMPLETE: _against_list,
}


@transaction.atomic
def take_back(judgement, *, because, by):
    """A judgement that no longer stands; it stays written. Raises NotReady for a raised grade, which stays."""
    screening = _locked(judgement.screening)
    _refuse_unless_open(screening)
    judgement = Judgement.objects.select_for_update().get(pk=judgement.pk)
    if judgement.withdrawn_at:
        return judgement
    if judgement.code == Judgement.Code.GRADE:
        raise NotReady(_("A grade is raised and never lowered. Correct the finding itself if it is wrong."))
    if not because.strip():
        raise NotReady(_("Write why the decision is taken back."))
    judgement.withdrawn_at = timezone.now()
    judgement._history_user, judgement._change_reason = by, because.strip()[:100]
    judgement.save(update_fields=["withdrawn_at"])
    Fact.mark([screening])
    return judgement


# --- A newer edition ------------------------------------------------------------------------------------------------


@transaction.atomic
def choose_edition(screening, *, to, accepted, reason, by):
    """Move an open screening to the newer edition `to` (a key), or leave it with its own; both are written down.

    Raises NotReady.
    """
    _refuse_without_licence(by)
    screening = _locked(screening)
    _refuse_unless_open(screening)
    offer = editions.offer(screening, on=screening.clinic.today())
    if offer is None:
        raise NotReady(_("This screening follows the edition in force already. Nothing has to be decided."))
    if offer.newer.key != to:
        raise NotReady(_("Another edition is in force than the one you looked at. Look at this page again first."))
    if not reason.strip():
        raise NotReady(_("Write the reason; the partner and the next physician will ask for it."))
    if offer.declined and not accepted:
        raise NotReady(_("%(name)s has declined this edition already.") % {"name": offer.declined.by})
    made = EditionChoice(
        screening=screening,
        from_edition=offer.now.key,
        to_edition=offer.newer.key,
        accepted=accepted,
        reason=reason.strip(),
        by=by,
    )
    made._history_user = by
    made.save(force_insert=True)
    if accepted:
        _cancel_unasked(screenings.move_to_edition(screening, offer.newer, because=reason, by=by), by)
    return made


def _cancel_unasked(screening, by):
    """What the new edition does not ask for any more is not collected either."""
    found = ledger.of(screening, on=screening.clinic.today())
    asked = {entry.item for entry in found.entries}
    ordered = set(LabOrder.objects.to_collect().filter(screening=screening).values_list("item", flat=True))
    because = _("not asked for by %(edition)s") % {"edition": screening.edition}
    labs.cancel(screening, items=ordered - asked, because=because, by=by)


# --- The signature --------------------------------------------------------------------------------------------------


@transaction.atomic
def sign(screening, *, by, on, comment=""):
    """Sign the outcome as it stands on `on`, with the very facts it stands on. Raises NotReady with what is missing.

    Everything is read again on locked rows: what arrived while she was reading counts.
    """
    if not by.licence:
        raise NotReady(_("Only a licensed physician signs. Ask the administrator to record your licence number."))
    screening = _locked(screening)
    standing = SignOff.objects.standing().filter(screening=screening).select_related("signed_by").first()
    if standing:
        raise NotReady(
            _("%(name)s signed this screening on %(day)s. Withdraw that signature first if it is wrong.")
            % {"name": standing.signed_by, "day": standing.signed_on.isoformat()}
        )
    _refuse_unless_open(screening)
    if stopped := patients.held(screening.patient):
        raise NotReady(stopped)
    now = timezone.now()
    found = ledger.of_records(facts.records_of([screening])[screening.pk], on=on, signing_at=now)
    if refusal := why_not(found):
        raise NotReady(refusal)
    comment = comment.strip()
    if refusal := why_not_with(found, comment):
        raise NotReady(refusal)
    stated = with_comment(found.facts, found.grade, comment)
    judged = [judged.written() for judged in found.judged]
    answer = ledger.answer_to(stated, found.edition) | {"judgements": judged}
    made = SignOff(
        screening=screening,
        edition=screening.edition,
        facts=stated,
        facts_hash=facts_hash(stated),
        answer=answer,
        outcome=found.state,
        classes=answer["outcome"]["classes"],
        grade=found.grade,
        comment=comment,
        valid_until=found.valid_until,
        signed_by=by,
        signed_on=on,
        signed_at=now,
    )
    made._history_user = by
    made.save(force_insert=True)
    _move(screening, Screening.State.SIGNED, by)
    return made


def why_not(found):
    """The sentence that stands against signing this ledger now, or ""."""
    if found.contradiction:
        return _("The records contradict each other: %(what)s") % {"what": found.contradiction}
    if found.state == "incomplete":
        return _("Still open: %(items)s.") % {"items": _(", ").join(found.missing)}
    if found.unverified_results:
        return _("Results wait for verification: %(tests)s.") % {"tests": _(", ").join(found.unverified_results)}
    if found.state == "physician_decision":
        return _("A judgement is needed first. %(hint)s") % {"hint": what_to_judge(found)}
    return ""


def what_to_judge(found):
    """What a physician can decide to go on where the rules leave room."""
    items = _(", ").join(entry.label for entry in found.to_settle)
    if "age_ambiguous" in found.answer["warnings"]:
        return _("Decide which age counts; until then it is open whether this is asked for: %(items)s.") % {
            "items": items
        }
    if items:
        return _("Decide about: %(items)s. Order what has to be done and waive the rest.") % {"items": items}
    if found.answer.get("items_unknown"):
        return _(found.answer["items_unknown"])
    if "age_limit_crossed" in found.answer["warnings"]:
        return _("A birthday changed what is asked for since the examination. Examine again, so that one day counts.")
    return _("Decide whether this is active tuberculosis or not, with a reason.")


def why_not_with(found, comment):
    """What stands against this comment: a B is explained to the partner, an A has nothing to explain."""
    if found.grade == "B" and not comment:
        return _("Grade B needs a comment for the partner. Write it beside your signature.")
    if found.grade == "A" and comment:
        return _("Grade A takes no comment. Remove it, or raise the grade to B with a reason.")
    return ""


def with_comment(stated, grade, comment):
    """The facts with the comment that explains grade B to the partner."""
    if grade != "B" or not comment:
        return stated
    decided = [decision for decision in stated.get("decisions", []) if decision["code"] != "grade"]
    raised = next((decision for decision in stated.get("decisions", []) if decision["code"] == "grade"), {})
    return stated | {"decisions": [*decided, {"code": "grade", "grade": "B", **raised, "comment": comment}]}


def _move(screening, state, by, because=""):
    screening.state = state
    screening._history_user, screening._change_reason = by, because[:100]
    screening.save(update_fields=["state"])


@transaction.atomic
def withdraw(signoff, *, by, because):
    """Take a signature back and open the screening again; papers issued on it count as not valid from now on."""
    screening = _locked(signoff.screening)
    signoff = SignOff.objects.select_for_update(of=("self",)).get(pk=signoff.pk)
    if signoff.withdrawn_at:
        return signoff
    if not because.strip():
        raise NotReady(_("Write why the signature is withdrawn; whoever holds the paper will be told that it changed."))
    if Screening.objects.of(screening.patient).open().filter(programme=screening.programme).exists():
        raise NotReady(
            _("%(name)s has a newer open screening for this programme. Go on in that one.")
            % {"name": screening.patient.name}
        )
    signoff.withdrawn_at, signoff.withdrawn_by, signoff.withdrawn_because = timezone.now(), by, because.strip()
    signoff._history_user = by
    signoff.save(update_fields=["withdrawn_at", "withdrawn_by", "withdrawn_because"])
    _move(screening, Screening.State.OPEN, by, because.strip())
    Fact.mark([screening])
    return signoff


def recheck(screening):
    """Whether the standing signature still says what the facts say now. False when nobody's signature stands."""
    signoff = SignOff.objects.standing().filter(screening=screening).select_related("screening__patient").first()
    if signoff is None:
        return False
    if not is_marked(signoff):
        return True
    screening = Screening.objects.whole().get(pk=screening.pk)
    return holds(signoff, facts.records_of([screening])[screening.pk])


def is_marked(signoff):
    """Whether a fact of the screening or of the person was written after the signature."""
    marks = (signoff.screening.facts_changed_at, signoff.screening.patient.facts_changed_at)
    return any(mark is not None and mark > signoff.signed_at for mark in marks)


def holds(signoff, records):
    """Whether these records lead to what was signed: the same outcome, last day and fitness to travel."""
    stated = facts.of_records(records, on=signoff.signed_on, signing_at=signoff.signed_at)
    try:
        now = ledger.answer_to(
            with_comment(stated, signoff.grade, signoff.comment), programmes().by_key(signoff.edition)
        )
    except Contradiction:
        return False
    return all(now.get(part) == signoff.answer.get(part) for part in ("outcome", "valid_until", "fit_to_travel"))
