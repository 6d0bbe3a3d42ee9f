"""What a case still has to bring: papers, references, consents, guardians and fees, as its edition asks for them.

It warns and stops nobody; only a reference that the edition needs is refused, and that where it is typed.
"""

from collections import defaultdict
from dataclasses import dataclass

from django.utils.translation import gettext as _

from mhac.patients.models import IdentityDocument
from mhac.protocols.programme import Edition
from mhac.screenings import papers
from mhac.screenings.models import Consent, PaperSeen, Screening
from mhac.screenings.programmes import programmes


@dataclass(frozen=True)
class Entry:
    """One thing that is asked for: whether it is there, and how that is known."""

    name: str
    there: bool
    how: str = ""
    source: str = ""
    needed: bool = False
    seen: PaperSeen | None = None


@dataclass(frozen=True)
class Person:
    """Everything that is asked of one person."""

    screening: Screening
    entries: list[Entry]

    @property
    def missing(self):
        return [entry for entry in self.entries if not entry.there]


@dataclass(frozen=True)
class Checklist:
    """The list of a case; `unknown` is a sentence when no document says what this programme wants to see."""

    people: list[Person]
    unknown: str

    @property
    def asked(self):
        return sum(len(person.entries) for person in self.people)

    @property
    def there(self):
        return self.asked - self.missing

    @property
    def missing(self):
        return sum(len(person.missing) for person in self.people)


def of(case, members, balance=None) -> Checklist:
    """The checklist of those of `members` (see `family`) who are screened now; fees only with a `balance`. Two
    questions."""
    open_ones = [each for each in members if each.screening.is_open]
    known = _Known([each.screening for each in open_ones], balance)
    today = case.clinic.today()
    people = [Person(each.screening, list(known.entries(case, each, today))) for each in open_ones]
    unknown = [each for each in open_ones if not papers.is_known(each.screening)]
    return Checklist(people, str(papers.UNKNOWN) if unknown else "")


class _Known:
    def __init__(self, screenings, balance):
        self.fees = balance.by_screening if balance else {}
        self.seen = defaultdict(dict)
        for row in PaperSeen.objects.standing().filter(screening__in=screenings).select_related("seen_by"):
            self.seen[row.screening_id][row.paper] = row
        people = [each.patient.person for each in screenings]
        kind = IdentityDocument.Kind.PASSPORT
        with_passport = IdentityDocument.objects.filter(patient__person__in=people, kind=kind)
        self.passports = set(with_passport.order_by().values_list("patient__person", flat=True))

    def entries(self, case, member, today):
        screening, guardian = member.screening, member.guardian
        edition = programmes().by_key(screening.edition)
        if edition.reference.name:
            yield self._reference(screening, edition)
        for asked in papers.asked_of(screening, today):
            yield self._paper(case, screening, asked)
        agreed = {consent.purpose for consent in member.consents}
        yield Entry(_("consent to the examination"), Consent.Purpose.EXAMINATION in agreed)
        if member.is_child:
            yield Entry(_("guardian"), bool(guardian and guardian.name), guardian.name if guardian else "")
            yield Entry(_("document of the guardian"), bool(guardian and guardian.document))
        line = self.fees.get(screening.pk)
        if line and line.is_known:
            yield Entry(_("fee"), not line.is_open, line.fee.price, line.fee.source)

    def _reference(self, screening, edition: Edition):
        asked = edition.reference
        there = bool(screening.reference)
        return Entry(asked.name, there, screening.reference, asked.source, needed=asked.needed)

    def _paper(self, case, screening, asked):
        seen = self.seen[screening.pk].get(asked.paper)
        written = {
            "passport": screening.patient.person in self.passports,
            "telephone": bool(case.phone),
            "address": bool(case.address),
        }
        there = bool(seen) or written.get(asked.paper, False)
        return Entry(asked.name, there, "" if seen or not there else _("written down"), asked.source, seen=seen)
