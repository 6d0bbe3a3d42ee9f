"""What a case still has to bring, as the page says it to those who may read it."""

import pytest
from django.urls import reverse

from mhac.payments import services as cash
from mhac.screenings import services
from mhac.screenings.models import Screening
from tests.desk.made import person, screening_of


def entries(browser, case):
    found = browser.get(reverse("desk:case", args=[case.pk])).context["checklist"]
    return found, {str(entry.name): entry for each in found.people for entry in each.entries}


def test_the_list_says_what_is_missing_and_where_it_is_asked_for(kabul, cast, as_user):
    screening = screening_of(person(kabul, cast.rec), cast.rec, programme="ca", reference="12345678")
    found, asked = entries(as_user(cast.rec), screening.case)
    assert asked["IME number"].there and asked["IME number"].needed
    assert not asked["polio vaccination card"].there
    assert asked["polio vaccination card"].source == "afghanistan.iom.int/canada"
    assert not asked["fee"].there and asked["fee"].how == "USD 332"
    assert (found.missing, found.unknown) == (len([each for each in asked.values() if not each.there]), "")
    services.give_consent(screening, purpose="examination", given_by="Testi", by=cast.rec)
    cash.take(
        screening.case, screenings=[screening], payer="Testi", key="01990000-0000-7000-8000-000000000001", by=cast.rec
    )
    _found, asked = entries(as_user(cast.rec), screening.case)
    assert asked["consent to the examination"].there and asked["fee"].there


@pytest.mark.parametrize(("who", "sees_fees"), [("rec", True), ("mgr", True), ("phy", False), ("cli", False)])
def test_who_has_nothing_to_do_with_money_sees_none(kabul, cast, as_user, who, sees_fees):
    screening = screening_of(person(kabul, cast.rec), cast.rec, programme="ca", reference="12345678")
    browser = as_user(getattr(cast, who))
    _found, asked = entries(browser, screening.case)
    assert ("fee" in asked) is sees_fees
    page = browser.get(reverse("desk:case", args=[screening.case_id])).content.decode()
    assert ("USD 332" in page) is sees_fees


def test_a_programme_without_a_list_says_so_and_a_closed_screening_asks_for_nothing(kabul, cast, as_user):
    screening = screening_of(person(kabul, cast.rec), cast.rec, programme="my-emgs")
    found, asked = entries(as_user(cast.rec), screening.case)
    assert found.unknown.startswith("What this partner wants to see on paper is not known")
    assert "consent to the examination" in asked and "fee" not in asked
    Screening.objects.update(state="withdrawn")
    found, _asked = entries(as_user(cast.rec), screening.case)
    assert found.people == []
