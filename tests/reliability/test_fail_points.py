"""The worker ended exactly at each step: what it had in hand is done once by the next, and no order goes out twice."""

import datetime
import signal
import socket
import threading

import pytest
from django.db import connection
from django.utils import timezone

from lab_integration import mllp, receive, send
from lab_integration.models import ReceivedLine, ReceivedMessage, SentMessage
from mhac.labs.models import LabOrder, LabResult
from tests.lab_integration.conftest import catalogue, make_analyzer, make_specimen, result  # noqa: F401
from tests.processes import database_url
from tests.reliability import processes

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


def ends_at(monkeypatch, point):
    """Run one turn of the worker as a process of its own; it must end itself at `point`."""
    monkeypatch.setenv("DATABASE_URL", database_url())
    connection.close()
    dying = processes.start(processes.WORK, fail_at=point, once=True)
    dying.join(60)
    assert dying.exitcode == -signal.SIGKILL


@pytest.mark.parametrize(
    "point, read", [("before_process", 0), ("between_lines", 0), ("before_filed", 0), ("after_filed", 3)]
)
def test_a_worker_ended_at_a_step_leaves_all_of_a_message_or_nothing(
    kabul,
    cast,
    catalogue,  # noqa: F811
    monkeypatch,
    point,
    read,
):
    analyzer = make_analyzer(kabul)
    for place in range(3):
        tube = make_specimen(kabul, cast.cli, [catalogue["alt"]])
        body = result(tube.accession, number=str(place), value=str(20 + place)).encode()
        receive.take("127.0.0.1", body, analyzer=analyzer, clinic=kabul, transport="mllp", received=timezone.now())
    ends_at(monkeypatch, point)
    assert LabResult.objects.count() == ReceivedLine.objects.count() == read
    assert ReceivedMessage.objects.unread().count() == 3 - read
    while receive.process_some():
        pass
    assert LabResult.objects.count() == LabResult.history.count() == ReceivedLine.objects.count() == 3
    assert set(ReceivedMessage.objects.values_list("state", flat=True)) == {"PROCESSED"}
    assert LabOrder.objects.filter(state="resulted").count() == 3


class Taker:
    """An analyzer that takes orders and answers each with an acknowledgement."""

    def __init__(self):
        self.door, self.taken = socket.create_server(("127.0.0.1", 0)), []
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                line, _address = self.door.accept()
            except OSError:
                return
            with line:
                deframer = mllp.Deframer()
                while data := line.recv(65536):
                    for found in deframer.feed(data):
                        self.taken.append(found.body)
                        number = found.body.split(b"|")[9]
                        answer = b"MSH|^~\\&|A||||20260101||ACK|1|P|2.5.1\rMSA|AA|" + number + b"\r"
                        line.sendall(mllp.frame(answer))


@pytest.mark.parametrize("point, sent", [("before_sent", 0), ("after_sent", 1)])
def test_an_order_in_hand_when_the_worker_ends_is_shown_and_never_sent_twice(
    kabul,
    cast,
    catalogue,  # noqa: F811
    monkeypatch,
    point,
    sent,
):
    taker = Taker()
    make_analyzer(kabul, outbound_host="127.0.0.1", outbound_port=taker.port)
    make_specimen(kabul, cast.cli, [catalogue["alt"]])
    ends_at(monkeypatch, point)
    assert (len(taker.taken), SentMessage.objects.get().state) == (sent, "SENT")
    later = timezone.now() + datetime.timedelta(minutes=5)
    send.prepare_orders(later)
    send.send_waiting(later)
    taker.door.close()
    assert (len(taker.taken), SentMessage.objects.get().state) == (sent, "UNKNOWN")
