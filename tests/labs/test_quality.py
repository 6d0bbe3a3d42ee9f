"""Controls of the bench: measured, judged, locked, opened; what a lock holds back and what it does not."""

import datetime
import threading
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.db import OperationalError, connection, transaction
from django.utils import timezone

from mhac.labs import services
from mhac.labs.models import AssayLock, ControlLot, ControlRun, ControlTarget, LabResult, ReleasedInSpite, Test
from mhac.labs.services import Refused, quality


def ago(**time):
    return timezone.now() - datetime.timedelta(**time)


def lot_of(clinic, *, level="1", lot="TESTLOT-1", expires=365):
    day = clinic.today() + datetime.timedelta(days=expires)
    return ControlLot.objects.create(clinic=clinic, material="Test control", level=level, lot=lot, expires_on=day)


def target_of(scene, *, lot=None, test="hb", instrument="", mean="10", sd="0.5", **fields):
    lot = lot or lot_of(scene.clinic)
    numbers = {"mean": Decimal(mean), "sd": Decimal(sd), "source": fields.pop("source", "maker")}
    test = Test.objects.get(key=test)
    return services.set_target(lot, test=test, instrument=instrument, by=scene.cast.lsu, **numbers, **fields)


def measure(target, *values, by=None, first=20, **fields):
    """One run an hour, the first so many hours ago."""
    found = []
    for place, value in enumerate(values):
        at = ago(hours=first - place)
        found.append(services.measure_control(target, value=Decimal(value), at=at, by=by, **fields))
    return found


def test_targets_are_replaced_and_never_edited(scene, kabul):
    cast = scene.cast
    lot = lot_of(kabul)
    first = target_of(scene, lot=lot)
    second = target_of(scene, lot=lot, mean="10.2", sd="0.4", source="own", measurements=21)
    first.refresh_from_db()
    assert (first.active, first.mean, second.active, second.measurements) == (False, 10, True, 21)
    hb = Test.objects.get(key="hb")
    numbers = {"mean": Decimal(9), "sd": Decimal(1), "source": "maker"}
    with pytest.raises(PermissionDenied):
        services.set_target(lot, test=hb, by=cast.lab, **numbers)
    assert services.set_target(lot, test=Test.objects.get(key="glu"), by=cast.lab, **numbers).active
    for wrong, word in (
        ({"test": Test.objects.get(key="hiv_rdt")}, "not a number"),
        ({"sd": Decimal(0)}, "more than 0"),
        ({"source": "own"}, "how many"),
        ({"source": "own", "measurements": 1}, "at least 2"),
    ):
        with pytest.raises(Refused, match=word):
            services.set_target(lot, by=cast.lsu, **({"test": hb} | numbers | wrong))
    assert ControlTarget.objects.filter(lot=lot, test=hb, active=True).get() == second
    assert second.history.count() == 1
    assert first.history.count() == 2


def test_runs_are_refused_where_the_control_cannot_count(scene, kabul):
    target = target_of(scene)
    with pytest.raises(Refused, match="still to come"):
        measure(target, "10", first=-1)
    with pytest.raises(Refused, match="beyond all measure"):
        measure(target, "10000000000")
    lot = target.lot
    lot.expires_on = kabul.today()
    lot.save()
    assert measure(target, "10", first=0)[0].verdict == "in"
    lot.expires_on = kabul.today() - datetime.timedelta(days=1)
    lot.save()
    with pytest.raises(Refused, match=r"expired on .* Open a new lot"):
        measure(target, "10", first=0)
    with pytest.raises(Refused, match="expired"):
        target_of(scene, lot=lot)
    lot.expires_on = kabul.today()
    lot.save()
    target_of(scene, lot=lot)
    with pytest.raises(Refused, match="was replaced"):
        measure(target, "10", first=0)
    services.end_lot(lot, by=scene.cast.lsu)
    with pytest.raises(Refused, match="out of use"):
        measure(lot.targets.get(active=True), "10", first=0)


def test_a_failed_control_locks_what_was_measured_since_and_is_opened_with_a_note(scene, kabul):
    """From a warning to a lock, to an override, to an opening; with everybody who may not."""
    cast, target = scene.cast, target_of(scene)
    early, held, other = (_result(scene, value) for value in ("14.1", "13.2", "12.9"))
    LabResult.objects.filter(pk=early.pk).update(observed_at=ago(hours=19, minutes=30))
    LabResult.objects.filter(pk=other.pk).update(instrument="Another device")
    runs = measure(target, "10.1", "11.1", "9.8", "11.6")
    assert [(each.verdict, each.broken) for each in runs] == [
        ("in", []), ("warning", ["1-2s"]), ("in", []), ("rejected", ["1-3s"])
    ]  # fmt: skip
    lock = AssayLock.objects.get()
    assert (lock.run, lock.instrument, lock.because, lock.locked_at) == (runs[-1], "", "1-3s", runs[-1].at)
    assert services.verify(early, by=cast.lsu).state == "verified"
    assert services.verify(other, by=cast.lsu).state == "verified"
    with pytest.raises(Refused, match=r"Test control 1, TESTLOT-1 broke 1-3s\. Find the cause"):
        services.verify(held, by=cast.lsu)
    held.refresh_from_db()
    assert held.state == "filed"
    # A second failure is one lock still.
    measure(target, "8.4", first=16)
    assert AssayLock.objects.count() == 1

    for who in (cast.lab, cast.lsu, cast.mgr, cast.herat_lab):
        with pytest.raises(PermissionDenied):
            services.open_assay(lock, because="recalibrated", by=who)
        with pytest.raises(PermissionDenied):
            services.release_in_spite(lock, result=held, because="urgent", by=who)
    with pytest.raises(Refused, match="what was done"):
        services.open_assay(lock, because="  ", by=cast.qco)
    with pytest.raises(Refused, match=r"measure the control again \(1\)"):
        services.open_assay(lock, because="recalibrated", by=cast.qco)
    with pytest.raises(Refused, match="does not hold"):
        services.release_in_spite(lock, result=early, because="urgent", by=cast.qco)

    services.release_in_spite(lock, result=held, because="Repeated at Herat: the same", by=cast.qco)
    assert services.verify(held, by=cast.lsu).state == "verified"
    assert ReleasedInSpite.objects.get().by == cast.qco
    with pytest.raises(PermissionDenied):  # who releases in spite verifies nothing herself
        services.verify(_result(scene, "11"), by=cast.qco)

    # What was rejected does not count against the run that shows whether the repair helped.
    assert measure(target, "10.9", first=2)[0].verdict == "in"
    opened = services.open_assay(lock, because="New reagent, recalibrated", by=cast.qco)
    assert (opened.opened_by, opened.run.note, opened.run.noted_by) == (cast.qco, "New reagent, recalibrated", cast.qco)
    assert services.verify(_result(scene, "12.2"), by=cast.lsu).state == "verified"
    with pytest.raises(Refused, match="opened already"):
        services.open_assay(lock, because="again", by=cast.qco)


def _result(scene, value):
    return scene.entered("blood_count", "hb", value)


def test_a_value_corrected_by_hand_is_held_like_the_instrument_s(scene, kabul):
    """The way round a lock: type over what the locked instrument sent."""
    result = _result(scene, "14.1")
    LabResult.objects.filter(pk=result.pk).update(instrument="Counter A", source="analyzer", entered_by=None)
    target = target_of(scene, instrument="Counter A")
    measure(target, "12")
    typed = services.correct(result, text="14.3", because="typing error", by=scene.cast.lab)
    with pytest.raises(Refused, match="Counter A"):
        services.verify(typed, by=scene.cast.lsu)


def test_levels_of_one_run_are_judged_together(scene, kabul):
    cast = scene.cast
    low, high = target_of(scene), target_of(scene, lot=lot_of(kabul, level="2", lot="TESTLOT-2"), mean="16", sd="0.4")
    assert measure(low, "11.1")[0].broken == ["1-2s"]
    at = ago(hours=20) + datetime.timedelta(minutes=5)
    assert services.measure_control(high, value=Decimal("15.1"), at=at, by=None).broken == ["R-4s"]
    lock = AssayLock.objects.get()
    assert measure(low, "10.1", first=2)[0].verdict == "in"
    # The level that failed is the one that must be measured.
    with pytest.raises(Refused, match=r"again \(2\)"):
        services.open_assay(lock, because="cleaned the probe", by=cast.qco)
    measure(high, "16.1", first=2)
    assert services.open_assay(lock, because="cleaned the probe", by=cast.qco).opened_at
    # A lock of the quality officer's own, for a cause that no rule sees.
    with pytest.raises(PermissionDenied):
        services.lock_assay(low, because="the water is cloudy", by=cast.lsu)
    own = services.lock_assay(low, because="the water is cloudy", by=cast.qco, at=ago(minutes=90))
    with pytest.raises(Refused, match="locked already"):
        services.lock_assay(low, because="again", by=cast.qco)
    with pytest.raises(Refused, match=r"locked since .*: the water is cloudy\. The quality officer"):
        services.verify(_result(scene, "14"), by=cast.lsu)
    with pytest.raises(Refused, match=r"again \(1, 2\)"):
        services.open_assay(own, because="new filter", by=cast.qco)
    measure(low, "10", first=1)
    assert services.open_assay(own, because="new filter", by=cast.qco).opened_by == cast.qco


def test_the_wire_s_controls_are_recorded_once_and_only_where_one_target_fits(scene, kabul):
    target = target_of(scene, instrument="Counter A")
    sent = {"clinic_id": kabul.pk, "instrument": "Counter A", "test": "hb", "number": Decimal("10.25")}
    sent |= {"lot": "testlot-1", "level": "", "at": ago(hours=3), "key": "row-1"}
    run = services.record_control(services.Control(**sent))
    assert (run.target, run.value, run.entered_by, run.wire_key) == (target, Decimal("10.25"), None, "row-1")
    assert services.record_control(services.Control(**sent)) == run
    assert services.controls_recorded(["row-1", "row-2"]) == {"row-1"}
    for wrong in (
        {"number": None},
        {"lot": ""},
        {"lot": "TESTLOT-9"},
        {"level": "2"},
        {"test": "glu"},
        {"instrument": "Counter B"},
        {"at": ago(hours=-1)},
    ):
        assert services.record_control(services.Control(**(sent | {"key": "row-2"} | wrong))) is None
    # One lot number on both levels of a kit: without the level nobody can say which it was.
    target_of(scene, lot=lot_of(kabul, level="2"), instrument="Counter A")
    assert services.record_control(services.Control(**(sent | {"key": "row-3"}))) is None
    assert services.record_control(services.Control(**(sent | {"key": "row-3", "level": "1"}))).target == target
    assert ControlRun.objects.count() == 2


def test_whoever_verifies_and_whoever_measures_wait_for_each_other(scene, kabul):
    """From another connection: the assay is shared by who verifies, and alone with who measures."""
    result, glu = _result(scene, "14.1"), Test.objects.get(key="glu").pk
    hb = result.order.test_id
    numbers = {"mean": Decimal(10), "sd": Decimal("0.5"), "set_by": scene.cast.lsu}
    target = ControlTarget.objects.create(lot=lot_of(kabul), test_id=hb, **numbers)

    def free(test, *, shared):
        """Whether somebody else could hold the assay now."""

        def ask():
            try:
                with transaction.atomic():
                    connection.cursor().execute("SET LOCAL lock_timeout = '150ms'")
                    quality.hold(kabul.pk, test, "", shared=shared)
                    found.append(True)
            except OperationalError:
                found.append(False)
            finally:
                connection.close()

        found = []
        other = threading.Thread(target=ask)
        other.start()
        other.join()
        return found[0]

    quality.hold_still(result)
    assert (free(hb, shared=True), free(hb, shared=False), free(glu, shared=False)) == (True, False, True)
    services.measure_control(target, value=Decimal(10), at=ago(hours=1), by=None)
    assert free(hb, shared=True) is False
