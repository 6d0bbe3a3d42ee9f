"""A clinic's own editions: read from its folder by every command, and a mistake in them stops the start."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from .made import record
from .test_programme import LATER, edition

ROOT = Path(__file__).parents[2]
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


@pytest.mark.parametrize(("command", "secrets"), [(["assess", "-"], {}), (["check"], SECRETS)])
def test_the_start_stops_without_a_traceback(tmp_path, command, secrets):
    edition(tmp_path, "ca-2026", LATER, ("from_age = 5", "from_aeg = 5"))
    done = manage(tmp_path, *command, **secrets)
    (said,) = done.stderr.decode().splitlines()
    assert done.returncode == 2
    assert done.stdout == b""
    assert said.startswith(f"{tmp_path / 'ca-2026.toml'}, line ")
    assert "requires[2].from_aeg: The key 'from_aeg' is not known here." in said
