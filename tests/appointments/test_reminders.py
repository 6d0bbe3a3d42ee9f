"""Reminders: who gets one, what it says, and that none is sent twice or lost without a trace."""

import datetime
import random

import pytest
from django.core.management import CommandError, call_command
from django.urls import reverse

from mhac.appointments import services
from mhac.appointments.models import Booking, Reminder, at
from mhac.appointments.services import Refused, reminders
from mhac.clinics import sms
from mhac.clinics.gateways import Rejected, Unavailable, Unknown
from mhac.screenings.models import Consent

from .conftest import make_family, open_days, slot_on
from .test_roster import everybody

PAGE = reverse("appointments:reminders")
MINUTE = datetime.timedelta(minutes=1)


class Out:
    """A way out with a script: what happens at each try, "sent" once it is through. Remembers what left the house."""

    name = "script"

    def __init__(self, *script):
        self.script, self.left = list(script), []

    def send(self, message):
        step = self.script.pop(0) if self.script else "sent"
        if step in ("sent", Unknown):
            self.left.append(message)
        if step != "sent":
            raise step("words of the gateway")


def reminded(clinic, by, *, hour=9, phone="+93 700 000 000", consent=True, size=2):
    """A family booked for the next open day, and ten o'clock of the day before that."""
    case = make_family(clinic, by, size=size)
    case.phone = phone
    case.save()
    day = open_days(clinic, after=1)[0]
    slot = clinic.slots.filter(starts_at=at(clinic, day, datetime.time(hour))).first()
    slot = slot or slot_on(clinic, day, by, capacity=90, hour=hour)
    services.book(case, slot, screenings=everybody(case), by=by)
    if consent:
        Consent.objects.create(
            screening=everybody(case)[-1], purpose="contact", given_by="Test", given_on=clinic.today(), recorded_by=by
        )
    return case, slot.starts_at - datetime.timedelta(hours=23)


def test_one_message_a_family_without_health_in_its_language(kabul, cast):
    case, now = reminded(kabul, cast.rec)
    patient = everybody(case)[-1].patient
    for language, words in (("en", "appointment on"), ("fa-af", "وقت"), ("ps", "وخت")):
        patient.language = language
        patient.save()
        Reminder.objects.all().delete()
        assert (reminders.write_due(now), reminders.write_due(now)) == (1, 0)
        row = Reminder.objects.get()
        assert (row.language, row.phone, row.parts) == (language, "+93700000000", sms.parts(row.text))
        assert words in row.text and case.number in row.text and "09:00" in row.text and patient.name not in row.text
        assert row.parts <= 2 and not any(word in row.text.lower() for word in ("health", "medical", "test", "x-ray"))
    out = Out()
    assert (reminders.send_due(out, now), reminders.send_due(out, now)) == (1, 0)
    row.refresh_from_db()
    assert (row.state, row.sent_at, out.left[0].key) == ("sent", now, str(row.pk))


@pytest.mark.parametrize(
    ("changes", "hours", "written"),
    [
        ({}, 0, 1),
        ({"consent": False}, 0, 0),
        ({"phone": ""}, 0, 0),
        ({"phone": "12345"}, 0, 0),
        # Written from 48 hours before until two hours before, both ends.
        ({}, -25, 1),
        ({}, -26, 0),
        ({}, 20, 1),
        ({}, 21, 0),
    ],
)
def test_who_is_reminded_and_when(kabul, cast, changes, hours, written):
    _case, now = reminded(kabul, cast.rec, **changes)
    assert reminders.write_due(now + datetime.timedelta(hours=hours)) == written


def test_no_telephone_rings_at_night(kabul, cast):
    _case, now = reminded(kabul, cast.rec, hour=12)
    for hour, morning in ((7, 0), (8, None), (19, None), (20, 1)):
        Reminder.objects.all().delete()
        moment = at(kabul, (now + datetime.timedelta(hours=4)).date(), datetime.time(hour, 30))
        reminders.write_due(moment)
        row = Reminder.objects.get()
        expected = moment if morning is None else moment.replace(hour=8, minute=0) + datetime.timedelta(days=morning)
        assert row.next_try_at == expected


def test_who_cancelled_moved_or_withdrew_is_not_reminded(kabul, cast):
    rows = [reminded(kabul, cast.rec, size=1) for _n in range(3)]
    now = rows[0][1]
    assert reminders.write_due(now) == 3
    services.cancel(Booking.objects.get(screening__case=rows[0][0]), because="Ill", by=cast.rec)
    later = slot_on(kabul, open_days(kabul, after=1)[0], cast.rec, hour=11)
    services.reschedule(rows[1][0], later, bookings=Booking.objects.filter(screening__case=rows[1][0]), by=cast.rec)
    out = Out()
    assert reminders.send_due(out, now) == 1 and len(out.left) == 1
    states = {row.case: row.state for row in Reminder.objects.all()}
    assert [states[case] for case, _now in rows] == ["dropped", "dropped", "sent"]
    # The new time is a message of its own.
    assert reminders.write_due(now) == 1
    Consent.objects.update(withdrawn_on=kabul.today())
    assert reminders.send_due(out, now) == 0
    assert Reminder.objects.filter(case=rows[1][0]).latest("pk").state == "dropped"


def test_tries_wait_longer_each_time_and_end(kabul, cast):
    _case, now = reminded(kabul, cast.rec, hour=13)
    reminders.write_due(now)
    out, moments = Out(*[Unavailable] * 9), []
    moment = now
    for minutes in (*reminders.BACKOFF, None):
        assert reminders.send_due(out, moment) == 1
        row = Reminder.objects.get()
        if minutes:
            assert row.next_try_at == moment + minutes * MINUTE and reminders.send_due(out, moment) == 0
            moment = row.next_try_at
        moments.append(row.state)
    assert moments == ["queued"] * 4 + ["failed"] and row.problem == "words of the gateway" and not out.left


def test_what_may_have_been_sent_is_a_person_s_to_decide(kabul, cast, as_user, settings):
    settings.GATEWAY = "console:"
    case, now = reminded(kabul, cast.rec)
    clerk = as_user(cast.rec)
    assert "No reminder was written yet." in clerk.get(PAGE).content.decode()
    reminders.write_due(now)
    out = Out(Unknown)
    reminders.send_due(out, now)
    assert reminders.send_due(out, now + 60 * MINUTE) == 0
    row = Reminder.objects.get()
    page = clerk.get(PAGE, {"show": "open"}).content.decode()
    assert "not known whether it was sent" in page and "words of the gateway" in page
    address = reverse("appointments:settle", args=[row.pk])
    clerk.post(address, {"again": "1"})
    assert reminders.send_due(out, now + 60 * MINUTE) == 1
    row.refresh_from_db()
    assert (row.state, [message.key for message in out.left]) == ("sent", [str(row.pk)] * 2)
    assert "nothing to decide" in clerk.post(address, {"again": "1"}, follow=True).content.decode()
    with pytest.raises(Refused, match="nothing to decide"):
        services.settle(row, again=False, by=cast.rec)
    assert as_user(cast.herat_rec).post(address).status_code == 404
    assert as_user(cast.lab).get(PAGE).status_code == 403
    settings.GATEWAY = ""
    assert "No way to send messages is set up" in clerk.get(PAGE).content.decode()
    assert case.contact_name in clerk.get(PAGE).content.decode()


@pytest.mark.parametrize(("minutes", "state"), [(9, "sending"), (11, "unknown")])
def test_who_was_killed_while_sending_leaves_a_question_not_a_second_message(kabul, cast, minutes, state):
    _case, now = reminded(kabul, cast.rec)
    reminders.write_due(now)
    out = Out()
    assert reminders._claimed(out, now) is not None  # and here the process ends
    reminders.set_apart(now + minutes * MINUTE)
    assert reminders.send_due(out, now + minutes * MINUTE) == 0
    assert Reminder.objects.get().state == state and out.left == []


def test_three_days_of_a_bad_gateway_lose_and_double_nothing(kabul, cast):
    """Every failure by chance: what left the house once is sent or asked about, what did not is tried or called for."""
    chance = random.Random(41)
    rows = [reminded(kabul, cast.rec, hour=13, size=1) for _n in range(12)]
    now = rows[0][1]
    assert reminders.write_due(now) == 12
    steps = ["sent", Unavailable, Unavailable, Rejected, Unknown]
    out = Out(*(chance.choice(steps) for _n in range(90)))
    for minutes in range(0, 600, 20):
        reminders.send_due(out, now + minutes * MINUTE)
    left = [message.key for message in out.left]
    assert len(left) == len(set(left))
    for row in Reminder.objects.all():
        assert (str(row.pk) in left) == (row.state in {"sent", "unknown"})
        assert row.state in {"sent", "unknown", "failed"}


def test_the_command_looks_once_and_names_a_wrong_gateway(kabul, cast, settings, tmp_path, capsys):
    settings.GATEWAY = f"file:{tmp_path}/out.jsonl"
    call_command("work_reminders", once=True)
    assert "0 written, 0 tried, 0 set apart" in capsys.readouterr().out
    settings.GATEWAY = "pigeon:"
    with pytest.raises(CommandError, match="MHAC_GATEWAY must be"):
        call_command("work_reminders", once=True)
    settings.GATEWAY = ""
    call_command("work_reminders", once=True)
