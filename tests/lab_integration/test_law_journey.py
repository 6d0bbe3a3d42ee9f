"""An order goes to the analyzer over a real socket, its result comes back, is stored, answered, matched and filed."""

import datetime

import pytest
from django.utils import timezone

from lab_integration import receive, send
from lab_integration.models import ReceivedMessage, SentStep
from lab_integration.simulator.assay import Assay
from lab_integration.simulator.law import Analyzer as Device
from mhac.labs.models import LabOrder, LabResult

from .conftest import eventually, make_analyzer, make_specimen

pytestmark = pytest.mark.django_db(transaction=True)

MENU = {
    "ALT": Assay("U/L", 5, 40, 0),
    "GLU": Assay("mmol/L", 3.9, 6.1, 1),
    "HIV": Assay(words=("nonreactive", "reactive"), odd_one_in=10**9),
}


@pytest.fixture
def device(wire):
    device = Device(MENU, ("127.0.0.1", wire.ports[0]), delay=0.05)
    port = device.open()
    yield device, port
    device.close()


def work():
    """What `work_lab` does in one turn."""
    now = timezone.now()
    while receive.process_next(now):
        pass
    receive.retry_waiting(now)
    send.prepare_orders(now)
    send.send_waiting(now)


def test_from_order_to_filed_result(kabul, cast, catalogue, wire, device):
    played, port = device
    make_analyzer(kabul, "Device", outbound_host="127.0.0.1", outbound_port=port)
    specimen = make_specimen(kabul, cast.cli, catalogue.values())
    work()
    assert {step.state for step in SentStep.objects.all()} == {"ACCEPTED"}
    assert SentStep.objects.count() == 3
    eventually(lambda: played.delivered)
    message = ReceivedMessage.objects.get()
    assert message.state == "RECEIVED"
    assert b"MSA|AA|" in bytes(message.reply)
    work()
    message.refresh_from_db()
    assert (message.state, message.observations, message.type) == ("PROCESSED", 3, "OUL^R22")
    assert set(message.lines.values_list("state", flat=True)) == {"FILED"}
    results = LabResult.objects.filter(order__specimen=specimen)
    assert {one.order.test.key for one in results} == {"alt", "glu", "hiv"}
    assert {one.state for one in results} == {"filed"}
    assert set(LabOrder.objects.values_list("state", flat=True)) == {"resulted"}
    assert {step.state for step in SentStep.objects.all()} == {"DONE"}


def test_an_order_is_sent_once(kabul, cast, catalogue, wire, device):
    played, port = device
    make_analyzer(kabul, "Device", outbound_host="127.0.0.1", outbound_port=port)
    make_specimen(kabul, cast.cli, [catalogue["alt"]])
    work()
    work()
    assert SentStep.objects.count() == 1
    assert len(played.steps) == 1


def test_a_code_the_analyzer_does_not_know_is_refused_by_step(kabul, cast, catalogue, wire):
    device = Device({"ALT": MENU["ALT"]}, ("127.0.0.1", wire.ports[0]), delay=0.05)
    port = device.open()
    make_analyzer(kabul, "Device", outbound_host="127.0.0.1", outbound_port=port)
    make_specimen(kabul, cast.cli, [catalogue["alt"], catalogue["glu"]])
    work()
    assert dict(SentStep.objects.values_list("code", "state")) == {"ALT": "ACCEPTED", "GLU": "REFUSED"}
    device.close()


def test_an_analyzer_that_is_off_gets_its_order_later(kabul, cast, catalogue, wire):
    make_analyzer(kabul, "Device", outbound_host="127.0.0.1", outbound_port=9)
    make_specimen(kabul, cast.cli, [catalogue["alt"]])
    work()
    step = SentStep.objects.get()
    assert step.message.state == "WAITING"
    assert "Device was not reached" in step.message.reason
    device = Device(MENU, ("127.0.0.1", wire.ports[0]), delay=0.05)
    step.message.analyzer.outbound_port = device.open()
    step.message.analyzer.save()
    send.send_waiting(timezone.now() + datetime.timedelta(seconds=10))
    step.refresh_from_db()
    assert step.state == "ACCEPTED"
    device.close()
