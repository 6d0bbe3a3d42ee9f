"""Who is screened: the person, the papers that say who she is, her face and its checks; records joined and parted."""

from mhac.patients.models.documents import IdentityDocument
from mhac.patients.models.faces import IdentityCheck, Photo
from mhac.patients.models.incidents import IdentityIncident
from mhac.patients.models.merging import Merge, TwoPeople
from mhac.patients.models.people import Patient

__all__ = ["IdentityCheck", "IdentityDocument", "IdentityIncident", "Merge", "Patient", "Photo", "TwoPeople"]
