"""Tickets on paper, 80 mm wide, one for each person, in her language: the number, the day, the bars of the case.

Nothing on it says where somebody travels or what she is examined for: papers are lost on the way.
"""

from pathlib import Path
from zoneinfo import ZoneInfo

from django.template.loader import render_to_string
from django.utils import translation

from mhac.labs import labels

STYLE = Path(__file__).with_name("ticket.css")


def pdf(bookings) -> bytes:
    """The tickets of bookings that have arrived (with slot, site, case and person loaded), a page each."""
    # WeasyPrint takes most of a second to import; only who prints waits for it.
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    html = f"<!doctype html><title>MHAC</title>{''.join(map(_page, bookings))}"
    fetch, fonts = labels.fetcher(), FontConfiguration()
    sheet = STYLE.read_text(encoding="utf-8")
    style = CSS(string=sheet, base_url=STYLE.as_uri(), url_fetcher=fetch, font_config=fonts)
    return HTML(string=html, url_fetcher=fetch).write_pdf(stylesheets=[style], font_config=fonts)


def _page(booking):
    person, clinic = booking.screening.patient, booking.slot.clinic
    with translation.override(person.language):
        values = {
            "booking": booking,
            "person": person,
            "clinic": clinic,
            "came": f"{booking.arrived_at.astimezone(ZoneInfo(clinic.timezone)):%H:%M}",
            "bars": labels.bars(booking.screening.case.number, height=9),
            "language": translation.get_language(),
            "direction": "rtl" if translation.get_language_bidi() else "ltr",
        }
        return render_to_string("desk/ticket.html", values)
