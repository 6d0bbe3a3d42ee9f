"""The ledger of a screening: what its programme asks of this person, by which rule, how far it is, and what follows."""

import datetime
import hashlib
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mhac.decisions import facts, words
from mhac.decisions.models import SignOff
from mhac.protocols.assessment import assess
from mhac.protocols.facts import Refused, read
from mhac.protocols.programme import Edition
from mhac.screenings.programmes import programmes

LABORATORY = "labs:collect"


@dataclass(frozen=True)
class Entry:
    """One item: `group` says whether it is required, proposed or withheld; `mark` changes when its state does."""

    item: str
    label: str
    group: str
    state: str
    reason: str
    rules: tuple[str, ...]
    source: str
    verified: bool
    accepts: tuple[str, ...]
    satisfied_by: str
    place: str
    not_before: datetime.date | None
    accepted: int | None
    product: str
    ordered: bool

    @property
    def is_open(self):
        return self.state != "done"

    @property
    def can_be_done(self):
        """Whether there is something to do on its page now; a specimen is taken once it is ordered."""
        return self.is_open and bool(self.place) and (self.place != LABORATORY or self.ordered)

    @property
    def state_word(self):
        return words.STATES[self.state]

    @property
    def colour(self):
        return words.STATE_COLOURS[self.state]

    @property
    def mark(self):
        told = (self.group, self.state, self.reason, self.not_before, self.accepted, self.ordered)
        shown = (self.item, *map(str, told), *self.rules)
        return hashlib.sha256("|".join(shown).encode()).hexdigest()[:6]


@dataclass(frozen=True)
class Ledger:
    """A proposal. `facts` and `answer`: what the assessment took and gave; `contradiction` stands in for an answer."""

    facts: dict
    answer: dict
    edition: Edition
    contradiction: str
    entries: tuple[Entry, ...]
    unknown: tuple[tuple[str, str], ...]
    unverified_results: tuple[str, ...]
    signed: bool = False

    @property
    def state(self):
        return self.answer["outcome"]["state"] if self.answer else "contradiction"

    @property
    def state_word(self):
        return words.SIGNED[self.state] if self.signed else words.OUTCOMES[self.state]

    @property
    def colour(self):
        return words.OUTCOME_COLOURS[self.state]

    @property
    def required(self):
        return tuple(entry for entry in self.entries if entry.group == "required")

    @property
    def open_entries(self):
        return tuple(entry for entry in self.required if entry.is_open)

    @property
    def to_settle(self):
        """Items that wait for a physician: proposed ones may be done meanwhile, withheld ones may not."""
        return tuple(entry for entry in self.entries if entry.group != "required")

    @property
    def missing(self):
        """What stands between this screening and a signature, as short labels."""
        labels = [entry.label for entry in self.open_entries]
        labels += [str(words.QUESTIONS[path]) for path, _sentence in self.unknown if not self._told_by_an_entry(path)]
        labels += [_("verification of %(test)s") % {"test": test} for test in self.unverified_results]
        return labels

    def _told_by_an_entry(self, path):
        """An unanswered question already keeps the history open; it need not be named twice."""
        return path.startswith("history.") and any(
            entry.item in {"history", "symptom_screen"} for entry in self.open_entries
        )

    @property
    def waiting_for(self):
        return _("Waiting for: %(items)s.") % {"items": _(", ").join(self.missing)} if self.missing else ""

    @property
    def progress(self):
        done = len(self.required) - len(self.open_entries)
        return ngettext("%(done)s of %(all)s item done", "%(done)s of %(all)s items done", len(self.required)) % {
            "done": done,
            "all": len(self.required),
        }

    @property
    def can_be_ordered(self):
        """Whether something is due that the laboratory does and nobody ordered yet."""
        return any(e.state == "due" and e.place == LABORATORY and not e.ordered for e in self.open_entries)

    def changed_since(self, marks):
        """Items whose entry looks different from the ledger that had these marks; none when there were no marks."""
        return {entry.item for entry in self.entries if marks and entry.mark not in marks}

    @property
    def can_be_signed(self):
        return self.state in words.SIGNED and not self.unverified_results

    @property
    def classes(self):
        return tuple(words.CLASSES[code] for code in self._outcome("classes", ()))

    @property
    def options(self):
        return tuple(words.CLASSES[code] for code in self._outcome("options", ()))

    @property
    def remarks(self):
        return tuple(words.REMARKS[code] for code in self._outcome("remarks", ()))

    @property
    def grade(self):
        return self._outcome("grade", None) or ""

    def _outcome(self, key, default):
        return self.answer["outcome"][key] if self.answer else default

    @property
    def valid_until(self):
        until = self.answer.get("valid_until")
        return datetime.date.fromisoformat(until) if until else None

    @property
    def warnings(self):
        return tuple(words.WARNINGS[code] for code in self.answer.get("warnings", ()))

    @property
    def comment_required(self):
        return "comment_required" in self.answer.get("warnings", ())

    @property
    def computed(self):
        values = self.answer.get("computed", {})
        return tuple((words.COMPUTED[key], words.COMPUTED_VALUES.get(value, value)) for key, value in values.items())

    @property
    def fitness(self):
        found = self.answer.get("fit_to_travel")
        return words.FITNESS[found["category"]] if found else ""

    @property
    def travel_conditions(self):
        found = self.answer.get("fit_to_travel") or {"conditions": ()}
        return tuple(words.CONDITIONS_OF_TRAVEL[code] for code in found["conditions"])

    @property
    def verified(self):
        """Whether every rule behind the proposal is confirmed by a named physician or a stored source."""
        return all(entry.verified for entry in self.entries)

    @property
    def marks(self):
        return "".join(entry.mark for entry in self.entries)


def of(screening, *, on):
    """The ledger of one screening as it stands on a day."""
    return of_records(facts.records_of([screening])[screening.pk], on=on)


def of_many(screenings, *, on):
    """The ledger of each screening by its key, in a constant number of queries."""
    return {key: of_records(records, on=on) for key, records in facts.records_of(screenings).items()}


def of_records(records, *, on, signing_at=None):
    """The ledger of rows that are already fetched."""
    stated = facts.of_records(records, on=on, signing_at=signing_at)
    edition = programmes().by_key(records.screening.edition)
    try:
        answer, contradiction = answer_to(stated, edition), ""
    except Refused as refusal:
        answer, contradiction = {}, refusal.message
    return Ledger(
        facts=stated,
        answer=answer,
        edition=edition,
        contradiction=contradiction,
        entries=tuple(_entries(answer, {o.item for o in records.orders if o.state == o.State.ORDERED})),
        unknown=tuple((path, words.UNKNOWN[path]) for path in answer.get("unknown", ())),
        unverified_results=tuple(_unverified(records.orders)),
    )


def of_signoff(signoff):
    """The ledger as it was signed: whatever is edited later, it reads the same."""
    return Ledger(
        facts=signoff.facts,
        answer=signoff.answer,
        edition=programmes().by_key(signoff.edition),
        contradiction="",
        entries=tuple(_entries(signoff.answer, ordered=set())),
        unknown=(),
        unverified_results=(),
        signed=True,
    )


def standing(screening, *, on):
    """The signed ledger where a signature stands, else the ledger of the day."""
    signoff = SignOff.objects.standing().filter(screening=screening).first()
    return of_signoff(signoff) if signoff is not None else of(screening, on=on)


def answer_to(stated, edition):
    """What the rules of an edition say about facts of the contract. Raises `protocols.facts.Refused`."""
    return assess(read(stated, programmes()), edition).answer()


def _entries(answer, ordered):
    for group in ("required", "proposed", "withheld") if answer else ():
        for item in sorted(answer[group], key=list(words.ITEMS).index):
            found = answer["items"][item]
            not_before = found.get("not_before")
            yield Entry(
                item=item,
                label=str(words.ITEMS[item]),
                group=group,
                state=found["state"],
                reason=str(words.REASONS[found["reason"]]) if "reason" in found else "",
                rules=tuple(found["rules"]),
                source=found["source"],
                verified=found["verified"],
                accepts=tuple(str(words.METHODS[method]) for method in found.get("accepts", ())),
                satisfied_by=str(words.SATISFIED_BY[item]),
                place=words.PLACES.get(item, ""),
                not_before=datetime.date.fromisoformat(not_before) if not_before else None,
                accepted=found.get("accepted"),
                product=found.get("product", ""),
                ordered=item in ordered,
            )


def _unverified(orders):
    """Results that arrived and wait for a second pair of eyes: whoever signs now would sign without them."""
    return (str(order.test) for order in orders if order.state == order.State.RESULTED)
