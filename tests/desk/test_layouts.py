"""A scanner under a Persian, Dari or Pashto keyboard: its numbers are read, and names stay names."""

import pytest

from mhac.certificates.seal import is_seal
from mhac.clinics import numbers
from mhac.desk import layouts
from mhac.desk.layouts import LATIN, LAYOUTS
from mhac.desk.scanned import _OURS
from mhac.patients import mrz

CASE = "KBLC2600009" + numbers.check_character("KBLC2600009")
CERTIFICATE = numbers.certificate_number("KBL")
SEAL = "MHAC1:6BFOXN%TSO:W+ $QA*/.Z-"
ZONE = "P<AFGNAMUNA<<OMID<<<<<<<<<<<<<<<<<<<<<<<<<<<" + "P000000000AFG9001018M3001012<<<<<<<<<<<<<<00"
NUMBERS = {
    "case": CASE,
    "patient": numbers.compose("HRT", "P", 2026, 12345),
    "accession": numbers.compose("KBL", "", 2026, 67890),
    "box": numbers.compose("KBL", "M", 2026, 3),
    "receipt": numbers.compose("KBL", "R", 2026, 99999),
    "certificate": CERTIFICATE,
    "certificate without dashes": CERTIFICATE.replace("-", ""),
    "every letter": "ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789",
}
NAMES = [
    "محمد ناصر",
    "گل‌آغا نمونه",
    "پروین",
    "ږمی څرګند",
    "ډاکټر ښایسته",
    "عبدالرحمن",
    "زهرا یوسفی",
    "آمنه",
    "بی‌بی حوا",
]


def typed(text, layout):
    """What these keys of a Latin keyboard write under another layout; the space stays what it is."""
    alone, shifted = LAYOUTS[layout]
    keys = dict(zip("".join(LATIN), alone + shifted, strict=True))
    return "".join(keys.get(sign, sign) for sign in text)


def read(text):
    return [numbers.clean(each) for each in layouts.readings(text)]


@pytest.mark.parametrize("kind", NUMBERS)
def test_every_number_is_read_under_every_layout(kind):
    number = NUMBERS[kind]
    for layout in LAYOUTS:
        # As it is; with the case turned round, as a scanner under Caps Lock sends it; with the digits of a form.
        for sent in (number, number.swapcase()):
            assert numbers.clean(number) in read(typed(sent, layout)), (layout, sent)


@pytest.mark.parametrize("layout", LAYOUTS)
def test_seals_and_passports_are_read_whole(layout):
    for sent in (SEAL, SEAL.swapcase()):
        # The first that looks like one is taken: it has to be the right one, its dollar signs too.
        found = [each.upper() for each in layouts.readings(typed(sent, layout)) if is_seal(each)]
        assert found[0] == SEAL
    assert any(mrz.looks_like(each) for each in layouts.readings(typed(ZONE, layout)))
    assert ZONE in layouts.readings(typed(ZONE, layout))
    assert ZONE.lower() in layouts.readings(typed(ZONE.lower(), layout))


# By hand, from the two standards, so that a slip in the tables is not read back by the same slip.
@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ("نذمز۲۶۰۰۰۰۹", "KBLC2600009"),  # ISIRI 9147
        ("»\u200c«ژ۲۶۰۰۰۰۹", "KBLC2600009"),  # with Shift
        ("اقف۲۶", "HRT26"),
        ("ڼ\u200cةژ۲۶۰۰۰۰۹", "KBLC2600009"),  # Pashto, with Shift
        ("نذمز۲۶-۰۰۰۰۹", "KBLC2600009"),  # Pashto too: these four letters lie where the Persian ones do
    ],
)
def test_the_standards_by_hand(keys, said):
    assert said in read(keys)


@pytest.mark.parametrize(
    ("digits", "latin"), [("۰۱۲۳۴۵۶۷۸۹", "0123456789"), ("٠١٢٣٤٥٦٧٨٩", "0123456789"), ("۴۵6٧", "4567")]
)
def test_digits_of_both_scripts_are_digits(digits, latin):
    assert numbers.clean(digits) == latin
    assert set(read(digits)) == {latin}
    assert numbers.clean(CASE[:4] + digits + "x") == CASE[:4] + latin + "X"


def test_latin_text_is_read_once():
    for text in ("", CASE, CASE.swapcase(), "Mohammad Nasir", SEAL, "P01234567"):
        assert layouts.readings(text) == []


@pytest.mark.parametrize("name", NAMES)
def test_a_name_is_no_number(name):
    for said in (name, name.replace(" ", "")):
        for meant in layouts.readings(said):
            code = numbers.clean(meant)
            assert not any(sign.isdigit() for sign in code)
            assert not _OURS.fullmatch(code) and not numbers.is_certificate_number(code)
            assert not is_seal(meant) and not mrz.looks_like(meant) and not mrz.is_one_line(meant)


def test_no_two_keys_write_one_sign():
    for alone, shifted in LAYOUTS.values():
        assert len(set(alone + shifted)) == len("".join(LATIN)) == 94
        # Digits come from the keys of digits only, or a word could become a number.
        digits = {sign: key for sign, key in zip(alone + shifted, "".join(LATIN), strict=True) if sign.isdigit()}
        assert digits == dict(zip("۱۲۳۴۵۶۷۸۹۰", "1234567890", strict=True))
