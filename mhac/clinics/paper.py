"""A page of ours as PDF, with our own fonts and nothing from outside."""

from pathlib import Path

from django.conf import settings

FONTS = Path(settings.BASE_DIR) / "mhac" / "static" / "vendor" / "vazirmatn"


def pdf(html: str, style: Path) -> bytes:
    """The PDF of a whole page of HTML with the style sheet at `style`."""
    # WeasyPrint takes most of a second to import; only who prints waits for it.
    from weasyprint import CSS, HTML
    from weasyprint.text.fonts import FontConfiguration

    fetch, fonts = _fetcher(), FontConfiguration()
    sheet = CSS(string=style.read_text(encoding="utf-8"), base_url=style.as_uri(), url_fetcher=fetch, font_config=fonts)
    return HTML(string=html, url_fetcher=fetch).write_pdf(stylesheets=[sheet], font_config=fonts)


def _fetcher():
    from weasyprint.urls import FatalURLFetchingError, URLFetcher

    class Ours(URLFetcher):
        def fetch(self, url, headers=None):
            if not url.startswith(("data:", FONTS.as_uri() + "/")):
                raise FatalURLFetchingError(f"A paper refers to {url[:80]}, which is no font of ours.")
            return super().fetch(url, headers)

    return Ours()
