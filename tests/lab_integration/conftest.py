"""A bench with invented people, a wire on free ports, and a simulated analyzer that somebody else wrote."""

import datetime
import socket
import threading
import time
from copy import deepcopy
from decimal import Decimal

import pytest
from django.db import connection
from django.utils import timezone

from lab_integration.listener import Listener
from lab_integration.models import Analyzer
from mhac.labs.models import LabOrder, Specimen, Test
from mhac.patients.models import Patient
from mhac.screenings.models import Case, Screening


@pytest.fixture
def catalogue(db):
    """Three tests: a number with a critical limit, another, and a word."""
    rows = [
        Test(key="alt", name="ALT", unit="U/L", kind="numeric", tube="serum", critical_high=Decimal(1000)),
        Test(key="glu", name="Glucose", unit="mmol/L", kind="numeric", decimals=1, tube="serum"),
        Test(key="hiv", name="HIV", kind="coded", allowed=["nonreactive", "reactive"], tube="serum"),
    ]
    for row in rows:
        row.save()
    return {row.key: row for row in rows}


PROFILE = {
    "code_map": [
        {"code": "ALT", "test": "alt", "unit": "U/L"},
        {"code": "GLU", "test": "glu", "unit": "mmol/L"},
        {"code": "HIV", "test": "hiv"},
    ]
}


def make_analyzer(clinic, name="Bench One", **fields):
    """An analyzer that may speak from this machine."""
    fields = {"addresses": ["127.0.0.1"], "profile": deepcopy(PROFILE)} | fields
    return Analyzer.objects.create(clinic=clinic, name=name, **fields)


def make_specimen(clinic, user, tests, *, sex="female", born=datetime.date(1994, 3, 2)):
    """A tube of an invented person with these tests ordered on it."""
    year = timezone.now().year
    patient = Patient.objects.create(
        number=clinic.next_number("P", year),
        clinic=clinic,
        given_name="Zahra",
        family_name="Ahmadi",
        sex=sex,
        born_earliest=born,
        born_latest=born,
    )
    case = Case.objects.create(
        number=clinic.next_number("C", year), clinic=clinic, programme="ca", contact_name="Zahra", created_by=user
    )
    screening = Screening.objects.create(
        case=case, patient=patient, clinic=clinic, programme="ca", edition="ca-test", opened_on=timezone.now().date()
    )
    specimen = Specimen.objects.create(
        screening=screening,
        accession=clinic.next_number("", year),
        clinic=clinic,
        tube="serum",
        collected_at=timezone.now(),
        collected_by=user,
    )
    for test in tests:
        LabOrder.objects.create(
            screening=screening, test=test, specimen=specimen, item="lab", state="collected", ordered_by=user
        )
    return specimen


@pytest.fixture
def wire():
    """A listener on free ports of this machine, stopped at the end."""
    listener = Listener("127.0.0.1", 0, 0)
    thread = threading.Thread(target=listener.serve, daemon=True)
    thread.start()
    yield listener
    listener.stop()
    thread.join(10)
    connection.close()


def send(port, *pieces, until=1, close=False):
    """Write raw bytes to `port` and read until `until` blocks have ended (0: until the line closes); what came."""
    with socket.create_connection(("127.0.0.1", port), timeout=10) as line:
        for piece in pieces:
            line.sendall(piece)
        if close:
            line.shutdown(socket.SHUT_WR)
        got = b""
        while until == 0 or got.count(b"\x1c\r") < until:
            piece = line.recv(65536)
            if not piece:
                break
            got += piece
        return got


def block(text):
    return b"\x0b" + (text.encode() if isinstance(text, str) else text) + b"\x1c\r"


def result(accession, code="ALT", value="31", unit="U/L", number="1", status="F", type_="NM", **header):
    """An ORU^R01 of a small analyzer: one row."""
    sender = header.get("sender", "BENCH")
    return (
        f"MSH|^~\\&|{sender}||||{timezone.now():%Y%m%d%H%M%S}+0000||ORU^R01|{number}|P|2.3.1||||||UNICODE\r"
        f"PID|1\rOBR|1||{accession}|PANEL\rOBX|1|{type_}|{code}||{value}|{unit}|||||{status}|||\r"
    )


def eventually(check, seconds=20):
    """What `check` returns once it is true; fails after `seconds`."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if found := check():
            return found
        time.sleep(0.05)
    raise AssertionError(f"{check} did not come true within {seconds} seconds")
