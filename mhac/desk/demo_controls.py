"""Controls of the training clinic: two levels of an invented material over two weeks, with a warning and a failure that
was found, mended and opened again."""

import datetime
from decimal import Decimal

from django.db import transaction
from django.utils import timezone

from mhac.labs import services as labs
from mhac.labs.models import AssayLock, ControlLot, ControlTarget, Test

MATERIAL = "Training control"
# level -> lot, mean and deviation of haemoglobin in g/dL, and one value a day in deviations from the mean; the last is
# today's. On the ninth day level 2 fails (1-3s), and is measured again two hours later.
LEVELS = {
    "1": ("TRN-L1-26", "8.0", "0.20", "0.3 -0.6 1.1 0.2 -1.2 0.4 2.3 -0.4 0.8 -0.3 0.6 -0.9 0.2"),
    "2": ("TRN-L2-26", "16.0", "0.30", "-0.4 0.7 -0.2 1.3 0.5 -0.8 0.3 0.9 3.4 -0.6 0.2 0.5 -0.3"),
}
AGAIN = ("2", 8, "0.4")
FOUND = "Old reagent left in the tube: cleaned, new reagent, measured again."


@transaction.atomic
def load(clinic, users):
    """Make lots, targets and runs; what is there already stays as it is. Whether anything was made."""
    if ControlLot.objects.filter(clinic=clinic, material=MATERIAL).exists():
        return False
    targets = {level: _target(clinic, level, users) for level in LEVELS}
    for at, level, z in _course(timezone.now() - datetime.timedelta(minutes=20)):
        target = targets[level]
        value = target.mean + Decimal(z) * target.sd
        labs.measure_control(target, value=value, at=at, by=users["lab"])
        for lock in AssayLock.objects.filter(clinic=clinic, opened_at=None):
            if not labs.why_not_open(lock):
                labs.open_assay(lock, because=FOUND, by=users["quality"], at=at + datetime.timedelta(minutes=10))
    return True


def _target(clinic, level, users):
    lot, mean, sd, _course_of_it = LEVELS[level]
    expires = clinic.today() + datetime.timedelta(days=200)
    opened = clinic.today() - datetime.timedelta(days=14)
    made = ControlLot.objects.create(
        clinic=clinic, material=MATERIAL, level=level, lot=lot, expires_on=expires, opened_on=opened
    )
    numbers = {"mean": Decimal(mean), "sd": Decimal(sd), "source": ControlTarget.Source.MAKER}
    return labs.set_target(made, test=Test.objects.get(key="hb"), by=users["supervisor"], **numbers)


def _course(last):
    """(when, level, z) of every measurement, the oldest first."""
    found = []
    for nth, (level, (*_lot, course)) in enumerate(LEVELS.items()):
        values = course.split()
        for day, z in enumerate(values):
            at = last - datetime.timedelta(days=len(values) - 1 - day, minutes=-5 * nth)
            found.append((at, level, z))
            if (level, day) == AGAIN[:2]:
                found.append((at + datetime.timedelta(hours=2), level, AGAIN[2]))
    return sorted(found)
