"""The cast: three sites, one person of every role at each place that matters, two partners. All invented."""

import datetime
import os
from types import SimpleNamespace

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import translation
from playwright.sync_api import sync_playwright

from mhac.accounts import sitting
from mhac.accounts.models import RoleGrant, User
from mhac.clinics.models import Clinic

PASSWORD = "blue-kettle-on-the-roof"
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-quic",
    # Shared memory is small or missing in a container.
    "--disable-dev-shm-usage",
]


@pytest.fixture(autouse=True)
def light_settings(settings):
    """Static names without a manifest, and a password hash that costs nothing where no password is tested."""
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
    }
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.fixture(autouse=True)
def own_language():
    """Every test begins in English, whatever language the last page of another test was shown in."""
    translation.deactivate()


def make_user(username, role, clinic=None, **fields):
    """A user with one role at one site (or on the network), with the password of the cast."""
    user = User(username=username, full_name=fields.pop("full_name", username.title()), **fields)
    user.set_password(PASSWORD)
    user.save()
    RoleGrant.objects.create(user=user, group=Group.objects.get(name=role), clinic=clinic)
    return user


def make_clinic(code, name, **fields):
    return Clinic.objects.create(code=code, name=name, kind=fields.pop("kind", "sub_office"), province=name, **fields)


@pytest.fixture
def kabul(db):
    return make_clinic("KBL", "Kabul", kind="centre", altitude_m=1800)


@pytest.fixture
def herat(db):
    return make_clinic("HRT", "Herat", altitude_m=920)


class Cast:
    """cast.rec, cast.cli, ... work at Kabul; cast.herat_rec and cast.herat_phy at Herat. Who is named is there from
    then on; a test waits only for those it needs."""

    LICENSED = frozenset({"PHY", "RAD"})
    NAMES = (
        *("rec", "cli", "phy", "rad", "lab", "lab2", "lsu", "qco", "mgr", "dat", "pro", "aud", "adm"),
        *("herat_rec", "herat_lab", "herat_phy"),
    )

    def __init__(self, kabul, herat):
        self.__dict__["_sites"] = {"": kabul, "herat": herat}

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        site, _, role = name.rpartition("_")
        role = role.rstrip("2").upper()
        licence = ("AFG-TEST-2" if site else "AFG-TEST-1") if role in self.LICENSED else ""
        clinic = None if role in {"AUD", "ADM"} else self._sites[site]
        person = make_user(name, role, clinic, licence=licence)
        setattr(self, name, person)
        return person

    def whole(self):
        """The cast with everybody in it, for pages that list users or ask for their names."""
        for name in self.NAMES:
            getattr(self, name)
        return self


@pytest.fixture
def cast(kabul, herat):
    return Cast(kabul, herat)


@pytest.fixture
def partners(db):
    """partners.canada and partners.uk with one signed-in member each (canada_user, uk_user) and agreements."""
    from mhac.partners.models import Agreement, Member, PartnerOrganisation

    made = SimpleNamespace()
    for code, name, country, programme in (
        ("canada", "Maple Test Authority", "CAN", "ca"),
        ("uk", "Thistle Test Authority", "GBR", "uk-tb"),
        ("mission", "Test Sending Mission", "DEU", "returnee-avrr"),
    ):
        organisation = PartnerOrganisation.objects.create(code=code, name=name, country=country, kind="embassy")
        Agreement.objects.create(
            organisation=organisation,
            programme=programme,
            legal_basis="Test agreement",
            signatory="Nobody Real",
            valid_from=datetime.date(2026, 1, 1),
        )
        user = make_user(f"{code}_user", "PAR")
        Member.objects.create(user=user, organisation=organisation)
        setattr(made, code, organisation)
        setattr(made, f"{code}_user", user)
    return made


@pytest.fixture
def as_user():
    """as_user(somebody) is a browser in which she is signed in."""

    def sign_in(user):
        client = Client()
        client.force_login(user, backend="allauth.account.auth_backends.AuthenticationBackend")
        session = client.session
        sitting.begin(session)
        session.save()
        return client

    return sign_in


@pytest.fixture(scope="session")
def chromium():
    """One browser for every test that drives one; two of them in one process do not bear each other."""
    # Its event loop stays in this thread until the end of the session, and Django would refuse to speak to the
    # database beside it, in every test that follows.
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()
