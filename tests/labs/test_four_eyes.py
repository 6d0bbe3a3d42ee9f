"""No door lets the person who brought a result in release it: each door, each way in, each of three people."""

import ast
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from django.core.exceptions import PermissionDenied
from django.db import IntegrityError, connection, transaction
from django.utils import timezone

import mhac
from mhac.labs import matching, services
from mhac.labs.models import LabResult, Test
from tests.conftest import make_user

ROOT = Path(mhac.__file__).parent.parent
STATES = LabResult.State


def by_service(result, user, as_user):
    services.verify(result, by=user)


def by_page(result, user, as_user):
    as_user(user).post(f"/lab/verify/{result.pk}/")


def by_form_of_many(result, user, as_user):
    as_user(user).post("/lab/verify/", {"result": [str(result.pk)]})


DOORS = [by_service, by_page, by_form_of_many]


def order_on(scene, **fields):
    (tube,) = scene.received("hiv", **fields)
    test = Test.objects.get(key="crea")
    return services.add_test(tube, test=test, because="asked for today", by=scene.cast.phy)


def typed_by(scene, author, **fields):
    return services.enter(order_on(scene, **fields), text="1.0", by=author)


def corrected_by(scene, author, **fields):
    first = services.enter(order_on(scene, **fields), text="2.0", by=scene.cast.lab2)
    return services.correct(first, text="1.0", because="read again", by=author)


def decided_on_the_wire_by(scene, author, **fields):
    """As a line that the author chose, matched by hand, or filed by replaying a map of hers."""
    order = order_on(scene, **fields)
    reading = matching.Reading("crea", matching.Value(number=Decimal("1.0")), "mg/dL")
    line = matching.Line(1, order.specimen.accession, matching.Person(), {"": reading}, as_sent="1.0", chosen=True)
    (outcome,) = services.record_results([line], instrument="Test analyzer", rules=matching.Rules(), by=author)
    assert outcome.state == "FILED"
    return LabResult.objects.get(pk=outcome.result)


@pytest.mark.parametrize("way_in", [typed_by, corrected_by, decided_on_the_wire_by])
def test_whoever_brought_it_in_does_not_release_it(scene, as_user, way_in, kabul):
    author, other = scene.cast.lsu, make_user("lsu2", "LSU", kabul)
    for number, door in enumerate(DOORS):
        screening = scene.screening(given=f"Door{number}")
        result = way_in(scene, author, screening=screening)
        for user, released in ((author, False), (scene.cast.rec, False), (other, True)):
            try:
                door(result, user, as_user)
            except (services.Refused, PermissionDenied):
                assert not released
            result.refresh_from_db()
            assert (result.state == STATES.VERIFIED) == released, (door, user)
        assert result.verified_by == other
        # The table itself refuses, whatever the program does.
        with pytest.raises(IntegrityError), transaction.atomic():
            LabResult.objects.filter(pk=result.pk).update(verified_by=author)
        result.verified_by = author
        with pytest.raises(IntegrityError), transaction.atomic():
            result.save()


def test_the_wire_verifies_nothing(scene):
    result = decided_on_the_wire_by(scene, None)
    assert result.state == STATES.FILED and result.entered_by is None and result.verified_by is None
    with pytest.raises(IntegrityError), transaction.atomic():
        LabResult.objects.filter(pk=result.pk).update(state=STATES.VERIFIED, verified_at=timezone.now())


def test_what_the_analyzer_calls_critical_is_critical(scene):
    """Beside our own limits: a creatinine far below ours that the analyzer flags beyond its own."""
    found = {}
    for number, (value, flags) in enumerate([("1.0", ()), ("1.0", ("H",)), ("1.0", ("N", "HH")), ("5.0", ())]):
        order = order_on(scene, screening=scene.screening(given=f"Flag{number}"))
        reading = matching.Reading("crea", matching.Value(number=Decimal(value)), "mg/dL")
        person = matching.Person()
        line = matching.Line(1, order.specimen.accession, person, {"": reading}, as_sent=value, flags=flags)
        (outcome,) = services.record_results([line], instrument="Test analyzer", rules=matching.Rules())
        found[value, flags] = LabResult.objects.get(pk=outcome.result).critical
    assert list(found.values()) == [False, False, True, True]


def calls_of(name):
    """The files that call something of this name with a result, or write who verified."""
    found = set()
    for path in [*ROOT.glob("mhac/**/*.py"), *ROOT.glob("lab_integration/**/*.py")]:
        if "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            called = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == name
            of_labs = called and isinstance(node.func.value, ast.Name) and node.func.value.id in {"services", "labs"}
            written = isinstance(node, ast.Attribute) and isinstance(node.ctx, ast.Store) and node.attr == "verified_by"
            given = isinstance(node, ast.keyword) and node.arg == "verified_by" and "labs" in path.parts
            if of_labs or written or given:
                found.add(path.relative_to(ROOT).as_posix())
    return found


def test_there_are_no_other_doors():
    """The doors above are all there are: one service writes who verified, one view calls it (and the training clinic)."""
    writers = {"mhac/labs/services/results.py", "mhac/labs/views/results.py", "mhac/labs/corrections.py"}
    assert calls_of("verify") <= writers | {"mhac/desk/demo.py", "mhac/desk/waiting.py"}


@pytest.mark.django_db(transaction=True)
def test_two_at_once_verify_once(scene, kabul):
    result = typed_by(scene, scene.cast.lab)
    people, start, answers = [scene.cast.lsu, make_user("lsu2", "LSU", kabul)], threading.Barrier(2), []

    def verify(user):
        start.wait(10)
        try:
            services.verify(result, by=user)
            answers.append("verified")
        except services.Refused as refusal:
            answers.append(str(refusal))
        finally:
            connection.close()

    threads = [threading.Thread(target=verify, args=[user]) for user in people]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(answers) == 2 and answers.count("verified") == 1
    assert any("already verified" in answer for answer in answers)
    assert LabResult.history.filter(id=result.pk, state=STATES.VERIFIED).count() == 1
