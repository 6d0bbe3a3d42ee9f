"""The page of a family's clock: who may see it, what it says, and where its warnings stand."""

import datetime
import re

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone, translation

from mhac.accounts.models import Access
from mhac.clinics.calendar import solar_hijri
from mhac.decisions import clock, facts, ledger, notices, services
from mhac.decisions.models import ExpiryNotice, SignOff
from mhac.desk import timeline
from mhac.desk.clock import isolated
from mhac.exams.models import ChestXray, MedicalHistory, PhysicalExam
from mhac.labs.models import Specimen
from mhac.patients.models import IdentityCheck, IdentityDocument
from mhac.screenings.models import Consent, Screening, TravelPlan
from mhac.screenings.programmes import programmes
from tests.decisions import made
from tests.decisions.story import LENGTH, Story, expected

STEP = 20
DATED = {
    Screening: ["opened_on"],
    MedicalHistory: ["taken_on"],
    PhysicalExam: ["held_on"],
    ChestXray: ["taken_on"],
    IdentityCheck: ["day"],
    Consent: ["given_on"],
    Specimen: ["collected_at"],
    SignOff: ["signed_on"],
}


def page_of(case, browser, **asked):
    response = browser.get(reverse("desk:clock", args=[case.pk]), asked)
    assert response.status_code == 200
    return re.sub(r"[\u2068\u2069]", "", response.content.decode())


def ago(clinic, days):
    return clinic.today() - datetime.timedelta(days=days)


def examined(clinic, cast, days, case=None, sign=True, **fields):
    """A member under the United Kingdom's programme, examined so many days ago."""
    day = ago(clinic, days)
    screening = made.screening(clinic, cast.rec, "uk-tb", day=day, **fields)
    if case is not None:
        Screening.objects.filter(pk=screening.pk).update(case=case)
        screening.refresh_from_db()
    made.history(screening, cast.cli, taken_on=day)
    made.film(screening, cast.rad, day=day)
    made.face(screening, cast.rec, day=day)
    if sign:
        made.consent(screening, cast.rec, day=day)
        services.sign(screening, by=cast.phy, on=day)
    return screening


def cultured(clinic, cast, days, case):
    """A member whose three cultures are awaited."""
    screening = examined(clinic, cast, days, case=case, sign=False, relation="child")
    made.consent(screening, cast.rec, day=ago(clinic, days))
    services.judge(screening, code="order", item="sputum", reason="Cough", by=cast.phy)
    for nth in (1, 2, 3):
        tube = made.tube(screening, cast.lab, "sputum", at=timezone.now() - datetime.timedelta(days=days - nth))
        made.result(made.order(screening, "afb", "sputum", tube, nth=nth), cast.lsu, coded="negative")
        made.order(screening, "myco_cult", "sputum", tube, nth=nth)
    return screening


# --- Whose page it is ----------------------------------------------------------------------------------------------------


def test_whoever_reads_the_case_reads_its_clock_and_it_is_written_down(kabul, cast, as_user):
    case = examined(kabul, cast, 10).case
    for name in ("rec", "cli", "phy", "mgr", "lsu"):
        assert "Family clock" in page_of(case, as_user(getattr(cast, name)))
    looks = Access.objects.filter(page="desk:clock", key=str(case.pk))
    assert looks.count() == 5 and {look.clinic for look in looks} == {kabul}


def test_another_site_a_partner_and_a_role_without_cases_do_not(kabul, cast, partners, as_user):
    address = reverse("desk:clock", args=[examined(kabul, cast, 10).case.pk])
    assert as_user(cast.herat_rec).get(address).status_code == 404
    for user in (partners.uk_user, cast.lab, cast.adm, cast.aud):
        assert as_user(user).get(address).status_code == 403
    assert not Access.objects.filter(page="desk:clock").exists()


def test_what_is_looked_for_is_told_to_readers_of_the_ledger_only(kabul, cast, as_user):
    father = examined(kabul, cast, 20)
    child = cultured(kabul, cast, 20, father.case)
    told, untold = (page_of(father.case, as_user(user)) for user in (cast.phy, cast.rec))
    assert f"{child.patient.name} (culture, laboratory)" in told and "Promised where sputum is cultured" in told
    assert f"{child.patient.name} (a laboratory result, laboratory)" in untold
    for word in ("culture", "sputum", "Sputum", "cleared", "tuberculosis takes"):
        assert word not in untold.replace("tuberculosis clearance", ""), word


# --- What it says ----------------------------------------------------------------------------------------------------------


def test_the_page_says_the_date_worked_out_by_hand(kabul, cast, as_user):
    """Every twentieth day of the story, told on from there: all that has a day is moved back, and today is later."""
    story, browser, told = Story.begin(kabul, cast, kabul.today()), as_user(cast.phy), -1
    for number in range(0, LENGTH + 1, STEP):
        if number:
            story.first -= datetime.timedelta(days=STEP)
            moved_back(story.case)
        for day in range(told + 1, number + 1):
            story.tell(day)
        told = number
        date = expected(story.first, number)
        tile = page_of(story.case, browser).split("First result ends")[1].split("</div>")[0]
        assert f"{date:%d %b %Y}</bdi> <small>{solar_hijri(date)}</small>" in tile, f"day {number}"
        left = (date - kabul.today()).days
        assert ("over" if left < 0 else f"{left} day") in tile


def moved_back(case):
    """Everything in the story that is a day, moved together; what was signed then is signed as of the moved day."""
    for model, fields in DATED.items():
        model.objects.update(**{field: F(field) - datetime.timedelta(days=STEP) for field in fields})
    signed = {signoff.screening_id: signoff for signoff in SignOff.objects.filter(screening__case=case)}
    screenings = Screening.objects.filter(pk__in=signed).whole()
    for key, records in facts.records_of(screenings).items():
        signoff, edition = signed[key], programmes().by_key(signed[key].edition)
        answer = ledger.answer_to(facts.of_records(records, on=signoff.signed_on), edition)
        SignOff.objects.filter(pk=signoff.pk).update(answer=answer, valid_until=answer["valid_until"])


def test_a_result_that_ends_before_the_culture_is_ready_says_what_to_do(kabul, cast, as_user):
    father = examined(kabul, cast, 160)
    child = cultured(kabul, cast, 20, father.case)
    page = page_of(father.case, as_user(cast.rec))
    found = clock.of(father.case, on=kabul.today())
    assert "on no day" in page
    assert f"The result of {father.patient.name} ends on" in page and f"before {child.patient.name} can travel" in page
    assert f"or later: {father.patient.name}." in page
    assert found.plan.keys == (str(father.pk),) and found.plan.window.opens.day == ago(kabul, 20 - 70)
    assert reverse("desk:case", args=[father.case.pk]) + "#add" in page, "signed: a new screening has to be opened"
    assert "#add" not in page_of(father.case, as_user(cast.phy)), "she may not open one"


def test_an_open_member_is_booked_again_with_one_click_and_only_she_is_ticked(kabul, cast, as_user):
    father = examined(kabul, cast, 160, sign=False)
    made.consent(father, cast.rec)
    cultured(kabul, cast, 20, father.case)
    page = page_of(father.case, as_user(cast.rec))
    day = clock.of(father.case, on=kabul.today()).plan.day
    address = f"{reverse('appointments:book', args=[father.case.pk])}?day={day:%Y-%m-%d}&amp;for={father.pk}"
    assert address in page
    ticked = re.findall(r'name="members" value="([^"]+)" checked', _get(as_user(cast.rec), address))
    assert ticked == [str(father.pk)]
    everybody = re.findall(r" checked", _get(as_user(cast.rec), reverse("appointments:book", args=[father.case.pk])))
    assert len(everybody) == 2


def _get(browser, address):
    response = browser.get(address.replace("&amp;", "&"))
    assert response.status_code == 200
    return response.content.decode()


def test_the_journey_stands_beside_the_days_on_which_all_may_travel(kabul, cast, as_user):
    screening = examined(kabul, cast, 10)
    assert "No travel plan." in page_of(screening.case, as_user(cast.rec))
    leaves = timezone.now() + datetime.timedelta(days=30)
    plan = TravelPlan.objects.create(screening=screening, departure=leaves, recorded_by=cast.rec, mode="land")
    assert "within these days" in page_of(screening.case, as_user(cast.rec))
    plan.arrival_on = kabul.today() + datetime.timedelta(days=200)
    plan.save()
    assert "not within these days" in page_of(screening.case, as_user(cast.rec)), "it ends before the arrival"
    plan.departure, plan.arrival_on = timezone.now() - datetime.timedelta(days=3), None
    plan.save()
    assert "This family has travelled." in page_of(screening.case, as_user(cast.rec))


@pytest.mark.parametrize(("days", "warned"), [(100, True), (300, False)])
def test_a_passport_that_ends_first_is_a_warning(kabul, cast, as_user, days, warned):
    screening = examined(kabul, cast, 10)
    ends = kabul.today() + datetime.timedelta(days=days)
    IdentityDocument.objects.create(patient=screening.patient, kind="passport", number="XX000001", expires_on=ends)
    # The passport is no fact of the signature, so an open member is looked at.
    services.withdraw(screening.signoffs.get(), by=cast.phy, because="Test")
    assert ("The passport of" in page_of(screening.case, as_user(cast.rec))) is warned


def test_a_decision_is_named_to_nobody_but_the_physician_is(kabul, cast, as_user):
    screening = examined(kabul, cast, 10, sign=False)
    made.consent(screening, cast.rec)
    services.judge(screening, code="tb_disease", reason="Proven", by=cast.phy)
    page = page_of(screening.case, as_user(cast.rec))
    assert f"No date can be given: {screening.patient.name}. Ask the physician." in page
    assert "a bar is established" not in page


def test_a_pregnancy_is_a_rule_of_the_journey_to_the_reception(kabul, cast, as_user):
    woman = made.person(kabul, sex="female", born=datetime.date(1996, 5, 10))
    screening = made.screening(kabul, cast.rec, "uk-tb", patient=woman)
    made.history(screening, cast.cli, taken_on=kabul.today())
    made.exam(screening, cast.cli, day=kabul.today())
    screening.pregnancy_set.create(asked_on=kabul.today(), pregnant=True, weeks=20, days=0, by=cast.cli)
    told, untold = (page_of(screening.case, as_user(user)) for user in (cast.phy, cast.rec))
    assert "no flight from the 36th week" in told
    assert "a rule of the journey; ask the physician" in untold and "regnan" not in untold


def test_an_empty_case_and_one_that_everybody_left(kabul, cast, as_user):
    screening = examined(kabul, cast, 10, sign=False)
    Screening.objects.filter(pk=screening.pk).update(state="withdrawn")
    assert "Nobody of this case is being screened any more" in page_of(screening.case, as_user(cast.rec))
    empty = made.screening(kabul, cast.rec)
    case = empty.case
    empty.delete()
    assert "Nobody belongs to this case yet." in page_of(case, as_user(cast.rec))


@pytest.mark.parametrize("size", [1, 8, 20])
def test_the_page_asks_the_same_number_of_questions(kabul, cast, as_user, size):
    first, browser = examined(kabul, cast, 10), as_user(cast.phy)
    for _number in range(size - 1):
        screening = made.screening(kabul, cast.rec, "uk-tb")
        made.film(screening, cast.rad)
        Screening.objects.filter(pk=screening.pk).update(case=first.case)
    with CaptureQueriesContext(connection) as asked:
        page = page_of(first.case, browser)
    assert page.count('<svg role="img"') == size
    assert len(asked) <= 26


# --- The timeline ------------------------------------------------------------------------------------------------------------


def test_the_timeline_is_mirrored_for_who_reads_from_the_right(kabul, cast):
    screening = examined(kabul, cast, 60)
    found = clock.of(screening.case, on=kabul.today())
    drawn = timeline.of(found)
    with translation.override("fa-af"):
        mirrored = timeline.of(found)
    for one, other in zip(drawn.bars[0].spans, mirrored.bars[0].spans, strict=True):
        assert one.width == other.width
        total = sum(float(each.rstrip("%")) for each in (one.x, one.width, other.x))
        assert total == pytest.approx(100, abs=0.02)
    assert float(drawn.now.rstrip("%")) + float(mirrored.now.rstrip("%")) == pytest.approx(100, abs=0.02)
    assert 1 <= len(drawn.marks) <= timeline.MOST_MARKS


def test_nothing_is_drawn_before_anybody_has_a_day(kabul, cast):
    assert timeline.of(clock.of(made.screening(kabul, cast.rec).case, on=kabul.today())) is None


# --- The warnings --------------------------------------------------------------------------------------------------------------


def test_a_result_that_ends_soon_stands_before_those_who_act_until_one_has_seen_it(kabul, cast, as_user):
    screening = examined(kabul, cast, 170)
    assert notices.look() == 1
    notice, case = ExpiryNotice.objects.get(), screening.case
    lists = [("phy", "desk:to_decide"), ("phy", "desk:today"), ("mgr", "desk:today")]
    for name, page in lists:
        assert "Results end soon" in _get(as_user(getattr(cast, name)), reverse(page))
    assert "Results end soon" not in _get(as_user(cast.rec), reverse("desk:today"))
    assert "Results end soon" not in _get(as_user(cast.herat_phy), reverse("desk:to_decide"))
    for name in ("rec", "phy"):
        assert "The first result of this family ends in" in _get(
            as_user(getattr(cast, name)), reverse("desk:case", args=[case.pk])
        )
    seen = reverse("desk:notice_seen", args=[notice.pk])
    assert as_user(cast.rec).post(seen).status_code == 403
    assert as_user(cast.herat_phy).post(seen).status_code == 404
    assert as_user(cast.mgr).get(seen).status_code == 405
    assert as_user(cast.mgr).post(seen).url == reverse("desk:clock", args=[case.pk])
    notice.refresh_from_db()
    assert notice.seen_by == cast.mgr
    for name, page in lists:
        assert "Results end soon" not in _get(as_user(getattr(cast, name)), reverse(page))
    page = page_of(case, as_user(cast.phy))
    assert "Mgr" in page and f"{notice.days} days before" in page
    assert "The first result of this family ends in" in _get(as_user(cast.rec), reverse("desk:case", args=[case.pk]))


def test_many_who_hold_a_family_up_are_counted_at_their_doors(kabul, cast, as_user):
    first = examined(kabul, cast, 10)
    for _number in range(5):
        screening = made.screening(kabul, cast.rec, "uk-tb")
        Screening.objects.filter(pk=screening.pk).update(case=first.case)
    assert "reception: 5" in page_of(first.case, as_user(cast.phy))
    assert isolated("a") == "\u2068a\u2069"
