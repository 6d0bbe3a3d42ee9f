"""Other limits for a test: asked for by one supervisor, confirmed by another; and the page that says what is wrong."""

from decimal import Decimal

import pytest
from django.urls import reverse

from mhac.labs import lint, services
from mhac.labs.catalogue import load
from mhac.labs.models import LimitChange, ReferenceRange, Test
from mhac.labs.services import Refused
from tests.conftest import PASSWORD, make_user


@pytest.fixture
def supervisors(cast, kabul):
    return cast.lsu, make_user("lsu2", "LSU", kabul)


def page(name, *args):
    return reverse(f"labs:{name}", args=args)


def test_two_supervisors_change_the_limits_of_a_test(catalogue, cast, supervisors, as_user):
    first, second = supervisors
    hb = Test.objects.get(key="hb")
    asks, decides = as_user(first), as_user(second)
    form = asks.get(page("change_limits", "hb")).context["form"]
    typed = {name: form[name].initial if form[name].initial is not None else "" for name in form.fields}
    typed = {name: value for name, value in typed.items() if value is not False}
    typed |= {"critical_low": "6.5", "because": "Our own measurements", "password": "wrong"}
    refused = asks.post(page("change_limits", "hb"), typed)
    assert "This is not your password" in refused.text and not LimitChange.objects.exists()
    refused = asks.post(page("change_limits", "hb"), typed | {"password": PASSWORD, "critical_low": "14"})
    assert "would be called" in refused.text and not LimitChange.objects.exists()
    assert asks.post(page("change_limits", "hb"), typed | {"password": PASSWORD}).status_code == 302
    change = LimitChange.objects.get()
    hb.refresh_from_db()
    assert hb.critical_low == 7 and change.limits["critical_low"] == "6.5"
    assert len(change.limits["ranges"]) == 4
    with pytest.raises(Refused, match="waits to be confirmed"):
        services.ask_limits(hb, limits=change.limits | {"critical_low": "6"}, because="again", by=second)

    decide = page("decide_limits", change.pk)
    assert "another supervisor" in asks.post(decide, {"accept": 1, "password": PASSWORD}).text
    assert as_user(cast.lab).post(decide, {"accept": 1, "password": PASSWORD}).status_code == 403
    assert "Confirm the new limits" in decides.get(page("catalogue_test", "hb")).text
    assert "This is not your password" in decides.post(decide, {"accept": 1, "password": "x"}).text
    assert "Say why it is refused" in decides.post(decide, {"refuse": 1, "password": PASSWORD}).text
    assert decides.post(decide, {"accept": 1, "password": PASSWORD}).status_code == 302
    hb.refresh_from_db()
    assert (hb.critical_low, hb.limits_verified, hb.ranges.count()) == (Decimal("6.5"), True, 4)
    assert hb.ranges.filter(pregnant=True, low=11).exists()
    assert hb.history.first().history_user == second
    assert set(ReferenceRange.history.filter(test=hb, history_type="+").values_list("history_user", flat=True)) >= {
        second.pk
    }
    assert "already decided" in decides.post(decide, {"accept": 1, "password": PASSWORD}).text
    load()
    hb.refresh_from_db()
    assert hb.critical_low == Decimal("6.5")
    with pytest.raises(Refused, match="hold already"):
        services.ask_limits(hb, limits=services.limits_of(hb), because="nothing new", by=first)

    # A list of words, refused with a reason that who asked reads.
    hiv = Test.objects.get(key="hiv_combo")
    with pytest.raises(Refused, match="normal and critical"):
        services.ask_limits(hiv, limits=services.limits_of(hiv) | {"normal": ["reactive"]}, because="x", by=first)
    wanted = services.limits_of(hiv) | {"critical_values": ["reactive", "indeterminate"]}
    change = services.ask_limits(hiv, limits=wanted, because="call both", by=first)
    services.decide_limits(change, accept=False, answer="Not every one", by=second)
    assert "Not every one" in asks.get(page("catalogue_test", "hiv_combo")).text
    hiv.refresh_from_db()
    assert hiv.critical_values == ["reactive"] and not hiv.limits_verified


def test_who_reads_the_catalogue_and_what_the_lint_says(catalogue, cast, as_user):
    assert cast.lsu.is_active  # somebody who may verify
    for user in (cast.rec, cast.cli, cast.lab, cast.qco, cast.mgr, cast.aud):
        client = as_user(user)
        assert client.get(page("catalogue_test", "hb")).status_code == 200
        assert client.get(page("change_limits", "hb")).status_code == 403
    listed = as_user(cast.lab).get(page("catalogue"))
    assert "718-7" in listed.text and "limits not confirmed" in listed.text
    assert as_user(cast.lab).get(page("catalogue_test", "no-such")).status_code == 404
    for user in (cast.dat, cast.pro, cast.adm):
        assert as_user(user).get(page("catalogue")).status_code == 403
    Test.objects.filter(key="hb").update(unit="", computed_from={"x": "gone"})
    Test.objects.filter(key="hiv_combo").update(allowed=[], tube="")
    Test.objects.filter(key="hcv").update(active=False)
    hcv = Test.objects.get(key="crea")
    ReferenceRange.objects.create(test=hcv, sex="male", from_days=6000, to_days=6000000 // 100, low=Decimal(1))
    found = as_user(cast.mgr).get(page("catalogue_lint")).text
    for sentence in (
        "number without a unit",
        "the list is empty",
        "has no tube",
        "gone, which is no test",
        "is no allowed value",
        "overlap",
        "no limits for",
        "asks for hepatitis_c",
        "limits are not confirmed",
    ):
        assert sentence in found, sentence
    assert "Nobody at Kabul" not in found
    herat = [each.text for each in lint.of_site(cast.herat_lab.sites().get(), list(Test.objects.all()))]
    assert any("may verify what was typed" in text for text in herat)
    assert not any("may type" in text for text in herat)
