"""Every form of the training clinic, found by opening pages as each role does, filled in as well as a robot can."""

import inspect
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
WORDS = {
    "phone": "0700000001",
    "celsius": "5",
    "amount": "7",
    "_at": "09:00",
    "weight": "60",
    "height": "165",
    "born": "1990-01-01",
    "username": "robot-seven",
    "number": "XX0000001",
}
# What a form needs although no single field of it says so.
ALWAYS = {"amount_0", "because", "note", "reason", "number", "kg", "weight_kg", "height_cm"}
DAYS = ("day", "_on", "date", "until", "from_day")


@dataclass
class Form:
    """One form of a page and the button that sends it; its fields as (name, kind, value, choices, whether needed)."""

    page: str
    action: str
    user: str
    fields: list = field(default_factory=list)
    button: tuple = ()

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
            sends = (attrs.get("name"), attrs.get("value", ""))
            self.buttons.append((form, attrs.get("formaction"), sends, "data-main-action" in attrs))
        elif "disabled" in attrs or not attrs.get("name"):
            if tag == "option" and self.select:
                self.select[3].append(attrs.get("value", ""))
                if "selected" in attrs:
                    self.select[2] = attrs.get("value", "")
        elif self.form is not None and tag in {"input", "select", "textarea"}:
            kind = attrs.get("type", "text") if tag == "input" else tag
            given = [attrs["name"], kind, attrs.get("value", ""), [], "required" in attrs]
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
        """One form for each button, the main one of a page first."""
        found = []
        for form, action, sends, _is_main in sorted(self.buttons, key=lambda button: not button[3]):
            if form is not None:
                address = urljoin(self.page, action) if action else form.action
                more = [[sends[0], "hidden", sends[1], [], True]] if sends[0] else []
                found.append(Form(form.page, address, form.user, [*form.fields, *more], (address, *sends)))
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
    """Forms by the name of where they go, from at most `pages` pages of each user, `per_name` of each kind of page.

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
                    if len(found[form.name]) < 3 * per_name:
                        found[form.name].append(form)
    return found


# How a form is filled: which of each choice, whether boxes are ticked, whether what nobody asks for is filled as well.
WAYS = [(0, True, True), (-1, False, True), (0, False, False), (0, True, False), (-1, True, False)]


def filled(form, password, way=WAYS[0]):
    """The values of a form: what is given stays, what is empty is filled as the way says."""
    at, ticks, whole = way
    sent, radios = {}, {}
    for name, kind, value, choices, needed in form.fields:
        if kind == "radio":
            group = radios.setdefault(name, [[], ""])
            group[0] += choices
            group[1] = value or group[1]
        elif kind == "checkbox":
            if value or needed or (ticks and "DELETE" not in name):
                sent.setdefault(name, []).append(choices[0])
        elif kind == "file":
            sent[name] = _picture()
        elif kind == "select":
            real = [choice for choice in choices if choice]
            sent[name] = value or (real[at] if real and (whole or needed) else "")
        elif kind == "hidden" and name in sent and value:
            sent[name] = [*([sent[name]] if isinstance(sent[name], str) else sent[name]), value]
        elif kind != "submit":
            sent[name] = value or (_word(name, kind, password) if whole or needed or name in ALWAYS else "")
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


def posting():
    """Names of the views that do something with a form, read from their code and that of their room's functions."""
    return {name for name, view in views().items() if getattr(view, "has_one_effect", False) and _takes(view, set())}


def _takes(view, seen):
    while view is not None:
        if view in seen:
            return False
        seen.add(view)
        held = inspect.getclosurevars(view).nonlocals if inspect.isfunction(view) else {}
        if "POST" in (held.get("request_method_list") or ()):
            return True
        inner = getattr(view, "__wrapped__", None)
        if inner is None:
            code, room = view.__code__, view.__module__.split(".")[:2]
            if "POST" in code.co_names or "POST" in code.co_consts:
                return True
            called = [view.__globals__.get(name) for name in code.co_names]
            called += [getattr(each, name, None) for each in called if inspect.ismodule(each) for name in code.co_names]
            near = (each for each in called if inspect.isfunction(each) and each.__module__.split(".")[:2] == room)
            return any(_takes(each, seen) for each in near)
        view = inner
    return False


def views():
    """Name of an address -> its view, of the whole house."""

    def inside(resolver, space=""):
        for entry in resolver.url_patterns:
            if hasattr(entry, "url_patterns"):
                yield from inside(entry, f"{space}{entry.namespace}:" if entry.namespace else space)
            else:
                yield f"{space}{entry.name}", entry.callback

    return dict(inside(get_resolver()))
