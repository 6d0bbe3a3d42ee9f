"""The lists of the inbox: narrowed, paged, acted on by the reason, taken back; and as fast with 100,000 rows as with 10."""

import datetime
import json
import time

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from lab_integration import by_hand, inbox, receive
from lab_integration.models import ReceivedMessage
from mhac.accounts.models import Access
from mhac.labs import services as labs
from mhac.labs.models import LabResult

from .conftest import make_analyzer, make_specimen, result
from .test_inbox import take

pytestmark = pytest.mark.django_db


@pytest.fixture
def analyzer(kabul, catalogue):
    return make_analyzer(kabul)


def listed(client, **query):
    return client.get(reverse("lab_integration:inbox"), query).context["page"].rows


# -- narrowed and in order --------------------------------------------------------------------------------------------


def test_narrowed_by_analyzer_reason_age_and_site(as_user, cast, analyzer, kabul, herat):
    other = make_analyzer(kabul, name="Bench Two")
    unknown = take(analyzer, result("KBL2600009A"))
    cut = take(other, b"MSX|^~")
    ReceivedMessage.objects.filter(pk=cut.pk).update(received_at=timezone.now() - datetime.timedelta(days=8))
    take(make_analyzer(herat, name="Bench Three"), result("HRT2600009A"))
    client = as_user(cast.lab)
    assert {row.pk for row in listed(client)} == {unknown.pk, cut.pk}
    assert [row.pk for row in listed(client, analyzer=str(other.pk))] == [cut.pk]
    assert [row.pk for row in listed(client, state="UNREADABLE")] == [cut.pk]
    assert [row.pk for row in listed(client, older="168")] == [cut.pk]
    assert listed(client, older="720") == []
    assert listed(client, site=str(herat.pk)) == []
    assert len(listed(client, site=str(kabul.pk))) == 2
    assert [row.code for row in listed(client, tab="lines", state="UNMATCHED_SPECIMEN")] == ["ALT"]
    assert listed(client, tab="lines", state="CONFLICT") == []
    page = client.get(reverse("lab_integration:inbox"), {"state": "FAILED"})
    assert "Nothing of that kind." in page.text


@pytest.mark.parametrize("tab", inbox.TABS)
@pytest.mark.parametrize("junk", ["x' OR 1=1 --", "<script>", "\x00", "9" * 400, "__class__"])
def test_nonsense_in_the_address_is_nothing(as_user, cast, analyzer, tab, junk):
    names = ("state", "analyzer", "site", "older", "order", "after")
    answer = as_user(cast.lab).get(reverse("lab_integration:inbox"), {"tab": tab} | dict.fromkeys(names, junk))
    assert answer.status_code == 200
    assert "<script>" not in answer.text


def test_oldest_or_newest_first_page_by_page(as_user, cast, analyzer):
    keys = [take(analyzer, result("KBL2600009A", value=str(n), number=str(n))).pk for n in range(53)]
    client = as_user(cast.lab)
    for order, wanted in (("", keys[::-1]), ("oldest", keys)):
        first = client.get(reverse("lab_integration:inbox"), {"order": order})
        second = client.get(
            reverse("lab_integration:inbox") + "?" + f"order={order}&after={first.context['page'].after}"
        )
        assert [row.pk for page in (first, second) for row in page.context["page"].rows] == wanted
        assert second.context["page"].after == ""


# -- by the reason ----------------------------------------------------------------------------------------------------


def by_reason(client, url, tab, state, **more):
    shown = client.get(reverse("lab_integration:inbox"), {"tab": tab, "state": state}).context["bulk"]
    fields = {"tab": tab, "state": state, "until": str(shown["until"]) if shown else ""}
    return client.post(reverse(f"lab_integration:{url}"), fields | more, follow=True)


def test_all_of_one_reason_are_read_again_with_a_summary(as_user, cast, analyzer, catalogue):
    tubes = [make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]]) for _number in range(3)]
    for number, tube in enumerate(tubes):
        take(analyzer, result(tube.accession, code="GPT", number=str(number)))
    take(analyzer, result(tubes[0].accession, code="UNKNOWN", number="9"))
    analyzer.profile["code_map"].append({"code": "GPT", "test": "alt", "unit": "U/L"})
    analyzer.save()
    client = as_user(cast.lsu)
    page = by_reason(client, "replay_all", "lines", "UNMAPPED_CODE")
    assert "Read again: 4. 1 waits still." in page.text
    assert LabResult.objects.count() == 3
    assert as_user(cast.lab).post(reverse("lab_integration:replay_all"), {"tab": "lines"}).status_code == 403


def test_all_of_one_reason_are_dismissed_but_not_what_came_since(as_user, cast, analyzer):
    for number in range(3):
        take(analyzer, f"nonsense {number}".encode())
    kept = take(analyzer, result("KBL2600009A"))
    client = as_user(cast.lsu)
    until = client.get(reverse("lab_integration:inbox"), {"state": "UNREADABLE"}).context["bulk"]["until"]
    late = take(analyzer, b"nonsense since")
    fields = {"tab": "messages", "state": "UNREADABLE", "until": str(until), "because": "The cable was changed."}
    page = client.post(reverse("lab_integration:dismiss_all"), fields, follow=True)
    assert "Dismissed: 3." in page.text
    assert set(ReceivedMessage.objects.waiting().values_list("pk", flat=True)) == {kept.pk, late.pk}
    assert Access.objects.filter(action="dismiss", note="The cable was changed.").count() == 3
    assert as_user(cast.lab).post(reverse("lab_integration:dismiss_all"), fields).status_code == 403


@pytest.mark.parametrize(
    "changes",
    [{"because": ""}, {"state": ""}, {"state": "PROCESSED", "until": ""}, {"until": "x"}, {"tab": "orders"}],
)
def test_without_a_reason_nothing_is_dismissed_by_the_dozen(as_user, cast, analyzer, changes):
    row = take(analyzer, b"nonsense")
    fields = {"tab": "messages", "state": "UNREADABLE", "until": str(row.pk), "because": "The cable was changed."}
    as_user(cast.lsu).post(reverse("lab_integration:dismiss_all"), fields | changes)
    row.refresh_from_db()
    assert row.state == "UNREADABLE"


def test_what_is_more_than_one_press_takes_is_said(cast, analyzer):
    for number in range(5):
        take(analyzer, f"nonsense {number}".encode())
    rows = ReceivedMessage.objects.waiting()
    summary = by_hand.in_bulk(rows, lambda row: by_hand.dismiss(row, by=cast.lsu, because="cable"), most=3)
    assert (summary.tried, summary.settled, summary.waiting, summary.left) == (3, 3, 0, 2)


# -- rows, and taking back --------------------------------------------------------------------------------------------


def two_rows(accession):
    return result(accession) + "OBX|2|NM|GLU||5.5|mmol/L|||||F|||\r"


def test_one_row_is_dismissed_and_taken_back(as_user, cast, analyzer, catalogue):
    tube = make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])
    row = take(analyzer, two_rows(tube.accession))
    assert row.state == "PARTLY_HELD"
    line = row.lines.get(state="NOT_ORDERED")
    client, url = as_user(cast.lsu), reverse("lab_integration:dismiss_line", args=[line.pk])
    assert as_user(cast.lab).post(url, {"because": "nobody asked"}).status_code == 403
    assert "Write why" in client.post(url, {"because": ""}, follow=True).text
    client.post(url, {"because": "Nobody asked for it."})
    row.refresh_from_db()
    assert row.state == "PROCESSED"
    page = client.get(reverse("lab_integration:inbox"), {"tab": "dismissed_lines"})
    assert "Nobody asked for it." in page.text
    assert "not ordered" in page.text
    receive.process(row.pk)
    assert row.lines.get(pk=line.pk).state == "DISMISSED"
    assert "does not wait any more" in client.post(url, {"because": "Once more."}, follow=True).text
    client.post(reverse("lab_integration:restore_line", args=[line.pk]))
    row.refresh_from_db()
    assert (row.state, row.lines.get(pk=line.pk).state) == ("PARTLY_HELD", "NOT_ORDERED")
    again = client.post(reverse("lab_integration:restore_line", args=[line.pk]), follow=True)
    assert "not dismissed any more" in again.text


def test_a_dismissed_message_is_listed_with_who_and_why_and_taken_back(as_user, cast, analyzer):
    row = take(analyzer, result("KBL2600009A"))
    client = as_user(cast.lsu)
    client.post(reverse("lab_integration:dismiss", args=[row.pk]), {"because": "Engineer's test tube."})
    page = as_user(cast.lab).get(reverse("lab_integration:inbox"), {"tab": "dismissed"})
    assert "Engineer&#x27;s test tube." in page.text
    assert "Lsu" in page.text
    url = reverse("lab_integration:restore", args=[row.pk])
    assert as_user(cast.lab).post(url).status_code == 403
    assert "It is back on the list." in client.post(url, follow=True).text
    row.refresh_from_db()
    assert (row.state, row.dismissed_by, row.dismissed_because) == ("HELD", None, "")
    assert Access.objects.filter(action="restore", note="Engineer's test tube.", user=cast.lsu).count() == 1
    assert "not dismissed any more" in client.post(url, follow=True).text
    assert as_user(cast.herat_lab).post(url).status_code == 403


def test_a_row_without_its_order_files_when_the_test_is_added(cast, analyzer, catalogue):
    tube = make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])
    row = take(analyzer, two_rows(tube.accession))
    labs.add_test(tube, test=catalogue["glu"], because="asked by telephone", by=cast.cli)
    receive.retry_waiting(timezone.now())
    row.refresh_from_db()
    assert row.state == "PROCESSED"
    assert str(LabResult.objects.get(order__test__key="glu").number.normalize()) == "5.5"
    assert row.lines.get(test="glu").reason == "order_entered_late"


# -- how large it may grow --------------------------------------------------------------------------------------------

MESSAGES = """
    INSERT INTO lab_integration_receivedmessage (id, analyzer_id, clinic_id, peer, transport, received_at, body, sha256,
        complete, content, control_id, type, version, state, reason, segments, observations, warnings, repeats,
        attempts, replays, dismissed_because, dismissed_from)
    SELECT gen_random_uuid(), %(analyzer)s, %(clinic)s, 'p', 'mllp', now() - n * interval '1 second', 'MSH|'::bytea,
        md5(random()::text) || n, true, '', n, 'ORU^R01', '2.3.1', CASE WHEN n %% 10 = 0 THEN 'HELD' ELSE 'PROCESSED' END, '', 4, 1,
        '{}', 0, 1, 0, '', ''
    FROM generate_series(1, %(number)s) AS n
"""
LINES = """
    INSERT INTO lab_integration_receivedline (id, message_id, place, state, reason, specimen_id, accession, code, test,
        run, kind, value, unit, unit_as_sent, flags, status, observed_as_read, critical, qc, fingerprint,
        chosen_because, dismissed_because, dismissed_from)
    SELECT gen_random_uuid(), id, 0, CASE WHEN state = 'HELD' THEN 'NOT_ORDERED' ELSE 'FILED' END, '', 'KBL', '', 'ALT',
        'alt', '1', 'result', '{"as_sent": "1"}', '', '', '{}', 'F', '', false, '{}', '', '', '', ''
    FROM lab_integration_receivedmessage AS m
    WHERE state = 'HELD' AND NOT EXISTS (SELECT FROM lab_integration_receivedline WHERE message_id = m.id)
"""


def fill(analyzer, number):
    with connection.cursor() as cursor:
        given = {"analyzer": analyzer.pk, "clinic": analyzer.clinic.pk, "number": number}
        cursor.execute(MESSAGES, given)
        cursor.execute(LINES)
        cursor.execute("ANALYZE lab_integration_receivedmessage, lab_integration_receivedline")


def nodes(plan):
    yield plan
    for below in plan.get("Plans", ()):
        yield from nodes(below)


def read_whole(rows):
    """The tables that a query reads from end to end."""
    plan = json.loads(rows.explain(format="json"))[0]["Plan"]
    return {one["Relation Name"] for one in nodes(plan) if one["Node Type"] == "Seq Scan"}


LARGE = {"lab_integration_receivedmessage", "lab_integration_receivedline"}
PAGES = ({}, {"order": "oldest"}, {"tab": "lines"}, {"tab": "lines", "state": "NOT_ORDERED"}, {"tab": "dismissed"})


def test_as_many_queries_and_no_table_read_whole_with_100000_messages(as_user, cast, analyzer):
    client, asked, slowest = as_user(cast.lsu), {}, 0
    for number in (10, 990, 99000):
        fill(analyzer, number)
        for query in PAGES:
            with CaptureQueriesContext(connection) as queries:
                began = time.monotonic()
                assert client.get(reverse("lab_integration:inbox"), query).status_code == 200
                slowest = max(slowest, time.monotonic() - began)
            # The number of rows on the page may add the question how many of a message wait, and no more.
            asked.setdefault(str(query), []).append(len(queries))
        row = ReceivedMessage.objects.filter(state="HELD").first()
        with CaptureQueriesContext(connection) as queries:
            assert client.get(reverse("lab_integration:message", args=[row.pk])).status_code == 200
        asked.setdefault("message", []).append(len(queries))
    assert {name: numbers for name, numbers in asked.items() if len(set(numbers)) > 1} == {}
    assert ReceivedMessage.objects.count() == 100_000
    assert slowest < 3
    cast.lsu.acting = "lab_integration.view_inbox"
    now = timezone.now()
    for query in PAGES[:4]:
        choice = inbox.Choice.of(query)
        rows = (inbox.lines if choice.tab == "lines" else inbox.messages)(cast.lsu, choice, now)
        assert read_whole(rows.order_by("pk" if choice.order else "-pk")[:51]) & LARGE == set(), query
