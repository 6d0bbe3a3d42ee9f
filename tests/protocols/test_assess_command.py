"""The door: `manage.py assess`, on a bare machine and inside the clinic."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command

from .made import record

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "secrets", [{}, {"SECRET_KEY": "x" * 60, "DATABASE_URL": "postgres://nobody@127.0.0.1:1/none"}]
)
def test_it_answers_with_and_without_secrets_and_needs_no_database(secrets):
    made = json.dumps(record())
    done = subprocess.run(
        [sys.executable, "manage.py", "assess", "-"],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", ""), **secrets},
        input=f"{made}\n".encode(),
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    assert json.loads(done.stdout)["id"] == "t1"


def test_inside_the_clinic(tmp_path, capsysbinary):
    file = tmp_path / "people.jsonl"
    file.write_text(json.dumps(record()) + "\n")
    call_command("assess", str(file))
    assert json.loads(capsysbinary.readouterr().out)["id"] == "t1"
    file.write_text(json.dumps(record() | {"colour": 1}) + "\n")
    with pytest.raises(SystemExit) as ended:
        call_command("assess", str(file))
    assert ended.value.code == 1
    assert json.loads(capsysbinary.readouterr().out)["error"]["path"] == "colour"


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(CommandError) as fault:
        call_command("assess", str(tmp_path / "none.jsonl"))
    assert fault.value.returncode == 2
    assert "cannot be read" in str(fault.value)
