"""What a document states: frozen from the signed decision and the person's identity, then shown and sealed.

The frozen dictionary is stored with the certificate. Everything on the paper and in the QR is made from it, so what a
document said stays known when the records below it change. Each document carries what its reader needs and no more:

    ime_summary    the authority that asked: examinations, dates, plain results, grade proposed; of tests for
                   infections only that they were done, because their results go to the authority itself
    tb_clearance   border and visa staff: examinations and dates, the one conclusion, until when
    fit_to_travel  an airline: category and conditions; neither programme nor findings nor why somebody travels
"""

import datetime
import hashlib
import json
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils import timezone

from mhac.certificates.models import Certificate
from mhac.certificates.wording import ITEMS
from mhac.patients.models import IdentityDocument
from mhac.protocols.fit_to_travel import CHECK_VALID
from mhac.protocols.vocabulary import FILM_FINDINGS_SUGGESTIVE
from mhac.screenings.programmes import programmes

DAY_OF_EXAMINATION = {"history", "physical_exam"}
TO_THE_AUTHORITY = {
    "tb_test", "tb_investigation", "sputum", "xpert", "dst", "dst_second_line",
    "syphilis", "gonorrhoea", "hiv", "hepatitis_b", "hepatitis_c", "gmhat", "mental_reassessment",
}  # fmt: skip
PLAIN_RESULTS = {"chest_xray", "chest_xray_repeat", "urinalysis", "creatinine"}
TYPES = {"ime_summary": "ATTEND", "tb_clearance": "TB-CLR", "fit_to_travel": "FTT"}
SEX_SIGNS = {"female": "F", "male": "M"}
# What a paper names as the document of the person, the first one she has; a visa or a partner's number never does.
DOCUMENT_SIGNS = {
    "passport": "P", "e_tazkira": "ET", "tazkira": "T", "unhcr": "U", "por_card": "PR", "acc": "AC", "other": "O",
}  # fmt: skip
PHOTO_HASH_BYTES = 8
UNFIT = "F4"
WAIVED = "not done: waived by the physician"


def freeze(screening, signoff, *, kind, number, photo, on) -> dict:
    """Everything the document `number` states, as plain JSON values. `photo`: its bytes; `on`: the day of issue."""
    edition = programmes().by_key(screening.edition)
    answer, clinic = signoff.answer, screening.clinic
    return {
        "kind": kind,
        "number": number,
        "programme": screening.programme,
        "programme_name": edition.name,
        "edition": edition.key,
        "reference": {"name": edition.reference.name, "value": screening.reference},
        "person": _person(screening.person, on),
        "photo_sha256": hashlib.sha256(photo).hexdigest(),
        "examined": signoff.facts["examined"],
        "examinations": _examinations(kind, signoff),
        "outcome": signoff.outcome,
        "grade": signoff.grade if kind == Certificate.Kind.IME_SUMMARY else "",
        "fit": answer.get("fit_to_travel") if kind == Certificate.Kind.FIT_TO_TRAVEL else None,
        "travel": signoff.facts.get("travel") if kind == Certificate.Kind.FIT_TO_TRAVEL else None,
        "issued_on": on.isoformat(),
        "valid_until": _iso(valid_until(signoff, kind, clinic)),
        "ends_at": _iso(ends_at(signoff, kind, clinic)),
        "signed_by": signoff.signed_by.full_name,
        "licence": signoff.signed_by.licence,
        "signed_at": signoff.signed_at.astimezone(ZoneInfo(clinic.timezone)).isoformat(timespec="minutes"),
        "site": {"code": clinic.code, "name": clinic.name, "province": clinic.province, "address": clinic.address},
        "unverified_rules": _unverified(answer),
        "edition_verified_by": edition.verified_by,
        "training": settings.TRAINING,
        "decided_on": {"facts": signoff.facts, "facts_hash": signoff.facts_hash, "answer": answer},
    }


def fingerprint(facts: dict) -> str:
    """SHA-256 (hex) of the frozen facts."""
    return hashlib.sha256(json.dumps(facts, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def ends_at(signoff, kind, clinic) -> datetime.datetime | None:
    """The moment a fit-to-travel check ends (FTT-VAL: 72 hours from the signature); other documents end with a day."""
    if kind != Certificate.Kind.FIT_TO_TRAVEL:
        return None
    return (signoff.signed_at + CHECK_VALID).astimezone(ZoneInfo(clinic.timezone))


def valid_until(signoff, kind, clinic) -> datetime.date | None:
    """The last valid day, in the calendar of the site."""
    moment = ends_at(signoff, kind, clinic)
    return moment.date() if moment else signoff.valid_until


def is_over(certificate) -> bool:
    """Whether the document's time has run out."""
    if moment := ends_at(certificate.signoff, certificate.kind, certificate.clinic):
        return timezone.now() > moment
    return certificate.valid_until is not None and certificate.clinic.today() > certificate.valid_until


def claims(facts: dict) -> dict:
    """The fields of the QR (seal.FIELDS). Health never enters: no result, grade or condition, no reason to travel."""
    person, document = facts["person"], facts["person"]["document"] or {}
    return {
        "iss": facts["site"]["code"],
        "typ": TYPES[facts["kind"]],
        "cid": facts["number"],
        # For whom somebody travels fit may tell why she travels.
        "prog": None if facts["kind"] == Certificate.Kind.FIT_TO_TRAVEL else facts["programme"],
        "pid": {
            "n": person["name"],
            "dob": person["born"] or f"{person['born_earliest']}/{person['born_latest']}",
            "sex": SEX_SIGNS.get(person["sex"], "X"),
            "dt": DOCUMENT_SIGNS.get(document.get("kind")),
            "dn": document.get("number"),
        },
        "dat": {"ex": facts["examined"], "ri": facts["issued_on"]},
        "val": {"from": facts["examined"], "to": facts["ends_at"] or facts["valid_until"]},
        "out": _outcome(facts),
        "ph": bytes.fromhex(facts["photo_sha256"])[:PHOTO_HASH_BYTES],
        "training": facts["training"] or None,
    }


def _outcome(facts):
    if facts["kind"] == Certificate.Kind.IME_SUMMARY:
        return "COMPLETE"
    if facts["kind"] == Certificate.Kind.TB_CLEARANCE:
        return "CLEARED"
    return "FIT" if facts["fit"]["category"] == "F1" else "FIT_COND"


def _iso(value):
    if isinstance(value, datetime.datetime):
        return value.isoformat(timespec="minutes")
    return value.isoformat() if value else None


def _person(patient, on):
    papers = {paper.kind: paper for paper in IdentityDocument.objects.of(patient).order_by("-id")}
    paper = next((papers[kind] for kind in DOCUMENT_SIGNS if kind in papers), None)
    return {
        "name": patient.name,
        "native_name": patient.native_name,
        "father_name": patient.father_name,
        "sex": patient.sex,
        "born": _iso(patient.born),
        "born_earliest": _iso(patient.born_earliest),
        "born_latest": _iso(patient.born_latest),
        "birth_precision": patient.birth_precision,
        "age": patient.age_on(on),
        "nationality": patient.nationality,
        "language": patient.language,
        "patient_number": patient.number,
        "document": paper
        and {"kind": paper.kind, "number": paper.certified_number, "expires_on": _iso(paper.expires_on)},
    }


def _unverified(answer):
    items = answer.get("items", {}).values()
    return sorted({rule for item in items if not item["verified"] for rule in item["rules"]})


def _examinations(kind, signoff):
    """[{item, on: [days], said}] of what was done, in the order of the catalogue of wording.

    A summary says too what was waived, so that nobody takes it for done; the physician's reason stays in the house.
    """
    if kind == Certificate.Kind.FIT_TO_TRAVEL:
        return []
    states = {item: found["state"] for item, found in signoff.answer.get("items", {}).items()}
    summary = kind == Certificate.Kind.IME_SUMMARY
    waived = [item for item in ITEMS if summary and states.get(item) == "waived"]
    return [
        {
            "item": item,
            "on": _days(item, signoff.facts),
            "said": _plain_result(item, signoff) if summary and item in PLAIN_RESULTS else "",
            "to_authority": summary and item in TO_THE_AUTHORITY,
        }
        for item in ITEMS
        if states.get(item) == "done"
    ] + [{"item": item, "on": [], "said": WAIVED, "to_authority": False} for item in waived]


def _days(item, facts):
    """The days of an item, first and last where it was done more than once."""
    findings = facts.get("findings", {})
    if item in DAY_OF_EXAMINATION:
        return [facts["examined"]]
    if item == "chest_xray":
        days = sorted(film["date"] for film in findings.get("chest_xray", []))[:1]
    elif item == "chest_xray_repeat":
        days = sorted(film["date"] for film in findings.get("chest_xray", []))[1:]
    elif item == "tb_test":
        days = [test["date"] for test in [*findings.get("igra", []), *findings.get("tst", [])]]
    elif item in {"sputum", "tb_investigation"}:
        days = [specimen["collected"] for specimen in findings.get("sputum", [])]
        days = days or [film["date"] for film in findings.get("chest_xray", [])]
    else:
        found = findings.get(item) or {}
        days = [found[key] for key in ("date", "drawn", "collected") if isinstance(found, dict) and found.get(key)]
    return [days[0]] if len(set(days)) == 1 else [min(days), max(days)] if days else []


def _plain_result(item, signoff):
    findings, computed = signoff.facts.get("findings", {}), signoff.answer.get("computed", {})
    if item in {"chest_xray", "chest_xray_repeat"}:
        seen = {code for film in findings.get("chest_xray", []) for code in film.get("findings") or []}
        if not seen:
            return "normal"
        return (
            "findings reported to the authority"
            if seen & FILM_FINDINGS_SUGGESTIVE
            else "no finding that suggests tuberculosis"
        )
    if item == "urinalysis":
        return findings.get("urinalysis", {}).get("result", "")
    rate = computed.get("egfr_ml_min_173m2")
    return f"eGFR {rate} mL/min/1.73 m²" if isinstance(rate, int) else ""
