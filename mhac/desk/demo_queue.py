"""The queues of the training clinic: who has come stands at a station, some longer than they should."""

import datetime

from django.db import transaction
from django.utils import timezone
from simple_history.utils import bulk_update_with_history

from mhac.appointments.models import Visit, Workplace
from mhac.desk import stations

ROOMS = [
    ("reception", "1"),
    ("nurse", "2"),
    ("examination", "3"),
    ("examination", "4"),
    ("radiology", "5"),
    ("collection", "6"),
]
# Minutes that people have waited, in the order of their tickets: beside the usual limits of 30 and 60.
WAITED = [72, 41, 12, 5]


@transaction.atomic
def load(clinic, users):
    """Name the rooms and move everybody to where something is left; a clinic whose queue moved stays as it is."""
    for kind, name in ROOMS:
        Workplace.objects.get_or_create(clinic=clinic, kind=kind, name=name)
    reception = stations.Station.RECEPTION.value
    today = Visit.objects.on(clinic, clinic.today())
    if today.exclude(station=reception).exists():
        return False
    stations.send_on_who_is_done(clinic, reception, by=users["reception"])
    waiting = list(today.waiting().order_by("booking__ticket"))
    for visit, minutes in zip(waiting, WAITED, strict=False):
        visit.waiting_since = visit.turn = timezone.now() - datetime.timedelta(minutes=minutes)
    bulk_update_with_history(waiting, Visit, ["waiting_since", "turn"], default_user=users["reception"])
    return True
