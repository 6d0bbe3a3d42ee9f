"""Writing down who somebody is: whoever writes rows of this room calls one of these names."""

from mhac.patients.refusals import Refused
from mhac.patients.services.documents import add_document, identity, owner_of, refuse_double
from mhac.patients.services.people import confirm_identity, correct, register, take_photo

__all__ = [
    "Refused",
    "add_document",
    "confirm_identity",
    "correct",
    "identity",
    "owner_of",
    "refuse_double",
    "register",
    "take_photo",
]
