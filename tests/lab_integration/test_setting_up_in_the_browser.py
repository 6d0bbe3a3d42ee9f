"""Ten minutes: an unknown analyzer is set up in the browser from nothing but what it sends over a real socket."""

import pytest
from django.urls import reverse
from django.utils import timezone

from lab_integration import receive
from lab_integration.models import Analyzer, ProfileVersion, ReceivedMessage
from mhac.labs.models import LabResult
from tests.conftest import PASSWORD, make_user

from .conftest import block, make_specimen, send

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.browser]


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
        page.set_default_timeout(15_000)
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        return page

    yield sign_in
    for context in contexts:
        context.close()
    assert [text for text in said if "422" not in text] == []


def chemistry(number, accession, code, name, value, unit, type_="NM"):
    """As a small chemistry analyzer writes it: one row a message, MSH-3 and MSH-4 empty, the barcode in OBR-2."""
    now = f"{timezone.localtime():%Y%m%d%H%M%S}"
    return block(
        f"MSH|^~\\&|||||{now}||ORU^R01|{number}|P|2.3.1||||0||ASCII|||\rPID|1\r"
        f"OBR|1|{accession}|{number}|^Chem|N|{now}\rOBX|1|{type_}|{code}|{name}|{value}|{unit}|||||F||{value}|{now}\r"
    )


def work():
    while receive.process_next():
        pass


def test_ten_minutes(kabul, cast, catalogue, wire, page_of):
    lsu2 = make_user("lsu2", "LSU", kabul)
    specimen = make_specimen(kabul, cast.cli, catalogue.values())
    rows = [("5", "ALT", "31", "U/L", "NM"), ("8", "GLU-O", "5100", "umol/L", "NM"), ("9", "HIV Ab", "NR", "", "ST")]
    messages = [
        chemistry(number, specimen.accession, code, name, value, unit, type_)
        for number, (code, name, value, unit, type_) in enumerate(rows, 1)
    ]
    port = wire.ports[0]
    assert send(port, messages[0], until=0) == b""  # nobody listens: turned away

    admin = page_of(cast.adm)
    admin.goto("/wire/analyzers/")
    admin.get_by_text("Turned away lately:").wait_for()
    admin.get_by_label("Site").select_option(label="Kabul")
    admin.get_by_role("button", name="Listen for an hour").click()
    admin.get_by_text("Listening for one hour.").wait_for()
    for one in messages:
        assert b"MSA|AA|" in send(port, one)
    work()
    admin.goto("/wire/analyzers/")
    admin.get_by_role("link", name="Listen").last.click()
    admin.get_by_text("It looks like Mindray BS").wait_for()
    assert specimen.accession not in admin.content()
    admin.get_by_role("link", name="Make an analyzer of it").click()
    admin.get_by_label("name").first.fill("Chemistry")
    assert admin.get_by_label("family").input_value() == "mindray_bs"
    admin.get_by_label("Your own password").fill(PASSWORD)
    admin.get_by_role("button", name="Save").click()
    admin.get_by_text("Chemistry is listened to. Nothing is filed yet.").wait_for()
    work()
    assert set(ReceivedMessage.objects.values_list("state", flat=True)) == {"HEARD"}

    supervisor = page_of(cast.lsu)
    supervisor.goto("/wire/analyzers/")
    supervisor.get_by_role("link", name="Chemistry").click()
    supervisor.get_by_role("link", name="Listen").click()
    supervisor.get_by_text("Our specimen numbers stand in OBR-2 (3 of 3 messages).").wait_for()
    before = supervisor.locator("#heard tbody tr").count()
    assert b"MSA|AA|" in send(port, chemistry(4, "CAL-1", "5", "ALT", "30", "U/L"))  # appears by itself
    supervisor.locator("#heard tbody tr").nth(before).wait_for()
    work()
    supervisor.get_by_role("link", name="Map its codes").click()

    def row(code):
        return supervisor.locator("table.mapping tbody tr").filter(has_text=code)

    assert "It has the name of this test." in row("ALT").inner_text()
    row("ALT").get_by_label("Test").fill("alt")
    row("GLU-O").get_by_label("Test").fill("alt")
    row("HIV Ab").get_by_label("Test").fill("hiv")
    supervisor.get_by_role("button", name="Save as a draft").click()
    supervisor.get_by_text("No rule turns umol/L into U/L").wait_for()
    row("GLU-O").get_by_label("Test").fill("glu")
    supervisor.get_by_role("button", name="Save as a draft").click()
    supervisor.get_by_text("Version 2 is saved as a draft.").wait_for()
    row("HIV Ab").get_by_label("NR").select_option("nonreactive")
    supervisor.get_by_role("button", name="Save as a draft").click()
    supervisor.get_by_text("5100 → 5.1 mmol/L").wait_for()
    supervisor.get_by_role("link", name="Dry run").click()
    supervisor.get_by_text("4 messages, 4 rows: 4 would go another way, 3 of them would be filed.").wait_for()
    assert LabResult.objects.count() == 0
    version = ProfileVersion.objects.drafts().get()
    supervisor.get_by_role("link", name="Put it in force").click()
    put_in_force(supervisor, "I wrote it and I like it.")
    supervisor.get_by_text("Somebody else has to look at it and put it in force.").first.wait_for()

    second = page_of(lsu2)
    second.goto(f"/wire/versions/{version.pk}/activate/")
    put_in_force(second, "Compared with the printouts of three samples.")
    second.get_by_text("Version 2 is in force.").wait_for()
    second.get_by_role("button", name="Read again what waits").click()
    second.get_by_text("4 messages were read again: 1 held, 3 processed.").wait_for()
    found = {one.order.test.key: one.shown for one in LabResult.objects.select_related("order__test")}
    assert found == {"alt": "31", "glu": "5.1", "hiv": found["hiv"]}
    assert LabResult.objects.get(order__test__key="hiv").coded == "nonreactive"
    assert not Analyzer.objects.get().listening
    technician = page_of(cast.lab)
    technician.goto(reverse("labs:to_verify"))
    technician.get_by_text(specimen.accession).first.wait_for()


def put_in_force(page, why):
    page.get_by_label("Why it is put in force").fill(why)
    page.get_by_label("Your own password").fill(PASSWORD)
    page.get_by_role("button", name="Put it in force").click()
