"""The physician's pages: what waits for her decision, and everything about one screening on one page."""

import uuid
from dataclasses import dataclass

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _

from mhac.accounts.models import Access
from mhac.accounts.permissions import needs, record_access
from mhac.appointments.models import Booking
from mhac.certificates.models import Certificate
from mhac.certificates.states import COLOURS, LABELS
from mhac.decisions import editions, facts, ledger, services, words
from mhac.decisions.forms import SignForm
from mhac.decisions.ledger import Ledger
from mhac.decisions.models import SignOff
from mhac.desk import chart, clock
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam
from mhac.screenings.models import Screening

PER_PAGE = 50
# In the order in which she wants to see them.
URGENCY = ("cleared", "not_cleared", "physician_decision", "contradiction", "incomplete")


@dataclass(frozen=True)
class Waiting:
    """One open screening in her list."""

    screening: Screening
    age: int
    ledger: Ledger

    @property
    def is_ready(self):
        return self.ledger.can_be_signed

    @property
    def order(self):
        return not self.is_ready, URGENCY.index(self.ledger.state), len(self.ledger.missing)


@needs("decisions.sign")
def to_decide(request):
    """Open screenings of people who came, ready ones first; and what changed after a signature."""
    here = Screening.objects.visible_to(request.user).open().filter(arrived(), after(request.GET)).whole()
    page = list(here.order_by("id")[: PER_PAGE + 1])
    signed = SignOff.objects.visible_to(request.user).standing().select_related("signed_by")
    context = {
        "waiting": waiting(page[:PER_PAGE]),
        "following": page[PER_PAGE - 1].pk if len(page) > PER_PAGE else None,
        "changed": changed_after_signing(signed),
        "offers": offers(request.user),
        "signed": signed.filter(signed_on=timezone.localdate())[:PER_PAGE],
        "words": words.SIGNED,
        "soon": clock.ends_soon(request.user),
    }
    return render(request, "desk/to_decide.html", context)


def offers(user):
    """Open screenings that a newer edition of their programme waits for; those that nobody has decided on first."""
    on = timezone.localdate()
    here = Screening.objects.visible_to(user).open().filter(edition__in=editions.outdated(on)).whole().order_by("id")
    found = editions.offers(here[:PER_PAGE], on=on).values()
    return sorted(found, key=lambda offer: offer.declined is not None)


def after(asked):
    """Screenings behind the last one of the page before; all of them when what was asked is no key."""
    try:
        return Q(pk__gt=uuid.UUID(asked.get("after", "")))
    except ValueError:
        return Q()


def arrived():
    """Who is in the house or was: booked and come, or already seen by somebody."""

    def rows(model, **which):
        return Exists(model.objects.filter(screening=OuterRef("pk"), **which))

    came = rows(Booking, state=Booking.State.ARRIVED)
    return came | rows(MedicalHistory) | rows(PhysicalExam) | rows(ChestXray)


def waiting(screenings):
    """The screenings with their ledgers as of today at their site, ready ones first."""
    rows = []
    for records in facts.records_of(screenings).values():
        today = records.screening.clinic.today()
        found = ledger.of_records(records, on=today)
        rows.append(Waiting(records.screening, records.screening.person.age_on(today), found))
    return sorted(rows, key=lambda row: row.order)


def changed_after_signing(signed):
    """Standing signatures whose facts changed since and that no longer say what was signed."""
    moved = Q(screening__facts_changed_at__gt=F("signed_at")) | Q(
        screening__patient__facts_changed_at__gt=F("signed_at")
    )
    marked = list(signed.filter(moved)[:PER_PAGE])
    records = facts.records_of(signoff.screening for signoff in marked)
    return [signoff for signoff in marked if not services.holds(signoff, records[signoff.screening_id])]


@needs("decisions.sign")
@transaction.atomic
def review(request, pk):
    screening = get_object_or_404(Screening.objects.visible_to(request.user).whole(), pk=pk)
    since = last_look(request.user, screening)
    record_access(request, screening, clinic=screening.clinic)
    context = whole(facts.records_of([screening])[screening.pk], since)
    context["places"] = {place for place, needed in words.PLACE_PERMISSIONS.items() if request.user.has_perm(needed)}
    if context["standing"]:
        context["certificates"] = documents(request.user, screening)
        context["no_document"] = why_no_document(context, request.user)
    context["form"] = SignForm(request=request)
    return render(request, "desk/review.html", context)


@needs("decisions.sign")
def following(request, pk):
    """To the next person of the list after this one, and after the last one back to the list."""
    here = Screening.objects.visible_to(request.user).open().filter(arrived(), pk__gt=pk).order_by("id")
    person = here.first()
    return redirect("desk:review", person.pk) if person else redirect("desk:to_decide")


def last_look(user, screening):
    """When this user opened this page last, or None."""
    looks = Access.objects.filter(user=user, page="desk:review", key=str(screening.pk))
    return looks.order_by("-id").values_list("at", flat=True).first()


def whole(records, since):
    """Everything that bears on the decision. Nothing is fetched here but the signatures."""
    screening, today = records.screening, records.screening.clinic.today()
    signoffs = list(SignOff.objects.filter(screening=screening).select_related("signed_by", "withdrawn_by"))
    standing = next((signoff for signoff in signoffs if signoff.withdrawn_at is None), None)
    if standing is not None:
        standing.screening = screening
    found = ledger.of_signoff(standing) if standing else ledger.of_records(records, on=today)
    return {
        "screening": screening,
        "age": screening.person.age_on(today),
        "records": records,
        "ledger": found,
        "refusal": "" if standing else services.why_not(found),
        "offer": editions.offer(screening, on=today),
        "history": chart.history(records.history),
        "exam": chart.exam(records.exam),
        "films": chart.films(records.films, since),
        "vitals": chart.vitals(records.vitals),
        "laboratory": chart.laboratory(records.orders, since),
        "items": words.ITEMS,
        "withdrawn": [signoff for signoff in signoffs if signoff.withdrawn_at],
        "standing": standing,
        "holds": standing is None or not services.is_marked(standing) or services.holds(standing, records),
    }


def documents(user, screening):
    """The documents of a screening with the words of their states; their bytes stay where they are."""
    found = Certificate.objects.visible_to(user).filter(screening=screening).without_file()
    return [(each, LABELS[each.state], COLOURS[each.state]) for each in found]


def why_no_document(context, user):
    """The sentence that stands against issuing a document now; None when the button may be shown."""
    standing, edition = context["standing"], context["ledger"].edition
    if edition.document == "none":
        return _("Results of this programme travel by the partner's own portal or forms. Enter them there.")
    if standing.outcome != "cleared":
        return _("The signed outcome is not “cleared”, so no document is issued. Tell the person in private.")
    issued = [each for each, _label, _colour in context["certificates"] if each.signoff_id == standing.pk]
    if not context["holds"] or any(each.state == Certificate.State.VALID for each in issued):
        return ""
    return None if user.has_perm("certificates.issue_certificate") else ""
