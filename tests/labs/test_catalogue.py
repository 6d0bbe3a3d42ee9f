"""The catalogue file, and making it true in the database."""

from decimal import Decimal

import pytest
from django.core.management import call_command

from mhac.labs import catalogue as module
from mhac.labs.catalogue import catalogue, load, read
from mhac.labs.models import ReferenceRange, Test
from mhac.labs.words import DRUGS, LABELS, TREPONEMAL, meaning
from mhac.protocols import vocabulary

ITEMS = {
    "hiv": ["hiv_combo"],
    "syphilis": ["rpr", "tpha"],
    "hepatitis_b": ["hbsag"],
    "hepatitis_c": ["hcv"],
    "creatinine": ["crea"],
    "urinalysis": ["ua_protein", "ua_glucose", "ua_blood"],
    "blood_count": ["hb", "wbc", "plt"],
    "hba1c": ["hba1c"],
    "tb_test": ["qft_nil", "qft_tb1", "qft_tb2", "qft_mitogen"],
    "sputum": ["afb", "xpert_mtb", "xpert_rif", "myco_cult"],
    "xpert": ["xpert_mtb"],
    "gonorrhoea": ["gc_naat"],
    "dst": ["dst_inh", "dst_rif", "dst_emb", "dst_pza"],
    "dst_second_line": ["dst_lfx", "dst_mfx", "dst_bdq", "dst_lzd"],
}


@pytest.mark.parametrize(("item", "keys"), ITEMS.items())
def test_an_item_is_answered_by_these_tests(db, item, keys):
    load()
    assert [test.key for test in Test.objects.answering(item)] == keys


def test_no_test_answers_an_item_of_another_room(db):
    load()
    assert not Test.objects.answering("chest_xray").exists()


# The words of the `assess` contract, test by test.
CONTRACT = {
    "hiv_combo": {"reactive", "nonreactive", "indeterminate"},
    "rpr": set(vocabulary.REACTIVE),
    "tpha": set(vocabulary.REACTIVE),
    "tppa": set(vocabulary.REACTIVE),
    "afb": set(vocabulary.SMEARS),
    "xpert_mtb": set(vocabulary.MOLECULAR),
    "xpert_rif": set(vocabulary.RIFAMPICIN),
    "myco_cult": set(vocabulary.CULTURES),
    "gc_naat": {"detected", "not_detected", "invalid"},
    "dst_inh": set(vocabulary.SUSCEPTIBILITY),
}


@pytest.mark.parametrize(("key", "contract"), CONTRACT.items())
def test_coded_values_are_the_words_of_the_contract(key, contract):
    assert set(catalogue().tests[key]["allowed"]) == contract


def test_drugs_and_methods_are_named_as_in_the_contract():
    assert set(DRUGS.values()) == set(vocabulary.DRUGS)
    assert set(TREPONEMAL.values()) <= set(vocabulary.TREPONEMAL_METHODS)
    assert DRUGS.keys() | TREPONEMAL.keys() <= catalogue().tests.keys()


def test_every_word_can_be_said_and_typed():
    for row in catalogue().tests.values():
        for word in row.get("allowed", ()):
            assert word in LABELS or row["name"].startswith(("Blood group", "Urine", "AFB"))
            assert meaning(word, row["allowed"]) == word
        assert set(row.get("normal", ())) | set(row.get("critical_values", ())) <= set(row.get("allowed", ()))


def test_what_hangs_on_a_value_names_tests_and_words_of_the_catalogue():
    found = catalogue()
    for each in (*found.reflex, *found.left_out, *found.next_specimen):
        assert each.test in found.tests
        for key, wanted in each.when.items():
            assert set(wanted) <= set(found.tests[key]["allowed"])


def test_only_codes_seen_in_a_source_are_verified_and_no_limit_is(db):
    load()
    assert Test.objects.get(key="hiv_combo").verified
    assert not Test.objects.get(key="hct").verified
    assert not Test.objects.filter(limits_verified=True).exists()
    assert not Test.objects.filter(source="").exists()


def test_loading_twice_changes_nothing(db, capsys):
    call_command("load_catalogue")
    history = Test.history.count(), ReferenceRange.history.count()
    call_command("load_catalogue")
    assert (Test.history.count(), ReferenceRange.history.count()) == history
    assert capsys.readouterr().out.splitlines()[1].endswith(", 0 new or changed.")


def test_a_limit_that_the_director_confirmed_is_left_alone(db):
    load()
    hb, crea = Test.objects.get(key="hb"), Test.objects.get(key="crea")
    hb.critical_low, hb.limits_verified = Decimal("6.5"), True
    hb.save()
    hb.ranges.all().delete()
    crea.critical_high = Decimal("9")
    crea.save()
    load()
    hb.refresh_from_db()
    crea.refresh_from_db()
    assert hb.critical_low == Decimal("6.5")
    assert not hb.ranges.exists()
    assert crea.critical_high == 5


def test_a_range_that_left_the_file_leaves_the_database(db):
    load()
    text = module.FILE.read_text(encoding="utf-8").replace("low = 0.5, high = 1.1 }", "low = 0.5, high = 1.2 }")
    assert load(read(text)) == 1
    assert sorted(ReferenceRange.objects.filter(test__key="crea").values_list("high", flat=True)) == [
        Decimal("1.2"),
        Decimal("1.3"),
    ]


def test_a_file_that_is_no_catalogue_is_not_read():
    with pytest.raises(KeyError):
        read('title = "shopping"')
