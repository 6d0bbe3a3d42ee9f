"""Every form of the training clinic, found by opening pages as each role does, filled in as well as a robot can."""

import io
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urljoin, urlsplit

from django.apps import apps
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import connection
from django.urls import Resolver404, get_resolver, resolve
from django.utils import timezone
from PIL import Image

PASSWORD_FIELD = "password"
# What a request leaves behind besides what it was for.
ASIDE = {"accounts.access", "accounts.donerequest", "accounts.draft", "sessions.session"}
WORDS = {"phone": "0700000001", "celsius": "5", "born": "1990-01-01", "username": "robot-seven", "number": "XX0000001"}
DAYS = ("day", "_on", "date", "until", "from_day")


@dataclass
class Form:
    """One form of a page: where it goes and its fields as (name, kind, value, choices)."""

    page: str
    action: str
    user: str
    fields: list = field(default_factory=list)

    @property
    def name(self):
        return name_of(self.action)


def name_of(address):
    try:
        return resolve(urlsplit(address).path).view_name
    except Resolver404:
        return ""


class Reader(HTMLParser):
    """The links and the forms of one page; a button with an address of its own is a form of its own."""

    def __init__(self, page, user):
        super().__init__()
        self.page, self.user = page, user
        self.links, self.forms, self.named, self.buttons = [], [], {}, []
        self.form = self.select = self.text = None

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "a" and attrs.get("href"):
            self.links.append(urljoin(self.page, attrs["href"]))
        elif tag == "form":
            self.form = None
            if attrs.get("method", "").lower() == "post":
                action = urljoin(self.page, attrs.get("action") or self.page)
                self.form = Form(self.page, action, self.user)
                self.forms.append(self.form)
                self.named[attrs.get("id")] = self.form
        elif tag == "button" and attrs.get("type") != "button":
            form = self.named.get(attrs["form"]) if "form" in attrs else self.form
            self.buttons.append((form, attrs.get("formaction"), attrs.get("name"), attrs.get("value", "")))
        elif "disabled" in attrs or not attrs.get("name"):
            if tag == "option" and self.select:
                self.select[3].append(attrs.get("value", ""))
                if "selected" in attrs:
                    self.select[2] = attrs.get("value", "")
        elif self.form is not None and tag in {"input", "select", "textarea"}:
            kind = attrs.get("type", "text") if tag == "input" else tag
            given = [attrs["name"], kind, attrs.get("value", ""), []]
            if kind in {"radio", "checkbox"}:
                given[3] = [attrs.get("value", "on")]
                given[2] = given[3][0] if "checked" in attrs else ""
            self.form.fields.append(given)
            self.select = given if tag == "select" else None
            self.text = given if tag == "textarea" else None

    def handle_data(self, data):
        if self.text is not None:
            self.text[2] += data.strip()

    def handle_endtag(self, tag):
        if tag == "form":
            self.form = None
        elif tag == "select":
            self.select = None
        elif tag == "textarea":
            self.text = None

    def all_forms(self):
        """The forms, each with its main button; and one for each button that leads elsewhere."""
        found, seen = [], set()
        for form, action, name, value in self.buttons:
            if form is None or (not action and id(form) in seen):
                continue
            if not action:
                seen.add(id(form))
            more = [[name, "hidden", value, []]] if name else []
            address = urljoin(self.page, action) if action else form.action
            found.append(Form(form.page, address, form.user, [*form.fields, *more]))
        return found


def read(client, page, user):
    """The page's links and forms; None for what is no page of hers."""
    answer = client.get(page)
    if answer.status_code != 200 or not answer.get("Content-Type", "").startswith("text/html"):
        return None
    reader = Reader(page, user)
    reader.feed(answer.text)
    return reader


def walk(clients, *, pages, first=(), per_name=3):
    """Forms by the name of where they go, at most `per_name` each, from at most `pages` pages of each user.

    The walk begins with `first`, then goes on from where she lands.
    """
    found = {}
    for user, client in clients.items():
        waiting, seen, opened = [*first, "/"], set(), {}
        while waiting and len(seen) < pages:
            page = waiting.pop(0)
            path, name = urlsplit(page).path, name_of(page)
            # A few pages of each kind are enough, and one with another question is another page.
            if page in seen or not name or opened.get(name, 0) >= per_name or name.startswith("account_"):
                continue
            seen.add(page)
            opened[name] = opened.get(name, 0) + 1
            if path == "/":
                waiting += [client.get("/")["Location"]]
                continue
            if (reader := read(client, page, user)) is None:
                continue
            waiting += [link for link in reader.links if urlsplit(link).netloc == "" and "#" not in link]
            for form in reader.all_forms():
                if form.name and not form.name.startswith(("account_", "set_language")):
                    found.setdefault(form.name, [])
                    if len(found[form.name]) < per_name:
                        found[form.name].append(form)
    return found


def filled(form, password, *, last=False):
    """The values of a form: what is given stays, what is empty is filled; `last` takes the last of each choice."""
    sent, at = {}, -1 if last else 0
    radios = {}
    for name, kind, value, choices in form.fields:
        if kind == "radio":
            group = radios.setdefault(name, [[], ""])
            group[0] += choices
            group[1] = value or group[1]
        elif kind == "checkbox":
            if value or (not last and "DELETE" not in name):
                sent.setdefault(name, []).append(choices[0])
        elif kind == "file":
            sent[name] = _picture()
        elif kind == "select":
            real = [choice for choice in choices if choice]
            sent[name] = value or (real[at] if real else "")
        elif kind != "submit":
            sent[name] = value or _word(name, kind, password)
    for name, (choices, value) in radios.items():
        sent[name] = value or choices[at]
    return sent


def _word(name, kind, password):
    if kind == "hidden":
        return ""
    if kind == "password":
        return password
    if kind == "date" or name.endswith(DAYS):
        return timezone.localdate().isoformat()
    if kind == "time":
        return "09:00"
    if kind == "number":
        return "7"
    return next((word for part, word in WORDS.items() if part in name), "Because of a test")


def _picture():
    held = io.BytesIO()
    Image.new("RGB", (360, 460), "gray").save(held, "JPEG")
    return SimpleUploadedFile("face.jpg", held.getvalue(), "image/jpeg")


def rows():
    """Table -> how many rows it has, of everything that is not a trace of the request itself."""
    models = [m for m in apps.get_models() if m._meta.label_lower not in ASIDE and m._meta.managed]
    tables = [m._meta.db_table for m in models]
    with connection.cursor() as cursor:
        cursor.execute(" union all ".join(f"select '{t}', count(*) from \"{t}\"" for t in tables))
        return dict(cursor.fetchall())


def views():
    """Name of an address -> its view, of the whole house."""

    def inside(resolver, space=""):
        for entry in resolver.url_patterns:
            if hasattr(entry, "url_patterns"):
                yield from inside(entry, f"{space}{entry.namespace}:" if entry.namespace else space)
            else:
                yield f"{space}{entry.name}", entry.callback

    return dict(inside(get_resolver()))
