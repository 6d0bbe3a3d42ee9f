"""What becomes of the steps of an order: cancelled, refused, refused as a duplicate, sent again under new ids, merged."""

import datetime
import socket
import threading

import pytest
from django.urls import reverse
from django.utils import timezone

from lab_integration import hl7, receive, send
from lab_integration.models import ReceivedMessage, SentMessage, SentStep
from lab_integration.simulator.assay import Assay
from lab_integration.simulator.law import Analyzer as Device
from lab_integration.simulator.law import Work
from mhac.labs.models import LabOrder, LabResult

from .conftest import block, eventually, make_analyzer, make_specimen
from .conftest import send as send_bytes

pytestmark = pytest.mark.django_db(transaction=True)
MENU = {"ALT": Assay("U/L", 5, 40, 0), "GLU": Assay("mmol/L", 3.9, 6.1, 1), "HIV": Assay(words=("nonreactive",))}


def work(later=0):
    """What `work_lab` does in one turn."""
    now = timezone.now() + datetime.timedelta(seconds=later)
    while receive.process_next(now):
        pass
    send.prepare_cancellations(now)
    send.prepare_orders(now)
    send.send_waiting(now)


def steps():
    return dict(SentStep.objects.values_list("code", "state"))


@pytest.fixture
def device(wire):
    """A device that takes long: what it was asked for stays open."""
    device = Device(MENU, ("127.0.0.1", wire.ports[0]), delay=600)
    port = device.open()
    yield device, port
    device.close()


@pytest.fixture
def bench(kabul, cast, catalogue, device):
    make_analyzer(kabul, "Device", outbound_host="127.0.0.1", outbound_port=device[1])
    return make_specimen(kabul, cast.cli, catalogue.values())


class Answering:
    """An analyzer that answers what it is told: `said(rows of the order)` gives the rows after MSH."""

    def __init__(self, said):
        self.said, self.came = said, []
        self.door = socket.create_server(("127.0.0.1", 0))
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                line, _address = self.door.accept()
            except OSError:
                return
            with line:
                rows = line.recv(65536).strip(b"\x0b\x1c\r").decode().split("\r")
                self.came.append(rows)
                number = rows[0].split("|")[9]
                answer = ["MSH|^~\\&|X||||20260101||ORL^O34^ORL_O42|1|P|2.5.1", *self.said(rows, number)]
                line.sendall(block("\r".join(answer) + "\r"))

    def ids(self, place=-1):
        return ids_in(self.came[place])


def ids_in(rows):
    return [row.split("|")[2] for row in rows if row.startswith("OBR")]


@pytest.fixture
def answering(kabul, cast, catalogue):
    """answering(said) is an analyzer that takes one order for two tests and answers so."""
    made = []

    def begin(said):
        played = Answering(said)
        made.append(played)
        make_analyzer(kabul, "Device", outbound_host="127.0.0.1", outbound_port=played.port)
        make_specimen(kabul, cast.cli, [catalogue["alt"], catalogue["glu"]])
        work()
        return played

    yield begin
    for played in made:
        played.door.close()


def test_a_cancelled_order_is_cancelled_at_the_analyzer(bench, device):
    work()
    assert set(steps().values()) == {"ACCEPTED"}
    LabOrder.objects.filter(test__key="glu").update(state="cancelled")
    work()
    assert steps() == {"ALT": "ACCEPTED", "GLU": "CANCELLED", "HIV": "ACCEPTED"}
    asked = SentMessage.objects.last()
    assert (asked.type, asked.state) == ("OML^O33^OML_O33", "ANSWERED")
    order = hl7.parse(bytes(asked.body))
    assert [one.part(1) for one in order.named("ORC")] == ["CA"]
    assert [one.part(2) for one in order.named("OBR")] == [SentStep.objects.get(code="GLU").step_id]
    work()
    assert SentMessage.objects.count() == 2  # once


def test_what_was_measured_cannot_be_cancelled_and_its_result_waits(bench, device):
    work()
    device[0].measured |= device[0].steps
    LabOrder.objects.filter(test__key="glu").update(state="cancelled")
    work()
    step = SentStep.objects.get(code="GLU")
    assert (step.state, step.reason) == ("ACCEPTED", "It could not be cancelled.")
    device[0].deliver([Work("Device", bench.accession, "GLU", step.step_id)])
    work()
    assert [line.state for line in ReceivedMessage.objects.latest("received_at").lines.all()] == ["NOT_ORDERED"]


def test_an_order_that_was_not_sent_yet_is_not_sent_at_all(kabul, cast, catalogue, wire):
    make_analyzer(kabul, "Device", outbound_host="127.0.0.1", outbound_port=9)
    make_specimen(kabul, cast.cli, [catalogue["alt"]])
    work()
    LabOrder.objects.update(state="cancelled")
    work()
    sent = SentMessage.objects.get()
    assert (sent.state, sent.reason) == ("ANSWERED", "Cancelled before it was sent.")
    assert steps() == {"ALT": "CANCELLED"}


def test_what_was_cancelled_and_ordered_again_has_a_new_id(bench, device):
    work()
    LabOrder.objects.filter(test__key="glu").update(state="cancelled")
    work()
    LabOrder.objects.filter(test__key="glu").update(state="collected")
    work()
    made = SentStep.objects.filter(code="GLU").order_by("id")
    assert [one.state for one in made] == ["CANCELLED", "ACCEPTED"]
    assert made[0].step_id != made[1].step_id


def test_a_specimen_that_was_rejected_is_cancelled_whole(bench, device):
    work()
    type(bench).objects.update(state="rejected")
    work()
    assert set(steps().values()) == {"CANCELLED"}


def test_a_tube_that_stands_before_another_analyzer_is_cancelled_at_the_first(bench, device, kabul, wire):
    work()
    make_analyzer(
        kabul, "Device two", profile={"sender": "TWO", "code_map": [{"code": "A", "test": "alt", "unit": "U/L"}]}
    )
    text = (
        "MSH|^~\\&|TWO||||20260915||QBP^Q11^QBP_Q11|q1|P|2.5.1|||NE|AL|||||LAB-27^IHE\r"
        f"QPD|WOS^Work Order Step^IHE_LABTF|t1|{bench.accession}\rRCP|I||R\r"
    )
    assert b"|A\r" in send_bytes(wire.ports[0], block(text), until=2)
    work()
    assert steps() == {"ALT": "CANCELLED", "GLU": "ACCEPTED", "HIV": "ACCEPTED", "A": "SENT"}


def test_the_words_of_each_step_count(answering):
    played = answering(
        lambda rows, number: [
            f"MSA|AA|{number}",
            *(f"ORC|{word}|{one}" for word, one in zip(("OK", "UA"), ids_in(rows), strict=True)),
        ]
    )
    assert steps() == {"ALT": "ACCEPTED", "GLU": "REFUSED"}
    assert len(set(played.ids())) == 2


@pytest.mark.parametrize(
    "rows, state, reason",
    [
        (["MSA|AR|{}", "ERR|||101^Required field missing|E||||no container"], "REFUSED", "101 no container"),
        (["MSA|AR|{}"], "REFUSED", "UA"),
        (["MSA|CR|{}|bad"], "REFUSED", "bad"),
        (["MSA|AA|{}"], "ACCEPTED", ""),
    ],
)
def test_without_words_for_the_steps_the_whole_counts(answering, rows, state, reason):
    answering(lambda _rows, number: [row.format(number) for row in rows])
    assert steps() == {"ALT": state, "GLU": state}
    assert {step.reason for step in SentStep.objects.all()} == {reason}


def test_refused_as_a_duplicate_is_no_fault_of_the_sample(answering):
    answering(lambda _rows, number: [f"MSA|AR|{number}", "ERR|||205^Duplicate key identifier|E"])
    assert steps() == {"ALT": "REFUSED", "GLU": "REFUSED"}
    assert all("the sample is not at fault" in step.reason for step in SentStep.objects.all())


def test_what_could_not_be_taken_just_now_comes_again_under_new_ids_three_times(answering):
    played = answering(lambda _rows, number: [f"MSA|AE|{number}|busy"])
    sent = SentMessage.objects.get()
    assert (sent.state, sent.reason) == ("WAITING", "busy")
    work(20)
    work(40)
    work(60)
    sent.refresh_from_db()
    assert (sent.state, len(played.came)) == ("REFUSED", 3)
    every = [one for place in range(3) for one in played.ids(place)]
    assert len(set(every)) == 6
    assert len({rows[0].split("|")[9] for rows in played.came}) == 3
    assert steps() == {"ALT": "REFUSED", "GLU": "REFUSED"}


def test_an_answer_to_another_message_is_none(answering):
    played = Answering(lambda _rows, _number: ["MSA|AA|MHSOMETHINGELSE"])
    with socket.create_connection(("127.0.0.1", played.port), timeout=5) as line, pytest.raises(ConnectionError):
        send.exchange(line, b"MSH|^~\\&|||||||OML^O33|MH1|P|2.5.1\r", "MH1")
    played.door.close()


def test_what_was_refused_is_sent_again_under_new_ids(answering):
    answers = iter(["MSA|AR|{}", "MSA|AA|{}"])
    played = answering(lambda _rows, number: [next(answers).format(number)])
    again = send.send_again(SentMessage.objects.get(), timezone.now())
    work()
    again.refresh_from_db()
    assert again.state == "ANSWERED"
    assert not set(played.ids(0)) & set(played.ids(1))
    assert sorted(SentStep.objects.values_list("state", flat=True)) == ["ACCEPTED", "ACCEPTED", "REFUSED", "REFUSED"]
    first = SentMessage.objects.first()
    assert (first.state, first.reason) == ("ANSWERED", f"Sent again as {again.control_id}.")


def test_a_supervisor_sends_again_what_was_refused_and_nobody_else_does(answering, as_user, cast):
    answers = iter(["MSA|AR|{}", "MSA|AA|{}"])
    answering(lambda _rows, number: [next(answers).format(number)])
    first = SentMessage.objects.get()
    url, page = (reverse(f"lab_integration:{name}", args=[first.pk]) for name in ("send_again", "sent"))
    assert as_user(cast.rec).post(url).status_code == 403
    assert as_user(cast.herat_lab).post(url).status_code in {403, 404}
    client = as_user(cast.lsu)
    assert url in client.get(page).text
    assert client.get(url).status_code == 405
    assert client.post(url).status_code == 302
    assert SentMessage.objects.count() == 2
    # Pressed twice it is sent once more, not twice.
    client.post(url)
    assert SentMessage.objects.count() == 2
    assert url not in client.get(page).text


def test_what_is_no_longer_wanted_is_not_sent_again(answering):
    answering(lambda _rows, number: [f"MSA|AR|{number}"])
    LabOrder.objects.update(state="cancelled")
    sent = SentMessage.objects.get()
    assert send.send_again(sent, timezone.now()) is None
    assert SentMessage.objects.get().reason == "Nothing of it is wanted any more."


def test_nothing_to_do_is_said_at_the_analyzers_own_port_too(kabul, cast, catalogue, wire, answering):
    played = answering(lambda _rows, number: [f"MSA|AA|{number}"])
    text = (
        "MSH|^~\\&|X||||20260915||QBP^Q11^QBP_Q11|q1|P|2.5.1|||NE|AL|||||LAB-27^IHE\r"
        "QPD|WOS^Work Order Step^IHE_LABTF|t1|KBL2699999X\rRCP|I||R\r"
    )
    answer = send_bytes(wire.ports[0], block(text), until=1)
    assert b"RSP^K11" in answer
    work()
    assert [row[:6] for row in played.came[-1]] == ["MSH|^~", "SPM|1|", "SAC|||", "ORC|DC"]


def test_results_of_one_specimen_may_come_in_parts_and_unasked(bench, device):
    work()
    played = device[0]
    one, two = (Work("Device", bench.accession, code, "") for code in ("ALT", "GLU"))
    two.step = '""'  # measured by hand at the analyzer: LAW says so by an empty order number
    one.step = SentStep.objects.get(code="ALT").step_id
    played.deliver([one])
    played.deliver([two])
    work()
    assert sorted(LabResult.objects.values_list("order__test__key", flat=True)) == ["alt", "glu"]
    assert steps() == {"ALT": "DONE", "GLU": "DONE", "HIV": "ACCEPTED"}
    eventually(lambda: ReceivedMessage.objects.filter(state="PROCESSED").count() == 2)
