import datetime
import random

import pytest

from mhac.patients import mrz

TODAY = datetime.date(2026, 11, 21)
TWO_NAMES = ("P<AFGAHMADI<<MOHAMMAD<NASIR".ljust(44, "<"), "P012345673AFG0203214M3101012<<<<<<<<<<<<<<<2")
ONE_NAME = ("P<AFGGULALAI".ljust(44, "<"), "P076543211AFG9101014F2806309<<<<<<<<<<<<<<<2")
SIGNS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ<"


def digit(field):
    """The check digit once more, written another way than the code under test."""
    worth = {sign: number for number, sign in enumerate(SIGNS[:-1])} | {"<": 0}
    weights = [7, 3, 1] * len(field)
    return str(sum(worth[s] * w for s, w in zip(field, weights, strict=False)) % 10)


def with_digit(field):
    return field + digit(field)


def passport(number, birth, sex, expiry, names, optional="", issuer="AFG"):
    number, optional = number.ljust(9, "<"), optional.ljust(14, "<")
    body = with_digit(number) + "AFG" + with_digit(birth) + sex + with_digit(expiry)
    body += optional + (digit(optional) if optional.strip("<") else "<")
    return ("P<" + issuer + names).ljust(44, "<") + body + digit(body[:10] + body[13:20] + body[21:43])


def card(number, birth, sex, expiry, names, optional=""):
    first = "I<AFG"
    if len(number) > 9:
        first += number[:9] + "<" + number[9:] + digit(number)
    else:
        first += with_digit(number.ljust(9, "<"))
    first = (first + "<" * 30)[:30]
    second = with_digit(birth) + sex + with_digit(expiry) + "AFG" + optional.ljust(11, "<")
    return first + second + digit(first[5:] + second[:7] + second[8:15] + second[18:29]) + names.ljust(30, "<")


def small_book(number, birth, sex, expiry, names, optional=""):
    body = with_digit(number.ljust(9, "<")) + "AFG" + with_digit(birth) + sex + with_digit(expiry)
    body += optional.ljust(7, "<")
    return ("I<AFG" + names).ljust(36, "<") + body + digit(body[:10] + body[13:20] + body[21:35])


def visa(number, birth, sex, expiry, names, optional="", width=44, issuer="UTO"):
    body = with_digit(number.ljust(9, "<")) + "AFG" + with_digit(birth) + sex + with_digit(expiry)
    return ("V<" + issuer + names).ljust(width, "<") + body + optional.ljust(width - 28, "<")


# The specimens that ICAO Doc 9303 prints itself, parts 4 to 7.
SPECIMENS = {
    "TD3": """P<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
              L898902C36UTO7408122F1204159ZE184226B<<<<<10""",
    "TD2": """I<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<
              D231458907UTO7408122F1204159<<<<<<<6""",
    "TD1": """I<UTOD231458907<<<<<<<<<<<<<<<
              7408122F1204159UTO<<<<<<<<<<<6
              ERIKSSON<<ANNA<MARIA<<<<<<<<<<""",
    "MRV-A": """V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<<<<<<<<<
                L8988901C4XXX4009078F96121096ZE184226B<<<<<<""",
    "MRV-B": """V<UTOERIKSSON<<ANNA<MARIA<<<<<<<<<<<
                L8988901C4XXX4009078F9612109<<<<<<<<""",
}
SAID = {
    "TD3": ("passport", "L898902C3", "UTO", datetime.date(1974, 8, 12), datetime.date(2012, 4, 15)),
    "TD2": ("other", "D23145890", "UTO", datetime.date(1974, 8, 12), datetime.date(2012, 4, 15)),
    "TD1": ("other", "D23145890", "UTO", datetime.date(1974, 8, 12), datetime.date(2012, 4, 15)),
    "MRV-A": ("visa", "L8988901C", "XXX", datetime.date(1940, 9, 7), datetime.date(2096, 12, 10)),
    "MRV-B": ("visa", "L8988901C", "XXX", datetime.date(1940, 9, 7), datetime.date(2096, 12, 10)),
}


@pytest.mark.parametrize("format_", SPECIMENS)
@pytest.mark.parametrize("joined", [False, True], ids=["lines", "joined"])
def test_the_specimens_of_the_standard(format_, joined):
    text = "".join(SPECIMENS[format_].split()) if joined else SPECIMENS[format_]
    [piece] = mrz.split(text)
    found = mrz.read(piece, today=TODAY)
    said = (found.kind, found.number, found.nationality, found.born_earliest, found.expires)
    assert (found.format, said) == (format_, SAID[format_])
    assert (found.family_name, found.given_name, found.sex) == ("ERIKSSON", "ANNA MARIA", "female")
    assert mrz.looks_like(text)


def test_every_format_one_after_the_other():
    paste = "\n".join(SPECIMENS[each] for each in ("MRV-B", "TD3", "MRV-A", "TD1", "TD2"))
    for text in (paste, "".join(paste.split())):
        assert [mrz.read(piece, today=TODAY).format for piece in mrz.split(text)] == [
            "MRV-B", "TD3", "MRV-A", "TD1", "TD2"
        ]  # fmt: skip


def test_a_visa_says_that_its_number_may_be_the_passports():
    found = mrz.read(visa("P01234567", "020321", "M", "270101", "GULALAI"), today=TODAY)
    assert (found.family_name, found.given_name, found.kind) == ("", "GULALAI", "visa")
    assert any("compare it with the visa" in doubt for doubt in found.doubts)


@pytest.mark.parametrize(("names", "is_cut"), [("A" * 20 + "<<" + "B" * 17, True), ("A" * 20 + "<<" + "B" * 16, False)])
def test_a_name_that_fills_its_line_may_be_cut_off(names, is_cut):
    found = mrz.read(passport("P01234567", "020321", "M", "310101", names), today=TODAY)
    assert any("cut off" in doubt for doubt in found.doubts) is is_cut


def test_the_fictional_lines_of_the_rules():
    first = mrz.read("\n".join(TWO_NAMES), today=TODAY)
    assert (first.family_name, first.given_name, first.number) == ("AHMADI", "MOHAMMAD NASIR", "P01234567")
    assert (first.sex, first.born_earliest, first.expires) == (
        "male", datetime.date(2002, 3, 21), datetime.date(2031, 1, 1)
    )  # fmt: skip
    assert (first.kind, first.format, first.nationality) == ("passport", "TD3", "AFG")
    # 21 March 2002 is 1 Hamal 1381.
    assert [doubt for doubt in first.doubts if "1 Hamal" not in doubt] == []
    second = mrz.read("".join(ONE_NAME), today=TODAY)
    assert (second.family_name, second.given_name) == ("", "GULALAI")
    assert (second.sex, second.born_latest, second.expires) == (
        "female", datetime.date(1991, 1, 1), datetime.date(2028, 6, 30)
    )  # fmt: skip
    assert any("1 January" in doubt for doubt in second.doubts)


@pytest.mark.parametrize(
    "paste",
    [
        "\n".join(TWO_NAMES),
        "\r\n".join(TWO_NAMES).lower(),
        "".join(TWO_NAMES),
        "  " + " ".join("".join(TWO_NAMES)) + "\n",
        "\n".join(TWO_NAMES).translate(str.maketrans("0123456789", "۰۱۲۳۴۵۶۷۸۹")),
        "\n".join(TWO_NAMES).translate(str.maketrans("0123456789", "٠١٢٣٤٥٦٧٨٩")),
        "\n".join((TWO_NAMES[0][:20], TWO_NAMES[0][20:], TWO_NAMES[1][:7], TWO_NAMES[1][7:])),
        "\n\n\n" + "\n".join(TWO_NAMES).replace("<<", "««") + "\n\n",
    ],
    ids=["lines", "lower case", "joined", "spaced", "persian digits", "arabic digits", "broken lines", "other fillers"],
)
def test_any_way_of_pasting_is_the_same_passport(paste):
    pieces = mrz.split(paste)
    assert [mrz.read(piece, today=TODAY).number for piece in pieces] == ["P01234567"]


def test_passports_one_after_the_other_become_people():
    everything = "\n".join((*TWO_NAMES, *ONE_NAME))
    for paste in (everything, everything.replace("\n", ""), everything.replace("\n", "\n\n")[:0] + everything.lower()):
        assert [mrz.read(piece, today=TODAY).given_name for piece in mrz.split(paste)] == ["MOHAMMAD NASIR", "GULALAI"]


def test_a_broken_passport_does_not_spoil_the_next_one():
    pieces = mrz.split("\n".join((TWO_NAMES[0], TWO_NAMES[1][:-3], *ONE_NAME)))
    assert len(pieces) == 2
    with pytest.raises(mrz.Unreadable, match="85 signs instead of 88"):
        mrz.read(pieces[0], today=TODAY)
    assert mrz.read(pieces[1], today=TODAY).given_name == "GULALAI"


def test_cards_and_small_books():
    found = mrz.read(card("140001010", "020321", "F", "310101", "SULTANI<<NADIA"), today=TODAY)
    assert (found.kind, found.number, found.given_name, found.sex) == ("e_tazkira", "140001010", "NADIA", "female")
    long = mrz.read(card("1400010100001", "020321", "M", "<<<<<<", "PAYENDA<<GUL"), today=TODAY)
    assert (long.number, long.expires, long.family_name) == ("1400010100001", None, "PAYENDA")
    book = mrz.read(small_book("X12345", "850229"[:4] + "28", "<", "270101", "NOORI<<<", "AB12"), today=TODAY)
    assert (book.format, book.number, book.sex, book.optional) == ("TD2", "X12345", "unknown", "AB12")
    assert (book.family_name, book.given_name) == ("", "NOORI")


def test_a_card_whose_third_line_begins_like_a_passport_stays_one_piece():
    text = card("140001010", "020321", "F", "310101", "PAYENDA<<GUL")
    paste = "\n".join((text[:30], text[30:60], text[60:], *ONE_NAME))
    assert [mrz.read(piece, today=TODAY).number for piece in mrz.split(paste)] == ["140001010", "P07654321"]


@pytest.mark.parametrize(
    ("birth", "earliest", "latest", "precision"),
    [
        ("261121", (2026, 11, 21), (2026, 11, 21), "day"),  # born today
        ("261122", (1926, 11, 22), (1926, 11, 22), "day"),  # tomorrow: the century before
        ("060101", (2006, 1, 1), (2006, 1, 1), "day"),
        ("270101", (1927, 1, 1), (1927, 1, 1), "day"),
        ("000229", (2000, 2, 29), (2000, 2, 29), "day"),
        ("71<<<<", (1971, 1, 1), (1971, 12, 31), "year"),
        ("7102<<", (1971, 2, 1), (1971, 2, 28), "month"),
        ("7212<<", (1972, 12, 1), (1972, 12, 31), "month"),
        ("26<<<<", (2026, 1, 1), (2026, 11, 21), "year"),
    ],
)
def test_two_digit_years_and_unknown_days(birth, earliest, latest, precision):
    found = mrz.read(passport("P01234567", birth, "F", "310101", "TESTI<<ONE"), today=TODAY)
    assert found.born_earliest == datetime.date(*earliest)
    assert found.born_latest == datetime.date(*latest)
    assert found.birth_precision == precision


@pytest.mark.parametrize(
    ("zone", "words"),
    [
        (passport("P01234567", "020230", "M", "310101", "T<<O"), "birth date is no date"),
        (passport("P01234567", "02<<11", "M", "310101", "T<<O"), "birth date is no date"),
        (passport("P01234567", "020321", "M", "310231", "T<<O"), "expiry date is no date"),
        (passport("P01234567", "020321", "X", "310101", "T<<O"), "sex must be"),
        (passport("P01234567", "020321", "M", "310101", "T0M<<O"), "digit in the name"),
        (passport("P01234567", "020321", "M", "310101", "T<<O", issuer="4FG"), "issuing country"),
        (passport("", "020321", "M", "310101", "T<<O"), "document number is missing"),
        (passport("P0<234567", "020321", "M", "310101", "T<<O"), "document number is missing"),
        ("X" + "".join(TWO_NAMES)[1:], "no machine readable zone"),
        (visa("P01234567", "020321", "M", "310101", "T<<O")[:-1], "87 signs instead of"),
        ("".join(TWO_NAMES)[:-1] + "?", "sign"),
        ("", "no machine readable zone"),
        ("".join(TWO_NAMES) + "<", "89 signs"),
    ],
)
def test_what_is_no_zone_is_refused_with_a_sentence(zone, words):
    with pytest.raises(mrz.Unreadable, match=words):
        mrz.read(zone, today=TODAY)


@pytest.mark.parametrize(
    ("place", "field"),
    [(9, "document number"), (19, "birth date"), (27, "expiry date"), (42, "optional data"), (43, "whole second line")],
)
def test_the_sentence_names_the_failing_field(place, field):
    zone = passport("P01234567", "020321", "M", "310101", "TESTI<<ONE", optional="1400010100001")
    wrong = zone[: 44 + place] + str((int(zone[44 + place]) + 1) % 10) + zone[45 + place :]
    with pytest.raises(mrz.Unreadable, match=field):
        mrz.read(wrong, today=TODAY)


FORMATS = ("TD3", "TD2", "TD1", "MRV-A", "MRV-B")


def invented(rng, format_):
    """A made-up zone of a format, and the places that a check digit covers."""
    birth = f"{rng.randrange(100):02d}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    expiry = f"{rng.randrange(26, 40):02d}{rng.randrange(1, 13):02d}{rng.randrange(1, 29):02d}"
    number = rng.choice("PO") + rng.choice(["", "A"]) + "".join(rng.choice("0123456789") for _ in range(7))
    common = {"birth": birth, "sex": rng.choice("MF<"), "expiry": expiry, "names": "TESTI<<INVENTED"}
    optional = "".join(rng.choice("0123456789") for _ in range(rng.choice([0, 5, 7])))
    match format_:
        case "TD3":
            covered = [44 + n for n in (*range(10), *range(13, 20), *range(21, 44))]
            return passport(number, optional=optional, **common), covered
        case "TD2":
            covered = [36 + n for n in (*range(10), *range(13, 20), *range(21, 36))]
            return small_book(number, optional=optional, **common), covered
        case "TD1":
            covered = [*range(5, 30), *(30 + n for n in (*range(7), *range(8, 15), *range(18, 30)))]
            return card(number, optional=optional, **common), covered
    width = 44 if format_ == "MRV-A" else 36
    # A visa's optional data have no check digit, and nothing is counted over the whole.
    covered = [width + n for n in (*range(10), *range(13, 20), *range(21, 28))]
    return visa(number, optional=optional, width=width, **common), covered


def test_every_single_wrong_sign_in_a_checked_field_is_caught():
    """Fifty zones, ten of each format. Caught: refused, or nothing that is used differs. The one gap is the standard's
    own, and it is exactly this wide: in free-text fields (number, optional data) a sign for another of the same worth
    modulo 10."""
    rng = random.Random(7)
    tried = twins = 0
    for format_ in FORMATS * 10:
        zone, covered = invented(rng, format_)
        right = mrz.read(zone, today=TODAY)
        for place in covered:
            for sign in SIGNS.replace(zone[place], ""):
                tried += 1
                wrong = zone[:place] + sign + zone[place + 1 :]
                try:
                    read = mrz.read(wrong, today=TODAY)
                except mrz.Unreadable:
                    continue
                same_worth = int(digit("<<" + sign)) == int(digit("<<" + zone[place]))
                assert same_worth, (zone, place, sign)
                assert (read.born_earliest, read.expires, read.sex) == (right.born_earliest, right.expires, right.sex)
                twins += 1
    assert (tried, twins) == (61_560, 2_751)


@pytest.mark.parametrize(
    ("number", "doubtful"),
    [
        ("P01234567", False),
        ("OA1234567", False),
        ("OA123456", False),
        ("P0123456K", True),  # K is worth what 0 is worth: the check digit agrees with both
        ("PU1234U67", True),
        ("012345678", True),
        ("P12345", True),
    ],
)
def test_an_unusual_afghan_number_is_shown_to_a_person(number, doubtful):
    found = mrz.read(passport(number, "020321", "M", "310101", "TESTI<<ONE"), today=TODAY)
    assert any("unusual" in doubt for doubt in found.doubts) is doubtful


def test_noise_is_refused_and_never_breaks():
    rng = random.Random(11)
    for nth in range(1500):
        zone, _covered = invented(rng, FORMATS[nth % 5])
        signs = list(zone)
        for _ in range(rng.randrange(1, 30)):
            signs[rng.randrange(len(signs))] = rng.choice(SIGNS + "é.\n ")
        for piece in mrz.split("".join(signs)):
            try:
                mrz.read(piece, today=TODAY)
            except mrz.Unreadable as refusal:
                assert str(refusal).endswith(".")


def test_what_is_a_zone_and_what_is_not():
    assert mrz.looks_like("\n".join(TWO_NAMES).lower())
    assert not mrz.looks_like("KBLP2600012X")
    assert not mrz.looks_like("Mohammad Nasir Ahmadi")
