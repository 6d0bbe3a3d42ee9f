"""Who is screened: the person, the papers that say who she is, her face and the checks of it."""

from mhac.patients.models.documents import IdentityDocument
from mhac.patients.models.faces import IdentityCheck, Photo
from mhac.patients.models.people import Patient

__all__ = ["IdentityCheck", "IdentityDocument", "Patient", "Photo"]
