"""What waits for another hand in the training clinic, so that the forms that answer it can be found and sent."""

import datetime

from django.urls import reverse
from django.utils import timezone

from mhac.appointments import services as appointments
from mhac.appointments.models import Booking, Companion, Reminder, Visit
from mhac.appointments.services import times
from mhac.clinics.models import Clinic
from mhac.labs import services as labs
from mhac.labs.models import LabOrder, ReferenceLaboratory, Specimen
from mhac.labs.services import manifests
from mhac.patients import services as patients
from mhac.patients.models import Patient
from mhac.payments import services as payments
from mhac.payments.models import Receipt

BECAUSE = "Training: asked for by a test"


def pages():
    """Pages that nobody is led to while nothing of the kind happens; a role that may not open one does not."""
    clinic = Clinic.objects.get(code="KBL")
    one, other = Patient.objects.filter(clinic=clinic).order_by("pk")[:2]
    return [
        reverse("desk:pair", args=[one.pk, other.pk]),
        reverse("desk:recall"),
        reverse("appointments:reminders"),
        *(reverse("appointments:wishes", args=[row.case_id]) for row in Companion.objects.all()[:2]),
        *(f"{reverse('desk:room')}?station={name}" for name in ("nurse", "examination", "radiology", "collection")),
        *(reverse("desk:arrival", args=[row.screening.case_id]) for row in Booking.objects.whole()[:6]),
    ]


def load(users):
    """Ask for everything once; `users` by their user names of the training clinic."""
    clinic = Clinic.objects.get(code="KBL")
    _days(clinic, users["manager"])
    _people(clinic, users)
    _queue(clinic, users)
    _bench(clinic, users)
    receipt = Receipt.objects.filter(clinic=clinic, voided_on=None).last()
    payments.ask_void(receipt, reason="amount", note=BECAUSE, by=users["reception"])


def _days(clinic, by):
    """Days that stay ahead: a closure, other hours, a holiday that is expected, somebody away, a screen."""
    first = clinic.today() + datetime.timedelta(days=40)
    days = {"first_day": first, "last_day": first + datetime.timedelta(days=1), "reason": BECAUSE}
    times.close(clinic, **days)
    appointments.set_hours(clinic, starts=[datetime.time(8), datetime.time(9)], capacity=4, by=by, **_later(days, 7))
    appointments.expect_holiday(clinic, by=by, **_later(days, 14))
    line = clinic.staff_lines.first()
    soon = {"first_day": clinic.today(), "last_day": clinic.today() + datetime.timedelta(days=2), "reason": BECAUSE}
    appointments.change_days(line, halves=["am"], workplace=None, by=by, **soon)
    appointments.make_display_key(clinic, place="Training hall", by=by)


def _later(days, count):
    more = datetime.timedelta(days=count)
    return days | {"first_day": days["first_day"] + more, "last_day": days["last_day"] + more}


def _people(clinic, users):
    """Two records that are said to be one person, somebody who is not the one of the photo."""
    one, other, third = Patient.objects.filter(clinic=clinic).order_by("-pk")[:3]
    patients.propose_merge(one, other, because=BECAUSE, by=users["reception"])
    patients.report_mismatch(third, station="nurse", by=users["nurse"], clinic=clinic, note=BECAUSE)


def _queue(clinic, users):
    """A message that did not go out, and one person in each state of the queue."""
    for booking in Booking.objects.filter(slot__clinic=clinic, state="booked").whole()[:2]:
        Reminder.objects.get_or_create(
            case=booking.screening.case,
            slot=booking.slot,
            defaults={
                "phone": "0700000001", "language": "en", "text": BECAUSE, "parts": 1, "state": "failed",
                "next_try_at": timezone.now(),
            },
        )  # fmt: skip
    waiting = list(Visit.objects.on(clinic, clinic.today()).waiting())
    for visit, who in zip(waiting, ("nurse", "physician"), strict=False):
        appointments.call(visit, room="2", by=users[who])
    if len(waiting) > 1:
        inside = waiting[1]
        patients.confirm_identity(inside.booking.screening.patient, station=inside.station, by=users["physician"])
        appointments.come_in(inside, by=users["physician"])


def _bench(clinic, users):
    """Results that nobody has verified, and a box that is being packed."""
    for order in LabOrder.objects.filter(specimen__clinic=clinic, state=LabOrder.State.COLLECTED)[:3]:
        text = order.test.expected[0] if getattr(order.test, "expected", None) else "5"
        try:
            labs.enter(order, text=text, by=users["lab2"])
        except labs.Refused:
            continue
    tube = Specimen.objects.filter(clinic=clinic, state=Specimen.State.RECEIVED, laboratory=None).last()
    far = ReferenceLaboratory.objects.filter(clinic=None).first()
    manifests.pack(manifests.open_box(clinic, to=far, by=users["lab"]), specimen=tube, by=users["lab"])
