"""The roster of the training clinic, and a family that waits for a day on which a female radiographer works."""

from django.db import transaction

from mhac.appointments import services as appointments
from mhac.appointments.models import Half, StaffLine, Waiting, Workplace
from mhac.screenings.models import Screening

# kind, room, people at each time for each of its staff
STATIONS = [
    ("reception", "", 20),
    ("nurse", "1", 12),
    ("examination", "2", 6),
    ("radiology", "", 8),
    ("collection", "", 10),
    ("chaperone", "", 6),
]
EVERY_DAY = range(7)
SUNDAY, TUESDAY, THURSDAY = 6, 1, 3
BOTH = list(Half.values)
# user (None: a name alone), name, sex, languages, station, weekdays, halves
STAFF = [
    ("reception", "Rabia Tamrin", "female", ["fa-af", "ps"], "reception", EVERY_DAY, BOTH),
    ("nurse", "Nargis Tamrin", "female", ["fa-af", "ps", "en"], "nurse", EVERY_DAY, BOTH),
    ("physician", "Dr Parwin Tamrin", "female", ["fa-af", "en"], "examination", EVERY_DAY, ["am"]),
    (None, "Dr Homayun Tamrin", "male", ["fa-af", "ps", "en"], "examination", EVERY_DAY, BOTH),
    ("radiology", "Rostam Tamrin", "male", ["fa-af"], "radiology", EVERY_DAY, BOTH),
    (None, "Roya Tamrin", "female", ["fa-af", "uz"], "radiology", (SUNDAY, TUESDAY, THURSDAY), ["am"]),
    ("lab", "Laila Tamrin", "female", ["fa-af"], "collection", EVERY_DAY, BOTH),
    (None, "Shabnam Tamrin", "female", ["ps"], "chaperone", EVERY_DAY, ["am"]),
]
NEEDS = {"Parwana": ["female_clinician", "female_radiographer"]}


@transaction.atomic
def load(clinic, users):
    """Make stations, staff, their week and the waiting family; what is there already stays as it is."""
    if not clinic.workplaces.exists():
        _roster(clinic, users)
    waiting = list(Screening.objects.filter(clinic=clinic, patient__family_name="Intizar").select_related("patient"))
    if waiting and not Waiting.objects.filter(case=waiting[0].case).exists():
        _wait(waiting[0].case, waiting, users["reception"])


def _roster(clinic, users):
    by = users["manager"]
    places = {}
    for kind, room, capacity in STATIONS:
        place = places[kind] = Workplace(clinic=clinic, kind=kind, name=room, capacity=capacity)
        place._history_user = by
        place.save()
    for user, name, sex, languages, kind, days, halves in STAFF:
        line = StaffLine(clinic=clinic, user=users.get(user), name=name, sex=sex, languages=languages)
        line._history_user = by
        line.save()
        week = {(day, half): places[kind] for day in days for half in halves}
        appointments.set_week(line, places=week, by=by)


def _wait(case, members, by):
    needs = {member.pk: NEEDS.get(member.patient.given_name, []) for member in members}
    appointments.set_needs(case, needs=needs, by=by)
    appointments.add_companion(case, name="Gulalai Intizar", relation="child", by=by)
    days = [SUNDAY, TUESDAY]
    appointments.wait(case, weekdays=days, half="am", from_day=case.clinic.today(), until=None, note="", by=by)
