"""How many parts a text is, at each limit."""

import pytest

from mhac.clinics.sms import is_gsm, parts


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 1),
        ("a" * 160, 1),
        ("a" * 161, 2),
        ("a" * 306, 2),
        ("a" * 307, 3),
        ("€" * 80, 1),
        ("€" * 80 + "a", 2),
        # A sign of two places is not parted: 152 + 2 do not fit into 153.
        ("a" * 152 + "€" + "a" * 151, 2),
        ("a" * 152 + "€" + "a" * 152, 3),
        ("ب" * 70, 1),
        ("ب" * 71, 2),
        ("ب" * 134, 2),
        ("ب" * 135, 3),
        # One sign outside the alphabet makes all of it UCS-2.
        ("a" * 70 + "ب", 2),
        ("😀" * 35, 1),
        ("😀" * 36, 2),
        # 33 pairs fill 66 of 67 places; the next goes whole into the next part.
        ("😀" * 66, 2),
        ("😀" * 67, 3),
    ],
)
def test_parts(text, count):
    assert parts(text) == count


def test_the_alphabet():
    assert is_gsm("Kabul, 08:30? {~} €") and not is_gsm("Kabul`") and not is_gsm("ç")
