"""A programme whose list of items no source gives: the physician orders, and says when the list is complete."""

import pytest
from django.urls import reverse

from mhac.decisions import ledger, services
from mhac.decisions.models import Judgement
from mhac.decisions.services import NotReady

from . import made
from .made import DAY

pytestmark = pytest.mark.django_db
UNKNOWN = "Which tests this partner asks for is not known here."


def emgs(kabul, cast):
    screening = made.screening(kabul, cast.rec, programme="my-emgs")
    made.history(screening, cast.cli)
    made.exam(screening, cast.cli)
    return screening


def test_nothing_is_signed_on_an_empty_list(kabul, cast):
    screening = emgs(kabul, cast)
    found = ledger.of(screening, on=DAY)
    assert found.state == "physician_decision"
    with pytest.raises(NotReady, match=f"A judgement is needed first. {UNKNOWN}"):
        services.sign(screening, by=cast.phy, on=DAY)
    services.judge(screening, code="list_complete", reason="The letter of the partner asks for no test.", by=cast.phy)
    assert services.sign(screening, by=cast.phy, on=DAY).outcome == "cleared"


def test_what_is_ordered_has_to_be_done_and_the_list_still_needs_its_end(kabul, cast):
    screening = emgs(kabul, cast)
    order = services.judge(screening, code="order", item="gmhat", reason="Asked for in the letter.", by=cast.phy)
    found = ledger.of(screening, on=DAY)
    assert (found.state, [entry.item for entry in found.open_entries]) == ("incomplete", ["gmhat"])
    services.take_back(order, because="The letter was for somebody else.", by=cast.phy)
    assert ledger.of(screening, on=DAY).state == "physician_decision"


def test_the_decision_is_offered_where_it_is_needed_and_taken_once(kabul, cast, as_user):
    screening, canada = emgs(kabul, cast), made.screening(kabul, cast.rec)
    physician = as_user(cast.phy)
    for each, offered in ((screening, True), (canada, False)):
        page = physician.get(reverse("decisions:judge", args=[each.pk])).content.decode()
        assert ("list_complete" in page) is offered
    assert UNKNOWN in physician.get(reverse("decisions:ledger", args=[screening.pk])).content.decode()
    said = {"code": "list_complete", "reason": "The letter asks for no test."}
    physician.post(reverse("decisions:judge", args=[screening.pk]), said)
    assert Judgement.objects.get(screening=screening).code == "list_complete"
    with pytest.raises(NotReady, match="complete already"):
        services.judge(screening, by=cast.phy, **said)
    with pytest.raises(NotReady, match="list of this programme is known"):
        services.judge(canada, by=cast.phy, **said)
