"""Critical values, ranges by sex and age, flags: a row on each side of every limit."""

import datetime
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils import timezone

from mhac.clinics.models import Clinic
from mhac.exams.models import Pregnancy
from mhac.labs import bench, matching, services
from mhac.labs.limits import critical_limits, flag, is_critical, range_for
from mhac.labs.matching import Value
from mhac.labs.models import LabOrder, LabResult, Specimen, Test
from mhac.patients.models import Patient
from mhac.screenings.models import Screening

DAY = datetime.date(2026, 11, 21)


def number(text):
    return Value(number=Decimal(text))


CRITICAL = [
    ("hb", number("7.0"), True),
    ("hb", number("7.1"), False),
    ("hb", number("20"), True),
    ("hb", number("19.9"), False),
    ("wbc", number("2"), True),
    ("wbc", number("2.1"), False),
    ("wbc", number("30"), True),
    ("plt", number("20"), True),
    ("plt", number("21"), False),
    ("plt", number("1000"), True),
    ("crea", number("5.0"), True),
    ("crea", number("4.99"), False),
    ("alt", number("1000"), False),
    ("alt", number("1001"), True),
    ("glu", number("50"), True),
    ("glu", number("51"), False),
    ("glu", number("450"), True),
    ("glu", Value(operator=">", number=Decimal(600)), True),
    ("hiv_combo", Value(coded="reactive"), True),
    ("hiv_combo", Value(coded="indeterminate"), False),
    ("afb", Value(coded="scanty"), True),
    ("afb", Value(coded="negative"), False),
    ("xpert_mtb", Value(coded="very_low"), True),
    ("xpert_mtb", Value(coded="trace"), False),
    ("xpert_rif", Value(coded="detected"), True),
    ("myco_cult", Value(coded="mtb"), True),
    ("myco_cult", Value(coded="ntm"), False),
    ("dst_inh", Value(coded="R"), True),
    ("dst_emb", Value(coded="R"), False),
    ("rpr_titre", Value(titre=64), False),
]


@pytest.mark.parametrize(("key", "value", "critical"), CRITICAL)
def test_critical(catalogue, key, value, critical):
    order = LabOrder(test=Test.objects.get(key=key), screening=Screening(patient=Patient(born_earliest=born(10000))))
    order.specimen = Specimen(collected_at=timezone.now(), clinic=Clinic())
    assert is_critical(order, value) is critical


def born(days):
    return DAY - datetime.timedelta(days=days)


RANGES = [
    ("hb", "male", 5479, (13, 17)),
    ("hb", "female", 5479, (12, Decimal("15.5"))),
    ("hb", "male", 5478, None),
    ("hb", "female", 183, (11, None)),
    ("hb", "female", 182, None),
    ("hb", "female", 1825, (11, None)),
    ("hb", "female", 1826, None),
    ("hb", "unknown", 9000, None),
    ("wbc", "unknown", 9000, (4, 11)),
    ("ua_blood", "male", 9000, None),
]


@pytest.mark.parametrize(("key", "sex", "days", "limits"), RANGES)
def test_range(catalogue, key, sex, days, limits):
    found = range_for(Test.objects.get(key=key), sex=sex, born=born(days), day=DAY)
    assert (found and (found.low, found.high)) == limits


def test_the_narrower_range_wins_and_then_the_one_for_the_sex(catalogue):
    hb = Test.objects.get(key="hb")
    hb.ranges.create(from_days=0, to_days=40000, low=1, high=2)
    hb.ranges.create(sex="male", from_days=0, to_days=40000, low=3, high=4)
    hb.ranges.create(sex="male", from_days=8000, to_days=9000, low=5, high=6)

    def low(sex, days):
        return range_for(hb, sex=sex, born=born(days), day=DAY).low

    assert (low("male", 8500), low("male", 7000), low("unknown", 7000)) == (5, 3, 1)


FLAGS = [
    ("hb", "7.0", "LL"),
    ("hb", "7.1", "L"),
    ("hb", "12.9", "L"),
    ("hb", "13", ""),
    ("hb", "17", ""),
    ("hb", "17.1", "H"),
    ("hb", "20", "HH"),
    ("alt", "41", "H"),
    ("alt", "3", ""),
]


@pytest.mark.parametrize(("key", "value", "expected"), FLAGS)
def test_flag_of_a_number(catalogue, key, value, expected):
    test = Test.objects.get(key=key)
    limits = range_for(test, sex="male", born=born(10000), day=DAY)
    assert flag(test, limits, number=Decimal(value)) == expected


@pytest.mark.parametrize(("coded", "expected"), [("negative", ""), ("trace", "A"), ("4+", "A"), ("", "")])
def test_flag_of_a_word(catalogue, coded, expected):
    assert flag(Test.objects.get(key="ua_protein"), None, coded=coded) == expected


def test_without_a_range_only_critical_numbers_are_flagged(catalogue):
    hb = Test.objects.get(key="hb")
    assert [flag(hb, None, number=Decimal(value)) for value in ("7", "8", "20")] == ["LL", "", "HH"]


def test_a_pregnant_woman_is_judged_by_the_range_of_pregnancy_wherever_she_is_judged(scene, as_user):
    """Worklist, page of the tube, list to verify; the examination room wrote it, and no page of the laboratory says it."""
    screening = scene.screening(given="Laila", sex="female")
    (tube,) = scene.received("blood_count", screening=screening)
    lab, lsu = as_user(scene.cast.lab), as_user(scene.cast.lsu)
    order, said = tube.orders.get(test__key="hb"), reverse("labs:grid_check")
    cell, other = f"r-{order.pk}-0", reverse("labs:enter", args=[tube.orders.get(test__key="wbc").pk])
    assert ">L<" in lab.post(said, {cell: "11.9"}).text and "12 – 15.5" in lab.get(other).text
    answer = Pregnancy(screening=screening, asked_on=scene.clinic.today(), pregnant=True, by=scene.cast.cli)
    answer.save()
    assert ">L<" not in lab.post(said, {cell: "11.0"}).text and ">L<" in lab.post(said, {cell: "10.9"}).text
    result = services.enter(order, text="11.4", by=scene.cast.lab)
    worklist = reverse("labs:worklist") + "?test=hb&test=wbc"
    tubes = reverse("labs:specimen", args=[tube.pk])
    pages = [lab.get(other), lsu.get(reverse("labs:to_verify")), lab.get(worklist), lab.get(tubes)]
    for page in pages[:2]:
        assert "≥ 11" in page.text and "12 – 15.5" not in page.text
    for page in pages:
        assert page.status_code == 200 and "pregnan" not in page.text.lower()
    (waiting,) = bench.to_verify(scene.cast.lsu).rows
    (hb,) = [each for each in bench.orders_of(tube) if each.test.key == "hb"]
    assert waiting.result == result and (waiting.flag, hb.versions[0].flag) == ("", "")
    # She is not, after all: the usual range judges again; and so it does when the answer is gone.
    answer.pregnant = False
    answer.save()
    assert bench.to_verify(scene.cast.lsu).rows[0].flag == "L"
    answer.delete()
    assert "12 – 15.5" in lab.get(other).text


@pytest.mark.parametrize(
    ("days", "value", "flagged"),
    [(0, "14.9", ""), (0, "15", "HH"), (27, "14.9", ""), (27, "15", "HH"), (28, "9.9", ""), (28, "10", "HH")],
)
def test_a_newborn_has_a_critical_limit_of_her_own(scene, days, value, flagged):
    """Typed and sent alike; the flag beside it says the same."""
    today = scene.clinic.today()
    child = scene.screening(given="Nawzad", born=today - datetime.timedelta(days=days))
    (tube,) = scene.received("hiv", screening=child)
    bili = Test.objects.get(key="bili")
    order = services.add_test(tube, test=bili, because="yellow eyes", by=scene.cast.phy)
    filed = sent(order, value)
    assert filed.critical is bool(flagged)
    services.reject_result(filed, because="a run of its own", by=scene.cast.lsu)
    typed = services.enter(order, text=value, by=scene.cast.lab)
    assert typed.critical is bool(flagged)
    assert [waiting.flag for waiting in bench.to_verify(scene.cast.lsu).rows] == [flagged]


def sent(order, value="", coded=""):
    """A value as an analyzer sends it."""
    number = Decimal(value) if value else None
    reading = matching.Reading(order.test.key, Value(number=number, coded=coded), order.test.unit)
    line = matching.Line(1, order.specimen.accession, matching.Person(), {"": reading}, as_sent=value or coded)
    (outcome,) = services.record_results([line], instrument="Test analyzer", rules=matching.Rules())
    return LabResult.objects.get(pk=outcome.result)


def test_an_uncertain_age_keeps_the_narrower_limit(scene):
    today = scene.clinic.today()
    child = scene.screening(given="Nawzad", born=today - datetime.timedelta(days=30))
    child.patient.born_latest = today - datetime.timedelta(days=3)
    assert critical_limits(Test.objects.get(key="bili"), patient=child.patient, day=today) == (None, 10)


@pytest.mark.parametrize(
    ("ketones", "glucose", "critical"),
    [("3+", "2+", True), ("4+", "4+", True), ("2+", "4+", False), ("4+", "1+", False), ("3+", "trace", False)],
)
def test_ketones_and_glucose_are_critical_together(scene, ketones, glucose, critical):
    """By hand one after the other, in one row of the worklist, and from an analyzer: the later one is called."""
    tubes = [scene.received("urinalysis", screening=scene.screening(given=name))[0] for name in ("Aa", "Bb", "Cc")]
    test = Test.objects.get(key="ua_ketones")
    pairs = [
        (
            services.add_test(tube, test=test, because="asked", by=scene.cast.phy),
            tube.orders.get(test__key="ua_glucose"),
        )
        for tube in tubes
    ]
    lab, ((one, other), (first, second), (left, right)) = scene.cast.lab, pairs
    assert services.enter(one, text=ketones, by=lab).critical is False
    assert services.enter(other, text=glucose, by=lab).critical is critical
    cells = {first.pk: (ketones, 0), second.pk: (glucose, 0)}
    answers = services.enter_row(first.screening_id, cells=cells, by=lab)
    assert sorted(each.critical for each in answers.values()) == [False, critical]
    assert [sent(right, coded=glucose).critical, sent(left, coded=ketones).critical] == [False, critical]
