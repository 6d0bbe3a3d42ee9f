"""Who may be the same person: a few people with the reasons, the likeliest first. It suggests and never decides (rule
NOMERGE-1); a telephone gathers a family and makes nobody the same."""

import datetime
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import or_

from django.db.models import Q
from django.utils.translation import gettext as _

from mhac.patients import matching
from mhac.patients.models import IdentityDocument, Patient, TwoPeople

COUNT = 3
# As many as are compared word by word; whoever shares more with the name comes first.
COMPARED = 150
# Below this nobody is shown: two people of one country share a name, a year and nothing else more often than not.
ENOUGH = 3.0


@dataclass(frozen=True)
class Sought:
    """What is known of somebody: names, the interval of birth, a telephone, papers as mappings of kind, number, issuer,
    volume and page."""

    given_name: str = ""
    family_name: str = ""
    native_name: str = ""
    father_name: str = ""
    grandfather_name: str = ""
    sex: str = ""
    born_earliest: datetime.date | None = None
    born_latest: datetime.date | None = None
    phone: str = ""
    documents: tuple = ()

    @property
    def name(self):
        return f"{self.given_name} {self.family_name}".strip()

    @classmethod
    def of(cls, patient):
        """As she is written down; of somebody nobody knows only the papers, because her name is none."""
        names = ("phone", "sex", "born_earliest", "born_latest")
        if not patient.provisional_because:
            names += ("given_name", "family_name", "native_name", "father_name", "grandfather_name")
        papers = ("kind", "number", "issuer", "volume", "page")
        documents = tuple({part: getattr(each, part) for part in papers} for each in patient.documents.all())
        return cls(documents=documents, **{name: getattr(patient, name) for name in names})


@dataclass(frozen=True)
class Suggestion:
    """Somebody who may be the one, and why, in words; `papers`: by a paper and not by the name alone."""

    patient: Patient
    reasons: tuple[str, ...]
    points: float
    papers: bool


def find(sought, *, among, but=(), count=COUNT) -> list[Suggestion]:
    """At most `count` people of the query `among`, each once, without the keys `but`."""
    among = among.standing().exclude(pk__in=but)
    holders = _holders(sought)
    people = {each.pk: each for each in among.filter(pk__in=holders)} if holders else {}
    for each in _named(sought, among):
        people.setdefault(each.pk, each)
    found = [_compared(sought, each, holders.get(each.pk, ())) for each in people.values()]
    ranked = sorted((each for each in found if each), key=lambda each: (-each.points, str(each.patient.pk)))
    return ranked[:count]


def beside(patient, *, among, count=COUNT) -> list[Suggestion]:
    """Who may be the same person as a registered one, without those of whom somebody said that they are two people."""
    keys = among.model.objects.records_of(patient).values("pk")
    rows = TwoPeople.objects.filter(Q(one__in=keys) | Q(other__in=keys)).values_list("one__person", "other__person")
    two = {person for row in rows for person in row}
    return find(Sought.of(patient), among=among, but={*two, patient.person}, count=count)


def _holders(sought):
    """Person -> the papers she has that are among those of `sought`."""
    meant = Q(pk__isnull=True)
    for document in sought.documents:
        kind, number = document.get("kind"), document.get("number")
        if kind and number:
            meant |= Q(kind=kind, number__iexact=IdentityDocument(kind=kind).paper.number_of(number))
    found = {}
    for row in IdentityDocument.objects.filter(meant).select_related("patient")[:100]:
        found.setdefault(row.patient.person, []).append(row)
    return found


def _named(sought, among):
    """Those whose names and birth may be the same: first who shares two words, then who shares one or the very day."""
    full = [sought.name, sought.native_name]
    heard = list(dict.fromkeys(each for name in full for each in (*matching.sounds(name), *matching.joined(name))))
    if not heard or not sought.born_earliest:
        return []
    years = range(sought.born_earliest.year, sought.born_latest.year + 1)
    around = range(years[0] - 1, years[-1] + 2)
    overlap = Q(born_earliest__lte=sought.born_latest, born_latest__gte=sought.born_earliest)
    fathers = Q(found_as__overlap=[f"~{each}" for each in matching.sounds(sought.father_name)] or ["~"])

    def born(word, years):
        return Q(found_as__overlap=[f"~{word}@{year}" for year in years])

    two = [born(one, years) & Q(found_as__contains=[f"~{other}"]) for one, other in combinations(heard[:6], 2)]
    two += [born(one, around) & fathers for one in heard[:6]]
    people = list(among.filter(reduce(or_, two)).order_by("-pk")[:COMPARED])
    if len(people) < COMPARED:
        one = reduce(or_, (born(word, years) for word in heard[:6])) & overlap
        if sought.born_earliest == sought.born_latest and not _is_placeholder(sought.born_earliest):
            one |= Q(born_earliest=sought.born_earliest, born_latest=sought.born_latest)
        people += among.filter(one).order_by("-pk")[:COMPARED]
    return people


def _is_placeholder(day):
    return (day.month, day.day) in {(1, 1), (3, 20), (3, 21), (3, 22)}


def _compared(sought, known, papers):
    """The suggestion, or None when too little is the same."""
    reasons = [_("same %(document)s number") % {"document": each.get_kind_display()} for each in papers]
    keyed = any(each.paper.is_key for each in papers)
    points = 10.0 * keyed
    alike = matching.likeness(sought.name, known.name, known.native_name)
    if sought.native_name:
        alike = max(alike, matching.likeness(sought.native_name, known.native_name, known.name))
    father = _relative(sought.father_name, known.father_name)
    birth, said = _birth(sought, known)
    close = alike >= matching.ALIKE and (
        birth is not None or (alike >= 0.6 and father == 1 and _is_near(sought, known))
    )
    if not (close or keyed):
        return None
    points += 4 * alike + (birth or 0) + 2 * father
    points += max(0, _relative(sought.grandfather_name, known.grandfather_name))
    if {sought.sex, known.sex} == {"female", "male"}:
        points -= 3
    if alike >= 0.95:
        reasons.append(_("same name by sound"))
    elif alike >= matching.ALIKE:
        reasons.append(_("similar name"))
    reasons += [_("same father's name")] if father == 1 else []
    reasons += [said] if said else []
    if sought.phone and sought.phone == known.phone:
        points += 0.5
        reasons.append(_("same telephone"))
    return Suggestion(known, tuple(reasons), points, keyed) if keyed or points >= ENOUGH else None


def _relative(one, other):
    """1 for the same name, -0.75 for another one, 0 when one of them is not known."""
    if not one or not other:
        return 0
    alike = matching.likeness(one, other)
    return 1 if alike >= 0.8 else 0 if alike >= 0.3 else -0.75


def _birth(sought, known):
    """Points for two births that may be on the same day, and the sentence; None when they cannot be."""
    if not sought.born_earliest:
        return None, ""
    if known.born_earliest > sought.born_latest or known.born_latest < sought.born_earliest:
        return None, ""
    exact = known.born is not None and sought.born_earliest == sought.born_latest
    if exact:
        return (0.7 if _is_placeholder(known.born) else 2.0), _("born on the same day")
    return 1.0, _("perhaps born in the same year")


def _is_near(sought, known):
    if not sought.born_earliest:
        return False
    year = datetime.timedelta(days=366)
    return known.born_earliest <= sought.born_latest + year and known.born_latest >= sought.born_earliest - year
