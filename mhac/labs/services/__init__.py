"""What is done in the laboratory: whoever writes its rows calls one of these names. The wire's one door."""

from mhac.labs.filing import Work, ordered, record_results, tests_by_key, work_for
from mhac.labs.matching import WAITING, Line, Numbers, Outcome, Person, Reading, Rules, Value
from mhac.labs.rehearsal import Scene
from mhac.labs.services.locked import Refused
from mhac.labs.services.orders import order
from mhac.labs.services.results import (
    correct,
    enter,
    held_by,
    reject_result,
    rights_to_verify,
    verify,
    why_not_verify,
)
from mhac.labs.services.specimens import collect, is_identified, receive, reject

# The names of the wire's one door, and of the bench.
__all__ = [
    "WAITING",
    "Line",
    "Numbers",
    "Outcome",
    "Person",
    "Reading",
    "Refused",
    "Rules",
    "Scene",
    "Value",
    "Work",
    "collect",
    "correct",
    "enter",
    "held_by",
    "is_identified",
    "order",
    "ordered",
    "receive",
    "record_results",
    "reject",
    "reject_result",
    "rights_to_verify",
    "tests_by_key",
    "verify",
    "why_not_verify",
    "work_for",
]
