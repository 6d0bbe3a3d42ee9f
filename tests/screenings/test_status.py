"""Who is taken when and where: rows with dates, the newest first, a site's own before one for all, else the edition."""

import datetime
import uuid

import pytest
from django.db import IntegrityError, ProgrammingError, transaction

from mhac.screenings import services, status
from mhac.screenings.models import Case, ProgrammeState, Screening
from mhac.screenings.services import Refused
from tests.conftest import make_user

from .test_services import case, person

DAY = datetime.timedelta(days=1)
State = ProgrammeState.State


@pytest.fixture
def network(cast):
    """A manager of all sites."""
    return make_user("network", "MGR")


def decided(by, clinic, state="paused", programme="ca", first=0, last=None, **more):
    """What was decided for `clinic` (None: all sites), from `first` to `last` days after today."""
    today = datetime.date.today() if clinic is None else clinic.today()
    return services.decide_state(
        programme,
        clinic=clinic,
        state=state,
        from_day=today + first * DAY,
        until=None if last is None else today + last * DAY,
        reason=more.pop("reason", "Snow on the road"),
        by=by,
        **more,
    )


def at(programme, clinic, day=0):
    standing = status.on(programme, clinic, clinic.today() + day * DAY)
    return standing.state


def test_without_a_row_the_edition_speaks(kabul, cast):
    assert at("ca", kabul) == State.OPEN
    refugee = status.on("us-refugee", kabul, kabul.today())
    assert (refugee.state, refugee.since, refugee.row) == (State.PAUSED, datetime.date(2025, 1, 27), None)


@pytest.mark.parametrize(
    ("day", "state"), [(datetime.date(2025, 1, 26), "open"), (datetime.date(2025, 1, 27), "paused")]
)
def test_what_is_published_holds_from_its_day(kabul, day, state):
    assert status.on("us-refugee", kabul, day).state == state


@pytest.mark.parametrize(("day", "state"), [(6, "open"), (7, "paused"), (9, "paused"), (10, "open")])
def test_a_change_and_its_end_come_by_the_calendar(kabul, cast, day, state):
    decided(cast.mgr, kabul, first=7, last=9)
    assert at("ca", kabul, day) == state


def test_the_newest_row_whose_days_include_the_day_holds(kabul, cast):
    decided(cast.mgr, kabul)
    decided(cast.mgr, kabul, "limited", first=2, last=3, daily_cap=5)
    assert [at("ca", kabul, day) for day in range(5)] == ["paused", "paused", "limited", "limited", "paused"]
    decided(cast.mgr, kabul, "open", first=1)
    assert [at("ca", kabul, day) for day in range(5)] == ["paused", "open", "open", "open", "open"]


def test_a_site_s_own_row_goes_before_a_newer_one_for_all_until_it_gives_it_up(kabul, herat, cast, network):
    decided(cast.mgr, kabul, "open")
    decided(network, None)
    assert (at("ca", kabul), at("ca", herat)) == ("open", "paused")
    decided(cast.mgr, kabul, State.SHARED)
    assert (at("ca", kabul), at("ca", herat)) == ("paused", "paused")


def test_each_state_says_where_it_ends(kabul, cast):
    decided(cast.mgr, kabul, first=1)
    decided(cast.mgr, kabul, "open", first=4)
    found = [(each.state, each.since, each.until) for each in status.States("ca").timeline("ca", kabul)][-3:]
    today = kabul.today()
    assert found == [
        ("open", None, today),
        ("paused", today + DAY, today + 3 * DAY),
        ("open", today + 4 * DAY, None),
    ]


def test_the_refusal_names_who_since_when_until_when_and_what_next(kabul, cast):
    decided(cast.mgr, kabul, last=3)
    said = status.on("ca", kabul, kabul.today()).refusal
    for word in ("Canada", "paused", "Mgr", "Snow on the road", f"{kabul.today():%d %b %Y}", "ask your site manager"):
        assert word in said
    assert f"until {kabul.today() + 3 * DAY:%d %b %Y}" in said


@pytest.mark.parametrize("state", ["paused", "closed", "draft"])
def test_nobody_new_is_taken_and_open_cases_go_on(kabul, cast, state):
    opened = case(kabul, cast.rec, "ca")
    screening = services.open_screening(opened, patient=person(kabul, cast.rec), reference="12345678", by=cast.rec)
    decided(cast.mgr, kabul, state)
    with pytest.raises(Refused, match="Choose another programme"):
        case(kabul, cast.rec, "ca")
    with pytest.raises(Refused, match="Choose another programme"):
        services.open_screening(opened, patient=person(kabul, cast.rec), reference="12345679", by=cast.rec)
    assert services.give_consent(screening, purpose="examination", given_by="Testi", by=cast.rec)
    assert services.withdraw(screening, because="Gave up", by=cast.rec).state == "withdrawn"
    assert (Case.objects.count(), Screening.objects.count()) == (1, 1)


def test_a_programme_in_preparation_is_not_told_apart_from_none(kabul, cast):
    decided(cast.mgr, kabul, "draft")
    with pytest.raises(Refused) as refusal:
        case(kabul, cast.rec, "ca")
    assert str(refusal.value) == "No edition of this programme is in force. Choose another programme."


def test_a_pause_at_one_site_is_none_at_another(kabul, herat, cast):
    decided(cast.mgr, kabul)
    assert case(herat, cast.herat_rec, "ca").programme == "ca"


def test_what_was_paused_by_its_edition_can_be_opened(kabul, cast):
    decided(cast.mgr, kabul, "limited", "us-refugee", daily_cap=3)
    assert case(kabul, cast.rec, "us-refugee").programme == "us-refugee"


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"first": -1}, "What has been cannot be changed"),
        ({"first": 2, "last": 1}, "The last day lies before the first"),
        ({"state": "limited"}, "how many people a day"),
        ({"state": "limited", "daily_cap": 0}, "how many people a day"),
        ({"state": "open", "daily_cap": 5}, "belongs to the state limited"),
        ({"reason": "  "}, "Write why"),
        ({"programme": "no-such"}, "no such programme"),
    ],
)
def test_a_decision_that_makes_no_sense_is_refused(kabul, cast, change, sentence):
    with pytest.raises(Refused, match=sentence):
        decided(cast.mgr, kabul, **change)
    assert not ProgrammeState.objects.exists()


def test_only_a_manager_of_the_site_decides(kabul, herat, cast, network):
    with pytest.raises(Refused, match="You do not manage Herat"):
        decided(cast.mgr, herat)
    with pytest.raises(Refused, match="You manage some sites only"):
        decided(cast.mgr, None)
    for who in (cast.rec, cast.phy, cast.adm, cast.pro):
        with pytest.raises(Refused, match="You do not manage Kabul"):
            decided(who, kabul)
    with pytest.raises(Refused, match="All sites cannot follow themselves"):
        decided(network, None, State.SHARED)
    assert decided(network, herat).clinic == herat


def test_the_same_form_sent_twice_decides_once(kabul, cast):
    key = uuid.uuid4()
    assert decided(cast.mgr, kabul, key=key) == decided(cast.mgr, kabul, key=key)
    assert ProgrammeState.objects.count() == 1


@pytest.mark.parametrize(
    ("fields", "constraint"),
    [
        ({"state": "limited"}, "daily_cap_with_limited_only"),
        ({"state": "limited", "daily_cap": 0}, "daily_cap_with_limited_only"),
        ({"state": "paused", "daily_cap": 3}, "daily_cap_with_limited_only"),
        ({"state": "open", "until": datetime.date(2026, 1, 1)}, "programme_state_ends_after_it_begins"),
        ({"state": "shared"}, "only_a_site_follows_all_sites"),
        ({"state": "open", "reason": ""}, "programme_state_has_a_reason"),
    ],
)
def test_the_database_itself_refuses(cast, fields, constraint):
    row = {"programme": "ca", "from_day": datetime.date(2026, 1, 2), "reason": "x", "decided_by": cast.mgr} | fields
    with pytest.raises(IntegrityError, match=constraint), transaction.atomic():
        ProgrammeState.objects.create(**row)


@pytest.mark.parametrize(
    "change", [lambda row: row.delete(), lambda row: ProgrammeState.objects.filter(pk=row.pk).update(reason="other")]
)
def test_a_row_is_neither_changed_nor_removed(kabul, cast, change):
    row = decided(cast.mgr, kabul)
    with pytest.raises(ProgrammingError, match="neither changed nor removed"), transaction.atomic():
        change(row)
    assert ProgrammeState.objects.get() == row


def test_all_states_of_all_programmes_cost_one_query(kabul, cast, django_assert_num_queries):
    for programme in ("ca", "uk-tb", "nz-residence"):
        decided(cast.mgr, kabul, programme=programme)
    with django_assert_num_queries(1):
        states = status.States()
        assert [states.on(key, kabul, kabul.today()).refusal != "" for key in ("ca", "uk-tb", "au-permanent")] == [
            True,
            True,
            False,
        ]
