"""Invented people for the rules' tests: a plain record per programme, changed by keyword."""

import copy

from mhac.protocols.assessment import assess
from mhac.protocols.facts import read
from mhac.protocols.programme import read_programmes
from mhac.protocols.rehearsal import answer as answer_record

PROGRAMMES = read_programmes()
EXAMINED = "2026-11-21"
NOTHING = {"known_hiv": False, "tb_signs": [], "tb_history": [], "tb_contacts": [], "risks": []}
FILM = {"date": EXAMINED, "findings": []}
SYPHILIS = {
    "drawn": EXAMINED,
    "laboratory": "own",
    "nontreponemal": {"specimen": "S1", "result": "nonreactive"},
    "treponemal": [{"specimen": "S1", "method": "tppa", "result": "nonreactive"}],
}
GONORRHOEA = {"collected": EXAMINED, "naat": "not_detected"}
CONTACT = {"source_name": "Gul Bibi", "relationship": "aunt", "tb_type": "pulmonary"}


def record(programme="us-refugee", born="1976-05-10", sex="male", **changes):
    """A person of 50 without a history. `person`, `history`, `findings` and `travel` are merged, the rest replaces."""
    made = {
        "id": "t1",
        "programme": programme,
        "examined": EXAMINED,
        "person": {"sex": sex, "born": born},
        "history": copy.deepcopy(NOTHING),
        "findings": {"physical_exam": {"conditions": []}},
    }
    if programme.startswith("us-"):
        made["tb_incidence_per_100k"] = 185
    for key, value in changes.items():
        if key in ("person", "history", "findings") and isinstance(value, dict):
            made[key] |= copy.deepcopy(value)
        else:
            made[key] = copy.deepcopy(value)
    if "born_between" in made["person"]:
        made["person"].pop("born")
    return made


def answered(programme="us-refugee", **changes):
    """The answer to a record; it must not be refused."""
    given = answer_record(record(programme, **changes), PROGRAMMES)
    assert "error" not in given, given
    return given


def refused(made):
    """The path at which a record is refused, and the sentence."""
    given = answer_record(made, PROGRAMMES)
    assert set(given) == {"id", "error"}, given
    return given["error"]["path"], given["error"]["message"]


def assessed(programme="us-refugee", **changes):
    facts = read(record(programme, **changes), PROGRAMMES)
    return assess(facts, PROGRAMMES.edition(facts.programme, facts.examined))


def specimens(number=3, first="2026-11-22", **changes):
    """That many negative specimens on consecutive days, all cultures reported."""
    day = int(first[-2:])
    made = []
    for index in range(number):
        specimen = {
            "collected": f"{first[:-2]}{day + index:02d}",
            "smear": "negative",
            "culture": "negative",
            "culture_reported": f"2027-01-{20 + index:02d}",
        }
        if index == 0:
            specimen |= {"molecular": "not_detected", **changes}
        made.append(specimen)
    return made
