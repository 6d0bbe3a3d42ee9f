"""An invented family in the laboratory: plain functions that make what a test is about."""

import datetime

import pytest
from django.utils import timezone

from mhac.labs import services
from mhac.labs.catalogue import load
from mhac.labs.models import LabOrder
from mhac.patients.models import Patient
from mhac.patients.services import confirm_identity, register
from mhac.screenings.models import Case, Screening

RULES = {"RULE-TEST"}


@pytest.fixture
def catalogue(db):
    load()


@pytest.fixture
def scene(catalogue, cast, kabul):
    """What tests of the bench ask for, over the catalogue and the cast."""
    return Scene(cast, kabul)


class Scene:
    def __init__(self, cast, clinic):
        self.cast, self.clinic = cast, clinic

    def screening(self, *, given="Zamir", family="Testzada", born=datetime.date(1990, 3, 2), sex="male", **fields):
        clinic = fields.pop("clinic", self.clinic)
        patient = register(
            clinic=clinic, by=self.cast.rec, given_name=given, family_name=family, sex=sex, born_earliest=born, **fields
        )
        number = clinic.next_number("C", 2026)
        case = Case.objects.create(
            number=number, clinic=clinic, programme="us-iv", contact_name=family, created_by=self.cast.rec
        )
        return Screening.objects.create(
            case=case,
            patient=patient,
            clinic=clinic,
            programme="us-iv",
            edition="us-iv-2021-09-03",
            opened_on=clinic.today(),
        )

    def face(self, screening, by=None, confirmed=True):
        note = "" if confirmed else "another face"
        patient = Patient.objects.get(pk=screening.patient_id)
        confirm_identity(
            patient,
            station="collection",
            clinic=screening.clinic,
            by=by or self.cast.lab,
            confirmed=confirmed,
            note=note,
        )

    def ordered(self, *items, screening=None):
        screening = screening or self.screening()
        services.order(screening, items={item: RULES for item in items}, by=self.cast.phy)
        return screening

    def collected(self, *items, screening=None):
        """The specimens of a screening for which `items` were ordered and collected."""
        screening = self.ordered(*items, screening=screening)
        self.face(screening)
        orders = LabOrder.objects.filter(screening=screening, state="ordered")
        return services.collect(screening, orders=orders, by=self.cast.lab)

    def received(self, *items, screening=None):
        return [services.receive(each, by=self.cast.lab) for each in self.collected(*items, screening=screening)]

    def order_of(self, test, specimens):
        return LabOrder.objects.get(specimen__in=specimens, test__key=test)

    def entered(self, item, test, text, *, by=None, screening=None):
        """One typed result that waits for verification."""
        order = self.order_of(test, self.received(item, screening=screening))
        return services.enter(order, text=text, by=by or self.cast.lab)


def days_ago(days):
    return timezone.now() - datetime.timedelta(days=days)
