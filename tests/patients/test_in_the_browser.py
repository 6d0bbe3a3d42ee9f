"""A face by the camera, and a birth in two calendars, in a real browser with an invented camera."""

import datetime
import io

import pytest
from django.urls import reverse
from PIL import Image

from mhac.patients import services
from tests.conftest import CHROMIUM, QUIET

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def open_page(browser, server, client, address):
    context = browser.new_context(base_url=server.url, viewport={"width": 1366, "height": 768})
    context.add_cookies([{"name": "sessionid", "value": client.cookies["sessionid"].value, "url": server.url}])
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.said = []
    page.on("console", lambda message: page.said.append(message.text) if message.type == "error" else None)
    page.goto(address)
    return page


def test_faces_and_births(kabul, cast, as_user, chromium, live_server):
    born = datetime.date(1991, 1, 1)
    person = services.register(clinic=kabul, by=cast.rec, given_name="Testi", sex="female", born_earliest=born)
    client, address = as_user(cast.rec), reverse("desk:patient", args=[person.pk])

    # No camera: a sentence, and the file is chosen as before.
    page = open_page(chromium, live_server, client, address)
    page.get_by_role("button", name="Use the camera").press("Enter")
    page.locator("#photo [data-said]").get_by_text("hoose a file").wait_for()
    assert page.locator("#photo input[type=file]").is_visible()
    assert page.locator(".camera").is_hidden()
    out = io.BytesIO()
    Image.new("RGB", (600, 800), "teal").save(out, "JPEG")
    page.set_input_files(
        "#photo input[type=file]", {"name": "f.jpg", "mimeType": "image/jpeg", "buffer": out.getvalue()}
    )
    page.get_by_role("button", name="Keep this photo").click()
    page.get_by_text("The photo is kept.").wait_for()
    first = person.face

    # The two calendars fill each other; the birth that was written is the one that is kept.
    page.goto(reverse("patients:correct", args=[person.pk]))
    values = "els => els.map(each => each.value)"
    assert page.eval_on_selector_all("[data-calendar=hijri]", values) == ["1369", "10", "11"]
    page.fill("[name=born_hijri]", "۲ اسد 1371")
    page.press("[name=born_hijri]", "Tab")
    page.get_by_text("24 Jul 1992 · 2 Asad 1371").wait_for()
    assert page.eval_on_selector_all("[data-calendar=gregorian]", values) == ["1992", "7", "24"]
    assert page.eval_on_selector_all("[data-calendar=hijri]", values) == ["1371", "5", "2"]
    page.fill("[name=born]", "1372")
    page.press("[name=born]", "Tab")
    page.locator("[data-said].wrong").wait_for()
    page.fill("[name=born]", "25 in 1398")
    page.press("[name=born]", "Tab")
    page.get_by_text("1 Hamal 1372 – 29 Hut 1373").wait_for()
    assert page.eval_on_selector_all("[data-calendar]", values) == ["", "", "", "1372 – 1373", "", ""]
    page.fill("[name=because]", "The tazkira says so")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("The data are corrected.").wait_for()
    person.refresh_from_db()
    assert (person.birth_precision, person.born_earliest) == ("age_stated", datetime.date(1993, 3, 21))
    assert page.said == []
    page.context.close()

    # An invented camera: by the keyboard alone, from the first key to the face that is kept.
    flags = [*QUIET, "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"]
    with chromium.browser_type.launch(executable_path=CHROMIUM, args=flags) as browser:
        page = open_page(browser, live_server, client, address)
        page.get_by_role("button", name="Use the camera").press("Enter")
        page.locator("[data-take]:focus").wait_for()
        page.keyboard.press("Enter")
        page.locator("[data-keep]:focus").wait_for()
        page.keyboard.press("Enter")
        page.get_by_text("The photo is kept.").wait_for()
        assert page.said == []
    face = person.face
    assert face.pk != first.pk
    kept = Image.open(io.BytesIO(bytes(face.image)))
    assert (kept.size, kept.format) == ((413, 531), "JPEG")
    assert not kept.getexif()
    # The camera is for our own pages, and for nothing else of the machine.
    policy = client.get(address).headers["Permissions-Policy"]
    assert policy == "camera=(self), geolocation=(), microphone=()"
