"""A family's clock from rows: the date of every day, who holds whom up, and who is told when."""

import datetime
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.core.management import call_command
from django.db import IntegrityError, connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from mhac.appointments.models import Booking, Slot
from mhac.certificates import seal
from mhac.decisions import clock, notices, services
from mhac.decisions.blocker import OWNERS, STEPS
from mhac.decisions.models import ExpiryNotice
from mhac.desk import demo
from mhac.exams.models import Pregnancy
from mhac.labs import catalogue
from mhac.labs.models import LabOrder
from mhac.patients.models import IdentityDocument
from mhac.screenings.models import Case, Screening, TravelPlan
from tests.decisions import made
from tests.decisions.story import LENGTH, Story, expected

DAY = made.DAY


def later(days):
    return DAY + datetime.timedelta(days=days)


def one(screening, on=DAY):
    """The only member of a case, as the clock sees her on a day."""
    (member,) = clock.of(screening.case, on=on).members
    return member


def joined(case, clinic, cast, **fields):
    """Another healthy adult of the same case, ready to be signed."""
    screening = made.ready(clinic, cast, "uk-tb", **fields)
    Screening.objects.filter(pk=screening.pk).update(case=case)
    screening.refresh_from_db()
    return screening


# --- 400 days --------------------------------------------------------------------------------------------------------


def test_the_date_of_a_family_of_eight_on_each_of_400_days_and_each_warning_once(kabul, cast):
    """The clock is moved day by day over rows as they come in; the date must be the minimum worked out by hand."""
    story = Story.begin(kabul, cast, kabul.today() - datetime.timedelta(days=LENGTH))
    told, nearing, rows = [], {}, None
    for number in range(LENGTH + 1):
        if story.tell(number) or rows is None:
            rows = clock.rows_of([story.case])[story.case.pk]
        found = clock.of_rows(story.case, *rows, on=story.day(number))
        date = expected(story.first, number)
        assert (found.expiry.day if found.expiry else None) == date, f"day {number}"
        for notice in notices.tell(found) + notices.tell(found):
            told.append((notice.expires_on, notice.days, notice.made_on))
        nearing.setdefault(date, []).append(story.day(number))
    assert len(told) == len(set(told)) == ExpiryNotice.objects.count()
    approached = [date for date, days in nearing.items() if date - datetime.timedelta(days=30) in days and date in days]
    assert len(approached) >= 2, "the story no longer comes near an expiry that stays"
    for date in approached:
        said = {days: made_on for expires, days, made_on in told if expires == date}
        assert said == {days: date - datetime.timedelta(days=days) for days in (30, 14, 7)}
    for expires, days, made_on in told:
        assert made_on in nearing[expires] and 0 <= (expires - made_on).days <= days


def test_one_who_is_not_ready_holds_the_other_seven_up(kabul, cast):
    story = Story.begin(kabul, cast, kabul.today() - datetime.timedelta(days=LENGTH))
    for number in range(78):
        story.tell(number)
    found = clock.of(story.case, on=story.day(78))
    assert [member.screening.patient for member in found.waiting] == [story.people[7]]
    assert found.waits_for_others and found.window.opens is None


# --- Who holds her up ---------------------------------------------------------------------------------------------------


def book(screening, cast, day, state="booked"):
    starts = datetime.datetime.combine(day, datetime.time(8), made.KABUL)
    slot, _new = Slot.objects.get_or_create(
        clinic=screening.clinic, starts_at=starts, defaults={"capacity": 20, "opened_by": cast.mgr}
    )
    return Booking.objects.create(
        slot=slot, seat=Booking.objects.count() + 1, screening=screening, state=state, booked_by=cast.rec
    )


def blocked(screening, on=DAY):
    found = one(screening, on).blocker
    return None if found is None else (found.step, found.owner)


def test_before_the_visit_the_reception_and_then_the_family(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    assert blocked(screening) == ("booking", "reception")
    book(screening, cast, later(3))
    assert blocked(screening) == ("visit", "family") and one(screening).blocker.until == later(3)
    assert blocked(screening, later(3)) == ("visit", "family")
    assert blocked(screening, later(4)) == ("booking", "reception")
    assert one(screening, later(4)).blocker.since == later(3)


def test_in_the_house_the_rooms_in_the_order_of_the_corridor(kabul, cast):
    catalogue.load()
    screening = made.screening(kabul, cast.rec)
    book(screening, cast, DAY, "arrived")
    assert blocked(screening) == ("questions", "nurse")
    made.history(screening, cast.cli)
    assert blocked(screening) == ("exam", "physician")
    made.exam(screening, cast.cli)
    assert blocked(screening) == ("film", "radiographer")
    made.film(screening, cast.rad, findings=None)
    assert blocked(screening) == ("order", "physician")
    services.order_due(screening, by=cast.phy)
    assert blocked(screening) == ("specimen", "laboratory")
    assert blocked(screening, later(1)) == ("booking", "reception"), "she has gone home without a specimen"
    for order in LabOrder.objects.filter(screening=screening):
        order.specimen, order.state = made.tube(screening, cast.lab), "collected"
        order.save()
    assert blocked(screening, later(1)) == ("reading", "radiographer")
    screening.chestxray_set.update(findings=[], read_by=cast.rad, read_at=timezone.now())
    assert blocked(screening, later(1)) == ("result", "laboratory")
    assert one(screening, later(5)).blocker.since == DAY


def test_a_result_to_verify_a_signature_and_then_nobody(kabul, cast):
    screening = made.ready(kabul, cast)
    assert blocked(screening) == ("signature", "physician")
    extra = made.order(screening, "hb", "blood_count", made.tube(screening, cast.lab, "edta"))
    made.result(extra, number=14)
    assert blocked(screening) == ("verification", "laboratory")
    assert "Haemoglobin" in one(screening).blocker.item
    extra.results.all().delete()
    extra.delete()
    services.sign(screening, by=cast.phy, on=DAY)
    assert blocked(screening) is None and one(screening).is_ready


def test_a_judgement_is_the_physicians_and_a_culture_the_laboratorys(kabul, cast):
    screening = made.ready(kabul, cast)
    screening.chestxray_set.update(findings=["cavity"])
    assert blocked(screening) == ("judgement", "physician")
    assert "Sputum" in one(screening).blocker.item
    services.judge(screening, code="order", item="sputum", reason="Cavity", by=cast.phy)
    for nth in (1, 2, 3):
        tube = made.tube(screening, cast.lab, "sputum", at=made.NOON - datetime.timedelta(days=nth))
        made.result(made.order(screening, "afb", "sputum", tube, nth=nth), cast.lsu, coded="negative")
        made.order(screening, "myco_cult", "sputum", tube, nth=nth)
    member = one(screening)
    assert (member.blocker.step, member.blocker.item, member.blocker.since) == ("result", "culture", later(-3))
    assert (member.promised, member.not_before) == (later(70), None)
    assert member.until == datetime.date(2027, 11, 21) and not member.certain


def test_a_pregnancy_waits_for_the_birth_or_the_partner(kabul, cast):
    woman = made.person(kabul, sex="female", born=datetime.date(1996, 5, 10))
    screening = made.screening(kabul, cast.rec, patient=woman)
    made.history(screening, cast.cli)
    made.exam(screening, cast.cli)
    made.laboratory(screening, cast)
    assert blocked(screening) == ("questions", "nurse"), "nobody asked her yet"
    due = later(140)
    Pregnancy.objects.create(
        screening=screening, asked_on=DAY, pregnant=True, weeks=20, days=0, due_on=due, film_choice="defer", by=cast.cli
    )
    assert blocked(screening) == ("time", "family") and one(screening).blocker.until == due
    leaves = one(screening).clock.leaves.closes
    assert (leaves.day, leaves.rule) == (later(16 * 7 - 1), "FTT-01"), "the last day before the 36th week"


def test_records_that_contradict_each_other_are_the_physicians(kabul, cast):
    screening = made.ready(kabul, cast)
    screening.patient.born_earliest = screening.patient.born_latest = later(-1)
    screening.patient.save()
    made.film(screening, cast.rad, day=later(-300))
    member = one(screening)
    assert (member.blocker.step, member.blocker.owner) == ("contradiction", "physician")
    assert (member.until, member.promised, member.clock.ready) == (None, None, None)


def test_every_open_member_of_the_demo_has_one_blocker_and_one_owner(db, settings, tmp_path):
    settings.SIGNING_KEY, settings.TRAINING = str(tmp_path / "key.pem"), True
    seal.create_key(tmp_path / "key.pem", training=True)
    demo.load()
    seen = 0
    for case in Case.objects.select_related("clinic"):
        rows = clock.rows_of([case])[case.pk]
        for day in (case.clinic.today() + datetime.timedelta(days=days) for days in (0, 1, 40)):
            for member in clock.of_rows(case, *rows, on=day).members:
                assert (member.blocker is None) == (not member.screening.is_open)
                if member.blocker is not None:
                    assert member.blocker.step in STEPS and member.blocker.owner in OWNERS
                    assert member.blocker.since <= day
                    seen += 1
    assert seen > 20


# --- The dates ----------------------------------------------------------------------------------------------------------


def test_a_healthy_family_of_canada_has_48_hours_and_a_year(kabul, cast):
    screening = made.ready(kabul, cast)
    member = one(screening)
    assert (member.promised, member.until, member.certain) == (later(2), datetime.date(2027, 11, 21), True)
    services.sign(screening, by=cast.phy, on=later(1))
    found = clock.of(screening.case, on=later(5))
    assert (found.window.opens.day, found.window.closes.day) == (later(1), datetime.date(2027, 11, 21))
    assert found.days_left == (datetime.date(2027, 11, 21) - later(5)).days
    assert not found.waiting and not found.waits_for_others


def test_a_promise_that_passed_is_kept_on_the_page_and_counts_as_today(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    made.history(screening, cast.cli)
    member = one(screening, later(9))
    assert (member.promised, member.clock.ready) == (later(2), later(9))


def test_what_is_promised_to_somebody_who_is_booked_counts_from_that_day(kabul, cast):
    screening = made.screening(kabul, cast.rec)
    assert one(screening).promised is None
    book(screening, cast, later(6))
    assert one(screening).promised == later(8)


def test_a_culture_under_the_united_states_leaves_the_last_day_open(kabul, cast):
    screening = made.screening(kabul, cast.rec, "us-refugee")
    made.history(screening, cast.cli, tb_signs=[{"code": "night_sweats"}])
    made.exam(screening, cast.cli)
    made.film(screening, cast.rad)
    member = one(screening)
    assert (member.until, member.until_waits_for, member.not_before) == (None, "culture", later(56))
    assert member.has_end and clock.of(screening.case, on=DAY).expiry is None


def test_a_letter_to_travel_stands_for_72_hours_and_has_no_expiry(kabul, cast):
    screening = made.screening(kabul, cast.rec, "returnee-avrr")
    made.history(screening, cast.cli)
    made.exam(screening, cast.cli)
    TravelPlan.objects.create(
        screening=screening, departure=timezone.now() + datetime.timedelta(days=1), mode="land", recorded_by=cast.rec,
        from_country="DEU",
    )  # fmt: skip
    signoff = services.sign(screening, by=cast.phy, on=kabul.today())
    found = clock.of(screening.case, on=kabul.today())
    last = timezone.localtime(signoff.signed_at + datetime.timedelta(hours=72), made.KABUL).date()
    assert (found.window.closes.day, found.window.closes.why) == (last, "FTT-VAL")
    assert found.expiry is None and notices.tell(found) == [] and not found.has_travelled


def test_a_decision_against_one_member_leaves_no_day_for_all(kabul, cast):
    screening = made.ready(kabul, cast)
    services.judge(screening, code="tb_disease", reason="Proven", by=cast.phy)
    found = clock.of(screening.case, on=DAY)
    assert found.window.is_empty and found.window.never == ((str(screening.pk), "decision"),)
    assert found.expiry is None and blocked(screening) == ("signature", "physician")


def test_who_gave_up_does_not_count_and_who_came_back_counts_once(kabul, cast):
    first = made.ready(kabul, cast, "uk-tb")
    second = joined(first.case, kabul, cast)
    services.sign(first, by=cast.phy, on=DAY)
    Screening.objects.filter(pk=second.pk).update(state="withdrawn")
    again = made.screening(kabul, cast.rec, "uk-tb", patient=first.patient)
    Screening.objects.filter(pk=again.pk).update(case=first.case)
    found = clock.of(first.case, on=DAY)
    assert [member.screening.pk for member in found.members] == [again.pk]
    assert [screening.pk for screening in found.left] == [second.pk]
    Screening.objects.filter(case=first.case).update(state="withdrawn")
    found = clock.of(first.case, on=DAY)
    assert found.is_over and found.expiry is None and not found.has_travelled and found.window.opens is None


def test_a_family_that_left_is_not_watched_any_more(kabul, cast):
    screening = made.ready(kabul, cast)
    services.sign(screening, by=cast.phy, on=DAY)
    TravelPlan.objects.create(screening=screening, departure=made.NOON, recorded_by=cast.rec)
    assert not clock.of(screening.case, on=DAY).has_travelled
    left = clock.of(screening.case, on=later(1))
    assert left.has_travelled and left.is_over
    assert notices.tell(clock.of(screening.case, on=datetime.date(2027, 11, 10))) == []


@pytest.mark.parametrize("size", [1, 8, 20])
def test_the_number_of_questions_does_not_grow_with_the_family(kabul, cast, size):
    first = made.ready(kabul, cast)
    services.sign(first, by=cast.phy, on=DAY)
    for _number in range(size - 1):
        screening = made.screening(kabul, cast.rec)
        made.film(screening, cast.rad)
        made.history(screening, cast.cli)
        Screening.objects.filter(pk=screening.pk).update(case=first.case)
        IdentityDocument.objects.create(
            patient=screening.patient, kind="passport", number=f"XX{_number:06d}", expires_on=later(90)
        )
        book(screening, cast, DAY, "arrived")
    with CaptureQueriesContext(
        connection,
    ) as asked:
        found = clock.of(first.case, on=DAY)
    assert len(found.members) == size
    assert len(asked) <= 17


# --- Who is told ----------------------------------------------------------------------------------------------------------


def ending(kabul, cast, days=20):
    """A signed family whose result ends in so many days from today."""
    today = kabul.today()
    begun = clock.add_days(today, days - 183)
    screening = made.screening(kabul, cast.rec, "uk-tb", day=begun)
    made.history(screening, cast.cli, taken_on=begun)
    made.film(screening, cast.rad, day=begun)
    made.face(screening, cast.rec, day=begun)
    made.consent(screening, cast.rec, day=begun)
    signoff = services.sign(screening, by=cast.phy, on=begun)
    ends = today + datetime.timedelta(days=days)
    type(signoff).objects.filter(pk=signoff.pk).update(
        valid_until=ends, answer=signoff.answer | {"valid_until": ends.isoformat()}
    )
    return screening, ends


def test_the_command_tells_once_however_often_it_looks(kabul, cast, capsys):
    screening, ends = ending(kabul, cast)
    call_command("work_clock", once=True)
    call_command("work_clock", once=True)
    assert capsys.readouterr().out.split("\n")[:2] == ["1 notices made", "0 notices made"]
    notice = ExpiryNotice.objects.get()
    assert (notice.case, notice.screening, notice.expires_on, notice.days) == (screening.case, screening, ends, 30)
    assert notice.history.count() == 1


def test_families_far_from_their_expiry_are_not_even_looked_at(kabul, herat, cast):
    screening, _ends = ending(kabul, cast, days=31)
    assert list(notices.may_end_soon(kabul, kabul.today())) == []
    assert list(notices.may_end_soon(kabul, kabul.today() + datetime.timedelta(days=1))) == [screening.case]
    assert list(notices.may_end_soon(herat, kabul.today() + datetime.timedelta(days=1))) == []
    begun = made.screening(kabul, cast.rec)
    made.film(begun, cast.rad, day=kabul.today())
    assert list(notices.may_end_soon(kabul, kabul.today())) == [begun.case]


@pytest.mark.django_db(transaction=True)
def test_two_that_look_at_once_make_one_notice(kabul, cast):
    ending(kabul, cast)

    def look(_number):
        try:
            return notices.look()
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as together:
        assert sorted(together.map(look, range(4))) == [0, 0, 0, 1]
    assert ExpiryNotice.objects.count() == 1


def test_the_database_holds_it_too(kabul, cast):
    screening, ends = ending(kabul, cast)
    fields = {"case": screening.case, "screening": screening, "expires_on": ends, "days": 30, "made_on": ends}
    ExpiryNotice.objects.create(**fields)
    for wrong in (fields, fields | {"days": 7, "seen_at": timezone.now()}):
        with pytest.raises(IntegrityError), transaction.atomic():
            ExpiryNotice.objects.create(**wrong)


def test_a_changed_expiry_begins_anew_and_the_old_notice_is_not_shown(kabul, cast):
    screening, ends = ending(kabul, cast)
    (notice,) = notices.look_at(kabul, on=kabul.today())
    assert [each for each, _clock in notices.standing(ExpiryNotice.objects.select_related("case__clinic"))] == [notice]
    signoff = screening.signoffs.get()
    signoff.valid_until = ends + datetime.timedelta(days=5)
    signoff.answer["valid_until"] = signoff.valid_until.isoformat()
    signoff.save()
    assert notices.standing(ExpiryNotice.objects.select_related("case__clinic")) == []
    (again,) = notices.look_at(kabul, on=kabul.today())
    assert (again.expires_on, again.days) == (signoff.valid_until, 30)


def test_whoever_saw_it_first_stays_written(kabul, cast):
    screening, ends = ending(kabul, cast)
    shared = {"case": screening.case, "screening": screening, "expires_on": ends}
    early = ExpiryNotice.objects.create(days=30, made_on=kabul.today(), **shared)
    late = ExpiryNotice.objects.create(days=14, made_on=kabul.today(), **shared)
    notices.acknowledge(late, by=cast.mgr)
    notices.acknowledge(early, by=cast.phy)
    assert {notice.seen_by for notice in ExpiryNotice.objects.all()} == {cast.mgr}
    assert early.history.first().history_user == cast.mgr


def test_only_whoever_acts_at_the_site_sees_the_notice(kabul, cast):
    ending(kabul, cast)
    notices.look()
    seen = {name: ExpiryNotice.objects.visible_to(getattr(cast, name)).count() for name in
            ("phy", "mgr", "rec", "cli", "herat_phy", "adm")}  # fmt: skip
    assert seen == {"phy": 1, "mgr": 1, "rec": 0, "cli": 0, "herat_phy": 0, "adm": 0}
