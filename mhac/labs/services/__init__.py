"""What is done in the laboratory: whoever writes its rows calls one of these names. The wire's one door."""

from mhac.labs.filing import Work, ordered, record_messages, record_results, tests_by_key, waiting_since, work_for
from mhac.labs.matching import WAITING, Line, Numbers, Outcome, Person, Reading, Rules, Value
from mhac.labs.rehearsal import Scene
from mhac.labs.services.locked import Refused
from mhac.labs.services.orders import add_test, order
from mhac.labs.services.results import (
    correct,
from mhac.labs.services.quality import (
    Control,
    controls_recorded,
    end_lot,
    lock_assay,
    measure_control,
    open_assay,
    record_control,
    release_in_spite,
    set_target,
)
    enter,
    held_by,
    reject_result,
    rights_to_verify,
    verify,
    why_not_verify,
)
from mhac.labs.services.specimens import collect, is_identified, receive, reject
from mhac.labs.suggestions import Likeness, Stranger, Suggestion, likely, whose

# The names of the wire's one door, and of the bench.
__all__ = [
    "WAITING",
    "Likeness",
    "Line",
    "Control",
    "Numbers",
    "Outcome",
    "Person",
    "Reading",
    "Refused",
    "Rules",
    "Scene",
    "Stranger",
    "Suggestion",
    "Value",
    "Work",
    "add_test",
    "collect",
    "correct",
    "enter",
    "held_by",
    "controls_recorded",
    "is_identified",
    "end_lot",
    "likely",
    "order",
    "ordered",
    "receive",
    "record_messages",
    "lock_assay",
    "lose",
    "measure_control",
    "open_assay",
    "record_results",
    "reject",
    "reject_result",
    "rights_to_verify",
    "record_control",
    "tests_by_key",
    "verify",
    "waiting_since",
    "whose",
    "release_in_spite",
    "why_not_verify",
    "set_target",
    "settle",
    "work_for",
]
