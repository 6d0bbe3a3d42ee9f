"""The family of the training clinic whose clock tells something: parents who were ready long ago, a son's cultures."""

import datetime

from django.utils import timezone

from mhac.decisions import services as decisions
from mhac.exams.models import ChestXray, MedicalHistory, Pregnancy
from mhac.labs import services as labs
from mhac.labs.models import LabOrder
from mhac.patients.models import IdentityCheck
from mhac.screenings import services as screenings

PARENTS_DAYS, SON_DAYS = 158, 24


def tell(members, users):
    """What happened to father, mother and son, each as many days ago as it takes for the dates to miss each other."""
    *parents, son = members
    for member in parents:
        examined(member, users, PARENTS_DAYS, findings=[])
        decisions.sign(member, by=users["physician"], on=before(member, PARENTS_DAYS - 2))
    examined(son, users, SON_DAYS, findings=["infiltrate"])
    decisions.judge(son, code="order", item="sputum", reason="Training: shadow on the film", by=users["physician"])
    decisions.order_due(son, by=users["physician"])
    for nth in (1, 2, 3):
        coughed(son, users, SON_DAYS - nth, nth)


def before(member, days):
    return member.clinic.today() - datetime.timedelta(days=days)


def written(row, by):
    row._history_user = by
    row.save(force_insert=True)


def examined(member, users, days, findings):
    day, nurse, radiology = before(member, days), users["nurse"], users["radiology"]
    member.opened_on = day
    member._history_user = users["reception"]
    member.save(update_fields=["opened_on"])
    compared(member, "reception", day, users["reception"])
    screenings.give_consent(member, purpose="examination", given_by=member.patient.name, by=users["reception"])
    said = {"known_hiv": False, "tb_signs": [], "tb_history": [], "tb_contacts": [], "risks": []}
    written(MedicalHistory(screening=member, taken_on=day, by=nurse, **said), nurse)
    if member.patient.sex == "female":
        written(Pregnancy(screening=member, asked_on=day, pregnant=False, by=nurse), nurse)
    film = {"taken_on": day, "taken_by": radiology, "read_by": radiology, "read_at": timezone.now()}
    written(ChestXray(screening=member, findings=findings, **film), radiology)


def compared(member, station, day, by):
    check = {"patient": member.patient, "clinic": member.clinic, "station": station, "day": day, "confirmed": True}
    written(IdentityCheck(by=by, **check), by)


def coughed(member, users, days, nth):
    """One specimen: its smear and molecular test are verified, its culture grows for weeks."""
    compared(member, "collection", before(member, days), users["lab"])
    orders = list(LabOrder.objects.to_collect().filter(screening=member, nth=nth))
    at = timezone.now() - datetime.timedelta(days=days)
    for specimen in labs.collect(member, orders=orders, by=users["lab"], at=at):
        labs.receive(specimen, by=users["lab"], at=at)
    early = {"screening": member, "nth": nth, "test__key__in": ("afb", "xpert_mtb")}
    for order in LabOrder.objects.awaiting_result().filter(**early).select_related("test"):
        labs.verify(labs.enter(order, text=order.test.normal[0], by=users["lab"]), by=users["supervisor"])
