"""Rows as a CSV file that a spreadsheet opens as it is meant: Dari stays Dari, and no cell becomes a formula."""

import csv
import io

# What a spreadsheet takes for the beginning of a formula, in either width, and the signs that may hide it.
_DANGEROUS = frozenset("=+-@\t\r\n|%＝＋－＠")


def cell(value) -> str:
    """The value as text; one that a spreadsheet would calculate gets an apostrophe before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.lstrip(" \u00a0\u200e\u200f\ufeff")[:1] in _DANGEROUS and text.strip() else text


def csv_of(head, rows) -> bytes:
    """UTF-8 with its mark, as spreadsheets want it; every cell is quoted."""
    out = io.StringIO()
    lines = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    lines.writerow([cell(each) for each in head])
    lines.writerows([cell(each) for each in row] for row in rows)
    return out.getvalue().encode("utf-8-sig")
