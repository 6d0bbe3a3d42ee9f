"""An order that cannot be written waits by itself: the others leave, an alarm stands, and it leaves once it is mended."""

import datetime

import pytest
from django.core.management import call_command
from django.urls import reverse
from django.utils import timezone

from lab_integration import receive, send
from lab_integration.models import Alarm, SentMessage, SentStep
from mhac.labs.models import LabOrder
from tests.reliability.test_fail_points import Taker

from .conftest import PROFILE, make_analyzer, make_specimen

pytestmark = pytest.mark.django_db
TOO_LONG = "G" * 200  # a profile takes it, OBR-4 of 2.5.1 holds 199


def mapped(code):
    """A profile in which glucose has this code."""
    rows = [row | {"code": code if row["code"] == "GLU" else row["code"]} for row in PROFILE["code_map"]]
    return {"code_map": rows, "sender": "BS240^Mindray"}


def test_one_order_that_cannot_be_written_stops_no_other(kabul, cast, catalogue, as_user):
    taker = Taker()
    port = {"outbound_host": "127.0.0.1", "outbound_port": taker.port}
    analyzer = make_analyzer(kabul, "Chemistry", profile=mapped(TOO_LONG), **port)
    tubes = [make_specimen(kabul, cast.cli, [catalogue[key]]) for key in ("alt", "glu", "hiv")]
    call_command("work_lab", once=True)
    states = dict(SentMessage.objects.values_list("accession", "state"))
    assert [states[tube.accession] for tube in tubes] == ["ANSWERED", "HELD", "ANSWERED"]
    # MSH-5 is the name by which the analyzer calls itself.
    assert len(taker.taken) == 2 and all(body.split(b"|")[4] == b"BS240" for body in taker.taken)

    held = SentMessage.objects.get(state="HELD")
    assert (bytes(held.body), held.attempts) == (b"", 1) and "exceed the max length" in held.reason
    assert Alarm.objects.standing().get(kind="unwritten").figure == 1
    lsu, page = as_user(cast.lsu), reverse("lab_integration:sent", args=[held.pk])
    assert "1 orders cannot be written" in lsu.get(reverse("lab_integration:alarms")).text
    assert "Look at the codes of its tests" in lsu.get(page).text
    assert tubes[1].accession in lsu.get(reverse("lab_integration:inbox") + "?tab=orders").text

    # It is tried later and later, and no second one is made.
    now = held.next_try_at - datetime.timedelta(seconds=5)
    for seconds, attempts in ((4, 1), (60, 2), (61, 2), (600, 3), (601, 3)):
        send.prepare_orders(now + datetime.timedelta(seconds=seconds))
        held.refresh_from_db()
        assert (held.state, held.attempts) == ("HELD", attempts)
    assert SentMessage.objects.count() == 3
    again = reverse("lab_integration:send_again", args=[held.pk])
    assert "still cannot be written" in lsu.post(again, follow=True).text
    assert as_user(cast.lab).post(again).status_code == 403

    # With the code mended a message of its own leaves at once, and the held one is closed.
    analyzer.profile = mapped("GLUC")
    analyzer.save()
    later = timezone.now() + datetime.timedelta(seconds=1)
    send.prepare_cancellations(later)
    send.prepare_orders(later)
    send.send_waiting(later)
    held.refresh_from_db()
    assert (held.state, held.reason) == ("ANSWERED", "Cancelled before it was sent.")
    assert len(taker.taken) == 3 and b"|GLUC" in taker.taken[2]
    assert SentStep.objects.get(code="GLUC").state == "ACCEPTED"
    call_command("work_lab", once=True)
    assert not Alarm.objects.standing().filter(kind="unwritten").exists()
    taker.door.close()


def test_what_was_held_leaves_by_a_button_when_its_cause_is_gone(kabul, cast, catalogue, as_user):
    """The cause lay elsewhere than in the codes: the same steps are written anew, and none is asked for twice."""
    make_analyzer(kabul, profile=mapped("GLU"), outbound_host="127.0.0.1", outbound_port=9)
    tube = make_specimen(kabul, cast.cli, [catalogue["glu"]])
    now = timezone.now()
    assert send.prepare_orders(now) == 1
    SentMessage.objects.update(state="HELD", body=b"", attempts=3, next_try_at=now + datetime.timedelta(minutes=5))
    assert send.prepare_orders(now) == 0
    held = SentMessage.objects.get()
    page = as_user(cast.lsu).post(reverse("lab_integration:send_again", args=[held.pk]), follow=True)
    held.refresh_from_db()
    assert "It is sent again." in page.text and (held.state, held.attempts) == ("WAITING", 0)
    assert tube.accession.encode() in bytes(held.body)
    # Held once more and not wanted any longer: it is never sent.
    SentMessage.objects.update(state="HELD")
    LabOrder.objects.update(state="cancelled")
    assert send.prepare_cancellations(now) == 1
    held.refresh_from_db()
    assert (held.state, SentStep.objects.get().state) == ("ANSWERED", "CANCELLED")


def test_an_analyzer_that_asks_for_everything_gets_what_can_be_written(kabul, cast, catalogue, caplog):
    analyzer = make_analyzer(kabul, profile=mapped(TOO_LONG))
    tubes = [make_specimen(kabul, cast.cli, [catalogue[key]]) for key in ("alt", "glu", "hiv")]
    now = timezone.now()
    body = (
        b"MSH|^~\\&|BS240^Mindray|B|C|D|20260915||QBP^Q11^QBP_Q11|q1|P|2.5.1|||NE|AL|||||LAB-27^IHE\r"
        b"QPD|WOS_ALL^Work Order Step All^IHE_LABTF|t1\rRCP|I||R\r"
    )
    stored = receive.store("192.0.2.1", body, analyzer=analyzer, clinic=kabul, transport="mllp", received=now)
    said = b"".join(each.body for each in receive.reply(stored, body, analyzer, now))
    assert b"RSP^K11" in said
    assert [tube.accession.encode() in said for tube in tubes] == [True, False, True]
    assert f"the order for {tubes[1].accession} cannot be written" in caplog.text
