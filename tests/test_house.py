"""The plan of the house as data, and the walls that keep it: imports, foreign keys and lookups go down."""

import ast
import re
import sys
from pathlib import Path

import pytest
from django.apps import apps
from django.urls import URLPattern, URLResolver, get_resolver

ROOT = Path(__file__).parent.parent

FLOORS = {
    "protocols": 0,
    "clinics": 1,
    "accounts": 2,
    "patients": 3,
    "partners": 3,
    "screenings": 4,
    "appointments": 5,
    "payments": 5,
    "exams": 5,
    "labs": 5,
    "vaccinations": 5,
    "referrals": 5,
    "protection": 5,
    "decisions": 6,
    "lab_integration": 6,
    "certificates": 7,
    "desk": 8,
    "portal": 8,
    "reports": 8,
}
# The roof: what starts the house or holds it up, and is imported by no room.
ROOF = {"settings", "urls", "wsgi", "formats"}
# The ground the house stands on: the machine, its packages and its database, made ready before Django starts.
GROUND = {"machine", "database", "postgresql"}
FORBIDDEN_NAMES = set(
    ["utils", "helpers", "common", "core", "base", "misc", "managers", "selectors", "handlers", "processors"]
)
LONGEST_FILE = 450
LONGEST_VIEW = 15


def room_of(path):
    parts = path.relative_to(ROOT).parts
    return parts[0] if parts[0] == "lab_integration" else parts[1]


def modules(*rooms):
    for folder in (ROOT / "mhac", ROOT / "lab_integration"):
        for path in sorted(folder.rglob("*.py")):
            if path.parent == ROOT / "mhac" or "migrations" in path.parts:
                continue
            if not rooms or room_of(path) in rooms:
                yield path


def tree_of(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def imported_by(path):
    """Dotted names of everything this module imports, `from a import b` as a.b."""
    for node in ast.walk(tree_of(path)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            package = ".".join(path.relative_to(ROOT).parts[: -node.level]) if node.level else ""
            module = ".".join(filter(None, [package, node.module]))
            yield from (f"{module}.{alias.name}" for alias in node.names)


def rooms_imported_by(path):
    for name in imported_by(path):
        parts = name.split(".")
        if parts[0] == "mhac" and len(parts) > 1:
            yield parts[1], name
        elif parts[0] == "lab_integration":
            yield "lab_integration", name


def may_use(room, other, name=""):
    """Whether code or a foreign key of `room` may name something of `other`."""
    if other in GROUND:
        return room == "desk"
    if other not in FLOORS:
        return False
    if room == "lab_integration" and 3 <= FLOORS[other] <= 8 and other != "lab_integration":
        return other == "labs" and (not name or name.startswith("mhac.labs.services"))
    return room == other or FLOORS[other] < FLOORS[room]


def test_every_room_stands_on_a_floor():
    found = {room_of(path) for path in modules()} - ROOF - {"static"}
    assert found <= FLOORS.keys()


def test_imports_go_down():
    wrong = [
        f"{path.relative_to(ROOT)} imports {name}"
        for path in modules()
        if room_of(path) not in ROOF
        for other, name in rooms_imported_by(path)
        if not may_use(room_of(path), other, name)
    ]
    assert wrong == []


def test_the_wall_would_notice():
    assert not may_use("patients", "screenings")
    assert not may_use("exams", "labs")
    assert not may_use("lab_integration", "labs", "mhac.labs.models.LabResult")
    assert not may_use("lab_integration", "patients")
    assert not may_use("decisions", "lab_integration")
    assert may_use("lab_integration", "labs", "mhac.labs.services")
    assert may_use("desk", "certificates")


def test_the_cellar_needs_nothing_but_the_standard_library():
    wrong = [
        f"{path.name} imports {name}"
        for path in modules("protocols")
        for name in imported_by(path)
        if name.split(".")[0] not in sys.stdlib_module_names and not name.startswith("mhac.protocols")
    ]
    assert wrong == []


@pytest.mark.parametrize("name", ["date.today", "datetime.now", "datetime.today", "time.time", "random"])
def test_the_cellar_has_no_clock_and_no_chance(name):
    wrong = [path.name for path in modules("protocols") if re.search(rf"\b{re.escape(name)}\(", path.read_text())]
    assert wrong == []


@pytest.mark.parametrize("module", ["mllp", "astm"])
def test_codecs_are_bytes_only(module):
    allowed = sys.stdlib_module_names - {"socket", "asyncio", "selectors", "threading", "time"}
    names = [name.split(".")[0] for name in imported_by(ROOT / "lab_integration" / f"{module}.py")]
    assert [name for name in names if name not in allowed and name != "lab_integration"] == []


def house_models():
    for model in apps.get_models():
        config = model._meta.app_config
        if config.name.startswith("mhac.") or config.name == "lab_integration":
            yield model


def test_foreign_keys_go_down():
    wrong = []
    for model in house_models():
        for field in model._meta.get_fields():
            if not (field.is_relation and field.concrete and field.related_model):
                continue
            other = field.related_model._meta
            if other.app_label in FLOORS and not may_use(model._meta.app_label, other.app_label):
                wrong.append(f"{model._meta.label}.{field.name} -> {other.label}")
    assert wrong == []


def higher_accessors(room):
    """Names by which rows of `room` and below would reach rows of rooms above or beside them."""
    names = set()
    for model in house_models():
        label = model._meta.app_label
        if FLOORS[label] > FLOORS[room] and FLOORS[label] != FLOORS[room]:
            for field in model._meta.get_fields():
                if field.is_relation and field.concrete and field.related_model:
                    if field.related_model._meta.app_label == "accounts" and room != "accounts":
                        continue
                    names |= {field.remote_field.get_accessor_name(), field.related_query_name()}
    own = {
        name
        for model in house_models()
        if FLOORS[model._meta.app_label] <= FLOORS[room]
        for field in model._meta.get_fields()
        for name in [field.name, getattr(field, "get_accessor_name", lambda: None)()]
    }
    return {name for name in names if name and name not in own and not name.endswith("+")}


LOOKUPS = set(
    [
        "filter",
        "exclude",
        "get",
        "select_related",
        "prefetch_related",
        "values",
        "values_list",
        "order_by",
        "only",
        "defer",
        "annotate",
        "aggregate",
        "Q",
        "F",
        "Prefetch",
        "Count",
        "Exists",
        "OuterRef",
        "Subquery",
        "Max",
        "Min",
        "Sum",
        "distinct",
    ]
)


def lookup_words(call):
    for keyword in call.keywords:
        if keyword.arg:
            yield from keyword.arg.split("__")
    for argument in call.args:
        if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
            yield from argument.value.lstrip("-").split("__")


@pytest.mark.parametrize("room", [room for room, floor in FLOORS.items() if 1 <= floor <= 6])
def test_lookups_go_down(room):
    above = higher_accessors(room)
    wrong = []
    for path in modules(room):
        for node in ast.walk(tree_of(path)):
            if isinstance(node, ast.Call):
                called = getattr(node.func, "attr", getattr(node.func, "id", ""))
                words = set(lookup_words(node)) if called in LOOKUPS else set()
                wrong += [f"{path.name}:{node.lineno} looks up {word}" for word in words & above]
            elif isinstance(node, ast.Attribute) and node.attr.endswith("_set") and node.attr in above:
                wrong.append(f"{path.name}:{node.lineno} reaches {node.attr}")
    assert wrong == []


def every_view(patterns=None, prefix=""):
    for pattern in get_resolver().url_patterns if patterns is None else patterns:
        if isinstance(pattern, URLResolver):
            name = f"{prefix}{pattern.namespace}:" if pattern.namespace else prefix
            yield from every_view(pattern.url_patterns, name)
        elif isinstance(pattern, URLPattern):
            yield f"{prefix}{pattern.name}", pattern.callback


# The log-in library's own two views: signing in is open to all, signing out to whoever is signed in.
OF_THE_LOGIN_LIBRARY = {"account_login", "account_logout"}


def test_every_view_names_its_permission():
    wrong = [
        name for name, view in every_view() if name not in OF_THE_LOGIN_LIBRARY and not hasattr(view, "permissions")
    ]
    assert wrong == []


def test_every_permission_is_given_to_a_role():
    from mhac.accounts.roles import ROLES, permissions_of

    given = set().union(*(permissions_of(role) for role in ROLES))
    asked = {permission for _name, view in every_view() for permission in getattr(view, "permissions", ())}
    assert asked - given == set()


def test_few_doors_are_open_to_all():
    opened = {name for name, view in every_view() if getattr(view, "permissions", None) == ()}
    assert opened <= {"set_language", "healthz", "certificates:verify", "certificates:keys", "desk:waiting_room"}


def view_functions():
    for path in modules():
        for node in tree_of(path).body:
            if isinstance(node, ast.FunctionDef) and any(
                getattr(getattr(mark, "func", mark), "id", "") in {"needs", "open_to_all"}
                for mark in node.decorator_list
            ):
                yield path, node


def test_views_fetch_rows_through_visible_to():
    """A row is fetched by what its reader may see; `Model.objects` in a view goes through `visible_to` at once."""
    wrong = []
    for path, view in view_functions():
        source = ast.unparse(view)
        for found in re.finditer(r"\b[A-Z]\w+\.objects\.(?!visible_to\()(\w+)", source):
            wrong.append(f"{path.relative_to(ROOT)} {view.name}: {found[0]}")
        for found in re.finditer(r"get_object_or_404\(([A-Z]\w+),", source):
            wrong.append(f"{path.relative_to(ROOT)} {view.name}: {found[0]}")
    assert wrong == []


def test_views_are_short():
    wrong = []
    for path, view in view_functions():
        body = view.body[1:] if ast.get_docstring(view) else view.body
        length = body[-1].end_lineno - body[0].lineno + 1 if body else 0
        if length > LONGEST_VIEW:
            wrong.append(f"{path.relative_to(ROOT)} {view.name}: {length} lines")
    assert wrong == []


def test_names_say_something():
    wrong = [path for path in modules() if path.stem in FORBIDDEN_NAMES or FORBIDDEN_NAMES & set(path.parts)]
    assert wrong == []


def test_rooms_are_split_before_they_grow():
    lengths = {path.relative_to(ROOT): len(path.read_text(encoding="utf-8").splitlines()) for path in modules()}
    assert {str(path): lines for path, lines in lengths.items() if lines > LONGEST_FILE} == {}


def test_what_the_rules_read_is_a_fact():
    """A model of the case's and the corridor's floors that decisions.facts reads marks its screening when it changes."""
    from mhac.screenings.models import Fact

    source = (ROOT / "mhac" / "decisions" / "facts.py").read_text(encoding="utf-8")
    read = [
        model
        for model in house_models()
        if FLOORS[model._meta.app_label] in {4, 5}
        and not model.__name__.startswith("Historical")
        and re.search(rf"\b({model.__name__}|{model._meta.model_name}_set)\b", source)
    ]
    assert len(read) >= 6, "decisions.facts reads fewer models than the rules need: has it moved?"
    assert [
        m.__name__ for m in read if not issubclass(m, Fact) and m.__name__ not in {"Screening", "Case", "Test"}
    ] == []


def test_clinical_models_keep_history():
    without = {
        "Row",
        "Counter",
        "Closure",
        "Clinic",
        "Access",
        "Draft",
        "DoneRequest",
        "Photo",
        "Slot",
        "Download",
        "ProgrammeState",
    }
    wire = {"ReceivedMessage", "ReceivedLine", "SentMessage"}
    models = [
        m for m in house_models() if not m.__name__.startswith("Historical") and m._meta.app_label != "lab_integration"
    ]
    wrong = [m._meta.label for m in models if not hasattr(m, "history") and m.__name__ not in without | wire]
    assert wrong == []


def test_every_key_is_a_uuid():
    wrong = [
        model._meta.label
        for model in house_models()
        if model._meta.pk.get_internal_type() != "UUIDField" and not model._meta.auto_created
    ]
    assert wrong == []


TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))


@pytest.mark.parametrize("path", TEMPLATES, ids=lambda path: str(path.relative_to(ROOT / "templates")))
def test_templates_hold_no_code_and_no_style(path):
    text = path.read_text(encoding="utf-8")
    assert not re.search(r"<script(?![^>]*\bsrc=)", text), "inline script"
    assert not re.search(r"<[^>]+\s(style|on[a-z]+)=", text), "inline style or handler"
    if path.parts[-2] != "certificates":
        assert not re.search(r"<style", text), "inline style sheet"
    assert not re.search(r"\|\s*safe\b|autoescape off", text), "unescaped output"
    assert not re.search(r"(src|href)=\"https?://", text), "something from the network"
    assert not re.search(r"\b(margin|padding|border)-(left|right)\b|\b[mp][lr]-\d\b", text), (
        "physical side; use start/end"
    )


def test_styles_are_logical():
    css = (ROOT / "mhac" / "static" / "app" / "app.css").read_text(encoding="utf-8")
    assert not re.search(r"(margin|padding|border)-(left|right)\b|(?<![-\w])(left|right)\s*:", css)
