import threading
import time

import pytest
from django.db import connection
from hypothesis import given
from hypothesis import strategies as st

from mhac.clinics import numbers
from mhac.clinics.numbers import ALPHABET, RANDOM_ALPHABET


def test_keys_are_version_7_and_grow_with_time():
    keys = [numbers.uuid7() for _ in range(1000)]
    assert {key.version for key in keys} == {7}
    assert {key.variant for key in keys} == {"specified in RFC 4122"}
    assert keys == sorted(set(keys))
    assert abs((keys[0].int >> 80) - time.time() * 1000) < 5000


@pytest.mark.parametrize(("text", "check"), [("KBL2600001", "Q"), ("A12425GABC1234002", "M")])
def test_check_character_of_known_numbers(text, check):
    """The second is the worked example of a GRid-like identifier under ISO/IEC 7064 MOD 37,36."""
    assert numbers.check_character(text) == check


@given(st.text(ALPHABET, min_size=4, max_size=12), st.data())
def test_one_wrong_sign_is_noticed(body, data):
    number = body + numbers.check_character(body)
    place = data.draw(st.integers(0, len(number) - 1))
    wrong = data.draw(st.sampled_from(ALPHABET).filter(lambda sign: sign != number[place]))
    assert numbers.is_checked(number)
    assert not numbers.is_checked(number[:place] + wrong + number[place + 1 :])


@pytest.mark.parametrize(
    ("typed", "clean"),
    [("kbl2600001q", "KBL2600001Q"), (" KBL 26-00001-Q ", "KBL2600001Q"), ("KBL۲۶۰۰۰۰۱Q", "KBL2600001Q"), ("", "")],
)
def test_what_scanners_and_keyboards_make_of_a_number(typed, clean):
    assert numbers.clean(typed) == clean


def test_certificate_numbers_hold_no_word_and_no_error():
    seen = {numbers.certificate_number("KBL") for _ in range(500)}
    assert len(seen) == 500
    for number in seen:
        assert numbers.is_certificate_number(number)
        assert numbers.is_certificate_number(number.replace("-", ""))
        assert not set(number[3:]) & set("AEIOU")


def test_every_single_error_and_swap_in_a_certificate_number_is_noticed():
    number = numbers.certificate_number("KBL").replace("-", "")
    signs = list(number)
    for place in range(3, len(signs)):
        for wrong in RANDOM_ALPHABET:
            if wrong != signs[place]:
                assert not numbers.is_certificate_number("".join([*signs[:place], wrong, *signs[place + 1 :]]))
    for place in range(3, len(signs) - 1):
        if signs[place] != signs[place + 1]:
            swapped = [*signs[:place], signs[place + 1], signs[place], *signs[place + 2 :]]
            assert not numbers.is_certificate_number("".join(swapped))


def test_numbers_count_by_site_kind_and_year(kabul, herat):
    assert kabul.next_number("", 2026) == "KBL2600001Q"
    assert kabul.next_number("", 2026).startswith("KBL2600002")
    assert kabul.next_number("C", 2026).startswith("KBLC2600001")
    assert kabul.next_number("", 2027).startswith("KBL2700001")
    assert herat.next_number("", 2026).startswith("HRT2600001")


@pytest.mark.django_db(transaction=True)
def test_two_desks_never_get_one_number(kabul):
    given, doors = [], threading.Barrier(4)

    def desk():
        doors.wait()
        given.extend(kabul.next_number("P", 2026) for _ in range(5))
        connection.close()

    desks = [threading.Thread(target=desk) for _ in range(4)]
    for thread in desks:
        thread.start()
    for thread in desks:
        thread.join()
    assert len(given) == len(set(given)) == 20
