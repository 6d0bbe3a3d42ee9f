"""Forty results typed into the worklist by keyboard alone, in Chromium on a real server; another person verifies."""

import pytest
from django.urls import reverse

from mhac.labs import services
from mhac.labs.models import LabOrder, LabResult, Specimen, Test
from mhac.labs.services import Refused

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

PASTE = """text => {
  const data = new DataTransfer();
  data.setData('text', text);
  document.activeElement.dispatchEvent(new ClipboardEvent('paste', {clipboardData: data, bubbles: true, cancelable: true}));
}"""


def tubes_of_ten(scene):
    """Ten people, each with one EDTA tube for four tests, received in this order."""
    found, malaria = [], Test.objects.get(key="mal_rdt")
    for place in range(10):
        screening = scene.screening(given=f"Omid{'abcdefghij'[place]}")
        found.append(scene.received("blood_count", screening=screening)[0])
        services.add_test(found[-1], test=malaria, because="a traveller", by=scene.cast.phy)
    return found


def test_forty_results_without_a_mouse(scene, as_user, chromium, live_server):
    tubes = tubes_of_ten(scene)
    context = chromium.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 768})
    session = as_user(scene.cast.lab).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page, said = context.new_page(), []
    page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
    page.goto(reverse("labs:worklist") + "?tube=edta")
    keys, focused = page.keyboard, lambda: page.evaluate("document.activeElement.getAttribute('aria-label')")

    # The first cell has the focus. Down the column: good ones, Persian digits, and two that cannot be.
    haemoglobin = ["14.1", "۱۳٫۵", "12,5", "<5", "6.8", "13", "140", "15.2", "14.8", "13.3"]
    for text in haemoglobin[:3]:
        keys.insert_text(text)
        keys.press("Enter")
    assert focused() == f"Haemoglobin {tubes[3].accession}"
    keys.type("9")
    keys.press("Escape")
    assert page.evaluate("document.activeElement.value") == ""
    # A scanner fires into the cell and ends with Enter: nothing is sent, and the row of that tube has the focus.
    keys.type(tubes[7].accession)
    keys.press("Enter")
    assert focused() == f"Haemoglobin {tubes[7].accession}"
    for _step in range(4):
        keys.press("ArrowUp")
    for text in haemoglobin[3:]:
        keys.insert_text(text)
        keys.press("Enter")
    # The next column, from a spreadsheet: white cells and platelets together, one of them no number.
    assert focused() == f"White cells {tubes[0].accession}"
    block = [[f"{5 + row}.2", f"{200 + row}"] for row in range(10)]
    block[4][1] = "clotted"
    page.evaluate(PASTE, "\r\n".join("\t".join(row) for row in block) + "\r\n")
    # Tab to the side twice, then words: by number, in short, in Dari, with the Persian keyboard on.
    keys.press("Tab")
    keys.press("Tab")
    assert focused() == f"Malaria rapid test {tubes[0].accession}"
    for text in ["1", "neg", "منفی", "د", "۱", "v", "2", "perhaps", "NEGATIVE", "n"]:
        keys.insert_text(text)
        keys.press("Enter")
    page.get_by_text("12,5, not").or_(page.get_by_text("not 12,5")).first.wait_for()
    assert not LabResult.objects.exists()
    keys.press("Control+Enter")
    page.get_by_text("36 results entered.").wait_for()

    # What could not be filed stands in its cell beside the reason, and the first of it has the focus.
    page.get_by_text("4 results were not filed").wait_for()
    assert focused() == f"Haemoglobin {tubes[2].accession}"
    left = page.eval_on_selector_all("[aria-invalid]", "boxes => boxes.map(box => box.value)")
    assert left == ["12,5", "clotted", "140", "perhaps"]
    assert page.locator(".sheet .wrong").count() == 4
    for text in ["12.5", "14.0"]:
        keys.insert_text(text)
        keys.press("Enter")
    page.locator("form[data-jump] .code").focus()
    keys.type(tubes[4].accession)
    keys.press("Enter")
    keys.insert_text("204")
    page.locator("form[data-jump] .code").focus()
    keys.type("KBL0000000X")
    keys.press("Enter")
    page.get_by_text("This tube is not on this page.").wait_for()
    page.locator("form[data-jump] .code").focus()
    page.locator("form[data-jump] .code").fill(tubes[7].accession)
    keys.press("Enter")
    keys.insert_text("1")
    keys.press("Control+Enter")
    page.get_by_text("4 results entered.").wait_for()
    context.close()
    # A check that was under way when the page was filed is given up, and htmx says so.
    assert [text for text in said if not text.startswith("htmx:")] == []

    assert LabResult.objects.count() == 40 and not LabOrder.objects.filter(state="collected").exists()
    stored = {(r.order.specimen_id, r.order.test.key): r for r in LabResult.objects.select_related("order__test")}
    typed = [stored[tube.pk, "hb"].as_sent for tube in tubes]
    assert typed == ["14.1", "۱۳٫۵", "12.5", "<5", "6.8", "13", "14.0", "15.2", "14.8", "13.3"]
    assert [f"{stored[tube.pk, 'wbc'].number:.1f}" for tube in tubes] == [row[0] for row in block]
    assert [stored[tube.pk, "mal_rdt"].coded for tube in tubes].count("negative") == 8
    assert Specimen.objects.filter(state="received").count() == 10
    with pytest.raises(Refused, match="needs a laboratory supervisor"):
        services.verify(stored[tubes[0].pk, "wbc"], by=scene.cast.lab)
    for result in stored.values():
        services.verify(result, by=scene.cast.lsu)
    assert LabOrder.objects.filter(state="verified").count() == 40


def test_the_worklist_without_javascript(scene, as_user, chromium, live_server):
    """Tests are chosen, a tube is found by its number, a bad value stays beside its reason: by links and forms alone."""
    (first,) = scene.received("blood_count", screening=scene.screening(given="Omid"))
    (tube,) = scene.received("blood_count")
    context = chromium.new_context(base_url=live_server.url, java_script_enabled=False)
    session = as_user(scene.cast.lab).cookies["sessionid"].value
    context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
    page = context.new_page()
    page.goto(reverse("labs:worklist") + "?test=hb&test=wbc")
    page.locator("form[data-jump] .code").fill(tube.accession)
    page.locator("form[data-jump] .code").press("Enter")
    assert page.locator("[data-number]").first.get_attribute("data-number") == tube.accession
    page.get_by_label(f"Haemoglobin {tube.accession}").fill("12,5")
    page.get_by_label(f"White cells {tube.accession}").fill("6.2")
    page.get_by_role("button", name="File these results").click()
    assert "1 result entered." in page.content() and "1 result was not filed" in page.content()
    wrong = page.get_by_label(f"Haemoglobin {tube.accession}")
    assert wrong.input_value() == "12,5" and "write the decimal mark as a point" in page.content()
    wrong.fill("12.5")
    page.get_by_role("button", name="File these results").click()
    assert "1 result entered." in page.content()
    context.close()
    assert dict(LabResult.objects.values_list("order__test__key", "as_sent")) == {"hb": "12.5", "wbc": "6.2"}
    assert not LabResult.objects.filter(order__specimen=first).exists()
