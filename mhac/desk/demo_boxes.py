"""Sending out in the training clinic: two laboratories, and one box that left yesterday and is expected tomorrow."""

import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from mhac.labs.models import ReferenceLaboratory, Specimen
from mhac.labs.services import manifests

FAR = "Training Reference Laboratory (invented)"
HOURS = 48


@transaction.atomic
def load(clinic, users):
    """Make the laboratories and the box; what is there already stays as it is. Whether anything was made."""
    if ReferenceLaboratory.objects.filter(name=FAR).exists():
        return False
    far = ReferenceLaboratory.objects.create(name=FAR, address="Training Street 9, Invented Town", transit_hours=HOURS)
    ReferenceLaboratory.objects.create(name=f"{clinic} (training)", clinic=clinic, transit_hours=HOURS)
    tube = Specimen.objects.filter(clinic=clinic, tube="sputum", state=Specimen.State.RECEIVED).order_by("pk").last()
    if tube is not None:
        by, left = users["lab"], timezone.now() - datetime.timedelta(days=1)
        box = manifests.open_box(clinic, to=far, by=by)
        manifests.pack(box, specimen=tube, by=by)
        sealed = {"seal": "TRAINING-0001", "courier": "Training Courier", "celsius": Decimal("5.0")}
        manifests.send(box, by=by, at=left, **sealed)
    return True
