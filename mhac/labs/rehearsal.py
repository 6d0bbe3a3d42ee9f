"""A laboratory made up for one rehearsal: its own site, catalogue and orders, in a transaction that is rolled back.

The rows are real rows, so that the code that files results is the code that files results. What stands in the way of a
made-up number or test is renamed until the roll-back; nobody outside the transaction sees it.
"""

import datetime
import secrets

from django.db import connection
from django.utils import timezone

from mhac.accounts.models import User
from mhac.clinics.models import Clinic
from mhac.labs.models import LabOrder, LabResult, Specimen, SpecimenTube, Test
from mhac.patients.models import Patient
from mhac.screenings.models import Case, Screening

SEXES = {"F": Patient.Sex.FEMALE, "M": Patient.Sex.MALE}
EARLIEST, LATEST = datetime.date(1900, 1, 1), datetime.date(2026, 1, 1)


class Scene:
    """One made-up laboratory. Make it inside a transaction that you roll back; it refuses to stand outside of one."""

    def __init__(self, tests, zone):
        if not connection.in_atomic_block:
            raise RuntimeError("A rehearsal stands inside a transaction that is rolled back.")
        self.mark = "~" + secrets.token_hex(4)
        self.day = timezone.now().date()
        self.clinic = Clinic.objects.create(code=self._free_code(), name="Rehearsal", kind="centre", timezone=zone)
        self.user = User.objects.create(username=f"rehearsal{self.mark}", full_name="Rehearsal")
        self.case = Case.objects.create(
            number=self.mark, clinic=self.clinic, programme="rehearsal", contact_name="Rehearsal", created_by=self.user
        )
        self.tests = {}
        Test.objects.filter(key__in=[test["key"] for test in tests]).update(key=_moved("key", self.mark))
        for position, test in enumerate(tests):
            self.tests[test["key"]] = self._test(position, test)

    def _free_code(self):
        taken = set(Clinic.objects.values_list("code", flat=True))
        return next(code for code in (f"Z{a}{b}" for a in "ZYXWV" for b in "ZYXWVUTSRQ") if code not in taken)

    def _test(self, position, given):
        critical, computed = given.get("critical", {}), dict(given.get("computed", {}))
        computed.pop("rule", None)
        return Test.objects.create(
            key=given["key"],
            name=given["key"],
            loinc=given.get("loinc", "")[:10],
            unit=given.get("unit", ""),
            kind=given["kind"],
            decimals=given.get("decimals", 0),
            allowed=given.get("allowed", []),
            tube=Test.Tube.SERUM,
            position=position,
            critical_low=critical.get("low"),
            critical_high=critical.get("high"),
            critical_values=critical.get("values", []),
            computed_from=computed,
        )

    def enter(self, given, at):
        """The order `given` (as in the contract of the rehearsal) is entered at the moment `at`."""
        numbers = [given["accession"], *(tube["id"] for tube in given.get("tubes", []))]
        Specimen.objects.filter(accession__in=numbers).update(accession=_moved("accession", self.mark))
        SpecimenTube.objects.filter(number__in=numbers).update(number=_moved("number", self.mark))
        screening = self._screening(given.get("patient", {}))
        specimen = Specimen.objects.create(
            screening=screening,
            accession=given["accession"],
            clinic=self.clinic,
            tube=Test.Tube.SERUM,
            state=Specimen.State.RECEIVED,
            collected_at=given.get("collected", at),
            collected_by=self.user,
        )
        for tube in given.get("tubes", []):
            SpecimenTube.objects.create(specimen=specimen, number=tube["id"], tube=tube["tube"])
        for key in given["tests"]:
            LabOrder.objects.create(
                screening=screening,
                test=self.tests[key],
                specimen=specimen,
                item="rehearsal",
                state=LabOrder.State.COLLECTED,
                priority=given.get("priority", LabOrder.Priority.ROUTINE),
                ordered_by=self.user,
            )

    def _screening(self, person):
        born, initials = person.get("birth_date"), person.get("initials", "")
        patient = Patient.objects.create(
            number=secrets.token_hex(6),
            clinic=self.clinic,
            given_name=initials[:1] or "-",
            family_name=initials[1:2],
            sex=SEXES.get(person.get("sex"), Patient.Sex.UNKNOWN),
            born_earliest=born or EARLIEST,
            born_latest=born or LATEST,
        )
        return Screening.objects.create(
            case=self.case,
            patient=patient,
            clinic=self.clinic,
            programme="rehearsal",
            edition="rehearsal",
            opened_on=self.day,
        )

    def results(self):
        """What stands at the end, one for each order that has a result."""
        standing = LabResult.objects.standing().filter(order__specimen__clinic=self.clinic)
        return list(standing.select_related("order__specimen", "order__test").order_by("pk"))

    def repeats(self):
        """Orders whose run failed and was not made good since: (accession, test)."""
        failed = LabOrder.objects.filter(specimen__clinic=self.clinic, run_failed=True).order_by("pk")
        return list(failed.values_list("specimen__accession", "test__key"))


def _moved(column, mark):
    """The value of `column`, shortened, under a mark that no real number has."""
    from django.db.models import F, Value
    from django.db.models.functions import Concat, Right

    return Concat(Value(mark), Right(F(column), 21 if column == "key" else 11))
