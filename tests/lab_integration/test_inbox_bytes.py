"""What came is shown so that nothing of it acts, byte by byte and as a file; every opening is written down."""

import pytest
from django.urls import reverse
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lab_integration import balance, by_hand, hl7, lis2, shown
from lab_integration.models import ReceivedLine, ReceivedMessage, SentMessage, SentStep
from mhac.accounts.models import Access

from .conftest import make_analyzer, make_specimen, result
from .test_captures import CAPTURES
from .test_inbox import take

pytestmark = pytest.mark.django_db
HOSTILE = [
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "\u202eKBL\u202c",
    "\u2066x\u2069\u200b",
    "\x1b]0;x\x07\x1b[31m",
    "a\x00b\x85c",
    "{{ 7|add:7 }}{% debug %}",
    "زهرا احمدی",
]
UNSEEN = ["\x1b", "\x00", "\x07", "\x85", "\u202e", "\u2066", "\u200b", "<script>alert", "<img src=x"]


@pytest.fixture
def analyzer(kabul, catalogue):
    return make_analyzer(kabul)


def hostile(text):
    clean = text.replace("\r", "")
    return (
        f"MSH|^~\\&|{clean}||||20260101||ORU^R01|{clean}|P|2.3.1\rPID|1||||{clean}\r"
        f"OBR|1||{clean}|{clean}\rOBX|1|NM|{clean}||{clean}|{clean}||{clean}|||F\rNTE|1||{clean}\r"
    )


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_is_seen_and_does_nothing(as_user, cast, analyzer, text):
    row = take(analyzer, hostile(text))
    client = as_user(cast.lsu)
    pages = [reverse("lab_integration:message", args=[row.pk]), reverse("lab_integration:bytes", args=[row.pk])]
    pages += [reverse("lab_integration:inbox"), reverse("lab_integration:inbox") + "?tab=lines"]
    for address in pages:
        page = client.get(address)
        assert page.status_code == 200
        assert [sign for sign in UNSEEN if sign in page.text] == []
    by_hand.dismiss(row, by=cast.lsu, because="<script>alert(2)</script>")
    page = client.get(reverse("lab_integration:inbox"), {"tab": "dismissed"})
    assert "<script>alert" not in page.text


@pytest.mark.parametrize(
    "body",
    [
        b"MSH|^~\\&|\xff\xfe\xc3(|\r",
        b"\x00" * 50,
        b"",
        b"\xff" * 20,
        b"H|\\^&|||\x80\rR|1|^^^A|1\r",
        "MSH|^~\\&|ا\r".encode(),
    ],
)
def test_bytes_that_are_no_message_are_shown_too(as_user, cast, analyzer, body):
    row = take(analyzer, body)
    page = as_user(cast.lab).get(reverse("lab_integration:message", args=[row.pk]))
    assert page.status_code == 200
    assert "\x00" not in page.text


def test_the_file_is_byte_for_byte_what_came(as_user, cast, analyzer):
    body = result("KBL2600009A").encode() + b"NTE|1||\xff\x00\x1b\r"
    row = take(analyzer, body)
    address = reverse("lab_integration:download", args=[row.pk])
    answer = as_user(cast.lab).get(address)
    assert answer.content == body
    assert answer["Content-Type"] == "application/octet-stream"
    assert answer["Content-Disposition"] == f'attachment; filename="message-{row.pk}.bin"'
    assert answer["X-Content-Type-Options"] == "nosniff"
    access = Access.objects.get(page="lab_integration:download")
    assert (access.user, access.action, access.key) == (cast.lab, "download", str(row.pk))
    assert as_user(cast.adm).get(address).status_code == 403
    assert as_user(cast.herat_lab).get(address).status_code == 404
    assert Access.objects.filter(label="lab_integration.receivedmessage").count() == 1


def test_each_page_of_bytes_is_written_down(as_user, cast, analyzer):
    row = take(analyzer, result("KBL2600009A") + "NTE|1||" + "x" * 9000 + "\r")
    address = reverse("lab_integration:bytes", args=[row.pk])
    client = as_user(cast.lab)
    first, second = client.get(address), client.get(address, {"from": "4096"})
    assert "4d 53 48 7c" in first.text
    assert "001000" in second.text
    assert client.get(address, {"from": "99999999999999"}).status_code == 200
    assert client.get(address, {"from": "-1; drop"}).context["page"].start == 0
    assert Access.objects.filter(page="lab_integration:bytes").count() == 4
    assert as_user(cast.adm).get(address).status_code == 403


def test_hexadecimal_pages_cover_every_byte_once():
    for size in (0, 1, 15, 16, 17, shown.PAGE - 1, shown.PAGE, shown.PAGE + 1, 3 * shown.PAGE):
        body, at, read = bytes(number % 256 for number in range(size)), 0, b""
        while at is not None:
            page = shown.hexadecimal(body, at)
            read += b"".join(bytes.fromhex(numbers) for _offset, numbers, _text in page.rows)
            at = page.after
        assert read == body


# -- the balance ------------------------------------------------------------------------------------------------------


def test_every_capture_balances(kabul):
    """Segments and observations, counted once more from the bytes, are those that the reader has."""
    wrong, counted = [], 0
    for path in CAPTURES:
        for transport, codec in (("mllp", hl7), ("lis1", lis2)):
            for piece in codec.split(path.read_bytes()):
                try:
                    read = codec.parse(piece)
                except hl7.Unreadable:
                    continue
                rows = read.segments if transport == "mllp" else read.records
                found = balance.came(piece, transport)
                observed = sum(1 for _one in read.named("OBX" if transport == "mllp" else "R"))
                counted += 1
                if (found.segments, found.observations) != (len(rows), observed):
                    wrong.append((path.name, transport))
    assert wrong == []
    assert counted > 150


def test_captures_of_results_balance_on_their_page(as_user, cast, kabul):
    analyzer = make_analyzer(kabul, name="Bench Two")
    results = [path for path in CAPTURES if b"OBX" in path.read_bytes()[:20000]][::8]
    client = as_user(cast.lab)
    for number, path in enumerate(results):
        for piece in hl7.split(path.read_bytes()):
            row = take(analyzer, piece, peer=f"10.0.0.{number}")
            page = client.get(reverse("lab_integration:message", args=[row.pk]))
            assert page.context["balance"].holds, path.name


SIGNS = st.text(st.sampled_from("A1|^~\\&\r\n \x00é۱"), max_size=12)
SEGMENT = st.builds(
    "{}|{}".format, st.sampled_from(["OBX", "OBR", "PID", "NTE", "SPM", "obx", "ZZZ", "FHS", "MSH"]), SIGNS
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(SEGMENT, max_size=8), st.sampled_from(["\r", "\n", "\r\n"]))
def test_whatever_comes_is_counted_alike_twice(segments, end):
    body = end.join(["MSH|^~\\&|X||||2026||ORU^R01|1|P|2.3.1", *segments]).encode()
    for piece in hl7.split(body):
        read, found = hl7.parse(piece), balance.came(piece, "mllp")
        assert found.segments == len(read.segments)
        assert found.observations == sum(1 for _one in read.named("OBX"))


def test_a_message_that_does_not_balance_is_red_and_waits(as_user, cast, analyzer, catalogue):
    specimen = make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])
    row = take(analyzer, result(specimen.accession))
    assert row.state == "PROCESSED"
    line = row.lines.get()
    ReceivedLine.objects.create(message=row, place=7, state="FILED", code="FROM NOWHERE")
    client = as_user(cast.lsu)
    page = client.get(reverse("lab_integration:message", args=[row.pk]))
    assert "does not balance" in page.text
    assert "The rows below are not all that came." in page.text
    client.post(reverse("lab_integration:replay", args=[row.pk]))
    row.refresh_from_db()
    assert (row.state, "out_of_balance" in row.warnings) == ("HELD", True)
    assert (
        "does not balance"
        not in client.get(reverse("lab_integration:message", args=[take(analyzer, result("X")).pk])).text
    )
    assert line.state == "FILED"


# -- orders that we sent ----------------------------------------------------------------------------------------------


def test_an_order_that_was_sent_shows_each_step_its_bytes_and_its_answer(as_user, cast, analyzer):
    made = SentMessage.objects.create(
        analyzer=analyzer, control_id="M1", type="OML^O33^OML_O33", accession="KBL2600009A", state="ANSWERED",
        body=b"MSH|^~\\&|MHAC\rORC|NW\x1b<b>\r", reply=b"MSH|^~\\&|BENCH\rMSA|AA|M1\r",
    )  # fmt: skip
    for number, state in enumerate(SentStep.State.values):
        SentStep.objects.create(message=made, step_id=f"S{number}", accession="KBL2600009A", code="ALT", state=state)
    address = reverse("lab_integration:sent", args=[made.pk])
    page = as_user(cast.lab).get(address)
    for word in ("sent", "accepted", "refused", "cancellation asked", "cancelled", "result received"):
        assert word in page.text
    assert "ORC|NW␛&lt;b&gt;" in page.text
    assert "MSA|AA|M1" in page.text
    assert Access.objects.filter(page="lab_integration:sent", key=str(made.pk)).count() == 1
    assert as_user(cast.adm).get(address).status_code == 403
    assert as_user(cast.herat_lab).get(address).status_code == 404
    listed = as_user(cast.lab).get(reverse("lab_integration:inbox"), {"tab": "orders", "state": "ALL"})
    assert str(made.pk) in listed.text
    assert str(made.pk) not in as_user(cast.lab).get(reverse("lab_integration:inbox"), {"tab": "orders"}).text
    assert as_user(cast.lab).get(reverse("lab_integration:sent_conformance", args=[made.pk])).status_code == 200
    assert ReceivedMessage.objects.count() == 0
