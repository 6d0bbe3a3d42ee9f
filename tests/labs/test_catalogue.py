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
    assert set(Test.objects.filter(told_in_person=True).values_list("key", flat=True)) == {"hiv_combo", "hiv_rdt"}
    assert Test.objects.get(key="myco_cult").turnaround_hours == 8 * 7 * 24


def mod_10(code):
    """The check digit of a LOINC code without it (Mod 10, LOINC Users' Guide)."""
    doubled = str(int(code[::-2][::-1]) * 2)
    return (10 - sum(map(int, doubled + code[-2::-2])) % 10) % 10


def test_every_code_carries_its_check_digit():
    codes = [row["loinc"] for row in catalogue().tests.values() if "loinc" in row]
    assert len(set(codes)) == len(codes) > 50
    for code in codes:
        number, _, check = code.partition("-")
        assert mod_10(number) == int(check), code
    assert mod_10("71777") != 9  # one digit off


# The rows of the table: key -> code, unit (UCUM), lowest and highest value that must be called.
ROWS = {
    "hiv_combo": ("56888-1", "", None, None),
    "hiv_rdt": ("80387-4", "", None, None),
    "rpr_titre": ("31147-2", "{titer}", None, None),
    "tp_eia": ("24110-9", "", None, None),
    "antihbs": ("5193-8", "m[IU]/mL", None, None),
    "antihbs_qual": ("10900-9", "", None, None),
    "qft_nil": ("71776-9", "[IU]/mL", None, None),
    "qft_result": ("71773-6", "", None, None),
    "tspot": ("74281-7", "{#}", None, None),
    "xpert_mtb": ("85362-2", "", None, None),
    "hb": ("718-7", "g/dL", "7.0", "20"),
    "wbc": ("6690-2", "10*3/uL", "2", "30"),
    "plt": ("777-3", "10*3/uL", "20", "1000"),
    "hct": ("4544-3", "%", "20", "60"),
    "crea": ("2160-0", "mg/dL", None, "5"),
    "egfr": ("98979-8", "mL/min/{1.73_m2}", "14", None),
    "alt": ("1742-6", "U/L", None, "1001"),
    "bili": ("1975-2", "mg/dL", None, "10"),
    "glu": ("2345-7", "mg/dL", "50", "450"),
    "hcg_quant": ("21198-7", "m[IU]/mL", None, None),
    "mal_film": ("51587-4", "", None, None),
    "stool_op": ("10704-5", "", None, None),
}


def test_the_table_of_the_rules_is_in_the_file(db):
    load()
    tests = Test.objects.in_bulk(field_name="key")
    for key, (loinc, unit, low, high) in ROWS.items():
        test = tests[key]
        limits = [None if each is None else Decimal(each) for each in (low, high)]
        assert (test.loinc, test.unit, test.critical_low, test.critical_high) == (loinc, unit, *limits), key
    mine = {r for r in catalogue().tests if catalogue().tests[r].get("verifier") == "supervisor"}
    assert {"hiv_rdt", "rpr", "hbsag", "hcv", "afb", "myco_cult", "dst_inh", "qft_nil", "tspot"} <= mine


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
