"""Labels for tubes, as printed: one page of 50 x 25 mm for each tube, Code 128, in whatever script the name has.

A module of the bar code is two dots of a 203-dpi label printer wide, so that no bar falls between dots.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from zoneinfo import ZoneInfo

from django.conf import settings
from django.template.loader import render_to_string
from django.utils import translation

from mhac.labs.models import Specimen

DOT_MM = 25.4 / 203
MODULE_MM = 2 * DOT_MM
BAR_HEIGHT_MM = 7.5
MONTHS = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
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
        return bars(self.number)

    @property
    def lines(self):
        """What is printed under the number, in Latin letters."""
        patient, specimen = self.specimen.screening.patient, self.specimen
        years = {str(patient.born_earliest.year), str(patient.born_latest.year)}
        part = f" · {self.part}" if self.part else ""
        taken = specimen.collected_at.astimezone(ZoneInfo(specimen.clinic.timezone))
        return [
            f"{'/'.join(sorted(years))} · {specimen.tube.upper()}{part}",
            f"{taken:%d} {MONTHS[taken.month - 1]} {taken:%Y %H:%M} · {specimen.screening.case.number}",
        ]


def bars(number, *, height=BAR_HEIGHT_MM):
    """The Code 128 of `number` as an address that an image may have."""
    return "data:image/svg+xml;base64," + base64.b64encode(_svg(number, height).encode()).decode()


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
    fetch, fonts = fetcher(), FontConfiguration()
    sheet = STYLE.read_text(encoding="utf-8")
    style = CSS(string=sheet, base_url=STYLE.as_uri(), url_fetcher=fetch, font_config=fonts)
    return HTML(string=html, url_fetcher=fetch).write_pdf(stylesheets=[style], font_config=fonts)


def fetcher():
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


def _svg(number, height):
    modules = _modules(number)
    bars = "".join(f'<rect x="{at}" width="1" height="1"/>' for at, one in enumerate(modules) if one == "1")
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {len(modules)} 1" '
        f'preserveAspectRatio="none" width="{len(modules) * MODULE_MM:.4f}mm" height="{height}mm">{bars}</svg>'
    )


# For label printers that take no PDF: ZPL II, 203 dpi. Names are sent as pictures in our own font, because no two
# printers have the same letters of Arabic script in them, and none shapes them alike; figures are the printer's own.
DOTS = (400, 200)
MARGIN = 16
LINE = 26  # dots that a line of a name may be high


def zpl(specimens) -> str:
    """The labels of these specimens in ZPL II, 400 x 200 dots each."""
    with translation.override("en"):
        return "".join(_zpl(each) for each in labels_of(specimens))


def _zpl(label):
    patient, (first, second) = label.specimen.screening.patient, label.lines
    wide = (len(_modules(label.number)) + 1) * 2
    fields = ["^XA^CI28", f"^PW{DOTS[0]}^LL{DOTS[1]}^LH0,0"]
    fields += _picture(patient.name, 8, size=27, bold=True)
    fields += _picture(patient.native_name, 34, size=25, right=True)
    fields.append(f"^FO{(DOTS[0] - wide) // 2},66^BY2^BCN,58,N,N,N,A^FD{label.number}^FS")
    for top, size, words in ((128, 24, label.number), (152, 18, first), (173, 18, second)):
        fields.append(f"^FO{MARGIN},{top}^FB{DOTS[0] - 2 * MARGIN},1,0,C^A0N,{size},{size}^FH_^FD{_escaped(words)}^FS")
    return "\n".join([*fields, "^PQ1^XZ", ""])


def _escaped(words):
    """Signs that begin a command of the printer, as hexadecimal."""
    return "".join(f"_{ord(sign):02X}" if sign in "^~_" else sign for sign in words)


def _picture(words, top, *, size, bold=False, right=False):
    """One line of text as ^GFA, shaped, made smaller until it fits between the margins and above the next line."""
    if not words:
        return []
    from PIL import Image, ImageDraw, ImageFont

    path, room = FONTS / f"Vazirmatn-{'Bold' if bold else 'Regular'}.ttf", DOTS[0] - 2 * MARGIN
    direction = "rtl" if right else "ltr"
    for each in range(size, 7, -1):
        font = ImageFont.truetype(path, each, layout_engine=ImageFont.Layout.RAQM)
        left, up, end, down = font.getbbox(words, direction=direction)
        if end - left <= room and down - up <= LINE:
            break
    wide = -(-min(end - left, room) // 8) * 8
    image = Image.new("1", (wide, min(down - up, LINE)), 0)
    ImageDraw.Draw(image).text((-left, -up), words, fill=1, font=font, direction=direction)
    row, data = wide // 8, image.tobytes()
    start = DOTS[0] - MARGIN - wide if right else MARGIN
    return [f"^FO{start},{top}^GFA,{len(data)},{len(data)},{row},{data.hex().upper()}^FS"]
