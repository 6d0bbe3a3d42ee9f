"""A clinic's own editions: read from its folder by every command, and a mistake in them stops the start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from mhac.protocols.programme import EDITIONS, EditionFault, read_programmes

from .made import record

ROOT = Path(__file__).parents[2]
CANADA = (EDITIONS / "ca-2020.toml").read_text(encoding="utf-8")
SECRETS = {"SECRET_KEY": "x" * 60, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}


def manage(folder, *arguments, stdin=b"", **secrets):
    return subprocess.run(
        [sys.executable, "manage.py", *arguments],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), "MHAC_PROGRAMMES": str(folder), **secrets},
        input=stdin,
        capture_output=True,
        check=False,
        timeout=60,
    )


def edition(folder, name, *changes):
    content = CANADA.replace('edition = "ca-2020"', f'edition = "{name}"')
    for old, new in changes:
        assert old in content
        content = content.replace(old, new, 1)
    (folder / f"{name}.toml").write_text(content, encoding="utf-8")


LATER = ("in_force = 2020-01-01", "in_force = 2026-11-21")
SCHEME = ('programme = "ca"', 'programme = "labour-orchards"')


def test_a_clinics_folder_overrides_by_date_and_adds_a_programme(tmp_path):
    """A later edition of a programme of the package from its day on, and a labour scheme with its own panel."""
    edition(tmp_path, "ca-2026", LATER, ("from_age = 5", "from_age = 6"))
    edition(tmp_path, "labour-orchards-2026", SCHEME, LATER, ('item = "creatinine"', 'item = "xpert"'))
    five = record("ca", born="2021-11-20")
    asked = [
        five | {"id": "before", "examined": "2026-11-20"},
        five | {"id": "from"},
        record("ca") | {"id": "scheme", "programme": "labour-orchards"},
        record("ca") | {"id": "early", "programme": "labour-orchards", "examined": "2026-11-20"},
    ]
    done = manage(tmp_path, "assess", "-", stdin="\n".join(map(json.dumps, asked)).encode())
    found = {given["id"]: given for given in map(json.loads, done.stdout.splitlines())}
    assert done.returncode == 1, done.stderr.decode()
    assert "urinalysis" in found["before"]["required"]
    assert "urinalysis" not in found["from"]["required"]
    assert {"xpert", "syphilis"} <= set(found["scheme"]["required"])
    assert found["early"]["error"]["path"] == "examined"


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


@pytest.mark.parametrize(("command", "secrets"), [(["assess", "-"], {}), (["check"], SECRETS)])
def test_the_start_stops_without_a_traceback(tmp_path, command, secrets):
    edition(tmp_path, "ca-2026", LATER, ("from_age = 5", "from_aeg = 5"))
    done = manage(tmp_path, *command, **secrets)
    (said,) = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert done.stdout == b""
    assert said.startswith(f"{tmp_path / 'ca-2026.toml'}, line ")
    assert "requires[2].from_aeg: The key 'from_aeg' is not known here." in said


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
