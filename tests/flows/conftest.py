"""The clinic as it runs in service: web server, wire, looping commands and a simulated analyzer as real processes."""

import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import connection

from mhac.labs import catalogue
from tests.conftest import PASSWORD
from tests.processes import database_url

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(autouse=True)
def light_settings(settings):
    """In service: real password hashes, hashed static names. Only the training mark is set."""
    settings.TRAINING = True


def free_port():
    with socket.socket() as door:
        door.bind(("127.0.0.1", 0))
        return door.getsockname()[1]


class Stack:
    """The processes of one clinic; each can be killed outright and started again."""

    def __init__(self, folder):
        self.folder, self.port, self.programs = folder, free_port(), {}
        self.hl7, self.astm = free_port(), free_port()
        self.base = f"http://127.0.0.1:{self.port}"
        self.env = os.environ | {
            "DATABASE_URL": database_url(),
            "MHAC_TRAINING": "1",
            "MHAC_HTTPS": "0",
            "MHAC_PUBLIC_URL": self.base,
            "MHAC_SIGNING_KEY": str(folder / "key.pem"),
            "PYTHONUNBUFFERED": "1",
        }
        # Files are served under their hashed names unless this run is a developer's.
        if not django_settings.DEBUG and not (Path(django_settings.STATIC_ROOT) / "staticfiles.json").exists():
            call_command("collectstatic", interactive=False, verbosity=0)

    def commands(self):
        manage = [sys.executable, "manage.py"]
        web = [sys.executable, "-m", "gunicorn", "mhac.wsgi:application", "--bind", f"127.0.0.1:{self.port}"]
        return {
            "web": [*web, "--worker-class", "gthread", "--workers", "1", "--threads", "4", "--no-control-socket"],
            "listen": [*manage, "listen", "--hl7-port", str(self.hl7), "--astm-port", str(self.astm)],
            "work_lab": [*manage, "work_lab"],
            "analyzer": [*manage, "simulate_analyzer", "--delay", "0.2", "--all-normal"],
        }

    def start(self, *names, **env):
        for name in names or self.commands():
            with (self.folder / f"{name}.log").open("ab") as log:
                self.programs[name] = subprocess.Popen(
                    self.commands()[name], cwd=ROOT, env=self.env | env, stdout=log, stderr=log, start_new_session=True
                )
        if not names or "web" in names:
            self.await_page()

    def await_page(self):
        for _ in range(150):
            try:
                with urllib.request.urlopen(f"{self.base}/account/sign-in/", timeout=5):
                    return
            except (urllib.error.URLError, OSError):
                time.sleep(0.2)
        raise AssertionError(f"the web server did not start: {self.log('web')}")

    def kill(self, *names):
        """The power fails: no process hears of it."""
        for name in names or list(self.programs):
            process = self.programs.pop(name)
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    def log(self, name):
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-3000:] if path.exists() else ""

    def manage(self, *words):
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=self.env, check=True, capture_output=True)


@pytest.fixture
def stack(transactional_db, tmp_path, cast, partners, kabul):
    """A running clinic with the cast in it. The site has no weekend, so that the walk does not depend on the day."""
    cast.whole()
    kabul.weekend = []
    kabul.save()
    catalogue.load()
    clinic = Stack(tmp_path)
    clinic.manage("createcachetable")
    clinic.manage("signing_key", "--create-if-missing")
    clinic.start()
    yield clinic
    clinic.kill()
    connection.close()


def is_answer(response):
    """A page, or a part of one, that answers what was pressed; a redirect is on its way to it."""
    return response.request.resource_type in {"document", "xhr", "fetch"} and not 300 <= response.status < 400


class Desk:
    """One person at her own computer: signed in, with every complaint of the browser noted."""

    def __init__(self, browser, base, username, language="en", password=PASSWORD):
        self.base, self.complaints = base, []
        self.context = browser.new_context(viewport={"width": 1366, "height": 768}, accept_downloads=True)
        self.context.add_cookies([{"name": "django_language", "value": language, "url": base}])
        self.page = self.context.new_page()
        self.page.set_default_timeout(20_000)
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type == "error" else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.go("/account/sign-in/")
        self.page.fill("input[name=login]", username)
        self.page.fill("input[name=password]", password)
        with self.page.expect_response(is_answer):
            self.page.click("main form button")
        self.page.wait_for_load_state()

    def go(self, path):
        return self.page.goto(path if path.startswith("http") else self.base + path)

    def press(self, name, exact=True, nth=0):
        """Press the button or follow the link of this name in the page's own part, and wait for the answer."""
        with self.page.expect_response(is_answer):
            self.control(name, exact).nth(nth).click()
        self.page.wait_for_load_state()

    def control(self, name, exact=True):
        main = self.page.locator("main")
        return main.get_by_role("button", name=name, exact=exact).or_(main.get_by_role("link", name=name, exact=exact))

    def text(self):
        return self.page.locator("main").inner_text()

    def close(self):
        self.context.close()


@pytest.fixture
def desk(chromium, stack):
    """desk("rec") is the receptionist at her computer."""
    opened = []

    def sit_down(username, language="en"):
        opened.append(Desk(chromium, stack.base, username, language))
        return opened[-1]

    yield sit_down
    for each in opened:
        each.close()
    assert [c for each in opened for c in each.complaints if "404" not in c and "403" not in c] == []
