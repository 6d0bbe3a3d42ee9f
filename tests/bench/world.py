"""A laboratory with invented people, large enough to measure: thirty tests, tubes with all of them ordered, an analyzer.

Rows are written in bulk and without history: what is measured starts after them.
"""

import datetime
from decimal import Decimal

from django.utils import timezone

from lab_integration.models import Analyzer
from mhac.accounts.models import User
from mhac.clinics import numbers
from mhac.clinics.models import Clinic
from mhac.labs.models import LabOrder, Specimen, Test
from mhac.patients.models import Patient
from mhac.screenings.models import Case, Screening

TESTS = 30
BORN = datetime.date(1994, 3, 2)


def prepare(specimens, *, tests=TESTS, code="ZBM", year=26, peers=("127.0.0.1",)):
    """The accessions of `specimens` new tubes, each with `tests` orders, and the analyzers that may answer them."""
    clinic = Clinic.objects.create(code=code, name="Measured", kind=Clinic.Kind.CENTRE, province="Kabul")
    user = User.objects.create(username=f"{code}-technician", full_name="Invented Technician")
    catalogue = Test.objects.bulk_create(
        Test(
            key=f"m{place:02d}",
            name=f"Measured {place}",
            unit="mmol/L",
            kind=Test.Kind.NUMERIC,
            decimals=1,
            tube=Test.Tube.SERUM,
            position=place,
            critical_high=Decimal(900),
        )
        for place in range(tests)
    )
    code_map = [{"code": f"C{place:02d}", "test": f"m{place:02d}", "unit": "mmol/L"} for place in range(tests)]
    analyzers = [
        Analyzer.objects.create(
            clinic=clinic, name=f"Measured {place}", addresses=[peer], profile={"code_map": code_map}
        )
        for place, peer in enumerate(peers)
    ]
    now = timezone.now()
    people, cases, screenings, tubes, orders = [], [], [], [], []
    for place in range(specimens):
        one = Patient(
            number=numbers.compose(code, "P", year, place),
            clinic=clinic,
            given_name="Zahra",
            family_name=f"Invented{place}",
            sex="female",
            born_earliest=BORN,
            born_latest=BORN,
        )
        case = Case(
            number=numbers.compose(code, "C", year, place),
            clinic=clinic,
            programme="ca",
            contact_name="Zahra",
            created_by=user,
        )
        screening = Screening(
            case=case, patient=one, clinic=clinic, programme="ca", edition="ca-test", opened_on=now.date()
        )
        tube = Specimen(
            screening=screening,
            accession=numbers.compose(code, "", year, place),
            clinic=clinic,
            tube=Test.Tube.SERUM,
            state=Specimen.State.RECEIVED,
            collected_at=now,
            collected_by=user,
        )
        people.append(one), cases.append(case), screenings.append(screening), tubes.append(tube)
        orders += [
            LabOrder(
                screening=screening,
                test=test,
                specimen=tube,
                item="lab",
                state=LabOrder.State.COLLECTED,
                ordered_by=user,
            )
            for test in catalogue
        ]
    for model, rows in (
        (Patient, people),
        (Case, cases),
        (Screening, screenings),
        (Specimen, tubes),
        (LabOrder, orders),
    ):
        model.objects.bulk_create(rows, batch_size=2000)
    return [tube.accession for tube in tubes], analyzers


def message(accession, number, *, rows=TESTS, value="5.4", status="F"):
    """An ORU^R01 as chemistry analyzers send it: PID, OBR and `rows` OBX, about 5.5 kB with thirty of them."""
    sent = f"{timezone.now():%Y%m%d%H%M%S}+0000"
    lines = [
        f"MSH|^~\\&|MEASURED|LAB|MHAC|KABUL|{sent}||ORU^R01^ORU_R01|{number}|P|2.5.1|||NE|AL||UNICODE UTF-8",
        f"PID|1||{accession}^^^MHAC||INVENTED^ZAHRA||{BORN:%Y%m%d}|F",
        "PV1|1|U",
        f"ORC|RE|{accession}||||||||||1234^ORDERING^PHYSICIAN",
        f"OBR|1|{number}|{accession}|PANEL^Clinical chemistry panel^L|||{sent}|||||||{sent}||||||||||F",
    ]
    lines += [
        f"OBX|{place + 1}|NM|C{place:02d}^Measured analyte number {place}^99MEASURED^C{place:02d}||{value}|mmol/L^millimole "
        f"per litre^UCUM|3.5 - 7.8|N|||{status}|||{sent}||OPERATOR^A|MODULE-{place % 3}|EQ-{place:03d}^MEASURED|{sent}"
        for place in range(rows)
    ]
    return ("\r".join(lines) + "\r").encode()
