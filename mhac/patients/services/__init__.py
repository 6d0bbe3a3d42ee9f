"""Writing down who somebody is: whoever writes rows of this room calls one of these names."""

from mhac.patients.refusals import Refused
from mhac.patients.services.documents import add_document, identity, owner_of, refuse_double
from mhac.patients.services.incidents import agree, disagree, held, propose_outcome, report_mismatch
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
    "owner_of",
    "propose_outcome",
    "refuse_double",
    "register",
    "report_mismatch",
    "take_photo",
]
