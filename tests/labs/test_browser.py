"""The bench under real keys: a scanner that ends its line with Enter, and a grid that is typed without a mouse."""

import pytest
from django.urls import reverse

from mhac.labs.models import LabResult, Specimen

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def page(chromium, live_server, scene, as_user):
    """A page in which the technician is signed in; what its console says is an error."""
    session = as_user(scene.cast.lab).cookies["sessionid"].value
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 768})
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    opened, said = context.new_page(), []
    opened.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    yield opened
    context.close()
    assert said == []


def test_twelve_scans_in_a_row_wait_for_nothing(scene, page):
    specimens = []
    for _person in range(3):
        specimens += scene.collected("hiv", "blood_count", "urinalysis", "tb_test")
    page.goto(reverse("labs:receive"))
    for each in [*specimens, specimens[0]]:
        # The box has the focus, and a scanner types fast, ends with Enter and does not look at the page.
        page.keyboard.type(each.accession)
        page.keyboard.press("Enter")
        assert page.evaluate("document.activeElement.name") == "number"
    page.get_by_text("was already received, by Lab").wait_for()
    assert page.locator("[data-said] p").count() == 12
    assert page.locator("[data-said] .alert-danger").count() == 1
    assert page.locator("#received").get_by_text(specimens[-1].accession).count() == 1
    assert set(Specimen.objects.values_list("state", flat=True)) == {"received"}


def test_a_grid_is_typed_down_and_filed_without_a_mouse(scene, page):
    (specimen,) = scene.received("blood_count")
    orders = {order.test.key: order for order in specimen.orders.all()}
    page.goto(reverse("labs:enter", args=[orders["hb"].pk]))
    page.locator(f"[name='{orders['hb'].pk}']").focus()
    for text in ("14.1", "6.2", "250"):
        page.keyboard.type(text)
        page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.textContent") == "File these results"
    assert not LabResult.objects.exists()
    page.keyboard.press("Enter")
    page.get_by_text("3 results entered.").wait_for()
    assert dict(LabResult.objects.values_list("order__test__key", "as_sent")) == {
        "hb": "14.1",
        "wbc": "6.2",
        "plt": "250",
    }


def test_a_scan_into_the_wrong_box_submits_nothing(scene, page):
    screening = scene.ordered("hiv")
    page.goto(reverse("labs:collect", args=[screening.pk]))
    page.get_by_text("It is not the same person").click()
    page.locator("#note").focus()
    page.keyboard.type("KBL2600001Z")
    page.keyboard.press("Enter")
    page.locator("input[name=face]").focus()
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert page.url.endswith(reverse("labs:collect", args=[screening.pk]))
    assert not Specimen.objects.exists()
    assert not screening.patient.identity_checks.exists()


def test_collecting_asks_for_the_face_before_anything_is_sent(scene, page):
    screening = scene.ordered("hiv")
    page.goto(reverse("labs:collect", args=[screening.pk]))
    button = page.get_by_role("button", name="Collected: give numbers")
    button.click()
    assert page.evaluate("document.activeElement.name") == "face"
    page.locator("input[name=face]").check()
    button.click()
    page.get_by_text("1 tube:").wait_for()
    assert Specimen.objects.get().collected_by == scene.cast.lab
