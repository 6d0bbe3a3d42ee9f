"""Alarms of the wire: each is raised once, seen by a person, and cleared when its cause ends. And pages stay quick."""

import datetime
import uuid

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from lab_integration import watch
from lab_integration.models import Alarm, Listening, ReceivedLine, ReceivedMessage, SentMessage
from mhac.clinics.models import Closure
from mhac.labs.models import Specimen

from .conftest import make_analyzer, make_specimen

pytestmark = pytest.mark.django_db
KABUL = datetime.timezone(datetime.timedelta(hours=4, minutes=30))
TUESDAY = datetime.datetime(2026, 11, 17, 12, 0, tzinfo=KABUL)  # an open day
HOUR = datetime.timedelta(hours=1)


@pytest.fixture
def analyzer(kabul, catalogue):
    Listening.objects.create(host="-", hl7_port=1, astm_port=2, started_at=TUESDAY, beat_at=TUESDAY)
    return make_analyzer(kabul)


def heard(analyzer, at, *, off=0, waits=0, rows=0, state="PROCESSED"):
    message = ReceivedMessage.objects.create(
        analyzer=analyzer,
        clinic=analyzer.clinic,
        peer="-",
        transport="mllp",
        received_at=at,
        written_at=at + datetime.timedelta(seconds=off),
        body=b"",
        sha256=uuid.uuid4().hex,
        state=state,
    )
    for place in range(rows):
        state = "UNMAPPED_CODE" if place < waits else "FILED"
        ReceivedLine.objects.create(message=message, place=place, state=state)
    return message


def beat(now):
    Listening.objects.update(beat_at=now)
    watch.watch(now)
    return dict(Alarm.objects.standing().values_list("kind", "figure"))


def lasts_and_ends(kind, cause, now, ends):
    """The alarm of `kind` stands once while its cause lasts, and is gone when `ends()` was done."""
    cause()
    assert kind in beat(now)
    raised = Alarm.objects.standing().get(kind=kind)
    beat(now + datetime.timedelta(minutes=1))
    assert Alarm.objects.filter(kind=kind).count() == 1
    assert Alarm.objects.get(kind=kind).since == raised.since
    ends()
    assert kind not in beat(now + datetime.timedelta(minutes=2))
    assert Alarm.objects.get(kind=kind).cleared_at is not None


def test_silence_counts_working_hours(analyzer):
    heard(analyzer, TUESDAY - 3 * HOUR)
    assert "silent" not in beat(TUESDAY)
    lasts_and_ends("silent", lambda: None, TUESDAY + HOUR, lambda: heard(analyzer, TUESDAY + HOUR))


def test_who_never_spoke_is_not_silent(analyzer):
    assert "silent" not in beat(TUESDAY)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("2026-11-17T09:00", "2026-11-17T12:30", 3.5),
        ("2026-11-17T15:00", "2026-11-18T09:00", 2),  # over a night
        ("2026-11-19T15:00", "2026-11-22T09:00", 2),  # over the weekend
        ("2026-11-17T17:00", "2026-11-17T23:00", 0),
        ("2026-11-23T08:00", "2026-11-24T10:00", 2),  # over a closed day
        ("2026-11-17T12:00", "2026-11-17T11:00", 0),
    ],
)
def test_working_hours(kabul, start, end, hours):
    Closure.objects.create(clinic=kabul, first_day="2026-11-23", last_day="2026-11-23", reason="holiday")
    start, end = (datetime.datetime.fromisoformat(text).replace(tzinfo=KABUL) for text in (start, end))
    kabul.refresh_from_db()
    assert watch.working_hours(kabul, start, end) == hours


def test_orders_wait_and_nothing_comes(analyzer, cast, catalogue):
    specimen = make_specimen(analyzer.clinic, cast.cli, [catalogue["alt"]])
    Specimen.objects.filter(pk=specimen.pk).update(collected_at=TUESDAY - 3 * HOUR)
    heard(analyzer, TUESDAY - 4 * HOUR)
    assert "no_results" not in beat(TUESDAY)
    lasts_and_ends("no_results", lambda: None, TUESDAY + HOUR, lambda: heard(analyzer, TUESDAY + HOUR))


@pytest.mark.parametrize(("off", "raised"), [(0, False), (300, False), (301, True), (-301, True), (7200, True)])
def test_the_clock_is_wrong_beyond_five_minutes(analyzer, off, raised):
    for minute in range(3):
        heard(analyzer, TUESDAY - datetime.timedelta(minutes=minute), off=off)
    assert ("clock" in beat(TUESDAY)) is raised


def test_one_odd_time_is_no_wrong_clock(analyzer):
    for minute, off in enumerate([0, 0, 0, 90000]):
        heard(analyzer, TUESDAY - datetime.timedelta(minutes=minute), off=off)
    assert "clock" not in beat(TUESDAY)


def test_the_clock_is_set(analyzer):
    def cause():
        for minute in range(4):
            heard(analyzer, TUESDAY - datetime.timedelta(minutes=minute), off=600)

    def ends():
        for second in range(5):
            heard(analyzer, TUESDAY + datetime.timedelta(seconds=second))

    lasts_and_ends("clock", cause, TUESDAY, ends)


def sent(analyzer, **fields):
    return SentMessage.objects.create(
        analyzer=analyzer, control_id=uuid.uuid4().hex[:20], type="OML^O33", body=b"", **fields
    )


def test_it_is_not_reached(analyzer):
    row = sent(analyzer, attempts=2)
    assert "link" not in beat(TUESDAY)
    row.attempts = 3
    lasts_and_ends("link", row.save, TUESDAY, lambda: SentMessage.objects.update(state="ANSWERED"))


def test_orders_without_an_answer(analyzer):
    now = timezone.now()
    lasts_and_ends(
        "unanswered",
        lambda: sent(analyzer, state="UNKNOWN"),
        now,
        lambda: SentMessage.objects.update(state="ANSWERED"),
    )


@pytest.mark.parametrize(("waits", "rows", "raised"), [(9, 9, False), (10, 40, True), (10, 41, False), (12, 12, True)])
def test_many_rows_wait(analyzer, waits, rows, raised):
    heard(analyzer, TUESDAY - HOUR, waits=waits, rows=rows)
    assert ("unmatched" in beat(TUESDAY)) is raised
    assert "unmatched" not in beat(TUESDAY + 4 * HOUR)


def test_the_wire_is_down(analyzer):
    watch.watch(TUESDAY + HOUR)
    alarm = Alarm.objects.standing().get(kind="wire")
    assert alarm.analyzer is None
    beat(TUESDAY + HOUR)
    assert not Alarm.objects.standing().filter(kind="wire").exists()


def test_an_alarm_is_shown_and_seen(analyzer, as_user, cast):
    heard(analyzer, TUESDAY - 4 * HOUR)
    beat(TUESDAY)
    url = reverse("lab_integration:alarms")
    for who in (cast.lab, cast.lsu, cast.adm, cast.qco):
        assert "Nothing came for 4 working hours." in as_user(who).get(url).text
    assert "Nothing came" in as_user(cast.lab).get(reverse("lab_integration:inbox")).text
    assert url in as_user(cast.lab).get(reverse("labs:bench")).text
    assert "Nothing came" not in as_user(cast.herat_lab).get(url).text
    assert as_user(cast.rec).get(url).status_code == 403
    seen = reverse("lab_integration:acknowledge", args=[Alarm.objects.get().pk])
    assert as_user(cast.qco).post(seen).status_code == 403
    assert as_user(cast.herat_lab).post(seen).status_code == 404
    assert "seen by" in as_user(cast.lab).post(seen, follow=True).text
    beat(TUESDAY + HOUR)
    alarm = Alarm.objects.get()
    assert (alarm.acknowledged_by, alarm.figure) == (cast.lab, 5)


def stored(analyzer, count):
    """`count` more messages with a row each, written by the database itself."""
    body = "MSH|^~\\&|B||||20261117||ORU^R01|1|P|2.3.1\rOBR|1||X\rOBX|1|NM|ALT||1|U/L|||||F\r"
    version = analyzer.in_force_id
    with connection.cursor() as cursor:
        cursor.execute(
            """WITH made AS (INSERT INTO lab_integration_receivedmessage
            (id, analyzer_id, clinic_id, peer, transport, received_at, body, sha256, complete, content, control_id, type,
             version, state, reason, segments, observations, warnings, repeats, attempts, replays, dismissed_because,
             dismissed_from, profile_version_id)
            SELECT gen_random_uuid(), %s, %s, '-', 'mllp', now() - n * interval '1 second', %s, gen_random_uuid()::text,
             true, '', '', 'ORU^R01', '2.3.1', 'PROCESSED', '', 3, 1, '{}', 0, 1, 0, '', '', %s
            FROM generate_series(1, %s) n RETURNING id) SELECT count(*) FROM made""",
            [analyzer.pk, analyzer.clinic_id, body.encode(), version, count],
        )
        cursor.execute("ANALYZE lab_integration_receivedmessage")


PAGES = ["analyzers", "analyzer", "listen", "codes", "versions", "alarms"]


def test_pages_ask_as_much_with_a_hundred_thousand_messages(analyzer, cast, as_user):
    """The same number of queries at 10, 1,000 and 100,000 stored messages, and no page looks at all of them."""
    client = as_user(cast.lsu)
    urls = {one: reverse(f"lab_integration:{one}", args=[analyzer.pk]) for one in PAGES[1:-1]}
    urls |= {one: reverse(f"lab_integration:{one}") for one in ("analyzers", "alarms")}
    counted = []
    for more in (10, 990, 99_000):
        stored(analyzer, more)
        asked = {}
        for name, url in urls.items():
            with CaptureQueriesContext(connection) as queries:
                assert client.get(url).status_code == 200
            asked[name] = len(queries)
            slow = [one["sql"][:300] for one in queries if float(one["time"]) > 0.5]
            assert slow == [], name
        counted.append(asked)
    assert ReceivedMessage.objects.count() == 100_000
    assert counted[0] == counted[1] == counted[2]
    assert max(counted[0].values()) <= 24, counted[0]
