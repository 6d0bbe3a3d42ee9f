"""What is done in the laboratory: whoever writes its rows calls one of these names. The wire's one door."""

from mhac.labs.filing import Work, ordered, record_messages, record_results, tests_by_key, waiting_since, work_for
from mhac.labs.matching import WAITING, Line, Numbers, Outcome, Person, Reading, Rules, Value
from mhac.labs.rehearsal import Scene
from mhac.labs.services.calls import Misread, acknowledge, call, escalate
from mhac.labs.services.cancellations import cancel
from mhac.labs.services.catalogue import ask_limits, decide_limits, limits_of
from mhac.labs.services.custody import chain, find, lose
from mhac.labs.services.grid import enter_row
from mhac.labs.services.labels import print_labels, settle
from mhac.labs.services.late import choose_medium, standing_late, use_late, why_late
from mhac.labs.services.locked import Refused
from mhac.labs.services.orders import add_test, order
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
    why_not_open,
)
from mhac.labs.services.results import (
    correct,
    enter,
    held_by,
    held_for,
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
    "Control",
    "Likeness",
    "Line",
    "Misread",
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
    "acknowledge",
    "add_test",
    "ask_limits",
    "call",
    "cancel",
    "chain",
    "choose_medium",
    "collect",
    "controls_recorded",
    "correct",
    "decide_limits",
    "end_lot",
    "enter",
    "enter_row",
    "escalate",
    "find",
    "held_by",
    "held_for",
    "is_identified",
    "likely",
    "limits_of",
    "lock_assay",
    "lose",
    "measure_control",
    "open_assay",
    "order",
    "ordered",
    "print_labels",
    "receive",
    "record_control",
    "record_messages",
    "record_results",
    "reject",
    "reject_result",
    "release_in_spite",
    "rights_to_verify",
    "set_target",
    "settle",
    "standing_late",
    "tests_by_key",
    "use_late",
    "verify",
    "waiting_since",
    "whose",
    "why_late",
    "why_not_open",
    "why_not_verify",
    "work_for",
]
