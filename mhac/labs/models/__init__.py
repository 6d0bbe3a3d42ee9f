"""What the laboratory keeps: its catalogue, specimens and their custody, orders and results, quality control."""

from mhac.labs.models.catalogue import LimitChange, ReferenceRange, Test
from mhac.labs.models.quality import AssayLock, ControlLot, ControlRun, ControlTarget, ReleasedInSpite
from mhac.labs.models.results import (
    CriticalAcknowledgement,
    CriticalCall,
    CriticalEscalation,
    LabOrder,
    LabResult,
)
from mhac.labs.models.specimens import (
    CustodyStep,
    Label,
    Manifest,
    ManifestLine,
    ReferenceLaboratory,
    Specimen,
    SpecimenTube,
)

__all__ = [
    "AssayLock",
    "ControlLot",
    "ControlRun",
    "ControlTarget",
    "CriticalAcknowledgement",
    "CriticalCall",
    "CriticalEscalation",
    "CustodyStep",
    "LabOrder",
    "LabResult",
    "Label",
    "LimitChange",
    "Manifest",
    "ManifestLine",
    "ReferenceLaboratory",
    "ReferenceRange",
    "ReleasedInSpite",
    "Specimen",
    "SpecimenTube",
    "Test",
]
