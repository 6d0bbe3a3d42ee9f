"""Every page of the training clinic in a real browser: both directions, both widths, no complaint, nothing sticks out."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.core.management import call_command
from django.db import connection

from lab_integration.models import Analyzer
from mhac.appointments.models import StaffLine, Waiting
from mhac.certificates.models import Certificate
from mhac.desk import demo
from mhac.labs.models import LabOrder, Specimen
from mhac.patients.models import Patient
from mhac.payments.models import Receipt, Waiver
from mhac.screenings.models import Case, Screening
from tests.flows.conftest import Desk, Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def training(transactional_db, tmp_path, settings):
    """The training clinic with its web server."""
    settings.SIGNING_KEY = str(tmp_path / "key.pem")
    call_command("signing_key", create_if_missing=True, verbosity=0)
    demo.load()
    clinic = Stack(tmp_path)
    clinic.manage("createcachetable")
    clinic.start("web")
    yield clinic
    clinic.kill()
    connection.close()


def pages():
    """User -> addresses: what each role opens in a day."""
    adult = Screening.objects.get(patient__given_name="Yusuf")
    woman = Screening.objects.get(patient__given_name="Shirin")
    ready = Screening.objects.get(patient__given_name="Rahmat")
    signed = Screening.objects.get(patient__given_name="Hamid")
    tested = Screening.objects.get(patient__given_name="Mirwais")
    family = Case.objects.get(contact_name__startswith="Gul Agha")
    specimen = Specimen.objects.filter(screening=tested).first()
    order = LabOrder.objects.filter(specimen=specimen).first()
    paper = Certificate.objects.filter(screening=signed).first()
    person = Patient.objects.get(given_name="Hamid")
    waiting, staff = Waiting.objects.get(), StaffLine.objects.first()
    receipt, waiver = Receipt.objects.first(), Waiver.objects.first()
    return {
        "reception": [
            "/desk/today/",
            "/desk/arrivals/",
            f"/desk/arrivals/{family.pk}/",
            "/desk/people/",
            "/desk/people/?q=nothing-of-the-kind",
            "/desk/walk-in/",
            "/help/keys/",
            "/desk/cases/new/",
            f"/desk/cases/{family.pk}/",
            f"/desk/cases/{family.pk}/members/",
            f"/desk/people/{person.pk}/",
            f"/patients/{person.pk}/document/",
            f"/patients/{person.pk}/correct/",
            f"/screenings/{family.screenings.first().pk}/consent/",
            f"/screenings/cases/{family.pk}/guardians/",
            f"/screenings/cases/{family.pk}/papers/",
            f"/payments/cases/{family.pk}/",
            f"/payments/receipts/{receipt.pk}/",
            f"/payments/receipts/{receipt.pk}/void/",
            f"/payments/waivers/{woman.pk}/ask/",
            f"/screenings/{family.screenings.first().pk}/travel/",
            f"/appointments/book/{family.pk}/",
            f"/appointments/book/{waiting.case_id}/",
            f"/appointments/book/{waiting.case_id}/needs/",
            f"/appointments/book/{waiting.case_id}/wait/",
            "/appointments/waiting/",
            "/appointments/reminders/",
            "/desk/to-call/",
            "/desk/find/?q=NOTHING",
        ],
        "nurse": [
            "/desk/room/",
            f"/exams/{adult.pk}/vitals/",
            f"/exams/{adult.pk}/history/",
            f"/exams/{woman.pk}/pregnancy/",
            f"/exams/{adult.pk}/examination/",
            f"/lab/collect/{adult.pk}/",
        ],
        "radiology": ["/exams/films/", f"/exams/{adult.pk}/film/"],
        "lab": ["/lab/", "/lab/receive/", f"/lab/specimen/{specimen.pk}/", f"/lab/enter/{order.pk}/", "/wire/"],
        "supervisor": ["/lab/verify/", "/wire/analyzers/"],
        "physician": [
            "/desk/to-decide/",
            f"/desk/review/{ready.pk}/",
            f"/desk/review/{signed.pk}/",
            f"/decisions/{adult.pk}/",
            f"/decisions/{adult.pk}/judge/",
            f"/desk/people/{person.pk}/",
            "/documents/",
            f"/documents/{paper.pk}/",
        ],
        "manager": [
            "/appointments/roster/",
            f"/appointments/roster/staff/{staff.pk}/week/",
            "/appointments/opening/",
            "/desk/waiting-room/",
            "/desk/waiting-room/times/",
            "/desk/people/pairs/",
            "/patients/incidents/",
            "/payments/",
            f"/payments/waivers/{waiver.pk}/",
            "/desk/programmes/",
            "/desk/programmes/uk-tb/",
            "/desk/programmes/ca/change/",
        ],
        "canada": ["/partner/"],
        "auditor": ["/users/accesses/"],
        "admin": ["/payments/prices/", "/payments/prices/ca/", "/payments/prices/ca/add/", "/users/"],
        "protection": ["/desk/people/"],
        "quality": ["/wire/"],
    }


WIDTHS = [(1366, 768), (390, 844)]
# What sticks out of the window sideways, by the size of the page itself.
STICKS_OUT = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


def serious(page):
    """What axe-core calls serious or critical, as "rule: element"."""
    found = Axe().run(page).response["violations"]
    return [f"{v['id']}: {v['nodes'][0]['html'][:120]}" for v in found if v["impact"] in {"serious", "critical"}]


@pytest.mark.parametrize("language", ["en", "fa-af"])
def test_every_page_stands_at_both_widths(training, chromium, language):
    wrong = []
    for username, addresses in pages().items():
        desk = Desk(chromium, training.base, username, language, password=demo.PASSWORD)
        for address in addresses:
            desk.page.set_viewport_size({"width": 1366, "height": 768})
            if (answer := desk.go(address)).status != 200:
                wrong.append(f"{username} {address}: {answer.status}")
            desk.page.wait_for_load_state("networkidle")
            # The structure is the same in every language; its colours and names are looked at once.
            if language == "en":
                wrong += [f"{username} {address}: {fault}" for fault in serious(desk.page)]
            for width, height in WIDTHS:
                desk.page.set_viewport_size({"width": width, "height": height})
                if (over := desk.page.evaluate(STICKS_OUT)) > 1:
                    wrong.append(f"{username} {address} at {width}: {over} px stick out")
        wrong += [f"{username}: {complaint}" for complaint in desk.complaints]
        desk.close()
    assert wrong == []


def boxes(desk):
    """Where the landmarks of a page stand: name -> (start, end) in pixels from the left."""
    named = {"brand": ".brand", "doors": ".doors", "face": ".person .face", "who": ".me"}
    found = {name: desk.page.locator(css).first.bounding_box() for name, css in named.items()}
    return {name: (box["x"], box["x"] + box["width"]) for name, box in found.items()}


@pytest.mark.parametrize("language", ["fa-af", "ps"])
def test_right_to_left_is_the_mirror_of_left_to_right(training, chromium, language, tmp_path):
    ready = Screening.objects.get(patient__given_name="Rahmat")
    seen = {}
    for each in ("en", language):
        desk = Desk(chromium, training.base, "physician", each, password=demo.PASSWORD)
        desk.go(f"/desk/review/{ready.pk}/")
        picture = tmp_path / f"review-{each}.png"
        desk.page.screenshot(path=picture)
        seen[each] = boxes(desk)
        # Numbers and codes keep their own direction within the mirrored page.
        code = desk.page.locator(".person bdi.code").first
        assert code.inner_text() == ready.patient.number
        assert desk.page.evaluate("document.documentElement.dir") == ("rtl" if each != "en" else "ltr")
        desk.close()
    width = 1366
    for name in ("brand", "face"):
        start, _end = seen["en"][name]
        _start, end = seen[language][name]
        assert abs((width - end) - start) <= 20, f"{name} is not mirrored: {seen}"
    assert seen["en"]["brand"][0] < seen["en"]["doors"][0] < seen["en"]["who"][0]
    assert seen[language]["brand"][0] > seen[language]["doors"][0] > seen[language]["who"][0]


def test_a_page_works_without_javascript(training, chromium):
    context = chromium.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(f"{training.base}/account/sign-in/")
    page.fill("input[name=login]", "reception")
    page.fill("input[name=password]", demo.PASSWORD)
    page.click("main button")
    page.goto(f"{training.base}/desk/today/")
    page.get_by_role("button", name="All arrived").first.click()
    page.wait_for_load_state()
    family = Case.objects.get(contact_name__startswith="Gul Agha")
    assert {b.state for s in family.screenings.all() for b in s.bookings.all()} == {"arrived"}
    context.close()


def test_analyzers_are_told_apart_from_none(training, chromium):
    """The page of the wire says that there is no analyzer yet instead of showing an empty table."""
    assert not Analyzer.objects.exists()
    desk = Desk(chromium, training.base, "supervisor", password=demo.PASSWORD)
    desk.go("/wire/analyzers/")
    assert len(desk.text().splitlines()) >= 2
    desk.close()
