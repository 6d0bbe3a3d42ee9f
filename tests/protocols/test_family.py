"""Several clocks as one: the earliest expiry, the window, whose examination is repeated, when to warn; and the limits
of the journey by day.
"""

import datetime

import pytest

from mhac.protocols import family
from mhac.protocols.departure import Departure, Limit, days_to_leave
from mhac.protocols.facts import read
from mhac.protocols.family import Clock, Renewal
from mhac.protocols.months import add_months
from mhac.protocols.programme import EditionFault, read_edition
from mhac.protocols.promise import promise_of
from mhac.protocols.provisional import provisional
from mhac.protocols.situation import weigh
from tests.protocols.made import CONTACT, FILM, PROGRAMMES, assessed, record

DAY = datetime.date(2026, 11, 21)


def later(days):
    return DAY + datetime.timedelta(days=days)


def clock(key, ready=0, until=None, **fields):
    days = {"ready": None if ready is None else later(ready), "until": None if until is None else later(until)}
    return Clock(key, done=fields.pop("done", True), **days, **fields)


def test_the_earliest_expiry_is_the_first_of_all_and_says_whose():
    assert family.earliest_expiry([]) is None
    assert family.earliest_expiry([clock("a"), clock("b")]) is None
    found = family.earliest_expiry([clock("a", until=90), clock("b"), clock("c", until=89), clock("d", until=89)])
    assert (found.day, found.key, found.why) == (later(89), "c", "expiry")


def test_the_family_is_ready_with_its_last_member_and_unpromised_with_one_who_has_no_promise():
    found = family.promised_ready([clock("a", 2), clock("b", 70, done=False), clock("c", 2)])
    assert (found.day, found.key) == (later(70), "b")
    assert family.promised_ready([clock("a", 2), clock("b", None, done=False)]) is None
    assert family.promised_ready([]) is None


@pytest.mark.parametrize(
    ("ready", "until", "empty"),
    [(70, 71, False), (70, 70, False), (70, 69, True)],
)
def test_the_window_ends_on_the_last_day_inclusive(ready, until, empty):
    found = family.window([clock("a", 0, until), clock("b", ready, 300, done=False)])
    assert (found.opens.day, found.opens.key) == (later(ready), "b")
    assert (found.closes.day, found.closes.key) == (later(until), "a")
    assert found.is_empty is empty
    assert found.holds(later(until)) is not empty
    assert not found.holds(later(until + 1)) and not found.holds(later(ready - 1))
    assert found.is_over(later(until + 1)) and not found.is_over(later(until))


def test_rules_of_the_journey_narrow_the_window_and_may_leave_none():
    leaves = Departure(opens=Limit(later(10), "POL-EXIT"), closes=Limit(later(20), "FTT-01"))
    found = family.window([clock("a", 0, 100), clock("b", 0, 100, leaves=leaves)])
    assert (found.opens.day, found.opens.why) == (later(10), "POL-EXIT")
    assert (found.closes.day, found.closes.why) == (later(20), "FTT-01")
    for nobody in (clock("c", 0, 100, stopped=True), clock("c", 0, 100, leaves=Departure(never="FTT-04"))):
        stopped = family.window([clock("a", 0, 100), nobody])
        assert stopped.is_empty and not stopped.holds(later(5))
        assert stopped.never == (("c", "FTT-04" if nobody.leaves.never else "decision"),)


def test_a_plan_names_who_is_examined_again_and_the_first_day_that_makes_the_dates_meet():
    six = Renewal(months=6, ready_days=2)
    father = clock("father", 0, 60, renewal=six)
    child = clock("child", 200, 380, done=False, renewal=six)
    mother = clock("mother", 0, 300, renewal=six)
    found = family.plan([father, mother, child], DAY)
    assert found.keys == ("father",)
    # Six months from this day reach the day on which the child is ready, and those from the day before do not.
    assert add_months(found.day, 6) >= later(200) > add_months(found.day - datetime.timedelta(days=1), 6)
    assert found.window.opens.day == later(200) and not found.window.is_empty


@pytest.mark.parametrize(
    "members",
    [
        [clock("a", 0, 100), clock("b", 0, 100)],
        [clock("a", 0, 60, renewal=Renewal(6)), clock("b", None, 100, done=False)],
        [clock("a", 0, 60), clock("b", 70, 100, done=False)],
        [clock("a", 0, 60, renewal=Renewal(6)), clock("b", 70, 100, stopped=True)],
        [
            clock("a", 0, 100, leaves=Departure(closes=Limit(later(50), "FTT-01")), renewal=Renewal(6)),
            clock("b", 70, 300, done=False),
        ],
    ],
    ids=["the dates meet", "nobody promises", "no term", "a decision stands against it", "a pregnancy, not an expiry"],
)
def test_there_is_no_plan_where_none_is_needed_or_none_helps(members):
    assert family.plan(members, DAY) is None


def test_what_has_run_out_is_planned_from_today():
    today = later(200)
    found = family.plan([clock("a", 0, 150, renewal=Renewal(6, ready_days=2))], today)
    assert found.day == today and found.window.opens.day == later(202)


def test_new_cultures_are_counted_from_their_report():
    renewal = Renewal(months=3, ready_days=70, counted_days=70)
    assert renewal.until(DAY) == add_months(later(70), 3)
    assert renewal.ready(DAY) == later(70)


@pytest.mark.parametrize(
    ("left", "told"),
    [(31, None), (30, 30), (15, 30), (14, 14), (8, 14), (7, 7), (0, 7), (-1, None)],
)
def test_warnings_at_thirty_fourteen_and_seven_days(left, told):
    assert family.threshold(later(left), DAY) == told


# --- The journey, day by day --------------------------------------------------------------------------------------------


def journey(asked=(), first=DAY, last=None, **changes):
    return days_to_leave(read(record(**changes), PROGRAMMES), first, last or later(300), asked=set(asked))


def test_nothing_stands_against_a_healthy_traveller():
    assert journey() == Departure()


@pytest.mark.parametrize(("fetuses", "weeks", "rule"), [(1, 36, "FTT-01"), (2, 32, "FTT-02")])
def test_a_pregnancy_closes_the_window_the_day_before_the_limit(fetuses, weeks, rule):
    pregnancy = {"pregnant": True, "weeks": 20, "days": 0, "fetuses": fetuses}
    found = journey(person={"pregnancy": pregnancy}, sex="female", born="1996-05-10")
    assert found.closes == Limit(later((weeks - 20) * 7 - 1), rule) and found.opens is None
    by_land = journey(person={"pregnancy": pregnancy}, sex="female", born="1996-05-10", travel={"mode": "land"})
    assert by_land == Departure()


def test_surgery_opens_it_on_the_tenth_day_and_an_infection_never():
    operated = {"physical_exam": {"conditions": [{"code": "abdominal_surgery", "date": DAY.isoformat()}]}}
    assert journey(findings=operated) == Departure(opens=Limit(later(10), "FTT-05"))
    ill = {"physical_exam": {"conditions": [{"code": "infectious_disease", "disease": "measles", "infectious": True}]}}
    assert journey(findings=ill).never == "FTT-04"


def test_a_polio_dose_counts_from_its_28th_day_for_twelve_months():
    given = DAY - datetime.timedelta(days=10)
    history = {"vaccinations": [{"vaccine": "opv", "date": given.isoformat(), "written": True}]}
    found = journey(asked=["polio_dose"], history=history, last=later(500))
    assert found.opens == Limit(later(18), "POL-EXIT")
    assert found.closes == Limit(add_months(given, 12), "POL-EXIT")
    assert journey(history=history, last=later(500)) == Departure()
    assert journey(asked=["polio_dose"], last=later(500)) == Departure(), "without a dose the item itself is open"


def test_no_days_no_limits():
    assert days_to_leave(read(record(), PROGRAMMES), later(1), DAY, asked=set()) == Departure()


# --- The day that follows from what is recorded, and what is promised -----------------------------------------------------


def so_far(programme="ca", examined=True, **changes):
    facts, edition = read(record(programme, **changes), PROGRAMMES), PROGRAMMES.edition(programme, DAY)
    open_items = frozenset(assessed(programme, **changes).open_items)
    return provisional(weigh(facts, edition), open_items=open_items, examined=examined)


def test_an_open_examination_has_the_day_its_term_gives():
    assert so_far().until == datetime.date(2027, 11, 21)
    assert (so_far(examined=False).until, so_far(examined=False).waits_for) == (None, "physical_exam")


def test_a_culture_that_is_awaited_leaves_the_day_open():
    found = so_far("us-refugee", history={"tb_signs": [{"code": "night_sweats"}]}, findings={"chest_xray": [FILM]})
    assert (found.until, found.waits_for, found.term.rule) == (None, "sputum", "US-VAL-3")
    plain = so_far("us-refugee", findings={"chest_xray": [FILM]})
    assert plain.until == datetime.date(2027, 5, 21)


def test_a_contact_of_the_united_kingdom_has_three_months_from_the_film():
    assert so_far("uk-tb").waits_for in {"chest_xray", "tb_investigation"}
    assert so_far("uk-tb", findings={"chest_xray": [FILM]}).until == datetime.date(2027, 5, 21)
    contact = so_far("uk-tb", history={"tb_contacts": [CONTACT]}, findings={"chest_xray": [FILM]})
    assert contact.until == datetime.date(2027, 2, 21)


def test_where_results_have_no_end_there_is_no_day():
    assert so_far("returnee-avrr") is None


def promised(programme, **changes):
    facts, edition = read(record(programme, **changes), PROGRAMMES), PROGRAMMES.edition(programme, DAY)
    found = assessed(programme, **changes)
    settle = {*found.proposed, *found.withheld}
    return promise_of(weigh(facts, edition), asked=set(found.required), to_settle=settle)


def test_canada_promises_48_hours_to_the_healthy_and_a_sister_site_ten_weeks_for_a_culture():
    clean = promised("ca", findings={"chest_xray": [FILM]})
    assert (clean.when, clean.day(DAY), clean.verified) == ("clean", later(2), True)
    shadow = {"chest_xray": [FILM | {"findings": ["cavity"]}]}
    culture = promised("ca", findings=shadow)
    assert (culture.when, culture.first_day(DAY), culture.day(DAY)) == ("sputum", later(56), later(70))
    assert not culture.verified


def test_nobody_is_promised_what_no_source_promises():
    assert promised("uk-tb", findings={"chest_xray": [FILM]}) is None
    assert promised("ca", history={"tb_contacts": [CONTACT]}) is None, "not healthy, and no culture is asked for"


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ('when = "clean"', "either hours or weeks"),
        ('when = "clean"\nhours = 48\nweeks = 2', "either hours or weeks"),
        ('when = "clean"\nweeks = 2\nfrom_weeks = 3', "ends before them"),
        ('when = "soon"\nhours = 48', "soon"),
        ("hours = 48", "when"),
    ],
)
def test_a_promise_that_says_nothing_is_refused(tmp_path, line, said):
    from mhac.protocols.programme import EDITIONS

    text = (EDITIONS / "ca-2020.toml").read_text(encoding="utf-8").split("[[promise]]")[0]
    path = tmp_path / "ca-2020.toml"
    path.write_text(f'{text}[[promise]]\n{line}\nsource = "s"\nverified = false\n', encoding="utf-8")
    with pytest.raises(EditionFault, match=said):
        read_edition(path)
