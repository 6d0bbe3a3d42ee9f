"""The roster of the training clinic, and a family that waits for a day on which a female radiographer works."""

import datetime

from django.db import transaction

from mhac.appointments import services as appointments
from mhac.appointments.models import Half, StaffLine, Waiting, Workplace
from mhac.clinics.numbers import uuid7
from mhac.screenings import services as screenings

# kind -> room, people at each time for each of its staff; rooms that are there already take this number too
STATIONS = {
    "reception": ("1", 20),
    "nurse": ("2", 12),
    "examination": ("3", 6),
    "radiology": ("5", 8),
    "collection": ("6", 10),
    "chaperone": ("", 6),
}
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
# given name, name in Dari, sex, born, relation, what she needs
WAITING = [
    ("Karim", "کریم نوبت", "male", datetime.date(1976, 2, 14), "head", []),
    (
        "Nafisa",
        "نفیسه نوبت",
        "female",
        datetime.date(1980, 7, 2),
        "spouse",
        ["female_clinician", "female_radiographer"],
    ),
]


@transaction.atomic
def load(clinic, users):
    """Make stations, staff, their week and the waiting family; what is there already stays as it is."""
    if not clinic.staff_lines.exists():
        _roster(clinic, users)
    if not Waiting.objects.filter(case__clinic=clinic).exists():
        _wait(clinic, users["reception"])


def _roster(clinic, users):
    by = users["manager"]
    places = {}
    for kind, (room, capacity) in STATIONS.items():
        place = clinic.workplaces.filter(kind=kind).first() or Workplace(clinic=clinic, kind=kind, name=room)
        place.capacity, place._history_user = capacity, by
        place.save()
        places[kind] = place
    for user, name, sex, languages, kind, days, halves in STAFF:
        line = StaffLine(clinic=clinic, user=users.get(user), name=name, sex=sex, languages=languages)
        line._history_user = by
        line.save()
        week = {(day, half): places[kind] for day in days for half in halves}
        appointments.set_week(line, places=week, by=by)


def _wait(clinic, by):
    contact = {"contact_name": "Karim Nobat", "phone": "+93 700 000 001", "address": "Training Street 12"}
    case = screenings.open_case(clinic=clinic, programme="uk-tb", by=by, **contact)
    people = [
        {
            "key": uuid7(),
            "person": {
                "given_name": given, "family_name": "Nobat", "native_name": native, "father_name": "Tamrin",
                "sex": sex, "born_earliest": born, "phone": case.phone,
            },
            "documents": [],
            "relation": relation,
            "reference": "",
        }
        for given, native, sex, born, relation, _needs in WAITING
    ]  # fmt: skip
    members = screenings.register_family(case, people, by=by)
    needs = {member.pk: row[-1] for member, row in zip(members, WAITING, strict=True)}
    appointments.set_needs(case, needs=needs, by=by)
    appointments.add_companion(case, name="Gulalai Nobat", relation="child", by=by)
    when = {"weekdays": [SUNDAY, TUESDAY], "half": "am", "from_day": clinic.today(), "until": None, "note": ""}
    appointments.wait(case, by=by, **when)
