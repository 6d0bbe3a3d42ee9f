"""Controls over the wire: a row that says it is one becomes a run of its target, once; the others stay listed."""

import datetime

from django.urls import reverse
from django.utils import timezone

from lab_integration import controls
from lab_integration.models import ReceivedLine
from mhac.labs.models import AssayLock, ControlLot, ControlRun, ControlTarget, LabResult

from .conftest import make_analyzer
from .test_inbox import take


def control(number, value, *, lot="TESTLOT-1", unit="mmol/L"):
    measured = timezone.localtime() - datetime.timedelta(hours=1)
    return (
        f"MSH|^~\\&|BENCH|LAB|||{measured:%Y%m%d%H%M%S}||ORU^R01|{number}|P|2.5.1\rSPM|1|{lot}|||||||||Q\r"
        f"OBR|1\rOBX|1|NM|GLU||{value}|{unit}|||||F|||{measured:%Y%m%d%H%M%S}\r"
    )


def test_controls_find_their_target_by_themselves(kabul, catalogue, cast, as_user):
    analyzer = make_analyzer(kabul)
    first = take(analyzer, control("C1", "5.6"))
    assert ReceivedLine.objects.get().state == "QC"
    assert controls.take([first]) == 0
    page = as_user(cast.lab).get(reverse("lab_integration:controls")).content.decode()
    assert "TESTLOT-1" in page
    assert "5.6" in page

    expires = kabul.today() + datetime.timedelta(days=30)
    lot = ControlLot.objects.create(
        clinic=kabul, material="Test control", level="1", lot="TESTLOT-1", expires_on=expires
    )
    ControlTarget.objects.create(
        lot=lot, test=catalogue["glu"], instrument=analyzer.name, mean="5.5", sd="0.1", set_by=cast.lsu
    )
    # What came before its target was entered is taken by the next look, once.
    assert (controls.take_waiting(timezone.now()), controls.take_waiting(timezone.now())) == (1, 0)
    run = ControlRun.objects.get()
    assert (run.verdict, run.entered_by, str(run.target.lot)) == ("in", None, "Test control 1, TESTLOT-1")
    assert "TESTLOT-1" not in as_user(cast.lab).get(reverse("lab_integration:controls")).content.decode()

    others = [take(analyzer, control("C2", "5.9", lot="TESTLOT-9")), take(analyzer, control("C3", "high"))]
    assert controls.take(others) == 0
    assert len(controls.unmatched(cast.lab)) == 2
    failed = control("C4", "5.9")
    assert controls.take([take(analyzer, failed)]) == 1
    lock = AssayLock.objects.get()
    assert (lock.because, lock.instrument, LabResult.objects.count()) == ("1-3s", analyzer.name, 0)
    # The same bytes again are the same control.
    assert controls.take([take(analyzer, failed)]) == 0
    assert as_user(cast.mgr).get(reverse("lab_integration:controls")).status_code == 403
    assert controls.unmatched(cast.herat_lab) == []
