"""What was found: films, tests, specimens, measurements (contract, section 2.3)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import TypeVar

from . import vocabulary
from .examination import PhysicalExam, read_physical_exam
from .laboratory import (
    BloodCount,
    Creatinine,
    Gonorrhoea,
    Hba1c,
    Syphilis,
    read_blood_count,
    read_creatinine,
    read_gonorrhoea,
    read_hba1c,
    read_syphilis,
)
from .reading import Box, Reader, Refused, day, each, flag, map_of, number, one_of, set_of

T = TypeVar("T")
RAW_IGRA = ("nil_iu_ml", "tb1_iu_ml", "tb2_iu_ml", "mitogen_iu_ml")


@dataclass(frozen=True, slots=True)
class Film:
    """`findings` None: not read yet; empty: normal."""

    date: date
    findings: frozenset[str] | None = None
    shielded: bool | None = None
    consent: bool | None = None
    effusion_excluded_by: str | None = None


@dataclass(frozen=True, slots=True)
class Igra:
    """A reported result, or the raw values of QFT-Plus in IU/mL, or the spots of T-SPOT; none of them: awaited."""

    date: date
    result: str | None = None
    quantiferon: tuple[Decimal, Decimal, Decimal, Decimal] | None = None
    tspot: tuple[Decimal, Decimal, Decimal, Decimal] | None = None


@dataclass(frozen=True, slots=True)
class SkinTest:
    date: date
    mm: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Specimen:
    """One sputum specimen or gastric lavage; `culture` None: still growing."""

    collected: date
    smear: str | None = None
    molecular: str | None = None
    rifampicin: str | None = None
    culture: str | None = None
    culture_reported: date | None = None
    dst: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EndCulture:
    reported: date
    result: str


@dataclass(frozen=True, slots=True)
class TbTreatment:
    by: str
    dot_complete: bool
    started: date | None = None
    last_dose: date | None = None
    end_evaluation: date | None = None
    end_film: str | None = None
    end_cultures: tuple[EndCulture, ...] = ()


@dataclass(frozen=True, slots=True)
class Dated:
    """An act of which only the day matters here."""

    date: date


@dataclass(frozen=True, slots=True)
class DatedResult:
    date: date
    result: str | None = None


@dataclass(frozen=True, slots=True)
class Vaccination:
    date: date
    complete: frozenset[str] = frozenset()
    given: frozenset[str] = frozenset()
    refused: frozenset[str] = frozenset()
    waived: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Vitals:
    weight_kg: Decimal | None = None
    height_cm: Decimal | None = None
    spo2_percent: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Nutrition:
    muac_mm: Decimal | None = None
    bilateral_oedema: bool | None = None
    whz: Decimal | None = None
    bmi_z: Decimal | None = None
    bmi_kg_m2: Decimal | None = None
    lactating: bool | None = None


@dataclass(frozen=True, slots=True)
class Findings:
    """None or an empty tuple: not done."""

    physical_exam: PhysicalExam | None = None
    chest_xray: tuple[Film, ...] = ()
    igra: tuple[Igra, ...] = ()
    tst: tuple[SkinTest, ...] = ()
    sputum: tuple[Specimen, ...] = ()
    tb_treatment: TbTreatment | None = None
    xpert: DatedResult | None = None
    syphilis: Syphilis | None = None
    gonorrhoea: Gonorrhoea | None = None
    hiv: DatedResult | None = None
    hepatitis_b: DatedResult | None = None
    hepatitis_c: DatedResult | None = None
    urinalysis: DatedResult | None = None
    blood_count: BloodCount | None = None
    creatinine: Creatinine | None = None
    hba1c: Hba1c | None = None
    identity: Dated | None = None
    consent: Dated | None = None
    symptom_screen: Dated | None = None
    clinician_review: Dated | None = None
    gmhat: Dated | None = None
    reports: frozenset[str] = frozenset()
    vaccination: Vaccination | None = None
    vitals: Vitals = Vitals()
    nutrition: Nutrition | None = None

    @property
    def exam(self) -> PhysicalExam:
        """The examination, or one that found nothing when none is recorded yet."""
        return self.physical_exam or PhysicalExam(())


def read_findings(value: object, path: str) -> Findings:
    box = Box(value, path, Findings.__dataclass_fields__.keys())
    found: dict[str, object] = {}
    for key, read in _READERS.items():
        result = box.given(key, read)
        if result is not None:
            found[key] = result
    return Findings(**found)  # type: ignore[arg-type]


def _film(value: object, path: str) -> Film:
    box = Box(value, path, {"date", "findings", "shielded", "consent", "effusion_excluded_by"})
    return Film(
        box.needed("date", day),
        box.given("findings", set_of(vocabulary.FILM_FINDINGS)),
        box.given("shielded", flag),
        box.given("consent", flag),
        box.given("effusion_excluded_by", one_of(vocabulary.EFFUSION_EXCLUDED_BY)),
    )


def _igra(value: object, path: str) -> Igra:
    box = Box(value, path, {"date", "result", "tspot", *RAW_IGRA})
    when = box.needed("date", day)
    raw = [box.given(key, number(0)) for key in RAW_IGRA]
    result = box.given("result", one_of(vocabulary.IGRA_RESULTS))
    spots = box.given("tspot", _tspot)
    if (result is not None) + (spots is not None) + any(value is not None for value in raw) > 1:
        raise Refused(path, "This test has more than one of result, raw values and spots. Keep the one that counts.")
    nil, first, second, mitogen = raw
    if nil is None and first is None and second is None and mitogen is None:
        return Igra(when, result, None, spots)
    if nil is None or first is None or second is None or mitogen is None:
        raise Refused(path, f"The raw values are incomplete. Give all four: {', '.join(RAW_IGRA)}.")
    return Igra(when, None, (nil, first, second, mitogen), None)


def _tspot(value: object, path: str) -> tuple[Decimal, Decimal, Decimal, Decimal]:
    box = Box(value, path, {"nil", "panel_a", "panel_b", "control"})
    spots = number(0)
    return (
        box.needed("nil", spots),
        box.needed("panel_a", spots),
        box.needed("panel_b", spots),
        box.needed("control", spots),
    )


def _skin_test(value: object, path: str) -> SkinTest:
    box = Box(value, path, {"date", "mm"})
    return SkinTest(box.needed("date", day), box.given("mm", number(0, 60)))


def _specimen(value: object, path: str) -> Specimen:
    box = Box(value, path, {"collected", "smear", "molecular", "rifampicin", "culture", "culture_reported", "dst"})
    specimen = Specimen(
        collected=box.needed("collected", day),
        smear=box.given("smear", one_of(vocabulary.SMEARS)),
        molecular=box.given("molecular", one_of(vocabulary.MOLECULAR)),
        rifampicin=box.given("rifampicin", one_of(vocabulary.RIFAMPICIN)),
        culture=box.given("culture", one_of(vocabulary.CULTURES)),
        culture_reported=box.given("culture_reported", day),
        dst=box.given("dst", map_of(vocabulary.DRUGS, one_of(vocabulary.SUSCEPTIBILITY))) or {},
    )
    if specimen.culture is not None and specimen.culture_reported is None:
        raise Refused(box.at("culture_reported"), "A culture result needs the day it was reported.")
    if specimen.culture_reported is not None and specimen.culture_reported < specimen.collected:
        raise Refused(
            box.at("culture_reported"),
            f"The culture was reported on {specimen.culture_reported}, before it was collected. Correct one of them.",
        )
    return specimen


def _tb_treatment(value: object, path: str) -> TbTreatment:
    box = Box(
        value,
        path,
        {"by", "dot_complete", "started", "last_dose", "end_evaluation", "end_film", "end_cultures"},
    )
    return TbTreatment(
        by=box.needed("by", one_of(vocabulary.TREATMENT_SITES)),
        dot_complete=box.needed("dot_complete", flag),
        started=box.given("started", day),
        last_dose=box.given("last_dose", day),
        end_evaluation=box.given("end_evaluation", day),
        end_film=box.given("end_film", one_of(vocabulary.END_FILMS)),
        end_cultures=box.given("end_cultures", each(_end_culture)) or (),
    )


def _end_culture(value: object, path: str) -> EndCulture:
    box = Box(value, path, {"reported", "result"})
    return EndCulture(box.needed("reported", day), box.needed("result", one_of(vocabulary.CULTURES)))


def _dated(value: object, path: str) -> Dated:
    return Dated(Box(value, path, {"date"}).needed("date", day))


def _dated_result(results: tuple[str, ...], when: str = "drawn") -> Reader[DatedResult]:
    read_result = one_of(results)

    def read(value: object, path: str) -> DatedResult:
        box = Box(value, path, {when, "result"})
        return DatedResult(box.needed(when, day), box.given("result", read_result))

    return read


def _vaccination(value: object, path: str) -> Vaccination:
    box = Box(value, path, {"date", "complete", "given", "refused", "waived"})
    vaccines = set_of(vocabulary.TABLE_VACCINES)
    return Vaccination(
        box.needed("date", day),
        box.given("complete", vaccines) or frozenset(),
        box.given("given", vaccines) or frozenset(),
        box.given("refused", vaccines) or frozenset(),
        box.given("waived", map_of(vocabulary.TABLE_VACCINES, one_of(vocabulary.WAIVER_REASONS))) or {},
    )


def _vitals(value: object, path: str) -> Vitals:
    box = Box(value, path, Vitals.__dataclass_fields__.keys())
    return Vitals(
        box.given("weight_kg", number("0.3", 350)),
        box.given("height_cm", number(20, 250)),
        box.given("spo2_percent", number(50, 100)),
    )


def _nutrition(value: object, path: str) -> Nutrition:
    box = Box(value, path, Nutrition.__dataclass_fields__.keys())
    return Nutrition(
        box.given("muac_mm", number(50, 600)),
        box.given("bilateral_oedema", flag),
        box.given("whz", number()),
        box.given("bmi_z", number()),
        box.given("bmi_kg_m2", number(5, 90)),
        box.given("lactating", flag),
    )


_READERS: dict[str, Callable[[object, str], object]] = {
    "physical_exam": read_physical_exam,
    "chest_xray": each(_film),
    "igra": each(_igra),
    "tst": each(_skin_test),
    "sputum": each(_specimen),
    "tb_treatment": _tb_treatment,
    "xpert": _dated_result(vocabulary.MOLECULAR, "date"),
    "syphilis": read_syphilis,
    "gonorrhoea": read_gonorrhoea,
    "hiv": _dated_result(vocabulary.SEROLOGY),
    "hepatitis_b": _dated_result(vocabulary.SEROLOGY),
    "hepatitis_c": _dated_result(vocabulary.SEROLOGY),
    "urinalysis": _dated_result(vocabulary.URINALYSIS, "date"),
    "blood_count": read_blood_count,
    "creatinine": read_creatinine,
    "hba1c": read_hba1c,
    "identity": _dated,
    "consent": _dated,
    "symptom_screen": _dated,
    "clinician_review": _dated,
    "gmhat": _dated,
    "reports": set_of(vocabulary.REPORTS),
    "vaccination": _vaccination,
    "vitals": _vitals,
    "nutrition": _nutrition,
}
