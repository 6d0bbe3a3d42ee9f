"""A case on one page: who belongs to it, what has happened to each, and what this user may do next.

The page asks a fixed number of questions of the database, however large the family is.
"""

from collections import defaultdict
from dataclasses import dataclass

from django.db.models import Count, Q
from django.urls import reverse
from django.utils import dateformat
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from mhac.appointments.models import Booking
from mhac.certificates.models import Certificate
from mhac.decisions import editions
from mhac.decisions.models import SignOff
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam, Vitals
from mhac.labs import boxes
from mhac.labs.models import LabOrder, Specimen
from mhac.patients.models import IdentityCheck, Photo
from mhac.protocols.vocabulary import FILMS
from mhac.screenings.forms import ALWAYS_ASKED
from mhac.screenings.models import Consent, Guardian, Screening, TravelPlan
from mhac.screenings.programmes import programmes
from mhac.screenings.services import CHILD_UNTIL

# What is asked before a film concerns women and girls of these ages (rule LAB-HCG).
PREGNANCY_AGES = range(11, 51)

# Conditions under which an item is expected of somebody about whom nothing is known yet.
USUAL = frozenset({"always", "not_pregnant"})

# (page, words, permission): one line per thing that may be done for one person.
STEPS = [
    ("screenings:consent", gettext_lazy("Consent"), "screenings.add_consent"),
    ("exams:vitals", gettext_lazy("Vitals"), "exams.change_medicalhistory"),
    ("exams:history", gettext_lazy("History"), "exams.change_medicalhistory"),
    ("exams:pregnancy", gettext_lazy("Pregnancy question"), "exams.change_medicalhistory"),
    ("exams:exam", gettext_lazy("Examination"), "exams.change_physicalexam"),
    ("exams:film", gettext_lazy("X-ray"), "exams.view_chestxray"),
    ("labs:collect", gettext_lazy("Specimens"), "labs.change_laborder"),
    ("screenings:travel", gettext_lazy("Travel plan"), "screenings.change_case"),
    ("decisions:ledger", gettext_lazy("What is missing"), "decisions.view_ledger"),
    ("desk:review", gettext_lazy("Decide"), "decisions.sign"),
]


@dataclass(frozen=True)
class Chip:
    """One step and how far it is; the colours are those of app.css."""

    colour: str
    text: str


@dataclass(frozen=True)
class Member:
    """One person of the case."""

    screening: Screening
    age: int
    chips: list[Chip]
    links: list[tuple[str, str]]
    documents: list[Certificate]
    booking: Booking | None
    identity_confirmed: bool
    has_face: bool
    consents: list[Consent]
    guardian: Guardian | None

    @property
    def is_child(self):
        return self.age < CHILD_UNTIL

    @property
    def is_coming(self):
        """Whether a booking waits for this person's arrival."""
        return self.booking is not None and self.booking.state == Booking.State.BOOKED

    @property
    def is_expected_today(self):
        return self.is_coming and self.booking.slot.day == self.booking.slot.clinic.today()


def programme_of(case):
    """The edition that stands for the case's programme today, by which it is named."""
    return programmes().edition(case.programme, case.clinic.today())


def members(case, user) -> list[Member]:
    """Everybody of the case, the head of the family first; about fifteen questions, whatever the number of people."""
    today = case.clinic.today()
    screenings = list(Screening.objects.visible_to(user).filter(case=case).select_related("patient", "clinic", "case"))
    known = _Known(screenings, today)
    screenings.sort(key=_place)
    return [known.member(screening, user) for screening in screenings]


def _place(screening):
    """The head of the family first, then the other adults and the children, each from the oldest on."""
    return list(Screening.Relation).index(screening.relation), screening.patient.born_earliest, screening.pk


class _Known:
    """What the rooms have recorded about these screenings, by screening."""

    def __init__(self, screenings, today):
        self.today = today
        of = {"screening__in": screenings}
        seen_today = IdentityCheck.objects.confirmed_on(today)
        people = {"patient__person__in": [each.patient.person for each in screenings]}
        self.faces = set(Photo.objects.filter(**people).order_by().values_list("patient__person", flat=True))
        self.confirmed = set(seen_today.filter(**people).values_list("patient__person", flat=True))
        self.consents = _by_screening(Consent.objects.standing().filter(**of))
        self.guardians = {row.screening_id: row for row in Guardian.objects.filter(**of)}
        self.bookings = _by_screening(Booking.objects.standing().filter(**of).select_related("slot__clinic"))
        self.plans = _by_screening(TravelPlan.objects.filter(**of))
        self.done = {model: _keys(model, of) for model in (Vitals, MedicalHistory, PhysicalExam)}
        self.films = _by_screening(ChestXray.objects.filter(**of))
        counted = LabOrder.objects.filter(**of).exclude(state=LabOrder.State.CANCELLED)
        verified = Count("pk", filter=Q(state=LabOrder.State.VERIFIED))
        totals = counted.order_by().values_list("screening").annotate(count=Count("pk"), verified=verified)
        self.orders = {screening: (count, checked) for screening, count, checked in totals}
        sent = list(Specimen.objects.filter(state=Specimen.State.SENT, **of).order_by("pk"))
        on_the_way = boxes.transit_of(sent)
        self.transits = {tube.screening_id: on_the_way[tube.pk] for tube in sent if tube.pk in on_the_way}
        self.signed = _by_screening(SignOff.objects.filter(withdrawn_at__isnull=True, **of).defer("facts", "answer"))
        self.offers = editions.offers(screenings, on=today)
        papers = Certificate.objects.filter(**of).defer("facts", "pdf", "seal")
        self.papers = _by_screening(papers)

    def member(self, screening, user):
        age = screening.person.age_on(self.today)
        bookings = self.bookings[screening.pk]
        return Member(
            screening=screening,
            age=age,
            chips=[chip for chip in self._chips(screening, age) if chip],
            links=[*_links(screening, age, user), *self._offer(screening, user)],
            documents=self.papers[screening.pk] if user.has_perm("certificates.print_certificate") else [],
            booking=bookings[-1] if bookings else None,
            identity_confirmed=screening.patient.person in self.confirmed,
            has_face=screening.patient.person in self.faces,
            consents=self.consents[screening.pk],
            guardian=self.guardians.get(screening.pk),
        )

    def _chips(self, screening, age):
        key, edition = screening.pk, programmes().by_key(screening.edition)
        yield _mark(screening.patient.person in self.confirmed, _("face compared today"), _("face not compared today"))
        yield self._consent(self.consents[key])
        if age < CHILD_UNTIL:
            yield self._guardian(self.guardians.get(key))
        yield self._booking(self.bookings[key])
        if edition.document == "fit_to_travel" or self.plans[key]:
            yield self._travel(self.plans[key])
        yield _mark(key in self.done[Vitals], _("vitals"))
        yield _mark(key in self.done[MedicalHistory], _("history"))
        examined = key in self.done[PhysicalExam]
        if examined or _asks(edition, {"physical_exam"}, age):
            yield _mark(examined, _("examination"))
        yield self._film(self.films[key], edition, age)
        yield self._laboratory(self.orders.get(key))
        if key in self.transits:
            yield _transit(self.transits[key])
        yield _mark(bool(self.signed[key]), _("signed"))
        if offer := self.offers.get(key):
            yield Chip("grey" if offer.declined else "blue", _("newer edition"))
        for paper in self.papers[key]:
            yield _paper(paper)

    def _offer(self, screening, user):
        """The way to what a newer edition would change, for those who may read what is asked."""
        if screening.pk in self.offers and user.has_perm("decisions.view_ledger"):
            yield _("A newer edition"), reverse("decisions:edition", args=[screening.pk])

    def _consent(self, given):
        names = {each.purpose for each in given}
        if names >= set(ALWAYS_ASKED):
            return Chip("green", _("consents"))
        if not names:
            return Chip("amber", _("no consent"))
        first = next(purpose for purpose in Consent.Purpose if purpose in names)
        return Chip("blue", _("consent: %(purpose)s") % {"purpose": first.label})

    def _guardian(self, guardian):
        """What the reception has to know: who the guardian is, or that one is needed, and never why."""
        if guardian is None:
            return Chip("amber", _("no guardian"))
        if guardian.alone:
            return Chip("amber", _("needs a guardian"))
        said = {"name": guardian.name, "relation": guardian.get_relation_display()}
        return Chip("green", _("guardian: %(name)s (%(relation)s)") % said)

    def _booking(self, bookings):
        if not bookings:
            return Chip("grey", _("not booked"))
        latest = bookings[-1]
        if latest.state == Booking.State.ARRIVED:
            ticket = {"ticket": latest.ticket}
            return Chip("green", _("arrived, ticket %(ticket)s") % ticket if latest.ticket else _("arrived"))
        when = dateformat.format(latest.slot.local(), "d M H:i")
        late = latest.slot.day < self.today
        if late:
            return Chip("amber", _("did not come: %(when)s") % {"when": when})
        return Chip("blue", _("booked %(when)s") % {"when": when})

    def _travel(self, plans):
        if not plans:
            return Chip("amber", _("no travel plan"))
        return Chip("green", _("travels %(when)s") % {"when": dateformat.format(plans[0].departure, "d M Y")})

    def _film(self, films, edition, age):
        if films and all(film.findings is None for film in films):
            return Chip("blue", _("film to read"))
        return _mark(bool(films), _("film read"), _("film")) if films or _asks(edition, FILMS, age) else None

    def _laboratory(self, counted):
        if counted is None:
            return Chip("grey", _("no tests ordered"))
        count, verified = counted
        return Chip(
            "green" if verified == count else "blue",
            _("laboratory %(verified)d of %(count)d") % {"verified": verified, "count": count},
        )


def _asks(edition, items, age):
    """Whether the programme asks nearly everybody of this age for one of these items."""
    return any(row.item in items and row.when in USUAL and row.fits(age) for row in edition.requires)


def _by_screening(rows):
    grouped = defaultdict(list)
    for row in rows:
        grouped[row.screening_id].append(row)
    return grouped


def _keys(model, of):
    return set(model.objects.filter(**of).order_by().values_list("screening", flat=True))


def _mark(done, text, otherwise=""):
    return Chip("green", text) if done else Chip("grey", otherwise or text)


def _transit(transit):
    said = _("in transit, day %(day)s of %(days)s") % {"day": transit.day, "days": transit.days}
    return Chip("red" if transit.late else "blue", said)


def _paper(paper):
    colours = {"valid": "green", "suspended": "purple", "superseded": "grey", "revoked": "red"}
    return Chip(colours[paper.state], _("document %(state)s") % {"state": paper.get_state_display()})


def _links(screening, age, user):
    for page, words, permission in STEPS:
        if not user.has_perm(permission) or not screening.is_open:
            continue
        if page == "exams:pregnancy" and (screening.patient.sex == "male" or age not in PREGNANCY_AGES):
            continue
        yield words, reverse(page, args=[screening.pk])
