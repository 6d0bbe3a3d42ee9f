"""TLS on the wire in both roles, certificates that fit and that do not, and lines that we open ourselves."""

import contextlib
import datetime
import ipaddress
import logging
import socket
import ssl
import threading

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from django.core.exceptions import ValidationError
from django.utils import timezone

from lab_integration import receive, send, tls, watch
from lab_integration.conversation import Limits
from lab_integration.dialler import Dialler
from lab_integration.listener import Listener
from lab_integration.models import Analyzer, OutboundLine, ReceivedMessage, SentMessage, SentStep
from lab_integration.simulator.devices import Astm, Mindray
from lab_integration.simulator.line import Lis1, Mllp
from mhac.labs.models import LabOrder, LabResult

from .conftest import block, eventually, make_analyzer, make_specimen, result
from .conftest import send as send_bytes

pytestmark = pytest.mark.django_db(transaction=True)
DAY = datetime.timedelta(days=1)


class Authority:
    """Signs certificates into a folder; each file holds certificate and key."""

    def __init__(self, folder, name):
        self.folder, self.name = folder, x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.file = folder / f"{name}.pem"
        self.file.write_bytes(self._sign(self.name, self.key, ca=True).public_bytes(serialization.Encoding.PEM))

    def certificate(self, name, *, days=1):
        key = ec.generate_private_key(ec.SECP256R1())
        signed = self._sign(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, days=days)
        private = key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        path = self.folder / f"{name}-{days}.pem"
        path.write_bytes(signed.public_bytes(serialization.Encoding.PEM) + private)
        return str(path)

    def _sign(self, subject, key, *, ca=False, days=1):
        now = datetime.datetime.now(datetime.UTC)
        name = subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value
        others = [x509.DNSName(name), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
        made = x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
        made = made.serial_number(x509.random_serial_number())
        made = made.not_valid_before(now - 3 * DAY).not_valid_after(now + days * DAY)
        made = made.add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        identifier = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
        made = made.add_extension(identifier, critical=False)
        ours = x509.AuthorityKeyIdentifier.from_issuer_public_key(self.key.public_key())
        made = made.add_extension(ours, critical=False)
        usage = x509.KeyUsage(True, False, False, False, False, ca, ca, False, False)
        made = made.add_extension(usage, critical=True)
        if not ca:
            made = made.add_extension(x509.SubjectAlternativeName(others), critical=False)
        return made.sign(self.key, hashes.SHA256())


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority"), "clinic-lab-ca")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("stranger"), "somebody-else-ca")


@pytest.fixture
def safe_wire(authority):
    context = tls.listening(authority.certificate("wire.mhac.test"), "", str(authority.file))
    listener = Listener("127.0.0.1", 0, 0, context=context, limits=Limits(seconds_of_handshake=0.5))
    thread = threading.Thread(target=listener.serve, daemon=True)
    thread.start()
    yield listener
    listener.stop()
    thread.join(10)


@pytest.fixture
def bench(kabul, cast, catalogue):
    return make_specimen(kabul, cast.cli, catalogue.values())


def client(authority, certificate=""):
    context = ssl.create_default_context(cafile=str(authority.file))
    if certificate:
        context.load_cert_chain(certificate)
    return context


def deliver(wire, context, body):
    """What MSA-1 says, over TLS; "" when the line is closed without an answer."""
    line = Mllp("127.0.0.1", wire.tls_ports[0], context=context, server_name="wire.mhac.test")
    try:
        return line.deliver([body])[0]
    except OSError:
        return ""
    finally:
        line.close()


def test_a_message_over_tls_is_stored_and_answered(safe_wire, bench, kabul, authority):
    make_analyzer(kabul, must_use_tls=True)
    assert deliver(safe_wire, client(authority), result(bench.accession)) == "AA"
    assert ReceivedMessage.objects.count() == 1


def test_a_lis1_session_over_tls(safe_wire, bench, kabul, authority):
    make_analyzer(kabul, dialect="astm", must_use_tls=True)
    line = Lis1("127.0.0.1", safe_wire.tls_ports[1], context=client(authority), server_name="wire.mhac.test")
    assert line.deliver(Astm("SIM").results(bench.accession, ("ALT",))) == ["ACK"]
    line.close()


@pytest.mark.parametrize(
    "wanted, shown, answer",
    [
        ("", "", "AA"),
        ("", "analyzer-7.lab", "AA"),
        ("analyzer-7.lab", "analyzer-7.lab", "AA"),
        ("analyzer-7.lab", "analyzer-8.lab", ""),
        ("analyzer-7.lab", "", ""),
        ("analyzer-7.lab", "expired", ""),
        ("analyzer-7.lab", "forged", ""),
    ],
)
def test_the_certificate_must_be_the_analyzers(
    safe_wire, bench, kabul, authority, stranger, wanted, shown, answer, caplog
):
    caplog.set_level(logging.INFO, "lab")
    make_analyzer(kabul, must_use_tls=True, certificate_name=wanted)
    paths = {
        "": "",
        "expired": authority.certificate("analyzer-7.lab", days=-1),
        "forged": stranger.certificate("analyzer-7.lab"),
    }
    path = paths[shown] if shown in paths else authority.certificate(shown)
    assert deliver(safe_wire, client(authority, path), result(bench.accession)) == answer
    assert ReceivedMessage.objects.count() == bool(answer)
    closed = eventually(lambda: [one for one in caplog.messages if one.startswith("closed 127.0.0.1")])
    assert answer or "certificate" in closed[0].lower()


def test_who_must_use_tls_is_refused_without(safe_wire, bench, kabul, caplog):
    caplog.set_level(logging.INFO, "lab")
    make_analyzer(kabul, must_use_tls=True)
    assert send_bytes(safe_wire.ports[0], block(result(bench.accession)), until=0) == b""
    assert ReceivedMessage.objects.count() == 0
    assert eventually(lambda: [one for one in caplog.messages if "must use TLS. Give it the TLS port" in one])


def test_plain_text_on_a_tls_port_is_closed_and_said(safe_wire, bench, kabul, caplog):
    caplog.set_level(logging.INFO, "lab")
    make_analyzer(kabul)
    with contextlib.suppress(ConnectionError):  # closed before everything was read
        assert b"MSA" not in send_bytes(safe_wire.tls_ports[0], block(result(bench.accession)), until=0)
    assert ReceivedMessage.objects.count() == 0
    assert eventually(lambda: [one for one in caplog.messages if "speaks without TLS to the TLS port" in one])


def test_tls_on_a_plain_port_is_closed_and_said_and_leaves_nothing(safe_wire, kabul, authority, caplog):
    caplog.set_level(logging.INFO, "lab")
    make_analyzer(kabul)
    make_analyzer(kabul, "Small", dialect="astm")
    for port in safe_wire.ports:
        with socket.create_connection(("127.0.0.1", port), timeout=5) as line, pytest.raises(OSError):
            client(authority).wrap_socket(line, server_hostname="wire.mhac.test")
    said = eventually(
        lambda: len([one for one in caplog.messages if "it speaks TLS and this port does not" in one]) == 2
    )
    assert said
    assert ReceivedMessage.objects.count() == 0


def test_who_says_nothing_on_a_tls_port_is_sent_away(safe_wire, kabul):
    make_analyzer(kabul)
    with socket.create_connection(("127.0.0.1", safe_wire.tls_ports[0]), timeout=5) as line:
        assert line.recv(1) == b""


def test_old_tls_is_not_spoken(safe_wire, bench, kabul, authority):
    make_analyzer(kabul)
    context = client(authority)
    with pytest.warns(DeprecationWarning):
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    assert deliver(safe_wire, context, result(bench.accession)) == ""


def test_files_that_make_no_context_are_named(tmp_path, authority):
    broken = tmp_path / "broken.pem"
    broken.write_text("no certificate")
    for words in ((str(broken), "", ""), (str(tmp_path / "none.pem"), "", ""), ("", "", str(broken))):
        with pytest.raises(tls.Refused, match="MHAC_WIRE_CERTIFICATE"):
            tls.listening(*words)


def test_a_certificate_name_without_tls_and_a_call_without_address_are_refused(kabul):
    with pytest.raises(ValidationError, match="over TLS only"):
        Analyzer(clinic=kabul, name="A", certificate_name="x").full_clean()
    with pytest.raises(ValidationError, match="address and the port"):
        Analyzer(clinic=kabul, name="A", link="called").full_clean()


# -- lines that we open -----------------------------------------------------------------------------------------------


@pytest.fixture
def dialler():
    made = Dialler(again=0.1)
    made.start()
    yield made
    made.stop()


class Served:
    """An analyzer that is itself the server: `line` is the simulator's end of the connection we opened to it."""

    def __init__(self, kind, context=None):
        self.door = socket.create_server(("127.0.0.1", 0))
        self.door.settimeout(20)
        self.port, self.kind, self.context = self.door.getsockname()[1], kind, context

    def accept(self):
        plain, _address = self.door.accept()
        return self.kind("", 0, opened=self.context.wrap_socket(plain, server_side=True) if self.context else plain)


MAPS = {
    "hl7": [{"code": "5", "test": "alt", "unit": "U/L"}],
    "astm": [{"code": "ALT", "test": "alt", "unit": "U/L"}],
}


def called(kabul, served, dialect="hl7", **fields):
    habits = {"specimen_fields": ["OBR-2"], "msh16": "sample_type"} if dialect == "hl7" else {}
    profile = {**habits, "code_map": MAPS[dialect]}
    fields = {"takes_orders": False, **fields}
    return make_analyzer(
        kabul,
        "Served",
        dialect=dialect,
        link="called",
        outbound_host="127.0.0.1",
        outbound_port=served.port,
        profile=profile,
        addresses=[],
        **fields,
    )


@pytest.mark.parametrize("dialect, kind, device, code", [("hl7", Mllp, Mindray, "5"), ("astm", Lis1, Astm, "ALT")])
def test_results_come_over_a_line_that_we_opened_and_opened_again(
    kabul, bench, dialler, dialect, kind, device, code, caplog
):
    caplog.set_level(logging.INFO, "lab")
    served, played = Served(kind), device("SIM")
    called(kabul, served, dialect)
    line = served.accept()
    good = "AA" if dialect == "hl7" else "ACK"
    assert played.run(line, [bench.accession], (code,)) == [good]
    line.close()
    again = served.accept()
    assert played.run(again, [bench.accession], (code,)) == [good]
    again.close()
    served.door.close()
    while receive.process_next():
        pass
    assert LabResult.objects.get().order.test.key == "alt"
    assert eventually(lambda: [one for one in caplog.messages if "closed 127.0.0.1 (Served" in one])
    assert eventually(lambda: [one for one in caplog.messages if "Served was not reached" in one])
    assert eventually(lambda: OutboundLine.objects.filter(tries__gte=watch.TRIES).exists())
    assert [one.kind for one in watch.watch(timezone.now()) if one.analyzer_id] == ["link"]


def test_a_line_that_is_up_again_ends_its_alarm(kabul, bench, dialler):
    served = Served(Mllp)
    analyzer = called(kabul, served)
    OutboundLine.objects.update_or_create(
        analyzer=analyzer, defaults={"tries": 5, "reason": "refused", "changed_at": timezone.now()}
    )
    assert [one.kind for one in watch.watch(timezone.now()) if one.analyzer_id] == ["link"]
    line = served.accept()
    assert eventually(lambda: OutboundLine.objects.filter(tries=0).exists())
    assert [one.kind for one in watch.watch(timezone.now()) if one.analyzer_id] == []
    line.close()
    served.door.close()


def test_it_is_asked_what_there_is_to_do_over_our_line(kabul, bench, dialler):
    served, played = Served(Lis1), Astm("SIM")
    called(kabul, served, "astm")
    line = served.accept()
    assert played.run(line, [bench.accession]) == ["ACK"]
    assert played.run(line, [bench.accession[:-1] + "X"]) == []
    line.close()
    served.door.close()


def test_an_order_leaves_over_our_line_and_its_answer_comes_back(kabul, bench, dialler):
    served = Served(Mllp)
    called(kabul, served, takes_orders=True)
    line = served.accept()
    assert send.prepare_orders(timezone.now()) == 1
    assert send.send_waiting(timezone.now()) == 0  # the worker leaves it to who holds the line
    order = line.next_block()
    number = order.split("|")[9]
    assert "|OML^O33^OML_O33|" in order
    line.write(block(f"MSH|^~\\&|X||||20260101||ORL^O34^ORL_O42|1|P|2.5.1\rMSA|AA|{number}\r"))
    eventually(lambda: ReceivedMessage.objects.exists())
    while receive.process_next():
        pass
    assert SentStep.objects.get().state == "ACCEPTED"
    line.close()
    served.door.close()


def test_a_lis1_order_leaves_over_our_line_and_its_cancellation_too(kabul, bench, dialler):
    served = Served(Lis1)
    called(kabul, served, "astm", takes_orders=True)
    line = served.accept()
    assert send.prepare_orders(timezone.now()) == 1
    order = line.next_records()
    assert f"\rO|1|{bench.accession}||^^^ALT|R||||||N|||" in order
    eventually(lambda: SentMessage.objects.get().state == "ANSWERED")
    assert SentStep.objects.get().state == "ACCEPTED"
    LabOrder.objects.update(state="cancelled")
    assert send.prepare_cancellations(timezone.now()) == 1
    assert "||||||C|||" in line.next_records()
    eventually(lambda: SentStep.objects.get().state == "CANCELLED")
    line.close()
    served.door.close()


def test_orders_are_not_sent_to_who_does_not_take_them(kabul, bench):
    served = Served(Mllp)
    called(kabul, served)
    assert send.prepare_orders(timezone.now()) == 0
    served.door.close()


@pytest.mark.parametrize("name, heard", [("analyzer-7.lab", True), ("analyzer-8.lab", False)])
def test_our_line_over_tls_goes_only_to_who_has_the_name(kabul, bench, dialler, authority, settings, name, heard):
    settings.WIRE_CA = str(authority.file)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(authority.certificate("analyzer-7.lab"))
    served, played = Served(Mllp, context), Mindray("SIM")
    called(kabul, served, must_use_tls=True, certificate_name=name)
    if heard:
        line = served.accept()
        assert played.run(line, [bench.accession], ("5",)) == ["AA"]
        line.close()
    else:
        with pytest.raises(OSError):
            played.run(served.accept(), [bench.accession], ("5",))
    served.door.close()
    assert ReceivedMessage.objects.count() == heard


def test_an_analyzer_that_is_switched_off_is_no_longer_called(kabul, bench, dialler):
    served = Served(Mllp)
    analyzer = called(kabul, served)
    line = served.accept()
    assert eventually(lambda: OutboundLine.objects.exists())
    Analyzer.objects.filter(pk=analyzer.pk).update(active=False)
    next(iter(dialler.peers)).known_at = 0.0  # as if it had been looked up a while ago
    assert Mindray("SIM").run(line, [bench.accession], ("5",)) == [""]
    assert ReceivedMessage.objects.count() == 0
    line.close()
    eventually(lambda: not dialler.peers)
    served.door.close()
