"""A frozen document -> the bytes of its PDF (A4, PDF/A-3a, only bundled fonts, nothing from outside).

This module loads WeasyPrint, which needs Pango and takes seconds: import it where a document is made, not before.
"""

import datetime
import io
import threading
from functools import cache
from importlib import resources
from pathlib import Path

import segno
from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation
from PIL import Image
from weasyprint import CSS, HTML
from weasyprint.text.fonts import FontConfiguration
from weasyprint.urls import FatalURLFetchingError, URLFetcher, URLFetcherResponse

from mhac.certificates import wording
from mhac.clinics.calendar import solar_hijri

FONTS = Path(settings.BASE_DIR) / "mhac" / "static" / "vendor" / "vazirmatn"
STYLE = Path(__file__).parent / "paper.css"
VARIANT = "pdf/a-3a"  # tagged, so that a screen reader can read it; fonts embedded, so that it looks the same in 2050
OUTPUT_INTENT = "--paper"  # named in paper.css; PDF/A wants to know what its colours mean
QR_SCALE = 8  # dots a module

# Fonts and styles are shared by all documents; Pango's font map is not known to bear two threads at once.
_one_at_a_time = threading.Lock()


class Unprintable(Exception):
    """The document cannot be made into a PDF; the text says why."""


class PackageOnly(URLFetcher):
    """Gives out the files it was handed, by name, and stops the rendering at anything else.

    A refused address is fatal: a certificate from which something was silently left out must not exist.
    """

    def __init__(self, files):
        super().__init__(allowed_protocols=["mhac"], allow_redirects=False, fail_on_errors=True)
        self._files = files

    def fetch(self, url, headers=None):
        if url not in self._files:
            raise FatalURLFetchingError(f"A document may hold nothing from {url[:80]!r}.")
        kind, content = self._files[url]
        return URLFetcherResponse(url, content, {"Content-Type": kind})


def render(facts: dict, *, photo: bytes, seal_text: str, verify_url: str) -> bytes:
    """The PDF of `facts` (content.freeze) with the photo (JPEG) and the QR. Raises `Unprintable`."""
    _refuse_what_is_no_picture(photo)
    files = {"mhac:photo": ("image/jpeg", photo), "mhac:qr": ("image/png", qr(seal_text))}
    with translation.override("en"):
        html = render_to_string(f"certificates/{facts['kind']}.html", context_of(facts, verify_url))
    try:
        with _one_at_a_time:
            style, fonts, colours = _style()
            document = HTML(string=html, url_fetcher=PackageOnly(files), base_url="mhac:")
            return document.write_pdf(
                stylesheets=[style],
                font_config=fonts,
                color_profiles=colours,
                output_intent=OUTPUT_INTENT,
                pdf_variant=VARIANT,
                pdf_identifier=facts["number"].encode(),
                pdf_tags=True,
                presentational_hints=False,
            )
    except FatalURLFetchingError as why:
        raise Unprintable(str(why)) from None


def _refuse_what_is_no_picture(photo):
    # WeasyPrint would leave it out without a word, and a certificate must not be without its face.
    try:
        with Image.open(io.BytesIO(photo)) as picture:
            picture.load()
    except (OSError, ValueError, SyntaxError):
        raise Unprintable("The photo cannot be read. Take a new one.") from None


def qr(text: str) -> bytes:
    """A PNG of the QR code (never a Micro QR, which telephones do not read), 15 % error correction."""
    out = io.BytesIO()
    segno.make_qr(text, error="m").save(out, kind="png", scale=QR_SCALE, border=4)
    return out.getvalue()


def context_of(facts: dict, verify_url: str) -> dict:
    """What the templates show: the facts, their dates as dates, and the lines in three languages."""
    kind, person = facts["kind"], facts["person"]
    fit = facts["fit"] or {}
    travel = facts["travel"] or {}
    return {
        "facts": facts,
        "title": wording.TITLES[kind],
        "h": wording.HEADINGS,
        "result": _result(facts),
        "not_a_visa": wording.NOT_A_VISA,
        "valid_line": wording.VALID_UNTIL,
        "training_line": wording.TRAINING,
        "sex": wording.SEXES[person["sex"]],
        "born": _day(person["born"]),
        "born_from": _day(person["born_earliest"]),
        "born_to": _day(person["born_latest"]),
        "born_about": wording.BORN_ABOUT[person["birth_precision"]],
        "paper": person["document"] and wording.DOCUMENTS[person["document"]["kind"]],
        "paper_expires": person["document"] and _day(person["document"]["expires_on"]),
        "examined": _day(facts["examined"]),
        "examinations": [
            {**row, "name": wording.ITEMS[row["item"]], "on": [_day(day) for day in row["on"]]}
            for row in facts["examinations"]
        ],
        "grade": wording.GRADES.get(facts["grade"], ""),
        "category": wording.CATEGORIES.get(fit.get("category"), ""),
        "conditions": [wording.CONDITIONS[code] for code in fit.get("conditions", [])],
        "departure": _moment(travel.get("departure")),
        "mode": wording.MODES.get(travel.get("mode", "air")),
        "issued_on": _day(facts["issued_on"]),
        "valid_until": _day(facts["valid_until"]),
        "valid_fa": _hijri(facts["valid_until"], "fa-af"),
        "valid_ps": _hijri(facts["valid_until"], "ps"),
        "ends_at": _moment(facts["ends_at"]),
        "signed_at": _moment(facts["signed_at"]),
        "verify_url": verify_url,
        "unverified": bool(facts["unverified_rules"]) or not facts["edition_verified_by"],
    }


def _result(facts):
    if facts["kind"] == "fit_to_travel":
        return wording.RESULTS["fit" if facts["fit"]["category"] == "F1" else "fit_with_conditions"]
    return wording.RESULTS["complete" if facts["kind"] == "ime_summary" else "tb_cleared"]


def _day(text):
    return datetime.date.fromisoformat(text) if text else None


def _hijri(text, language):
    return solar_hijri(_day(text), language) if text else ""


def _moment(text):
    """A moment, or a day where no hour was written."""
    if text is None:
        return None
    return (
        datetime.date.fromisoformat(text) if len(text) == len("2026-11-21") else datetime.datetime.fromisoformat(text)
    )


@cache
def _style():
    """The one style sheet, the fonts and the colours it names, made once a process."""
    fonts, colours = FontConfiguration(), {}
    files = {f"mhac:{path.name}": ("font/ttf", path.read_bytes()) for path in FONTS.glob("*.ttf")}
    files["mhac:srgb"] = (
        "application/vnd.iccprofile",
        (resources.files("weasyprint.pdf") / "sRGB2014.icc").read_bytes(),
    )
    style = CSS(
        string=STYLE.read_text(encoding="utf-8"),
        font_config=fonts,
        color_profiles=colours,
        url_fetcher=PackageOnly(files),
        base_url="mhac:",
    )
    return style, fonts, colours
