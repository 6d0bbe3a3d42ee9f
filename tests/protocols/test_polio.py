import pytest

from .made import answered


def leaving(doses, departure="2026-12-20", stay=29, **changes):
    history = {
        "polio_area_stay_days": stay,
        "vaccinations": [{"vaccine": "opv", "date": day, "written": True} for day in doses],
    } | changes.pop("history", {})
    return answered("ca", history=history, travel={"departure": departure, "from": "AFG"}, **changes)


@pytest.mark.parametrize(
    ("doses", "state", "fresh"),
    [
        ([], "due", False),
        (["2026-11-22"], "done", False),
        (["2026-11-23"], "done", True),
        (["2026-12-20"], "done", True),
        (["2026-12-21"], "due", False),
        (["2025-12-20"], "done", False),
        (["2025-12-19"], "due", False),
        (["2025-12-19", "2026-12-01"], "done", True),
        (["2026-06-01", "2026-12-01"], "done", False),
    ],
)
def test_polio_before_leaving(doses, state, fresh):
    given = leaving(doses)
    assert given["items"]["polio_dose"]["state"] == state
    assert ("polio_dose_under_4_weeks" in given["warnings"]) is fresh
    assert given["items"]["polio_dose"].get("product") == ("opv" if state == "due" else None)


@pytest.mark.parametrize(
    ("changes", "product"),
    [
        ({}, "opv"),
        ({"history": {"risks": ["immunodeficiency"]}}, "ipv"),
        ({"history": {"known_hiv": True}}, "opv"),
        ({"sex": "female", "person": {"pregnancy": {"pregnant": True}}}, "ipv"),
    ],
)
def test_which_polio_vaccine(changes, product):
    assert leaving([], **changes)["items"]["polio_dose"]["product"] == product


@pytest.mark.parametrize(("stay", "asked"), [(28, False), (29, True)])
def test_who_needs_a_polio_dose(stay, asked):
    assert ("polio_dose" in leaving([], stay=stay)["required"]) is asked


def test_a_polio_dose_ordered_without_a_departure_is_due():
    order = [{"code": "order", "item": "polio_dose", "reason": "outbreak"}]
    item = answered("ca", decisions=order, history={"risks": ["immunodeficiency"]})["items"]["polio_dose"]
    assert (item["state"], item["product"]) == ("due", "ipv")
