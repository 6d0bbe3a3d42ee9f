"""The roles table is the permission matrix, cell by cell, as far as rooms are built."""

import csv
from pathlib import Path

import pytest
from django.contrib.auth.models import Group

from mhac.accounts import roles

MATRIX = Path(__file__).parent.parent / "permission_matrix.csv"
# Objects our table has beside the matrix, each with its paragraph in docs/decisions.md.
OURS = {"Ledger: what is asked and why", "Notice: a family's results end soon"}


def matrix():
    cells = {}
    with MATRIX.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            cells.setdefault(row["object"], {})[row["role"]] = row["rights"]
    return cells


@pytest.mark.parametrize("thing", sorted(roles.TABLE))
def test_each_cell_is_the_matrix_s(thing):
    if thing in OURS:
        assert thing not in matrix()
        return
    assert {role: cell for role, cell in matrix()[thing].items() if cell != "–"} == roles.TABLE[thing]


@pytest.mark.parametrize(
    ("cell", "found"),
    [
        ("rcu", {"r", "c", "u"}),
        ("r s(verify)", {"r", "s"}),
        ("rs2! u=correction", {"r", "s"}),
        ("r u! (corrections, N)", {"r", "u"}),
        ("c! → s2", {"c", "s"}),
        ("meta", set()),
        ("–", set()),
        ("r (label data, photo)", {"r"}),
    ],
)
def test_letters_of_a_cell(cell, found):
    assert roles.letters(cell) == found


@pytest.mark.parametrize(
    ("role", "permission", "held"),
    [
        ("LAB", "labs.add_labresult", True),
        ("LAB", "labs.verify_labresult", True),
        ("LAB", "labs.verify_infectious", False),
        ("LSU", "labs.verify_infectious", True),
        ("LSU", "labs.add_labresult", False),
        ("PHY", "decisions.sign", True),
        ("CLI", "decisions.sign", False),
        ("REC", "exams.view_medicalhistory", False),
        ("PAR", "patients.view_patient", False),
        ("PAR", "certificates.download_release", True),
        ("ADM", "patients.view_patient", False),
        ("ADM", "lab_integration.view_payload", False),
        ("AUD", "patients.view_patient", False),
        ("AUD", "accounts.view_access", True),
        ("MGR", "accounts.view_access", False),
        ("MGR", "labs.view_laborder", False),
    ],
)
def test_what_a_role_holds(role, permission, held):
    assert (permission in roles.permissions_of(role)) is held


def test_the_database_holds_the_table(db):
    for role in roles.ROLES:
        group = Group.objects.get(name=role)
        in_database = {
            f"{p.content_type.app_label}.{p.codename}" for p in group.permissions.select_related("content_type")
        }
        assert in_database == roles.permissions_of(role)


def test_the_page_about_roles_is_the_table():
    from mhac.accounts.management.commands.write_roles_page import page

    written = (Path(__file__).parent.parent.parent / "docs" / "roles.md").read_text(encoding="utf-8")
    assert written == page(), "docs/roles.md is old: python manage.py write_roles_page"
