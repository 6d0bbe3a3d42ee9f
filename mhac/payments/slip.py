"""The receipt on paper: A5, in English and the family's language, without a word about health."""

from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from django.utils.translation import gettext, gettext_noop

from mhac.clinics import paper
from mhac.clinics.calendar import solar_hijri

STYLE = Path(__file__).with_name("slip.css")
WRITTEN = frozenset({"fa-af", "ps"})
LINES = {
    "title": gettext_noop("Receipt"),
    "void": gettext_noop("This receipt is void."),
    "number": gettext_noop("Receipt number"),
    "day": gettext_noop("Day"),
    "case": gettext_noop("Case"),
    "payer": gettext_noop("Paid by"),
    "programme": gettext_noop("Programme"),
    "name": gettext_noop("Name"),
    "amount": gettext_noop("Amount"),
    "total": gettext_noop("Total, paid in cash"),
    "taken_by": gettext_noop("Taken by"),
    "keep": gettext_noop("Keep this receipt. The fee is paid for the examination, whatever its result."),
    "training": gettext_noop("TRAINING – invented people. Nothing here is about anybody."),
}


def language_of(receipt) -> str:
    """The language of who is first on the receipt: Dari where the language is written in no paper of ours."""
    spoken = receipt.lines.values_list("due__screening__patient__language", flat=True).first()
    return spoken if spoken in WRITTEN else "fa-af"


def pdf(receipt) -> bytes:
    """The receipt (with clinic, case and taken_by loaded) as PDF."""
    language = language_of(receipt)
    return paper.pdf(render_to_string("payments/slip.html", values(receipt, language)), style=STYLE)


def values(receipt, language) -> dict:
    """What the template shows: each word in English and in `language`."""
    lines = list(receipt.lines.select_related("due__screening"))
    said = {}
    for key, sentence in LINES.items():
        with translation.override("en"):
            english = gettext(sentence)
        with translation.override(language):
            said[key] = (english, gettext(sentence))
    with translation.override("en"):
        title = lines[0].due.screening.programme_name
    with translation.override(language):
        programme = lines[0].due.screening.programme_name
    return {
        "receipt": receipt,
        "lines": lines,
        "said": said,
        "language": language,
        "programme": (title, programme),
        "training": settings.TRAINING,
        "hijri": solar_hijri(receipt.day, language),
    }
