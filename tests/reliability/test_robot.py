"""A robot types an examination while the browser is killed, the network is cut, the server is restarted.

Nothing that was typed two seconds before may be missing, nobody else may see it, nothing may be there twice. A share runs
with the suite; `make robot` runs sixty interruptions and prints what was counted.
"""

import os
import random
import time

import pytest
from django.db import connection

from mhac.accounts.models import Draft
from mhac.exams.models import PhysicalExam
from tests.conftest import make_user
from tests.desk.made import person, screening_of
from tests.flows.conftest import Stack

pytestmark = [pytest.mark.browser, pytest.mark.slow, pytest.mark.django_db(transaction=True)]

INTERRUPTIONS = int(os.environ.get("ROBOT", "3"))
SEED = int(os.environ.get("ROBOT_SEED", "1"))
OLD_SECONDS = 2.0
WAYS = ("browser", "network", "server")
BOXES = """() => [...document.querySelectorAll('#work form')].flatMap((form) => [...form.elements]).filter((box) =>
  box.name && box.type !== 'hidden' && !box.disabled && box.tagName !== 'BUTTON' && box.tagName !== 'FIELDSET'
).map((box) => [box.name, box.tagName === 'INPUT' ? box.type : box.tagName, box.value])"""
SAYS = """() => Object.fromEntries([...new FormData(document.querySelector('#work form'))].map(([name, value]) => [name, value]))"""


class Robot:
    """One nurse's browser; `typed` is field -> (value, when)."""

    def __init__(self, chromium, clinic, session, address, chance):
        self.chromium, self.clinic, self.session, self.address, self.chance = chromium, clinic, session, address, chance
        self.typed = {}
        self.open_again()

    def open_again(self):
        self.context = self.chromium.new_context(base_url=self.clinic.base)
        self.context.add_cookies([{"name": "sessionid", "value": self.session, "url": self.clinic.base}])
        self.page = self.context.new_page()
        self.page.goto(self.address)
        self.page.locator("html[data-drafts=ready]").wait_for(state="attached")
        # Everything of the form in sight, folded or not.
        self.page.evaluate("document.querySelectorAll('details').forEach((each) => { each.open = true; })")
        self.boxes = [each for each in self.page.evaluate(BOXES) if each[1] in {"text", "TEXTAREA", "radio", "number"}]

    def type_for(self, seconds):
        """Fields at random, with a hand's pace, until the time is up."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            name, kind, value = self.chance.choice(self.boxes)
            where = f"#work form [name='{name}']"
            if kind == "radio":
                self.page.evaluate(
                    "([css, value]) => { const box = [...document.querySelectorAll(css)].find((each) => each.value === value);"
                    " if (!box.checked) { box.click(); } }",
                    [where, value],
                )
            else:
                # Letters only: a number at this speed would be taken for a scan.
                value = "".join(self.chance.choices("abcdefghijklmnop", k=7))
                box = self.page.locator(where).first
                if not box.evaluate("box => { box.focus(); box.select?.(); return document.activeElement === box; }"):
                    continue  # folded away: no hand can type there
                self.page.keyboard.type(value, delay=8)
            self.typed[name] = (value, time.monotonic())

    def kill(self):
        """The browser is gone in the middle of it: whatever it would still say on leaving reaches nobody."""
        at = time.monotonic()
        self.context.set_offline(True)
        self.context.close()
        return at

    def lost(self, at):
        """Fields that were typed before that moment less two seconds and do not say so now."""
        says = self.page.evaluate(SAYS)
        return [
            name for name, (value, when) in self.typed.items() if when < at - OLD_SECONDS and says.get(name) != value
        ]

    def now_says(self):
        """What stands in the page is from now on what was typed: younger words may be gone, as promised."""
        says = self.page.evaluate(SAYS)
        self.typed = {name: (says[name], 0.0) for name in self.typed if says.get(name)}


@pytest.fixture
def clinic(transactional_db, tmp_path, cast):
    running = Stack(tmp_path)
    running.start("web")
    yield running
    running.kill()
    connection.close()


def test_sixty_interruptions_lose_nothing_that_is_two_seconds_old(clinic, chromium, cast, kabul, as_user):
    chance, other = random.Random(SEED), make_user("nurse-two", "CLI", kabul)
    screening = screening_of(person(kabul, cast.rec), cast.rec)
    address = f"/exams/{screening.pk}/examination/"
    session, hers = (as_user(each).cookies["sessionid"].value for each in (cast.cli, other))
    robot = Robot(chromium, clinic, session, address, chance)
    lost, foreign, fields, ways = [], 0, 0, {}
    for turn in range(INTERRUPTIONS):
        way = WAYS[turn % len(WAYS)]
        ways[way] = ways.get(way, 0) + 1
        # Where the robot waits for the drafts anyway, what it typed before grows old meanwhile.
        robot.type_for(chance.uniform(2.2, 3.4) if way == "browser" else chance.uniform(0.6, 1.4))
        if way == "network":
            robot.context.set_offline(True)
            robot.type_for(chance.uniform(0.4, 1.6))
            robot.context.set_offline(False)
            robot.page.wait_for_timeout(2600)
        elif way == "server":
            clinic.kill("web")
            robot.type_for(chance.uniform(0.3, 1.2))
            clinic.start("web")
            robot.page.wait_for_timeout(2600)
        at = robot.kill()
        fields += sum(when < at - OLD_SECONDS for _value, when in robot.typed.values())
        robot.open_again()
        lost += [(turn, way, name) for name in robot.lost(at)]
        robot.now_says()
        context = chromium.new_context(base_url=clinic.base)
        context.add_cookies([{"name": "sessionid", "value": hers, "url": clinic.base}])
        foreign += len(context.request.get("/users/draft/", params={"page": address}).json()["drafts"])
        context.close()
        assert Draft.objects.count() <= 1
    # In the end there is one draft with all of it, and nothing became a record by itself.
    robot.context.close()
    sent = Draft.objects.get()
    assert sent.user == cast.cli and set(sent.typed["fields"]) >= set(robot.typed)
    print(
        f"\n{INTERRUPTIONS} interruptions {ways}: {fields} fields older than {OLD_SECONDS:.0f} s looked for, {len(lost)} lost, "
        f"{foreign} shown to somebody else, {Draft.objects.count()} draft, {PhysicalExam.objects.count()} records"
    )
    assert lost == [] and foreign == 0 and PhysicalExam.objects.count() == 0
