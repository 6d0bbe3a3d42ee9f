"""The pages of the wire: what waits with its reason, who may see it, and what a person may decide."""

import pytest
from django.urls import reverse
from django.utils import timezone

from lab_integration import receive
from lab_integration.models import Listening, ReceivedLine
from mhac.accounts.models import Access
from mhac.labs.models import LabResult

from .conftest import make_analyzer, make_specimen, result

pytestmark = pytest.mark.django_db


def take(analyzer, text, peer="127.0.0.1"):
    """As the listener and the worker do it, without a socket."""
    body = text if isinstance(text, bytes) else text.encode()
    stored = receive.store(
        peer, body, analyzer=analyzer, clinic=analyzer.clinic, transport="mllp", received=timezone.now()
    )
    return receive.process(stored[0].message.pk)


@pytest.fixture
def analyzer(kabul, catalogue):
    return make_analyzer(kabul)


def test_what_waits_is_listed_with_its_reason(as_user, cast, analyzer):
    take(analyzer, result("KBL2600009A"))
    page = as_user(cast.lab).get(reverse("lab_integration:inbox"))
    assert page.status_code == 200
    assert "Nothing of it could be filed." in page.text
    page = as_user(cast.lab).get(reverse("lab_integration:inbox"), {"tab": "lines"})
    assert "No specimen has this number yet" in page.text
    assert "KBL2600009A" in page.text


def test_nothing_waits(as_user, cast, analyzer):
    page = as_user(cast.lab).get(reverse("lab_integration:inbox"))
    assert "Nothing waits." in page.text


def test_a_wire_that_is_down_is_said_so(as_user, cast, analyzer):
    assert "The wire is not listening" in as_user(cast.lab).get(reverse("lab_integration:inbox")).text
    now = timezone.now()
    Listening.objects.create(host="127.0.0.1", hl7_port=1, astm_port=2, started_at=now, beat_at=now)
    assert "The wire is not listening" not in as_user(cast.lab).get(reverse("lab_integration:inbox")).text


def test_an_administrator_sees_that_something_waits_but_no_value(as_user, cast, analyzer):
    row = take(analyzer, result("KBL2600009A", value="777.25"))
    client = as_user(cast.adm)
    for tab in ("messages", "lines"):
        page = client.get(reverse("lab_integration:inbox"), {"tab": tab})
        assert page.status_code == 200
        assert "777.25" not in page.text
        assert "KBL2600009A" not in page.text
    assert client.get(reverse("lab_integration:message", args=[row.pk])).status_code == 403


@pytest.mark.parametrize("who", ["rec", "cli", "rad", "dat"])
def test_others_have_no_inbox(as_user, cast, analyzer, who):
    assert as_user(getattr(cast, who)).get(reverse("lab_integration:inbox")).status_code == 403


def test_another_site_does_not_know_the_message(as_user, cast, analyzer):
    row = take(analyzer, result("KBL2600009A"))
    client = as_user(cast.herat_lab)
    assert client.get(reverse("lab_integration:message", args=[row.pk])).status_code == 404
    assert "KBL2600009A" not in client.get(reverse("lab_integration:inbox"), {"tab": "lines"}).text


def test_a_message_page_balances_and_is_written_down(as_user, cast, analyzer):
    row = take(analyzer, result("KBL2600009A"))
    page = as_user(cast.lab).get(reverse("lab_integration:message", args=[row.pk]))
    assert "4 segments; 1 observation rows came, 1 are shown below" in page.text
    access = Access.objects.get(page="lab_integration:message")
    assert (access.user, access.key) == (cast.lab, str(row.pk))


def test_persian_names_and_control_signs_are_shown_and_do_nothing(as_user, cast, analyzer):
    text = result("KBL2600009A").replace("PID|1", "PID|1||||زهرا^احمدی\x1b[31m\x07<script>alert(1)</script>\x00")
    row = take(analyzer, text)
    page = as_user(cast.lab).get(reverse("lab_integration:message", args=[row.pk]))
    assert "زهرا" in page.text
    assert "␛[31m␇" in page.text
    assert "␀" in page.text
    assert "<script>alert" not in page.text
    assert "\x1b" not in page.text


def test_dismissing_needs_a_reason(as_user, cast, analyzer):
    row = take(analyzer, result("KBL2600009A"))
    client = as_user(cast.lsu)
    page = client.post(reverse("lab_integration:dismiss", args=[row.pk]), {"because": ""})
    assert page.status_code == 422
    assert "Write why; whoever asks later reads it here." in page.text
    client.post(reverse("lab_integration:dismiss", args=[row.pk]), {"because": "A test message of the engineer."})
    row.refresh_from_db()
    assert (row.state, row.dismissed_by) == ("DISMISSED", cast.lsu)
    assert row.lines.count() == 1
    assert "Nothing waits." in client.get(reverse("lab_integration:inbox")).text


def test_a_settled_message_cannot_be_dismissed(as_user, cast, analyzer, catalogue):
    specimen = make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])
    row = take(analyzer, result(specimen.accession))
    page = as_user(cast.lsu).post(
        reverse("lab_integration:dismiss", args=[row.pk]), {"because": "not needed"}, follow=True
    )
    assert "This message does not wait any more." in page.text
    row.refresh_from_db()
    assert row.state == "PROCESSED"


def test_technicians_may_not_dismiss(as_user, cast, analyzer):
    row = take(analyzer, result("KBL2600009A"))
    answer = as_user(cast.lab).post(reverse("lab_integration:dismiss", args=[row.pk]), {"because": "because so"})
    assert answer.status_code == 403


def test_a_replay_after_the_code_is_mapped_files_the_row(as_user, cast, analyzer, catalogue):
    specimen = make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])
    row = take(analyzer, result(specimen.accession, code="GPT"))
    assert row.lines.get().state == "UNMAPPED_CODE"
    analyzer.profile["code_map"].append({"code": "GPT", "test": "alt", "unit": "U/L"})
    analyzer.save()
    page = as_user(cast.lsu).post(reverse("lab_integration:replay", args=[row.pk]), follow=True)
    assert "Read again. It is now: processed." in page.text
    assert LabResult.objects.get().number == 31
    row.refresh_from_db()
    assert row.replays == 1


def test_a_replay_does_not_file_twice(cast, analyzer, catalogue):
    specimen = make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])
    row = take(analyzer, result(specimen.accession))
    receive.process(row.pk, by=cast.lsu)
    receive.process(row.pk, by=cast.lsu)
    assert LabResult.objects.count() == 1
    assert row.lines.get().state == "FILED"


def test_choosing_a_conflicting_value(as_user, cast, analyzer, catalogue):
    specimen = make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])
    take(analyzer, result(specimen.accession, value="31", number="1"))
    row = take(analyzer, result(specimen.accession, value="91", number="2"))
    line = row.lines.get()
    assert (line.state, line.reason) == ("CONFLICT", "changed_without_correction")
    url = reverse("lab_integration:choose", args=[line.pk])
    assert as_user(cast.lab).post(url, {"because": "the second is right"}).status_code == 403
    assert "Write why this value counts" in as_user(cast.lsu).post(url, {"because": ""}, follow=True).text
    page = as_user(cast.lsu).post(url, {"because": "Clot in the first run."}, follow=True)
    assert "This value counts now." in page.text
    standing = LabResult.objects.standing().get()
    assert (standing.number, standing.version, standing.entered_by) == (91, 2, cast.lsu)
    assert LabResult.objects.get(version=1).state == "superseded"
    row.refresh_from_db()
    assert row.state == "PROCESSED"
    again = as_user(cast.lsu).post(url, {"because": "Clot in the first run."}, follow=True)
    assert "There is nothing to choose here any more." in again.text


def test_keyset_pages_and_constant_queries(as_user, cast, analyzer, django_assert_max_num_queries):
    for number in range(60):
        take(analyzer, result("KBL2600009A", value=str(number), number=str(number)))
    client = as_user(cast.lab)
    with django_assert_max_num_queries(22):
        first = client.get(reverse("lab_integration:inbox"))
    assert len(first.context["page"].rows) == 50
    second = client.get(reverse("lab_integration:inbox"), {"after": first.context["page"].after})
    assert len(second.context["page"].rows) == 10
    keys = {row.pk for row in first.context["page"].rows} | {row.pk for row in second.context["page"].rows}
    assert len(keys) == 60
    with django_assert_max_num_queries(22):
        assert len(client.get(reverse("lab_integration:inbox"), {"tab": "lines"}).context["page"].rows) == 50
    assert client.get(reverse("lab_integration:inbox"), {"after": "x' OR 1=1"}).status_code == 200


def test_another_sites_analyzer_is_not_known(as_user, cast, analyzer):
    assert as_user(cast.herat_lab).get(reverse("lab_integration:analyzers")).text.count("Bench One") == 0


def test_lines_of_dismissed_messages_do_not_wait(as_user, cast, analyzer):
    row = take(analyzer, result("KBL2600009A"))
    as_user(cast.lsu).post(reverse("lab_integration:dismiss", args=[row.pk]), {"because": "engineer's test"})
    assert ReceivedLine.objects.count() == 1
    assert "KBL2600009A" not in as_user(cast.lab).get(reverse("lab_integration:inbox"), {"tab": "lines"}).text
