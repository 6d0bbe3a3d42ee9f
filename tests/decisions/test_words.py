import json
from pathlib import Path

import pytest

from mhac.decisions import ledger, services, words
from mhac.protocols.facts import Refused, day
from mhac.screenings.programmes import programmes

CASES = Path(__file__).parent.parent / "protocols"


def answers():
    """Ledgers of every worked case that the rules can read."""
    for name in ("open.jsonl", "open_unverified.jsonl"):
        for line in (CASES / name).read_text(encoding="utf-8").splitlines():
            stated = json.loads(line)["case"]
            try:
                edition = programmes().edition(stated["programme"], day(stated["examined"], "examined"))
                answer = ledger.answer_to(stated, edition)
            except (Refused, KeyError):
                continue
            yield ledger.Ledger(
                facts=stated,
                answer=answer,
                edition=edition,
                contradiction="",
                entries=tuple(ledger._entries(answer, ordered=set(), judged=(), not_waived={})),
                unknown=tuple((path, words.UNKNOWN[path]) for path in answer["unknown"]),
                unverified_results=(),
                judged=(),
                not_waived={},
            )


def test_every_worked_case_can_be_told_in_words():
    told = 0
    for found in answers():
        said = [found.state_word, found.fitness, found.progress, *found.missing, *found.classes, *found.options]
        said += [*found.remarks, *found.warnings, *found.travel_conditions, *(name for name, _value in found.computed)]
        said += [part for entry in found.entries for part in (entry.label, entry.state_word, entry.satisfied_by)]
        assert all(str(part) for part in said if part != "")
        assert bool(services.why_not(found)) != found.can_be_signed
        told += 1
    assert told >= 300


@pytest.mark.parametrize("missing", [words.UNKNOWN, words.QUESTIONS])
def test_unknown_facts_have_both_words(missing):
    assert set(missing) == set(words.UNKNOWN)
