"""Keys and numbers.

Keys are UUIDv7 (RFC 9562), made here so that sites can write apart and be brought together. Numbers that people read
carry the site's code and a check character (ISO/IEC 7064 MOD 37,36) and are opaque text everywhere else.
"""

import re
import secrets
import threading
import time
import uuid

ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
# No vowels: no word can appear in a number that nobody chose. 31 signs, 4.95 bits each.
RANDOM_ALPHABET = "0123456789BCDFGHJKLMNPQRSTVWXYZ"
RANDOM_LENGTH = 20  # 99 bits


_stamping = threading.Lock()
_last_stamp = 0


def uuid7() -> uuid.UUID:
    """A new UUIDv7: 60 bits of Unix time (milliseconds and 4096ths of one; RFC 9562, section 6.2, method 3), 62 random.

    Within one process each key is greater than the one before, so that rows made together keep their order.
    """
    global _last_stamp
    milliseconds, rest = divmod(time.time_ns(), 1_000_000)
    with _stamping:
        _last_stamp = stamp = max(milliseconds << 12 | rest * 4096 // 1_000_000, _last_stamp + 1)
    return uuid.UUID(int=(stamp >> 12) << 80 | 0x7 << 76 | (stamp & 0xFFF) << 64 | 0b10 << 62 | secrets.randbits(62))


def check_character(text: str) -> str:
    """The ISO/IEC 7064 MOD 37,36 check character of `text` (letters and digits; ValueError for anything else)."""
    product = 36
    for sign in text:
        total = (product + ALPHABET.index(sign)) % 36 or 36
        product = total * 2 % 37
    return ALPHABET[(37 - product) % 36]


def is_checked(number: str) -> bool:
    """Whether the last character of `number` is its check character."""
    return (
        len(number) > 1 and re.fullmatch("[0-9A-Z]+", number) is not None and check_character(number[:-1]) == number[-1]
    )


def compose(site: str, kind: str, year: int, count: int) -> str:
    """`KBL` + kind letter (accessions have none) + two digits of the year + five digits + check character."""
    body = f"{site}{kind}{year % 100:02d}{count:05d}"
    return body + check_character(body)


def clean(typed: str) -> str:
    """What a person or a scanner typed, as numbers are stored: upper case, Latin digits, no spaces or dashes."""
    digits = {ord(sign): str(value) for row in ("۰۱۲۳۴۵۶۷۸۹", "٠١٢٣٤٥٦٧٨٩") for value, sign in enumerate(row)}
    return re.sub(r"[\s\-‐-―]", "", typed.translate(digits)).upper()


def _random_check(site: str, signs: str) -> str:
    # Weights 1, 2, 3... modulo the prime 31 catch every wrong sign and every swap of two.
    total = sum(weight * RANDOM_ALPHABET.index(sign) for weight, sign in enumerate(signs, 1))
    total += sum(weight * ALPHABET.index(sign) for weight, sign in enumerate(site, RANDOM_LENGTH + 1))
    return RANDOM_ALPHABET[total % 31]


def certificate_number(site: str) -> str:
    """A number nobody can guess: `KBL-` + 20 random signs (99 bits) in fives + check sign."""
    signs = "".join(secrets.choice(RANDOM_ALPHABET) for _ in range(RANDOM_LENGTH))
    fives = "-".join(signs[i : i + 5] for i in range(0, RANDOM_LENGTH, 5))
    return f"{site}-{fives}-{_random_check(site, signs)}"


def is_certificate_number(number: str) -> bool:
    """Whether `number` has the form and the check sign of a certificate number."""
    found = re.fullmatch(r"([A-Z]{3})-?((?:[0-9B-DF-HJ-NP-TV-Z]{5}-?){4})([0-9B-DF-HJ-NP-TV-Z])", number)
    return found is not None and _random_check(found[1], found[2].replace("-", "")) == found[3]
