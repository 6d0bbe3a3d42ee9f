"""The command's work on text: order, refusals, limits, statuses. The door itself is run as a process."""

import io
import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mhac.protocols import rehearsal

from .made import PROGRAMMES, record

ROOT = Path(__file__).parents[2]


def lines(text):
    stream = io.BytesIO(text if isinstance(text, bytes) else text.encode())
    return list(rehearsal.answers(stream, PROGRAMMES))


def test_one_answer_per_line_in_order():
    first, second = json.dumps(record() | {"id": "a"}), json.dumps(record("ca") | {"id": "b"})
    given = lines(f"\n{first}\r\n   \n{second}\n\n")
    assert [each["id"] for each in given] == ["a", "b"]
    assert all("error" not in each for each in given)


def test_the_last_line_needs_no_end_and_a_byte_order_mark_is_no_fault():
    assert [each["id"] for each in lines(b"\xef\xbb\xbf" + json.dumps(record()).encode())] == ["t1"]


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "7",
        '"text"',
        "null",
        "{}{}",
        '{"id": "x",}',
        b'{"id": "\xff"}',
        "[" * 100_000,
        "{'id': 'x'}",
        b"\x00\x01",
    ],
)
def test_text_that_is_no_object(text):
    (given,) = lines(text)
    assert given["id"] is None
    assert given["error"]["path"] == ""
    assert given["error"]["message"].endswith(".")


@pytest.mark.parametrize(("value", "identifier"), [("7", None), ("null", None), ('"x1"', "x1"), ("[]", None)])
def test_the_id_is_null_when_it_cannot_be_read(value, identifier):
    (given,) = lines(f'{{"id": {value}, "colour": 1}}')
    assert set(given) == {"id", "error"}
    assert given["id"] == identifier


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e400", "1e-400", "9" * 5000, "1e999999999"])
def test_numbers_that_are_none(value):
    text = json.dumps(record(findings={"creatinine": {"drawn": "2026-11-21", "mg_dl": 1.5}})).replace("1.5", value)
    (given,) = lines(text)
    assert given["id"] == "t1"
    assert given["error"]["path"] == "findings.creatinine.mg_dl"


def test_a_key_that_stands_twice():
    (given,) = lines(json.dumps(record()).replace('"sex":', '"born": "1990-01-01", "sex":'))
    assert given["error"]["path"] == "person.born"
    assert "twice" in given["error"]["message"]


def test_decimals_are_not_binary_floats():
    raw = {"date": "2026-11-21", "nil_iu_ml": 0.34, "tb1_iu_ml": 0.69, "tb2_iu_ml": 0.34, "mitogen_iu_ml": 8.0}
    (given,) = lines(json.dumps(record(born="2016-05-10", findings={"igra": [raw]})))
    assert given["computed"] == {"tb_test": "positive"}


def test_a_line_beyond_the_limit_is_one_error_and_the_next_is_answered():
    long = json.dumps(record() | {"id": "x" * (10 * 1024 * 1024)})
    given = lines(f"{long}\n{json.dumps(record())}\n")
    assert [each["id"] for each in given] == [None, "t1"]
    assert "longer" in given[0]["error"]["message"]


@pytest.mark.parametrize("more", [0, 1])
def test_a_line_at_the_limit(more):
    text = json.dumps(record())
    padded = text[:-1] + " " * (rehearsal.LINE_LIMIT_BYTES + more - len(text)) + "}"
    (given,) = lines(padded)
    assert ("error" in given) is bool(more)


def test_the_answer_is_utf_8_and_a_lone_surrogate_does_not_stop_it():
    assert rehearsal.written({"id": "پروین"}).decode() == '{"id": "پروین"}\n'
    (given,) = lines('{"id": "\\ud800"}')
    assert rehearsal.written(given).decode() == json.dumps(given) + "\n"


def test_the_same_line_gives_the_same_answer():
    text = (Path(__file__).parent / "open.jsonl").read_text(encoding="utf-8").splitlines()[:60]
    cases = "\n".join(json.dumps(json.loads(line)["case"]) for line in text)
    first = [rehearsal.written(each) for each in lines(cases)]
    assert first == [rehearsal.written(each) for each in lines(cases)]


def run(*arguments, stdin=b""):
    return subprocess.run(
        [sys.executable, "-m", "mhac.protocols", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", "")},
        input=stdin,
        capture_output=True,
        check=False,
    )


def test_statuses_of_the_command(tmp_path):
    good, bad = json.dumps(record()), json.dumps(record() | {"colour": 1})
    (tmp_path / "good.jsonl").write_text(good + "\n")
    assert run(str(tmp_path / "good.jsonl")).returncode == 0
    mixed = run("-", stdin=f"{bad}\n{good}\n".encode())
    assert mixed.returncode == 1
    assert [("error" in json.loads(line)) for line in mixed.stdout.splitlines()] == [True, False]
    for missing in (tmp_path / "none.jsonl", tmp_path):
        found = run(str(missing))
        assert (found.returncode, found.stdout) == (2, b"")
        assert b"cannot be read" in found.stderr
    assert run().returncode == 2


def test_an_edition_that_cannot_be_used_stops_the_command(tmp_path):
    (tmp_path / "broken.toml").write_text("edition = 5\n")
    found = run("-", str(tmp_path))
    assert found.returncode == 2
    assert b"broken.toml, line 1, edition" in found.stderr
