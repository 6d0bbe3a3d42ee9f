"""Editions as files: which one is in force, and every way in which a file is refused."""

from datetime import date, timedelta
from pathlib import Path

import pytest

from mhac.protocols import programme, vocabulary
from mhac.protocols.conditions import CONDITIONS
from mhac.protocols.programme import EDITIONS, EditionFault, read_edition, read_programmes
from mhac.protocols.reading import Refused
from mhac.protocols.toml_lines import line_of

from .made import PROGRAMMES, record

OURS = ("de-fit-to-travel", "labour-migration", "my-emgs", "rqa")
CANADA = (EDITIONS / "ca-2020.toml").read_text(encoding="utf-8")


def test_every_programme_of_the_contract_has_an_edition_for_any_day():
    assert PROGRAMMES.keys() == (*vocabulary.PROGRAMMES, *OURS)
    for key in PROGRAMMES:
        for day in (date(1950, 1, 1), date(2026, 11, 21), date(2099, 1, 1)):
            assert PROGRAMMES.edition(key, day).programme == key


@pytest.mark.parametrize(
    ("key", "first_day", "edition"),
    [
        ("us-iv", date(2021, 9, 1), "us-iv-2021-09-01"),
        ("us-refugee", date(2021, 9, 3), "us-refugee-2021-09-03"),
        ("ca", date(2020, 1, 1), "ca-2020"),
        ("au-permanent", date(2024, 7, 1), "au-permanent-2024-07-01"),
        ("uk-resettlement", date(2025, 3, 27), "uk-resettlement-2025-03-27"),
    ],
)
def test_the_edition_of_a_day(key, first_day, edition):
    assert PROGRAMMES.edition(key, first_day).key == edition
    assert PROGRAMMES.edition(key, first_day - timedelta(days=1)).key != edition
    assert PROGRAMMES.by_key(edition).in_force == first_day


def test_unknown_programmes_and_days():
    with pytest.raises(Refused) as fault:
        PROGRAMMES.edition("xx-visa", date(2026, 11, 21))
    assert fault.value.path == "programme"
    with pytest.raises(Refused) as fault:
        PROGRAMMES.edition("ca", date(1899, 12, 31))
    assert fault.value.path == "examined"
    with pytest.raises(KeyError):
        PROGRAMMES.by_key("ca-1867")


def test_no_edition_is_confirmed_before_a_physician_did():
    for key in PROGRAMMES:
        for edition in PROGRAMMES.editions(key):
            assert not edition.verified
            assert edition.source
            assert edition.requires
            assert all(row.source and row.rule for row in (*edition.requires, *edition.proposes))


def test_documents_and_references():
    documents = {key: PROGRAMMES.edition(key, date(2026, 11, 21)).document for key in PROGRAMMES}
    assert {key: value for key, value in documents.items() if value != "none"} == {
        "ca": "ime_summary",
        "uk-tb": "tb_clearance",
        "returnee-avrr": "fit_to_travel",
        "de-fit-to-travel": "fit_to_travel",
        "rqa": "fit_to_travel",
    }
    needed = [key for key in PROGRAMMES if PROGRAMMES.edition(key, date(2026, 11, 21)).reference.needed]
    assert needed == ["ca"]
    assert PROGRAMMES.edition("ca", date(2026, 11, 21)).reference.name == "IME number"
    assert PROGRAMMES.edition("returnee-avrr", date(2026, 11, 21)).reference.name == ""


def test_fees_of_canada():
    fees = PROGRAMMES.edition("ca", date(2026, 11, 21)).fees
    assert [(fee.from_age, fee.to_age, fee.amount, fee.currency) for fee in fees] == [
        (0, 10, 119, "USD"),
        (11, None, 332, "USD"),
    ]


def test_published_states_carry_their_day_and_source():
    states = {key: PROGRAMMES.edition(key, date(2026, 11, 21)) for key in PROGRAMMES}
    found = {key: (e.status, e.status_since, e.status_verified) for key, e in states.items() if e.status != "open"}
    assert found == {
        "us-refugee": ("paused", date(2025, 1, 27), True),
        "uk-resettlement": ("limited", date(2025, 7, 1), False),
        "de-fit-to-travel": ("closed", date(2025, 5, 1), False),
    }
    assert all(states[key].status_source and states[key].status_note for key in found)


@pytest.mark.parametrize("gone", ["status_since", "status_source"])
def test_a_state_other_than_open_needs_its_day_and_source(tmp_path, gone):
    content = CANADA.replace(
        'status = "open"', 'status = "paused"\nstatus_since = 2026-01-01\nstatus_source = "a letter"'
    )
    read_edition(written(tmp_path, content))
    lines = [line for line in content.splitlines() if not line.startswith(gone)]
    with pytest.raises(EditionFault, match=f"{gone}: The status is 'paused'"):
        read_edition(written(tmp_path, "\n".join(lines)))


def test_every_condition_is_described_and_used():
    used = {row.when for key in PROGRAMMES for e in PROGRAMMES.editions(key) for row in (*e.requires, *e.proposes)}
    assert used <= CONDITIONS.keys()
    assert all(condition.__doc__ for condition in CONDITIONS.values())
    assert CONDITIONS.keys() - used <= {"signs", "leaving_afghanistan"}


def written(tmp_path, content, name="ca-2020.toml"):
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    return path


def line_with(content, text):
    return next(number for number, line in enumerate(content.splitlines(), 1) if text in line)


@pytest.mark.parametrize(
    ("old", "new", "key", "at"),
    [
        ('status = "open"', 'statsu = "open"', "statsu", "statsu"),
        ('status = "open"', 'status = "ajar"', "status", "ajar"),
        ('name = "Canada', 'name = 5 # "Canada', "name", "name = 5"),
        ("in_force = 2020-01-01", 'in_force = "2020-01-01"', "in_force", "in_force"),
        ("in_force = 2020-01-01", "in_force = 2020-01-01T00:00:00", "in_force", "in_force"),
        ('edition = "ca-2020"', 'edition = "ca-2021"', "edition", "edition"),
        ('item = "urinalysis"', 'item = "urin"', "requires[2].item", '"urin"'),
        ("from_age = 5", "from_aeg = 5", "requires[2].from_aeg", "from_aeg"),
        ("from_age = 5", "from_age = 121", "requires[2].from_age", "121"),
        ("to_age = 10", "to_age = -1", "requires[8].to_age", "to_age = -1"),
        ('when = "hiv_exposed"', 'when = "hiv_exposd"', "requires[6].when", "hiv_exposd"),
        ('accepts = ["igra"]', 'accepts = ["film"]', "requires[9].accepts[0]", '"film"'),
        ('certainty = "M"', 'certainty = "X"', "requires[7].certainty", '"X"'),
        ('document = "ime_summary"', 'document = "visa"', "document", "visa"),
        ('item = "history"\nquestions', 'item = "histroy"\nquestions', "screening.item", "histroy"),
        ('"known_hiv"', '"known_hvi"', "screening.questions[0]", "known_hvi"),
        ('film_in_pregnancy = "choice"', 'film_in_pregnancy = "never"', "practice.film_in_pregnancy", "never"),
        ("grade = true", "grade = 1", "practice.grade", "grade = 1"),
        ('from = "examined"', 'from = "yesterday"', "validity[0].from", "yesterday"),
        ("months = 12", "months = 0", "validity[0].months", "months = 0"),
        ("amount = 119", 'amount = "119"', "fees[0].amount", '"119"'),
        ("needed = true", 'needed = "yes"', "reference.needed", "needed"),
    ],
)
def test_a_mistake_stops_with_file_line_and_key(tmp_path, old, new, key, at):
    assert old in CANADA
    content = CANADA.replace(old, new, 1)
    with pytest.raises(EditionFault) as fault:
        read_edition(written(tmp_path, content))
    assert f"ca-2020.toml, line {line_with(content, at)}, {key}: " in str(fault.value)
    assert str(fault.value).endswith(".")


@pytest.mark.parametrize(
    ("gone", "key", "at"),
    [
        ('rule = "CA-02"\n', "requires[2].rule", None),
        ('accepts = ["igra"]\n', "requires[9].accepts", None),
        ('source = "IRCC panel guides and IMM 1017 instructions (excerpts)"\n', "source", 1),
        ('verified_by = ""\n', "verified_by", 1),
        ('when = "always"\n', "requires[0].when", None),
    ],
)
def test_what_is_missing_is_named_at_the_head_of_its_table(tmp_path, gone, key, at):
    content = CANADA.replace(gone, "", 1)
    assert content != CANADA
    with pytest.raises(EditionFault) as fault:
        read_edition(written(tmp_path, content))
    heads = [number for number, line in enumerate(content.splitlines(), 1) if line == "[[requires]]"]
    line = at or heads[int(key.partition("[")[2].partition("]")[0])]
    assert f"line {line}, {key}: " in str(fault.value)


def test_text_that_is_not_toml(tmp_path):
    with pytest.raises(EditionFault, match="not TOML"):
        read_edition(written(tmp_path, "edition = \n"))


def test_a_clinics_own_programme_is_read_beside_the_packages(tmp_path):
    content = CANADA.replace('"ca-2020"', '"xx-visa-2026"').replace('programme = "ca"', 'programme = "xx-visa"')
    written(tmp_path, content.replace("in_force = 2020-01-01", "in_force = 2026-01-01"), "xx-visa-2026.toml")
    programmes = read_programmes([tmp_path])
    assert programmes.keys() == (*vocabulary.PROGRAMMES, *OURS, "xx-visa")
    assert programmes.edition("xx-visa", date(2026, 1, 1)).key == "xx-visa-2026"
    with pytest.raises(Refused) as fault:
        programmes.edition("xx-visa", date(2025, 12, 31))
    assert fault.value.path == "examined"
    from mhac.protocols.rehearsal import answer

    given = answer(record("ca") | {"programme": "xx-visa"}, programmes)
    assert "creatinine" in given["required"]


@pytest.mark.parametrize(
    ("name", "key", "in_force", "what"),
    [
        ("ca-2020.toml", "ca-2020", "2026-01-01", "same key"),
        ("ca-2026.toml", "ca-2026", "2020-01-01", "same in_force day"),
    ],
)
def test_two_editions_may_not_claim_the_same(tmp_path, name, key, in_force, what):
    content = CANADA.replace('edition = "ca-2020"', f'edition = "{key}"').replace("2020-01-01", in_force)
    written(tmp_path, content, name)
    with pytest.raises(EditionFault, match=what):
        read_programmes([tmp_path])


def test_a_folder_that_is_none():
    with pytest.raises(EditionFault, match="is not a folder"):
        read_programmes([Path("/nowhere/at/all")])


@pytest.mark.parametrize(
    ("path", "line"),
    [
        ("a", 1),
        ("x", 2),
        ("t.a", 5),
        ("t.b", 4),
        ("rows[0].a", 7),
        ("rows[1].a", 9),
        ("rows[1].b", 8),
        ("gone", 1),
        ("[", 1),
    ],
)
def test_where_a_path_stands(path, line):
    content = 'a = 1\nx = "y"\n# [t]\n[t]\na = 2\n[[rows]]\na = 3\n[[rows]] # second\n"a" = 4\n'
    assert line_of(content, path) == line


@pytest.mark.parametrize(
    ("programme_key", "age", "accepts"),
    [
        ("us-iv", 1, {"igra", "tst"}),
        ("us-iv", 2, {"igra"}),
        ("us-iv", 40, {"igra"}),
        ("ca", 40, {"igra"}),
        ("au-permanent", 40, {"igra", "tst"}),
        ("uk-tb", 40, {"igra", "tst"}),
    ],
)
def test_methods_for_a_test_nobody_asks_for(programme_key, age, accepts):
    assert PROGRAMMES.edition(programme_key, date(2026, 11, 21)).accepts("tb_test", age) == accepts


def test_age_limits():
    assert PROGRAMMES.by_key("ca-2020").age_limits == {5, 11, 15}
    assert PROGRAMMES.by_key("us-iv-2021-09-03").age_limits == {2, 15, 18, 25, 45}


def test_documents_are_the_ones_that_exist():
    assert programme.DOCUMENTS == ("none", "ime_summary", "tb_clearance", "fit_to_travel")


LATER = ("in_force = 2020-01-01", "in_force = 2026-11-21")


def edition(folder, name, *changes):
    content = CANADA.replace('edition = "ca-2020"', f'edition = "{name}"')
    for old, new in changes:
        assert old in content
        content = content.replace(old, new, 1)
    (folder / f"{name}.toml").write_text(content, encoding="utf-8")


BAD = {
    "a misspelt key": ("ca-2026", [LATER, ("from_age = 5", "from_aeg = 5")], "requires[2].from_aeg"),
    "a wrong type": ("ca-2026", [LATER, ("months = 12", 'months = "12"')], "validity[0].months"),
    "an unknown condition": ("ca-2026", [LATER, ('when = "hiv_exposed"', 'when = "hiv_exposd"')], "requires[6].when"),
    "a duplicate edition": ("ca-2020", [LATER], "edition"),
    "the same day": ("ca-2026", [], "in_force"),
    "no pattern": ("ca-2026", [LATER, ("pattern = '", "pattern = '(")], "reference.pattern"),
}


@pytest.mark.parametrize(("name", "changes", "key"), BAD.values(), ids=BAD)
def test_a_mistake_stops_with_file_line_key_and_one_sentence(tmp_path, name, changes, key):
    edition(tmp_path, name, *changes)
    with pytest.raises(EditionFault) as fault:
        read_programmes([tmp_path])
    said = str(fault.value)
    assert said.startswith(f"{tmp_path / name}.toml, line ")
    assert f", {key}: " in said
    assert said.endswith(".")
    assert "\n" not in said


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"edition = 5\nedition = 6\n", "this is not TOML"),
        (b'name = "\xff"\n', "this is not UTF-8 text"),
    ],
)
def test_a_file_that_is_no_text(tmp_path, content, sentence):
    (tmp_path / "ca-2026.toml").write_bytes(content)
    with pytest.raises(EditionFault, match=sentence):
        read_programmes([tmp_path])


def test_a_name_that_cannot_be_opened(tmp_path):
    (tmp_path / "ca-2026.toml").mkdir()
    with pytest.raises(EditionFault, match=r"ca-2026\.toml cannot be read"):
        read_programmes([tmp_path])


def changed(tmp_path, *changes):
    content = CANADA
    for old, new in changes:
        assert old in content
        content = content.replace(old, new, 1)
    return read_edition(written(tmp_path, content))


@pytest.mark.parametrize("status", ["open", "limited", "paused", "closed", "legacy"])
def test_every_state_of_a_programme_can_be_written(tmp_path, status):
    said = f'status = "{status}"\nstatus_since = 2026-01-01\nstatus_source = "a letter"\nstatus_verified = true'
    found = changed(tmp_path, ('status = "open"', said))
    assert (found.status, found.status_since, found.status_verified) == (status, date(2026, 1, 1), True)


def test_what_is_written_is_kept(tmp_path):
    found = changed(
        tmp_path,
        ('verified_by = ""', 'verified_by = "Dr Invented"'),
        ('verified_on = ""', 'verified_on = "2026-11-21"'),
        ('status = "open"', 'status = "open"\nquarantinable = ["cholera"]\nitems_unknown = "Ask the partner."'),
        ("from_age = 5", "from_age = 5\nto_age = 5"),
    )
    assert (found.verified, found.verified_by, found.verified_on) == (True, "Dr Invented", "2026-11-21")
    assert (found.quarantinable, found.items_unknown) == (("cholera",), "Ask the partner.")
    assert "eMedical" in found.note
    urine = next(row for row in found.requires if row.item == "urinalysis")
    assert [urine.fits(age) for age in (4, 5, 6)] == [False, True, False]


@pytest.mark.parametrize(
    ("key", "good", "bad"),
    [
        ("hours = 48", ("hours = 1", "hours = 8784"), ("hours = 0", "hours = 8785", "hours = 48\nweeks = 2")),
        ("from_weeks = 8", ("from_weeks = 1", "from_weeks = 10"), ("from_weeks = 0", "from_weeks = 11")),
        ("weeks = 10", ("weeks = 8", "weeks = 104"), ("weeks = 7", "weeks = 105", "# none")),
    ],
)
def test_promises_have_limits(tmp_path, key, good, bad):
    key = f"\n{key}\n"
    for value in good:
        assert changed(tmp_path, (key, f"\n{value}\n")).promises
    for value in bad:
        with pytest.raises(EditionFault, match="promise"):
            changed(tmp_path, (key, f"\n{value}\n"))


def test_minus_days_have_limits(tmp_path):
    for value, right in (("0", True), ("31", True), ("32", False), ("-1", False)):
        change = ("months = 12", f"months = 12\nminus_days = {value}")
        if right:
            assert changed(tmp_path, change).validity[0].minus_days == int(value)
        else:
            with pytest.raises(EditionFault, match="minus_days"):
                changed(tmp_path, change)
