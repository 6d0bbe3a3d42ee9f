import pytest

from mhac.patients import names


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("MOHAMMAD NASIR", "MOHAMMAD NASIR"),
        ("  Gul   Agha ", "Gul Agha"),
        ("\u202bمحمد ناصر\u202c", "محمد ناصر"),
        ("\u200eAhmad\u200f", "Ahmad"),
        ("Ah\x00mad\x07\tNoor", "Ahmad Noor"),
        ("گل\u200cآغا", "گل\u200cآغا"),  # spelling, not an accident
        ("Gul\u200cAgha", "GulAgha"),
        ("\u200cمحمد\u200c", "محمد"),
        ("ګلالۍ", "ګلالۍ"),
        ("D'Souza-Khan", "D'Souza-Khan"),
        ("\ufeff", ""),
    ],
)
def test_names_lose_only_what_no_eye_sees(typed, kept):
    assert names.cleaned(typed) == kept
    assert names.cleaned(kept) == kept


@pytest.mark.parametrize(
    ("name", "letters"), [("Abdul-Karim", "ABDULKARIM"), ("José", "JOSE"), ("محمد", ""), ("O'Hara", "OHARA")]
)
def test_letters_as_a_zone_has_them(name, letters):
    assert names.latin(name) == letters
