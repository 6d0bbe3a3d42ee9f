"""A file in which every other line is bad: each is one error with its path and a sentence, the rest is answered."""

import json
import os
import subprocess
import sys
from pathlib import Path

from .made import record

ROOT = Path(__file__).parents[2]
# What reading ten megabytes at once several times over would need, and a careful reader does not.
MEMORY_LIMIT_KIB = 128 * 1024
# A small process stands between: a child's peak would count what the tests themselves hold.
MEASURED = """
import resource, subprocess, sys
status = subprocess.call(sys.argv[1:])
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss, file=sys.stderr)
sys.exit(status)
"""
LONG = 10 * 1024 * 1024


def line(**changes):
    return json.dumps(record() | changes)


TEXT = line(findings={"hba1c": {"drawn": "2026-11-21", "ngsp_percent": 5.5}})
BAD = [
    (line(colour="red"), "colour"),
    (line(examined="2026-02-30"), "examined"),
    (line(findings={"vitals": {"height_cm": 1.7}}), "findings.vitals.height_cm"),
    (line(findings={"creatinine": {"drawn": "2026-11-21", "mg_dl": 88}}), "findings.creatinine.mg_dl"),
    (line(findings={"creatinine": {"drawn": "2026-11-21", "umol_l": 88}}), "findings.creatinine.umol_l"),
    (line(decisions=[{"code": "use_age", "age": -3, "reason": "teeth"}]), "decisions[0].age"),
    (line(person={"sex": "male", "born": "2027-01-01"}), "person.born"),
    (line(id="x" * LONG), ""),
    (line(person={"sex": "male", "born": "1990-01-01", "adopted": "x" * 3_000_000}), "person.adopted"),
    ("{not json", ""),
    ("[" * 200_000, ""),
    ('{"id": "t1", "person": ' + '{"a": ' * 100_000 + "1" + "}" * 100_001, ""),
    (TEXT.replace("5.5", "NaN"), "findings.hba1c.ngsp_percent"),
    (TEXT.replace("5.5", "-Infinity"), "findings.hba1c.ngsp_percent"),
    (TEXT.replace("5.5", '5.5, "ngsp_percent": 5.6'), "findings.hba1c.ngsp_percent"),
    (TEXT.replace('"id": "t1"', '"id": "t1", "id": "t2"'), "id"),
    (b'{"id": "\xff\xfe"}', ""),
    (b"\x00" * 1000, ""),
]


def test_bad_lines_are_refused_one_by_one_in_little_memory(tmp_path):
    good = line(id="good")
    file = tmp_path / "people.jsonl"
    with file.open("wb") as out:
        for bad, _ in BAD:
            out.write((bad if isinstance(bad, bytes) else bad.encode()) + f"\n{good}\n".encode())
    done = subprocess.run(
        [sys.executable, "-c", MEASURED, sys.executable, "manage.py", "assess", str(file)],
        cwd=ROOT,
        env={"PATH": os.environ.get("PATH", "")},
        capture_output=True,
        check=False,
    )
    assert done.returncode == 1
    peak_kib = int(done.stderr)
    given = [json.loads(each) for each in done.stdout.splitlines()]
    assert len(given) == 2 * len(BAD)
    for (bad, path), refused, answered in zip(BAD, given[::2], given[1::2], strict=True):
        assert set(refused) == {"id", "error"}, bad[:200]
        assert refused["error"]["path"] == path, (bad[:200], refused)
        message = refused["error"]["message"]
        assert message.endswith(".")
        assert len(message) < 1000
        assert answered["id"] == "good"
        assert "error" not in answered
    assert peak_kib < MEMORY_LIMIT_KIB
