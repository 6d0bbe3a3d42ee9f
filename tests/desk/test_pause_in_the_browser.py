"""A manager pauses Canada; the desk is stopped, the open case is not; then she opens it again."""

import pytest
from django.urls import reverse

from mhac.labs.models import Specimen
from mhac.screenings.models import Case
from tests.conftest import PASSWORD
from tests.labs.conftest import catalogue, scene  # noqa: F401 - fixtures

from . import made

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page_of(chromium, live_server, as_user):
    """page_of(somebody): a page in which she is signed in; what a console says is an error."""
    contexts, said = [], []

    def sign_in(user):
        context = chromium.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 768})
        session = as_user(user).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        contexts.append(context)
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert said == []


def decide(page, state, reason):
    """Through the form and the page that says what it means."""
    page.goto("/desk/programmes/ca/")
    page.get_by_role("link", name="Change the state").click()
    page.get_by_label("State").select_option(state)
    page.get_by_label("Reason").fill(reason)
    page.get_by_role("button", name="Show what this would mean").click()
    page.get_by_label("Your own password").fill(PASSWORD)
    page.get_by_role("button", name="Decide this").click()
    page.get_by_text("the state is changed").wait_for()


def test_a_pause_from_its_beginning_to_its_end(scene, cast, kabul, page_of):  # noqa: F811 - the fixture
    kabul.weekend = []
    kabul.save()
    screening = made.screening_of(made.person(kabul, cast.rec), cast.rec, "ca", "12345678")
    scene.ordered("hiv", screening=screening)
    manager, desk, bench = page_of(cast.mgr), page_of(cast.rec), page_of(cast.lab)

    decide(manager, "paused", "The partner asked us to wait")

    desk.goto(reverse("desk:new_case"))
    assert desk.locator("input[name=programme][value=ca]").is_disabled()
    assert desk.get_by_text("The partner asked us to wait").is_visible()
    desk.goto(reverse("appointments:book", args=[screening.case_id]))
    assert "The partner asked us to wait" in desk.locator(".alert").inner_text()
    assert desk.locator("input[name=time]").count() == 0
    desk.goto(reverse("desk:case", args=[screening.case_id]))
    assert desk.locator(".lead-in .status").inner_text() == "paused"

    bench.goto(reverse("labs:collect", args=[screening.pk]))
    bench.locator("input[name=face]").check()
    bench.get_by_role("button", name="Collected: give numbers").click()
    bench.get_by_text("1 tube:").wait_for()
    assert Specimen.objects.get().screening == screening

    decide(manager, "open", "The partner is ready again")

    desk.goto(reverse("desk:new_case"))
    desk.locator("input[name=programme][value=ca]").check()
    desk.get_by_label("Contact person").fill("Testi Family")
    desk.get_by_role("button", name="Open the case").click()
    desk.wait_for_url("**/desk/cases/*/")
    assert Case.objects.count() == 2
    desk.goto(reverse("appointments:book", args=[screening.case_id]))
    desk.locator(".time").first.click()
    desk.get_by_role("button", name="Book this time").click()
    desk.get_by_text("booked for").wait_for()
