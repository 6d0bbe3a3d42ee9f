"""What the pages about documents show: a page of the list, and one document with everybody who has it."""

import uuid

from django.db.models import Prefetch, Q

from mhac.certificates import services, states
from mhac.certificates.models import Certificate, Download
from mhac.clinics.numbers import clean
from mhac.patients.models import Patient

PAGE = 50


def page_of(rows, asked, size=PAGE) -> dict:
    """One page of documents, the newest first. `asked`: q (number, name, reference), state, before (key of a row)."""
    q, state, before = asked.get("q", "").strip(), asked.get("state", ""), _key(asked.get("before", ""))
    if q:
        rows = rows.filter(found_by(q))
    if state in Certificate.State.values:
        rows = rows.filter(state=state)
    if before:
        rows = rows.filter(pk__lt=before)
    takers = Prefetch("downloads", Download.objects.select_related("organisation", "by"))
    page = list(rows.order_by("-id").prefetch_related(takers)[: size + 1])
    return {
        "documents": [Shown(certificate) for certificate in page[:size]],
        "older": page[size - 1].pk if len(page) > size else None,
        "q": q,
        "state": state,
        "states": Certificate.State.choices,
    }


def whole(certificate) -> dict:
    """One document: its state now, who may see it, who took it out (the recall list), and what happened to it."""
    screening = certificate.screening
    return {
        "document": Shown(certificate),
        "screening": screening,
        "age": screening.patient.age_on(screening.clinic.today()),
        "releases": certificate.releases.select_related("organisation"),
        "happened": certificate.history.select_related("history_user").defer("facts", "seal"),
        "newer": Certificate.objects.filter(supersedes=certificate).without_file().first(),
    }


def found_by(q, of="") -> Q:
    """Documents whose number, person or partner's reference is what was typed; `of` leads to the document."""
    plain = clean(q)
    number = Q(**{f"{of}number__iexact": q.strip()}) | Q(**{f"{of}number": dashed(plain)})
    person = Q(**{f"{of}screening__patient__in": Patient.objects.found_by(q)})
    return number | person | Q(**{f"{of}screening__reference__iexact": plain})


def dashed(plain) -> str:
    """A certificate number without dashes as it is stored and printed: site, four fives, check sign."""
    return "-".join(filter(None, [plain[:3], *(plain[i : i + 5] for i in range(3, 23, 5)), plain[23:]]))


class Shown:
    """A document on a page: the row, its state at this moment and its words."""

    def __init__(self, certificate):
        self.row = certificate
        self.state = services.state_now(certificate)
        self.label, self.colour = states.LABELS[self.state], states.COLOURS[self.state]
        self.meaning = states.MEANINGS[self.state]

    @property
    def counts(self):
        return self.state in {states.VALID, states.EXPIRED}

    @property
    def takers(self):
        """Who took the file out, once each, organisations by their name."""
        named = [str(taken.organisation or taken.by) for taken in self.row.downloads.all()]
        return list(dict.fromkeys(named))


def _key(text):
    try:
        return uuid.UUID(text)
    except ValueError:
        return None
