"""Samples with several values: syphilis, gonorrhoea, blood count, creatinine, HbA1c (contract, section 2.3)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from . import vocabulary
from .reading import Box, Refused, day, each, flag, number, one_of, text


@dataclass(frozen=True, slots=True)
class Nontreponemal:
    specimen: str
    result: str | None = None
    titre: str | None = None


@dataclass(frozen=True, slots=True)
class Treponemal:
    specimen: str
    method: str
    result: str | None = None


@dataclass(frozen=True, slots=True)
class SyphilisTreatment:
    date: date
    regimen: str
    adequate: bool


@dataclass(frozen=True, slots=True)
class Syphilis:
    drawn: date
    laboratory: str
    nontreponemal: Nontreponemal | None = None
    treponemal: tuple[Treponemal, ...] = ()
    treatment: SyphilisTreatment | None = None


@dataclass(frozen=True, slots=True)
class Gonorrhoea:
    collected: date
    naat: str | None = None
    treated: bool | None = None


@dataclass(frozen=True, slots=True)
class BloodCount:
    drawn: date
    haemoglobin_g_dl: Decimal | None = None
    acute_anaemia: bool | None = None


@dataclass(frozen=True, slots=True)
class Creatinine:
    """`egfr_reported` in mL/min/1.73 m2; a printed ">90" is 91 (rules, 3.13)."""

    drawn: date
    mg_dl: Decimal | None = None
    egfr_reported: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Hba1c:
    drawn: date
    ngsp_percent: Decimal | None = None


def read_syphilis(value: object, path: str) -> Syphilis:
    box = Box(value, path, {"drawn", "laboratory", "nontreponemal", "treponemal", "treatment"})
    return Syphilis(
        box.needed("drawn", day),
        box.needed("laboratory", one_of(vocabulary.LABORATORIES)),
        box.given("nontreponemal", _nontreponemal),
        box.given("treponemal", each(_treponemal)) or (),
        box.given("treatment", _syphilis_treatment),
    )


def _nontreponemal(value: object, path: str) -> Nontreponemal:
    box = Box(value, path, {"specimen", "result", "titre"})
    return Nontreponemal(
        box.needed("specimen", text), box.given("result", one_of(vocabulary.REACTIVE)), box.given("titre", text)
    )


def _treponemal(value: object, path: str) -> Treponemal:
    box = Box(value, path, {"specimen", "method", "result"})
    return Treponemal(
        box.needed("specimen", text),
        box.needed("method", one_of(vocabulary.TREPONEMAL_METHODS)),
        box.given("result", one_of(vocabulary.REACTIVE)),
    )


def _syphilis_treatment(value: object, path: str) -> SyphilisTreatment:
    box = Box(value, path, {"date", "regimen", "adequate"})
    return SyphilisTreatment(box.needed("date", day), box.needed("regimen", text), box.needed("adequate", flag))


def read_gonorrhoea(value: object, path: str) -> Gonorrhoea:
    box = Box(value, path, {"collected", "naat", "treated"})
    return Gonorrhoea(
        box.needed("collected", day), box.given("naat", one_of(vocabulary.NAAT)), box.given("treated", flag)
    )


def read_blood_count(value: object, path: str) -> BloodCount:
    box = Box(value, path, {"drawn", "haemoglobin_g_dl", "acute_anaemia"})
    return BloodCount(
        box.needed("drawn", day), box.given("haemoglobin_g_dl", number(1, 25)), box.given("acute_anaemia", flag)
    )


def read_creatinine(value: object, path: str) -> Creatinine:
    box = Box(value, path, {"drawn", "mg_dl", "egfr_reported"})
    return Creatinine(
        box.needed("drawn", day), box.given("mg_dl", number("0.1", 30)), box.given("egfr_reported", _printed_egfr)
    )


def _printed_egfr(value: object, path: str) -> Decimal:
    if isinstance(value, str):
        if value != ">90":
            raise Refused(path, f"Expected a number or '>90', found {value!r}.")
        return Decimal(91)
    return number(0)(value, path)


def read_hba1c(value: object, path: str) -> Hba1c:
    box = Box(value, path, {"drawn", "ngsp_percent"})
    return Hba1c(box.needed("drawn", day), box.given("ngsp_percent", number(3, 20)))
