"""Writing down who somebody is: whoever writes rows of this room calls one of these names."""

from mhac.patients.refusals import Refused
from mhac.patients.services.documents import add_document, identity, owner_of, refuse_double
from mhac.patients.services.incidents import agree, disagree, held, propose_outcome, report_mismatch
from mhac.patients.services.merging import (
    keep_merged,
    merge,
    part,
    propose_merge,
    propose_parting,
    refuse_merge,
    say_two_people,
)
from mhac.patients.services.people import confirm_identity, correct, register, take_photo

__all__ = [
    "Refused",
    "add_document",
    "agree",
    "confirm_identity",
    "correct",
    "disagree",
    "held",
    "identity",
    "keep_merged",
    "merge",
    "owner_of",
    "part",
    "propose_merge",
    "propose_outcome",
    "propose_parting",
    "refuse_double",
    "refuse_merge",
    "register",
    "report_mismatch",
    "say_two_people",
    "take_photo",
]
