"""Labels for tubes, as printed: one page of 50 x 25 mm for each tube, Code 128, in whatever script the name has.

A module of the bar code is two dots of a 203-dpi label printer wide, so that no bar falls between dots.
"""

import base64
from dataclasses import dataclass
from pathlib import Path

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from mhac.labs.models import Specimen

DOT_MM = 25.4 / 203
MODULE_MM = 2 * DOT_MM
BAR_HEIGHT_MM = 7.5
STYLE = Path(__file__).with_name("labels.css")
FONTS = settings.BASE_DIR / "mhac" / "static" / "vendor" / "vazirmatn"


@dataclass(frozen=True)
class Label:
    """What stands on one tube."""

    number: str
    specimen: Specimen
    part: str = ""  # which tube of a set

    @property
    def bars(self):
        return "data:image/svg+xml;base64," + base64.b64encode(_svg(self.number).encode()).decode()


def labels_of(specimens):
    """One label for each tube; the tubes of a set have a number of their own."""
    found = []
    for specimen in specimens:
        parts = list(specimen.tubes.all())
        found += [Label(each.number, specimen, each.get_tube_display()) for each in parts] or [
            Label(specimen.accession, specimen)
        ]
    return found


def pdf(specimens) -> bytes:
    """The labels of these specimens (with screening, patient, case and tubes loaded) as PDF, one page each."""
    # WeasyPrint takes most of a second to import; only who prints waits for it.
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    # A label is read by every laboratory on its way, not only by who printed it.
    with translation.override("en"):
        html = render_to_string("labs/labels.html", {"labels": labels_of(specimens)})
    fetch, fonts = _fetcher(), FontConfiguration()
    sheet = STYLE.read_text(encoding="utf-8")
    style = CSS(string=sheet, base_url=STYLE.as_uri(), url_fetcher=fetch, font_config=fonts)
    return HTML(string=html, url_fetcher=fetch).write_pdf(stylesheets=[style], font_config=fonts)


def _fetcher():
    """Our own fonts and what stands in the page itself; nothing else is ever fetched."""
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    class Ours(URLFetcher):
        def fetch(self, url, headers=None):
            if not url.startswith(("data:", FONTS.as_uri() + "/")):
                raise FatalURLFetchingError(f"A label refers to {url}, which is neither our font nor in the page.")
            return super().fetch(url, headers)

    return Ours()


def _modules(number) -> str:
    """The bar code of `number` as ones and zeros."""
    from barcode import Code128

    return Code128(number).build()[0]


def _svg(number):
    modules = _modules(number)
    bars = "".join(f'<rect x="{at}" width="1" height="1"/>' for at, one in enumerate(modules) if one == "1")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(modules)} 1" '
        f'preserveAspectRatio="none" width="{len(modules) * MODULE_MM:.4f}mm" height="{BAR_HEIGHT_MM}mm">{bars}</svg>'
    )
