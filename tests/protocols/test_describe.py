from pathlib import Path

from mhac.protocols.describe import page

from .made import PROGRAMMES

DOCS = Path(__file__).parents[2] / "docs" / "programmes.md"


def test_the_committed_page_is_the_generated_one():
    fresh = page(PROGRAMMES)
    assert DOCS.read_text(encoding="utf-8") == fresh, "Run: python -m mhac.protocols.describe > docs/programmes.md"


def test_every_edition_and_rule_is_on_the_page():
    text = page(PROGRAMMES)
    for key in PROGRAMMES:
        for edition in PROGRAMMES.editions(key):
            assert f"`{edition.key}`" in text
            assert all(f"`{row.rule}`" in text for row in (*edition.requires, *edition.proposes))
