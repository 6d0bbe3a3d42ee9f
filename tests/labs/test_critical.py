"""Critical values: told with read-back, taken note of, escalated whoever is signed in, seen on every page."""

import datetime
import random
from decimal import Decimal

import pytest
from django.core.exceptions import PermissionDenied
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mhac.labs import calls, critical, readback, services
from mhac.labs.models import CriticalCall, CriticalEscalation, LabOrder, LabResult, Test

START = datetime.datetime(2026, 11, 20, 8, 0, tzinfo=datetime.UTC)


def after(minutes):
    return START + datetime.timedelta(minutes=minutes)


# --- The rules, in memory


@pytest.mark.parametrize(
    ("now", "acknowledged", "ended", "found"),
    [
        (14.99, None, None, []),
        (15, None, None, [15]),
        (29.99, None, None, [15]),
        (30, None, None, [15, 30]),
        (60, None, None, [15, 30, 60]),
        (6000, None, None, [15, 30, 60]),
        (6000, 15, None, []),
        (6000, 15.01, None, [15]),
        (6000, None, 40, [15, 30]),
        (6000, 50, 20, [15]),
        (-600, None, None, []),
    ],
)
def test_each_limit_passes_once_while_nobody_has_taken_note(now, acknowledged, ended, found):
    value = calls.Value(START, ended and after(ended), acknowledged and after(acknowledged))
    assert calls.escalations(value, after(now)) == found
    assert calls.escalations(value, after(now), found) == []


def watched(filed, end, looks):
    """The oracle: walk second by second of what somebody with a watch would have written, in plain minutes."""
    written = {}
    for now in sorted(looks):
        for limit in (15, 30, 60):
            mark = filed + limit
            if limit not in written and now >= mark and not (end is not None and end <= mark):
                written[limit] = now
    return written


def test_a_thousand_schedules_have_no_silent_value():
    dice, worst = random.Random(19), datetime.timedelta()
    for _turn in range(1000):
        filed = dice.uniform(0, 600)
        taken, ended = (dice.choice([None, filed + dice.uniform(0, 90)]) for _each in range(2))
        # The worker looks every third of a minute, stands still for a while, and a clock is set back.
        down = dice.uniform(0, 700)
        looks = [at / 3 for at in range(2400) if not down <= at / 3 <= down + 120]
        end = min((moment for moment in (taken, ended) if moment is not None), default=None)
        value = calls.Value(after(filed), ended and after(ended), taken and after(taken))
        relevant = [look for look in looks if look >= filed + 14] + [dice.uniform(0, 800)]
        written = {}
        for look in sorted(relevant):
            known = calls.Value(
                value.filed,
                value.ended if ended is not None and ended <= look else None,
                value.acknowledged if taken is not None and taken <= look else None,
            )
            for limit in calls.escalations(known, after(look), written) if look < filed + 260 else []:
                written[limit] = look
        expected = watched(filed, end, [look for look in relevant if look < filed + 260])
        assert written == expected
        # Silent would be: a limit passed with nobody there, and nothing written by the last look.
        for limit, look in written.items():
            late = calls.lateness(after(filed), limit, after(look))
            assert late >= datetime.timedelta(0)
            worst = max(worst, late)
    assert datetime.timedelta(minutes=1) < worst <= datetime.timedelta(minutes=121)


@pytest.mark.parametrize(
    ("versions", "standing", "place"),
    [
        ([{"told": [5], "ended": 20}], False, 0),
        ([{"told": [5], "ended": 20}], True, None),  # a new critical value is told as such
        ([{"told": [], "ended": 20}], False, None),  # nobody had heard of it
        ([{"told": [5, 25], "ended": 20}], False, None),  # they were told that too
        ([{"told": [5]}], False, None),
        ([{"acknowledged": 9, "ended": 20}], False, 0),
        ([{"told": [5], "ended": 20}, {"told": [25], "ended": 40}], False, 1),
        ([{"told": [5], "ended": 20}, {"told": [25, 45], "ended": 40}], False, None),
        ([{"told": [5], "ended": 20}, {"told": [], "ended": 40}], False, 0),
    ],
)
def test_who_was_told_hears_that_it_holds_no_longer(versions, standing, place):
    rows = [
        calls.Value(
            START,
            after(each["ended"]) if "ended" in each else None,
            after(each["acknowledged"]) if "acknowledged" in each else None,
            tuple(map(after, each.get("told", ()))),
        )
        for each in versions
    ]
    assert calls.withdrawn(rows, standing) == place


def of(kind, *, unit="", **value):
    allowed = ["nonreactive", "reactive", "scanty", "1+"] if kind == "coded" else []
    return LabResult(
        order=LabOrder(test=Test(key="x", name="X", kind=kind, unit=unit, allowed=allowed)), unit=unit, **value
    )


@pytest.mark.parametrize(
    ("result", "right", "wrong"),
    [
        (
            of("numeric", unit="g/dL", number=6),
            ["6", "6.0", "6 g/dl", "۶", "six", "SIX", "شش", "شپږ"],
            ["60", "", "0.6", "<6"],
        ),
        (of("numeric", number=Decimal("6.2")), ["6.2", "six point two", "۶٫۲", "شش اعشاریه دو"], ["62", "6.3", "2.6"]),
        (of("coded", coded="reactive"), ["reactive", "REACTIVE", "r"], ["nonreactive", "", "reactive 4 times"]),
        (of("coded", coded="scanty", text="4"), ["scanty 4", "Scanty ۴"], ["scanty 5", "1+", "scanty"]),
        (of("titre", titre=64), ["1:64", "1/64"], ["1:32", "64"]),
        (of("text", text="Plasmodium seen"), ["plasmodium  SEEN"], ["none seen", ""]),
    ],
)
def test_a_value_is_read_back_right_or_not(result, right, wrong):
    assert [text for text in right if not readback.is_value(text, result)] == []
    assert [text for text in wrong if readback.is_value(text, result)] == []


def test_a_name_and_a_number_are_read_back_right_or_not():
    names = "Zamir Testzada", "ضمیر تست‌زاده"
    right = ["Zamir Testzada", "TESTZADA zamir", " zamir  testzada", "ضمير تست زاده"]
    assert all(readback.is_name(text, *names) for text in right)
    assert not any(readback.is_name(text, *names) for text in ["", "Zamir", "Amir Testzada", "Zamir Testzada Khan"])
    numbers = "KBL2600017X", "KBL2600025Y"
    right = [
        "KBL2600017X",
        "kbl 2600017x",
        "kbl-26-00017-x",
        "KBL ۲۶۰۰۰۱۷ X",
        "k b l two six zero zero zero one seven x",
    ]
    assert all(readback.is_number(text, *numbers) for text in right)
    assert not any(readback.is_number(text, *numbers) for text in ["", "KBL2600018X", "2600017"])


# --- With rows


def creatinine(scene, text="6", **fields):
    (tube,) = scene.received("hiv", **fields)
    test = Test.objects.get(key="crea")
    order = services.add_test(tube, test=test, because="asked for today", by=scene.cast.phy)
    return services.enter(order, text=text, by=scene.cast.lab)


def told(result, **changes):
    said = {
        "how": "telephone",
        "reached": True,
        "told": "Dr Nobody, duty physician",
        "name": result.screening.patient.name.upper(),
        "number": result.order.specimen.accession.lower(),
        "value": f"{result.shown} {result.unit}",
    }
    return said | changes


def filed_ago(result, minutes):
    """As if it had arrived so many minutes ago."""
    LabResult.objects.filter(pk=result.pk).update(filed_at=timezone.now() - datetime.timedelta(minutes=minutes))


@pytest.fixture
def value(scene):
    return creatinine(scene)


def test_told_noted_and_closed(scene, value):
    assert value.critical
    cast = scene.cast
    now = timezone.now()
    attempt = services.call(value, **told(value, reached=False, told=""), by=cast.lab)
    assert not attempt.reached and attempt.read_back_name == ""
    for field, wrong in (("name", "Amir Testzada"), ("number", "KBL2699999X"), ("value", "2"), ("told", "Somebody")):
        with pytest.raises(services.Misread) as refusal:
            services.call(value, **told(value, **{field: wrong}), by=cast.lab)
        assert list(refusal.value.fields) == [field]
    assert [each.pk for each in critical.open_values(cast.lab, now)] == [value.pk]
    made = services.call(value, **told(value), by=cast.lsu)
    assert made.history.get().history_user == cast.lsu
    assert critical.open_values(cast.lab, now)[0].told == made, "somebody must still take note"
    for nobody in (cast.lab, cast.rec, cast.mgr, cast.herat_phy):
        with pytest.raises(PermissionDenied):
            services.acknowledge(value, follows="sent to hospital", by=nobody)
    with pytest.raises(services.Refused):
        services.acknowledge(value, follows=" ", by=cast.phy)
    taken = services.acknowledge(value, follows="sent to hospital", by=cast.cli)
    assert taken.call == made
    with pytest.raises(services.Refused, match="already"):
        services.acknowledge(value, follows="sent to hospital", by=cast.phy)
    assert critical.open_values(cast.lab, now) == []
    assert [each.pk for each in critical.closed_values(cast.phy, now)] == [value.pk]
    for nobody in (cast.cli, cast.phy, cast.rec, cast.herat_lab):
        with pytest.raises(PermissionDenied):
            services.call(value, **told(value), by=nobody)
    with pytest.raises(IntegrityError), transaction.atomic():
        CriticalCall.objects.create(result=value, made_by=cast.lab, made_at=now, how="telephone", reached=True)
    usual = creatinine(scene, "1", screening=scene.screening(given="Farid"))
    with pytest.raises(services.Refused, match="not critical"):
        services.call(usual, **told(usual), by=cast.lab)


def test_hiv_is_never_told_by_telephone(scene, as_user):
    result = scene.entered("hiv", "hiv_combo", "reactive")
    said = told(result, value="reactive")
    for reached in (True, False):
        with pytest.raises(services.Misread, match="in person, never by telephone"):
            services.call(result, **said | {"reached": reached}, by=scene.cast.lab)
    page = as_user(scene.cast.lab).post(f"/lab/critical/{result.pk}/", said | {"reached": "yes"})
    assert "never by telephone" in page.content.decode() and not CriticalCall.objects.exists()
    assert services.call(result, **said | {"how": "in_person"}, by=scene.cast.lab).reached


def test_nobody_signed_in_and_it_escalates(scene, value):
    filed = value.filed_at
    for minutes, known in ((14, []), (16, [15]), (16, [15]), (29, [15]), (31, [15, 30]), (95, [15, 30, 60])):
        services.escalate(filed + datetime.timedelta(minutes=minutes))
        assert list(CriticalEscalation.objects.values_list("minutes", flat=True)) == known
    last = CriticalEscalation.objects.get(minutes=60)
    assert calls.lateness(filed, 60, last.at) == datetime.timedelta(minutes=35), "written with its true lateness"
    call_command("work_critical", once=True)
    assert CriticalEscalation.objects.count() == 3


def test_fifteen_schedules_through_the_rows(scene):
    dice, now = random.Random(190), timezone.now()
    expected = set()
    screening = scene.screening()
    first = creatinine(scene, screening=screening)
    orders = [first.order]
    for turn in range(15):
        order = (
            orders[0]
            if turn == 0
            else LabOrder.objects.create(
                screening=screening,
                test=first.order.test,
                item="renal",
                nth=turn + 2,
                state="collected",
                specimen=first.order.specimen if turn == 0 else None,
            )
        )
        result = (
            first
            if turn == 0
            else LabResult.objects.create(
                order=order, screening=screening, as_sent="6", number=6, unit="mg/dL", critical=True, source="typed"
            )
        )
        filed = now - datetime.timedelta(minutes=dice.uniform(0, 90))
        LabResult.objects.filter(pk=result.pk).update(filed_at=filed)
        taken, ended = (dice.choice([None, dice.uniform(0, 70)]) for _each in range(2))
        taken, ended = (each and filed + datetime.timedelta(minutes=each) for each in (taken, ended))
        if taken and taken < now and not (ended and ended < taken):
            services.acknowledge(result, follows="seen at once", by=scene.cast.phy, at=taken)
        else:
            taken = None
        if ended and ended < now:
            result.state = "rejected"
            result._history_date = ended
            result.save(update_fields=["state"])
        else:
            ended = None
        stop = min((each for each in (taken, ended) if each), default=None)
        for limit in (15, 30, 60):
            mark = filed + datetime.timedelta(minutes=limit)
            if mark <= now and (stop is None or stop > mark):
                expected.add((result.pk, limit))
    assert services.escalate(now) == len(expected) > 10
    assert set(CriticalEscalation.objects.values_list("result", "minutes")) == expected
    assert services.escalate(now) == 0


def test_the_warning_stands_on_every_page_of_those_concerned(scene, value, as_user):
    cast = scene.cast
    seen = {}
    for minutes in (10, 16, 31, 61):
        filed_ago(value, minutes)
        for role in ("lab", "cli", "phy", "lsu", "mgr", "rec", "rad", "qco", "dat", "aud", "adm", "herat_phy"):
            found = critical.warning(getattr(cast, role).rights, timezone.now())
            if found:
                seen.setdefault(minutes, {})[role] = len(found.named)
    assert seen == {
        16: {"lab": 1, "cli": 1},
        31: {"lab": 1, "cli": 1, "phy": 1, "lsu": 1},
        61: {"lab": 1, "cli": 1, "phy": 1, "lsu": 1, "mgr": 0},
    }
    accession = value.order.specimen.accession
    page = as_user(cast.cli).get("/today/", follow=True).content.decode()
    assert f"/lab/critical/{value.pk}/" in page and accession in page and "critical-60" in page
    page = as_user(cast.mgr).get("/today/", follow=True).content.decode()
    assert "critical-60" in page and accession not in page and str(value.pk) not in page
    for rights, queries in ((cast.cli.rights, 1), (cast.rec.rights, 0)):
        with CaptureQueriesContext(
            connection,
        ) as caught:
            critical.warning(rights, timezone.now())
        assert len(caught) == queries
    services.acknowledge(value, follows="sent to hospital", by=cast.phy)
    assert "critical-60" not in as_user(cast.cli).get("/today/", follow=True).content.decode()


def test_a_test_told_in_person_is_not_named_over_the_shoulder(scene):
    result = scene.entered("hiv", "hiv_combo", "reactive")
    filed_ago(result, 20)
    (named,) = critical.warning(scene.cast.cli.rights, timezone.now()).named
    assert named.accession == result.order.specimen.accession and named.test == ""


def test_a_corrected_value_asks_again_or_is_withdrawn(scene, value, as_user):
    cast, now = scene.cast, timezone.now()
    services.call(value, **told(value), by=cast.lab)
    services.acknowledge(value, follows="sent to hospital", by=cast.phy)
    still = services.correct(value, text="7", because="decimal point", by=cast.lab)
    assert still.critical and [each.pk for each in critical.open_values(cast.lab, now)] == [still.pk]
    assert critical.withdrawn_values(cast.lab, now) == []
    with pytest.raises(services.Refused, match="no longer counts"):
        services.acknowledge(value, follows="too late now", by=cast.cli)
    usual = services.correct(still, text="1", because="another tube", by=cast.lab)
    assert not usual.critical and critical.open_values(cast.lab, now) == []
    (old,) = critical.withdrawn_values(cast.lab, timezone.now())
    assert old.pk == value.pk, "the value that was told, not the one that nobody heard of"
    page = as_user(cast.lab).get("/lab/critical/").content.decode()
    assert "Told, and no longer so" in page
    services.call(old, **told(old), by=cast.lab)
    assert critical.withdrawn_values(cast.lab, timezone.now()) == []


def test_the_pages_and_who_may_open_them(scene, value, as_user, client):
    cast = scene.cast
    address, name = f"/lab/critical/{value.pk}/", value.screening.patient.name
    for role in ("lab", "lsu", "cli", "phy"):
        browser = as_user(getattr(cast, role))
        for page in ("/lab/critical/", address, "/lab/critical/log/"):
            assert name in browser.get(page).content.decode()
    for role in ("rec", "rad", "qco", "mgr", "dat", "pro", "adm"):
        assert as_user(getattr(cast, role)).get("/lab/critical/").status_code == 403
    assert as_user(cast.herat_phy).get(address).status_code == 404
    auditor = as_user(cast.aud)
    assert auditor.get(address).status_code == 403
    for page in ("/lab/critical/", "/lab/critical/log/?day=nonsense"):
        text = auditor.get(page).content.decode()
        assert "nobody has taken note" in text
        assert not {name, value.order.specimen.accession} & set(text.split("<")) and name not in text
    page = as_user(cast.lab).post(address, told(value, reached="yes", value="2"))
    assert "not what stands in the record" in page.content.decode() and not CriticalCall.objects.exists()
    assert as_user(cast.lab).post(address, told(value, reached="yes")).status_code == 302
    assert as_user(cast.lab).post(address + "note/", {"follows": "sent to hospital"}).status_code == 403
    assert "few words" in as_user(cast.cli).post(address + "note/", {"follows": "x"}).content.decode()
    assert as_user(cast.cli).post(address + "note/", {"follows": "sent to hospital"}).status_code == 302
    assert "Critical values" in as_user(cast.lab).get("/lab/").content.decode()
