"""A family of six at the front desk, by the keys alone: registered, agreed, booked as one set, paid, arrived.

The time is that of the keystroke-level model for a practised hand (Card, Moran, Newell 1980): what the hand does, not how
long this machine takes. Nobody types a passport number.
"""

import pytest

from mhac.appointments.models import Booking, Wish
from mhac.desk import demo_rosters
from mhac.payments.models import Receipt
from mhac.screenings.models import Case, Consent
from tests.desk.test_pause_in_the_browser import page_of  # noqa: F401 - a fixture
from tests.flows.people import Traveller, born

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

FAMILY = [
    Traveller("NAMUNA", "GUL AGHA", "XX1000001", born(38), "male", "head", "IME10000001"),
    Traveller("NAMUNA", "ZARMINA", "XX1000002", born(35), "female", "spouse", "IME10000002"),
    Traveller("NAMUNA", "SAHAR", "XX1000003", born(14), "female", "child", "IME10000003"),
    Traveller("NAMUNA", "OMID", "XX1000004", born(9), "male", "child", "IME10000004"),
    Traveller("NAMUNA", "HAMIDA", "XX1000005", born(7), "female", "child", "IME10000005"),
    Traveller("NAMUNA", "YUSUF", "XX1000006", born(3), "male", "child", "IME10000006"),
]

# Seconds: a key of an average typist; thinking before each step; a passport taken up and drawn through the reader;
# a hand on the mouse, pointing and clicking; a page of a slow line.
KEY, THINK, SCAN, POINT, PAGE = 0.28, 1.35, 4.0, 1.6, 1.0
ACTIVE = "document.activeElement"


class Hands:
    """What a receptionist does, counted. `at` names where the keys must be by now, or are brought by Tab."""

    def __init__(self, page):
        self.page = page
        self.keys = self.steps = self.scans = self.pages = self.mouse = 0
        page.add_init_script(
            "addEventListener('mousedown', () => { window.name = String(Number(window.name || 0) + 1) }, true)"
        )

    def seconds(self):
        self.mouse = int(self.page.evaluate("Number(window.name || 0)"))
        return (
            self.keys * KEY + self.steps * THINK + self.scans * SCAN + self.pages * PAGE + self.mouse * (POINT + THINK)
        )

    def press(self, key, times=1):
        for _ in range(times):
            self.page.keyboard.press(key)
            self.keys += 1

    def at(self, selector, most=60):
        """Tab until the keys are where `selector` is."""
        self.steps += 1
        for _ in range(most):
            if self.page.evaluate(f"{ACTIVE}.matches({selector!r})"):
                return
            self.press("Tab")
        raise AssertionError(f"{selector} is not reached by {most} Tabs; the keys are in " + self.where())

    def where(self):
        return self.page.evaluate(f"{ACTIVE}.outerHTML.slice(0, 200)")

    def type(self, selector, text):
        self.at(selector)
        # Slower than any scanner.
        self.page.keyboard.type(text, delay=85)
        self.keys += len(text)

    def choose(self, selector, value):
        """An option of a list by the arrows."""
        self.at(selector)
        options = self.page.eval_on_selector(selector, "each => [...each.options].map(one => one.value)")
        now = self.page.eval_on_selector(selector, "each => each.value")
        steps = options.index(value) - options.index(now)
        self.press("ArrowDown" if steps > 0 else "ArrowUp", abs(steps))
        assert self.page.eval_on_selector(selector, "each => each.value") == value

    def tick(self, selector):
        self.at(selector)
        self.press("Space")

    def go(self, key, address):
        """A key that leads to another page."""
        self.steps += 1
        with self.page.expect_navigation(url=address):
            self.press(key)
        self.pages += 1

    def follow(self, link, address):
        self.at(link)
        self.go("Enter", address)

    def scan(self, text):
        """As the reader types: every sign at once, Enter at the end of each line."""
        for line in text.split("\n"):
            self.page.keyboard.type(line, delay=3)
            self.page.keyboard.press("Enter")
        self.scans += 1


def test_a_family_of_six_in_seven_minutes_without_a_mouse(kabul, cast, page_of):  # noqa: F811 - the fixture
    kabul.weekend = []
    kabul.save()
    demo_rosters._roster(kabul, {"manager": cast.mgr, "reception": cast.rec, "nurse": cast.cli, "physician": cast.phy,
                                 "radiology": cast.rad, "lab": cast.lab})  # fmt: skip
    page = page_of(cast.rec)
    hands = Hands(page)
    page.goto("/desk/today/")

    hands.go("F4", "**/desk/cases/new/")
    hands.steps += 1
    hands.press("Space")
    for _ in range(20):
        if page.evaluate(f"{ACTIVE}.value") == "ca":
            break
        hands.press("ArrowDown")
    hands.type("[name=contact_name]", "Gul Agha Namuna")
    hands.type("[name=phone]", "0700000000")
    hands.type("[name=address]", "Training Street 6, Kabul")
    hands.go("Control+Enter", "**/desk/cases/*-*/")
    case = Case.objects.get()

    hands.at("[name=paste]", most=1)
    for traveller in FAMILY:
        hands.scan(traveller.zone)
    hands.go("Control+Enter", "**/members/")
    for row, traveller in enumerate(FAMILY):
        assert page.input_value(f"[name=form-{row}-number]") == traveller.number
        hands.choose(f"[name=form-{row}-relation]", traveller.relation)
        hands.type(f"[name=form-{row}-reference]", traveller.reference)
    hands.go("Control+Enter", f"**/desk/cases/{case.pk}/")
    assert case.screenings.count() == 6, page.locator("main").inner_text()
    assert page.get_by_text("USD").first.is_visible()
    registered = hands.seconds()

    hands.follow("a[href*='/consent/']", "**/consent/")
    hands.tick("[name=everybody]")
    hands.go("Control+Enter", f"**/desk/cases/{case.pk}/")
    assert Consent.objects.count() >= 6

    hands.go("Control+Enter", "**/appointments/book/*/")
    hands.follow("a[href$='/needs/']", "**/needs/")
    wife = case.screenings.get(relation="spouse")
    hands.tick(f"[value=female_clinician][name*='{wife.pk}'], [value='{wife.pk}'][name*=female_clinician]")
    hands.go("Control+Enter", "**/appointments/book/*/")
    assert Wish.objects.filter(screening=wife).exists()
    hands.at("[name=time]")
    hands.press("Space")
    hands.go("Control+Enter", f"**/desk/cases/{case.pk}/")
    bookings = Booking.objects.filter(screening__case=case, state="booked")
    assert bookings.count() == 6
    assert len({booking.slot_id for booking in bookings}) == 1
    booked = hands.seconds()

    hands.follow("a[href*='/payments/cases/']", "**/payments/cases/*/")
    hands.go("Control+Enter", "**/payments/receipts/*/")
    assert Receipt.objects.get().amount == 3 * 332 + 3 * 119
    everything = hands.seconds()

    said = f"registered after {registered:.0f} s, booked after {booked:.0f} s, receipt after {everything:.0f} s; "
    said += f"{hands.keys} keys, {hands.steps} steps, {hands.scans} scans, {hands.pages} pages, mouse {hands.mouse}"
    print(said)
    assert hands.mouse <= len(FAMILY)
    assert booked <= 7 * 60, said
