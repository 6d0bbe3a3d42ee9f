"""The list that travels in a box: A4, the box's number and every accession as Code 128, names in whatever script."""

from django.template.loader import render_to_string
from django.utils import translation

from mhac.labs import labels
from mhac.labs.models import LabOrder

STYLE = labels.STYLE.with_name("packing.css")


def lines_of(manifest):
    """What lies in the box, in the order in which it was packed, each specimen with its `.tests`."""
    rows = manifest.lines.select_related("specimen__screening__patient", "specimen__clinic").order_by("pk")
    found = list(rows)
    tests = {}
    for order in LabOrder.objects.filter(specimen__in=[each.specimen_id for each in found]).select_related("test"):
        if order.state != LabOrder.State.CANCELLED:
            tests.setdefault(order.specimen_id, []).append(order.test)
    for each in found:
        each.tests, each.bars = tests.get(each.specimen_id, []), labels.bars(each.specimen.accession, height=8)
    return found


def pdf(manifest) -> bytes:
    """The list of one box (with `to`, `clinic` and people loaded) as PDF."""
    # WeasyPrint takes most of a second to import; only who prints waits for it.
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    # The list is read at the other end, whatever language was spoken at this one.
    with translation.override("en"):
        values = {"manifest": manifest, "lines": lines_of(manifest), "bars": labels.bars(manifest.number, height=10)}
        html = render_to_string("labs/packing_list.html", values)
    fetch, fonts = labels.fetcher(), FontConfiguration()
    sheet = STYLE.read_text(encoding="utf-8")
    style = CSS(string=sheet, base_url=STYLE.as_uri(), url_fetcher=fetch, font_config=fonts)
    return HTML(string=html, url_fetcher=fetch).write_pdf(stylesheets=[style], font_config=fonts)
