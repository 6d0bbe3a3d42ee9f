"""Money of the training clinic: one family paid, one in part with a waiver to confirm, one receipt given back."""

from django.db import transaction

from mhac.clinics.numbers import uuid7
from mhac.payments import services as payments
from mhac.payments.models import Receipt
from mhac.screenings import services as screenings
from mhac.screenings.models import Case, Guardian, Kinship, Screening


@transaction.atomic
def load(clinic, users):
    """Make receipts, a waiver, a void and a guardian, once; whether any was made."""
    if Receipt.objects.filter(clinic=clinic).exists():
        return False
    families = {each.contact_name: each for each in Case.objects.filter(clinic=clinic, programme="ca")}
    desk, manager = users["reception"], users["manager"]
    for case in families.values():
        payments.ask_fees(_people(case), by=desk)
    for name in ("Mirwais Olgo", "Yusuf Mashq"):
        case = families[name]
        payments.take(case, screenings=_people(case), payer=name, key=uuid7(), by=desk)
    waiting = _people(families["Gul Agha Namuna"])
    youngest = max(waiting, key=lambda each: each.patient.born_latest)
    payments.ask_waiver(youngest, reason="hardship", note="Training: four children at home", by=desk)
    back = Receipt.objects.get(case=families["Mirwais Olgo"])
    asked = payments.ask_void(back, reason="amount", note="Training: counted wrongly", by=desk)
    payments.decide_void(asked, accept=True, by=manager)
    again = families["Mirwais Olgo"]
    payments.take(again, screenings=_people(again), payer="Mirwais Olgo", key=uuid7(), by=desk)
    _guardian_of(waiting, desk)
    return True


def _people(case):
    return list(Screening.objects.whole().filter(case=case, state=Screening.State.OPEN))


def _guardian_of(family, by):
    """The daughter's guardian is written down, the son's is still missing."""
    father, *_others = family
    child = next(each for each in family if each.patient.given_name == "Sahar")
    if not Guardian.objects.filter(screening=child).exists():
        screenings.set_guardian(child, adult=father, relation=Kinship.FATHER, document="passport XX000010", by=by)
