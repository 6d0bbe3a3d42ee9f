"""A scanner on any page, under any keyboard layout, by real key events: it leads somewhere and leaves no trace."""

import datetime
import time

import pytest
from django.urls import reverse

from mhac.desk.layouts import LATIN, LAYOUTS
from mhac.screenings import services
from tests.desk.made import one_of_each, person, screening_of

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

ROWS = [
    *("Backquote", *(f"Digit{sign}" for sign in "1234567890"), "Minus", "Equal"),
    *(f"Key{sign}" for sign in "QWERTYUIOP"),
    *("BracketLeft", "BracketRight", "Backslash"),
    *(f"Key{sign}" for sign in "ASDFGHJKL"),
    *("Semicolon", "Quote"),
    *(f"Key{sign}" for sign in "ZXCVBNM"),
    *("Comma", "Period", "Slash"),
]
ENDS = {"CR": ("Enter", 13, "\r"), "TAB": ("Tab", 9, "")}
ZONE = ("P<AFGNAMUNA<<OMID<<<<<<<<<<<<<<<<<<<<<<<<<<<", "P000000000AFG9001018M3001012<<<<<<<<<<<<<<00")


class Scanner:
    """A keyboard wedge: presses the keys of a Latin keyboard; the machine's layout makes signs of them."""

    def __init__(self, page, layout="en", end=None, pause=0.004, caps=False):
        self.wire = page.context.new_cdp_session(page)
        self.layout, self.end, self.pause, self.caps = LAYOUTS.get(layout, LATIN), end, pause, caps

    def press(self, code, key, text, shift=False, virtual=0):
        event = {
            "code": code,
            "key": key,
            "modifiers": 8 if shift else 0,
            "windowsVirtualKeyCode": virtual,
        }
        self.wire.send("Input.dispatchKeyEvent", event | {"type": "keyDown", "text": text})
        self.wire.send("Input.dispatchKeyEvent", event | {"type": "keyUp"})

    def scan(self, *lines):
        for line in lines:
            due = time.perf_counter()
            for sign in line:
                shift = sign in LATIN[1]
                place = LATIN[shift].index(sign)
                typed = self.layout[shift][place]
                if self.caps and typed.isascii() and typed.isalpha():
                    typed = typed.swapcase()
                self.press(ROWS[place], typed, typed, shift, ord(sign.upper()))
                due += self.pause
                time.sleep(max(0, due - time.perf_counter()))
            if self.end:
                name, virtual, text = ENDS[self.end]
                self.press(name, name, text, virtual=virtual)


@pytest.fixture
def desk(chromium, live_server, as_user, cast):
    """desk(user) is a page of hers; what its console says is an error."""
    said, opened = [], []

    def sit(user):
        context = chromium.new_context(base_url=live_server.url, viewport={"width": 1366, "height": 768})
        session = as_user(user).cookies["sessionid"].value
        context.add_cookies([{"name": "sessionid", "value": session, "url": live_server.url}])
        page = context.new_page()
        page.on("console", lambda message: said.append(message.text) if message.type == "error" else None)
        page.on("pageerror", lambda error: said.append(str(error)))
        opened.append(context)
        return page

    yield sit
    for context in opened:
        context.close()
    assert said == []


def case_of(cast, kabul):
    return services.open_case(clinic=kabul, programme="ca", contact_name="Namuna", phone="0700000000", by=cast.rec)


def test_a_scan_leads_to_its_page(desk, cast, kabul):
    case, page = case_of(cast, kabul), desk(cast.rec)
    for layout, end, pause in (("en", "TAB", 0.04), ("fa", "CR", 0.003), ("ps", None, 0.003)):
        page.goto(reverse("desk:new_case"))
        page.locator("#id_address").focus()
        Scanner(page, layout, end, pause).scan(case.number)
        page.wait_for_url("**" + reverse("desk:case", args=[case.pk]))


@pytest.mark.parametrize("layout", ["en", "fa", "ps"])
def test_what_names_nothing_is_said_and_the_field_stays_as_it_was(desk, cast, kabul, layout):
    page = desk(cast.rec)
    page.goto(reverse("desk:new_case"))
    box, told = page.locator("#id_address"), page.locator("#scanned")
    box.fill("before after")
    box.evaluate("box => box.setSelectionRange(7, 7)")
    every = [(end, pause, False) for end in ("CR", None, "TAB") for pause in (0.003, 0.04)]
    for end, pause, caps in [*every, ("CR", 0.003, True)]:
        Scanner(page, layout, end, pause, caps).scan("KBLC2600009A")
        told.get_by_text("The check character of KBLC2600009A is wrong").wait_for()
        assert box.input_value() == "before after", (end, pause, caps)
        assert page.evaluate("document.activeElement.id") == "id_address"
        assert box.evaluate("box => [box.selectionStart, box.selectionEnd]") == [7, 7]
        page.keyboard.press("Escape")
        assert told.inner_text() == ""
    # On a button, in a list of choices and nowhere: no click, no choice, no page left.
    values = "[...new FormData(document.querySelector('main form'))].map(String).join()"
    for name in ("button[data-main-action]", "input[name=programme]", None):
        page.locator(name).first.focus() if name else page.evaluate("document.activeElement.blur()")
        before = page.evaluate(values)
        Scanner(page, layout, "CR").scan("KBLC2600009A")
        told.get_by_text("The check character of KBLC2600009A is wrong").wait_for()
        assert page.url.endswith(reverse("desk:new_case")) and page.evaluate(values) == before
        page.keyboard.press("Escape")


def test_a_passport_of_two_lines_is_one_scan(desk, cast, kabul):
    page = desk(cast.rec)
    for layout in ("en", "fa", "ps"):
        page.goto(reverse("desk:new_case"))
        page.locator("#id_contact_name").focus()
        Scanner(page, layout, "CR").scan(*ZONE)
        page.locator("#scanned .alert").wait_for()
        assert "check digit" in page.locator("#scanned").inner_text().lower(), layout
        assert page.locator("#id_contact_name").input_value() == ""


def test_what_a_hand_types_is_never_taken_for_a_scan(desk, cast, kabul):
    page = desk(cast.rec)
    page.goto(reverse("desk:new_case"))
    box = page.locator("#id_contact_name")
    box.focus()
    # A name at a speed no hand has, a name with a number by a quick hand, a telephone number by a quick hand.
    for text, pause in (("Abdurrahman Namunazada", 2), ("Flat 26 B7", 75), ("0700123456", 85)):
        box.fill("")
        page.keyboard.type(text, delay=pause)
        page.wait_for_timeout(200)
        assert box.input_value() == text and page.locator("#scanned").inner_text() == ""
    Scanner(page, "fa", None, 0.002).scan("ghldpl")
    page.wait_for_timeout(200)
    assert box.input_value() != "" and page.locator("#scanned").inner_text() == ""


def test_the_keyboard_map(desk, cast, kabul):
    case, page = case_of(cast, kabul), desk(cast.rec)
    page.goto(reverse("desk:people"))
    page.evaluate("document.activeElement.blur()")
    # Letters by the place of the keys, with a Persian layout on.
    keys = Scanner(page, "fa")
    keys.press("Slash", "؟", "؟", shift=True)
    page.locator("dialog#keys[open]").wait_for()
    page.keyboard.press("Escape")
    assert page.locator("dialog#keys[open]").count() == 0
    page.keyboard.press("F2")
    assert page.evaluate("document.activeElement.name") == "q"
    keys.press("Slash", "؟", "؟", shift=True)
    page.wait_for_timeout(250)
    assert page.locator("dialog#keys[open]").count() == 0
    # The scan box at the speed of a hand, under a Persian layout: the server reads the keys.
    page.locator(".scan input").fill("")
    Scanner(page, "fa", "CR", 0.09).scan(case.number)
    page.wait_for_url("**" + reverse("desk:case", args=[case.pk]))
    page.keyboard.press("F4")
    page.wait_for_url("**" + reverse("desk:new_case"))
    page.evaluate("window.print = () => { document.body.dataset.printed = 'yes'; }; null")
    page.locator("#id_address").focus()
    page.keyboard.press("p")
    page.wait_for_timeout(250)
    assert page.evaluate("document.body.dataset.printed") is None
    page.evaluate("document.activeElement.blur()")
    keys.press("KeyP", "ح", "ح")
    page.locator("body[data-printed=yes]").wait_for()
    page.goto(reverse("help_keys"))
    assert page.locator("main kbd").count() >= 12


def test_a_draft_at_once_and_a_tick_by_the_keys(desk, cast, kabul):
    one_of_each(screening_of(person(kabul, cast.rec), cast.rec), cast)
    page = desk(cast.rec)
    # The page's clock stands still, so that no draft is kept by itself.
    page.clock.install()
    page.goto(reverse("desk:new_case"))
    page.locator("html[data-drafts=ready]").wait_for(state="attached")
    page.clock.pause_at(datetime.datetime.now(datetime.UTC) + datetime.timedelta(hours=1))
    page.locator("#id_address").fill("Street 7")
    assert page.locator(".draft p").count() == 0
    page.keyboard.press("Alt+s")
    page.locator(".draft").get_by_text("Kept as a draft at").wait_for()
    assert page.url.endswith(reverse("desk:new_case"))
    page = desk(cast.lsu)
    page.goto(reverse("labs:to_verify"))
    tick, keys = page.locator("tr input[type=checkbox]").first, Scanner(page, "fa")
    page.locator("tr td a").first.focus()
    for stands in (True, False):
        keys.press("KeyX", "ط", "ط")
        page.wait_for_function(
            "stands => document.querySelector('tr input[type=checkbox]').checked === stands", arg=stands
        )
    # Beside no row it ticks nothing.
    page.evaluate("document.activeElement.blur()")
    keys.press("KeyX", "ط", "ط")
    page.wait_for_timeout(250)
    assert not tick.is_checked()
