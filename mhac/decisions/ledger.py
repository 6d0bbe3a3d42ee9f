"""The ledger of a screening: what its programme asks of this person, by which rule, how far it is, and what follows."""

import datetime
import hashlib
from dataclasses import dataclass

from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from mhac.decisions import facts, grounds, words
from mhac.decisions.models import Judgement, SignOff
from mhac.protocols.assessment import assess
from mhac.protocols.facts import Refused, read
from mhac.protocols.programme import Edition
from mhac.protocols.rules import rules
from mhac.screenings.programmes import programmes

LABORATORY = "labs:collect"
SETTLED = frozenset({"done", "waived"})


@dataclass(frozen=True)
class Judged:
    """What a physician decided about one item, and who, when and why, as the row beside the item says it."""

    code: str
    item: str
    by: str
    at: datetime.datetime
    reason: str

    @property
    def word(self):
        return Judgement.Code(self.code).label

    def written(self):
        """As a signature keeps it."""
        return {"code": self.code, "item": self.item, "by": self.by, "at": self.at.isoformat(), "reason": self.reason}

    @classmethod
    def read(cls, written):
        return cls(**written | {"at": datetime.datetime.fromisoformat(written["at"])})


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
    can_be_waived: bool
    judged: tuple[Judged, ...]

    @property
    def is_open(self):
        return self.state not in SETTLED

    @property
    def waits_for_physician(self):
        """Whether the programme leaves it to a physician and she has not said yes or no."""
        return self.group != "required" and self.state != "waived"

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
        shown = (self.item, *map(str, told), *self.rules, *(str(each.at) for each in self.judged))
        return hashlib.sha256("|".join(shown).encode()).hexdigest()[:6]


@dataclass(frozen=True)
class Ledger:
    """A proposal. `facts` and `answer`: what the assessment took and gave; `contradiction` stands in for an answer.

    `judged`: what physicians decided about items; `not_waived`: why each open item cannot be waived, None where it can.
    """

    facts: dict
    answer: dict
    edition: Edition
    contradiction: str
    entries: tuple[Entry, ...]
    unknown: tuple[tuple[str, str], ...]
    unverified_results: tuple[str, ...]
    judged: tuple[Judged, ...]
    not_waived: dict
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
        return tuple(entry for entry in self.entries if entry.waits_for_physician)

    @property
    def waived(self):
        return tuple(entry for entry in self.entries if entry.state == "waived")

    def why_not_waived(self, item):
        """The sentence that stands against waiving this item, or ""."""
        if self.contradiction:
            return self.contradiction
        asked = {entry.item: entry.label for entry in self.entries}
        if item not in asked:
            return _("This programme does not ask for it: %(item)s. Nothing has to be waived.") % {
                "item": words.ITEMS[item]
            }
        if item not in self.not_waived:
            return _("This is done and its result stands: %(item)s.") % {"item": asked[item]}
        code = self.not_waived[item]
        return words.NOT_WAIVED[code] % {"item": asked[item]} if code else ""

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
        done = sum(entry.state == "done" for entry in self.required)
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
        behind = (rule["verified"] for rules in self.grounds.values() for rule in rules)
        return all(entry.verified for entry in self.entries) and all(behind)

    @property
    def grounds(self):
        """The rules behind each part of the outcome (`grounds.of`), as they are or as they were signed."""
        return self.answer.get("grounds", {})

    @property
    def marks(self):
        return "".join(entry.mark for entry in self.entries)


def of(screening, *, on):
    """The ledger of one screening as it stands on a day."""
    return of_records(facts.records_of([screening])[screening.pk], on=on)


def of_many(screenings, *, on):
    """The ledger of each screening by its key, in a constant number of queries."""
    return {key: of_records(records, on=on) for key, records in facts.records_of(screenings).items()}


def of_records(records, *, on, signing_at=None, edition=None):
    """The ledger of rows that are already fetched; `edition`: as another one than the screening's own sees them."""
    stated = facts.of_records(records, on=on, signing_at=signing_at)
    edition = edition or programmes().by_key(records.screening.edition)
    judged = tuple(_judged(records.judgements))
    try:
        answer, not_waived = _assessed(stated, edition)
        contradiction = ""
    except Refused as refusal:
        answer, not_waived, contradiction = {}, {}, refusal.message
    ordered = {order.item for order in records.orders if order.state == order.State.ORDERED}
    return Ledger(
        facts=stated,
        answer=answer,
        edition=edition,
        contradiction=contradiction,
        entries=tuple(_entries(answer, ordered=ordered, judged=judged, not_waived=not_waived)),
        unknown=tuple((path, words.UNKNOWN[path]) for path in answer.get("unknown", ())),
        unverified_results=tuple(_unverified(records.orders)),
        judged=judged,
        not_waived=not_waived,
    )


def of_signoff(signoff):
    """The ledger as it was signed: whatever is edited later, it reads the same."""
    judged = tuple(Judged.read(written) for written in signoff.answer.get("judgements", ()))
    return Ledger(
        facts=signoff.facts,
        answer=signoff.answer,
        edition=programmes().by_key(signoff.edition),
        contradiction="",
        entries=tuple(_entries(signoff.answer, ordered=set(), judged=judged, not_waived={})),
        unknown=(),
        unverified_results=(),
        judged=judged,
        not_waived={},
        signed=True,
    )


def standing(screening, *, on):
    """The signed ledger where a signature stands, else the ledger of the day."""
    signoff = SignOff.objects.standing().filter(screening=screening).first()
    return of_signoff(signoff) if signoff is not None else of(screening, on=on)


def answer_to(stated, edition):
    """What the rules of an edition say about facts of the contract. Raises `protocols.facts.Refused`."""
    return _assessed(stated, edition)[0]


def _assessed(stated, edition):
    """The answer with the rules behind each part of it, and which open items cannot be waived."""
    assessed = assess(read(stated, programmes()), edition)
    return assessed.answer() | {"grounds": grounds.of(assessed, edition, rules())}, assessed.not_waived


def _judged(judgements):
    """Standing decisions about items; the others show in the outcome."""
    for each in judgements:
        if each.item and each.withdrawn_at is None:
            yield Judged(code=each.code, item=each.item, by=str(each.by), at=each.at, reason=each.reason)


def _entries(answer, *, ordered, judged, not_waived):
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
                can_be_waived=item in not_waived and not_waived[item] is None,
                judged=tuple(each for each in judged if each.item == item),
            )


def _unverified(orders):
    """Results that arrived and wait for a second pair of eyes: whoever signs now would sign without them."""
    return (str(order.test) for order in orders if order.state == order.State.RESULTED)
