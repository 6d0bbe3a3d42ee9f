"""Dari and Pashto: both catalogues are there, whole, and keep what is filled into the sentences."""

import ast
import gettext
import re
from pathlib import Path

import pytest
from django.utils import translation

ROOT = Path(__file__).parent.parent
FILLED_IN = re.compile(r"%\([a-z_]+\)[sd]|%[sd](?![a-z])|\{[a-z_]*\}|</?[a-z]+")


def catalogue(code):
    with (ROOT / "locale" / code / "LC_MESSAGES" / "django.mo").open("rb") as file:
        return gettext.GNUTranslations(file)._catalog


def ours():
    """The sentences of this house that stand whole in a call of gettext, with their place."""
    for path in [*(ROOT / "mhac").rglob("*.py"), *(ROOT / "lab_integration").rglob("*.py")]:
        if path.name == "library_words.py" or "migrations" in path.parts:
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
                called = getattr(node.func, "id", "")
                if called in {"_", "gettext", "gettext_lazy", "_lazy"} and isinstance(node.args[0].value, str):
                    yield node.args[0].value, f"{path.relative_to(ROOT)}:{node.lineno}"
    for path in (ROOT / "templates").rglob("*.html"):
        for found in re.finditer(r"{%\s*translate\s+(['\"])(.+?)\1", path.read_text(encoding="utf-8")):
            yield found[2], str(path.relative_to(ROOT))


@pytest.mark.parametrize("code", ["fa_AF", "ps"])
def test_every_sentence_of_ours_is_said(code):
    known = catalogue(code)
    # A word that is also the singular of a plural stands under both its forms.
    missing = {text: place for text, place in ours() if text and not (known.get(text) or known.get((text, 0)))}
    assert missing == {}, "run `make locale`, translate what is new, and run it again"


@pytest.mark.parametrize("code", ["fa_AF", "ps"])
def test_what_is_filled_in_stays(code):
    wrong = {}
    for text, said in catalogue(code).items():
        source = text[0] if isinstance(text, tuple) else text
        if not source or isinstance(text, tuple) or "\x04" in source:
            continue
        if set(FILLED_IN.findall(source)) != set(FILLED_IN.findall(said)):
            wrong[source] = said
    assert wrong == {}


@pytest.mark.parametrize(("code", "word"), [("fa-af", "بیرون"), ("ps", "وتل")])
def test_the_languages_can_be_chosen(client, db, code, word):
    answer = client.post("/language/", {"language": code, "next": "/account/sign-in/"})
    assert answer.status_code == 302
    page = client.get("/account/sign-in/").content.decode()
    assert f'lang="{code}"' in page and 'dir="rtl"' in page
    with translation.override(code):
        assert translation.gettext("Sign in") != "Sign in"
