"""What a stranger learns about a paper in his hand: its state; and what it says, when he knows a fact printed on it."""

import base64
import hashlib
import re
import secrets
import time
from dataclasses import dataclass, field

from django.conf import settings
from django.core.cache import cache
from django.utils import timezone

from mhac.certificates import content, keys, listing, seal, services, states
from mhac.certificates.models import Certificate
from mhac.certificates.wording import TITLES
from mhac.clinics import numbers

TAIL = 3  # last signs of the document number
ASKS_A_MINUTE = 30  # by one address
FACTS_AN_HOUR = 12  # about one number: three signs must not be guessed


class TooMany(Exception):
    """Somebody asks faster than a person with papers would."""


@dataclass(frozen=True)
class Answer:
    """`state` as in states.LABELS; `details` are empty unless a printed fact agreed."""

    state: str
    training: bool = False
    details: dict = field(default_factory=dict)
    certificate: Certificate | None = None

    @property
    def label(self):
        return states.LABELS[self.state]

    @property
    def colour(self):
        # Nothing of a practice clinic is ever green here.
        return "amber" if self.training else states.COLOURS[self.state]

    @property
    def meaning(self):
        return states.MEANINGS[self.state]


def look_up(typed: str, fact: str) -> Answer:
    """The answer about a number or the text of a QR code. A wrong fact and an unknown number look the same."""
    number, training = _number_in(typed)
    if fact:
        _count("facts:" + hash_of(number or numbers.clean(typed)), FACTS_AN_HOUR, 3600)
    certificate = _certificate(number)
    if certificate is None or (seal.is_seal(typed) and certificate.seal != typed.strip("\r\n\t")):
        return Answer(states.UNKNOWN, training)
    agrees = bool(fact) and is_printed(fact, certificate.facts)
    return Answer(
        services.state_now(certificate),
        certificate.training,
        _details(certificate) if agrees else {},
        certificate,
    )


def count_asking(address: str) -> None:
    """Raises TooMany when this address asks too fast."""
    _count(f"from:{address}", ASKS_A_MINUTE, 60)


def is_printed(fact: str, facts: dict) -> bool:
    """Whether `fact` is the birth date (2002-03-21) or the last three signs of the document number."""
    person = facts["person"]
    typed = numbers.clean(fact)
    number = numbers.clean((person["document"] or {}).get("number", ""))
    known = [numbers.clean(person["born"] or ""), number[-TAIL:] if len(number) > TAIL else ""]
    agree = [secrets.compare_digest(typed.encode(), one.encode()) for one in known if one]
    return bool(typed) and any(agree)


def _number_in(typed):
    """(certificate number or "", whether it came from a training key)."""
    if seal.is_seal(typed):
        try:
            claims = seal.verify(typed.strip("\r\n\t"), keys.known())
        except seal.UnknownKey as unknown:
            return "", unknown.key_id.startswith("T")
        except seal.Forged:
            return "", False
        return claims["cid"], bool(claims.get("training"))
    plain = numbers.clean(typed)
    if not re.fullmatch(r"[A-Z]{3}[0-9A-Z]{21}", plain) or not numbers.is_certificate_number(plain):
        return "", False
    return listing.dashed(plain), False


def _certificate(number):
    # A number that cannot be is looked up all the same, so that the answer takes as long.
    rows = Certificate.objects.select_related("screening__patient", "signoff", "clinic").defer("pdf")
    return rows.filter(number=number).first()


def _details(certificate):
    """What the paper itself says, without health: neither grade nor examinations, conditions or programme."""
    facts = certificate.facts
    return {
        "title": TITLES[certificate.kind].en,
        "name": facts["person"]["name"],
        "born": certificate.facts["person"]["born"] or "",
        "issued_on": certificate.issued_on,
        "valid_until": certificate.valid_until,
        "ends_at": content.ends_at(certificate.signoff, certificate.kind, certificate.clinic),
        "site": facts["site"]["name"],
        "number": certificate.number,
    }


def published() -> dict:
    """What a verifier without network needs: public keys, and hashes of the numbers that no longer count."""
    gone = Certificate.objects.exclude(state=states.VALID).values_list("number", flat=True)
    return {
        "format": "mhac-cert/1",
        "prefix": seal.PREFIX,
        "as_of": timezone.now().isoformat(timespec="seconds"),
        "training": settings.TRAINING,
        "keys": [
            {"kid": key_id, "kty": "OKP", "crv": "Ed25519", "alg": "EdDSA", "x": _base64url(public)}
            for key_id, public in keys.known().items()
        ],
        # SHA-256 of the number, first 16 hexadecimal signs: who has the paper can look it up, nobody can read a number.
        "no_longer_valid": sorted(hash_of(number) for number in gone),
    }


def hash_of(text: str) -> str:
    """Sixteen hexadecimal signs of the SHA-256 of a number."""
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def _base64url(content):
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _count(what, most, seconds):
    key = f"verify:{what}:{int(time.time() // seconds)}"
    cache.add(key, 0, seconds * 2)
    if cache.incr(key) > most:
        raise TooMany
