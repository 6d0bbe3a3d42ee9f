"""What a person may type as a result: a row on each side of every rule."""

from decimal import Decimal

import pytest

from mhac.labs.matching import Value
from mhac.labs.models import Test
from mhac.labs.typed import Unreadable, read

HB = Test(key="hb", name="Haemoglobin", unit="g/dL", kind="numeric", possible_low=Decimal(1), possible_high=Decimal(25))
PLT = Test(key="plt", name="Platelets", kind="numeric", possible_low=Decimal(0))
PH = Test(key="pct", name="Percentage", kind="numeric", unit="%", possible_high=Decimal(100))
TITRE = Test(key="rpr_titre", name="RPR titre", kind="titre")
HIV = Test(key="hiv", name="HIV", kind="coded", allowed=["nonreactive", "reactive", "indeterminate"])
AFB = Test(key="afb", name="AFB", kind="coded", allowed=["negative", "scanty", "1+", "2+", "3+"])
XPERT = Test(key="x", name="Xpert", kind="coded", allowed=["not_detected", "trace", "very_low", "low", "high"])
DST = Test(key="dst", name="DST", kind="coded", allowed=["S", "I", "R"])
MALARIA = Test(key="mal_rdt", name="Malaria", kind="coded", allowed=["negative", "falciparum", "vivax", "mixed"])
ABO = Test(key="abo", name="Blood group", kind="coded", allowed=["A+", "A-", "AB+", "AB-"])
NOTE = Test(key="note", name="Note", kind="text")

READABLE = [
    (HB, "13.5", Value(number=Decimal("13.5"))),
    (HB, " 13.50 ", Value(number=Decimal("13.50"))),
    (HB, "۱۳٫۵", Value(number=Decimal("13.5"))),
    (HB, "١٣.٥", Value(number=Decimal("13.5"))),
    (HB, "1", Value(number=Decimal(1))),
    (HB, "25", Value(number=Decimal(25))),
    (HB, "<5", Value(operator="<", number=Decimal(5))),
    (HB, "≤ 5", Value(operator="<=", number=Decimal(5))),
    (HB, "≥5", Value(operator=">=", number=Decimal(5))),
    (PLT, "<0.05", Value(operator="<", number=Decimal("0.05"))),
    (PLT, "2.5e2", Value(number=Decimal("250"))),
    (PLT, "0", Value(number=Decimal(0))),
    (PLT, "9999999999999", Value(number=Decimal(9999999999999))),
    (TITRE, "1:16", Value(titre=16)),
    (TITRE, "1/16", Value(titre=16)),
    (TITRE, "۱:۱۶", Value(titre=16)),
    (TITRE, ">= 1 : 64", Value(operator=">=", titre=64)),
    (HIV, "reactive", Value(coded="reactive")),
    (HIV, "R", Value(coded="reactive")),
    (HIV, "NR", Value(coded="nonreactive")),
    (HIV, "neg", Value(coded="nonreactive")),
    (HIV, "Non-reactive", Value(coded="nonreactive")),
    (HIV, "indet", Value(coded="indeterminate")),
    (AFB, "neg", Value(coded="negative")),
    (AFB, "2", Value(coded="2+")),
    (AFB, "۲", Value(coded="2+")),
    (AFB, "+++", Value(coded="3+")),
    (AFB, "+1", Value(coded="1+")),
    (AFB, "scanty", Value(coded="scanty")),
    (AFB, "Scanty 4", Value(coded="scanty", text="4")),
    (AFB, "sc9", Value(coded="scanty", text="9")),
    (XPERT, "Very Low", Value(coded="very_low")),
    (XPERT, "nd", Value(coded="not_detected")),
    (XPERT, "not detected", Value(coded="not_detected")),
    (DST, "r", Value(coded="R")),
    (DST, "i", Value(coded="I")),
    (HIV, "1", Value(coded="nonreactive")),
    (HIV, "2", Value(coded="reactive")),
    (HIV, "۳", Value(coded="indeterminate")),
    (HIV, "inde", Value(coded="indeterminate")),
    (HIV, "منفی", Value(coded="nonreactive")),
    (HIV, "منفي", Value(coded="nonreactive")),
    (HIV, "مثبت", Value(coded="reactive")),
    (HIV, "دق", Value(coded="nonreactive")),  # the keys n and r, while the Persian keyboard was on
    (MALARIA, "v", Value(coded="vivax")),
    (MALARIA, "حب", Value(coded="falciparum")),
    (ABO, "ab+", Value(coded="AB+")),
    (HB, "13.5 g/dL", Value(number=Decimal("13.5"))),
    (HB, "<5g/dL", Value(operator="<", number=Decimal(5))),
    (NOTE, " two words\n", Value(text="two words")),
]


@pytest.mark.parametrize(("test", "text", "value"), READABLE)
def test_readable(test, text, value):
    assert read(text, test) == value


UNREADABLE = [
    (HB, "", "Nothing was typed"),
    (HB, "   ", "Nothing was typed"),
    (HB, "high", "not a number"),
    (HB, "13,5", "decimal mark"),
    (HB, "۱۳،۵", "decimal mark"),
    (HB, "1,350.5", "decimal mark"),
    (HB, "-5", "not a number"),
    (HB, ".5", "not a number"),
    (HB, "13.5 g/L", "measured in g/dL, and “g/L” was typed"),
    (HB, "13.5g", "measured in g/dL"),
    (HB, "13.5 G/DL", "measured in g/dL"),
    (PLT, "250 g/dL", "not a number"),
    (HB, "13.5.2", "not a number"),
    (HB, "1 350", "not a number"),
    (HB, "0.99", "between 1 and 25 g/dL; 0.99 cannot be"),
    (HB, "25.01", "cannot be"),
    (HB, "135", "Check the decimal point"),
    (PLT, "10000000000000", "more digits"),
    (PLT, "0.00000000001", "more digits"),
    (PLT, "1e99", "more digits"),
    (PH, "101", "100 or less"),
    (TITRE, "16", "not a titre"),
    (TITRE, "1:0", "not a titre"),
    (TITRE, "2:16", "not a titre"),
    (HIV, "perhaps", "nonreactive, reactive, indeterminate"),
    (HIV, "4", "not one of its results"),
    (HIV, "0", "not one of its results"),
    (AFB, "4", "not one of its results"),
    (DST, "x", "not one of its results"),
    (MALARIA, "م", "not one of its results"),  # begins "منفی", and is no key then
    (ABO, "A", "not one of its results"),
    (AFB, "scanty 10", "not one of its results"),
    (AFB, "scanty 0", "not one of its results"),
    (AFB, "4+", "not one of its results"),
    (XPERT, "m", "not one of its results"),
    (NOTE, " \n", "Nothing was typed"),
]


@pytest.mark.parametrize(("test", "text", "sentence"), UNREADABLE)
def test_unreadable(test, text, sentence):
    with pytest.raises(Unreadable, match=sentence):
        read(text, test)


def test_what_is_below_a_single_limit_is_named():
    with pytest.raises(Unreadable, match="Weight is 2 or more kg; 1 cannot be"):
        read("1", Test(key="w", name="Weight", unit="kg", kind="numeric", possible_low=Decimal(2)))
